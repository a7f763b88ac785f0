"""Loads the heavy parts behind the page: in a thread, with a state that anyone may read."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from retrieval.errors import ZhiyinError

logger = logging.getLogger(__name__)
LoadStage: TypeAlias = Literal["starting", "libraries", "embedder", "index", "model", "ready", "failed"]
Report: TypeAlias = Callable[[LoadStage, float], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadState:
    """Where loading stands: its stage, how much of the whole is done (0..1), and the error if it failed."""

    stage: LoadStage = "starting"
    fraction: float = 0.0
    error: ZhiyinError | None = None


class Loader(Generic[T]):
    """Runs ``load(report)`` once in the background and keeps what it returns."""

    def __init__(self, load: Callable[[Report], T]) -> None:
        """Take the function that loads; :meth:`start` runs it."""
        self._load, self._value = load, None
        self._state = LoadState()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)

    @property
    def state(self) -> LoadState:
        """The present state."""
        return self._state

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def block(self) -> None:
        """Wait as long as the program runs: loading goes on, and a failure stays on the page."""
        self._over.wait()
        threading.Event().wait()

    def _report(self, stage: LoadStage, fraction: float) -> None:
        self._state = LoadState(stage, fraction)
        logger.info("loading: %s (%d%%)", stage, round(100 * fraction))

    def _run(self) -> None:
        try:
            self._value = self._load(self._report)
            self._report("ready", 1.0)
        except Exception as error:
            known = error if isinstance(error, ZhiyinError) else ZhiyinError(f"{type(error).__name__}: {error}")
            logger.error("loading failed: %s", known, exc_info=not isinstance(error, ZhiyinError))
            self._state = LoadState("failed", self._state.fraction, known)
        finally:
            self._over.set()

    def wait(self, timeout: float | None = None) -> T:
        """Return what was loaded.

        Raises:
            ZhiyinError: what loading failed with, or that it is not over yet.
        """
        self._over.wait(timeout)
        if self._state.error:
            raise self._state.error
        if self._value is None:
            raise ZhiyinError("Zhiyin is still loading. Wait a moment and try again.", key="error_loading")
        return self._value


class Once(Generic[T]):
    """Makes something when it is first called for, and gives every later call the same. Thread-safe."""

    def __init__(self, make: Callable[[], T]) -> None:
        """Take what makes it."""
        self._make, self._lock = make, threading.Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        """Return it."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]
