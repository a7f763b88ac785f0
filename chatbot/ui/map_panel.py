"""The map of the catalogue, as a dialog: the script draws it from the data in it; a list says the same in words. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from chatbot.ui.cards import Shelf, render_title
from chatbot.ui.dialogs import render_dialog
from chatbot.ui.texts import text

if TYPE_CHECKING:  # its import takes seconds
    from retrieval.projection import CatalogMap

COLOURS = 8  # that can be told apart; rarer kinds share one
PLACES = 1000  # of a coordinate: finer than a screen


def render_map(found: CatalogMap, shown: Sequence[str], language: str, shelf: Shelf) -> str:
    """Write the dialog.

    Args:
        found: the places of all items.
        shown: ids of what was recommended in this conversation.
        language: of the page.
        shelf: of the catalogue.
    """
    data = json.dumps(_map_data(found, shown, language, shelf), ensure_ascii=False, separators=(",", ":"))
    legend = "".join(
        f'<li><i class="dot-{name}" aria-hidden="true"></i>{escape(text(language, f"map_{name}"))}</li>'
        for name in ("liked", "shown", "saved")
    )
    body = (
        f'<p class="hint">{escape(text(language, "map_hint"))}</p>'
        f'<div class="map" data-key="map"><canvas tabindex="0" role="img" aria-label="{escape(text(language, "map_alt"))}">'
        f'</canvas><p class="tag" hidden></p>'
        f'<div class="zoom"><button type="button" data-zoom="1.5" aria-label="{escape(text(language, "zoom_in"))}">+</button>'
        f'<button type="button" data-zoom="0.667" aria-label="{escape(text(language, "zoom_out"))}">−</button></div></div>'
        f'<ul class="legend">{legend}</ul>{_render_mine(found, shown, language, shelf)}'
    )
    return render_dialog("atlas", text(language, "room_map"), body, language, more=f' data-map="{escape(data)}"')


def _map_data(found: CatalogMap, shown: Sequence[str], language: str, shelf: Shelf) -> dict[str, object]:
    """What the script draws: items as [id, title, x, y, colour, mark], and regions as [word, x, y]."""
    kind, profile = shelf.domain.kind_facet, shelf.profile
    first = {i: str(next(iter(shelf.items[i].values(kind)), "")) if kind else "" for i in found.ids}
    counts: dict[str, int] = {}
    for value in first.values():
        counts[value] = counts.get(value, 0) + 1
    common = sorted(counts, key=lambda value: (-counts[value], value))[: COLOURS - 1]
    marks = {**dict.fromkeys(profile.saved, "saved"), **dict.fromkeys(shown, "shown"), **dict.fromkeys(profile.liked, "liked")}
    places = (found.xy * PLACES).round().astype(int).tolist()
    return {
        "scale": PLACES,
        "items": [
            [
                i,
                shelf.items[i].title(language),
                x,
                y,
                common.index(first[i]) if first[i] in common else COLOURS - 1,
                marks.get(i, ""),
            ]
            for i, (x, y) in zip(found.ids, places, strict=True)
        ],
        "regions": [[region.label, round(region.x * PLACES), round(region.y * PLACES)] for region in found.regions],
    }


def _render_mine(found: CatalogMap, shown: Sequence[str], language: str, shelf: Shelf) -> str:
    """The person's items on the map, for whoever cannot see it: a list whose titles open the details."""
    mine = [i for i in dict.fromkeys([*shelf.profile.liked, *shown, *shelf.profile.saved]) if i in shelf.items]
    rows = "".join(f"<li>{render_title(i, shelf.items[i].title(language), language)}</li>" for i in mine)
    if not rows:
        return ""
    words = escape(text(language, "map_mine", count=len(mine)))
    return f'<details class="mine"><summary>{words}</summary><ul>{rows}</ul></details>'
