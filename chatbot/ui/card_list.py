"""The cards of a turn as HTML, put together from their parts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from chatbot.ui.cards import Card, Shelf, other_title, render_alike, render_buttons, render_cover, render_facts, render_title
from chatbot.ui.texts import text
from chatbot.ui.why import render_reason, render_why


def render_card(card: Card, language: str, shelf: Shelf) -> str:
    """Write one card in the language of its turn."""
    item = shelf.items.get(card.id)
    title = item.title(language) if item else card.title
    other = other_title(item, title) if item else ""
    facts = render_facts(item, language, shelf.domain) if item else ""
    original = f' <bdi class="original">{escape(other)}</bdi>' if other else ""
    name = render_title(card.id, title, language) if item else f'<span class="title">{escape(title)}</span>'
    return (
        f'<li class="card" data-key="card-{escape(card.id)}" data-item="{escape(card.id)}">'
        f'<article aria-label="{escape(title)}">'
        f"{render_cover(card.id, title, shelf, item)}"
        f'<div class="about"><h2><span class="rank" title="{escape(text(language, "rank", rank=card.rank))}">{card.rank}</span>'
        f"{name}{original}</h2>"
        f'<p class="facts">{facts}</p>{render_reason(card, language, shelf)}</div>'
        f'<div class="foot">{render_buttons(card.id, title, language, shelf)}'
        f'<div class="more">{render_alike(title, language)}{render_why(card, title, language, shelf)}</div></div>'
        "</article></li>"
    )


def render_cards(cards: Sequence[Card], language: str, shelf: Shelf) -> str:
    """Write the cards of a turn, in their order."""
    if not cards:
        return ""
    return f'<ol class="cards" data-key="cards">{"".join(render_card(card, language, shelf) for card in cards)}</ol>'
