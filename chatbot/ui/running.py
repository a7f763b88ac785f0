"""Runs the turns of open pages, step by step, and ends them. Knows nothing of Gradio."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from chatbot.types import Cards, Done, Language, Text, TurnEvent
from chatbot.ui.cards import Shelf
from chatbot.ui.memory import EXPLORE, Memory
from chatbot.ui.texts import error_text, text
from chatbot.ui.turns import LiveTurn, render_held, render_history
from retrieval.errors import StoreError, ZhiyinError
from retrieval.types import Constraint, Wish

if TYPE_CHECKING:  # its import takes seconds: the page must be there before
    from chatbot.pipeline import RecommendationPipeline

logger = logging.getLogger(__name__)
REDRAW_SECONDS = 0.06  # text may come token by token; the eye and the wire need no more than this
HAND_OVER_SECONDS = 20.0  # how long a change of user waits for a running turn to let go


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the page during a turn. ``accepted`` is true once, when the message was taken; ``error`` is for people."""

    live: str | None = None
    history: str | None = None
    held: str | None = None
    accepted: bool = False
    error: str = ""


@dataclass(slots=True)
class Run:
    """A running turn; ``abandoned``: it may show nothing more."""

    cancel: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False


def new_conversation() -> str:
    """Return the id of a conversation that nobody has."""
    return uuid.uuid4().hex


class Runner:
    """The running turns, one a page."""

    def __init__(self, look: Callable[[RecommendationPipeline, str], Shelf]) -> None:
        """Take what shows a person's shelf as it is now."""
        self._look = look
        self._runs: dict[str, Run] = {}
        self._draining = False

    def answer(
        self,
        session: str,
        message: str,
        pipeline: RecommendationPipeline,
        memory: Memory,
        language: str,
        drop: Sequence[Constraint | Wish] = (),
    ) -> Iterator[Step]:
        """Run a turn of a page and say step by step what changes. Never raises for what can be said in words."""
        if self._draining:
            yield Step(error=text(language, "error_stopping"))
            return
        run = Run()
        self._runs[session] = run
        try:
            yield from self._answer(run, message, pipeline, memory, language, drop)
        except ZhiyinError as error:
            yield Step(error=error_text(language, error))
        except Exception as error:
            logger.exception("a turn failed")
            yield Step(error=text(language, "error_generic", message=f"{type(error).__name__}: {error}"))
        finally:  # also when the tab was closed: GeneratorExit comes through here
            run.cancel.set()
            run.over.set()
            if self._runs.get(session) is run:
                del self._runs[session]

    def _answer(
        self,
        run: Run,
        message: str,
        pipeline: RecommendationPipeline,
        memory: Memory,
        language: str,
        drop: Sequence[Constraint | Wish],
    ) -> Iterator[Step]:
        conversation = pipeline.store.load(memory.conversation, memory.user)
        shelf = self._look(pipeline, memory.user)
        # the page's language is a hint: the pipeline follows the message, then the conversation
        hint = cast("Language", language)
        events = pipeline.respond(
            message,
            conversation,
            shelf.profile,
            cancel=run.cancel,
            language=hint,
            drop=drop,
            count=memory.count or None,
            explore=EXPLORE[memory.explore],
        )
        try:
            first, second = next(events), next(events)  # the second one comes, or not, after the message was read
            live = LiveTurn(new_conversation(), message.strip(), language)
            live.apply(first)
            live.apply(second)
            yield Step(live.render(shelf), render_history(conversation.turns, shelf, language), accepted=True)
            yield from self._follow(run, events, live, lambda: self._look(pipeline, memory.user), language)
        finally:
            run.cancel.set()
            if isinstance(events, Generator):
                with suppress(StoreError):  # logged; whoever has left hears nothing, and one that ran out has nothing to close
                    events.close()

    def _follow(
        self, run: Run, events: Iterator[TurnEvent], live: LiveTurn, look: Callable[[], Shelf], language: str
    ) -> Iterator[Step]:
        shelf, drawn = look(), 0.0
        try:
            for event in events:
                live.apply(event)
                if run.abandoned:
                    return
                if isinstance(event, Done):
                    break
                if isinstance(event, Cards):
                    shelf = look()  # an opinion given during the turn counts for the cards that come after it
                if not isinstance(event, Text) or time.monotonic() - drawn >= REDRAW_SECONDS:
                    drawn = time.monotonic()
                    yield Step(live.render(shelf))
        except ZhiyinError as error:
            live.fail(error_text(language, error))
        except Exception as error:
            logger.exception("a turn failed")
            live.fail(text(language, "error_generic", message=f"{type(error).__name__}: {error}"))
        if not live.note and not live.stored:
            live.stop()
        if not run.abandoned:
            yield Step(live.render(look()), held=render_held(live.stored) if live.stored else None)

    def stop(self, session: str) -> None:
        """Ask the running turn of a page to end; what it has so far stays."""
        run = self._runs.get(session)
        if run:
            run.cancel.set()

    def begin_drain(self) -> None:
        """Take no more turns."""
        self._draining = True

    def turns(self) -> list[Run]:
        """Return those that run."""
        return list(self._runs.values())

    def abandon(self, session: str) -> None:
        """End the running turn of a page and wait until it can show nothing more."""
        run = self._runs.get(session)
        if run:
            run.abandoned = True
            run.cancel.set()
            run.over.wait(HAND_OVER_SECONDS)
