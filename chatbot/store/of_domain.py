"""One domain's part of a user store: people have a profile and conversations in each domain, and what they allow in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from chatbot.store.base import UserStore
from chatbot.types import Conversation, Heading, StoredTurn
from retrieval.events import Event, EventKind

DOMAIN = "domain"  # of an event's context: where it came from; what is older than that counts everywhere
SHARE = "share"  # of a correction's ``op``: whether what was said in words counts in every domain; its value is "on" or "off"
_SIGN = "\u241f"  # between a domain and the name of a conversation
_IN_WORDS: frozenset[EventKind] = frozenset({"wished", "corrected"})


@dataclass(frozen=True, slots=True)
class DomainUserStore:
    """A view of a store; what is done through it stays in its domain.

    What a person did with items is known in its own domain alone. What they asked for and refused in words ("never horror")
    counts in the others too where they allow it (:data:`SHARE`).

    Attributes:
        inner: holds everything.
        domain: name of the domain.
        conversations_apart: conversations have names of their own here; without, they are those of the store itself.
    """

    inner: UserStore
    domain: str
    conversations_apart: bool = True

    def append(self, *events: Event) -> int:
        """Add events of this domain."""
        return self.inner.append(*(self._marked(event) for event in events))

    def _marked(self, event: Event) -> Event:
        common = event.kind == "corrected" and event.context.get("op") == SHARE
        return event if common or DOMAIN in event.context else replace(event, context={**event.context, DOMAIN: self.domain})

    def events(self, user: str, without: Collection[EventKind] = ()) -> Sequence[Event]:
        """Return a user's events of this domain, and of others what they said in words and share."""
        events = self.inner.events(user, without)
        shared = shares(events)
        return [event for event in events if self._counts(event, shared=shared)]

    def _counts(self, event: Event, *, shared: bool) -> bool:
        origin = event.context.get(DOMAIN, self.domain)
        return origin == self.domain or (shared and event.kind in _IN_WORDS and event.item is None)

    def load(self, conversation: str, user: str) -> Conversation:
        """Return a conversation of this domain."""
        return replace(self.inner.load(self._name(conversation), user), id=conversation)

    def save(self, conversation: str, user: str, turn: StoredTurn) -> None:
        """Add a turn to a conversation, or replace the turn of the same id."""
        self.inner.save(self._name(conversation), user, turn)

    def conversations(self, user: str) -> Sequence[str]:
        """Return the ids of a user's conversations here, the one used last first."""
        return [own for name in self.inner.conversations(user) if (own := self._own(name)) is not None]

    def headings(self, user: str, words: str = "") -> Sequence[Heading]:
        """Return a line for each of a user's conversations here."""
        lines = ((self._own(line.id), line) for line in self.inner.headings(user, words))
        return [replace(line, id=own) for own, line in lines if own is not None]

    def rename(self, conversation: str, user: str, title: str) -> None:
        """Give a conversation a title."""
        self.inner.rename(self._name(conversation), user, title)

    def remove(self, conversation: str, user: str) -> None:
        """Remove a conversation with its turns."""
        self.inner.remove(self._name(conversation), user)

    def withdraw(self, conversation: str, user: str, turn: str) -> None:
        """Remove one turn of a conversation."""
        self.inner.withdraw(self._name(conversation), user, turn)

    def erase(self, user: str) -> None:
        """Remove everything of a user, in every domain."""
        self.inner.erase(user)

    def expire(self, before: float) -> int:
        """Remove what is older than a moment, in every domain."""
        return self.inner.expire(before)

    def _name(self, conversation: str) -> str:
        return f"{self.domain}{_SIGN}{conversation}" if self.conversations_apart else conversation

    def _own(self, name: str) -> str | None:
        """The id here of a conversation of the store; None: it is another domain's."""
        if not self.conversations_apart:
            return None if _SIGN in name else name
        domain, sign, own = name.partition(_SIGN)
        return own if sign and domain == self.domain else None


def allowed(store: UserStore, user: str) -> bool | None:
    """Return whether a person allows that; None: the store keeps no domain by itself, so there is nothing to allow."""
    return shares(store.events(user)) if isinstance(store, DomainUserStore) else None


def allowing(user: str, *, on: bool) -> Event:
    """The event by which a person allows it, or takes that back."""
    return Event(user, "corrected", context={"op": SHARE, "value": "on" if on else "off"})


def shares(events: Iterable[Event]) -> bool:
    """Whether a person allows that what they said in words counts in every domain; the last word counts."""
    said = [event.context.get("value") for event in events if event.kind == "corrected" and event.context.get("op") == SHARE]
    return bool(said) and said[-1] == "on"
