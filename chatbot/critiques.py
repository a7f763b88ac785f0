"""Bounds that critiques of shown items come to: "shorter", "newer". Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from retrieval.days import as_day
from retrieval.facet import Facet
from retrieval.types import Constraint, Item


def whole(value: float) -> int | float:
    """Return a number without a fraction as an integer."""
    return int(value) if value == int(value) else value


def critique_bound(name: str, facet: Facet, step: int, shown: Sequence[Item], words: str = "") -> Constraint | None:
    """Return the bound that less (-1) or more (1) of a number than the shown items have comes to; None: none has the number.

    It is beyond the middle of the shown numbers, so that most of what comes is on the asked side of most that was there.
    """
    if facet.type == "date":
        return _day_bound(name, step, shown, words)
    numbers = sorted(float(v) for item in shown for v in item.values(name) if isinstance(v, (int, float)))
    if not numbers:
        return None
    value = numbers[len(numbers) // 2] + step * (1 if len(shown) == 1 else facet.step)
    return Constraint(name, "max" if step < 0 else "min", whole(value), words)


def _day_bound(name: str, step: int, shown: Sequence[Item], words: str) -> Constraint | None:
    days = sorted(day for item in shown for v in item.values(name) if (day := as_day(str(v))))
    if not days:
        return None
    bound = days[len(days) // 2] + timedelta(days=step)
    return Constraint(name, "max" if step < 0 else "min", bound.isoformat(), words)
