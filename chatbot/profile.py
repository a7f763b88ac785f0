"""Events to profile: pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from chatbot.types import Event, Profile


def build_profile(user: str, events: Iterable[Event]) -> Profile:
    """Fold a person's events, oldest first, into what they like, dislike and have seen.

    The last word on an item wins: a like takes back a dislike and the other way round; ``cleared`` takes back the kind
    named in its text, or all of them when it names none.
    """
    attitude: dict[str, str] = {}
    seen: dict[str, None] = {}
    for event in events:
        if event.user != user or event.item is None:
            continue
        item = event.item
        if event.kind in ("liked", "disliked"):
            attitude.pop(item, None)
            attitude[item] = event.kind
        elif event.kind == "seen":
            seen[item] = None
        elif event.kind == "cleared":
            if event.text in ("", "seen"):
                seen.pop(item, None)
            if event.text in ("", attitude.get(item)):
                attitude.pop(item, None)
    return Profile(
        user=user,
        liked=tuple(item for item, kind in attitude.items() if kind == "liked"),
        disliked=tuple(item for item, kind in attitude.items() if kind == "disliked"),
        seen=tuple(seen),
    )
