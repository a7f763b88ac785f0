"""The frame of every dialog, as HTML. Pure."""

from __future__ import annotations

import time
from html import escape

from chatbot.ui.texts import text


def render_dialog(name: str, title: str, body: str, language: str, *, note: str = "", more: str = "") -> str:
    """Write a dialog that the script opens.

    Args:
        name: of what it shows; a class too.
        title: above it, plain text.
        body: HTML.
        language: of the page.
        note: what was just done, in words.
        more: further attributes.
    """
    said = f'<p class="done" role="status">{escape(note)}</p>' if note else ""
    close = escape(text(language, "close"))
    return (
        f'<dialog class="panel {name}" data-key="panel-{name}" data-drawn="{time.time()}" lang="{escape(language)}" '
        f'aria-labelledby="zy-panel"{more}>'
        f'<header><h2 id="zy-panel" tabindex="-1">{escape(title)}</h2>'
        f'<button type="button" class="close" data-close aria-label="{close}">×</button></header>{said}{body}</dialog>'
    )
