"""Takes a turn back as if its message had never been said."""

from __future__ import annotations

import uuid

from chatbot.store import UserStore
from chatbot.types import StoredTurn
from retrieval.events import Event

_OF_WORDS = frozenset({"typed", "wished", "corrected"})  # nothing but a message makes them within a turn


def withdraw(store: UserStore, conversation: str, user: str, turn: StoredTurn) -> None:
    """Remove a turn, and take back by ``undone`` events what its message said of the person.

    What was pressed on a card of the turn, shown or looked at stays: that happened whatever was said. Done twice, it is done
    once.

    Args:
        store: of the turn and the events.
        conversation: of the turn.
        user: whose it is.
        turn: as the conversation keeps it.

    Raises:
        StoreError: the conversation belongs to another user; nothing is taken back.
    """
    store.load(conversation, user)  # refuses another's
    where = {"conversation": conversation, "turn": turn.id}
    said = [event for event in store.events(user, ("shown", "opened")) if _of_message(event, turn)]
    # before the turn goes: whoever is stopped between the two still sees the turn, and can do it again
    store.append(*(Event(user, "undone", text=event.id, context=where, id=_undoing(event)) for event in said))
    store.withdraw(conversation, user, turn.id)


def _of_message(event: Event, turn: StoredTurn) -> bool:
    """Whether the message of a turn made an event; see :func:`chatbot.noting.statements`. A press has no words of its own."""
    if event.context.get("turn") != turn.id:
        return False
    if event.kind == "cleared":
        return not event.text  # a press names the kind that it takes back
    return event.kind in _OF_WORDS or event.text == turn.message


def _undoing(event: Event) -> str:
    """Return the id of what takes an event back: the same each time, so that twice is once."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"undone {event.id}").hex
