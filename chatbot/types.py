"""The frozen records of a conversation. A :class:`Turn` is the one record of what happened and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from retrieval.events import EventKind
from retrieval.types import Candidate, ChannelScore, Constraint, Item, Wish

Language: TypeAlias = Literal["en", "zh"]
Intent: TypeAlias = Literal["recommend", "refine", "ask_item", "react", "chat"]

MAX_MESSAGE = 4000  # characters; a longer one is refused with a clear error


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person's events say. Ids in the order of the events, oldest first."""

    user: str
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a message asks for, together with what the conversation still holds.

    Attributes:
        intent: what to do about it.
        language: of the answer.
        text: the message as it was typed.
        query: the wish without negated parts and without the titles named: what similarity may look at.
        constraints: promises, from this and earlier messages.
        wishes: soft facet wishes, from this and earlier messages.
        liked: items named as liked or as a model for the wish.
        disliked: items named as disliked.
        seen: items named as already seen.
        stated: (item, "liked" | "disliked" | "seen") that the person said of themselves: kept as events.
        named: every item named, and the item asked about.
        context: earlier wishes that still count, newest first.
        count: how many items are wanted.
        opening: which phrase of ``chat`` fits (greeting, thanks, help).
    """

    intent: Intent
    language: Language
    text: str
    query: str = ""
    constraints: tuple[Constraint, ...] = ()
    wishes: tuple[Wish, ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    stated: tuple[tuple[str, EventKind], ...] = ()
    named: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    count: int = 3
    opening: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence and what it rests on: ``card.<field>``, ``card.summary``, ``user.message`` or ``history.<item id>``."""

    text: str
    sources: tuple[str, ...]
    written_by: Literal["model", "template"] = "model"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended item: its place, its score, every channel's opinion, and the reasons shown."""

    item: Item
    rank: int
    score: float
    channels: Mapping[str, ChannelScore]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange, whole: what was asked, found, ordered and said, and how long each part took.

    ``opening`` is the sentence before the items; ``reply`` holds it and a line an item.

    ``timings_ms`` holds ``understand``, ``retrieve``, ``rerank``, ``first_card``, ``first_token`` (the first words of a reason
    that the person can read) and ``total``; a stage that did not run is 0.
    """

    id: str
    user: str
    conversation: str
    request: Request
    items: tuple[Recommendation, ...]
    reply: str
    timings_ms: Mapping[str, float]
    model: Mapping[str, str]
    notes: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    at: float = 0.0
    opening: str = ""


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """What a conversation keeps of a turn: the record that ``ask --json`` prints, as it was."""

    id: str
    at: float
    message: str
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A person's conversation and its turns, oldest first."""

    id: str
    user: str
    turns: tuple[StoredTurn, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """Progress of a turn, for the page: understanding, looking, choosing or writing."""

    name: Literal["understanding", "looking", "choosing", "writing"]
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Cards:
    """The items as they stand now; ``settled`` when their order is final."""

    items: tuple[Recommendation, ...]
    settled: bool
    opening: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """More text: of the reply's opening when ``item`` is None, else of that item's reasons."""

    delta: str
    item: str | None = None
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The turn is over."""

    turn: Turn


TurnEvent: TypeAlias = "Stage | Cards | Text | Done"
