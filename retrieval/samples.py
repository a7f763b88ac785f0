"""The sample people of a shipped domain: what they did, so that a catalogue can be tried with somebody who has a past."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import get_args

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrieval.domain import Domain
from retrieval.errors import DomainError
from retrieval.events import DAY, Event, EventKind

FILE = "people.jsonl"
_KINDS = frozenset(get_args(EventKind))


class Deed(BaseModel):
    """One line of ``people.jsonl``; ``days_ago`` keeps a sample from growing old."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: str
    kind: str
    item: str
    days_ago: float = Field(ge=0)
    value: float | None = Field(default=None, ge=0, le=1)


class SamplePeople:
    """What the sample people of a domain did; of anybody else nothing."""

    def __init__(self, domain: Domain) -> None:
        """Read the file of a domain; one without sample people has none.

        Raises:
            DomainError: a line is wrong; names the line.
        """
        self._events: defaultdict[str, list[Event]] = defaultdict(list)
        path = domain.folder / FILE
        if not (domain.people and path.is_file()):
            return
        now = time.time()
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                deed = Deed.model_validate(orjson.loads(line))
            except (ValidationError, orjson.JSONDecodeError) as error:
                raise DomainError(f"{path}, line {number}: {error}") from error
            if deed.user not in domain.people or deed.kind not in _KINDS:
                raise DomainError(f"{path}, line {number}: no such person or kind: {deed.user}, {deed.kind}")
            at = now - deed.days_ago * DAY
            event = Event(deed.user, deed.kind, deed.item, value=deed.value, at=at, id=f"sample-{number}")  # pyright: ignore[reportArgumentType]
            self._events[deed.user].append(event)
        for events in self._events.values():
            events.sort(key=lambda event: event.at)

    def events(self, user: str) -> Sequence[Event]:
        """Return what a sample person did, oldest first."""
        return self._events.get(user, ())
