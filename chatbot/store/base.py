"""What every UserStore does, and what becomes of an event at its door."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

from chatbot.types import Conversation, Heading, StoredTurn
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
        """Return the ids of a user's conversations that have a turn, the one used last first."""
        ...

    def headings(self, user: str, words: str = "") -> Sequence[Heading]:
        """Return a line for each of a user's conversations that have a turn, the one used last first.

        Args:
            user: whose they are.
            words: keeps the conversations that contain each of them, in whatever case and width: in the title, in a message, or
                in what was recommended or replied. Part of a word is enough. Without words no record of a turn is read.
        """
        ...

    def rename(self, conversation: str, user: str, title: str) -> None:
        """Give a conversation a title; an empty one takes its title away.

        Raises:
            StoreError: it belongs to another user, or there is none; or the title is too long.
        """
        ...

    def remove(self, conversation: str, user: str) -> None:
        """Remove a conversation with its turns, so that no file of the store holds any of them; events stay.

        One that does not exist is nothing to do.

        Raises:
            StoreError: it belongs to another user.
        """
        ...

    def withdraw(self, conversation: str, user: str, turn: str) -> None:
        """Remove one turn of a conversation; its title stays, also when that was its only turn.

        A turn that it does not have is nothing to do.

        Raises:
            StoreError: the conversation belongs to another user.
        """
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


def absent(conversation: str) -> StoreError:
    """The error of a conversation that does not exist."""
    return StoreError(f"There is no conversation '{conversation}' any more.", key="error_no_conversation")


def too_long(length: int, limit: int) -> StoreError:
    """The error of a title that has too many characters."""
    return StoreError(
        f"The title has {length} characters; at most {limit} are kept. Shorten it.",
        key="error_title",
        length=length,
        limit=limit,
    )
