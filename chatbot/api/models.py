"""What goes over the wire, both ways. Routes check what comes in by these, and the client reads answers with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from chatbot.types import MAX_COUNT, MAX_MESSAGE

MAX_USER, MAX_ITEM, MAX_CONVERSATION = 200, 400, 200  # characters of ids
MAX_LIST = 50  # items of a list without text
MAX_PAGE = 100  # items of a page of the catalogue

NAME = r"^[^\x00-\x1f\x7f]+$"  # no control characters: PostgreSQL takes no NUL, logs no line breaks
UserId: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_USER, pattern=NAME)]
ItemId: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_ITEM, pattern=NAME)]
ConversationId: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_CONVERSATION, pattern=NAME)]
ApiLanguage: TypeAlias = Literal["en", "zh"]
Value: TypeAlias = str | int | float


class Incoming(BaseModel):
    """Base of requests: a field that is not known is an error, not silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Outgoing(BaseModel):
    """Base of answers: a client of today reads the answers of a later server."""

    model_config = ConfigDict(extra="ignore", frozen=True)


# -- conversation -------------------------------------------------------------------------------------------------


class Message(Incoming):
    """What a person says."""

    message: str = Field(min_length=1, max_length=MAX_MESSAGE, examples=["something quiet, no horror"])
    user: UserId | None = Field(default=None, description="Who says it. With a user token: the token's user.", examples=["ann"])
    conversation: ConversationId | None = Field(default=None, description="To go on with; without it a new one begins.")
    language: ApiLanguage | None = Field(default=None, description="Of the answer, where the message does not show one.")
    count: int | None = Field(default=None, ge=1, le=MAX_COUNT, description="Items, unless the message says how many.")
    explore: float | None = Field(default=None, ge=0, le=1, description="0: close to what is liked; 1: adventurous.")
    items_only: bool = Field(default=False, description="No sentences: answers at once.")


class ChatRequest(Message):
    """A message to be answered."""

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
    checks: list[dict[str, Any]] = Field(
        default_factory=list[dict[str, Any]], description="Demands, and how the item keeps them."
    )


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
    value: Value | Annotated[list[Value], Field(max_length=100)] = Field(examples=["horror"])


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


def problem(code: str, message: str, where: Sequence[object] = ()) -> dict[str, Any]:
    """Return the body of an answer that is no success."""
    return ErrorAnswer(error=Problem(code=code, message=message, where=".".join(map(str, where)))).model_dump()
