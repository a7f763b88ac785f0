"""Cards as HTML: pure functions. Whatever comes from a catalogue, a model or a person is escaped, in attributes too."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from chatbot.types import Profile, Recommendation
from chatbot.ui.icons import render_icon
from chatbot.ui.texts import text
from retrieval.domain import Domain
from retrieval.types import Item

KINDS = ("liked", "disliked", "seen", "saved")
_LABELS = {"liked": "like", "disliked": "dislike", "seen": "seen", "saved": "save"}
_ICONS = {
    "liked": "M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.4 4.3 4.3 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10Z",
    "disliked": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM6 6l12 12",
    "seen": "M2.5 12S6 5.5 12 5.5s9.5 6.5 9.5 6.5-3.5 6.5-9.5 6.5S2.5 12 2.5 12ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
    "saved": "M6.5 4h11v16L12 15.6 6.5 20Z",
}
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\S)", re.IGNORECASE)


def no_picture(item: Item) -> str | None:
    """Say that an item has no picture: its cover is drawn."""
    return None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What every card is drawn from: the catalogue's items, their domain, what the person thinks of them, and pictures.

    ``picture`` gives the address of an item's picture on this host, or None.
    """

    domain: Domain
    items: Mapping[str, Item]
    profile: Profile
    picture: Callable[[Item], str | None] = no_picture

    def had(self, language: str) -> str:
        """What it is called here to have had an item, at the beginning of a line."""
        had = self.domain.had(language)
        return had[:1].upper() + had[1:]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a reason and its sources."""

    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """One recommended item as it is shown, from a stored record or from a running turn.

    ``title`` is what the record calls it, for an item that has left the catalogue since. ``waiting`` marks a reason that is
    still to come, ``writing`` one that is being written, ``unfinished`` one that more will be added to: it is not read out yet.
    ``record`` is what the turn keeps of it; empty while the turn runs.
    """

    id: str
    title: str
    rank: int
    sentences: tuple[Sentence, ...] = ()
    waiting: bool = False
    writing: bool = False
    unfinished: bool = False
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def from_record(cls, entry: Mapping[str, Any]) -> Card:
        """Read one entry of a turn's record."""
        reasons: Sequence[Mapping[str, Any]] = entry.get("reasons", ())
        return cls(
            id=str(entry["id"]),
            title=str(entry.get("title", entry["id"])),
            rank=int(entry.get("rank", 0)),
            sentences=tuple(Sentence(str(reason["text"]), tuple(map(str, reason.get("sources", ())))) for reason in reasons),
            record=entry,
        )

    @classmethod
    def from_recommendation(cls, recommendation: Recommendation, language: str, written: str | None, writing: bool) -> Card:
        """Draw from a turn that is still running, with what is written of the reason so far."""
        return cls(
            id=recommendation.item.id,
            title=recommendation.item.title(language),
            rank=recommendation.rank,
            sentences=(Sentence(written),) if written else (),
            waiting=not written,
            writing=writing,
        )


def glyph(title: str) -> str:
    """Return the character on a cover: the first letter of the title, or its first Chinese character."""
    for character in _ARTICLE.sub("", title):
        if character.isalnum():
            return character.upper()
    return "·"


def render_cover(item_id: str, title: str, shelf: Shelf, item: Item | None = None) -> str:
    """Draw a cover in the manner of a domain from an id and a title; over it lies the item's picture where there is one."""
    picture = shelf.picture(item) if item else None
    digest = hashlib.sha256(item_id.encode()).digest()
    hue = int.from_bytes(digest[:2], "big") % 360
    angle, pattern = digest[2] % 180, digest[3] % 4
    style = f"--hue:{hue};--angle:{angle}deg"
    image = f'<img src="{escape(picture)}" alt="" loading="lazy" decoding="async">' if picture else ""
    letter = f"<span>{escape(glyph(title))}</span>"
    drawn = f"{letter}{render_icon(shelf.domain.icon)}{image}"
    return f'<div class="cover cover-{pattern} of-{shelf.domain.icon}" style="{style}" aria-hidden="true">{drawn}</div>'


def _plain(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold().strip()


def other_title(item: Item, title: str) -> str:
    """Return the original title where it says something new."""
    original = item.titles.get("original", "")
    return "" if _plain(original) == _plain(title) else original


def render_buttons(
    item_id: str, title: str, language: str, shelf: Shelf, kinds: Sequence[str] = KINDS, *, quiet: bool = False
) -> str:
    """Write the feedback buttons. The script toggles them; ``data-kind`` is the kind of the event; ``quiet``: icons alone."""
    buttons: list[str] = []
    for kind in kinds:
        pressed = "true" if item_id in getattr(shelf.profile, kind) else "false"
        had = shelf.had(language)
        label = text(language, f"{_LABELS[kind]}_item", title=title, had=had)
        name = text(language, _LABELS[kind], had=had)
        hint = f' title="{escape(name)}"' if quiet else ""
        buttons.append(
            f'<button type="button" class="mark mark-{kind}" data-kind="{kind}" data-item="{escape(item_id)}" '
            f'aria-pressed="{pressed}" aria-label="{escape(label)}"{hint}>'
            f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_ICONS[kind]}"/></svg>'
            f"<span>{escape(name)}</span></button>"
        )
    group = escape(text(language, "feedback", title=title))
    quietly = " quiet" if quiet else ""
    return f'<div class="marks{quietly}" role="group" aria-label="{group}">{"".join(buttons)}</div>'


def render_facts(item: Item, language: str, domain: Domain) -> str:
    """Write the facets that the domain puts in its headline."""
    facts = [domain.facet_text(item, facet, language) for facet in domain.headline]
    return "".join(f"<span>{escape(fact)}</span>" for fact in facts if fact)


def render_alike(title: str, language: str) -> str:
    """Write the button that asks for more like an item; a press sends what it says."""
    label, said = text(language, "alike_item", title=title), text(language, "alike_said", title=title)
    return (
        f'<button type="button" class="alike" data-answer="{escape(said)}" aria-label="{escape(label)}">'
        f"{escape(text(language, 'alike'))}</button>"
    )


def render_title(item_id: str, title: str, language: str) -> str:
    """Write a title that opens the item's details."""
    label = escape(text(language, "details_item", title=title))
    return (
        f'<button type="button" class="title" data-show="item" data-item="{escape(item_id)}" title="{label}">'
        f"{escape(title)}</button>"
    )
