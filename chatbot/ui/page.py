"""The Gradio page: which press does what. The page answers at once; the pipeline loads behind it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from chatbot.limiting import MessageLimiter
from chatbot.loading import Loader
from chatbot.ui.access import Access
from chatbot.ui.cards import no_picture
from chatbot.ui.chrome import render_loading, render_notice, render_welcome
from chatbot.ui.layout import Changes, Layout
from chatbot.ui.memory import MAX_USER, Memory
from chatbot.ui.portrait_panel import render_private
from chatbot.ui.rooms import Room
from chatbot.ui.session import Sessions, Step, View, new_conversation
from chatbot.ui.texts import choose_language, error_text, text
from retrieval.errors import ZhiyinError
from retrieval.types import Item

if TYPE_CHECKING:
    from chatbot.pipeline import RecommendationPipeline

logger = logging.getLogger(__name__)
_gradio: Any = gr  # for the parts of it that have no types
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)  # what a press that the page never makes leads to


class _Page:
    """The handlers; one a process."""

    def __init__(self, page: gr.Blocks, sessions: Sessions, access: Access, limiter: MessageLimiter, room: Room) -> None:
        self.sessions, self.access, self.limiter, self.room = sessions, access, limiter, room
        self.default_user = access.default_user
        named = not (access.single_user or access.guarded)
        self.parts = Layout(access.default_user, room, named=named, guarded=access.guarded)
        self._wire(page)

    def _wire(self, page: Any) -> None:
        parts, begin = self.parts, _gradio.on
        who, turn = [parts.memory, parts.language], {"concurrency_limit": 8, "trigger_mode": "once", **_QUIET}
        everything = [*parts.chrome, *parts.talk, parts.timer]
        page.load(
            self.on_load, [parts.memory, parts.locale], everything, js="(memory, _) => [memory, navigator.language]", **_QUIET
        )
        page.unload(self.on_unload)
        parts.timer.tick(self.on_tick, who, [*parts.talk, parts.timer], **_QUIET)
        begin([parts.send.click, parts.message.submit], self.on_send, [parts.message, *who], parts.answered, **turn)
        begin([parts.held.submit], self.on_press, who, parts.answered, **turn)
        parts.stop.click(self.on_stop, [parts.language], [parts.stop], queue=False, **_QUIET)
        parts.new.click(self.on_new, who, parts.talk, **_QUIET)
        begin(
            [parts.user.submit, parts.user.blur],
            self.on_user,
            [parts.user, *who],
            [*parts.talk, parts.user, parts.private],
            **_QUIET,
        )
        parts.private.click(self.on_private, who, [*parts.talk, parts.private], **_QUIET)
        beside = [*parts.talk, parts.document, parts.private]
        begin([parts.panel.select], self.on_beside, who, beside, trigger_mode="multiple", **_QUIET)
        parts.language.input(self.on_language, [parts.language, parts.memory], [*parts.chrome, *parts.talk], **_QUIET)
        marked = [parts.marks, parts.notice]
        begin([parts.history.select, parts.live.select], self.on_mark, who, marked, trigger_mode="multiple", **_QUIET)

    # -- what is shown ----------------------------------------------------------------------------------------------

    def _memory(self, data: object, request: gr.Request) -> Memory:
        return Memory.read(data, self.default_user, self.access.fixed_user(request))

    def _talk(
        self, session: str, memory: Memory, language: str, *, last: bool = False, fresh: bool = False, earlier: bool = False
    ) -> Changes:
        """Everything between what stands beside and the box, for a person and the conversation they are in."""
        view, notice, private = View(), "", self.sessions.private(session)
        parts = self.parts
        if fresh and not private:
            memory = memory.at(new_conversation())
        elif self.sessions.ready:
            try:
                memory, view = self.sessions.open(session, memory, language, last=last, earlier=earlier)
            except ZhiyinError as error:
                notice = error_text(language, error)
        return {
            parts.loading: render_loading(language, self.sessions.loader.state),
            parts.welcome: self._welcome(language, memory),  # the style hides it once there is a turn
            parts.history: view.history,
            parts.live: view.live,
            parts.held: view.held,
            parts.notice: render_notice(notice),
            parts.marks: self._marks(session, memory),
            parts.memory: memory.write(),
            parts.secret: render_private(language) if private else "",
            parts.panel: "",
            **self._around(session, memory, language, start=not view.live),
        }

    def _around(self, session: str, memory: Memory, language: str, *, start: bool) -> Changes:
        """What stands beside, and the start page where the conversation has not begun."""
        if not self.sessions.ready:
            return {}
        try:
            discover = self.sessions.discover(session, memory, language) if start else ""
            return {self.parts.side: self.sessions.side(session, memory, language), self.parts.discover: discover}
        except ZhiyinError as error:
            return {self.parts.notice: render_notice(error_text(language, error))}

    def _welcome(self, language: str, memory: Memory) -> str:
        user = "" if memory.user == self.default_user else memory.user
        return render_welcome(language, user, self.room.starters)

    def _marks(self, session: str, memory: Memory) -> str:
        # the time makes the script look each time
        return json.dumps({**self.sessions.marks(session, memory), "at": time.time()})

    # -- the page opens and closes ----------------------------------------------------------------------------------

    def on_load(self, data: object, locale: str | None, request: gr.Request) -> Changes:
        """Set up a page that was opened or reloaded."""
        memory = self._memory(data, request)
        language = memory.language or choose_language(locale)
        waiting = self.sessions.loader.state.stage not in ("ready", "failed")
        return {
            **self.parts.say(language, memory.user),
            **self._talk(str(request.session_hash), memory, language),
            self.parts.timer: gr.Timer(active=waiting),
        }

    def on_unload(self, request: gr.Request) -> None:
        """Cancel the turn of a page that was closed, at once and not only at its next word."""
        self.sessions.leave(str(request.session_hash))

    def on_tick(self, data: object, language: str, request: gr.Request) -> Changes:
        """Show how loading goes on; when it is over, show the conversation."""
        state = self.sessions.loader.state
        if state.stage not in ("ready", "failed"):
            return {self.parts.loading: render_loading(language, state)}
        memory = self._memory(data, request)
        return {**self._talk(str(request.session_hash), memory, language), self.parts.timer: gr.Timer(active=False)}

    # -- the conversation -------------------------------------------------------------------------------------------

    def on_send(self, message: str, data: object, language: str, request: gr.Request) -> Iterator[Changes]:
        """Answer a message. The box is emptied when the message was taken, never before."""
        memory, session = self._memory(data, request), str(request.session_hash)
        steps = self._limited(self.sessions.answer(session, message, memory, language), memory, language, request)
        hint = text(language, "error_kept") if message.strip() else ""
        yield from self._show(steps, session, memory, {self.parts.message: ""}, language, hint)

    def on_press(self, data: object, language: str, request: gr.Request, event: gr.EventData) -> Iterator[Changes]:
        """Answer the press of a button that stands for a message. What is in the box stays there."""
        memory, session = self._memory(data, request), str(request.session_hash)
        steps = self.sessions.press(session, event.pressed, memory, language)
        yield from self._show(self._limited(steps, memory, language, request), session, memory, {}, language)

    def _limited(self, steps: Iterator[Step], memory: Memory, language: str, request: Any) -> Iterator[Step]:
        """Run a turn, unless this person or address had one too many."""
        client = request.client  # Starlette gives none behind some proxies
        try:
            self.limiter.check(memory.user, client.host if client else "")
        except ZhiyinError as error:
            yield Step(error=error_text(language, error))
        else:
            yield from steps

    def _show(
        self, steps: Iterator[Step], session: str, memory: Memory, accepted: Changes, language: str, hint: str = ""
    ) -> Iterator[Changes]:
        parts = self.parts
        for step in steps:
            changes: Changes = {}
            if step.accepted:
                changes |= {**accepted, parts.notice: ""}
            if step.error:
                changes |= {parts.notice: render_notice(step.error, hint)}
            if step.held is not None:  # the turn is kept now, and its conversation is the newest
                changes |= {parts.side: self.sessions.side(session, memory, language)}
            shown = {parts.history: step.history, parts.live: step.live, parts.held: step.held}
            yield changes | {part: html for part, html in shown.items() if html is not None}
        # Gradio sends the last change once more when a generator ends: it must be one that changes nothing of a page that
        # may show another user by now.
        yield {parts.stop: gr.update(value=text(language, "stop"), interactive=True)}

    def on_stop(self, language: str, request: gr.Request) -> Changes:
        """Ask the turn to end; it says itself when it has."""
        self.sessions.stop(str(request.session_hash))
        return {self.parts.stop: gr.update(value=text(language, "stopping"), interactive=False)}

    def on_new(self, data: object, language: str, request: gr.Request) -> Changes:
        """Begin a new conversation."""
        session = str(request.session_hash)
        self.sessions.abandon(session)
        if self.sessions.private(session):
            self.sessions.begin_private(session)  # another one
        return self._talk(session, self._memory(data, request), language, fresh=True)

    def on_mark(self, data: object, language: str, request: gr.Request, event: gr.EventData) -> Changes:
        """Keep what the person thinks of an item, and set the buttons of every card of it."""
        session, memory, notice = str(request.session_hash), self._memory(data, request), None
        try:
            self.sessions.note(session, memory, event.opinion)
        except ZhiyinError as error:
            notice = error_text(language, error)
        except _UNREADABLE:
            logger.warning("an opinion could not be read", exc_info=True)
            notice = text(language, "error_feedback")
        marks = {self.parts.marks: self._marks(session, memory)}
        return marks if notice is None else {**marks, self.parts.notice: render_notice(notice)}

    # -- beside it --------------------------------------------------------------------------------------------------

    def on_beside(self, data: object, language: str, request: gr.Request, event: gr.EventData) -> Changes:
        """Do what was pressed beside the conversation or in a dialog."""
        session, memory, parts = str(request.session_hash), self._memory(data, request), self.parts
        try:
            asked = str(event.asked)
            shown = self.sessions.beside(session, memory, language, asked, named=memory.user != self.default_user)
        except ZhiyinError as error:
            return {parts.panel: "", parts.notice: render_notice(error_text(language, error))}
        except _UNREADABLE:
            logger.warning("a press beside the conversation could not be read", exc_info=True)
            return {parts.panel: "", parts.notice: render_notice(text(language, "error_gone"))}
        changes: Changes = {parts.memory: shown.memory.write(), parts.document: shown.document}
        if shown.talk:
            changes |= self._talk(session, shown.memory, language, earlier=shown.earlier, fresh=not shown.memory.conversation)
            changes |= {parts.private: parts.say_private(language, on=self.sessions.private(session))}
        drawn = {parts.panel: shown.panel, parts.side: shown.side, parts.discover: shown.discover}
        return changes | {part: html for part, html in drawn.items() if html is not None}

    def on_private(self, data: object, language: str, request: gr.Request) -> Changes:
        """Begin a conversation of which nothing is kept, or end it."""
        session, memory = str(request.session_hash), self._memory(data, request)
        try:
            if self.sessions.private(session):
                self.sessions.end_private(session)
            else:
                self.sessions.begin_private(session)
        except ZhiyinError as error:
            return {self.parts.notice: render_notice(error_text(language, error))}
        button = self.parts.say_private(language, on=self.sessions.private(session))
        return {**self._talk(session, memory, language), self.parts.private: button}

    def on_user(self, name: str, data: object, language: str, request: gr.Request) -> Changes:
        """Change the user and show what they talked about last."""
        memory, name = self._memory(data, request), name.strip()
        if name == memory.user or self.access.fixed_user(request):
            return {self.parts.user: _gradio.skip()}
        if not 0 < len(name) <= MAX_USER:
            notice = render_notice(text(language, "error_user", limit=MAX_USER))
            return {self.parts.user: memory.user, self.parts.notice: notice}
        session = str(request.session_hash)
        self.sessions.end_private(session)  # it was another person's
        changes = {self.parts.private: self.parts.say_private(language, on=False), self.parts.user: name}
        return {**self._talk(session, replace(memory, user=name).at(""), language, last=True), **changes}

    def on_language(self, language: str, data: object, request: gr.Request) -> Changes:
        """Say the page in another language. What was said stays in the language it was said in."""
        session, parts = str(request.session_hash), self.parts
        memory = replace(self._memory(data, request), language=language)
        private = self.sessions.private(session)
        changes = parts.say(language, memory.user, private=private)
        changes |= {parts.loading: render_loading(language, self.sessions.loader.state), parts.notice: "", parts.panel: ""}
        changes |= {parts.secret: render_private(language) if private else ""}
        changes |= {parts.welcome: self._welcome(language, memory), parts.memory: memory.write()}
        return {**changes, **self._around(session, memory, language, start=True)}


def build_page(
    loader: Loader[RecommendationPipeline],
    *,
    access: Access | None = None,
    picture: Callable[[Item], str | None] = no_picture,
    messages_per_minute: int = 0,
    default_user: str = "me",
    sessions: Sessions | None = None,
    room: Room | None = None,
) -> gr.Blocks:
    """Build the page over a loader that may still be at work. It imports nothing of the pipeline.

    Args:
        loader: of the pipeline.
        access: who may come in, and as whom; without, everybody may say who they are.
        picture: where the picture of an item is on this host, or None.
        messages_per_minute: that a person, and an address, may send; 0: as many as they like.
        default_user: who is there before a name is given, where ``access`` does not say it.
        sessions: of the pages, for whoever ends them; without, they are made here, of ``loader`` and ``picture``.
        room: which of the process's pages it is; without, the only one.
    """
    with gr.Blocks(title="Zhiyin 知音", analytics_enabled=False, fill_width=True) as page:
        access = access or Access(default_user=default_user)
        _Page(page, sessions or Sessions(loader, picture), access, MessageLimiter(messages_per_minute), room or Room())
    return page
