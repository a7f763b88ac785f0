"""The item-item channel: what people who want one item want besides, learned from the imported log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from scipy import sparse

from retrieval.interactions import InteractionLog

NEIGHBOURS = 50
SHRINKAGE = 10.0
_CELLS = 4_000_000  # of similarities computed at once: 32 MB

Numbers = npt.NDArray[np.int32]
Weights = npt.NDArray[np.float32]


class ItemItemIndex:
    """The nearest neighbours of every item that somebody wants, by the cosine of the people who want them.

    The similarity of two items is x·y / (|x| |y| + h), where x and y hold the strength of every person for them and h is
    :data:`SHRINKAGE`: few common people say less than their cosine. Item-item neighbourhoods are those of Sarwar, Karypis,
    Konstan and Riedl (WWW 2001) and of Deshpande and Karypis (TOIS 2004); the shrinkage is that of Ferrari Dacrema, Cremonesi
    and Jannach (RecSys 2019), section 3.1.
    """

    def __init__(self, ids: Sequence[str], neighbours: Numbers, weights: Weights) -> None:
        """Hold what :meth:`from_matrix` found.

        Args:
            ids: of the items, n.
            neighbours: (n, k) positions in ``ids``, nearest first; -1 where there are fewer.
            weights: (n, k) similarities, 0 where there is no neighbour.
        """
        self.ids, self.neighbours, self.weights = list(ids), neighbours, weights
        self._positions = {item_id: n for n, item_id in enumerate(self.ids)}

    def __len__(self) -> int:
        """How many items have events."""
        return len(self.ids)

    @classmethod
    def from_rows(cls, ids: Sequence[str], rows: Iterable[tuple[Any, Any]], k: int) -> ItemItemIndex:
        """Hold at most k neighbours of every item.

        Args:
            ids: of the n items.
            rows: for each of them, in their order, positions of its neighbours, nearest first, and their weights.
            k: how many at most.
        """
        neighbours, weights = np.full((len(ids), k), -1, np.int32), np.zeros((len(ids), k), np.float32)
        for row, (near, values) in enumerate(rows):
            neighbours[row, : len(near)], weights[row, : len(near)] = near, values
        return cls(ids, neighbours, weights)

    @classmethod
    def from_matrix(cls, ids: Sequence[str], wanted: Any) -> ItemItemIndex:
        """Learn from strengths: of people for items, or of whatever names several items at once, such as conversations.

        Args:
            ids: of the columns.
            wanted: a sparse matrix, (people, items), of float32.
        """
        k = min(NEIGHBOURS, max(len(ids) - 1, 0))
        return cls.from_rows(ids, _cosines(wanted, k) if k else (), k)

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "neighbours.npy", self.neighbours)
        np.save(folder / "weights.npy", self.weights)
        (folder / "ids.json").write_bytes(orjson.dumps(self.ids))

    @classmethod
    def load(cls, folder: Path) -> ItemItemIndex:
        """Read what :meth:`save` wrote; the arrays stay on disk until they are looked at."""
        neighbours, weights = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("neighbours", "weights"))
        return cls(orjson.loads((folder / "ids.json").read_bytes()), neighbours, weights)

    def scores(self, liked: Sequence[str], exclude: Collection[str] = frozenset()) -> dict[str, float]:
        """Return for every neighbour of the liked items the sum of its similarities to them.

        Args:
            liked: ids; unknown ones and those without events say nothing.
            exclude: ids that are left out, besides those liked.
        """
        scores: dict[str, float] = {}
        for position in sorted({p for item_id in liked if (p := self._positions.get(item_id)) is not None}):
            neighbours: list[int] = self.neighbours[position].tolist()
            weights: list[float] = self.weights[position].tolist()
            for neighbour, weight in zip(neighbours, weights, strict=True):
                if neighbour >= 0:
                    scores[self.ids[neighbour]] = scores.get(self.ids[neighbour], 0.0) + weight
        left_out = {*liked, *exclude}
        return {item_id: score for item_id, score in scores.items() if item_id not in left_out}

    def matrix(self, positions: Mapping[str, int]) -> Any:
        """Return the similarities as a sparse (n, n) array over a catalogue.

        Args:
            positions: id -> row, for all n items of the catalogue; neighbours that are not in it are left out.
        """
        place = np.array([positions.get(item_id, -1) for item_id in self.ids], np.int64)
        own, nth = np.nonzero(self.neighbours >= 0)
        rows, columns = place[own], place[self.neighbours[own, nth]]
        here = (rows >= 0) & (columns >= 0)
        cells = (np.asarray(self.weights)[own, nth][here], (rows[here], columns[here]))
        return sparse.csr_array(cells, shape=(len(positions), len(positions)))


def _cosines(wanted: Any, k: int) -> Iterator[tuple[Any, Any]]:
    """Yield the k nearest of every column, with their shrunk cosines."""
    n = wanted.shape[1]
    norms = np.sqrt(np.asarray(wanted.multiply(wanted).sum(axis=0), np.float32).ravel())
    items: Any = wanted.T.tocsr()
    step = max(1, _CELLS // n)
    for start in range(0, n, step):
        block = (items[start : start + step] @ wanted).toarray()
        block /= norms[start : start + step, None] * norms[None, :] + SHRINKAGE
        for row, similarities in enumerate(block, start):
            similarities[row] = 0
            best = largest(similarities, k)
            yield best, similarities[best]


def strength_matrix(ids: Sequence[str], log: InteractionLog, hidden: Collection[tuple[str, str]] = ()) -> tuple[Any, list[int]]:
    """Return the strengths as sparse (people, items) of float32, and the items with events, as positions in ``ids``.

    Args:
        ids: of the catalogue; other items do not count.
        log: whose strengths count.
        hidden: pairs of person and item that do not count.
    """
    positions = {item_id: n for n, item_id in enumerate(ids)}
    rows: list[Numbers] = []
    columns: list[Numbers] = []
    values: list[Weights] = []
    people, last = 0, None
    for users, items, strengths in log.strengths():
        column = np.fromiter((positions.get(item, -1) for item in items), np.int32, len(items))
        if hidden:
            column[[pair in hidden for pair in zip(users, items, strict=True)]] = -1
        changes = np.concatenate([[users[0] != last], users[1:] != users[:-1]]).astype(np.int32)
        row = np.cumsum(changes, dtype=np.int32) + np.int32(people - 1)
        people, last = int(row[-1]) + 1, users[-1]
        known = column >= 0
        rows.append(row[known])
        columns.append(column[known])
        values.append(strengths[known].astype(np.float32))
    if not people or not any(len(column) for column in columns):
        return sparse.csr_matrix((0, 0), dtype=np.float32), []
    present, column = np.unique(np.concatenate(columns), return_inverse=True)
    cells = (np.concatenate(values), (np.concatenate(rows), column))
    return sparse.csr_matrix(cells, shape=(people, len(present)), dtype=np.float32), present.tolist()


def whole_matrix(ids: Sequence[str], log: InteractionLog, hidden: Collection[tuple[str, str]] = ()) -> Any | None:
    """Return the strengths of :func:`strength_matrix` as (people, n) over all items; None without a log."""
    if not log.version:
        return None
    cells, present = strength_matrix(ids, log, hidden)
    if not present:
        return None
    cells = cells.tocoo()
    at = (cells.row, np.array(present)[cells.col])
    return sparse.csr_matrix((cells.data, at), shape=(cells.shape[0], len(ids)), dtype=np.float32)


def largest(values: Weights, k: int) -> npt.NDArray[np.intp]:
    """Return where the k largest values above 0 stand, largest first, equal ones in their order."""
    if not k:
        return np.zeros(0, np.intp)
    bound = max(float(np.partition(values, -k)[-k]), 0.0)
    found = np.flatnonzero((values >= bound) & (values > 0))
    return found[np.argsort(-values[found], kind="stable")][:k]
