"""Numbers in English words and digits, and what denies them. Pure functions."""

from __future__ import annotations

import re

UNITS = {w: n for n, w in enumerate("one two three four five six seven eight nine".split(), 1)}
_FROM_TEN = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TEENS = {w: n for n, w in enumerate(_FROM_TEN.split(), 10)}
_TENS = {w: 10 * n for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
DECADES = dict(
    twenties=20,
    thirties=30,
    forties=40,
    fifties=50,
    sixties=60,
    seventies=70,
    eighties=80,
    nineties=90,
    noughties=100,
    aughts=100,
    tens=110,
)
_SETS = {"a": 1, "an": 1, "couple": 2, "pair": 2, "half a dozen": 6, "half dozen": 6, "a dozen": 12, "dozen": 12}

NUMBER_WORDS = frozenset(
    {*UNITS, *TEENS, *_TENS, *DECADES, *"hundred hour hours minute minutes year years decade century".split()}
)
Found = tuple[str, str, int, int, int]  # kind, op, value, start, end: what the readers of a language yield


def one_of(*tables: dict[str, int]) -> str:
    """Return a pattern of the words of tables, the longest first."""
    return "(?:" + "|".join(word for table in tables for word in sorted(table, key=len, reverse=True)) + ")"


SMALL = rf"(?:{one_of(_TENS)}(?:[\s-]{one_of(UNITS)})?|{one_of(TEENS)}|{one_of(UNITS)})"
_WORDS = rf"(?:(?:{one_of(UNITS)}|a)\s+hundred(?:\s+(?:and\s+)?{SMALL})?|{SMALL})"
NUMBER = rf"(?:\d+(?:\.\d+)?|{_WORDS})"
LARGE = (
    r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:\s?k\b)?"
    rf"|(?:{_WORDS}|a)\s+thousand(?:\s+(?:and\s+)?{_WORDS})?|{_WORDS})"
)
NO = (
    r"(?:no|not|nothing|none|never|(?:do|does|is|are)n['’]?t(?: \w+)?|avoid)\b"
    r"(?:\s+(?:anything|any|\w+s|a|made|from|be|that's|which is))*"
)


def number(text: str) -> float:
    """Read a number in words, up to 999.

    Raises:
        ValueError: it is none.
    """
    text = text.strip().lower()
    if text in _SETS:
        return _SETS[text]
    total = 0
    for word in re.split(r"[\s-]+", text):
        table = next((t for t in (UNITS, TEENS, _TENS) if word in t), None)
        if word == "hundred":
            total = max(total, 1) * 100
        elif table:
            total += table[word]
        elif word not in ("and", "a"):
            raise ValueError(f"no number: {text!r}")
    if not total:
        raise ValueError(f"no number: {text!r}")
    return total


def large(text: str) -> float:
    """Read a number in digits or words, beyond a thousand too: "1,200", "2k", "two thousand five hundred".

    Raises:
        ValueError: it is none.
    """
    text = text.strip().lower().replace(",", "")
    if text[:1].isdigit():
        return float(text.rstrip("k ")) * (1000 if text.endswith("k") else 1)
    thousands, found, rest = text.partition("thousand")
    if not found:
        return number(text)
    head = 1.0 if thousands.strip() == "a" else number(thousands)
    rest = rest.strip().removeprefix("and ")
    return head * 1000 + (number(rest) if rest else 0)


def read(text: str) -> float:
    """Read a number in digits or words, up to 999 in words."""
    return float(text) if text[0].isdigit() else number(text)
