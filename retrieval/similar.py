"""The items most like one, and what they have in common with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from retrieval.channels import CHANNEL_LIMIT, best
from retrieval.errors import IndexError_
from retrieval.fusion import ranking, reciprocal_rank_fusion
from retrieval.index import CatalogIndex
from retrieval.types import ChannelScore, FacetValue, Item

SIMILAR = 6
COMMON_SHARE = 0.25  # of the items hold a value that says nothing about any two of them
SHARED_TYPES = "list", "people", "text"  # of facets whose values two items can have in common

Ranking: TypeAlias = "dict[str, ChannelScore]"
Rarity: TypeAlias = "dict[tuple[str, FacetValue], float]"  # facet and value -> how rare, in nats


def similar(index: CatalogIndex, item_id: str, language: str, k: int = SIMILAR) -> list[tuple[str, tuple[str, ...]]]:
    """Return the items most like one: by their cards, by who wants both, and by rare facet values that they share.

    Each of those ranks by itself, and the ranks are fused (:func:`retrieval.fusion.reciprocal_rank_fusion`).

    Args:
        index: open.
        item_id: of the item; it is never among its own.
        language: whose cards are compared, and of the words.
        k: how many.

    Returns:
        Ids, the most alike first, each with the words of the facet values that it shares with the item, the rarest first;
        values that many items hold are left out.

    Raises:
        IndexError_: the catalogue has no such item.
    """
    item = index.items.get(item_id)
    if item is None:
        raise IndexError_(f"The catalogue has no item '{item_id}' (any more). Reload what named it.", key="error_gone")
    rarity = _rarity(index, item)
    channels: dict[str, Ranking] = {"dense": _dense(index, item_id, language), "facets": _facets(index, item_id, rarity)}
    for name, log in (("collaborative", index.collaborative), ("ease", index.ease)):
        if log is not None:
            scores = log.scores([item_id])
            channels[name] = ranking({i: s for i, s in scores.items() if s > 0 and i in index.items}, CHANNEL_LIMIT)
    found = list(reciprocal_rank_fusion(channels))[: max(k, 0)]
    return [(other, _shared(item, index.items[other], rarity, language)) for other in found]


def _dense(index: CatalogIndex, item_id: str, language: str) -> Ranking:
    """Rank the other items by the cosine of their cards with the item's."""
    others = np.flatnonzero(index.columns.without([item_id])).astype(np.int32)
    cosines = index.similarities(others, language, index.vectors_of([item_id], language)) if len(others) else np.zeros(0)
    positions, scores = best(others, cosines, index.columns.id_ranks, CHANNEL_LIMIT)
    return _ranked(index, dict(zip(positions.tolist(), scores.tolist(), strict=True)))


def _rarity(index: CatalogIndex, item: Item) -> Rarity:
    """Return how rare each value of an item is, the inverse document frequency of Spärck Jones (1972): ln(n / holders)."""
    rarity: Rarity = {}
    for facet, spec in index.domain.facets.items():
        for value in item.values(facet) if spec.type in SHARED_TYPES else ():
            holders = len(index.columns.holders(facet, value))
            if 1 < holders <= max(2, COMMON_SHARE * len(index.columns)):
                rarity[facet, value] = math.log(len(index.columns) / holders)
    return rarity


def _facets(index: CatalogIndex, item_id: str, rarity: Rarity) -> Ranking:
    """Rank the other items by the sum of how rare what they share is."""
    scores = np.zeros(len(index.columns))
    for (facet, value), weight in rarity.items():
        scores[index.columns.holders(facet, value)] += weight
    scores[index.columns.positions[item_id]] = 0
    found = np.flatnonzero(scores).astype(np.int32)
    positions, kept = best(found, scores[found], index.columns.id_ranks, CHANNEL_LIMIT)
    return _ranked(index, dict(zip(positions.tolist(), kept.tolist(), strict=True)))


def _ranked(index: CatalogIndex, scores: Mapping[int, float]) -> Ranking:
    items = index.columns.items
    return {items[n].id: ChannelScore(rank, score) for rank, (n, score) in enumerate(scores.items(), 1)}


def _shared(item: Item, other: Item, rarity: Rarity, language: str) -> tuple[str, ...]:
    """Return the words for what two items share, the rarest first; a word stands once."""
    both = [pair for pair in sorted(rarity, key=lambda pair: -rarity[pair]) if pair[1] in other.values(pair[0])]
    return tuple(dict.fromkeys(value_word(item, *pair, language) for pair in both))


def value_word(item: Item, facet: str, value: FacetValue, language: str) -> str:
    """Return the word that an item has for one of its facet values in a language."""
    values, words = item.values(facet), item.label(facet, language)
    return words[values.index(value)] if len(words) == len(values) else str(value)
