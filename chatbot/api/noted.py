"""What a client says of people and items, as events: checked first, so that all of it is taken or nothing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from chatbot.api.models_people import EventIn, ProfilePatch
from chatbot.api.problems import ApiError
from chatbot.types import Profile
from retrieval.events import Event

if TYPE_CHECKING:
    from chatbot.portrait import Line

TAKEN_BACK = "", "liked", "disliked", "seen", "saved", "accepted", "dismissed"  # what the text of ``cleared`` can be


def event_of(said: EventIn, n: int, user: str, items: Collection[str]) -> Event:
    """Return the event that a client tells of.

    Args:
        said: as it came.
        n: its place among those that came, for the error.
        user: whose it is.
        items: ids of the catalogue.

    Raises:
        ApiError: 422, it is of no item, or lacks what its kind needs.
    """
    if said.item not in items:
        raise unknown_item(said.item, ("events", n, "item"))
    if said.kind == "rated" and said.value is None:
        raise ApiError(422, "value", "A rating needs 'value', from 0 (lowest) to 1 (highest).", where=("events", n, "value"))
    if said.kind == "cleared" and said.text not in TAKEN_BACK:
        problem = f"'{said.text}' cannot be taken back. 'text' is one of {', '.join(TAKEN_BACK[1:])}, or empty for all of them."
        raise ApiError(422, "text", problem, where=("events", n, "text"))
    context = {name: value for name, value in (("conversation", said.conversation), ("turn", said.turn)) if value}
    return Event(user, said.kind, said.item, said.text, said.value, said.at or 0.0, context, said.id or "")


def changes(patch: ProfilePatch, user: str, profile: Profile, lines: Sequence[Line], items: Collection[str]) -> list[Event]:
    """Return the events of a change of a profile; what stands already is not said again.

    Raises:
        ApiError: 422, it names an item or a line that is not there, or both sets and clears one.
    """
    stands: Mapping[str, Collection[str]] = {
        "liked": profile.liked, "disliked": profile.disliked, "seen": profile.seen, "saved": profile.saved
    }  # fmt: skip
    known = {*profile.known, *profile.saved}
    for item in patch.set:
        if item not in items:
            raise unknown_item(item, ("set", item))
    for n, item in enumerate(patch.clear):
        if item in patch.set:
            raise ApiError(422, "both", f"'{item}' is both set and cleared. Do one of them.", where=("clear", n))
        if item not in items and item not in known:  # of what has left the catalogue, something may still be known
            raise unknown_item(item, ("clear", n))
    by_key = {line.key: line for line in lines if line.takes_back}
    for n, key in enumerate(patch.remove):
        if key not in by_key:
            raise ApiError(422, "line", f"The profile has no line '{key}' (any more). Get it anew.", where=("remove", n))
    return [
        *(Event(user, kind, item) for item, kind in patch.set.items() if item not in stands[kind]),
        *(Event(user, "cleared", item) for item in dict.fromkeys(patch.clear) if item in known),
        *(
            Event(user, "corrected", item, by_key[key].text, context=context)
            for key in dict.fromkeys(patch.remove)
            for item, context in by_key[key].takes_back
        ),
    ]


def unknown_item(item: str, where: Sequence[object]) -> ApiError:
    """The error of an item that the catalogue does not have."""
    return ApiError(422, "unknown_item", f"The catalogue has no item '{item}'. Nothing was taken.", where=where)
