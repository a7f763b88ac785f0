"""Years, decades, durations and counts in words and digits, English and Chinese: text to bounds. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chatbot import durations_en, durations_zh, numbers_en, numbers_zh, quantities_en, quantities_zh

Found: TypeAlias = "tuple[str, str, int, int, int]"  # kind, op, value, start, end: what the readers of a language yield


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound found in a text, with its place.

    Attributes:
        kind: of a ``year``, of a duration in ``minutes``, the ``age`` of who it is for; a domain adds ``days``, the ``own age``
            of who speaks, and ``facet NAME`` (:mod:`chatbot.bounds`).
        value: a number, or an ISO day.
    """

    kind: str
    op: Literal["min", "max"]
    value: int | float | str
    start: int
    end: int


def number(text: str) -> float:
    """Read a number in digits or words, English or Chinese (up to 999).

    Raises:
        ValueError: it is none.
    """
    text = text.strip().lower()
    if text.replace(".", "", 1).isdigit() and text.isascii():
        return float(text)
    return numbers_en.number(text) if text.isascii() else numbers_zh.number(text)


def is_number(text: str) -> bool:
    """Whether a text is a number in digits or words."""
    try:
        number(text)
    except (KeyError, ValueError):
        return False
    return True


def find_bounds(text: str, more: Iterable[Bound] = (), without: str = "") -> list[Bound]:
    """Return every bound in a text, and more that were found in it; where two meet, the longer match counts.

    Args:
        text: a message.
        more: found in it, of a domain's own units and days.
        without: a kind that does not count, nor stand in the way of another.
    """
    taken: list[Bound] = []
    for bound in sorted((*more, *(b for b in _all(text) if b.kind != without)), key=lambda b: (b.start - b.end, b.start)):
        same = [t for t in taken if (t.start, t.end, t.kind) == (bound.start, bound.end, bound.kind)]
        if same or all(bound.end <= t.start or bound.start >= t.end for t in taken):
            taken.append(bound)
    return sorted((b for b in dict.fromkeys(taken) if b.kind), key=lambda b: (b.start, b.op))


def speaks_of_duration(text: str) -> bool:
    """Whether a text names a duration, with or without a bound ("the two hours")."""
    return any(reader.DURATION.search(text) for reader in (durations_en, durations_zh))


def _all(text: str) -> Iterator[Bound]:
    for kind, op, value, start, end in (*quantities_en.find(text), *quantities_zh.find(text)):
        yield Bound(kind, op, value, start, end)  # pyright: ignore[reportArgumentType]  (the readers yield these words alone)
