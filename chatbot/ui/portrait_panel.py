"""What is known of the person, as a dialog: its lines, what each rests on, and what can be done with all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

from chatbot.ui.dialogs import render_dialog
from chatbot.ui.texts import text

if TYPE_CHECKING:  # its import takes seconds
    from chatbot.portrait import Line


def render_panel(
    language: str, user: str, lines: Sequence[Line], title_of: Callable[[str], str], note: str = "", *, named: bool = True
) -> str:
    """Write the dialog.

    Args:
        language: of the page and of the lines.
        user: whose it is.
        lines: of the portrait.
        title_of: item id -> title.
        note: what was just done, in words.
        named: whether the person chose the name.
    """
    rows = "".join(_render_line(line, language, title_of) for line in lines)
    known = f'<ul class="lines">{rows}</ul>' if rows else f'<p class="hint">{escape(text(language, "profile_nothing"))}</p>'
    title = text(language, "profile_title", user=user) if named else text(language, "profile_title_plain")
    sure = escape(text(language, "erase_sure", user=user))
    body = (
        f'{known}<p class="hint">{escape(text(language, "profile_hint"))}</p>'
        f'<div class="belongings"><button type="button" data-own="export">{escape(text(language, "export"))}</button>'
        f'<label class="file">{escape(text(language, "import"))}<input type="file" accept="application/json,.json" '
        f'class="sr" data-own="import"></label>'
        f'<details class="erase"><summary>{escape(text(language, "erase"))}</summary><p>{sure}</p>'
        f'<button type="button" class="danger" data-own="erase">{escape(text(language, "erase_now"))}</button></details></div>'
    )
    return render_dialog("profile", title, body, language, note=note)


def _render_line(line: Line, language: str, title_of: Callable[[str], str]) -> str:
    sources = "".join(f"<li>{escape(_say_source(source, language, title_of))}</li>" for source in line.sources)
    why = f'<details><summary>{escape(text(language, "line_why"))}</summary><ul class="sources">{sources}</ul></details>'
    label = escape(text(language, "line_drop", line=line.text))
    away = (
        f'<button type="button" class="away" data-line="{escape(line.key)}" aria-label="{label}" title="{label}">×</button>'
        if line.takes_back
        else ""
    )
    return (
        f'<li data-key="{escape(line.key)}" class="line line-{escape(line.kind)}"><p>{escape(line.text)}</p>{away}'
        f"{why if sources else ''}</li>"
    )


def _say_source(source: str, language: str, title_of: Callable[[str], str]) -> str:
    kind, _, name = source.partition(".")
    return text(language, "source_history", title=title_of(name)) if kind == "history" else text(language, "source_user")


def render_private(language: str) -> str:
    """Say that nothing of this conversation is kept."""
    return f'<p class="private" data-key="private" data-say="private">{escape(text(language, "private_on"))}</p>'
