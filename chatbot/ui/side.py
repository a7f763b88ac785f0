"""What stands beside the conversation, as HTML: past conversations, and the ways to everything else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from html import escape
from typing import TYPE_CHECKING

from chatbot.ui.texts import load_texts, text

if TYPE_CHECKING:
    from chatbot.types import Heading

ROOMS = {  # what can be shown -> its icon
    "map": "M4 6.5 9 4l6 2.5L20 4v13.5L15 20l-6-2.5L4 20ZM9 4v13.5M15 6.5V20",
    "saved": "M6.5 4h11v16L12 15.6 6.5 20Z",
    "profile": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
    "settings": "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3M13 5v4M9 10v4M15 15v4",
}
_SHOWN = 60  # letters of a conversation's name
LATEST = 60  # conversations that are listed; a search finds the others


def icon(path: str) -> str:
    """Draw an icon of lines."""
    return f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"/></svg>'


def say_day(moment: float, language: str, today: date) -> str:
    """Say a day as near as it is: today, yesterday, or its date."""
    day = datetime.fromtimestamp(moment).date()
    ago = (today - day).days
    if ago <= 0:
        return text(language, "today")
    if ago == 1:
        return text(language, "yesterday")
    month = load_texts(language)["months"].split()[day.month - 1]
    return text(language, "date" if day.year == today.year else "date_year", day=day.day, month=month, year=day.year)


def name_of(heading: Heading) -> str:
    """Return what a conversation is called: its title, else how it began."""
    words = heading.title or " ".join(heading.said.split())
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1].rstrip() + "…"


def _render_talk(heading: Heading, current: str, language: str) -> str:
    name, here = name_of(heading), heading.id == current
    key = escape(heading.id)
    state = ' aria-current="true"' if here else ""
    change = escape(text(language, "talk_change", title=name))
    return (
        f'<li class="talk" data-key="talk-{key}"><button type="button" class="open" data-open="{key}"{state}>'
        f"{escape(name)}</button>"
        f'<details class="change" data-key="change"><summary aria-label="{change}"><i aria-hidden="true">⋯</i></summary>'
        f'<form data-rename="{key}"><input name="title" maxlength="120" value="{escape(heading.title)}" '
        f'placeholder="{escape(name)}" aria-label="{escape(text(language, "talk_name"))}">'
        f'<button type="submit">{escape(text(language, "rename"))}</button></form>'
        f'<details class="erase"><summary>{escape(text(language, "remove"))}</summary>'
        f"<p>{escape(text(language, 'remove_sure'))}</p>"
        f'<button type="button" class="danger" data-remove="{key}">{escape(text(language, "remove_now"))}</button>'
        "</details></details></li>"
    )


def _by_day(headings: Iterable[Heading], language: str, today: date) -> dict[str, list[Heading]]:
    days: dict[str, list[Heading]] = {}
    for heading in headings:
        days.setdefault(say_day(heading.used, language, today), []).append(heading)
    return days


def render_side(headings: Sequence[Heading], current: str, language: str, *, words: str = "", today: date | None = None) -> str:
    """Write the latest past conversations, newest first, under their days, with a box to search all of them.

    Args:
        headings: those that match ``words``.
        current: id of the one that is open.
        language: of the page.
        words: that were searched for.
        today: for the names of days.
    """
    days = _by_day(headings[:LATEST], language, today or date.today())
    groups = "".join(
        f'<section data-key="day-{escape(day)}"><h3>{escape(day)}</h3><ul>'
        f"{''.join(_render_talk(heading, current, language) for heading in group)}</ul></section>"
        for day, group in days.items()
    )
    none = text(language, "talks_unfound" if words else "talks_none", words=words)
    found = groups or f'<p class="hint" role="status">{escape(none)}</p>'
    if len(headings) > LATEST:
        found += f'<p class="hint">{escape(text(language, "talks_more", count=len(headings) - LATEST))}</p>'
    search = escape(text(language, "talks_search"))
    return (
        f'<form class="find" role="search" data-key="find"><input type="search" name="find" placeholder="{search}" '
        f'aria-label="{search}" autocomplete="off"></form>'
        f'<nav class="talks" data-key="talks" aria-label="{escape(text(language, "talks"))}">{found}</nav>'
        f'<nav class="rooms" data-key="rooms" aria-label="{escape(text(language, "rooms"))}">{_render_rooms(language)}</nav>'
    )


def _render_rooms(language: str) -> str:
    return "".join(
        f'<button type="button" data-show="{room}">{icon(path)}<span>{escape(text(language, f"room_{room}"))}</span></button>'
        for room, path in ROOMS.items()
    )


def render_bar(language: str) -> str:
    """Write what a narrow window has instead: a button that shows what stands beside, and the name."""
    menu = escape(text(language, "menu"))
    return (
        f'<div class="topbar"><button type="button" class="menu" data-menu aria-label="{menu}" aria-expanded="false">'
        f'{icon("M4 7h16M4 12h16M4 17h16")}</button><span class="name">Zhiyin <span lang="zh">知音</span></span></div>'
    )
