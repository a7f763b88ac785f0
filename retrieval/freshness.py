"""What day it is for a catalogue, how old things are, and what that takes from their scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timezone
from functools import cache
from typing import TypeAlias

from retrieval.days import as_day
from retrieval.domain import Domain
from retrieval.types import Item

FLOOR = 0.25  # what is left of the oldest thing's score: what is asked for by name comes, however old
Calendar: TypeAlias = Callable[[], date]


def calendar_of(domain: Domain, items: Iterable[Item]) -> Calendar:
    """Return what tells today for a catalogue: the present day (UTC), or, of a sample that stands still, its newest one.

    A process that runs for days asks again each time; the newest day is looked for once, when it is first asked for.
    """
    fresh = domain.freshness
    if fresh is None or fresh.today == "now":
        return _present
    facet = fresh.facet

    @cache
    def newest() -> date:
        days = (as_day(str(value)) for item in items for value in item.values(facet))
        return max((day for day in days if day), default=_present())

    return newest


def _present() -> date:
    return datetime.now(timezone.utc).date()


def freshness(item: Item, domain: Domain, today: date) -> float:
    """Return what is left of an item's score, from :data:`FLOOR` to 1: half after the domain's half-life.

    It is exponential decay; an item without a day counts as one that is a half-life old, and one from the future as new.
    """
    fresh = domain.freshness
    if fresh is None:
        return 1.0
    days = [day for value in item.values(fresh.facet) if (day := as_day(str(value)))]
    age = max((today - max(days)).days, 0) if days else fresh.half_life_days
    return FLOOR + (1 - FLOOR) * 0.5 ** (age / fresh.half_life_days)
