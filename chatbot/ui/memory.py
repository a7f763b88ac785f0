"""What a browser remembers between visits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from chatbot.types import MAX_COUNT
from chatbot.ui.texts import choose_language

MAX_USER = 60
EXPLORE: dict[str, float | None] = {"near": 0.0, "usual": None, "far": 1.0}  # of a list, by the name of the choice


@dataclass(frozen=True, slots=True)
class Memory:
    """Who is there, in which language, which conversation is open, and how lists are wanted.

    Attributes:
        user: whose page it is.
        language: chosen for the page; empty: the browser's.
        conversation: that is open.
        count: how many items a reply has; 0: as many as the installation says.
        explore: a key of :data:`EXPLORE`.
    """

    user: str
    language: str = ""
    conversation: str = ""
    count: int = 0
    explore: str = "usual"

    @classmethod
    def read(cls, data: object, default_user: str, fixed_user: str | None = None) -> Memory:
        """Read what the browser sent, whatever it is; ``fixed_user`` is who it is, whatever the browser says."""
        known: Mapping[str, Any] = cast("Mapping[str, Any]", data) if isinstance(data, Mapping) else {}
        user, language, conversation = (str(known.get(key) or "") for key in ("user", "language", "conversation"))
        count, explore = known.get("count"), known.get("explore")
        return cls(
            fixed_user or user.strip()[:MAX_USER] or default_user,
            choose_language(language) if language else "",
            conversation[:100],
            count if isinstance(count, int) and 0 < count <= MAX_COUNT else 0,
            explore if isinstance(explore, str) and explore in EXPLORE else "usual",
        )

    def write(self) -> dict[str, str | int]:
        """Return what the browser keeps."""
        return {
            "user": self.user,
            "language": self.language,
            "conversation": self.conversation,
            "count": self.count,
            "explore": self.explore,
        }

    def at(self, conversation: str) -> Memory:
        """Return the same with another conversation open."""
        return replace(self, conversation=conversation)
