"""A conversation as HTML: turns from the store, and the one that is running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from chatbot.records import turn_record
from chatbot.types import Cards, Done, Profile, Recommendation, Stage, StoredTurn, Text, TurnEvent
from chatbot.ui.card_list import render_cards
from chatbot.ui.cards import KINDS, Card, Shelf
from chatbot.ui.texts import choose_language, text

HISTORY = 20  # turns before the last one that are drawn at once
STAGES = ("understanding", "looking", "choosing", "writing")


def render_said(message: str, language: str, *, turn: str = "", busy: bool = False) -> str:
    """Write what the person said, with their line breaks.

    Args:
        message: as it was typed.
        language: of the turn.
        turn: the id of a turn that may be said anew.
        busy: it will be so when the turn is over; the place is kept, so that nothing jumps then.
    """
    later = f'<span class="edit-later" aria-hidden="true">{escape(text(language, "edit"))}</span>' if busy else ""
    return (
        f'<div class="said" data-key="said"><span class="sr">{escape(text(language, "you_said"))}: </span>'
        f"<p>{escape(message)}</p>{_render_edit(message, language, turn) if turn else later}</div>"
    )


def _render_edit(message: str, language: str, turn: str) -> str:
    """Write the form that says the message of a turn anew; the browser opens it, the script sends it."""
    return (
        f'<details class="edit" data-key="edit"><summary aria-label="{escape(text(language, "edit_message"))}">'
        f'{escape(text(language, "edit"))}</summary><form data-instead="{escape(turn)}">'
        f'<textarea name="said" rows="3" aria-label="{escape(text(language, "edit_message"))}">{escape(message)}</textarea>'
        f"<span class='hint'>{escape(text(language, 'edit_hint'))}</span>"
        f'<button type="button" class="plain" data-cancel>{escape(text(language, "cancel"))}</button>'
        f'<button type="submit" class="strong">{escape(text(language, "send"))}</button></form></details>'
    )


def _render_paragraphs(words: str) -> str:
    parts = [part.strip() for part in words.split("\n") if part.strip()]
    return "".join(f"<p>{escape(part)}</p>" for part in parts)


def _render_opening(words: str) -> str:
    return f'<div class="opening" data-key="opening">{_render_paragraphs(words)}</div>' if words.strip() else ""


def render_progress(stage: str, language: str, place: int = 0) -> str:
    """Say in words what is being done, with four marks that fill one after the other. ``data-say`` is read out once."""
    words = escape(text(language, f"stage_{stage}", **({"place": place} if place else {})))
    done = STAGES.index(stage) if stage in STAGES else -1
    marks = "".join(f'<i class="{"done" if n < done else "now" if n == done else ""}"></i>' for n in range(len(STAGES)))
    return (
        f'<p class="progress" data-key="progress" data-say="{escape(stage)}">'
        f'<span class="steps" aria-hidden="true">{marks}</span><span>{words}</span></p>'
    )


def _render_turn(
    key: str, message: str, language: str, answer: str, *, turn: str = "", busy: bool = False, last: bool = False
) -> str:
    state = ' data-busy="true" aria-busy="true"' if busy else ""
    return (
        f'<section class="turn" data-key="{escape(key)}" data-turn="{escape(turn)}" lang="{escape(language)}"{state}>'
        f"{render_said(message, language, turn=turn if last else '', busy=busy)}"
        f'<div class="answer" data-key="answer"><span class="sr">{escape(text(language, "answer"))}: </span>'
        f"{answer}</div></section>"
    )


def _note(words: str, language: str, more: str = "", *, last: bool = True) -> str:
    """Say how a turn ended, and offer to try the last one again."""
    again = f' <button type="button" class="retry" data-retry>{escape(text(language, "retry"))}</button>' if last else ""
    kind = "note error" if more else "note"
    return f'<p class="{kind}" data-key="note"><span data-say="note"{more}>{escape(words)}</span>{again}</p>'


def _how_it_ended(notes: Sequence[str], language: str, *, last: bool) -> str:
    """Say in one line that a turn was cut off, by whom or by what, or that the model did not answer; else nothing."""
    if "stopped" in notes:
        return _note(text(language, "stopped"), language, last=last)
    if any(note.startswith("failed: ") for note in notes):
        return _note(text(language, "broken_off"), language, last=last)
    silent = any(note.startswith("no sentence by the model") for note in notes)
    return _note(text(language, "model_silent"), language, last=False) if silent else ""


def _render_suggestions(suggestions: Sequence[Any], language: str) -> str:
    """Offer what could be said next; a press says it."""
    buttons = "".join(
        f'<li><button type="button" class="quick" data-answer="{escape(words)}">{escape(words)}</button></li>'
        for words in map(str, suggestions)
    )
    label = escape(text(language, "suggestions"))
    if not buttons:
        return ""
    return f'<ul class="suggestions" data-key="suggestions" lang="{escape(language)}" aria-label="{label}">{buttons}</ul>'


def _render_options(question: Mapping[str, Any] | None, language: str) -> str:
    """Offer the answers to a question as buttons; a press sends one as the next message."""
    if not question:
        return ""
    buttons = "".join(
        f'<li><button type="button" class="option" data-answer="{escape(words)}">{escape(words)}</button></li>'
        for words in map(str, question.get("options", ()))
    )
    return f'<ul class="options" data-key="options" aria-label="{escape(text(language, "question"))}">{buttons}</ul>'


def render_held(turn: StoredTurn | None) -> str:
    """Write what stands over the box after a turn: what could be said next, and what is held to; a press says or drops one."""
    if not turn:
        return ""
    language = choose_language(str(turn.record.get("language", "")))
    suggestions = _render_suggestions(turn.record.get("suggestions", ()), language)
    chips = "".join(
        f'<li><button type="button" class="chip" data-drop="{n}" data-in="{escape(turn.id)}" '
        f'aria-label="{escape(text(language, "drop_item", label=entry["label"]))}">'
        f'<span>{escape(str(entry["label"]))}</span><i aria-hidden="true">×</i></button></li>'
        for n, entry in enumerate(turn.record.get("held", ()))
    )
    name = escape(text(language, "held"))
    held = (
        f'<div class="held" data-key="held" lang="{escape(language)}"><span aria-hidden="true">{name}</span>'
        f'<ul aria-label="{name}">{chips}</ul></div>'
    )
    return suggestions + (held if chips else "")


def render_stored(turn: StoredTurn, shelf: Shelf, *, key: str = "", note: str = "", last: bool = False) -> str:
    """Write a turn as the store keeps it. ``key`` is what it was drawn under while it ran; the last one can be answered."""
    record = turn.record
    language = choose_language(str(record.get("language", "")))
    cards = [Card.from_record(entry) for entry in record.get("items", ())]
    note = note or _how_it_ended(record.get("notes", ()), language, last=last)
    options = _render_options(record.get("question"), language) if last else ""
    answer = _render_opening(str(record.get("opening", ""))) + options + render_cards(cards, language, shelf) + note
    return _render_turn(key or turn.id, turn.message, language, answer, turn=turn.id, last=last)


def render_turns(turns: Sequence[StoredTurn], shelf: Shelf, *, last: bool = False) -> str:
    """Write turns, oldest first; ``last`` when they end with the last one of the conversation."""
    return "".join(render_stored(turn, shelf, last=last and turn is turns[-1]) for turn in turns)


def render_history(turns: Sequence[StoredTurn], shelf: Shelf, language: str, *, whole: bool = False) -> str:
    """Write the turns before the last one: the latest :data:`HISTORY`, and a way to the earlier ones, or with ``whole`` all."""
    left_out = 0 if whole else max(len(turns) - HISTORY, 0)
    words = escape(text(choose_language(language), "earlier", count=left_out))
    button = f'<p class="earlier" data-key="earlier"><button type="button" class="plain" data-earlier>{words}</button></p>'
    return (button if left_out else "") + render_turns(turns[left_out:], shelf)


def render_marks(profile: Profile) -> dict[str, list[str]]:
    """Return what the script sets the buttons of every card from."""
    return {kind: list(getattr(profile, kind)) for kind in KINDS}


@dataclass(slots=True)
class LiveTurn:
    """A turn while it runs: takes the pipeline's events and writes itself after each."""

    key: str
    message: str
    language: str
    stage: str = "waiting"
    place: int = 0
    opening: str = ""
    items: tuple[Recommendation, ...] = ()
    written: dict[str, str] = field(default_factory=dict[str, str])
    now: str | None = None
    told: set[str] = field(default_factory=set[str])
    settled: bool = False
    stored: StoredTurn | None = None
    note: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return bool(self.stored or self.note)

    def apply(self, event: TurnEvent) -> None:
        """Take one event."""
        match event:
            case Stage():
                self.stage, self.place, self.now = event.name, event.place, None
                self.language = event.language or self.language
            case Cards():
                self.items = event.items
                self.opening = event.opening or self.opening
                self.settled = event.settled
            case Text(item=None):
                self.language = event.language or self.language
                self.opening += event.delta
            case Text(item=str(item)):
                self.written[item] = self.written.get(item, "") + event.delta
                self.now = item
                self.told |= {item} if self.stage == "writing" else set()
            case Done():
                turn = event.turn
                self.message = turn.request.text  # what is kept: without what names its writer
                self.stored = StoredTurn(turn.id, turn.at, self.message, turn_record(turn))
            case _:
                pass

    def render(self, shelf: Shelf) -> str:
        """Write the turn as it stands: with progress while it runs, as the store will show it afterwards."""
        if self.stored:
            return render_stored(self.stored, shelf, key=self.key, note=self.note, last=True)
        cards = [self._card(recommendation) for recommendation in self.items]
        answer = _render_opening(self.opening) + render_cards(cards, self.language, shelf)
        if self.settled:  # for the ear alone: the eye sees the cards
            titles = ", ".join(recommendation.item.title(self.language) for recommendation in self.items)
            said = escape(text(self.language, "settled", titles=titles))
            answer += f'<p class="sr" data-key="settled" data-say="settled">{said}</p>'
        progress = self.note or render_progress(self.stage, self.language, self.place)
        return _render_turn(self.key, self.message, self.language, answer + progress, busy=not self.over)

    def _card(self, recommendation: Recommendation) -> Card:
        written = self.written.get(recommendation.item.id)
        writing = self.now == recommendation.item.id and not self.over
        card = Card.from_recommendation(recommendation, self.language, written, writing)
        return replace(card, waiting=False) if self.over else replace(card, unfinished=recommendation.item.id not in self.told)

    def stop(self) -> None:
        """End the turn where it is, with a line that says so."""
        self.note = _note(text(self.language, "stopped"), self.language)

    def fail(self, words: str) -> None:
        """End the turn where it is, with what went wrong; the script puts the message back into the box."""
        self.note = _note(words, self.language, f' data-restore="{escape(self.message)}"')
