"""What goes over the wire, both ways. Routes check what comes in by these, and the client reads answers with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from chatbot.types import MAX_COUNT, MAX_MESSAGE

MAX_USER, MAX_ITEM, MAX_CONVERSATION = 200, 400, 200  # characters of ids
MAX_EVENTS = 1000  # of one request
MAX_LIST = 50  # items of a list without text
MAX_PAGE = 100  # items of a page of the catalogue

_NAME = r"^[^\x00-\x1f\x7f]+$"  # no control characters: PostgreSQL takes no NUL, logs no line breaks
UserId: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_USER, pattern=_NAME)]
ItemId: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_ITEM, pattern=_NAME)]
ConversationId: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_CONVERSATION, pattern=_NAME)]
ApiLanguage: TypeAlias = Literal["en", "zh"]
Value: TypeAlias = "str | int | float"


class Incoming(BaseModel):
    """Base of requests: a field that is not known is an error, not silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Outgoing(BaseModel):
    """Base of answers: a client of today reads the answers of a later server."""

    model_config = ConfigDict(extra="ignore", frozen=True)


# -- conversation -------------------------------------------------------------------------------------------------


class ChatRequest(Incoming):
    """A message to be answered."""

    message: str = Field(min_length=1, max_length=MAX_MESSAGE, examples=["something quiet, no horror"])
    user: UserId | None = Field(default=None, description="Who says it. With a user token: the token's user.", examples=["ann"])
    conversation: ConversationId | None = Field(default=None, description="To go on with; without it a new one begins.")
    language: ApiLanguage | None = Field(default=None, description="Of the answer, where the message does not show one.")
    count: int | None = Field(default=None, ge=1, le=MAX_COUNT, description="Items, unless the message says how many.")
    explore: float | None = Field(default=None, ge=0, le=1, description="0: close to what is liked; 1: adventurous.")
    items_only: bool = Field(default=False, description="No sentences: answers at once.")
    stream: bool = Field(default=False, description="Server-sent events instead of one JSON object.")


class ReasonOut(Outgoing):
    """One sentence about an item, and what proves it."""

    text: str
    sources: list[str] = Field(examples=[["card.summary"], ["user.message"], ["history.tt0245429"]])
    written_by: Literal["model", "template"]


class ItemCard(Outgoing):
    """An item of the catalogue."""

    id: str
    title: str
    titles: dict[str, str] = Field(default_factory=dict, description="Language to title.")
    facets: dict[str, list[Value]] = Field(default_factory=dict, description="Facet to values, as the catalogue has them.")
    summary: str = ""


class Offered(Outgoing):
    """An item of a list: its place, why it is there, and what was said of it."""

    item: ItemCard
    rank: int
    score: float
    reasons: list[ReasonOut] = Field(default_factory=list[ReasonOut])
    channels: dict[str, dict[str, float]] = Field(default_factory=dict, description="Channel to rank and score.")
    shares: dict[str, float] = Field(default_factory=dict, description="Channel to its part of the score, together 1.")
    checks: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]], description="Demands, and how the item keeps them.")


class QuestionOut(Outgoing):
    """A question back, with the options to answer it."""

    about: str
    options: list[str]


class ChatAnswer(Outgoing):
    """A whole turn."""

    turn: str
    conversation: str
    user: str
    language: ApiLanguage
    intent: str
    opening: str
    items: list[Offered]
    reply: str = Field(description="All of it as one text.")
    question: QuestionOut | None = None
    held: list[str] = Field(default_factory=list[str], description="What the conversation holds to, in words.")
    suggestions: list[str] = Field(default_factory=list[str])
    notes: list[str] = Field(default_factory=list[str], description="What did not go as usual.")
    timings_ms: dict[str, float] = Field(default_factory=dict)
    model: dict[str, str] = Field(default_factory=dict)


class StateEvent(Outgoing):
    """``event: state``: where the turn stands."""

    stage: Literal["understanding", "looking", "choosing", "queued", "writing"]
    place: int = Field(default=0, description="In the line in front of the model; 0: not in line.")
    language: ApiLanguage | None = Field(default=None, description="Of the answer, as soon as it is known.")


class CardsEvent(Outgoing):
    """``event: cards``: the items as they stand now."""

    items: list[Offered]
    settled: bool
    opening: str = ""


class TextEvent(Outgoing):
    """``event: text``: more text, of the opening or of an item's reasons."""

    delta: str
    item: str | None = None


class SourcesEvent(Outgoing):
    """``event: sources``: what the sentence just sent rests on."""

    item: str
    text: str
    sources: list[str]
    written_by: Literal["model", "template"]


class DoneEvent(Outgoing):
    """``event: done``: the turn is over and stored."""

    answer: ChatAnswer


class Problem(Outgoing):
    """What is wrong, and what to do about it."""

    code: str = Field(examples=["error_rate"])
    message: str
    where: str = Field(default="", description="The field that is wrong.")


class ErrorAnswer(Outgoing):
    """Every answer that is no success, and ``event: error``."""

    error: Problem


ChatEvent: TypeAlias = "StateEvent | CardsEvent | TextEvent | SourcesEvent | DoneEvent | ErrorAnswer"
EVENTS: dict[str, type[Outgoing]] = {
    "state": StateEvent,
    "cards": CardsEvent,
    "text": TextEvent,
    "sources": SourcesEvent,
    "done": DoneEvent,
    "error": ErrorAnswer,
}


# -- lists and items ----------------------------------------------------------------------------------------------


