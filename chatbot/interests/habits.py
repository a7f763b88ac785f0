"""Satiety and habits: what there was too much of lately, and when and how much a person tries."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from chatbot.interests.records import COMMON, CatalogueView, Habits, Value
from chatbot.profile import opinion
from retrieval.events import DAY, Event
from retrieval.types import FacetValue

IN_A_ROW = 3  # items that share a value are enough of it
LATELY = 30.0  # days in which they were tried
LOOKED_AT = 10  # latest items
_TRIED = frozenset({"viewed", "played", "purchased", "seen", "rated", "reviewed", "accepted"})
_MOSTLY = 0.6  # share of events in one part of the day that makes it a habit
_ENOUGH, _PLAYED = 10, 5  # events from which there is a habit; plays from which there is a completion


def find_satiety(events: Sequence[Event], catalogue: CatalogueView, now: float) -> list[tuple[str, FacetValue, int]]:
    """Return the values that the last items tried share, where they are rare enough to be noticed, with how many in a row."""
    tried: dict[str, None] = {}
    for event in reversed(events):
        lately = event.kind in _TRIED and now - event.at < LATELY * DAY
        if lately and event.item in catalogue.items and opinion(event) != "disliked":
            tried.setdefault(str(event.item))
        if len(tried) == LOOKED_AT:
            break
    runs: dict[Value, int] = {}
    for n, item in enumerate(tried):
        facets = catalogue.domain.facets  # a decade is no reason
        values = {key for key in catalogue.values_of(item) if facets[key[0]].type != "year"}
        going = values if n == 0 else {key for key in values if runs.get(key) == n}
        if not going:
            break
        runs |= dict.fromkeys(going, n + 1)
    return [(*key, n) for key, n in runs.items() if n >= IN_A_ROW and catalogue.share(*key) < COMMON]


def read_habits(events: Iterable[Event]) -> Habits:
    """Return when and how much a person tries, by the clock of this machine."""
    timed = [e for e in events if e.kind in _TRIED and e.at > 0 and e.item]
    played = [e.value for e in timed if e.kind == "played" and e.value is not None]
    completion = sum(played) / len(played) if len(played) >= _PLAYED else None
    if len(timed) < _ENOUGH:
        return Habits(completion=completion)
    parts = Counter(_part_of_day(e.at) for e in timed)
    part, most = parts.most_common(1)[0]
    span = max(e.at for e in timed) - min(e.at for e in timed)
    sessions: dict[str, set[str]] = {}
    for event in timed:
        name = event.context.get("session") or event.context.get("conversation") or f"{event.at // DAY:.0f}"
        sessions.setdefault(name, set()).add(str(event.item))
    return Habits(
        part if most >= _MOSTLY * len(timed) else None,
        len({e.item for e in timed}) / (span / DAY / 7) if span > 14 * DAY else None,
        sum(len(items) >= 3 for items in sessions.values()) / len(sessions),
        completion,
    )


def _part_of_day(at: float) -> str:
    hour = time.localtime(at).tm_hour
    return "night" if hour < 5 or hour >= 23 else "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
