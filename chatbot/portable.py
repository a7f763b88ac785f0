"""A person's data as one JSON document, and back: everything that is stored, and nothing of anybody else."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chatbot.store import UserStore
from chatbot.types import MAX_TITLE, StoredTurn
from retrieval.errors import ProfileError
from retrieval.events import Event, EventKind

FORMAT, VERSION = "zhiyin-profile", 1
MAX_BYTES = 200_000_000
_SECRET = "pseudonyms.key"
_SECRET_BYTES = 32
_LONG_AGO = 1.0  # for a time that is not known: a store gives the present to an event that has none


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Event(_Strict):
    id: str = Field(min_length=1, max_length=64)
    kind: EventKind
    item: str | None = Field(default=None, max_length=400)
    text: str = ""
    value: float | None = Field(default=None, ge=0, le=1)
    at: float = Field(default=0.0, ge=0)
    context: dict[str, str] = Field(default_factory=dict)


class _Turn(_Strict):
    id: str = Field(min_length=1, max_length=64)
    at: float = Field(ge=0)
    message: str
    record: dict[str, Any]


class _Conversation(_Strict):
    id: str = Field(min_length=1, max_length=200)
    title: str = Field(default="", max_length=MAX_TITLE)  # documents from before there were titles have none
    turns: list[_Turn]


class _Document(_Strict):
    format: Literal["zhiyin-profile"]
    version: Literal[1]
    person: str = ""
    log: list[_Event] = Field(default_factory=list[_Event])
    events: list[_Event] = Field(default_factory=list[_Event])
    conversations: list[_Conversation] = Field(default_factory=list[_Conversation])


def export_person(store: UserStore, user: str, person: str = "", log: Sequence[Event] = ()) -> dict[str, Any]:
    """Return everything that is stored of a person, ready to be written as JSON.

    Args:
        store: where it is.
        user: whose it is; the name itself is left out.
        person: what stands for the name; see :func:`pseudonym`.
        log: the person's events in the imported log.
    """
    talks = [(heading.title, store.load(heading.id, user)) for heading in reversed(store.headings(user))]
    return {
        "format": FORMAT,
        "version": VERSION,
        "person": person,
        "log": [_event_record(event, f"log-{n}") for n, event in enumerate(log)],
        "events": [_event_record(event) for event in store.events(user)],
        "conversations": [
            {
                "id": talk.id,
                "title": title,
                "turns": [
                    {"id": turn.id, "at": turn.at, "message": turn.message, "record": {**turn.record, "user": person}}
                    for turn in talk.turns
                ],
            }
            for title, talk in talks
        ],
    }


def _event_record(event: Event, name: str = "") -> dict[str, Any]:
    return {
        "id": event.id or name,
        "kind": event.kind,
        "item": event.item,
        "text": event.text,
        "value": event.value,
        "at": event.at,
        "context": dict(event.context),
    }


def import_person(store: UserStore, user: str, text: str) -> tuple[int, int]:
    """Take in what :func:`export_person` wrote; what is known already is not taken twice.

    Args:
        store: where it goes.
        user: whose it becomes.
        text: JSON.

    Returns:
        How many events were new, and how many turns were taken in.

    Raises:
        ProfileError: it is no such document; nothing is taken in.
        StoreError: a conversation in it belongs to somebody else; nothing is taken in.
    """
    document = _read(text)
    for talk in document.conversations:
        store.load(talk.id, user)  # refuses another's
    events = [
        Event(user, e.kind, e.item, e.text, e.value, e.at or _LONG_AGO, e.context, e.id)
        for e in (*document.log, *document.events)
    ]
    new = store.append(*events)
    turns = [(talk.id, turn) for talk in document.conversations for turn in talk.turns]
    for conversation, turn in turns:
        store.save(conversation, user, StoredTurn(turn.id, turn.at, turn.message, {**turn.record, "user": user}))
    for talk in document.conversations:
        if talk.title and talk.turns:
            store.rename(talk.id, user, talk.title)
    return new, len(turns)


def _read(text: str) -> _Document:
    if len(text) > MAX_BYTES:
        raise ProfileError(f"The profile is larger than {MAX_BYTES // 1_000_000} MB.", key="error_profile")
    try:
        return _Document.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ProfileError(
            f"This is no profile that Zhiyin exported: {place}: {first['msg']}. Export one: python app.py profile export USER",
            key="error_profile",
        ) from error


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document to a file that only its owner can read; there is no half of one."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
    os.replace(new, path)


def pseudonym(folder: Path, user: str) -> str:
    """Return a name that stands for a user's wherever it leaves the store: HMAC-SHA-256 under a key of this installation.

    Who lacks the key can neither find the name nor try names. Erasing the key makes all of them meaningless.

    Args:
        folder: of the data; the key is made in it when there is none.
        user: to be hidden.
    """
    path = folder / _SECRET
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
    return "p-" + hmac.new(path.read_bytes(), user.encode(), hashlib.sha256).hexdigest()[:20]
