"""One call of a language model that is waited for only as long as there is patience."""

from __future__ import annotations

import atexit
import queue
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from chatbot.llm.base import POLL_SECONDS, Inbox

T = TypeVar("T")
EXIT_SECONDS = 5.0  # that the end of the program waits for running calls: a thread that is ended inside an engine aborts it
_running: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


class Flag(threading.Event):
    """What an engine is given as ``cancel``, and holds for as long as it runs. Nobody else holds it."""

    def __init__(self, ended: Callable[[], bool]) -> None:
        """Take what says whether the call is to end."""
        super().__init__()
        self._ended = ended

    def is_set(self) -> bool:
        """Whether the call is to end; engines ask this at every step."""
        return self._ended()


class Patience:
    """How long one call is waited for: until its caller has enough, or the model has been silent for too long."""

    def __init__(self, seconds: float, cancel: threading.Event | None) -> None:
        """Begin to wait for so many seconds at most, unless the caller has enough before."""
        self._seconds, self._cancel = seconds, cancel
        self._flag: weakref.ref[Flag] | None = None
        self._over = self.late = False
        self.go_on()

    def lend(self) -> Flag:
        """Return what the engine is given. It must be kept nowhere else: see :attr:`flag`."""
        flag = Flag(self.ended)
        self._flag = weakref.ref(flag)
        return flag

    @property
    def flag(self) -> Flag | None:
        """What the engine was given, if it still holds it, and so runs."""
        return self._flag() if self._flag else None

    def go_on(self) -> None:
        """Note a sign of life."""
        self._until = time.monotonic() + self._seconds

    @property
    def cancelled(self) -> bool:
        """Whether the caller wants no more."""
        return self._cancel is not None and self._cancel.is_set()

    def end(self) -> None:
        """Wait no longer."""
        self._over = True

    def ended(self) -> bool:
        """Whether the call is to end."""
        if self._over or self.cancelled:
            return True
        if time.monotonic() < self._until:
            return False
        self.late = self._over = True
        return True


def direct(pieces: Callable[[], Iterator[str]], patience: Patience) -> Generator[str, None, None]:
    """Pass on what an engine yields that lets its caller go by itself."""
    running = pieces()
    try:
        for piece in running:
            patience.go_on()
            yield piece
    finally:
        _close(running)


def apart(pieces: Callable[[], Iterator[str]], patience: Patience) -> Generator[str, None, None]:
    """Pass on what an engine yields in a thread of its own."""
    inbox: Inbox = queue.SimpleQueue()

    def run() -> None:
        try:
            running = pieces()
            for piece in running:
                patience.go_on()
                inbox.put(piece)
                if patience.ended():
                    break
            _close(running)
            inbox.put(None)
        except Exception as error:
            inbox.put(error)

    _start(run)
    try:
        while (piece := _next(inbox, patience)) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece
    finally:
        piece = None
        patience.end()


def _next(inbox: queue.SimpleQueue[T], patience: Patience) -> T | None:
    while not patience.ended():
        try:
            return inbox.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue
    return None


def wait(work: Callable[[], T], patience: Patience) -> T | None:
    """Return what a function returns that nobody can call off, run in a thread; None when the time is over."""
    inbox: queue.SimpleQueue[tuple[T] | Exception] = queue.SimpleQueue()

    def run(_flag: Flag) -> None:  # held for as long as this runs
        try:
            inbox.put((work(),))
        except Exception as error:
            inbox.put(error)

    _start(run, patience.lend())
    answer = _next(inbox, patience)
    try:
        if isinstance(answer, Exception):
            raise answer
        return answer[0] if answer else None
    finally:
        del answer


def _close(running: Iterator[str]) -> None:
    if isinstance(running, Generator):
        running.close()


def _start(run: Callable[..., None], *given: Flag) -> None:
    thread = threading.Thread(target=run, args=given, name="model-call", daemon=True)
    _running.add(thread)
    thread.start()


def _let_end() -> None:
    until = time.monotonic() + EXIT_SECONDS
    for thread in list(_running):
        thread.join(max(0.0, until - time.monotonic()))


atexit.register(_let_end)
