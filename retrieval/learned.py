"""Everything that was learned for one catalogue from dialogues and logs, ready to answer queries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.collaborative import ItemItemIndex
from retrieval.encoder import EncodedItems, InterestEncoder
from retrieval.item_table import Floats, ItemTable, Positions
from retrieval.rank_features import RankFeatures, RankInput
from retrieval.ranker import LearnedRanker
from retrieval.types import Query

VERSION = 1
RANKED = "dense", "bm25", "history", "collaborative", "ease", "facets", "interest", "comention"  # channels the ranker reads
POOL, POOL_EACH = 400, 60  # candidates of the first channel, and of each other one, that the ranker orders


@dataclass(frozen=True)
class Learned:
    """What training found.

    Attributes:
        table: of the catalogue's items.
        vectors: (n, d) of their cards.
        comention: who is mentioned with whom; None: there were no dialogues.
        popularity: (n,) how often each item was a target.
        log_popularity: (n,) how strongly people in the log want each item, in sum.
        encoded: the interest encoder over the catalogue.
        ranker: the fusion; None: too little to learn from.
        similarities: of other channels, for the features (see :class:`retrieval.rank_features.RankFeatures`).
    """

    table: ItemTable
    vectors: Floats
    comention: ItemItemIndex | None
    popularity: Floats
    log_popularity: Floats
    encoded: EncodedItems | None
    ranker: LearnedRanker | None = None
    similarities: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @cached_property
    def unproved(self) -> frozenset[str]:
        """The items that nobody mentioned or used yet: nothing but their content speaks for them."""
        rows: list[int] = np.flatnonzero((self.popularity == 0) & (self.log_popularity == 0)).tolist()
        return frozenset(self.table.ids[row] for row in rows)

    @cached_property
    def prior(self) -> Floats:
        """(n,) how much an item is wanted at all: logarithms of what dialogues and the log count, added."""
        return (np.log1p(self.popularity) + 0.5 * np.log1p(self.log_popularity)).astype(np.float32)

    @cached_property
    def features(self) -> RankFeatures:
        """The maker of the ranker's features."""
        similarities: dict[str, Any] = {"vectors": self._centred, **self.similarities}
        if self.comention is not None:
            similarities["comention"] = self.comention.matrix(self.table.positions)
        priors = {"popularity": np.log1p(self.popularity), "log_popularity": np.log1p(self.log_popularity)}
        return RankFeatures(self.table, RANKED, similarities, priors)

    @cached_property
    def _centred(self) -> Floats:
        rows = self.vectors - self.vectors.mean(axis=0)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)

    def order(self, query: Query, channels: Mapping[str, Floats], count: int) -> tuple[list[str], Floats]:
        """Order the candidates by the ranker.

        Args:
            query: what is asked.
            channels: name -> (n,) scores of every channel, NaN where one says nothing or an item may not be shown.
            count: how many are wanted.

        Returns:
            Ids, best first, and their (count, features) rows, which :meth:`LearnedRanker.contributions` explains.
        """
        assert self.ranker is not None
        rows = pool(channels)
        features = self.features.matrix(rank_input(query, channels, self.table), rows)
        scores = self.ranker.scores(features)
        best = np.lexsort((rows, -scores))[:count]
        chosen: list[int] = rows[best].tolist()
        return [self.table.ids[row] for row in chosen], features[best]

    # -- on disk ----------------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            folder / "popularity.npz",
            popularity=self.popularity,
            log_popularity=self.log_popularity,
            prior=self.encoded.prior if self.encoded else np.zeros(0, np.float32),
        )
        if self.comention is not None:
            self.comention.save(folder / "comention")
        if self.encoded is not None:
            self.encoded.encoder.save(folder / "encoder")
        if self.ranker is not None:
            self.ranker.save(folder / "ranker")
        (folder / "items.json").write_text(json.dumps(self.table.ids), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, table: ItemTable, vectors: Floats, similarities: Mapping[str, Any] | None = None) -> Learned:
        """Read what :meth:`save` wrote, for the same catalogue or a later version of it: new items are scored by content."""
        ids = json.loads((folder / "items.json").read_text(encoding="utf-8"))
        place = table.rows(ids)
        kept = np.array([item_id in table.positions for item_id in ids], bool)

        def moved(values: Floats, default: float) -> Floats:
            array = np.full(len(table), default, np.float32)
            array[place] = values[kept]
            return array

        with np.load(folder / "popularity.npz") as stored:
            popularity, log_popularity = moved(stored["popularity"], 0), moved(stored["log_popularity"], 0)
            prior = moved(stored["prior"], float(np.median(stored["prior"]))) if stored["prior"].size else None
        encoder = InterestEncoder.load(folder / "encoder") if (folder / "encoder").is_dir() else None
        return cls(
            table,
            vectors,
            ItemItemIndex.load(folder / "comention") if (folder / "comention").is_dir() else None,
            popularity,
            log_popularity,
            encoder.over(table, vectors, prior) if encoder else None,
            LearnedRanker.load(folder / "ranker") if (folder / "ranker").is_dir() else None,
            similarities or {},
        )


def wished(query: Query) -> list[tuple[str, str]]:
    """Return the (facet, value) pairs that a query asks for, as wishes or as constraints."""
    pairs = [(wish.field, wish.value) for wish in query.wishes]
    pairs += [(c.field, str(v)) for c in query.constraints if c.op in ("includes", "any_of") for v in c.values]
    return list(dict.fromkeys(pairs))


def rank_input(query: Query, channels: Mapping[str, Floats], table: ItemTable) -> RankInput:
    """Return a query as the ranker reads it."""
    return RankInput(channels, table.rows(query.liked), wished(query), 1 + len(query.context))


def pool(channels: Mapping[str, Floats], first: int = POOL, each: int = POOL_EACH) -> Positions:
    """Return the rows of the candidates: the best of every channel, more of the interest encoder.

    Args:
        channels: name -> (n,) scores, NaN where a channel says nothing or an item may not be shown.
        first: of the channel "interest".
        each: of every other channel.
    """
    chosen: list[Positions] = []
    for name, scores in channels.items():
        usable = np.flatnonzero(~np.isnan(scores))
        count = first if name == "interest" else each
        if len(usable) > count:
            usable = usable[np.argpartition(-scores[usable], count)[:count]]
        chosen.append(usable.astype(np.int32))
    return np.unique(np.concatenate(chosen)).astype(np.int32) if chosen else np.zeros(0, np.int32)
