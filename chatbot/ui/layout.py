"""The components of the page and where they stand: what is beside, the conversation, the box, and what is drawn over them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot.ui.chrome import render_header
from chatbot.ui.mounting import mount
from chatbot.ui.rooms import Room
from chatbot.ui.side import render_bar
from chatbot.ui.texts import choose_language, languages, text

# Gradio encrypts what the browser keeps. A random key would be lost with the process, and with it the user's name; nothing
# secret is kept there.
_STORAGE = "zhiyin"
_POLL_SECONDS = 0.5
Changes = dict[Any, Any]


class Layout:
    """The components, made once a process."""

    def __init__(self, default_user: str, room: Room, *, named: bool, guarded: bool) -> None:
        """Lay them out; ``named``: people may type whose page it is; ``guarded``: they have signed in."""
        self._named, self._guarded, self._room = named, guarded, room
        start = choose_language(None)
        self.memory = gr.BrowserState({}, storage_key=f"{_STORAGE}{room.path}", secret=_STORAGE)
        self.locale = gr.Textbox(visible="hidden", show_label=False, container=False)
        with gr.Column(elem_id="zy-side"):
            self.header = mount("header", render_header(start, doors=room.doors))
            self.new = gr.Button(text(start, "new"), elem_id="zy-new", size="sm")
            self.side = mount("talks")
            with gr.Column(elem_id="zy-controls"):
                self.user = gr.Textbox(
                    default_user, label=text(start, "label_user"), max_lines=1, elem_id="zy-user", visible=named
                )
                self.language = gr.Radio(
                    [(text(code, "language_name"), code) for code in languages()],
                    value=start,
                    label=text(start, "label_language"),
                    elem_id="zy-language",
                )
                self.private = gr.Button(text(start, "private"), elem_id="zy-private", size="sm")
        with gr.Column(elem_id="zy-stage"):
            self.bar = mount("bar", render_bar(start))
            with gr.Column(elem_id="zy-main"):
                self.loading = mount("loading")
                self.welcome = mount("welcome")
                self.discover = mount("discover")
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
        self.panel = mount("panel")
        self.document = mount("document")
        self.marks = mount("marks")
        self.timer = gr.Timer(_POLL_SECONDS, active=False)

    @property
    def chrome(self) -> list[Any]:
        """What says the page's own words."""
        return [self.header, self.bar, self.user, self.language, self.message, self.private, self.new, self.send, self.stop]

    @property
    def talk(self) -> list[Any]:
        """What shows a person and the conversation they are in."""
        shown = [self.loading, self.welcome, self.discover, self.history, self.live, self.notice, self.held]
        return [*shown, self.marks, self.memory, self.secret, self.panel, self.side]

    @property
    def answered(self) -> list[Any]:
        """What a turn changes."""
        return [self.message, self.stop, self.history, self.live, self.notice, self.held, self.side]

    def say(self, language: str, user: str, *, private: bool = False) -> Changes:
        """Say the page's own words in a language."""
        return {
            self.header: render_header(language, user if self._guarded else "", doors=self._room.doors),
            self.bar: render_bar(language),
            self.private: self.say_private(language, on=private),
            self.user: gr.update(
                value=user, label=text(language, "label_user"), placeholder=text(language, "hint_user"), visible=self._named
            ),
            self.language: gr.update(value=language, label=text(language, "label_language")),
            self.new: gr.update(value=text(language, "new")),
            self.message: gr.update(label=text(language, "label_message"), placeholder=text(language, "placeholder_message")),
            self.send: gr.update(value=text(language, "send")),
            self.stop: gr.update(value=text(language, "stop"), interactive=True),
        }

    @staticmethod
    def say_private(language: str, *, on: bool) -> Any:
        """Say what the button for private conversations does."""
        return gr.update(value=text(language, "private_end" if on else "private"))
