"""The channels of retrieval: each scores the allowed items that it has something to say about.

A channel is one function from a :class:`Search` to positions and scores, named in :data:`CHANNELS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from retrieval.collaborative import ItemItemIndex
from retrieval.embedder import Vectors, unit_rows
from retrieval.errors import VectorServerError
from retrieval.facet_columns import Mask, Positions
from retrieval.following import follow
from retrieval.index import CatalogIndex, record_id
from retrieval.item_table import Floats
from retrieval.learned import Learned, wished
from retrieval.types import ChannelScore, Query

CHANNEL_LIMIT = 200
FETCH = 2000  # neighbours asked of the vector store at first, at most; of a smaller catalogue all are asked
REFETCH = 4  # times as many, once, when constraints left too few of those
EXACT_LIMIT = 25_000  # up to so many allowed items of a larger catalogue are compared one by one: nothing is missed
SCARCE_LIMIT = 100_000  # the same where so few are allowed that FETCH neighbours would hardly hold enough of them
WHERE_LIMIT = 5000  # Chroma's filter takes time in proportion to the catalogue: beyond, more is fetched and parted here
CONTEXT_DECAY = 0.5
DISLIKE_WEIGHT = 0.5
ATTENTION_TEMPERATURE = 0.2

Scores = NDArray[np.float32] | NDArray[np.float64]
Found: TypeAlias = "tuple[Positions, Scores]"


@dataclass(frozen=True)
class Search:
    """One query in one index, and what its channels share.

    Attributes:
        index: whose items are searched.
        query: what is asked.
        allowed: (n,) which items may come back.
        learned: what was learned for this catalogue; None: nothing, and its channels are absent.
    """

    index: CatalogIndex
    query: Query
    allowed: Mask
    learned: Learned | None = None

    @cached_property
    def positions(self) -> Positions:
        """Of the allowed items, ascending."""
        return np.flatnonzero(self.allowed).astype(np.int32)

    @cached_property
    def said(self) -> Vectors | None:
        """The (texts, d) vectors of what was said, the newest first; None when nothing was."""
        texts = [text for text in (self.query.text, *self.query.context[:2]) if text.strip()]
        return self.index.embedder.embed_queries(texts) if texts else None

    @cached_property
    def wish(self) -> Vectors | None:
        """The (1, d) vector of what was said, earlier wishes counting less; None when nothing was."""
        if self.said is None:
            return None
        weights = np.array([[CONTEXT_DECAY**n] for n in range(len(self.said))], dtype=np.float32)
        return unit_rows((self.said * weights).sum(axis=0, keepdims=True))

    @cached_property
    def tastes(self) -> Vectors | None:
        """(m, d): what the liked items are like, less the mean of disliked ones; None without liked.

        With a wish, one row: attention of the wish over the liked items (softmax of cosines). Without one, a row for every
        interest, so that several are not averaged into one that nobody has (as in MIND: Li et al., CIKM 2019).
        """
        liked = self._known(self.query.liked)
        if not liked:
            return None
        groups = [known for group in self.query.interests if (known := self._known(group))] if self.wish is None else []
        rows = np.stack([self._attended(group) for group in groups or [liked]])
        disliked = self._known(self.query.disliked)
        if disliked:
            rows = rows - DISLIKE_WEIGHT * self.index.vectors_of(disliked, self.query.language).mean(axis=0, keepdims=True)
        return unit_rows(rows.astype(np.float32))

    @cached_property
    def aim(self) -> Vectors | None:
        """(1, d): the wish, or the portrait of the person where there is none; None without both."""
        portrait = self.query.portrait
        return self.index.embedder.embed_queries([portrait]) if self.wish is None and portrait else self.wish

    @cached_property
    def near(self) -> list[Found]:
        """The cards near the aim, if there is one, and near each taste: looked for together, for that takes half as long."""
        vectors = [rows for rows in (self.aim, self.tastes) if rows is not None]
        return nearest(self, np.concatenate(vectors)) if vectors else []

    def _known(self, ids: Iterable[str]) -> list[str]:
        return [item_id for item_id in ids if item_id in self.index.items]

    def _attended(self, ids: Sequence[str]) -> Vectors:
        rows = self.index.vectors_of(ids, self.query.language)
        logits = (rows @ self.wish.ravel() if self.wish is not None else np.zeros(len(ids))) / ATTENTION_TEMPERATURE
        attention = np.exp(logits - logits.max())
        return (rows * (attention / attention.sum())[:, None]).sum(axis=0)


def dense(search: Search) -> Found | None:
    """Cosine of the card with the wish, or with the portrait of the person where there is none."""
    return None if search.aim is None else search.near[0]


def bm25(search: Search) -> Found | None:
    """Words of the card."""
    lexical = search.index.lexical
    words = " ".join([search.query.text, *search.query.context[:1]]).strip() or search.query.portrait
    scores = lexical.all_scores(words, search.index.domain.noun_words)
    if scores is None:
        return None
    rows = np.flatnonzero(scores > 0)
    return _among(search, search.index.columns.places(lexical.ids)[rows], scores[rows])


def history(search: Search) -> Found | None:
    """Cosine of the card with the taste, or with the nearest of several."""
    if search.tastes is None:
        return None
    found = search.near if search.aim is None else search.near[1:]
    if len(found) == 1:
        return found[0]
    highest = np.full(len(search.allowed), -np.inf, np.float32)
    for positions, scores in found:
        highest[positions] = np.maximum(highest[positions], scores)
    kept = np.flatnonzero(np.isfinite(highest)).astype(np.int32)
    return kept, highest[kept]


def collaborative(search: Search) -> Found | None:
    """What people who want the liked items want besides: cosines of who wants them."""
    return _together(search, search.index.collaborative)


def ease(search: Search) -> Found | None:
    """What people who want the liked items want besides: a linear model of the log."""
    return _together(search, search.index.ease)


def _together(search: Search, log: ItemItemIndex | None) -> Found | None:
    if log is None or not search.query.liked:
        return None
    return _placed(search, log.scores(search.query.liked, search.query.exclude))


def _placed(search: Search, scores: Mapping[str, float]) -> Found:
    """Turn scores of ids into scores of the allowed positions."""
    known = search.index.columns.positions
    near = [(known[i], s) for i, s in scores.items() if i in known]
    return _among(search, np.array([n for n, _ in near], np.int32), np.array([s for _, s in near], np.float64))


def facets(search: Search) -> Found | None:
    """Soft wishes that the facets grant, each weighed by how rare its value is among the allowed items."""
    if not search.query.wishes:
        return None
    scores = np.zeros(len(search.allowed))
    for wish in search.query.wishes:
        holders = search.index.columns.holders(wish.field, wish.value)
        holders = holders[search.allowed[holders]]
        if len(holders):
            scores[holders] += np.log(1 + len(search.positions) / len(holders))
    found = np.flatnonzero(scores).astype(np.int32)
    return found, scores[found]


def interest(search: Search) -> Found | None:
    """What past conversations taught to come next, after what was said and liked."""
    learned = search.learned
    if learned is None or learned.encoded is None:
        return None
    none = np.zeros(learned.vectors.shape[1], np.float32)
    message = none if search.wish is None else search.wish.ravel()
    last = none if search.said is None else search.said[0]
    query = search.query
    scores = learned.encoded.scores(message, last, learned.table.rows(query.liked), wished(query))
    return search.positions, scores[search.positions]


def comention(search: Search) -> Found | None:
    """What conversations name together with the liked items."""
    return _together(search, search.learned.comention if search.learned else None)


def sequence(search: Search) -> Found | None:
    """What comes next after the latest items, as people's histories taught."""
    model, columns = search.index.sequence, search.index.columns
    if model is None:
        return None
    rows = model.rows(search.query.recent)
    if not len(rows):
        return None
    return _among(search, columns.places(model.ids), model.scores(rows))


