"""Why a card is there, as HTML: what each sentence rests on, which channels found it, what it was checked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from chatbot.ui.cards import Card, Sentence, Shelf
from chatbot.ui.texts import load_texts, text


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


def render_cited(sentence: Sentence, language: str, shelf: Shelf) -> str:
    """Write a sentence underlined; what it rests on shows under the pointer, the focus or a tap."""
    words = [source_words(source, language, shelf) for source in sentence.sources]
    if not words:
        return escape(sentence.text.strip())
    tips = "".join(f"<span>{escape(word)}</span>" for word in dict.fromkeys(words))
    label = escape(text(language, "rests_on"))
    return (
        f'<span class="cited" tabindex="0">{escape(sentence.text.strip())}'
        f'<span class="tip" role="note"><span class="sr">{label}</span>{tips}</span></span>'
    )


def render_why(card: Card, title: str, language: str, shelf: Shelf) -> str:
    """Write the part of a card that opens: sources, channels with what each gave, the model's vote, the checks."""
    if card.waiting or card.writing:  # sources are known when the sentence is; the place is kept so that nothing jumps
        return f'<p class="why-later" data-key="why" aria-hidden="true">{escape(text(language, "why"))}</p>'
    rows: list[str] = []
    for sentence in card.sentences:
        words = [f"<li>{escape(source_words(source, language, shelf))}</li>" for source in sentence.sources]
        sources = "".join(words) or f"<li>{escape(text(language, 'why_no_sources'))}</li>"
        rows.append(f'<li><q>{escape(sentence.text)}</q><ul class="sources">{sources}</ul></li>')
    parts = [
        f'<h3>{escape(text(language, "why_reasons"))}</h3><ol class="reasons">{"".join(rows)}</ol>',
        f"<h3>{escape(text(language, 'why_channels'))}</h3>{_render_channels(card.record, language)}",
        _render_vote(card, language),
        _render_checks(card.record, language),
    ]
    return (
        f'<details class="why" data-key="why"><summary aria-label="{escape(text(language, "why_item", title=title))}">'
        f'{escape(text(language, "why"))}</summary><div class="why-body">{"".join(parts)}</div></details>'
    )


def _render_channels(record: Mapping[str, Any], language: str) -> str:
    """A bar a channel: as long as what it gave to the item's place, the largest first."""
    channels: Mapping[str, Mapping[str, Any]] = record.get("channels", {})
    shares: Mapping[str, float] = record.get("shares", {})
    if not channels:
        return f"<p>{escape(text(language, 'why_no_channels'))}</p>"
    rows: list[str] = []
    order = sorted(channels, key=lambda name: (-shares.get(name, 0.0), int(channels[name]["rank"]), name))
    for name in order:
        place = escape(text(language, "channel_rank", rank=int(channels[name]["rank"])))
        percent = round(100 * shares[name]) if name in shares else None
        part = f'<span class="part">{percent}&nbsp;%</span>' if percent is not None else ""
        bar = f'<i class="gave" style="width:{percent}%" aria-hidden="true"></i>' if percent is not None else ""
        rows.append(
            f'<li><span class="channel">{escape(channel_words(name, language))}</span> '
            f'<span class="place">{place}</span>{part}{bar}</li>'
        )
    legend = f'<p class="legend">{escape(text(language, "why_shares"))}</p>' if shares else ""
    return f'<ul class="channels">{"".join(rows)}</ul>{legend}'


def _render_vote(card: Card, language: str) -> str:
    before = card.record.get("before_vote")
    if before is None:
        return ""
    key = "vote_up" if before > card.rank else "vote_down" if before < card.rank else "vote_same"
    return (
        f"<h3>{escape(text(language, 'channel_vote'))}</h3><p>{escape(text(language, key, before=before, now=card.rank))}</p>"
    )


def _render_checks(record: Mapping[str, Any], language: str) -> str:
    """What it was checked for: each condition, whether it holds, and the values that it was checked on."""
    rows: list[str] = []
    for check in record.get("checks", ()):
        holds = bool(check.get("ok"))
        mark = f'<i class="{"holds" if holds else "given-up"}" aria-hidden="true"></i>'
        said = escape(text(language, "check_holds" if holds else "check_given_up"))
        values = f'<span class="place">{escape(str(check["values"]))}</span>' if check.get("values") else ""
        rows.append(
            f'<li>{mark}<span class="sr">{said}: </span><span class="channel">{escape(str(check["label"]))}</span>{values}</li>'
        )
    return f'<h3>{escape(text(language, "why_checks"))}</h3><ul class="checks">{"".join(rows)}</ul>' if rows else ""


def render_reason(card: Card, language: str, shelf: Shelf) -> str:
    """Write the reason as it stands: waiting, being written, or whole, with what each sentence rests on."""
    if card.waiting:
        waiting = escape(text(language, "reason_waiting"))
        return f'<p class="reason waiting"><span class="sr">{waiting}</span><i></i><i></i></p>'
    gap = "" if language == "zh" else " "
    plain = gap.join(sentence.text.strip() for sentence in card.sentences)
    if card.writing or card.unfinished or not plain:
        return f'<p class="reason{" writing" if plain and card.writing else ""}">{escape(plain)}</p>'
    cited = gap.join(render_cited(sentence, language, shelf) for sentence in card.sentences)
    return f'<p class="reason" data-say="reason-{escape(card.id)}" data-words="{escape(plain)}">{cited}</p>'
