"""What the page does when something is pressed: reads the store, runs turns, notes opinions. Knows nothing of Gradio."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from chatbot.loading import Loader
from chatbot.records import held_parts
from chatbot.types import Cards, Done, Language, Text, TurnEvent
from chatbot.ui.belongings import handle, show_belongings
from chatbot.ui.cards import KINDS, Shelf
from chatbot.ui.texts import choose_language, error_text, text
from chatbot.ui.turns import LiveTurn, render_held, render_marks, render_turns
from retrieval.errors import ZhiyinError
from retrieval.events import Event, EventKind
from retrieval.types import Constraint, Wish

if TYPE_CHECKING:  # its import takes seconds: the page must be there before
    from chatbot.pipeline import RecommendationPipeline

logger = logging.getLogger(__name__)
MAX_USER = 60
REDRAW_SECONDS = 0.06  # text may come token by token; the eye and the wire need no more than this
HAND_OVER_SECONDS = 20.0  # how long a change of user waits for a running turn to let go


@dataclass(frozen=True, slots=True)
class Memory:
    """What a browser remembers: who is there, in which language, and which conversation is open."""

    user: str
    language: str = ""
    conversation: str = ""

    @classmethod
    def read(cls, data: object, default_user: str) -> Memory:
        """Read what the browser sent, whatever it is."""
        known: Mapping[str, object] = cast("Mapping[str, object]", data) if isinstance(data, Mapping) else {}
        user, language, conversation = (str(known.get(key) or "") for key in ("user", "language", "conversation"))
        return cls(user.strip()[:MAX_USER] or default_user, choose_language(language) if language else "", conversation[:100])

    def write(self) -> dict[str, str]:
        """Return what the browser keeps."""
        return {"user": self.user, "language": self.language, "conversation": self.conversation}


@dataclass(frozen=True, slots=True)
class View:
    """A conversation as HTML: every turn but the last, the last, which the next one pushes up, and what it holds to."""

    history: str = ""
    live: str = ""
    held: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the page during a turn. ``accepted`` is true once, when the message was taken; ``error`` is for people."""

    live: str | None = None
    history: str | None = None
    held: str | None = None
    accepted: bool = False
    error: str = ""


@dataclass(slots=True)
class _Run:
    cancel: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False


def new_conversation() -> str:
    """Return the id of a conversation that nobody has."""
    return uuid.uuid4().hex


