"""The frozen records of a conversation. A :class:`Turn` is the one record of what happened and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from retrieval.events import EventKind
from retrieval.types import Candidate, ChannelScore, Constraint, FacetValue, Item, Wish

Language: TypeAlias = Literal["en", "zh"]
Intent: TypeAlias = Literal["recommend", "refine", "ask_item", "compare", "react", "chat", "profile", "out_of_scope", "unsafe"]

MAX_COUNT = 10  # items of a list
MAX_TITLE = 120  # characters of the title that a person gives a conversation
MAX_MESSAGE = 4000  # characters; a longer one is refused with a clear error


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person's events say. Ids in the order of the events, oldest first.

    Attributes:
        answered: items that were recommended and taken or waved away.
        saved: items kept for later.
        bought: item -> when it was bought last, in seconds since the epoch.
    """

    user: str
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    saved: tuple[str, ...] = ()
    bought: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def known(self) -> frozenset[str]:
        """The items that are not to be offered again."""
        return frozenset({*self.liked, *self.disliked, *self.seen, *self.answered})


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
        never: (facet, value) that the person wants never again, in no conversation; kept as events.
        again: (facet, value) of those that they want again after all.
        attitudes: (item, attitude) of every item that this message names or points at: liked, disliked, seen, owned, wanted,
            model (something like it), excluded (anything but it), asked (about).
        named: every item named, and the items asked about.
        asked: facet values that a question asks whether an item has ("is it sad?"); no part of the state.
        context: earlier wishes that still count, newest first.
        refers: the shown items that a pointing word means ("the second one"), among them ``named``.
        ambiguous: the shown items that a pointing word could mean, when it could mean several: ask which.
        answers: the earlier message that is read again, when this one says which item that meant.
        count: how many items are wanted.
        eager: the message says how many, or leaves the choice to us ("surprise me"): no question back.
        opening: which phrase fits: of ``chat`` greeting, thanks, bye, help, ok; of ``profile`` show, forget, erase; of
            ``unsafe`` self_harm, harm, urgent; of ``out_of_scope`` other, instructions, advice.
        gift: it is for somebody else: what is known of the person does not count, and nothing is learned of them.
        related: it asks for what goes with an item, or comes after it.
        continues: it asks for what comes next in a series.
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
    never: tuple[tuple[str, FacetValue], ...] = ()
    again: tuple[tuple[str, FacetValue], ...] = ()
    attitudes: tuple[tuple[str, str], ...] = ()
    named: tuple[str, ...] = ()
    asked: tuple[Wish, ...] = ()
    context: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    answers: str = ""
    count: int = 3
    eager: bool = False
    opening: str = ""
    gift: bool = False
    related: bool = False
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question back to the person: a facet or "reference" (which item), the options in their words, and what each stands for.

    ``values`` are parallel to ``options``: item ids, facet values, or the first year of a decade.
    """

    about: str
    options: tuple[str, ...]
    values: tuple[str | int | float, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """Something that the conversation holds to, in words, and the constraints and wishes that it stands for."""

    label: str
    parts: tuple[Constraint | Wish, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence and what it rests on: ``card.<field>``, ``card.summary``, ``user.message`` or ``history.<item id>``."""

    text: str
    sources: tuple[str, ...]
    written_by: Literal["model", "template"] = "model"


@dataclass(frozen=True, slots=True)
class Check:
    """A demand of this turn in words, what the item has of its facet, and whether that keeps it."""

    label: str
    values: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended item: its place, its score, every channel's opinion, and the reasons shown.

    Attributes:
        shares: channel that found it -> its part of the fused score, together 1.
        features: what moved it most in a learned order; empty without one.
        before_vote: its place before the model's vote, from 1; 0 where there was none.
        checks: of the demands of this turn.
    """

    item: Item
    rank: int
    score: float
    channels: Mapping[str, ChannelScore]
    reasons: tuple[Reason, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    features: Mapping[str, float] = field(default_factory=dict[str, float])
    before_vote: int = 0
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange, whole: what was asked, found, ordered and said, and how long each part took.

    ``opening`` is the sentence before the items; ``reply`` holds it and a line an item. ``question`` is asked of the person;
    ``held`` is what the conversation holds to after the turn; ``suggestions`` are messages that could follow.

    ``timings_ms`` holds ``understand``, ``retrieve``, ``rerank``, ``first_card``, ``first_token`` (the first words of a reason
    that the person can read, whoever wrote them), ``first_sentence`` (what to expect of the first item) and ``total``; a stage
    that did not run is 0.
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
    question: Question | None = None
    held: tuple[Held, ...] = ()
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """What a conversation keeps of a turn: the record that ``ask --json`` prints, as it was."""

    id: str
    at: float
    message: str
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heading:
    """One line of a list of past conversations.

    Attributes:
        used: when it was used last, in seconds since the epoch.
        title: that the person gave it; empty when they gave none.
        said: its first message, whole.
        turns: how many it has.
    """

    id: str
    used: float
    title: str
    said: str
    turns: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A person's conversation and its turns, oldest first."""

    id: str
    user: str
    turns: tuple[StoredTurn, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """Progress of a turn, for the page: understanding, looking, choosing, queued (``place`` in the line) or writing."""

    name: Literal["understanding", "looking", "choosing", "queued", "writing"]
    language: Language | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class Cards:
    """The items as they stand now; ``settled`` when their order is final."""

    items: tuple[Recommendation, ...]
    settled: bool
    opening: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """More text: of the reply's opening when ``item`` is None, else of that item's reasons.

    Attributes:
        sources: what a sentence about an item rests on, as in :class:`Reason`.
        written_by: who wrote it; empty for the opening.
    """

    delta: str
    item: str | None = None
    language: Language | None = None
    sources: tuple[str, ...] = ()
    written_by: Literal["model", "template", ""] = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The turn is over."""

    turn: Turn


TurnEvent: TypeAlias = "Stage | Cards | Text | Done"
