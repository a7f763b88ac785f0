"""What each event says of its item, and how much is left of it after a time."""

from __future__ import annotations

from collections.abc import Iterable

from chatbot.interests.records import Stand
from retrieval.abilities import Behaviour
from retrieval.events import DAY, Event

HALF_LIFE = 90.0  # days after which an event weighs half as much ...
FLOOR = 0.3  # ... but never less than this share: a taste of years ago is a taste
CONSIDERED = 200  # latest items with something to say
_ACTS = {"accepted": 0.6, "purchased": 0.7, "owned": 0.5, "saved": 0.5, "viewed": 0.3, "played": 0.4, "opened": 0.15}
_DISMISSED = -0.3
USUAL = Behaviour()
_POSITIVE = 0.8  # of a kind that a domain takes for a sign of liking
_MOST = 0.95  # that one act can say


def age_weight(at: float, now: float) -> float:
    """Return what is left of an event's weight: half after :data:`HALF_LIFE` days, never less than :data:`FLOOR`."""
    return FLOOR + (1 - FLOOR) * 0.5 ** (max(now - at, 0.0) / DAY / HALF_LIFE)


def weigh(events: Iterable[Event], now: float, behaviour: Behaviour = USUAL) -> dict[str, Stand]:
    """Return how the person stands to every item of which an event says something.

    An opinion counts as it is; without one, what was done adds up, each act taking its part of what lacks to 1 (noisy or).

    Args:
        events: of one person, in the order in which they arrived.
        now: seconds since the epoch, from which ages count.
        behaviour: which kinds of events say more in this domain than elsewhere.
    """
    said: dict[str, float] = {}
    done: dict[str, float] = {}
    last: dict[str, Event] = {}
    acted: set[str] = set()  # with more than a look
    for event in events:
        item = event.item
        if item is None:
            continue
        if event.kind == "cleared":
            if event.text not in ("seen", "saved"):
                said.pop(item, None)
            if event.text in ("", "saved"):
                done.pop(item, None)
                acted.discard(item)
            continue
        value = _opinion_strength(event)
        act = event.value if event.kind == "played" and event.value is not None else _ACTS.get(event.kind, 0.0)
        act = max(act, _POSITIVE) if behaviour.likes(event.kind, event.value) else act
        if value is not None:
            said[item] = value
        elif event.kind == "dismissed":
            done[item] = _DISMISSED
        elif act > 0:
            done[item] = 1 - (1 - max(done.get(item, 0.0), 0.0)) * (1 - min(act, _MOST))
        else:
            continue
        last[item] = event
        if value is None and event.kind != "opened":
            acted.add(item)
    latest = sorted(said.keys() | done.keys(), key=lambda item: (-last[item].at, item))[:CONSIDERED]
    found: dict[str, Stand] = {}
    for item in latest:
        event = last[item]
        strength = said.get(item, done.get(item, 0.0)) * age_weight(event.at, now)
        if strength:
            session = event.context.get("session") or event.context.get("conversation", "")
            found[item] = Stand(item, strength, event.at, session, looked=item not in said.keys() | acted)
    return found


def _opinion_strength(event: Event) -> float | None:
    if event.kind in ("liked", "disliked"):
        return 1.0 if event.kind == "liked" else -1.0
    if event.kind in ("rated", "reviewed") and event.value is not None:
        return 2 * event.value - 1
    return None
