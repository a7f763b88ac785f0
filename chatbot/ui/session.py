"""What the page does when something is pressed: reads the store, runs turns, notes opinions. Knows nothing of Gradio."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from chatbot.loading import Loader
from chatbot.records import held_parts
from chatbot.ui.atlas import Atlas
from chatbot.ui.cards import KINDS, Shelf, no_picture
from chatbot.ui.memory import Memory
from chatbot.ui.panels import Desk, Shown, ends_turn, show_side
from chatbot.ui.running import Run, Runner, Step, new_conversation
from chatbot.ui.texts import choose_language, error_text, text
from chatbot.ui.turns import render_held, render_history, render_marks, render_turns
from retrieval.errors import ZhiyinError
from retrieval.events import Event, EventKind
from retrieval.types import Constraint, Item, Wish

if TYPE_CHECKING:  # its import takes seconds: the page must be there before
    from chatbot.pipeline import RecommendationPipeline

logger = logging.getLogger(__name__)
REDRAW_SECONDS = 0.06  # text may come token by token; the eye and the wire need no more than this
HAND_OVER_SECONDS = 20.0  # how long a change of user waits for a running turn to let go


@dataclass(frozen=True, slots=True)
class View:
    """A conversation as HTML: every turn but the last, the last, which the next one pushes up, and what it holds to."""

    history: str = ""
    live: str = ""
    held: str = ""


class Sessions:
    """All open pages of one process. A page is known by the session id that Gradio gives it."""

    def __init__(self, loader: Loader[RecommendationPipeline], picture: Callable[[Item], str | None] = no_picture) -> None:
        """Take the loader of a pipeline, and what says where the picture of an item is."""
        self.loader, self._picture = loader, picture
        self._runner = Runner(self._shelf)
        self.atlas = Atlas()
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
        return pipeline, memory.at(conversation)

    @property
    def ready(self) -> bool:
        """Whether the pipeline is loaded."""
        return self.loader.state.stage == "ready"

    def _shelf(self, pipeline: RecommendationPipeline, user: str) -> Shelf:
        return Shelf(pipeline.index.domain, pipeline.index.items, pipeline.profile(user), self._picture)

    def open(
        self, session: str, memory: Memory, language: str = "", *, last: bool = False, earlier: bool = False
    ) -> tuple[Memory, View]:
        """Show the conversation that the browser remembers, with ``last`` the one the user used last, or the private one.

        Of a private one the browser remembers nothing: it keeps the conversation that it had before. Of a long one the latest
        turns are shown, with ``earlier`` all.
        """
        pipeline, here = self._where(session, memory)
        wanted = "" if last else here.conversation
        conversation = wanted or next(iter(pipeline.store.conversations(memory.user)), "") or new_conversation()
        try:
            turns = pipeline.store.load(conversation, memory.user).turns
        except ZhiyinError:  # the browser remembers a conversation of somebody else: it is not shown, and not kept
            conversation, turns = new_conversation(), ()
        shelf = self._shelf(pipeline, memory.user)
        live = render_turns(turns[-1:], shelf, last=True)
        view = View(render_history(turns[:-1], shelf, language, whole=earlier), live, render_held(turns[-1] if turns else None))
        return memory if self.private(session) else memory.at(conversation), view

    def press(self, session: str, pressed: str, memory: Memory, language: str) -> Iterator[Step]:
        """Run the turn of a button, as JSON.

        ``{"say"}`` is a message; with ``instead``, the id of the last turn, it takes that one's place. ``{"retry"}`` says the
        last message again. ``{"drop", "in"}`` is the number of what is dropped, and the turn that held to it.
        """
        from chatbot.revising import withdraw  # as the pipeline, these are loaded by now
        from chatbot.understanding import check_message

        try:
            data = json.loads(pressed)
            if "say" in data and not data.get("instead"):
                yield from self.answer(session, str(data["say"]), memory, language)
                return
            pipeline, here = self._where(session, memory)
            turn = pipeline.store.load(here.conversation, here.user).turns[-1]
            again = "instead" in data or "retry" in data
            if turn.id != (data.get("instead", turn.id) if again else data["in"]):
                raise LookupError(f"{data} is not of the last turn {turn.id}")
            entry = None if again else turn.record["held"][int(data["drop"])]
            words = check_message(str(data.get("say", turn.message)))
        except ZhiyinError as error:
            yield Step(error=error_text(language, error))
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # the page is older than the conversation
            logger.info("a press that cannot be: %s", error)
            yield Step(error=text(language, "error_gone"))
        else:
            spoken = choose_language(turn.record["language"])
            if entry is None:
                self.abandon(session)  # a turn that goes on would bring it back
                withdraw(pipeline.store, here.conversation, here.user, turn)
                yield from self.answer(session, words, memory, spoken)
            else:
                said = text(spoken, "drop_said", label=entry["label"])
                yield from self.answer(session, said, memory, spoken, held_parts(entry))

    def answer(
        self, session: str, message: str, memory: Memory, language: str, drop: Sequence[Constraint | Wish] = ()
    ) -> Iterator[Step]:
        """Run a turn and say step by step what changes; see :meth:`chatbot.ui.running.Runner.answer`."""
        try:
            pipeline, here = self._where(session, memory)
        except ZhiyinError as error:
            yield Step(error=error_text(language, error))
            return
        yield from self._runner.answer(session, message, pipeline, here, language, drop)

    def stop(self, session: str) -> None:
        """Ask the running turn of a page to end; what it has so far stays."""
        self._runner.stop(session)

    def abandon(self, session: str) -> None:
        """End the running turn of a page and wait until it can show nothing more."""
        self._runner.abandon(session)

    def begin_drain(self) -> None:
        """Take no more messages."""
        self._runner.begin_drain()

    def turns(self) -> Sequence[Run]:
        """Return the running turns of all pages; :func:`chatbot.hosting.end_turns` ends them."""
        return self._runner.turns()

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

    def _desk(self, session: str, memory: Memory, language: str, *, named: bool = True) -> Desk:
        pipeline, here = self._where(session, memory)
        shelf = self._shelf(pipeline, memory.user)
        return Desk(pipeline, self.pipeline, shelf, here, language, self.atlas, named)

    def side(self, session: str, memory: Memory, language: str) -> str:
        """Show what stands beside the conversation."""
        return show_side(self.pipeline.store, self._where(session, memory)[1], language)

    def discover(self, session: str, memory: Memory, language: str) -> str:
        """Show items to react to, to a person of whom nothing is known; nothing to anybody else."""
        desk = self._desk(session, memory, language)
        return "" if desk.shelf.profile.known else desk.discover()

    def beside(self, session: str, memory: Memory, language: str, asked: str, *, named: bool = True) -> Shown:
        """Do what was pressed beside the conversation, as JSON; see :meth:`chatbot.ui.panels.Desk.do`.

        Raises:
            ZhiyinError: it cannot be done; the message says why.
            ValueError, LookupError, TypeError, AttributeError: it is nothing that can be pressed.
        """
        data = json.loads(asked)
        if ends_turn(data):
            self.abandon(session)
        if "open" in data:
            self.end_private(session)
        shown = self._desk(session, memory, language, named=named).do(data)
        # of a private conversation the browser remembers nothing: it keeps the one that it had before
        return replace(shown, memory=shown.memory.at(memory.conversation)) if self.private(session) else shown
