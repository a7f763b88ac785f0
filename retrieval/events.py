"""What people did with items: the one Event record, and how ratings, amounts and times of any log are read. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from functools import lru_cache
from typing import Literal, TypeAlias

from dateutil import parser as dates

EventKind: TypeAlias = Literal[
    "shown",
    "opened",
    "liked",
    "disliked",
    "seen",
    "typed",
    "cleared",
    "rated",
    "reviewed",
    "viewed",
    "played",
    "purchased",
    "saved",
    "tagged",
    "owned",
    "accepted",
    "dismissed",
    "wished",
    "corrected",
    "undone",
]
SAID_HERE = frozenset({"typed", "cleared", "wished", "corrected", "undone"})  # in a conversation alone, never in a log

DAY = 86_400.0  # seconds
NO_OPINION = 0.5  # the value of a rating where all ratings are the same

_SMALLEST_DAY, _LARGEST_DAY = 19000101, 21001231  # such a number is a day written without signs, no moment of August 1970
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))  # below the first number, divided by the second, it is seconds
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(?:\d{4}|\d{2})\b")
_CHINESE_DATE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person did or said.

    Attributes:
        user: whose event it is.
        kind: ``opened`` looked closer at what was shown; ``accepted`` took a recommendation, ``dismissed`` waved one away;
            ``cleared`` takes back an earlier ``liked``, ``disliked`` or ``seen`` (named in ``text``) of the item, ``undone``
            the event whose id is its text; ``wished`` is a facet value asked for, ``corrected`` what the person says of their
            profile, see :mod:`chatbot.interests`.
        item: the item, or None for ``typed``, ``wished``, ``undone`` and most ``corrected``.
        text: the words, for ``typed``, ``reviewed``, ``tagged``, ``wished`` and ``corrected``.
        value: strength in [0, 1]: of a rating its place on the scale, of a count or of hours the :func:`confidence`.
        at: seconds since the epoch; 0 when unknown.
        context: what else is known: ``conversation`` and ``turn``, ``session``, ``raw`` (the value as the log had it).
        id: names the event among those of its user: one that comes twice counts once. The store gives it one.
    """

    user: str
    kind: EventKind
    item: str | None = None
    text: str = ""
    value: float | None = None
    at: float = 0.0
    context: Mapping[str, str] = field(default_factory=dict[str, str])
    id: str = field(default="", compare=False)


def normalise_rating(value: float, low: float, high: float) -> float:
    """Return where a rating stands on its scale, from 0 (lowest) to 1 (highest); what lies beyond the scale is at its end.

    On a scale of one step, every rating is :data:`NO_OPINION`.
    """
    if high <= low:
        return NO_OPINION
    return min(max((value - low) / (high - low), 0.0), 1.0)


def confidence(amount: float, half: float) -> float:
    """Return how sure an amount (a count, hours) makes that a person wants an item, in [0, 1).

    With x = log(1 + amount) / log(1 + half), the confidence is x / (1 + x): 0 for nothing, 0.5 at ``half``, growing with the
    amount and never 1. The logarithm is that of Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback
    datasets" (ICDM 2008), section 6: ten times as much is not ten times as sure.

    Args:
        amount: what is negative counts as nothing.
        half: above 0.
    """
    x = math.log1p(max(amount, 0.0)) / math.log1p(half)
    return min(x / (1.0 + x), math.nextafter(1.0, 0.0)) if math.isfinite(x) else math.nextafter(1.0, 0.0)


def read_time(value: object) -> float | None:
    """Read a moment: seconds since the epoch, or None when it is none.

    A number is seconds, milliseconds, microseconds or nanoseconds by its magnitude (below 1e11, 1e14, 1e17, 1e20), but
    20150102 and 20150102030405 are dates. A text is ISO or another date with year and month; without a zone it is UTC. A date
    with slashes that could be read with the day or the month first (5/6/2015) is none, for a guess would be silently wrong.
    """
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return _read_text(value)
        if "_" in value:  # float() takes 1_000
            return None
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value) if abs(value) < 1e20 else math.inf
    elif isinstance(value, datetime):
        return _seconds(value)
    elif isinstance(value, date):
        return _seconds(datetime(value.year, value.month, value.day))
    else:
        return None
    size = abs(number)
    if size < 1e11:
        return number if not _SMALLEST_DAY <= number <= _LARGEST_DAY else _read_digits(number)
    if _SMALLEST_DAY * 1_000_000 <= number <= (_LARGEST_DAY + 1) * 1_000_000:
        return _read_digits(number)
    return next((number / unit for limit, unit in _UNITS if size < limit), None)


def _read_digits(number: float) -> float:
    """Read 20150102 or 20150102030405; when that is no date, the number as the moment that it also is."""
    text = str(int(number))
    try:
        return _seconds(datetime.strptime(text, "%Y%m%d" if len(text) == 8 else "%Y%m%d%H%M%S"))
    except ValueError:
        return number if len(text) == 8 else number / 1e3


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


@lru_cache(maxsize=65536)
def _read_text(text: str) -> float | None:
    text = text.strip()
    try:
        return _seconds(datetime.fromisoformat(text.replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        return _read_loose(text)


def _zone(name: str | None, offset: int | None) -> int:
    if offset is None and name not in (None, "UTC", "GMT", "Z"):
        raise ValueError(f"the zone {name} stands for several")
    return offset or 0


def _read_loose(text: str) -> float | None:
    """Read a date that is not ISO, by dateutil; only when it names year and month itself."""
    if not any(c.isdigit() for c in text) or len(text) > 60:
        return None
    text = _CHINESE_DATE.sub(r"\1-\2-\3", text)
    slashed = _SLASHED.match(text)
    day_first = bool(slashed and slashed[2] == ".")
    if slashed and not day_first and int(slashed[1]) <= 12 and int(slashed[3]) <= 12 and slashed[1] != slashed[3]:
        return None
    try:  # what the text leaves open comes from the default, and so differs
        one, other = (
            dates.parse(text, default=default, dayfirst=day_first, tzinfos=_zone)
            for default in (datetime(2001, 1, 1), datetime(2002, 2, 1))
        )
        return _seconds(one) if (one.year, one.month) == (other.year, other.month) else None
    except (ValueError, OverflowError, TypeError):
        return None
