"""The list of what the person saved for later, as a dialog, and as a file to take along. Pure."""

from __future__ import annotations

import csv
import io
from html import escape

from chatbot.ui.cards import Shelf
from chatbot.ui.dialogs import render_dialog
from chatbot.ui.item_panel import render_small
from chatbot.ui.texts import text
from retrieval.types import Item

_FORMULA = ("=", "+", "-", "@", "\t")  # what a table program would compute


def saved_items(shelf: Shelf) -> list[Item]:
    """Return what is saved and still in the catalogue, the latest first."""
    return [shelf.items[item_id] for item_id in reversed(shelf.profile.saved) if item_id in shelf.items]


def render_saved(language: str, shelf: Shelf, note: str = "") -> str:
    """Write the dialog."""
    items = saved_items(shelf)
    rows = "".join(render_small(item, language, shelf, marks=("seen", "saved")) for item in items)
    export = escape(text(language, "saved_export"))
    body = (
        f'<ul class="small">{rows}</ul><div class="belongings"><button type="button" data-own="saved">{export}</button></div>'
        if items
        else f'<p class="hint">{escape(text(language, "saved_none"))}</p>'
    )
    return render_dialog("saved", text(language, "room_saved"), body, language, note=note)


def saved_table(language: str, shelf: Shelf) -> str:
    """Return the list as CSV with a header, in a language, readable by table programs (UTF-8 with its mark)."""
    domain = shelf.domain
    header = [text(language, "title"), text(language, "original"), *(domain.facets[f].label[language] for f in domain.headline)]
    rows = [
        [
            item.title(language),
            item.titles.get("original", ""),
            *(domain.facet_text(item, f, language) for f in domain.headline),
        ]
        for item in saved_items(shelf)
    ]
    out = io.StringIO()
    csv.writer(out).writerows([header, *(map(_plain, row) for row in rows)])
    return "\ufeff" + out.getvalue()


def _plain(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell
