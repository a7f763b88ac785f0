"""What the learned ranker sees of a candidate: every channel's score and rank, and what it shares with what is liked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrieval.item_table import Floats, ItemTable, Positions

LIKED = 10  # the latest liked items that are compared
RANK_LIMIT = 1000  # ranks behind it are one
_HALVING = 0.8  # how much less each earlier liked item counts


@dataclass(frozen=True, slots=True)
class RankInput:
    """A query as the ranker needs it.

    Attributes:
        channels: name -> (n,) scores over the whole catalogue, NaN where the channel says nothing.
        liked: rows of the liked items, the last one last.
        wishes: (facet, value) pairs.
        turns: how many messages were read.
    """

    channels: Mapping[str, Floats]
    liked: Positions
    wishes: Sequence[tuple[str, str]] = ()
    turns: int = 0


@dataclass(frozen=True, slots=True)
class RankFeatures:
    """Makes the features of candidates.

    Attributes:
        table: of the items.
        channels: names of the channels, in order.
        similarities: name -> an (n, n) sparse matrix, or an (n, d) array whose products are similarities.
        priors: name -> (n,) what is known of every item, such as its popularity.
    """

    table: ItemTable
    channels: Sequence[str]
    similarities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    priors: Mapping[str, Floats] = field(default_factory=dict[str, Floats])

    @property
    def names(self) -> list[str]:
        """The names of the columns of :meth:`matrix`."""
        names = [f"{channel}.{what}" for channel in self.channels for what in ("score", "rank")]
        pairs = [*self.similarities, *self.table.lists, "title"]
        names += [f"{name}.{what}" for name in pairs for what in ("mean", "max", "last")]
        names += [f"{name}.wished" for name in self.table.lists]
        names += [f"{name}.{what}" for name in self.table.numbers for what in ("", "mean", "last")]
        names += [*self.priors, *(f"{name}.liked" for name in self.priors)]
        return [*names, "liked", "wishes", "turns"]

    def matrix(self, query: RankInput, rows: Positions) -> Floats:
        """Return (candidates, features).

        Args:
            query: see :class:`RankInput`.
            rows: of the candidates.
        """
        liked = query.liked[-LIKED:]
        columns: list[Any] = []
        for channel in self.channels:
            scores = query.channels.get(channel)
            columns += _channel(scores, rows) if scores is not None else [np.full(len(rows), np.nan)] * 2
        for similarity in self.similarities.values():
            columns += _compare(_similar(similarity, rows, liked))
        for cells in (*self.table.lists.values(), self.table.titles):
            columns += _compare((cells[rows] @ cells[liked].T).toarray())
        for name, cells in self.table.lists.items():
            wanted = [self.table.values[name][v] for f, v in query.wishes if f == name and v in self.table.values[name]]
            columns.append(cells[rows][:, wanted].sum(axis=1) if wanted else np.zeros(len(rows)))
        for numbers in self.table.numbers.values():
            own, theirs = numbers[rows], numbers[liked]
            known = theirs[~np.isnan(theirs)]
            columns += [own, np.abs(own - known.mean()) if len(known) else np.full(len(rows), np.nan)]
            columns.append(own - known[-1] if len(known) else np.full(len(rows), np.nan))
        for prior in self.priors.values():
            columns.append(prior[rows])
        for prior in self.priors.values():
            columns.append(np.full(len(rows), prior[liked].mean() if len(liked) else np.nan))
        columns += [np.full(len(rows), count) for count in (len(liked), len(query.wishes), query.turns)]
        return np.column_stack(columns).astype(np.float32)


def _channel(scores: Floats, rows: Positions) -> list[Floats]:
    """The candidates' scores, and the logarithms of their ranks: 1 + how many items of the catalogue score more."""
    known = np.sort(scores[~np.isnan(scores)])
    own = scores[rows]
    ranks = 1 + len(known) - np.searchsorted(known, own, side="right")
    return [own, np.where(np.isnan(own), np.nan, np.log(np.minimum(ranks, RANK_LIMIT))).astype(np.float32)]


def _similar(similarity: Any, rows: Positions, liked: Positions) -> Any:
    if not hasattr(similarity, "toarray"):
        return similarity[rows] @ similarity[liked].T
    return similarity[liked].toarray()[:, rows].T


def _compare(products: Floats) -> list[Floats]:
    if not products.shape[1]:
        return [np.full(len(products), np.nan, np.float32)] * 3
    weights = np.asarray([_HALVING**n for n in reversed(range(products.shape[1]))], np.float32)
    return [products @ (weights / weights.sum()), products.max(axis=1), products[:, -1]]
