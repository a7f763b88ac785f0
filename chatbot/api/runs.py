"""The turns that are running in this process: no turn twice at once, and an end for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chatbot.api.problems import ApiError

MOST = 256  # turns of a process: each has a thread, and those that wait for the model wait in one
AGAIN_SECONDS = 1  # after which it is worth trying again
LET_GO_SECONDS = 20.0  # how long it may take a turn that was called off to write itself down


@dataclass(eq=False, slots=True)
class Run:
    """A running turn. Setting ``cancel`` ends it; ``over`` is set when it has written itself down."""

    user: str
    conversation: str
    turn: str
    cancel: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def within(self, user: str, conversation: str) -> bool:
        """Whether it is of a person, and of their conversation where one is named."""
        return self.user == user and conversation in ("", self.conversation)


class Runs:
    """All running turns. Thread-safe."""

    def __init__(self, most: int = MOST) -> None:
        """Take how many there may be."""
        self._most = most
        self._runs: list[Run] = []
        self._quiet: list[tuple[str, str]] = []  # (person, conversation or ""): nothing may begin there
        self._changed = threading.Condition()
        self._draining = False

    @property
    def draining(self) -> bool:
        """Whether no more turns are taken."""
        return self._draining

    def __len__(self) -> int:
        """How many there are."""
        return len(self._runs)

    def begin(self, user: str, conversation: str, turn: str, cancel: threading.Event | None = None) -> Run:
        """Note that a turn runs; :meth:`end` must follow.

        Raises:
            ApiError: 409, the same turn runs already or what it belongs to is being removed; 503, there is no room for more.
        """
        run = Run(user, conversation, turn, cancel or threading.Event())
        with self._changed:
            if self._draining:
                raise _later(503, "draining", "This server is stopping. Send the message again, to where it is answered.")
            if any(other.turn == turn and other.user == user for other in self._runs):
                raise _later(409, "running", "This message is being answered. Wait, and ask again with the same key.")
            if any(run.within(*closed) for closed in self._quiet):
                raise _later(409, "removing", "What this belongs to is being removed. Wait a moment.")
            if len(self._runs) >= self._most:
                raise _later(503, "busy", "Too many messages are being answered at once. Wait a moment.")
            self._runs.append(run)
        return run

    def end(self, run: Run) -> None:
        """Note that a turn is over; doing it twice is doing it once."""
        with self._changed:
            if run in self._runs:
                self._runs.remove(run)
            run.over.set()
            self._changed.notify_all()

    @contextmanager
    def quiet(self, user: str, conversation: str = "") -> Generator[None]:
        """End the running turns of a person or conversation, and let none begin while the block runs.

        Raises:
            ApiError: 409, a turn does not end.
        """
        closed = (user, conversation)
        with self._changed:
            self._quiet.append(closed)
        try:
            with self._changed:
                running = [run for run in self._runs if run.within(*closed)]
            for run in running:
                run.cancel.set()
            until = time.monotonic() + LET_GO_SECONDS
            if not all([run.over.wait(max(0.0, until - time.monotonic())) for run in running]):
                raise _later(409, "running", "A message of this person is still being answered. Wait, and try again.")
            yield
        finally:
            with self._changed:
                self._quiet.remove(closed)

    def begin_drain(self) -> None:
        """Take no more turns."""
        with self._changed:
            self._draining = True

    def turns(self) -> list[Run]:
        """Return those that run."""
        with self._changed:
            return list(self._runs)


def _later(status: int, code: str, message: str) -> ApiError:
    return ApiError(status, code, message, {"Retry-After": str(AGAIN_SECONDS)})
