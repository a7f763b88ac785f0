"""A turn while it is made, and the record that it becomes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chatbot.interests import Interests
from chatbot.types import Conversation, Held, Question, Recommendation, Request, Turn
from chatbot.written import write_title
from retrieval.types import Candidate, Constraint, Query

_TIMINGS = ("understand", "retrieve", "rerank", "first_card", "first_token", "first_sentence", "total")


@dataclass
class Draft:
    """A turn while it is made; turned into a :class:`Turn` at its end, however it ends."""

    request: Request
    started: float
    items_only: bool = False
    explore: float | None = None
    timings: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_TIMINGS, 0.0))
    items: list[Recommendation] = field(default_factory=list[Recommendation])
    interests: Interests = field(default_factory=Interests)
    query: Query = field(default_factory=lambda: Query(""))
    candidates: tuple[Candidate, ...] = ()
    before: dict[str, int] = field(default_factory=dict[str, int])  # item -> place before the model's vote
    relaxed: tuple[Constraint, ...] = ()
    opening: str = ""
    question: Question | None = None
    notes: list[str] = field(default_factory=list[str])
    at: float = field(default_factory=time.time)

    def clock(self) -> float:
        """Return the milliseconds since the turn began."""
        return 1000 * (time.perf_counter() - self.started)

    def turn(
        self,
        turn_id: str,
        conversation: Conversation,
        model: Mapping[str, str],
        held: Sequence[Held],
        suggestions: Sequence[str] = (),
    ) -> Turn:
        """Return the record of the turn as it stands."""
        return Turn(
            id=turn_id,
            user=conversation.user,
            conversation=conversation.id,
            request=self.request,
            items=tuple(self.items),
            opening=self.opening,
            question=self.question,
            held=tuple(held),
            suggestions=tuple(suggestions),
            reply=self._reply(),
            timings_ms=self.timings,
            model=model,
            notes=tuple(self.notes),
            candidates=self.candidates,
            at=self.at,
        )

    def _reply(self) -> str:
        language = self.request.language
        gap = "" if language == "zh" else " "
        colon = "：" if language == "zh" else ": "
        lines = [
            f"{r.rank}. {write_title(r.item, language)}"
            + (colon + gap.join(reason.text for reason in r.reasons) if r.reasons else "")
            for r in self.items
        ]
        return "\n".join([self.opening, *lines]).strip()


def timing_text(timings: Mapping[str, float]) -> str:
    """Say the timings of a turn in one line."""
    return ", ".join(f"{name} {value:.0f} ms" for name, value in timings.items() if value)
