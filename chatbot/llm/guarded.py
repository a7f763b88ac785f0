"""Any language model behind a guard: whatever happens to it, its caller hears an EngineError in time, and soon no more waits.

A call ends when the model gives no next piece in time. Engines that let their caller go by themselves soon after ``cancel`` is
set (``lets_go``) are called directly: what they are given as ``cancel`` is set by itself when the time is over, so that no
thread stands between them and the caller. All others are called in a thread of their own, which is left behind when it does not
come back; few may be (:data:`MOST_LEFT`), then the model is not asked any more until one of them comes back.

A model that failed :data:`FAILURES` times in a row is left alone for :data:`PAUSE_SECONDS`; then one call tries it again (a
circuit breaker: Nygard, "Release It!", 2007).
"""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Literal, TypeAlias

from chatbot.llm.base import LanguageModel, Prompt
from chatbot.llm.calling import Flag, Patience, apart, direct, wait
from retrieval.errors import EngineError

Kind: TypeAlias = Literal["stream", "score", "fill"]
logger = logging.getLogger(__name__)
KINDS: tuple[Kind, ...] = ("stream", "score", "fill")
FAILURES = 3  # in a row, after which the model is left alone
PAUSE_SECONDS = 30.0  # for so long
MOST_LEFT = 4  # calls that never came back


_all: weakref.WeakSet[GuardedModel] = weakref.WeakSet()


def hanging() -> bool:
    """Whether calls of any model of this process never came back: at its end Python would wait for their threads for ever."""
    return any(model.left_behind for model in list(_all))


class _Breaker:
    """Lets calls through until several in a row have failed; then one at a time, after a pause. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._lock, self._clock = threading.Lock(), clock
        self._failed, self._again = 0, 0.0

    def enter(self) -> float:
        """Return 0 for a call that may go on, else for how many seconds none may."""
        with self._lock:
            if self._failed < FAILURES:
                return 0.0
            now = self._clock()
            if now < self._again:
                return self._again - now
            self._again = now + PAUSE_SECONDS  # the others wait for how this one ends
            return 0.0

    def note(self, *, good: bool) -> None:
        """Take how a call ended."""
        with self._lock:
            self._failed = 0 if good else self._failed + 1
            self._again = self._clock() + PAUSE_SECONDS


class GuardedModel:
    """A language model whose every failure is an :class:`EngineError`, and which nobody waits for longer than is set."""

    def __init__(
        self,
        model: LanguageModel,
        timeout: float,
        *,
        tokens: Callable[[int], None] | None = None,
        fallback: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Guard a model.

        Args:
            model: any.
            timeout: seconds to wait for the next piece of a text, for the votes, or for a form.
            tokens: told how many pieces a text had, once a call.
            fallback: told which kind of call failed (stream, score, fill), so that the caller goes on without it.
            clock: seconds, for the pauses.
        """
        self.model, self._timeout = model, timeout
        self._tokens, self._fallback = tokens, fallback
        self._lets_go = bool(getattr(model, "lets_go", False))
        self._clock, self._swept = clock, -PAUSE_SECONDS
        self._breakers = {kind: _Breaker(clock) for kind in KINDS}
        # an engine's thread holds what it was given as ``cancel`` for as long as it runs
        self._left: weakref.WeakSet[Flag] = weakref.WeakSet()
        _all.add(self)

    @property
    def description(self) -> Mapping[str, str]:
        """Engine and name of the model."""
        return self.model.description

    @property
    def usage(self) -> Mapping[str, int]:
        """The tokens that the engine counted, where it does."""
        return getattr(self.model, "usage", {})

    @property
    def left_behind(self) -> int:
        """How many calls were given up and have not come back."""
        return len(self._left)

    def stream(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancel: threading.Event | None = None
    ) -> Generator[str, None, None]:
        """Yield the model's pieces; closing this generator ends the call."""
        count = 0
        try:
            with self._call("stream", cancel) as patience:

                def pieces() -> Iterator[str]:
                    return self.model.stream(prompt, max_tokens=max_tokens, stop=stop, cancel=patience.lend())

                with closing(direct(pieces, patience) if self._lets_go else apart(pieces, patience)) as given:
                    for piece in given:
                        count += 1
                        yield piece
                        patience.go_on()  # the caller's own time is not the model's
        finally:
            if count and self._tokens:
                self._tokens(count)

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Ask for the model's votes, in a thread: no engine can be called off while it computes them."""
        with self._call("score", None) as patience:
            scores = wait(lambda: self.model.score(prompt, labels), patience)
        return scores or {}

    def fill(self, prompt: Prompt, schema: Mapping[str, Any], *, max_tokens: int, cancel: threading.Event | None = None) -> str:
        """Have a form filled in; the time is that of the whole."""
        text: str | None = ""
        with self._call("fill", cancel) as patience:

            def form() -> str:
                return self.model.fill(prompt, schema, max_tokens=max_tokens, cancel=patience.lend())

            text = form() if self._lets_go else wait(form, patience)
        return text or ""

    @contextmanager
    def _call(self, kind: Kind, cancel: threading.Event | None) -> Generator[Patience, None, None]:
        """Surround one call: refuse it, or take how it ends.

        Raises:
            EngineError: whatever the engine raises, that it did not answer in time, or that it is not asked at present.
        """
        try:
            self._enter(kind)
            patience = Patience(self._timeout, cancel)
            try:
                yield patience
                failed = self._too_late() if patience.late else None
            except GeneratorExit:  # the caller has enough
                patience.end()
                failed = None
            except Exception as error:
                failed = self._too_late() if patience.late else _explain(error)
            if patience.cancelled:
                return
            self._note(kind, patience, good=failed is None)
            try:
                if failed:
                    raise failed
            finally:
                del failed  # else what is raised would hold itself
        except EngineError:
            if self._fallback:
                self._fallback(kind)
            raise

    def _enter(self, kind: Kind) -> None:
        if len(self._left) >= MOST_LEFT and self._clock() >= self._swept + PAUSE_SECONDS:
            self._swept = self._clock()
            gc.collect()  # what is held by nothing but itself runs no more; it stops everything for a moment
        if len(self._left) >= MOST_LEFT:
            problem = f"The language model hangs: {MOST_LEFT} calls never came back. It is asked again when one does."
            raise EngineError(f"{problem} Start the program again.", key="error_engine")
        if pause := self._breakers[kind].enter():
            problem = f"The language model failed {FAILURES} times in a row. It is asked again in {pause:.0f} s."
            raise EngineError(problem, key="error_engine")

    def _note(self, kind: Kind, patience: Patience, *, good: bool) -> None:
        if patience.late and (flag := patience.flag):
            self._left.add(flag)
        for name in KINDS if patience.late else (kind,):  # a model that hangs does so whatever it is asked for
            self._breakers[name].note(good=good)

    def _too_late(self) -> EngineError:
        problem = f"The language model did not answer within {self._timeout:g} s. Is the machine busy? Wait, or raise"
        return EngineError(f"{problem} ZHIYIN_MODEL_TIMEOUT.", key="error_engine")


def _explain(error: Exception) -> EngineError:
    if isinstance(error, EngineError):
        return error
    logger.error("the language model failed", exc_info=error)
    return EngineError(f"The language model failed ({type(error).__name__}: {error}). The log says where.", key="error_engine")
