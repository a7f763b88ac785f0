"""Some rows of a table, spread over it, and what hides in them: tables in a file, objects in cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from retrieval.cells import plain_id
from retrieval.errors import CatalogError
from retrieval.inspection.columns import ColumnProfile, profile
from retrieval.inspection.values import as_list, width
from retrieval.inspection.words import Base, recognise, role, says, tokens
from retrieval.tables.base import exploded
from retrieval.tables.bytes import guarded, opened
from retrieval.tables.reader import BadRow, Source, open_table

_SPREAD = 20  # so many rows are read for each that is looked at, so that a sorted table is not judged by its beginning
_DEPTH = 3  # of objects in objects in which columns are looked for
_LOOKED = 200  # cells of objects that are looked into
_PROSE = 60  # characters of a text inside an object
_TABLES = 20  # of an SQLite file that are looked at
_HOST = re.compile(r"(?:https?:)?//([\w.-]+)")
_SQLITE = b"SQLite format 3\0"
_LISTED = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """Some rows of a table, and what its columns look like.

    Attributes:
        path: of the table.
        source: how it is read, with what was detected.
        rows: those looked at.
        bad: how many rows could not be read on the way.
        profiles: column -> what it looks like.
        base: the domain that it speaks the words of.
    """

    path: Path
    source: Source
    rows: Sequence[Row]
    bad: int
    profiles: Mapping[str, ColumnProfile]
    base: Base

    def values(self, column: str) -> list[Any]:
        """The values of a column, None where a row has none."""
        return [row.get(column) for row in self.rows]

    def distinct(self, columns: Sequence[str]) -> float:
        """The share of the rows whose values in some columns stand in no row above."""
        keys = {tuple(plain_id(row.get(column)) for column in columns) for row in self.rows}
        return len(keys) / max(len(self.rows), 1)

    def same(self, key: str, column: str) -> float:
        """The share of the rows with a value of ``key`` that stood before which repeat its value of ``column``, too."""
        first: dict[str, str] = {}
        again = same = 0
        for row in self.rows:
            value, other = plain_id(row.get(key)), str(row.get(column))
            if value in first:
                again += 1
                same += first[value] == other
            else:
                first[value] = other
        return same / again if again else 1.0


def take_sample(path: Path, source: Source, size: int) -> Sample:
    """Read some rows.

    Raises:
        CatalogError: the file cannot be read, or no row can.
    """
    table = open_table(path, source)
    rows, bad = _read(table, size)
    if not rows and not bad:
        raise CatalogError(path, None, None, "holds no rows")
    if not rows:
        raise CatalogError(path, None, None, f"none of its first {bad} rows can be read. Say how with [source] in a mapping.")
    return _look(path, table.source, table.columns, rows, bad)


def _read(table: Iterable[tuple[int, Row | BadRow]], size: int) -> tuple[list[Row], int]:
    """Read rows, and keep ever fewer of them as there are more, so that those kept are spread evenly."""
    kept: list[Row] = []
    step, bad = 1, 0
    for count, (_, row) in enumerate(table):
        if count >= size * _SPREAD:
            break
        if isinstance(row, BadRow):
            bad += 1
        elif count % step == 0:
            kept.append(row)
            if len(kept) >= 2 * size:
                kept, step = kept[::2], 2 * step
    return _spread(kept, size), bad


def _spread(rows: Sequence[Row], size: int) -> list[Row]:
    return [rows[len(rows) * n // size] for n in range(size)] if len(rows) > size else list(rows)


def _look(path: Path, source: Source, columns: Sequence[str], rows: Sequence[Row], bad: int) -> Sample:
    present = dict.fromkeys(name for row in rows for name in row)
    names = [*(name for name in columns if name in present), *(name for name in present if name not in columns)]
    profiles = {name: profile(name, [row.get(name) for row in rows]) for name in names}
    lists = [column.common for column in profiles.values() if column.type == "list"]
    addresses = [value for column in profiles.values() if column.type in ("url", "picture") for value in column.common[:10]]
    hosts = [host[1] for address in addresses if (host := _HOST.match(address))]
    return Sample(path, source, rows, bad, profiles, recognise([*profiles, *hosts], path, lists))


def tables_of(path: Path, source: Source) -> list[str]:
    """The names of the tables of an SQLite file where none was chosen; nothing for any other file.

    Raises:
        CatalogError: the file cannot be read.
    """
    if source.table or source.query:
        return []
    with guarded(path), opened(path) as (data, _):
        if not data.peek(len(_SQLITE)).startswith(_SQLITE):
            return []
    rows = (row for _, row in open_table(path, Source(query=_LISTED)) if not isinstance(row, BadRow))
    return [str(row["name"]) for row in rows][:_TABLES]


# -- objects in cells -------------------------------------------------------------------------------------------------


def open_objects(sample: Sample, size: int, *, title: bool) -> Sample | None:
    """Make columns of the objects in cells that hold a title, or a text; None when no cell does."""
    nested = [name for name, column in sample.profiles.items() if column.type in ("object", "objects")]
    if title:
        found = [name for name in nested if any(_holds_title(cell, _DEPTH) for cell in sample.values(name)[:_LOOKED])]
    else:
        single = [name for name in nested if sample.profiles[name].type == "object"]
        found = [name for name in single if _holds_text(sample.values(name)[:_LOOKED])]
    if not found:
        return None
    rows = [row for _, row in exploded(((0, dict(row)) for row in sample.rows), found) if not isinstance(row, BadRow)]
    rows = [
        {name: cell for name, cell in row.items() if name not in found or cell} for row in rows
    ]  # an empty one is left over
    source = sample.source.model_copy(update={"explode": (*sample.source.explode, *found)})
    return _look(sample.path, source, tuple(sample.profiles), _spread(rows, size), sample.bad)


def _objects(cell: Any) -> list[Row]:
    elements: list[Any] = [cell] if isinstance(cell, dict) else as_list(cell) or []
    found = [cast("Row", element) for element in elements if isinstance(element, dict)]
    if len(found) == 1 and found[0] and all(isinstance(value, dict) for value in found[0].values()):
        return [cast("Row", value) for value in found[0].values()]
    return found


def _holds_title(cell: Any, depth: int) -> bool:
    if not isinstance(cell, (dict, list)):  # an object written as text cannot be opened
        return False
    entries = [entry for element in _objects(cell)[:20] for entry in element.items()]
    if any(isinstance(value, str) and _is_title(key) for key, value in entries):
        return True
    return depth > 1 and any(_holds_title(value, depth - 1) for _, value in entries)


def _is_title(key: str) -> bool:
    named = tokens(key)
    return role(named, "title") >= 0.8 and not says(named, "popularity") and "review" not in named


def _holds_text(cells: Sequence[Any]) -> bool:
    objects = [element for cell in cells for element in (_objects(cell) if isinstance(cell, dict) else [])]
    texts = [value for element in objects for value in element.values() if isinstance(value, str)]
    flat = all(not isinstance(value, (dict, list)) for element in objects for value in element.values())
    return bool(texts) and flat and sum(map(width, texts)) / len(texts) >= _PROSE
