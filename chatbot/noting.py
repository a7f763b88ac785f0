"""What a message tells of the person, as events. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from chatbot.dialogue import last_items
from chatbot.replying import forgettable
from chatbot.types import Conversation, Profile, Request
from retrieval.events import Event
from retrieval.types import Constraint, Wish

_OF_TASTE = ("recommend", "refine", "react")


def statements(request: Request, profile: Profile, conversation: Conversation, turn_id: str) -> list[Event]:
    """Return the events of a message: its words, what it says of items, what it wishes, and what it wishes for good.

    Args:
        request: that the message was read as.
        profile: of the person, before it.
        conversation: before it.
        turn_id: of the turn that answers it.
    """
    user, where = conversation.user, {"conversation": conversation.id, "turn": turn_id}
    events = [Event(user, "typed", text=request.text, context=where)]
    events += [Event(user, "cleared", item, context=where) for item in forgettable(request, profile)]
    if request.intent == "profile":
        return events
    shown = last_items(conversation)
    for item, kind in request.stated:
        taken = kind == "saved" and item in shown
        events.append(Event(user, "accepted" if taken else kind, item, request.text, context=where))
    for part, op in _wished(request, len(conversation.turns)):
        for value in part.values if isinstance(part, Constraint) else (part.value,):
            said = {**where, "facet": part.field, "value": str(value), "op": op}
            events.append(Event(user, "wished", text=part.words or request.text, context=said))
    for op, parts in (("never", request.never), ("again", request.again)) if request.intent in _OF_TASTE else ():
        for field, value in parts:
            said = {**where, "facet": field, "value": str(value), "op": op}
            events.append(Event(user, "corrected", text=request.text, context=said))
    return events


def _wished(request: Request, turn: int) -> Iterator[tuple[Constraint | Wish, str]]:
    """Yield the facet values that this message itself asks for or refuses; bounds of numbers are of the moment alone."""
    if request.intent not in _OF_TASTE:
        return
    for constraint in request.constraints:
        if constraint.turn == turn and constraint.op not in ("min", "max"):
            yield constraint, "excludes" if constraint.op == "excludes" else "includes"
    for wish in request.wishes:
        if wish.turn == turn:
            yield wish, "includes"
