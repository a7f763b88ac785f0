"""What a person may do with everything that is kept of them: take it along, take it in, erase it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.erasing import Erased, erase_person
from chatbot.portable import export_person, import_person, pseudonym
from chatbot.store import UserStore
from retrieval.events import Event


@dataclass(frozen=True, slots=True)
class Keeper:
    """Everything that is kept, wherever it is.

    Attributes:
        store: of events and conversations.
        data: folder of all data; None: there is none beside the store.
        index: folder of the index that this process holds.
        log: a person's events in the imported log.
    """

    store: UserStore
    data: Path | None = None
    index: Path | None = None
    log: Callable[[str], Sequence[Event]] | None = None

    def export(self, user: str) -> dict[str, Any]:
        """Return everything of a person, ready to be written as JSON."""
        person = pseudonym(self.data, user) if self.data else ""
        return export_person(self.store, user, person, self.log(user) if self.log else ())

    def take_in(self, user: str, text: str) -> tuple[int, int]:
        """Take in what :meth:`export` returned, as JSON; see :func:`chatbot.portable.import_person`."""
        return import_person(self.store, user, text)

    def erase(self, user: str) -> Erased:
        """Erase a person; see :func:`chatbot.erasing.erase_person`."""
        held = [self.index] if self.index else []
        return erase_person(self.store, user, self.data, held)
