"""What goes over the wire about people and about the server itself; see :mod:`chatbot.api.models`."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import Field

from chatbot.api.models import NAME, ConversationId, Incoming, ItemId, Outgoing, UserId
from chatbot.types import MAX_MESSAGE, MAX_TITLE

MAX_EVENTS = 1000  # of one request

ApiEventKind: TypeAlias = Literal[
    "shown", "opened", "liked", "disliked", "seen", "cleared", "rated", "reviewed", "viewed", "played", "purchased", "saved",
    "tagged", "owned", "accepted", "dismissed",
]  # fmt: skip


class EventIn(Incoming):
    """Something a person did with an item."""

    user: UserId | None = Field(default=None, description="With a user token: the token's user.")
    kind: ApiEventKind = Field(examples=["liked"])
    item: ItemId
    value: float | None = Field(
        default=None, ge=0, le=1, description="Of a rating its place on the scale; 0 lowest, 1 highest."
    )
    text: str = Field(
        default="", max_length=MAX_MESSAGE, description="The words of a review or tag; of cleared: what is taken back."
    )
    at: float | None = Field(default=None, ge=0, le=4e9, description="Seconds since the epoch; without it, now.")
    id: str | None = Field(
        default=None, min_length=1, max_length=64, pattern=NAME, description="One that comes twice counts once."
    )
    conversation: ConversationId | None = None
    turn: str | None = Field(default=None, max_length=64, pattern=NAME)


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
    share: bool | None = Field(
        default=None, description="What they say in words counts in every catalogue of the process; null: there is no choice."
    )


class ProfilePatch(Incoming):
    """Opinions set or taken back, and lines that are not so. Taken all or none."""

    set: dict[ItemId, Literal["liked", "disliked", "seen", "saved"]] = Field(default_factory=dict)
    clear: list[ItemId] = Field(
        default_factory=list[str], max_length=1000, description="Items of which nothing is to be known."
    )
    remove: list[str] = Field(default_factory=list[str], max_length=100, description="Ids of lines.")
    share: bool | None = Field(default=None, description="Let what they say in words count in every catalogue, or no longer.")


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


class ConversationPatch(Incoming):
    """What a person changes of a conversation."""

    title: str = Field(max_length=MAX_TITLE, description="Empty: it has none.")


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
