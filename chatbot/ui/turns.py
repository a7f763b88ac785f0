"""A conversation as HTML: turns from the store, and the one that is running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from chatbot.records import turn_record
from chatbot.types import Cards, Done, Profile, Recommendation, Stage, StoredTurn, Text, TurnEvent
from chatbot.ui.cards import Card, Shelf, render_cards
from chatbot.ui.texts import choose_language, text

STAGES = ("understanding", "looking", "choosing", "writing")


def render_said(message: str, language: str) -> str:
    """Write what the person said, with their line breaks."""
    return (
        f'<div class="said" data-key="said"><span class="sr">{escape(text(language, "you_said"))}: </span>'
        f"<p>{escape(message)}</p></div>"
    )


def _render_paragraphs(words: str) -> str:
    parts = [part.strip() for part in words.split("\n") if part.strip()]
    return "".join(f"<p>{escape(part)}</p>" for part in parts)


def _render_opening(words: str) -> str:
    return f'<div class="opening" data-key="opening">{_render_paragraphs(words)}</div>' if words.strip() else ""


def render_progress(stage: str, language: str) -> str:
    """Say in words what is being done, with four marks that fill one after the other. ``data-say`` is read out once."""
    words = escape(text(language, f"stage_{stage}"))
    done = STAGES.index(stage) if stage in STAGES else -1
    marks = "".join(f'<i class="{"done" if n < done else "now" if n == done else ""}"></i>' for n in range(len(STAGES)))
    return (
        f'<p class="progress" data-key="progress" data-say="{escape(stage)}"><span class="steps" aria-hidden="true">{marks}</span>'
        f"<span>{words}</span></p>"
    )


def _render_turn(key: str, message: str, language: str, answer: str, *, busy: bool = False) -> str:
    state = ' data-busy="true" aria-busy="true"' if busy else ""
    return (
        f'<section class="turn" data-key="{escape(key)}" data-turn="{escape(key)}" lang="{escape(language)}"{state}>'
        f"{render_said(message, language)}"
        f'<div class="answer" data-key="answer"><span class="sr">{escape(text(language, "answer"))}: </span>{answer}</div></section>'
    )


def opening_of(record: dict[str, Any]) -> str:
    """Return what a stored reply says before its items: all of it when there are none."""
    reply = str(record.get("reply", ""))
    if "opening" in record:
        return str(record["opening"])
    if not record.get("items"):
        return reply
    return reply.split("\n", 1)[0].strip()


def render_stored(turn: StoredTurn, shelf: Shelf) -> str:
    """Write a turn as the store keeps it."""
    record = dict(turn.record)
    language = choose_language(str(record.get("language", "")))
    cards = [Card.from_record(entry) for entry in record.get("items", ())]
    answer = _render_opening(opening_of(record)) + render_cards(cards, language, shelf)
    return _render_turn(turn.id, turn.message, language, answer)


def render_turns(turns: Sequence[StoredTurn], shelf: Shelf) -> str:
    """Write turns, oldest first."""
    return "".join(render_stored(turn, shelf) for turn in turns)


def render_marks(profile: Profile) -> dict[str, list[str]]:
    """Return what the script sets the buttons of every card from."""
    return {"liked": list(profile.liked), "disliked": list(profile.disliked), "seen": list(profile.seen)}


@dataclass(slots=True)
class LiveTurn:
    """A turn while it runs: takes the pipeline's events and writes itself after each."""

    key: str
    message: str
    language: str
    stage: str = "waiting"
    opening: str = ""
    items: tuple[Recommendation, ...] = ()
    written: dict[str, str] = field(default_factory=dict[str, str])
    now: str | None = None
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
                self.stage = event.name
            case Cards():
                self.items = event.items
                self.opening = event.opening or self.opening
            case Text(item=None):
                self.opening += event.delta
            case Text(item=str(item)):
                self.written[item] = self.written.get(item, "") + event.delta
                self.now = item
            case Done():
                turn = event.turn
                self.stored = StoredTurn(turn.id, turn.at, self.message, turn_record(turn))
            case _:
                pass

    def render(self, shelf: Shelf) -> str:
        """Write the turn as it stands: with progress while it runs, as the store will show it afterwards."""
        if self.stored:
            record = {"opening": self.opening, **self.stored.record}
            language = choose_language(str(record.get("language", self.language)))
            cards = [Card.from_record(entry) for entry in record["items"]]
            answer = _render_opening(str(record["opening"])) + render_cards(cards, language, shelf)
            return _render_turn(self.key, self.message, language, answer + self.note)
        cards = [self._card(recommendation) for recommendation in self.items]
        answer = _render_opening(self.opening) + render_cards(cards, self.language, shelf)
        progress = self.note or render_progress(self.stage, self.language)
        return _render_turn(self.key, self.message, self.language, answer + progress, busy=not self.over)

    def _card(self, recommendation: Recommendation) -> Card:
        written = self.written.get(recommendation.item.id)
        writing = self.now == recommendation.item.id and not self.over
        card = Card.from_recommendation(recommendation, self.language, written, writing)
        return replace(card, waiting=False) if self.over else card

    def stop(self) -> None:
        """End the turn where it is, with a line that says so."""
        self._end(text(self.language, "stopped"))

    def fail(self, words: str) -> None:
        """End the turn where it is, with what went wrong; the script puts the message back into the box."""
        self._end(words, f' data-restore="{escape(self.message)}"')

    def _end(self, words: str, more: str = "") -> None:
        look = "note error" if more else "note"
        self.note = f'<p class="{look}" data-key="note" data-say="note"{more}>{escape(words)}</p>'
