"""Days as ISO text ("2026-11-28", "2026-11", "2026") and as numbers in their order. Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta

_ISO = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?$")


def day_span(text: str) -> tuple[float, float] | None:
    """Return the first and the last day that an ISO text can mean, each as the number YYYYMMDD; None: it is no ISO text.

    Of "2026-11" they are 20261100 and 20261199: only their order counts.
    """
    match = _ISO.match(text)
    if match is None:
        return None
    year, month, day = match.groups()
    first = int(year) * 10000 + int(month or 0) * 100 + int(day or 0)
    last = int(year) * 10000 + int(month or 99) * 100 + int(day or 99)
    return first, last


def as_number(value: object) -> float | None:
    """Return a number as it is, an ISO day as the first number of its span; None: it is neither."""
    if isinstance(value, (int, float)):
        return float(value)
    span = day_span(value) if isinstance(value, str) else None
    return span[0] if span else None


def as_day(text: str) -> date | None:
    """Return the first day of an ISO text; None: there is no such day."""
    match = _ISO.match(text)
    try:
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1)) if match else None
    except ValueError:
        return None


def days_before(today: date, days: int) -> str:
    """Return the ISO text of the day so many days before another."""
    return (today - timedelta(days=days)).isoformat()
