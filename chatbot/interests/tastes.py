"""Tastes: the facet values for or against which more speaks than chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import betainc as _betainc

from chatbot.interests.records import SURE, CatalogueView, Stand, Taste, Value
from retrieval.domain import Domain
from retrieval.events import Event
from retrieval.types import FacetValue, Item

betainc: Any = _betainc  # whose types are not known
LIKELY = 0.5  # confidence below which a taste is none
PRIOR = 2.0  # items as common as in the catalogue that are added to what is known, so that one item makes no taste
_NAMED = 2  # of each kind that name an interest
_WISH = 0.5  # of an item: what a wish of the moment says of a lasting taste


def values_of(item: Item, domain: Domain) -> list[Value]:
    """Return the facet values of an item that can be a taste: lists and people as they are, years by their decade."""
    found: list[Value] = []
    for name, facet in domain.facets.items():
        if facet.type == "year":
            found += [(name, 10 * (int(v) // 10)) for v in item.values(name) if isinstance(v, (int, float))]
        elif facet.type in ("list", "people", "text"):
            found += [(name, v) for v in item.values(name)]
    return found


def read_tastes(
    stands: Mapping[str, Stand],
    events: Iterable[Event],
    catalogue: CatalogueView,
    dropped: Mapping[tuple[str, str], float],
) -> list[Taste]:
    """Return the facet values for or against which more speaks than chance, the surest first.

    Of n items of the person's, weighed, k have a value that a share p of the catalogue has. Its confidence is one less the
    chance of k or more of n (the binomial tail, by the incomplete beta function, for k and n need not be whole).

    Args:
        stands: the items.
        events: in which values were asked for; each conversation counts once, as half an item.
        catalogue: whose shares are the chance.
        dropped: (facet, value as text) that the person took out of the profile, with the time: what was known then no longer
            counts.
    """
    asked = _wishes(events)
    found: list[Taste] = []
    for sign in (1, -1):
        mine = [s for s in stands.values() if s.strength * sign > 0]
        total = sum(abs(s.strength) for s in mine)
        mine.sort(key=lambda s: (-abs(s.strength), s.item))
        holders: dict[Value, list[Stand]] = {}
        for stand in mine:
            for key in catalogue.values_of(stand.item):
                if not dropped or stand.at > dropped.get((key[0], str(key[1])), -math.inf):
                    if key in holders:
                        holders[key].append(stand)
                    else:
                        holders[key] = [stand]
        said: dict[Value, tuple[str, ...]] = {}
        for (field, value, way), wishes in asked.items():
            kept = tuple(event.id for event in wishes if event.at > dropped.get((field, str(value)), -math.inf))
            if way == sign and kept:
                said[field, value] = kept
        found += _weigh_values(holders, said, total, sign, catalogue)
    return sorted(found, key=lambda t: (-t.confidence * math.sqrt(abs(t.strength)), t.field, str(t.value)))


def name_tastes(tastes: Iterable[Taste], domain: Domain) -> list[Taste]:
    """Choose the tastes that name an interest: a few words for how its items are, and a few for what they are."""
    kinds = [t for t in tastes if t.confidence >= SURE and t.field in domain.ballot and domain.facets[t.field].values]
    chosen: list[Taste] = []
    for match in ("soft", "hard"):
        chosen += [t for t in kinds if domain.facets[t.field].match == match][:_NAMED]
    return chosen


def _weigh_values(
    holders: Mapping[Value, Sequence[Stand]],
    said: Mapping[Value, tuple[str, ...]],
    total: float,
    sign: int,
    catalogue: CatalogueView,
) -> Iterator[Taste]:
    """Yield the values that speak more than once, and of which it is likelier than not that they are a taste.

    Holders are given the strongest first.
    """
    keys = [key for key, own in holders.items() if len(own) > 1 or key in said]
    keys += [key for key, own in said.items() if len(own) > 1 and key not in holders]
    if not keys:
        return
    wishes = _WISH * np.array([len(said.get(key, ())) for key in keys])
    k = wishes + np.array([math.fsum(abs(s.strength) for s in holders.get(key, ())) for key in keys])
    n = np.maximum(total + wishes, k)  # sums in another order differ in their last digits
    p = np.clip([catalogue.share(*key) for key in keys], 1e-6, 1 - 1e-6)
    strength = (k + PRIOR * p) / (n + PRIOR) - p
    sure = 1 - betainc(k, n - k + 1, p)
    for at in np.flatnonzero((strength > 0) & (sure >= LIKELY)).tolist():
        field, value = keys[at]
        items = tuple(s.item for s in holders.get(keys[at], ()))
        yield Taste(field, value, sign * float(strength[at]), float(sure[at]), float(p[at]), items, said.get(keys[at], ()))


def _wishes(events: Iterable[Event]) -> dict[tuple[str, FacetValue, int], list[Event]]:
    """Return (facet, value, for or against) -> the last event of each conversation that asks so."""
    found: dict[tuple[str, FacetValue, int], dict[str, Event]] = {}
    for event in events:
        if event.kind == "wished":
            facet, value = event.context.get("facet", ""), event.context.get("value", "")
            sign = -1 if event.context.get("op") == "excludes" else 1
            found.setdefault((facet, value, sign), {})[event.context.get("conversation", "")] = event
    return {key: list(by_conversation.values()) for key, by_conversation in found.items()}
