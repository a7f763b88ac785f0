"""One turn as the events that a client gets: run, or told again when it was answered before."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from chatbot.api.models import ChatEvent, DoneEvent, ErrorAnswer, Message, Problem
from chatbot.api.problems import ApiError, api_error
from chatbot.api.runs import Run, Runs
from chatbot.api.wire import events_of
from chatbot.types import Conversation, Language, StoredTurn

if TYPE_CHECKING:  # its import takes seconds
    from chatbot.pipeline import RecommendationPipeline

_SPACE = uuid.UUID("7c1e5b6c-3c6f-4a7b-9a0e-6f0a3c6d2f11")  # of the ids made from keys; any that stays the same


def names_of(user: str, conversation: str | None, once: str) -> tuple[str, str]:
    """Return the ids of a conversation and a turn: new ones, or with a key ``once`` always the same for one user and key."""
    if not once:
        return conversation or uuid.uuid4().hex, uuid.uuid4().hex
    talk = conversation or uuid.uuid5(_SPACE, "\x1f".join(("conversation", user, once))).hex
    return talk, uuid.uuid5(_SPACE, "\x1f".join(("turn", user, talk, once))).hex


def check_same(stored: StoredTurn, message: str) -> None:
    """Refuse a key that came with another message before.

    Raises:
        ApiError: 422.
    """
    changed = any(note.startswith("taken out") for note in stored.record["notes"])  # what was said is not what was kept
    if stored.message != message and not changed:
        problem = "This Idempotency-Key came with another message before. Give each message a key of its own."
        raise ApiError(422, "key_reused", problem, where=("header", "Idempotency-Key"))


class Chat(Iterator[ChatEvent]):
    """A turn, to be iterated in a thread: the last event is ``done``, or ``error`` where something failed on the way.

    Attributes:
        run: the turn among those that run.
        replayed: whether it was answered before and is only told again.
        error: what it failed with.
    """

    def __init__(self, runs: Runs, run: Run, events: Iterator[ChatEvent], *, replayed: bool = False) -> None:
        """Take a turn that has begun, and what makes its events."""
        self._runs, self._events = runs, events
        self.run, self.replayed = run, replayed
        self.error: Exception | None = None

    def __next__(self) -> ChatEvent:
        """Return the next event."""
        if self.run.over.is_set():
            raise StopIteration
        try:
            event = next(self._events)
        except StopIteration:
            self.close()
            raise
        except Exception as error:
            self.error = error
            self.close()
            return _error_event(error)
        if isinstance(event, DoneEvent):
            self.close()  # before it is told: whoever then asks with the same key finds the turn
        return event

    def stop(self) -> None:
        """Call the turn off, from any thread: the model stops, and what there is is kept."""
        self.run.cancel.set()

    def close(self) -> None:
        """End the turn, in the thread that iterates; what there is is kept. Twice is once."""
        if self.run.over.is_set():
            return
        self.run.cancel.set()
        try:
            if close := getattr(self._events, "close", None):  # a generator that never began has nothing to keep
                close()
        finally:
            self._runs.end(self.run)

    def __del__(self) -> None:
        """Let go of a turn that nobody followed."""
        self.close()


def told(
    pipeline: RecommendationPipeline, asked: Message, message: str, conversation: Conversation, run: Run
) -> Generator[ChatEvent]:
    """Run a turn and yield its events."""
    language: Language | None = None
    events = pipeline.respond(
        message,
        conversation,
        pipeline.profile(conversation.user),
        cancel=run.cancel,
        language=asked.language,
        items_only=asked.items_only,
        count=asked.count,
        explore=asked.explore,
        turn_id=run.turn,
    )
    try:
        for event in events:
            language = getattr(event, "language", None) or language
            yield from events_of(event, pipeline.index.items, language)
    finally:
        if isinstance(events, Generator):
            events.close()


def _error_event(error: Exception) -> ErrorAnswer:
    known = api_error(error)
    return ErrorAnswer(error=Problem(code=known.code, message=known.message, where=".".join(map(str, known.where))))