def following(search: Search) -> Found | None:
    """What often follows the latest items soon, the last one counting most."""
    index, query = search.index.following, search.query
    if index is None or not query.recent:
        return None
    return _placed(search, follow(index, query.recent, query.exclude))


def popularity(search: Search) -> Found | None:
    """What is asked for and used most, whatever was said."""
    if search.learned is None or not search.learned.prior.any():
        return None
    return search.positions, search.learned.prior[search.positions]


CHANNELS: dict[str, Callable[[Search], Found | None]] = {
    "dense": dense,
    "bm25": bm25,
    "history": history,
    "collaborative": collaborative,
    "ease": ease,
    "facets": facets,
    "interest": interest,
    "comention": comention,
    "sequence": sequence,
    "following": following,
    "popularity": popularity,
}


def find_all(search: Search) -> dict[str, Found]:
    """Return for every channel that has something to say positions and scores."""
    found = {name: channel(search) for name, channel in CHANNELS.items()}
    return {name: result for name, result in found.items() if result is not None and len(result[0])}


def as_arrays(found: Mapping[str, Found], n: int) -> dict[str, Floats]:
    """Turn what channels found into (n,) scores, NaN where one says nothing."""
    arrays: dict[str, Floats] = {}
    for name, (positions, scores) in found.items():
        arrays[name] = np.full(n, np.nan, np.float32)
        arrays[name][positions] = scores
    return arrays


