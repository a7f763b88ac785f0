"""Tastes: the facet values for or against which more speaks than chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from scipy.special import betainc

from chatbot.interests.records import Catalogue, Stand, Taste, Value
from retrieval.domain import Domain
from retrieval.events import Event
from retrieval.types import FacetValue, Item

PRIOR = 2.0  # items as common as in the catalogue that are added to what is known, so that one item makes no taste
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
    catalogue: Catalogue,
    dropped: Mapping[Value, float],
) -> list[Taste]:
    """Return the facet values for or against which more speaks than chance, the surest first.

    Of n items of the person's, weighed, k have a value that a share p of the catalogue has. Its confidence is one less the
    chance of k or more of n (the binomial tail, by the incomplete beta function, for k and n need not be whole).

    Args:
        stands: the items.
        events: in which values were asked for; each conversation counts once, as half an item.
        catalogue: whose shares are the chance.
        dropped: values that the person took out of the profile, with the time: what was known then no longer counts.
    """
    asked = _wishes(events)
    found: list[Taste] = []
    for sign in (1, -1):
        mine = [s for s in stands.values() if s.strength * sign > 0]
        holders: dict[Value, list[Stand]] = {}
        for stand in mine:
            for key in values_of(catalogue.items[stand.item], catalogue.domain):
                if stand.at > dropped.get(key, -math.inf):
                    holders.setdefault(key, []).append(stand)
        total = sum(abs(s.strength) for s in mine)
        wishes = {
            (field, value, way): [event for event in events if event.at > dropped.get((field, value), -math.inf)]
            for (field, value, way), events in asked.items()
            if way == sign
        }
        for name, value in dict.fromkeys([*holders, *((k[0], k[1]) for k, v in wishes.items() if v)]):
            own = sorted(holders.get((name, value), ()), key=lambda s: (-abs(s.strength), s.item))
            said = wishes.get((name, value, sign), [])
            k = sum(abs(s.strength) for s in own) + _WISH * len(said)
            n = total + _WISH * len(said)
            p = min(max(catalogue.share(name, value), 1e-6), 1 - 1e-6)
            strength = (k + PRIOR * p) / (n + PRIOR) - p
            if strength > 0:
                sure = 1 - float(betainc(k, n - k + 1, p)) if k > 0 else 0.0
                ids = tuple(s.item for s in own)
                found.append(Taste(name, value, sign * strength, sure, p, ids, tuple(e.id for e in said)))
    return sorted(found, key=lambda t: (-t.confidence * math.sqrt(abs(t.strength)), t.field, str(t.value)))


def _wishes(events: Iterable[Event]) -> dict[tuple[str, FacetValue, int], list[Event]]:
    """Return (facet, value, for or against) -> the last event of each conversation that asks so."""
    found: dict[tuple[str, FacetValue, int], dict[str, Event]] = {}
    for event in events:
        if event.kind == "wished":
            facet, value = event.context.get("facet", ""), event.context.get("value", "")
            sign = -1 if event.context.get("op") == "excludes" else 1
            found.setdefault((facet, value, sign), {})[event.context.get("conversation", "")] = event
    return {key: list(by_conversation.values()) for key, by_conversation in found.items()}
