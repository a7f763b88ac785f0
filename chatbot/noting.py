"""What a message and its answer tell of the person, as events, and how a turn that is said again takes its own place. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from chatbot.dialogue import last_items
from chatbot.profile import FOR
from chatbot.replying import forgettable
from chatbot.store import UserStore
from chatbot.types import Conversation, Profile, Request, Turn
from retrieval.errors import StoreError, ZhiyinError
from retrieval.events import Event
from retrieval.types import Constraint, Wish

ANOTHER = "another"
_OF_TASTE = ("recommend", "refine", "react")
_SPACE = uuid.UUID("5f0f6a0e-8f0b-4b52-9a55-2d7cbb0c1c51")  # of the ids of events; any that stays the same


def before(conversation: Conversation, turn_id: str) -> Conversation:
    """Return a conversation without a turn that is said again."""
    if all(turn.id != turn_id for turn in conversation.turns):
        return conversation
    return replace(conversation, turns=tuple(turn for turn in conversation.turns if turn.id != turn_id))


def failure(error: Exception) -> str:
    """Return the note of a turn that an error ended: what kind of error, and nothing of the inside."""
    return f"failed: {error.key if isinstance(error, ZhiyinError) else 'error_internal'}"


def statements(request: Request, profile: Profile, conversation: Conversation, turn_id: str) -> list[Event]:
    """Return the events of a message: its words, what it says of items, what it wishes, and what it wishes for good.

    Args:
        request: that the message was read as.
        profile: of the person, before it.
        conversation: before it.
        turn_id: of the turn that answers it; said again under the same id, the message makes the same events.
    """
    return _named(_statements(request, profile, conversation, turn_id), turn_id)


def for_others_marked(events: Sequence[Event], store: UserStore) -> list[Event]:
    """Mark feedback on what was recommended for somebody else: it says nothing of the person.

    Each conversation that events name is read once; one that cannot be read marks nothing.
    """
    talks = {(e.user, e.context["conversation"]) for e in events if e.item and {"conversation", "turn"} <= e.context.keys()}
    gifts = {turn for user, conversation in talks for turn in _gifts(store, user, conversation)}
    return [
        replace(e, context={**e.context, FOR: ANOTHER}) if (e.user, e.context.get("turn")) in gifts and e.item else e
        for e in events
    ]


def _gifts(store: UserStore, user: str, conversation: str) -> list[tuple[str, str]]:
    try:
        turns = store.load(conversation, user).turns
    except StoreError:  # it is another's, or the store says so itself when the events are added
        return []
    return [(user, turn.id) for turn in turns if turn.record["request"].get("gift")]


def shown(turn: Turn) -> list[Event]:
    """Return the events of what a turn shows; the same ones whenever the turn is made again."""
    where = {"conversation": turn.conversation, "turn": turn.id}
    return _named((Event(turn.user, "shown", item.item.id, context=where) for item in turn.items), turn.id)


def _named(events: Iterable[Event], turn_id: str) -> list[Event]:
    """Give events ids of their turn and of what they say, by which the store knows those that it has; equal ones are one."""
    named: dict[str, Event] = {}
    for event in events:
        facet = (event.context.get(key, "") for key in ("facet", "op", "value"))
        said = "\x1f".join((turn_id, event.kind, event.item or "", event.text, *facet))
        name = uuid.uuid5(_SPACE, said).hex
        named.setdefault(name, replace(event, id=name))
    return list(named.values())


def _statements(request: Request, profile: Profile, conversation: Conversation, turn_id: str) -> list[Event]:
    user, where = conversation.user, {"conversation": conversation.id, "turn": turn_id}
    where |= {FOR: ANOTHER} if request.gift else {}
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
