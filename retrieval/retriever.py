"""Retrieval of one query: channels, their union, constraints, fusion, diversity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.constraints import relax, satisfies_all
from retrieval.diversity import maximal_marginal_relevance
from retrieval.domain import PEOPLE
from retrieval.embedder import Vectors, unit_rows
from retrieval.fusion import ranking, reciprocal_rank_fusion
from retrieval.index import CatalogIndex, record_id
from retrieval.types import Candidate, ChannelScore, Constraint, Item, Query, Retrieval

CHANNEL_LIMIT = 200
EXACT_LIMIT = 2000  # up to so many allowed items, similarity is computed over all of them: nothing is missed
DEFAULT_WEIGHTS = {"dense": 1.0, "bm25": 0.8, "history": 1.5, "facets": 1.2, "collaborative": 1.0}
CONTEXT_DECAY = 0.5
DISLIKE_WEIGHT = 0.5
ATTENTION_TEMPERATURE = 0.2

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class Retriever:
    """Finds candidates for a query in one index. Holds no state of a conversation."""

    index: CatalogIndex
    weights: Mapping[str, float] | None = None
    trade_off: float = 0.8

    def retrieve(self, query: Query) -> Retrieval:
        """Return up to ``query.k`` candidates, best first, each of which keeps every constraint that was not relaxed."""
        domain = self.index.domain
        free = [item for item in self.index.items.values() if item.id not in query.exclude]
        kept, dropped = relax(free, query.constraints, domain, enough=1)
        allowed = {item.id: item for item in free if satisfies_all(item, kept, domain)}
        if not allowed:
            return Retrieval((), dropped)
        channels = self._channels(query, allowed)
        fused = reciprocal_rank_fusion(channels, DEFAULT_WEIGHTS if self.weights is None else self.weights)
        if len(fused) < query.k:  # top up: constraints can leave items that no channel found
            rest = sorted((i for i in allowed if i not in fused), key=lambda i: hashlib.blake2b(i.encode()).digest())
            fused |= dict.fromkeys(rest[: 3 * query.k], 0.0)  # in no order of the catalogue's
        pool = [
            Candidate(allowed[i], fused[i], {name: found[i] for name, found in channels.items() if i in found})
            for i in list(fused)[: max(3 * query.k, 30)]
        ]
        return Retrieval(tuple(self.choose(pool, query.k, query.language, query.constraints)), dropped)

    def choose(
        self, candidates: Sequence[Candidate], k: int, language: str, constraints: Sequence[Constraint] = ()
    ) -> list[Candidate]:
        """Choose k candidates by maximal marginal relevance, at most one of the domain's group unless people were asked for."""
        if not candidates:
            return []
        facet = self.index.domain.per_group
        asked = any(c.op != "excludes" and c.field in (PEOPLE, facet) for c in constraints)
        chosen = maximal_marginal_relevance(
            [c.score for c in candidates],
            self.index.vectors_of([c.item.id for c in candidates], language),
            k,
            trade_off=self.trade_off,
            groups=None if not facet or asked else [c.item.values(facet) for c in candidates],
        )
        return [candidates[n] for n in chosen]

    def _channels(self, query: Query, allowed: Mapping[str, Item]) -> dict[str, dict[str, ChannelScore]]:
        """Rank the allowed items by every channel that has something to say; the others are absent."""
        found: dict[str, Scores] = {}
        wish = self._wish_vector(query)
        if wish is not None:
            found["dense"] = self._similar(wish, query.language, allowed)
        words = " ".join([query.text, *query.context[:1]])
        found["bm25"] = {
            i: s for i, s in self.index.lexical.scores(words, self.index.domain.noun_words).items() if i in allowed
        }
        taste = self._taste_vector(query, wish)
        if taste is not None:
            found["history"] = self._similar(taste, query.language, allowed)
        if self.index.collaborative is not None:
            near = self.index.collaborative.scores(query.liked, query.exclude)
            found["collaborative"] = {i: s for i, s in near.items() if i in allowed}
        found["facets"] = _facet_scores(query, allowed)
        return {name: ranking(scores, CHANNEL_LIMIT) for name, scores in found.items() if scores}

    def _wish_vector(self, query: Query) -> Vectors | None:
        texts = [text for text in (query.text, *query.context[:2]) if text.strip()]
        if not texts:
            return None
        weights = np.array([[CONTEXT_DECAY**n] for n in range(len(texts))], dtype=np.float32)
        return unit_rows((self.index.embedder.embed_queries(texts) * weights).sum(axis=0, keepdims=True))

    def _taste_vector(self, query: Query, wish: Vectors | None) -> Vectors | None:
        """Attention of the wish over liked items (softmax of cosines), less the mean of disliked ones."""
        liked = [i for i in query.liked if i in self.index.items]
        disliked = [i for i in query.disliked if i in self.index.items]
        if not liked:
            return None
        rows = self.index.vectors_of(liked, query.language)
        logits = (rows @ wish.ravel() if wish is not None else np.zeros(len(liked))) / ATTENTION_TEMPERATURE
        attention = np.exp(logits - logits.max())
        taste = (rows * (attention / attention.sum())[:, None]).sum(axis=0, keepdims=True)
        if disliked:
            taste = taste - DISLIKE_WEIGHT * self.index.vectors_of(disliked, query.language).mean(axis=0, keepdims=True)
        return unit_rows(taste.astype(np.float32))

    def _similar(self, vector: Vectors, language: str, allowed: Mapping[str, Item]) -> Scores:
        if len(allowed) <= EXACT_LIMIT < len(self.index.items):
            ids = list(allowed)
            scores = self.index.vectors_of(ids, language) @ vector.ravel()
            return {i: float(score) for i, score in zip(ids, scores, strict=True)}
        language = self.index.domain.card_language(language)
        limit = min(len(self.index.items), max(EXACT_LIMIT, 5 * CHANNEL_LIMIT))
        names = {record_id(i, language): i for i in allowed}
        found = self.index.vectors.search(vector, limit, {"language": language})
        return {names[name]: score for name, score in found if name in names}


def _facet_scores(query: Query, allowed: Mapping[str, Item]) -> Scores:
    """Count the soft wishes an item's facets grant, each weighed by how rare its value is among the allowed items."""
    scores: Scores = {}
    for wish in query.wishes:
        holders = [i for i, item in allowed.items() if wish.value in item.values(wish.field)]
        rarity = float(np.log(1 + len(allowed) / len(holders))) if holders else 0.0
        for i in holders:
            scores[i] = scores.get(i, 0.0) + rarity
    return scores