class ConstraintIn(Incoming):
    """A promise: no item that breaks it comes back."""

    field: str = Field(min_length=1, max_length=100, examples=["genres"])
    op: Literal["includes", "excludes", "any_of", "min", "max"]
    value: Value | list[Value] = Field(examples=["horror"])


class RecommendRequest(Incoming):
    """A list without text. It changes nothing: say with events what was shown and what became of it."""

    user: UserId | None = Field(default=None, description="Whose profile counts; without it nobody's.")
    message: str = Field(default="", max_length=MAX_MESSAGE, examples=["a slow thriller, no horror"])
    like: list[ItemId] = Field(default_factory=list[str], max_length=100, description="Items to be like.")
    exclude: list[ItemId] = Field(default_factory=list[str], max_length=1000, description="Items that must not come back.")
    constraints: list[ConstraintIn] = Field(default_factory=list[ConstraintIn], max_length=50)
    language: ApiLanguage = "en"
    count: int = Field(default=10, ge=1, le=MAX_LIST)


class RecommendAnswer(Outgoing):
    """Items, best first."""

    items: list[Offered]
    relaxed: list[str] = Field(default_factory=list[str], description="What could not be kept, in words.")
    took_ms: float


class ItemPage(Outgoing):
    """Items in the order of the catalogue, or those that words find, best first."""

    items: list[ItemCard]
    next: str | None = Field(default=None, description="Give it as ``after`` to go on; null: that was all.")
    total: int


class SimilarItem(Outgoing):
    """An item that is like another."""

    item: ItemCard
    shared: list[str] = Field(default_factory=list[str], description="What the two have in common, the rarest first.")


# -- what people did ----------------------------------------------------------------------------------------------

ApiEventKind: TypeAlias = Literal[
    "shown", "opened", "liked", "disliked", "seen", "cleared", "rated", "reviewed", "viewed", "played", "purchased", "saved",
    "tagged", "owned", "accepted", "dismissed",
]  # fmt: skip


class EventIn(Incoming):
    """Something a person did with an item."""

    user: UserId | None = Field(default=None, description="With a user token: the token's user.")
    kind: ApiEventKind = Field(examples=["liked"])
    item: ItemId
    value: float | None = Field(default=None, ge=0, le=1, description="Of a rating its place on the scale; 0 lowest, 1 highest.")
    text: str = Field(default="", max_length=MAX_MESSAGE, description="The words of a review or tag; of cleared: what is taken back.")
    at: float | None = Field(default=None, ge=0, le=4e9, description="Seconds since the epoch; without it, now.")
    id: str | None = Field(default=None, min_length=1, max_length=64, pattern=_NAME, description="One that comes twice counts once.")
    conversation: ConversationId | None = None
    turn: str | None = Field(default=None, max_length=64, pattern=_NAME)


class EventBatch(Incoming):
    """Events, taken all or none."""

    events: list[EventIn] = Field(min_length=1, max_length=MAX_EVENTS)


class EventsNoted(Outgoing):
    """What became of them: they are stored when this comes."""

    received: int
    new: int


class ProfileLine(Outgoing):
    """One line of what is known of a person, and from what."""

    id: str = Field(description="For ``remove``; empty: cannot be removed.")
    kind: str
    text: str
    sources: list[str] = Field(default_factory=list[str])


class ProfileAnswer(Outgoing):
    """What is known of a person."""

    user: str
    liked: list[str]
    disliked: list[str]
    seen: list[str]
    answered: list[str]
    saved: list[str]
    lines: list[ProfileLine] = Field(default_factory=list[ProfileLine])


class ProfilePatch(Incoming):
    """Opinions set or taken back, and lines that are not so. Taken all or none."""

    set: dict[ItemId, Literal["liked", "disliked", "seen", "saved"]] = Field(default_factory=dict)
    clear: list[ItemId] = Field(default_factory=list[str], max_length=1000, description="Items of which nothing is to be known.")
    remove: list[str] = Field(default_factory=list[str], max_length=100, description="Ids of lines.")


class ErasedAnswer(Outgoing):
    """What was erased; ``traces`` are files that still hold words of the person, and should be none."""

    events: int
    turns: int
    logged: int
    traces: list[str] = Field(default_factory=list[str])


class ConversationHeading(Outgoing):
    """One line of a list of conversations."""

    id: str
    title: str
    said: str
    turns: int
    used: float


class ConversationAnswer(Outgoing):
    """A conversation, oldest turn first; ``record`` is the turn as ``ask --json`` prints it."""

    id: str
    turns: list[dict[str, Any]]


# -- operation ----------------------------------------------------------------------------------------------------


class Health(Outgoing):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str


class Readiness(Outgoing):
    """Whether turns can be answered, and what is missing."""

    ready: bool
    stage: str
    fraction: float
    checks: dict[str, str] = Field(default_factory=dict, description="Part to ``ok`` or what is wrong with it.")


class TokenRequest(Incoming):
    """A token for one user, to be given to that user's own device."""

    seconds: int = Field(default=3600, ge=60, le=30 * 24 * 3600)


class TokenAnswer(Outgoing):
    """The token is shown once; only a digest of it is kept."""

    token: str
    user: str
    expires: float


def problem(code: str, message: str, where: Sequence[object] = ()) -> dict[str, Any]:
    """Return the body of an answer that is no success."""
    return ErrorAnswer(error=Problem(code=code, message=message, where=".".join(map(str, where)))).model_dump()
