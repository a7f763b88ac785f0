"""The items as arrays: what they share with one another, for the learned parts of retrieval."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from retrieval.domain import Domain
from retrieval.lexical import tokenize
from retrieval.types import Item

Floats = NDArray[np.float32]
Positions = NDArray[np.int32]

_YEAR = re.compile(r"^\d{4}")


class ItemTable:
    """Facets and titles of a catalogue, a row an item, in the order of ``ids``.

    Attributes:
        ids: of the items.
        positions: id -> row.
        lists: facet -> sparse (n, values), 1 where an item has a value; of the types list, people and text.
        values: facet -> value -> column of ``lists``.
        numbers: facet -> (n,), NaN where unknown; of the types year, number and date (its year).
    """

    def __init__(self, items: Iterable[Item], domain: Domain) -> None:
        """Read every facet once."""
        rows = list(items)
        self.ids = [item.id for item in rows]
        self.positions = {item_id: n for n, item_id in enumerate(self.ids)}
        self.lists: dict[str, Any] = {}
        self.values: dict[str, dict[str, int]] = {}
        self.numbers: dict[str, Floats] = {}
        for name, facet in domain.facets.items():
            if facet.type in ("year", "number", "date"):
                self.numbers[name] = np.array([_number(item.facets.get(name)) for item in rows], np.float32)
            else:
                self.values[name], self.lists[name] = _one_hot([[str(v) for v in item.values(name)] for item in rows])
        self.year = next((name for name, facet in domain.facets.items() if facet.type in ("year", "date")), None)
        self._titles = [sorted({t for title in item.titles.values() for t in tokenize(title)}) for item in rows]

    def __len__(self) -> int:
        """How many items."""
        return len(self.ids)

    @cached_property
    def titles(self) -> Any:
        """Sparse (n, words) rows of unit length, rare words weighing more: the product of two rows tells a sequel."""
        words, cells = _one_hot(self._titles)
        if not words:
            return cells
        rarity = 1 / np.log2(2 + np.asarray(cells.sum(axis=0)).ravel())
        weighted = cells.multiply(rarity[None, :]).tocsr()
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))).ravel()
        return weighted.multiply(1 / np.maximum(lengths, 1e-6)[:, None]).tocsr().astype(np.float32)

    def rows(self, ids: Sequence[str]) -> Positions:
        """Return the rows of those ids that are in the catalogue, in their order."""
        return np.array([self.positions[i] for i in ids if i in self.positions], np.int32)


def _number(value: object) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    found = _YEAR.match(value) if isinstance(value, str) else None
    return float(found[0]) if found else float("nan")


def _one_hot(rows: Sequence[Sequence[str]]) -> tuple[dict[str, int], Any]:
    columns: dict[str, int] = defaultdict(lambda: len(columns))
    pairs = sorted({(n, columns[value]) for n, values in enumerate(rows) for value in values})
    at = (np.array([n for n, _ in pairs], np.int32), np.array([c for _, c in pairs], np.int32))
    cells = sparse.csr_array((np.ones(len(pairs), np.float32), at), shape=(len(rows), max(len(columns), 1)))
    return dict(columns), cells
