"""Events to profile: pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from chatbot.types import Profile
from retrieval.abilities import Behaviour
from retrieval.events import Event

DISLIKED_TO = 0.3  # of a rating's place on its scale: 2 of 5 stars lie beyond
USUAL = Behaviour()
FOR = "for"  # of an event's context: whom it was for, where that is somebody else
_USED = frozenset({"seen", "rated", "reviewed", "viewed", "played", "purchased", "owned"})
_OPINIONS = frozenset({"liked", "disliked"})
_ANSWERS = frozenset({"accepted", "dismissed"})
_LATER = frozenset({"saved", "accepted"})  # whoever says "I'll take that one" wants to find it again


def standing(events: Iterable[Event]) -> list[Event]:
    """Return the events that still count, in their order: not what was for somebody else, or taken back one by one."""
    events = [event for event in events if not event.context.get(FOR)]
    undone = {event.text for event in events if event.kind == "undone"}
    return [event for event in events if event.kind != "undone" and (not event.id or event.id not in undone)]


def build_profile(user: str, events: Iterable[Event], behaviour: Behaviour = USUAL) -> Profile:
    """Fold a person's events, in the order in which they arrived, into what they like, dislike and have seen.

    The last word on an item wins: a like takes back a dislike and the other way round; ``cleared`` takes back the kind
    named in its text, or all of them when it names none; ``undone`` takes back one event.

    A rating or review says liked from the domain's ``liked_from`` on, disliked up to :data:`DISLIKED_TO`, and takes back both
    between them; without a value it says neither. Playing something long or often enough says liked, and so does any event of
    the domain's positive kinds, unless it was disliked before. Whatever was rated, reviewed,
    viewed, played, purchased or owned was seen; what was saved or tagged may still be to come, and what was shown was not
    chosen. What was accepted or dismissed was answered: it is not to be offered again. What was saved stays so until it is
    cleared.
    """
    attitude: dict[str, str] = {}
    seen: dict[str, None] = {}
    answered: dict[str, None] = {}
    saved: dict[str, None] = {}
    bought: dict[str, float] = {}
    for event in standing(event for event in events if event.user == user):
        item = event.item
        if item is None:
            continue
        if event.kind == "cleared":
            if event.text in ("", attitude.get(item)):
                attitude.pop(item, None)
            for kind, kept in (("seen", seen), ("saved", saved), ("accepted", answered), ("dismissed", answered)):
                if event.text in ("", kind):
                    kept.pop(item, None)
            continue
        if event.kind in _USED:
            seen[item] = None
        if event.kind == "purchased":
            bought[item] = max(event.at, bought.get(item, 0.0))
        if event.kind in _ANSWERS:
            answered[item] = None
        if event.kind in _LATER:
            saved.pop(item, None)
            saved[item] = None
        if said := opinion(event, behaviour) or _by_deed(event, behaviour, attitude.get(item)):
            attitude.pop(item, None)
            attitude[item] = said
    return Profile(
        user=user,
        liked=tuple(item for item, kind in attitude.items() if kind == "liked"),
        disliked=tuple(item for item, kind in attitude.items() if kind == "disliked"),
        seen=tuple(seen),
        answered=tuple(answered),
        saved=tuple(saved),
        bought=bought,
    )


def _by_deed(event: Event, behaviour: Behaviour, before: str | None) -> str | None:
    """What a deed says without a word: nothing against a dislike that was said."""
    return "liked" if before != "disliked" and behaviour.likes(event.kind, event.value) else None


def opinion(event: Event, behaviour: Behaviour = USUAL) -> str | None:
    """What an event says of its item: liked, disliked, or neither after all; None when it says nothing."""
    if event.kind in _OPINIONS:
        return event.kind
    if event.value is None:
        return None
    if event.kind in ("rated", "reviewed"):
        return "liked" if event.value >= behaviour.liked_from else "disliked" if event.value <= DISLIKED_TO else "neither"
    return "liked" if event.kind == "played" and event.value >= behaviour.liked_from else None
