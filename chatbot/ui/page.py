"""The Gradio page: its parts, and which press does what. The page answers at once; the pipeline loads behind it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from chatbot.loading import Loader
from chatbot.ui.chrome import render_header, render_loading, render_notice, render_welcome
from chatbot.ui.mounting import mount
from chatbot.ui.panel import render_private
from chatbot.ui.session import MAX_USER, Memory, Sessions, Step, View, new_conversation
from chatbot.ui.texts import choose_language, error_text, languages, text
from retrieval.errors import ZhiyinError

if TYPE_CHECKING:
    from chatbot.pipeline import RecommendationPipeline

logger = logging.getLogger(__name__)
_gradio: Any = gr  # for the parts of it that have no types
_POLL_SECONDS = 0.5
# Gradio encrypts what the browser keeps. A random key would be lost with the process, and with it the user's name; nothing
# secret is kept there.
_STORAGE = "zhiyin"
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
Changes = dict[Any, Any]


class _Page:
    """The components and their handlers; one a process."""

    def __init__(self, page: gr.Blocks, loader: Loader[RecommendationPipeline], default_user: str) -> None:
        self.default_user = default_user
        self.sessions = Sessions(loader)
        self._lay_out()
        self._wire(page)

    def _lay_out(self) -> None:
        start = choose_language(None)
        self.memory = gr.BrowserState({}, storage_key=_STORAGE, secret=_STORAGE)
        self.locale = gr.Textbox(visible="hidden", show_label=False, container=False)
        with gr.Column(elem_id="zy-top"):
            self.header = mount("header", render_header(start))
            with gr.Row(elem_id="zy-controls"):
                self.user = gr.Textbox(self.default_user, label=text(start, "label_user"), max_lines=1, elem_id="zy-user")
                self.language = gr.Radio(
                    [(text(code, "language_name"), code) for code in languages()],
                    value=start,
                    label=text(start, "label_language"),
                    elem_id="zy-language",
                )
                self.known = gr.Button(text(start, "profile"), elem_id="zy-known", size="sm")
                self.private = gr.Button(text(start, "private"), elem_id="zy-private", size="sm")
                self.new = gr.Button(text(start, "new"), elem_id="zy-new", size="sm")
        with gr.Column(elem_id="zy-main"):
            self.loading = mount("loading")
            self.welcome = mount("welcome")
            self.history = mount("history")
            self.live = mount("live")
        with gr.Column(elem_id="zy-composer"):
            self.secret = mount("secret")
            self.notice = mount("notice")
            self.held = mount("held")
            with gr.Row(elem_id="zy-line"):
                self.message = gr.Textbox(
                    label=text(start, "label_message"), lines=1, max_lines=6, elem_id="zy-message", autofocus=True
                )
                self.send = gr.Button(text(start, "send"), variant="primary", elem_id="zy-send")
                self.stop = gr.Button(text(start, "stop"), elem_id="zy-stop")
        self.panel = mount("profile")
        self.document = mount("document")
        self.marks = mount("marks")
        self.timer = gr.Timer(_POLL_SECONDS, active=False)

    def _wire(self, page: Any) -> None:
        buttons = [self.known, self.private, self.new, self.send, self.stop]
        chrome = [self.header, self.user, self.language, self.message, *buttons]
        talk = [self.loading, self.welcome, self.history, self.live, self.notice, self.held, self.marks, self.memory]
        talk += [self.secret, self.panel]
        answered = [self.message, self.stop, self.history, self.live, self.notice, self.held]
        everything = [*chrome, *talk, self.timer]
        begin = _gradio.on
        page.load(
            self.on_load, [self.memory, self.locale], everything, js="(memory, _) => [memory, navigator.language]", **_QUIET
        )
        page.unload(self.on_unload)
        self.timer.tick(self.on_tick, [self.memory, self.language], [*talk, self.timer], **_QUIET)
        begin(
            [self.send.click, self.message.submit],
            self.on_send,
            [self.message, self.memory, self.language],
            answered,
            concurrency_limit=8,
            trigger_mode="once",
            **_QUIET,
        )
        begin(
            [self.held.submit],
            self.on_press,
            [self.memory, self.language],
            answered,
            concurrency_limit=8,
            trigger_mode="once",
            **_QUIET,
        )
        self.stop.click(self.on_stop, [self.language], [self.stop], queue=False, **_QUIET)
        self.new.click(self.on_new, [self.memory, self.language], talk, **_QUIET)
        begin(
            [self.user.submit, self.user.blur],
            self.on_user,
            [self.user, self.memory, self.language],
            [*talk, self.user, self.private],
            **_QUIET,
        )
        self.private.click(self.on_private, [self.memory, self.language], [*talk, self.private], **_QUIET)
        known = [*talk, self.document]
        self.known.click(self.on_known, [self.memory, self.language], known, **_QUIET)
        begin([self.panel.select], self.on_asked, [self.memory, self.language], known, **_QUIET)
        self.language.input(self.on_language, [self.language, self.memory], [*chrome, *talk], **_QUIET)
        begin(
            [self.history.select, self.live.select],
            self.on_mark,
            [self.memory, self.language],
            [self.marks, self.notice],
            trigger_mode="multiple",
            **_QUIET,
        )

    def _chrome(self, language: str, user: str, *, private: bool = False) -> Changes:
        return {
            self.known: gr.update(value=text(language, "profile")),
            self.private: gr.update(value=text(language, "private_end" if private else "private")),
            self.header: render_header(language),
            self.user: gr.update(value=user, label=text(language, "label_user"), placeholder=text(language, "hint_user")),
            self.language: gr.update(value=language, label=text(language, "label_language")),
            self.new: gr.update(value=text(language, "new")),
            self.message: gr.update(label=text(language, "label_message"), placeholder=text(language, "placeholder_message")),
            self.send: gr.update(value=text(language, "send")),
            self.stop: gr.update(value=text(language, "stop"), interactive=True),
        }

    def _talk(self, session: str, memory: Memory, language: str, *, last: bool = False, fresh: bool = False) -> Changes:
        """Everything between header and box, for a person and the conversation they are in."""
        view, notice = View(), ""
        private = self.sessions.private(session)
        if fresh and not private:
            memory = Memory(memory.user, memory.language, new_conversation())
        elif self.sessions.ready:
            try:
                memory, view = self.sessions.open(session, memory, last=last)
            except ZhiyinError as error:
                notice = error_text(language, error)
        return {
            self.loading: render_loading(language, self.sessions.loader.state),
            self.welcome: self._welcome(language, memory),  # the style hides it once there is a turn
            self.history: view.history,
            self.live: view.live,
            self.held: view.held,
            self.notice: render_notice(notice),
            self.marks: self._marks(session, memory),
            self.memory: memory.write(),
            self.secret: render_private(language) if private else "",
            self.panel: "",
        }

    def _welcome(self, language: str, memory: Memory) -> str:
        return render_welcome(language, "" if memory.user == self.default_user else memory.user)

    def _marks(self, session: str, memory: Memory) -> str:
        # the time makes the script look each time
        return json.dumps({**self.sessions.marks(session, memory), "at": time.time()})

    def on_load(self, data: object, locale: str | None, request: gr.Request) -> Changes:
        """Set up a page that was opened or reloaded."""
        memory = Memory.read(data, self.default_user)
        language = memory.language or choose_language(locale)
        waiting = self.sessions.loader.state.stage not in ("ready", "failed")
        return {
            **self._chrome(language, memory.user),
            **self._talk(str(request.session_hash), memory, language),
            self.timer: gr.Timer(active=waiting),
        }

    def on_unload(self, request: gr.Request) -> None:
        """Cancel the turn of a page that was closed, at once and not only at its next word."""
        self.sessions.leave(str(request.session_hash))

    def on_tick(self, data: object, language: str, request: gr.Request) -> Changes:
        """Show how loading goes on; when it is over, show the conversation."""
        state = self.sessions.loader.state
        if state.stage not in ("ready", "failed"):
            return {self.loading: render_loading(language, state)}
        memory = Memory.read(data, self.default_user)
        return {**self._talk(str(request.session_hash), memory, language), self.timer: gr.Timer(active=False)}

    def on_send(self, message: str, data: object, language: str, request: gr.Request) -> Iterator[Changes]:
        """Answer a message. The box is emptied when the message was taken, never before."""
        memory = Memory.read(data, self.default_user)
        steps = self.sessions.answer(str(request.session_hash), message, memory, language)
        hint = text(language, "error_kept") if message.strip() else ""
        yield from self._show(steps, {self.message: ""}, language, hint)

    def on_press(self, data: object, language: str, request: gr.Request, event: gr.EventData) -> Iterator[Changes]:
        """Answer the press of a button that stands for a message. What is in the box stays there."""
        steps = self.sessions.press(str(request.session_hash), event.pressed, Memory.read(data, self.default_user), language)
        yield from self._show(steps, {}, language)

    def _show(self, steps: Iterator[Step], accepted: Changes, language: str, hint: str = "") -> Iterator[Changes]:
        for step in steps:
            changes: Changes = {}
            if step.accepted:
                changes |= {**accepted, self.notice: ""}
            if step.error:
                changes |= {self.notice: render_notice(step.error, hint)}
            parts = {self.history: step.history, self.live: step.live, self.held: step.held}
            yield changes | {part: html for part, html in parts.items() if html is not None}
        # Gradio sends the last change once more when a generator ends: it must be one that changes nothing of a page that
        # may show another user by now.
        yield {self.stop: gr.update(value=text(language, "stop"), interactive=True)}

    def on_stop(self, language: str, request: gr.Request) -> Changes:
        """Ask the turn to end; it says itself when it has."""
        self.sessions.stop(str(request.session_hash))
        return {self.stop: gr.update(value=text(language, "stopping"), interactive=False)}

    def on_new(self, data: object, language: str, request: gr.Request) -> Changes:
        """Begin a new conversation."""
        session = str(request.session_hash)
        self.sessions.abandon(session)
        if self.sessions.private(session):
            self.sessions.begin_private(session)  # another one
        return self._talk(session, Memory.read(data, self.default_user), language, fresh=True)

    def on_private(self, data: object, language: str, request: gr.Request) -> Changes:
        """Begin a conversation of which nothing is kept, or end it."""
        session, memory = str(request.session_hash), Memory.read(data, self.default_user)
        try:
            if self.sessions.private(session):
                self.sessions.end_private(session)
            else:
                self.sessions.begin_private(session)
        except ZhiyinError as error:
            return {self.notice: render_notice(error_text(language, error))}
        name = "private_end" if self.sessions.private(session) else "private"
        return {**self._talk(session, memory, language), self.private: gr.update(value=text(language, name))}

    def on_known(self, data: object, language: str, request: gr.Request) -> Changes:
        """Show what is known of the person."""
        return self._belongings(data, language, request, "")

    def on_asked(self, data: object, language: str, request: gr.Request, event: gr.EventData) -> Changes:
        """Do what was pressed in that dialog, and show it again."""
        return self._belongings(data, language, request, str(event.asked))

    def _belongings(self, data: object, language: str, request: gr.Request, asked: str) -> Changes:
        session, memory = str(request.session_hash), Memory.read(data, self.default_user)
        try:
            named = memory.user != self.default_user
            panel, document = self.sessions.belongings(session, memory, language, asked, named=named)
        except ZhiyinError as error:
            return {self.panel: "", self.notice: render_notice(error_text(language, error))}
        except (ValueError, KeyError, TypeError):
            logger.warning("a press in the profile could not be read", exc_info=True)
            return {self.panel: "", self.notice: render_notice(text(language, "error_gone"))}
        if not asked or document:
            return {self.panel: panel, self.document: document}
        return {**self._talk(session, memory, language), self.panel: panel}

    def on_user(self, name: str, data: object, language: str, request: gr.Request) -> Changes:
        """Change the user and show what they talked about last."""
        memory, name = Memory.read(data, self.default_user), name.strip()
        if name == memory.user:
            return {self.user: _gradio.skip()}
        if not 0 < len(name) <= MAX_USER:
            return {self.user: memory.user, self.notice: render_notice(text(language, "error_user", limit=MAX_USER))}
        session = str(request.session_hash)
        self.sessions.end_private(session)  # it was another person's
        changes = {self.private: gr.update(value=text(language, "private"))}
        return {**changes, **self._talk(session, Memory(name, memory.language), language, last=True), self.user: name}

    def on_language(self, language: str, data: object, request: gr.Request) -> Changes:
        """Say the page in another language. What was said stays in the language it was said in."""
        memory = Memory.read(data, self.default_user)
        memory = Memory(memory.user, language, memory.conversation)
        private = self.sessions.private(str(request.session_hash))
        changes = self._chrome(language, memory.user, private=private)
        changes |= {self.loading: render_loading(language, self.sessions.loader.state), self.notice: "", self.panel: ""}
        changes |= {self.secret: render_private(language) if private else ""}
        changes |= {self.welcome: self._welcome(language, memory)}
        return {**changes, self.memory: memory.write()}

    def on_mark(self, data: object, language: str, request: gr.Request, event: gr.EventData) -> Changes:
        """Keep what the person thinks of an item, and set the buttons of every card of it."""
        session, memory = str(request.session_hash), Memory.read(data, self.default_user)
        try:
            self.sessions.note(session, memory, event.opinion)
        except ZhiyinError as error:
            return {self.marks: self._marks(session, memory), self.notice: render_notice(error_text(language, error))}
        except (ValueError, KeyError, TypeError, AttributeError):
            logger.warning("an opinion could not be read", exc_info=True)
            return {self.marks: self._marks(session, memory), self.notice: render_notice(text(language, "error_feedback"))}
        return {self.marks: self._marks(session, memory)}


def build_page(loader: Loader[RecommendationPipeline], *, default_user: str = "me") -> gr.Blocks:
    """Build the page over a loader that may still be at work. It imports nothing of the pipeline."""
    with gr.Blocks(title="Zhiyin 知音", analytics_enabled=False, fill_width=True) as page:
        _Page(page, loader, default_user)
    return page
