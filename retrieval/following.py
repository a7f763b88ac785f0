"""What follows what: how often one item comes soon after another in people's histories."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from retrieval.collaborative import NEIGHBOURS, ItemItemIndex, largest

LAGS = 10  # items apart that still follow each other
BACKWARDS = 0.5
_SHRINKAGE = 10.0
_AT_ONCE = 20_000  # people counted at once


def transitions(people: Sequence[npt.NDArray[Any]], n: int, backwards: float = BACKWARDS) -> Any:
    """Return sparse (n, n): how often the second follows the first, within :data:`LAGS` items.

    A distance of d counts 1/d; the sum is divided by the root of how often both occur, as a cosine is.

    Args:
        people: rows of what each came to want, oldest first.
        n: how many items there are.
        backwards: how much an item that comes before counts as one that follows.
    """
    total: Any = sparse.csr_matrix((n, n))
    for start in range(0, len(people), _AT_ONCE):
        part = people[start : start + _AT_ONCE]
        for lag in range(1, LAGS + 1):
            first, second = (np.concatenate([rows[a:b] for rows in part]) for a, b in ((None, -lag), (lag, None)))
            total = total + sparse.csr_matrix((np.full(len(first), 1.0 / lag), (first, second)), shape=(n, n))
    counts = np.bincount(np.concatenate([*people, np.zeros(0, np.int32)]), minlength=n)
    places, usual = np.arange(n), 1.0 / np.sqrt(np.maximum(counts, 1) + _SHRINKAGE)
    scale: Any = sparse.csr_matrix((usual, (places, places)), shape=(n, n))
    return (scale @ (total + backwards * total.T) @ scale).tocsr()


def following_index(ids: Sequence[str], people: Sequence[npt.NDArray[Any]]) -> ItemItemIndex:
    """Keep what follows each item most.

    Args:
        ids: of the n items.
        people: see :func:`transitions`.
    """
    return ItemItemIndex.from_rows(ids, _nearest(transitions(people, len(ids))), NEIGHBOURS)


def _nearest(follows: Any) -> Iterator[tuple[Any, Any]]:
    for row in range(follows.shape[0]):
        cells = slice(follows.indptr[row], follows.indptr[row + 1])
        near = follows.indices[cells]
        values = np.where(near == row, 0, follows.data[cells]).astype(np.float32)
        best = largest(values, min(NEIGHBOURS, len(values)))
        yield near[best], values[best]


def follow(index: ItemItemIndex, recent: Sequence[str], known: Collection[str] = frozenset()) -> dict[str, float]:
    """Return what follows the latest items, the last one counting most: id -> score.

    Args:
        index: by :func:`following_index`.
        recent: ids, the last one last.
        known: ids that are left out.
    """
    scores: dict[str, float] = {}
    for distance, item in enumerate(reversed(recent[-LAGS:]), 1):
        for other, weight in index.scores([item], known).items():
            scores[other] = scores.get(other, 0.0) + weight / distance
    return scores