class Sessions:
    """All open pages of one process. A page is known by the session id that Gradio gives it."""

    def __init__(self, loader: Loader[RecommendationPipeline]) -> None:
        """Take the loader of a pipeline."""
        self.loader = loader
        self._runs: dict[str, _Run] = {}
        self._private: dict[str, tuple[RecommendationPipeline, str]] = {}  # page -> what forgets, and the conversation

    @property
    def pipeline(self) -> RecommendationPipeline:
        """The loaded pipeline.

        Raises:
            ZhiyinError: it is not there (yet).
        """
        return self.loader.wait(0)

    def private(self, session: str) -> bool:
        """Whether a page is in a private conversation."""
        return session in self._private

    def begin_private(self, session: str) -> None:
        """Begin a private conversation of a page; nothing is left of one that it was in."""
        from chatbot.store import ForgettingUserStore  # with SQLAlchemy: by now it is loaded

        self.abandon(session)
        pipeline = self.pipeline
        self._private[session] = pipeline.over(ForgettingUserStore(pipeline.store)), new_conversation()

    def end_private(self, session: str) -> None:
        """End the private conversation of a page, if it is in one: nothing of it is left."""
        self.abandon(session)
        self._private.pop(session, None)

    def leave(self, session: str) -> None:
        """Forget a page that was closed."""
        self.stop(session)
        self._private.pop(session, None)

    def _where(self, session: str, memory: Memory) -> tuple[RecommendationPipeline, Memory]:
        """Return what answers a page, and the conversation it is in."""
        pipeline, conversation = self._private.get(session) or (self.pipeline, memory.conversation)
        return pipeline, Memory(memory.user, memory.language, conversation)

    @property
    def ready(self) -> bool:
        """Whether the pipeline is loaded."""
        return self.loader.state.stage == "ready"

    def _shelf(self, pipeline: RecommendationPipeline, user: str) -> Shelf:
        return Shelf(pipeline.index.domain, pipeline.index.items, pipeline.profile(user))

    def open(self, session: str, memory: Memory, *, last: bool = False) -> tuple[Memory, View]:
        """Show the conversation that the browser remembers, with ``last`` the one the user used last, or the private one.

        Of a private one the browser remembers nothing: it keeps the conversation that it had before.
        """
        pipeline, here = self._where(session, memory)
        mine = pipeline.store.conversations(memory.user)
        wanted = "" if last else here.conversation
        conversation = wanted or (mine[0] if mine else new_conversation())
        try:
            turns = pipeline.store.load(conversation, memory.user).turns
        except ZhiyinError:  # the browser remembers a conversation of somebody else: it is not shown, and not kept
            conversation, turns = new_conversation(), ()
        shelf = self._shelf(pipeline, memory.user)
        live = render_turns(turns[-1:], shelf, last=True)
        view = View(render_turns(turns[:-1], shelf), live, render_held(turns[-1] if turns else None))
        return memory if self.private(session) else Memory(memory.user, memory.language, conversation), view

    def press(self, session: str, pressed: str, memory: Memory, language: str) -> Iterator[Step]:
        """Run the turn of a button, ``{"say"}`` or ``{"drop", "in"}`` as JSON: an answer, or the number of what is dropped."""
        try:
            data = json.loads(pressed)
            if "say" in data:
                yield from self.answer(session, str(data["say"]), memory, language)
                return
            pipeline, here = self._where(session, memory)
            turn = pipeline.store.load(here.conversation, here.user).turns[-1]
            if turn.id != data["in"]:
                raise LookupError(f"turn {data['in']} is not the last one")
            entry = turn.record["held"][int(data["drop"])]
        except ZhiyinError as error:
            yield Step(error=error_text(language, error))
        except (ValueError, LookupError, TypeError) as error:  # a press on a page that is older than the conversation
            logger.info("nothing to drop: %s", error)
            yield Step(error=text(language, "error_gone"))
        else:
            spoken = choose_language(turn.record["language"])
            said = text(spoken, "drop_said", label=entry["label"])
            yield from self.answer(session, said, memory, spoken, held_parts(entry))

    def answer(
        self, session: str, message: str, memory: Memory, language: str, drop: Sequence[Constraint | Wish] = ()
    ) -> Iterator[Step]:
        """Run a turn and say step by step what changes. Never raises for what can be said in words."""
        run = _Run()
        self._runs[session] = run
        try:
            yield from self._answer(run, message, *self._where(session, memory), language, drop)
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
        run: _Run,
        message: str,
        pipeline: RecommendationPipeline,
        memory: Memory,
        language: str,
        drop: Sequence[Constraint | Wish],
    ) -> Iterator[Step]:
        conversation = pipeline.store.load(memory.conversation, memory.user)
        shelf = self._shelf(pipeline, memory.user)
        # the page's language is a hint: the pipeline follows the message, then the conversation
        hint = cast("Language", language)
        events = pipeline.respond(message, conversation, shelf.profile, cancel=run.cancel, language=hint, drop=drop)
        try:
            first, second = next(events), next(events)  # the second one comes, or not, after the message was read
            live = LiveTurn(new_conversation(), message.strip(), language)
            live.apply(first)
            live.apply(second)
            yield Step(live.render(shelf), render_turns(conversation.turns, shelf), accepted=True)
            yield from self._follow(run, events, live, lambda: self._shelf(pipeline, memory.user), language)
        finally:
            run.cancel.set()
            if isinstance(events, Generator):
                events.close()

    def _follow(
        self, run: _Run, events: Iterator[TurnEvent], live: LiveTurn, look: Callable[[], Shelf], language: str
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

    def abandon(self, session: str) -> None:
        """End the running turn of a page and wait until it can show nothing more."""
        run = self._runs.get(session)
        if run:
            run.abandoned = True
            run.cancel.set()
            run.over.wait(HAND_OVER_SECONDS)

    def note(self, session: str, memory: Memory, opinion: str) -> dict[str, list[str]]:
        """Keep an opinion, ``{"item", "kind", "on", "turn"}`` as JSON, and return what the person now thinks of what.

        That somebody looked closer at a card (``opened``) is kept too, once a turn.

        Raises:
            ValueError: it is not an opinion on an item of the catalogue.
        """
        pipeline, memory = self._where(session, memory)
        data = json.loads(opinion)
        item, kind, turn = str(data["item"]), str(data["kind"]), str(data.get("turn") or "")
        on = bool(data["on"])
        if not (kind in KINDS or (kind == "opened" and on)) or item not in pipeline.index.items:
            raise ValueError(f"no such opinion or item: {kind} {item}")
        event_kind = cast("EventKind", kind if on else "cleared")
        words = "" if on else kind
        context = {name: value for name, value in (("conversation", memory.conversation), ("turn", turn[:64])) if value}
        once = uuid.uuid5(uuid.NAMESPACE_OID, f"opened {turn} {item}").hex if kind == "opened" else ""
        pipeline.learn(Event(memory.user, event_kind, item, words, context=context, id=once))
        return render_marks(pipeline.profile(memory.user))

    def marks(self, session: str, memory: Memory) -> dict[str, list[str]]:
        """Return what the person thinks of what."""
        return render_marks(self._where(session, memory)[0].profile(memory.user)) if self.ready else {}

    def belongings(
        self, session: str, memory: Memory, language: str, asked: str = "", *, named: bool = True
    ) -> tuple[str, str]:
        """Show what is known of a person, after what was pressed in the dialog is done; with a document to be downloaded."""
        if asked:
            self.abandon(session)  # a turn that goes on would write into what is erased or taken in
        note, document = handle(self.pipeline, memory.user, language, asked) if asked else ("", "")
        return show_belongings(self.pipeline, memory.user, language, note, named=named), document
