"""The start page of a person of whom nothing is known: a few contrasting items to react to. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from chatbot.ui.cards import Shelf, render_buttons, render_cover, render_facts, render_title
from chatbot.ui.texts import text

REACTIONS = ("liked", "disliked", "seen")


def render_discover(ids: Sequence[str], language: str, shelf: Shelf, before: Sequence[str] = ()) -> str:
    """Write the items with buttons to react, a way to others than these and those ``before``, and one to a recommendation."""
    cards = "".join(_render_tile(item_id, language, shelf) for item_id in ids if item_id in shelf.items)
    if not cards:
        return ""
    go, said = escape(text(language, "discover_go")), escape(text(language, "discover_said"))
    others = escape(text(language, "discover_others"))
    shown = escape(json.dumps([*before, *ids]))
    return (
        f'<section class="discover" data-key="discover" aria-labelledby="zy-discover-title"><h2 id="zy-discover-title">'
        f"{escape(text(language, 'discover'))}</h2><p>{escape(text(language, 'discover_hint'))}</p>"
        f'<ul class="tiles" data-key="tiles">{cards}</ul>'
        f'<div class="ways"><button type="button" class="strong" data-answer="{said}" data-go>{go}</button>'
        f'<button type="button" class="plain" data-others="{shown}">{others}</button></div></section>'
    )


def _render_tile(item_id: str, language: str, shelf: Shelf) -> str:
    item = shelf.items[item_id]
    title = item.title(language)
    return (
        f'<li class="tile" data-key="tile-{escape(item_id)}" data-item="{escape(item_id)}">'
        f"{render_cover(item_id, title, shelf, item)}"
        f"<h3>{render_title(item_id, title, language)}</h3>"
        f'<p class="facts">{render_facts(item, language, shelf.domain)}</p>'
        f"{render_buttons(item_id, title, language, shelf, REACTIONS, quiet=True)}</li>"
    )
