"""Retrieval of one query: constraints, channels, their union, fusion, diversity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from retrieval.calibration import calibrated, shares
from retrieval.channels import Search, as_arrays, best, find_all, rank_all
from retrieval.constraints import satisfies_all
from retrieval.diversity import maximal_marginal_relevance, proportional
from retrieval.domain import PEOPLE
from retrieval.facet_columns import Mask, left_without, relax
from retrieval.freshness import freshness
from retrieval.fusion import points, ranking, reciprocal_rank_fusion
from retrieval.index import CatalogIndex
from retrieval.item_table import Floats
from retrieval.learned import Learned
from retrieval.ranker import LearnedRanker
from retrieval.sequence_store import NEXT
from retrieval.types import Candidate, ChannelScore, Constraint, Item, Query, Retrieval

Channels: TypeAlias = "Mapping[str, Mapping[str, ChannelScore]]"
CONTRIBUTIONS = 5  # features named with a candidate
CONTENT = "dense", "bm25", "history", "facets"  # channels that need no behaviour
DEFAULT_WEIGHTS = {
    "dense": 1.0,
    "bm25": 0.8,
    "history": 1.5,
    "facets": 1.2,
    "collaborative": 1.0,
    "ease": 1.0,
    "interest": 2.0,
    "comention": 1.0,
    "sequence": 1.0,
    "following": 1.0,
    "popularity": 0.0,  # measured: it lowers the fusion (docs/experiments.md)
}


@dataclass(frozen=True, slots=True)
class Retriever:
    """Finds candidates for a query in one index. Holds no state of a conversation."""

    index: CatalogIndex
    weights: Mapping[str, float] | None = None
    trade_off: float = 0.8
    explore: float = 0.1  # share of a reply for items that nobody used yet, where there is a learned order
    calibration: float = 0.0  # how much the kinds of a list follow those of what is liked, where nothing is asked for

    @property
    def _weights(self) -> Mapping[str, float]:
        return DEFAULT_WEIGHTS if self.weights is None else self.weights

    def _candidate(self, item: Item, score: float, channels: Channels) -> Candidate:
        own = {name: ranking[item.id] for name, ranking in channels.items() if item.id in ranking}
        parts = {name: points(entry.rank, self._weights.get(name, 1.0)) for name, entry in own.items()}
        total = sum(parts.values())
        return Candidate(item, score, own, shares={name: part / total for name, part in parts.items() if part})

    def retrieve(self, query: Query) -> Retrieval:
        """Return up to ``query.k`` candidates, best first, each of which keeps every constraint that was not relaxed."""
        columns = self.index.columns
        free = columns.without(query.exclude)
        kept, dropped, allowed = relax(columns, query.constraints, free, enough=1)
        if not allowed.any():
            return Retrieval((), dropped, left_without(columns, query.constraints, free))
        search = Search(self.index, query, allowed, self.index.learned)
        found = find_all(search)
        channels = rank_all(search, found)
        fused = reciprocal_rank_fusion(channels, self._weights)
        explained: dict[str, Floats] = {}
        learned = self.index.learned
        ranker = learned.ranker if learned is not None else None
        if learned is not None and ranker is not None:
            ordered, features = learned.order(query, as_arrays(found, len(columns)), max(3 * query.k, 30))
            explained = dict(zip(ordered, features, strict=True))
            rankings = {"learned": ranking({item_id: -float(rank) for rank, item_id in enumerate(ordered)})}
            if not query.asks:  # the learned order does not read them (0013)
                rankings |= {name: channels[name] for name in NEXT if name in channels}
            places = reciprocal_rank_fusion(rankings)
            fused = {**places, **{item_id: 0.0 for item_id in fused if item_id not in places}}
        fused = self._fresh(fused)
        if len(fused) < query.k:
            fused |= dict.fromkeys(self._unfound(allowed, fused, 3 * query.k), 0.0)
        pool = [
            self._candidate(item, fused[item.id], channels)
            for item in (self.index.items[item_id] for item_id in list(fused)[: max(3 * query.k, 30)])
            if satisfies_all(item, kept, self.index.domain)  # masks chose it; the promise is checked on the item itself
        ]
        chosen = self.choose(pool, query)
        if learned is not None and ranker is not None:
            chosen = self._with_unproved(chosen, channels, kept, learned, int(query.k * self.explore))
            chosen = _explain(chosen, ranker, explained)
        return Retrieval(tuple(chosen), dropped)

    def _with_unproved(
        self, chosen: list[Candidate], channels: Channels, kept: Sequence[Constraint], learned: Learned, slots: int
    ) -> list[Candidate]:
        """Let the nearest items that nobody used yet take the last places: an order learned from use never would."""
        missing = slots - sum(c.item.id in learned.unproved for c in chosen)
        taken = {c.item.id for c in chosen}
        content = {name: ranking for name, ranking in channels.items() if name in CONTENT}
        near = (i for i in reciprocal_rank_fusion(content) if i in learned.unproved and i not in taken)
        fresh = [
            self._candidate(item, chosen[-1].score, channels)
            for item in (self.index.items[item_id] for item_id in near)
            if satisfies_all(item, kept, self.index.domain)
        ][: max(missing, 0)]
        return [*chosen[: len(chosen) - len(fresh)], *fresh]

    def _fresh(self, fused: dict[str, float]) -> dict[str, float]:
        """Let scores grow old with their items, where the domain says how fast."""
        domain, items = self.index.domain, self.index.items
        if domain.freshness is None:
            return fused
        today = self.index.columns.today()
        return dict(sorted(((i, s * freshness(items[i], domain, today)) for i, s in fused.items()), key=lambda pair: -pair[1]))

    def _unfound(self, allowed: Mask, found: Mapping[str, float], count: int) -> list[str]:
        """Return ids of allowed items that no channel found, in no order of the catalogue's: constraints can leave such."""
        columns = self.index.columns
        rest = np.flatnonzero(allowed & columns.without(found)).astype(np.int32)
        positions, _ = best(rest, -columns.shuffled_ranks[rest].astype(np.float64), columns.id_ranks, count)
        places: list[int] = positions.tolist()
        return [columns.items[place].id for place in places]

    def choose(self, candidates: Sequence[Candidate], query: Query, k: int | None = None) -> list[Candidate]:
        """Choose by maximal marginal relevance, at most one of each of the domain's groups unless people were asked for.

        Where nothing was asked for and the person has several interests, each has its share of the places.

        Args:
            candidates: best first.
            query: that they answer; of what it is sated with, at most one is chosen too.
            k: how many; None: as many as the query wants.
        """
        if not candidates:
            return []
        count = query.k if k is None else k
        facet = self.index.domain.per_group
        asked = any(c.op != "excludes" and c.field in (PEOPLE, facet) for c in query.constraints)
        capped = [*query.sated, *(() if asked or not facet else ((facet, None),))]  # None: whatever its value
        groups = [{(f, v) for f, own in capped for v in c.item.values(f) if own in (None, v)} for c in candidates]
        vectors = self.index.vectors_of([c.item.id for c in candidates], query.language)
        if self.calibration and query.liked and not query.asks:
            return self._calibrate(candidates, query, count)
        shared = not query.asks and len(query.interests) > 1
        chosen = maximal_marginal_relevance(
            [c.score for c in candidates],
            vectors,
            len(candidates) if shared else count,
            trade_off=self.trade_off,
            groups=groups,
        )
        if shared:
            means = [self.index.vectors_of(group, query.language).mean(axis=0) for group in query.interests]
            nearest = (vectors @ np.stack(means).T).argmax(axis=1).tolist()
            chosen = proportional(chosen, nearest, list(map(len, query.interests)), count)
        return [candidates[n] for n in chosen]

    def _calibrate(self, candidates: Sequence[Candidate], query: Query, k: int) -> list[Candidate]:
        facet = self.index.domain.kind_facet
        if facet is None:
            return list(candidates[:k])
        liked = [self.index.items[i].values(facet) for i in query.liked if i in self.index.items]
        kinds = [c.item.values(facet) for c in candidates]
        chosen = calibrated([c.score for c in candidates], kinds, shares(liked), k, self.calibration)
        return [candidates[n] for n in chosen]


def _explain(chosen: Sequence[Candidate], ranker: LearnedRanker, features: Mapping[str, Floats]) -> list[Candidate]:
    """Say of each candidate that the ranker ordered which features moved it most."""
    ids = [c.item.id for c in chosen if c.item.id in features]
    if not ids:
        return list(chosen)
    named = dict(zip(ids, ranker.contributions(np.stack([features[item_id] for item_id in ids])), strict=True))
    strongest = {i: dict(sorted(why.items(), key=lambda pair: -abs(pair[1]))[:CONTRIBUTIONS]) for i, why in named.items()}
    return [replace(c, contributions=strongest.get(c.item.id, {})) for c in chosen]
