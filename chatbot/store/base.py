"""What every UserStore does, and what becomes of an event at its door."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

from chatbot.types import Conversation, StoredTurn
from retrieval.errors import StoreError
from retrieval.events import Event, EventKind


class UserStore(Protocol):
    """Keeps what people did and said. What one user stored no other user can load."""

    def append(self, *events: Event) -> int:
        """Add events in one step, all or none; they count from the next read on. See :func:`arrived`.

        Returns:
            How many are new: an event whose user and id are known already is not added again.
        """
        ...

    def events(self, user: str, without: Collection[EventKind] = ()) -> Sequence[Event]:
        """Return a user's events, but those of some kinds, in the order in which they arrived."""
        ...

    def load(self, conversation: str, user: str) -> Conversation:
        """Return a conversation with its turns, or an empty one when it is new.

        Raises:
            StoreError: it belongs to another user.
        """
        ...

    def save(self, conversation: str, user: str, turn: StoredTurn) -> None:
        """Add a turn to a conversation, or replace the turn of the same id.

        Raises:
            StoreError: the conversation belongs to another user.
        """
        ...

    def conversations(self, user: str) -> Sequence[str]:
        """Return the ids of a user's conversations, the one used last first."""
        ...

    def erase(self, user: str) -> None:
        """Remove everything of a user, so that no file of the store holds any of it."""
        ...

    def expire(self, before: float) -> int:
        """Remove everybody's events and turns from before a moment, and say how many they were."""
        ...


def arrived(event: Event) -> Event:
    """Return an event as it is kept.

    It gets an id if it has none. Its time is never later than its arrival, for a clock that is ahead would make it the newest
    for ever; without a time it gets the present one. Which of two opinions is the last one says the order of arrival: clocks
    of several devices disagree.
    """
    now = time.time()
    return replace(event, id=event.id or uuid.uuid4().hex, at=min(event.at, now) if event.at else now)


def foreign(conversation: str) -> StoreError:
    """The error of a conversation that is not one's own."""
    return StoreError(f"Conversation '{conversation}' belongs to another user. Begin a new one.", key="error_conversation")


def foreign_turn(turn: str) -> StoreError:
    """The error of a turn that is in another conversation already."""
    return StoreError(f"Turn '{turn}' belongs to another conversation.", key="error_conversation")
