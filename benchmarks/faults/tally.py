"""What was seen while a fault was injected again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Tally:
    """Counts of one fault.

    Attributes:
        fault: in words.
        times: that it was injected.
        answers: turns that were answered with words while it lasted.
        empty: answers with neither items nor words, which there must not be.
        clear: errors with a code of ours and words.
        unclear: errors without, which there must not be.
        taken: writes that a full disk took all the same, for the database had room within its own files.
        acknowledged: events and turns that were acknowledged before the fault.
        found: of those, what was there after it.
        readable: conversations that could be read and gone on with after it.
        unreadable: those that could not.
        once: messages that were said again with the same key, and are one turn that is whole.
        twice: those that are not.
        seconds: that the longest answer or error took.
        odd: what was seen that should not be.
    """

    fault: str
    times: int = 0
    answers: int = 0
    empty: int = 0
    clear: int = 0
    unclear: int = 0
    taken: int = 0
    acknowledged: int = 0
    found: int = 0
    readable: int = 0
    unreadable: int = 0
    once: int = 0
    twice: int = 0
    seconds: float = 0.0
    odd: list[str] = field(default_factory=list[str])

    def answer(self, turn: dict[str, Any] | None) -> None:
        """Take an answer as the API gives it; None where there was none at all."""
        words = bool(turn) and bool(turn["reply"].strip())
        told = not turn or all(any(r["text"].strip() for r in offered["reasons"]) for offered in turn["items"])
        if words and told:
            self.answers += 1
        else:
            self.empty += 1

    def error(self, code: str, words: str) -> None:
        """Take an error."""
        if code and code not in ("internal", "error_generic") and len(words) > 20:
            self.clear += 1
        else:
            self.unclear += 1
            self.odd.append(f"{code}: {words}"[:200])

    def kept(self, acknowledged: set[str], found: set[str]) -> None:
        """Compare what was acknowledged with what was found."""
        self.acknowledged += len(acknowledged)
        self.found += len(acknowledged & found)
        if lost := acknowledged - found:
            self.odd.append(f"lost: {sorted(lost)[:5]}")

    def talk(self, *, good: bool, why: str = "") -> None:
        """Note whether a conversation can be gone on with."""
        self.readable += good
        self.unreadable += not good
        if not good:
            self.odd.append(f"conversation: {why}"[:200])

    def again(self, *, one: bool, why: str = "") -> None:
        """Note whether a message that was said again is one whole turn."""
        self.once += one
        self.twice += not one
        if not one:
            self.odd.append(f"said again: {why}"[:200])

    @property
    def good(self) -> bool:
        """Whether nothing was seen that must not be."""
        return not (self.empty or self.unclear or self.unreadable or self.twice or self.odd) and self.found == self.acknowledged
