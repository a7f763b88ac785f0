"""What is known of people, read from their events: profile, interests, portrait."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatbot.interests import CatalogueView, Interests, build_interests
from chatbot.portrait import Line, Painter
from chatbot.profile import build_profile
from chatbot.store import UserStore
from chatbot.types import Language, Profile
from retrieval.events import Event, EventKind

SILENT: tuple[EventKind, ...] = ("shown", "typed")  # what was typed was read into wishes and opinions when it came


@dataclass(frozen=True, slots=True)
class People:
    """Reads what a store and an imported log hold. Nothing is kept here: an event counts from the next read on.

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

    def events(self, user: str) -> list[Event]:
        """A person's events that say something of them: first those of the log, then those of the store."""
        return [*(self.log(user) if self.log else ()), *self.store.events(user, SILENT)]

    def profile(self, user: str) -> Profile:
        """What a person likes, dislikes and has seen."""
        return build_profile(user, self.events(user))

    def interests(self, user: str) -> Interests:
        """What a person is drawn to."""
        return build_interests(self.events(user), self.catalogue, time.time())

    def portrait(self, user: str, language: Language) -> list[Line]:
        """A person's interests in words, each line with what it rests on."""
        events, now = self.events(user), time.time()
        return self.painter.paint(build_interests(events, self.catalogue, now), events, language, now)