def rank_all(search: Search, found: Mapping[str, Found]) -> dict[str, dict[str, ChannelScore]]:
    """Return for every channel that found something its best items: id -> rank and score, best first."""
    ranked: dict[str, dict[str, ChannelScore]] = {}
    items = search.index.columns.items
    for name, result in found.items():
        positions, scores = best(*result, search.index.columns.id_ranks, CHANNEL_LIMIT)
        pairs: Iterable[tuple[int, float]] = zip(positions.tolist(), scores.tolist(), strict=True)
        ranked[name] = {items[n].id: ChannelScore(rank, score) for rank, (n, score) in enumerate(pairs, 1)}
    return ranked


def best(positions: Positions, scores: Scores, id_ranks: Positions, limit: int) -> Found:
    """Return the best scored positions, best first; ties in the order of the id. Time grows with n, not with n log n."""
    if len(positions) > limit:
        bound = np.partition(scores, -limit)[-limit]
        above, equal = np.flatnonzero(scores > bound), np.flatnonzero(scores == bound)
        missing = limit - len(above)
        if len(equal) > missing:
            equal = equal[np.argpartition(id_ranks[positions[equal]], missing - 1)[:missing]]
        chosen = np.concatenate([above, equal])
        positions, scores = positions[chosen], scores[chosen]
    order = np.lexsort((id_ranks[positions], -scores))
    return positions[order], scores[order]


def nearest(search: Search, vectors: Vectors) -> list[Found]:
    """Return for each of (m, d) vectors the allowed items by cosine: all when they are few, else those nearest in the store."""
    index, columns = search.index, search.index.columns
    if len(columns) <= FETCH:
        return [_fetch(search, vector, len(columns)) for vector in vectors]
    wanted = min(CHANNEL_LIMIT, len(search.positions))
    needed = 2 * wanted * len(columns) // len(search.positions)
    if len(search.positions) <= (EXACT_LIMIT if needed <= FETCH else SCARCE_LIMIT):
        return [(search.positions, row) for row in index.cosines(search.positions, search.query.language, vectors)]
    limit = min(max(5 * wanted, needed), FETCH)
    found = [_fetch(search, vector, limit) for vector in vectors]
    return [f if len(f[0]) >= wanted else _fetch(search, v, REFETCH * limit) for f, v in zip(found, vectors, strict=True)]


def _fetch(search: Search, vector: Vectors, limit: int) -> Found:
    index, columns = search.index, search.index.columns
    language = index.domain.card_language(search.query.language)
    cards, where = len(index.domain.card_languages), None
    if cards > 1 and len(columns) <= WHERE_LIMIT:
        cards, where = 1, {"language": language}
    ending = record_id("", language)
    try:
        near = index.vectors.search(vector, min(limit, len(columns)) * cards, where)
    except VectorServerError:
        if language not in index.rows:
            raise
        return search.positions, index.similarities(search.positions, language, vector)  # slower, and nothing is missed
    pairs = [(columns.positions.get(name[: -len(ending)], -1), score) for name, score in near if name.endswith(ending)]
    return _among(search, np.array([n for n, _ in pairs], np.int32), np.array([s for _, s in pairs], np.float64))


def _among(search: Search, positions: Positions, scores: Scores) -> Found:
    kept = (positions >= 0) & search.allowed[positions]
    return positions[kept], scores[kept]
