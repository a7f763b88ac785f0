"""Everything about one item, as a drawer: its whole card, the person's marks, and what is like it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from chatbot.ui.cards import (
    Shelf,
    other_title,
    render_alike,
    render_buttons,
    render_cover,
    render_facts,
    render_title,
)
from chatbot.ui.dialogs import render_dialog
from chatbot.ui.texts import text
from retrieval.types import Item

SHARED = 4  # words for what two items share
Similar = Sequence[tuple[str, Sequence[str]]]


def render_item(item: Item, similar: Similar, language: str, shelf: Shelf) -> str:
    """Write the drawer of an item.

    Args:
        item: of the catalogue.
        similar: ids of similar items, the nearest first, each with words for what they share.
        language: of the page.
        shelf: of the catalogue.
    """
    title = item.title(language)
    other = other_title(item, title)
    original = f'<bdi class="original">{escape(other)}</bdi>' if other else ""
    words = "".join(f"<p>{escape(part)}</p>" for part in item.text(language).split("\n") if part.strip())
    body = (
        f'<div class="head">{render_cover(item.id, title, shelf, item)}<div>{original}'
        f'<p class="facts">{render_facts(item, language, shelf.domain)}</p>'
        f"{render_buttons(item.id, title, language, shelf)}{render_alike(title, language)}</div></div>"
        f'<div class="words">{words}</div><dl>{_render_facets(item, language, shelf)}</dl>'
        f"{_render_similar(similar, language, shelf)}"
    )
    return render_dialog("item", title, body, language, more=f' data-item="{escape(item.id)}"')


def _render_facets(item: Item, language: str, shelf: Shelf) -> str:
    rows: list[str] = []
    for name, facet in shelf.domain.facets.items():
        words = shelf.domain.facet_text(item, name, language)
        if words:
            rows.append(f"<div><dt>{escape(facet.label.get(language, name))}</dt><dd>{escape(words)}</dd></div>")
    return "".join(rows)


def _render_similar(similar: Similar, language: str, shelf: Shelf) -> str:
    rows = "".join(
        render_small(shelf.items[item_id], language, shelf, ("、" if language == "zh" else ", ").join(shared[:SHARED]))
        for item_id, shared in similar
        if item_id in shelf.items
    )
    return f'<h3>{escape(text(language, "similar"))}</h3><ul class="small">{rows}</ul>' if rows else ""


def render_small(item: Item, language: str, shelf: Shelf, words: str = "", marks: Iterable[str] = ()) -> str:
    """Write an item as one line: cover, title, facts or ``words``, and the buttons for some marks."""
    title = item.title(language)
    kinds = tuple(marks)
    buttons = render_buttons(item.id, title, language, shelf, kinds, quiet=True) if kinds else ""
    line = escape(words) if words else render_facts(item, language, shelf.domain)
    return (
        f'<li data-key="small-{escape(item.id)}" data-item="{escape(item.id)}">'
        f"{render_cover(item.id, title, shelf, item)}"
        f'<div><h3>{render_title(item.id, title, language)}</h3><p class="facts">{line}</p></div>{buttons}</li>'
    )
