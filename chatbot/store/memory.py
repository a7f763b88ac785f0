"""A UserStore without a disk: for tests, the demo, and conversations that leave no trace."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

from chatbot.store.base import arrived, foreign, foreign_turn
from chatbot.types import Conversation, StoredTurn
from retrieval.events import Event, EventKind


class InMemoryUserStore:
    """Forgets everything with the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._events: dict[str, dict[str, Event]] = {}
        self._owners: dict[str, str] = {}
        self._turns: dict[str, list[StoredTurn]] = {}

    def append(self, *events: Event) -> int:
        """Add those whose id is new."""
        with self._lock:
            before = sum(map(len, self._events.values()))
            for event in map(arrived, events):
                self._events.setdefault(event.user, {}).setdefault(event.id, event)
            return sum(map(len, self._events.values())) - before

    def events(self, user: str, without: Collection[EventKind] = ()) -> Sequence[Event]:
        """Look up."""
        return [event for event in self._events.get(user, {}).values() if event.kind not in without]

    def load(self, conversation: str, user: str) -> Conversation:
        """Look up."""
        if self._owners.get(conversation, user) != user:
            raise foreign(conversation)
        return Conversation(conversation, user, tuple(self._turns.get(conversation, ())))

    def save(self, conversation: str, user: str, turn: StoredTurn) -> None:
        """Add or replace."""
        with self._lock:
            if self._owners.setdefault(conversation, user) != user:
                raise foreign(conversation)
            others = (t for name, turns in self._turns.items() if name != conversation for t in turns)
            if any(other.id == turn.id for other in others):
                raise foreign_turn(turn.id)
            turns = {old.id: old for old in self._turns.pop(conversation, [])}
            self._turns[conversation] = list({**turns, turn.id: turn}.values())

    def conversations(self, user: str) -> Sequence[str]:
        """List."""
        return [name for name in reversed(self._turns) if self._owners[name] == user]

    def erase(self, user: str) -> None:
        """Drop."""
        with self._lock:
            self._events.pop(user, None)
            for name in [name for name, owner in self._owners.items() if owner == user]:
                self._drop(name)

    def expire(self, before: float) -> int:
        """Drop what is older; a conversation without turns is none."""
        gone = 0
        with self._lock:
            for user, events in self._events.items():
                kept = {name: event for name, event in events.items() if event.at >= before}
                gone, self._events[user] = gone + len(events) - len(kept), kept
            for name, turns in list(self._turns.items()):
                kept_turns = [turn for turn in turns if turn.at >= before]
                gone, self._turns[name] = gone + len(turns) - len(kept_turns), kept_turns
                if not kept_turns:
                    self._drop(name)
        return gone

    def _drop(self, conversation: str) -> None:
        del self._owners[conversation]
        self._turns.pop(conversation, None)
