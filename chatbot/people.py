"""What is known of people, read from their events: profile, interests, portrait."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chatbot.interests import CatalogueView, Interests, build_interests
from chatbot.portrait import Line, Painter
from chatbot.profile import build_profile
from chatbot.store import UserStore
from chatbot.types import Language, Profile
from retrieval.events import Event, EventKind

MOST_KEPT = 250  # people; one with two hundred events takes 150 KB
SILENT: tuple[EventKind, ...] = ("shown", "typed")  # what was typed was read into wishes and opinions when it came


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a person, as of a minute.

    Attributes:
        profile: what they like, dislike and have seen.
        interests: what they are drawn to; without the tastes that name each interest.
        minute: from which ages count, in seconds since the epoch.
        events: that all of it was read from.
    """

    profile: Profile
    interests: Interests
    minute: float
    events: Sequence[Event]


class Kept:
    """The last people of whom something was read, :data:`MOST_KEPT` at most."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}

    def get(self, user: str) -> Known | None:
        """Look up."""
        return self._known.get(user)

    def put(self, user: str, known: Known) -> Known:
        """Remember, and forget what is older than a minute, for nobody takes it any more."""
        with self._lock:
            late = known.minute - 60
            self._known = {name: kept for name, kept in self._known.items() if kept.minute > late and name != user}
            if len(self._known) >= MOST_KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[user] = known
        return known


@dataclass(frozen=True, slots=True)
class People:
    """Reads what a store and an imported log hold. An event counts from the next read on, whichever process wrote it.

    Attributes:
        store: of events.
        log: a person's events in the imported log, oldest first; they count as older than what the store holds.
        catalogue: whose items the events are of.
        painter: writes portraits.
    """

    store: UserStore
    log: Callable[[str], Sequence[Event]] | None
    catalogue: CatalogueView
    painter: Painter
    _kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)  # nothing of it is another store's

    def events(self, user: str) -> list[Event]:
        """A person's events that say something of them: first those of the log, then those of the store."""
        return [*(self.log(user) if self.log else ()), *self.store.events(user, SILENT)]

    def profile(self, user: str) -> Profile:
        """What a person likes, dislikes and has seen."""
        return build_profile(user, self.events(user), self.catalogue.domain.behaviour)

    def interests(self, user: str) -> Interests:
        """What a person is drawn to."""
        return build_interests(self.events(user), self.catalogue, time.time())

    def known(self, user: str) -> Known:
        """What lists are made by. Ages count from a moment in the last minute, always the same one of a person's.

        It is taken from the last time while no event came or went: whoever looks through lists asks again and again.
        """
        events, phase = self.events(user), zlib.crc32(user.encode("utf-8", "surrogatepass")) % 60  # not all at one moment
        minute = (time.time() - phase) // 60 * 60 + phase
        kept = self._kept.get(user)
        if kept and kept.minute == minute and kept.events == events:
            return kept
        interests = build_interests(events, self.catalogue, minute, named=False)
        profile = build_profile(user, events, self.catalogue.domain.behaviour)
        return self._kept.put(user, Known(profile, interests, minute, events))

    def portrait(self, user: str, language: Language) -> list[Line]:
        """A person's interests in words, each line with what it rests on."""
        events, now = self.events(user), time.time()
        return self.painter.paint(build_interests(events, self.catalogue, now), events, language, now)
