"""A UserStore for a conversation that leaves no trace: it knows what another store holds, and writes nothing to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chatbot.store.base import UserStore
from chatbot.store.memory import InMemoryUserStore
from retrieval.events import Event, EventKind


class ForgettingUserStore(InMemoryUserStore):
    """Forgets with the process, or when nobody holds it any more, what is said; what was known before counts."""

    def __init__(self, known: UserStore) -> None:
        """Take the store whose events count too."""
        super().__init__()
        self._known = known

    def events(self, user: str, without: Collection[EventKind] = ()) -> Sequence[Event]:
        """Return those of the other store, and then its own."""
        return [*self._known.events(user, without), *super().events(user, without)]
