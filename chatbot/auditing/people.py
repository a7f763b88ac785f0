"""Reads to which groups people belong from any table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from retrieval.errors import SettingsError
from retrieval.tables.reader import BadRow, open_table

_BANDS = 4  # of a column of numbers: as many people in each
_MOST = 12  # values of a column that are groups as they are


def read_groups(path: Path, person: str, columns: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return name of the grouping -> user -> group; a column of many numbers is cut into four bands of equal size.

    Args:
        path: a table, with a row a person.
        person: the column with the names that the log uses.
        columns: name of the grouping -> its column.

    Raises:
        SettingsError: a column is missing.
        CatalogError: the file cannot be read.
    """
    table = open_table(path)
    rows = [row for _, row in table if not isinstance(row, BadRow)]
    found: dict[str, dict[str, str]] = {}
    for name, column in columns.items():
        for needed in (person, column):
            if needed not in table.columns:
                raise SettingsError(f"{path} has no column '{needed}'. Its columns: {', '.join(table.columns)}.")
        pairs = [(str(row[person]), str(row[column]).strip()) for row in rows if row.get(column) not in (None, "")]
        found[name] = _banded(pairs)
    return found


def _banded(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    values = {value for _, value in pairs}
    try:
        numbers = [float(value) for _, value in pairs]
    except ValueError:
        return dict(pairs)
    if len(values) <= _MOST:
        return dict(pairs)
    edges = np.quantile(numbers, np.linspace(0, 1, _BANDS + 1))
    names: list[str] = []
    for n in range(_BANDS):
        first, last = edges[n] if n == 0 else np.floor(edges[n]) + 1, np.floor(edges[n + 1])
        names.append(f"{first:g} to {last:g}")
    places = np.clip(np.searchsorted(np.floor(edges[1:-1]), numbers, side="left"), 0, _BANDS - 1)
    return {user: names[place] for (user, _), place in zip(pairs, places.tolist(), strict=True)}
