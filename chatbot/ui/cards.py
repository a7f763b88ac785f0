"""Cards as HTML: pure functions. Whatever comes from a catalogue, a model or a person is escaped, in attributes too."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from chatbot.types import Profile, Recommendation
from chatbot.ui.texts import load_texts, text
from retrieval.domain import Domain
from retrieval.types import Item

KINDS = ("liked", "disliked", "seen")
_LABELS = {"liked": "like", "disliked": "dislike", "seen": "seen"}
_ICONS = {
    "liked": "M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.4 4.3 4.3 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10Z",
    "disliked": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM6 6l12 12",
    "seen": "M2.5 12S6 5.5 12 5.5s9.5 6.5 9.5 6.5-3.5 6.5-9.5 6.5S2.5 12 2.5 12ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
}
_CHANNELS = ("dense", "bm25", "history", "facets", "collaborative", "vote", "ease", "interest", "comention", "popularity")
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What every card is drawn from: the catalogue's items, their domain, and what the person thinks of them."""

    domain: Domain
    items: Mapping[str, Item]
    profile: Profile


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
    """

    id: str
    title: str
    rank: int
    channels: Mapping[str, int]
    sentences: tuple[Sentence, ...] = ()
    waiting: bool = False
    writing: bool = False
    unfinished: bool = False

    @classmethod
    def from_record(cls, entry: Mapping[str, Any]) -> Card:
        """Read one entry of a turn's record."""
        reasons: Sequence[Mapping[str, Any]] = entry.get("reasons", ())
        channels: Mapping[str, Mapping[str, Any]] = entry.get("channels", {})
        return cls(
            id=str(entry["id"]),
            title=str(entry.get("title", entry["id"])),
            rank=int(entry.get("rank", 0)),
            channels={name: int(score["rank"]) for name, score in channels.items()},
            sentences=tuple(Sentence(str(reason["text"]), tuple(map(str, reason.get("sources", ())))) for reason in reasons),
        )

    @classmethod
    def from_recommendation(cls, recommendation: Recommendation, language: str, written: str | None, writing: bool) -> Card:
        """Draw from a turn that is still running, with what is written of the reason so far."""
        return cls(
            id=recommendation.item.id,
            title=recommendation.item.title(language),
            rank=recommendation.rank,
            channels={name: score.rank for name, score in recommendation.channels.items()},
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


def render_cover(item_id: str, title: str) -> str:
    """Draw a cover from an id and a title alone: no picture is fetched. The same item always gets the same one."""
    digest = hashlib.sha256(item_id.encode()).digest()
    hue = int.from_bytes(digest[:2], "big") % 360
    angle, pattern = digest[2] % 180, digest[3] % 4
    style = f"--hue:{hue};--angle:{angle}deg"
    return f'<div class="cover cover-{pattern}" style="{style}" aria-hidden="true"><span>{escape(glyph(title))}</span></div>'


def _plain(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold().strip()


def _other_title(item: Item, title: str) -> str:
    """Return the original title where it says something new."""
    original = item.titles.get("original", "")
    return "" if _plain(original) == _plain(title) else original


def render_buttons(item_id: str, title: str, language: str, profile: Profile) -> str:
    """Write the three feedback buttons. The script toggles them; ``data-kind`` is the kind of the event."""
    buttons: list[str] = []
    for kind in KINDS:
        pressed = "true" if item_id in getattr(profile, kind) else "false"
        label = text(language, f"{_LABELS[kind]}_item", title=title)
        buttons.append(
            f'<button type="button" class="mark mark-{kind}" data-kind="{kind}" data-item="{escape(item_id)}" '
            f'aria-pressed="{pressed}" aria-label="{escape(label)}">'
            f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_ICONS[kind]}"/></svg>'
            f"<span>{escape(text(language, _LABELS[kind]))}</span></button>"
        )
    group = escape(text(language, "feedback", title=title))
    return f'<div class="marks" role="group" aria-label="{group}">{"".join(buttons)}</div>'


def source_words(source: str, language: str, shelf: Shelf) -> str:
    """Say where a sentence comes from: ``card.summary``, ``card.<field>``, ``user.message`` or ``history.<id>``."""
    kind, _, name = source.partition(".")
    if kind == "history":
        item = shelf.items.get(name)
        return text(language, "source_history", title=item.title(language) if item else name)
    if kind == "user":
        return text(language, "source_user")
    if kind == "card":
        if name in ("summary", "text"):
            return text(language, "source_summary")
        if name == "title":
            return text(language, "source_title")
        facet = shelf.domain.facets.get(name)
        return text(language, "source_field", field=facet.label.get(language, name) if facet else name)
    return text(language, "source_other", name=source)


def channel_words(name: str, language: str) -> str:
    """Say what a retrieval channel is about."""
    key = f"channel_{name}"
    return text(language, key) if key in load_texts(language) else text(language, "channel_other", name=name)


def _render_why(card: Card, title: str, language: str, shelf: Shelf) -> str:
    if card.waiting or card.writing:  # sources are known when the sentence is; the place is kept so that nothing jumps
        return f'<p class="why-later" data-key="why" aria-hidden="true">{escape(text(language, "why"))}</p>'
    rows: list[str] = []
    for sentence in card.sentences:
        words = [f"<li>{escape(source_words(source, language, shelf))}</li>" for source in sentence.sources]
        sources = "".join(words) or f"<li>{escape(text(language, 'why_no_sources'))}</li>"
        rows.append(f'<li><q>{escape(sentence.text)}</q><ul class="sources">{sources}</ul></li>')
    order = sorted(card.channels.items(), key=lambda pair: (pair[1], _CHANNELS.index(pair[0]) if pair[0] in _CHANNELS else 99))
    channels = "".join(
        f"<li>{escape(channel_words(name, language))} "
        f'<span class="place">{escape(text(language, "channel_rank", rank=rank))}</span></li>'
        for name, rank in order
    )
    found = f'<ul class="channels">{channels}</ul>' if channels else f"<p>{escape(text(language, 'why_no_channels'))}</p>"
    return (
        f'<details class="why" data-key="why"><summary aria-label="{escape(text(language, "why_item", title=title))}">'
        f'{escape(text(language, "why"))}</summary><div class="why-body">'
        f'<h3>{escape(text(language, "why_reasons"))}</h3><ol class="reasons">{"".join(rows)}</ol>'
        f"<h3>{escape(text(language, 'why_channels'))}</h3>{found}</div></details>"
    )


def _render_reason(card: Card, language: str) -> str:
    if card.waiting:
        waiting = escape(text(language, "reason_waiting"))
        return f'<p class="reason waiting"><span class="sr">{waiting}</span><i></i><i></i></p>'
    gap = "" if language == "zh" else " "
    words = gap.join(sentence.text.strip() for sentence in card.sentences)
    if card.writing or card.unfinished or not words:
        return f'<p class="reason{" writing" if words and card.writing else ""}">{escape(words)}</p>'
    return f'<p class="reason" data-say="reason-{escape(card.id)}">{escape(words)}</p>'


def render_card(card: Card, language: str, shelf: Shelf) -> str:
    """Write one card in the language of its turn."""
    item = shelf.items.get(card.id)
    title = item.title(language) if item else card.title
    other = _other_title(item, title) if item else ""
    facts = [shelf.domain.facet_text(item, facet, language) for facet in shelf.domain.headline] if item else []
    line = "".join(f"<span>{escape(fact)}</span>" for fact in facts if fact)
    original = f' <bdi class="original">{escape(other)}</bdi>' if other else ""
    return (
        f'<li class="card" data-key="card-{escape(card.id)}" data-item="{escape(card.id)}">'
        f'<article aria-label="{escape(title)}">'
        f"{render_cover(card.id, title)}"
        f'<div class="about"><h2><span class="rank" title="{escape(text(language, "rank", rank=card.rank))}">{card.rank}</span>'
        f'<span class="title">{escape(title)}</span>{original}</h2>'
        f'<p class="facts">{line}</p>{_render_reason(card, language)}</div>'
        f'<div class="foot">{render_buttons(card.id, title, language, shelf.profile)}'
        f"{_render_why(card, title, language, shelf)}</div></article></li>"
    )


def render_cards(cards: Sequence[Card], language: str, shelf: Shelf) -> str:
    """Write the cards of a turn, in their order."""
    if not cards:
        return ""
    return f'<ol class="cards" data-key="cards">{"".join(render_card(card, language, shelf) for card in cards)}</ol>'
