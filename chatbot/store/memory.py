"""A UserStore without a disk: for tests, the demo, and conversations that leave no trace."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from chatbot.store.base import absent, arrived, foreign, foreign_turn
from chatbot.store.headings import lacking, read_title, shown_texts, split_words
from chatbot.store.keys import InMemoryKeys
from chatbot.types import Conversation, Heading, StoredTurn
from retrieval.events import Event, EventKind


@dataclass(slots=True)
class _Talk:
    """A conversation; one whose turns were all withdrawn has none."""

    user: str
    used: float = 0.0
    title: str = ""
    turns: dict[str, StoredTurn] = field(default_factory=dict[str, StoredTurn])


class InMemoryUserStore:
    """Forgets everything with the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._events: dict[str, dict[str, Event]] = {}
        self._talks: dict[str, _Talk] = {}
        self.keys = InMemoryKeys()

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
        talk = self._mine(conversation, user)
        return Conversation(conversation, user, tuple(talk.turns.values()) if talk else ())

    def _mine(self, conversation: str, user: str) -> _Talk | None:
        talk = self._talks.get(conversation)
        if talk and talk.user != user:
            raise foreign(conversation)
        return talk

    def save(self, conversation: str, user: str, turn: StoredTurn) -> None:
        """Add or replace."""
        with self._lock:
            talk = self._mine(conversation, user) or _Talk(user)
            if any(turn.id in other.turns for other in self._talks.values() if other is not talk):
                raise foreign_turn(turn.id)
            talk.used, talk.turns = turn.at, {**talk.turns, turn.id: turn}
            self._talks.pop(conversation, None)
            self._talks[conversation] = talk  # at the end: of several used at the same moment, the one saved last comes first

    def conversations(self, user: str) -> Sequence[str]:
        """List."""
        return [heading.id for heading in self.headings(user)]

    def headings(self, user: str, words: str = "") -> Sequence[Heading]:
        """List."""
        wanted = split_words(words)
        with self._lock:
            talks = [(name, talk) for name, talk in self._talks.items() if talk.user == user and talk.turns]
        found: list[Heading] = []
        for name, talk in sorted(reversed(talks), key=lambda entry: -entry[1].used):
            turns = list(talk.turns.values())
            said = (text for turn in turns for text in (turn.message, *shown_texts(turn.record)))
            if turns and not (wanted and lacking(wanted, talk.title, *said)):
                found.append(Heading(name, talk.used, talk.title, turns[0].message, len(turns)))
        return found

    def rename(self, conversation: str, user: str, title: str) -> None:
        """Set."""
        title = read_title(title)
        with self._lock:
            talk = self._mine(conversation, user)
            if talk is None:
                raise absent(conversation)
            talk.title = title

    def remove(self, conversation: str, user: str) -> None:
        """Drop."""
        with self._lock:
            if self._mine(conversation, user):
                del self._talks[conversation]

    def withdraw(self, conversation: str, user: str, turn: str) -> None:
        """Drop."""
        with self._lock:
            if talk := self._mine(conversation, user):
                talk.turns = {name: old for name, old in talk.turns.items() if name != turn}

    def erase(self, user: str) -> None:
        """Drop."""
        with self._lock:
            self._events.pop(user, None)
            self._talks = {name: talk for name, talk in self._talks.items() if talk.user != user}
        self.keys.erase(user)

    def expire(self, before: float) -> int:
        """Drop what is older; a conversation without turns is none."""
        gone = 0
        with self._lock:
            for user, events in self._events.items():
                kept = {name: event for name, event in events.items() if event.at >= before}
                gone, self._events[user] = gone + len(events) - len(kept), kept
            for talk in self._talks.values():
                kept_turns = {name: turn for name, turn in talk.turns.items() if turn.at >= before}
                gone, talk.turns = gone + len(talk.turns) - len(kept_turns), kept_turns
            self._talks = {name: talk for name, talk in self._talks.items() if talk.turns}
        return gone
