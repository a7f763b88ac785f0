"""Years, decades, durations and counts in words and digits, English and Chinese: text to bounds. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_EN = {w: n for n, w in enumerate("one two three four five six seven eight nine ten".split(), 1)}
_EN_DECADES = dict(
    twenties=20, thirties=30, forties=40, fifties=50, sixties=60, seventies=70, eighties=80, nineties=90, noughties=0
)
_ZH = {c: n for n, c in enumerate("一二三四五六七八九十", 1)} | {"两": 2, "零": 0, "〇": 0}
_YEAR = r"((?:19|20)\d\d)"
_NUM_EN = r"(\d+(?:\.\d+)?|" + "|".join(_EN) + r"|an?)"
_ZH_DIGIT = "[一两二三四五六七八九]"
_ZH_TENS = f"(?:{_ZH_DIGIT}?十{_ZH_DIGIT}?|{_ZH_DIGIT})"
_ZH_NUMBER = f"(?:{_ZH_DIGIT}?百(?:零?{_ZH_TENS})?|{_ZH_TENS})"
_NUM_ZH = rf"(\d+(?:\.\d+)?|{_ZH_NUMBER})"


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound found in a text: of a year, of a duration in minutes, or the age of who it is for, with its place."""

    kind: Literal["year", "minutes", "age"]
    op: Literal["min", "max"]
    value: int
    start: int
    end: int


def number(text: str) -> float:
    """Read a number in digits or words, English or Chinese (up to 999)."""
    text = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    if text in ("a", "an"):
        return 1
    if text in _EN:
        return _EN[text]
    if "百" in text:
        hundreds, _, rest = text.partition("百")
        return (_ZH[hundreds] if hundreds else 1) * 100 + (number(rest.lstrip("零")) if rest.strip("零") else 0)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (_ZH[tens] if tens else 1) * 10 + (_ZH[ones] if ones else 0)
    return _ZH[text] if text in _ZH else float("".join(str(_ZH[c]) for c in text))


def find_bounds(text: str) -> list[Bound]:
    """Return every bound in a text; where two patterns meet, the longer match counts."""
    found = [*_years(text), *_minutes(text), *_ages(text)]
    taken: list[Bound] = []
    for bound in sorted(found, key=lambda b: (b.start - b.end, b.start)):
        same = [t for t in taken if (t.start, t.end, t.kind) == (bound.start, bound.end, bound.kind)]
        if same or all(bound.end <= t.start or bound.start >= t.end for t in taken):
            taken.append(bound)
    return sorted(taken, key=lambda b: (b.start, b.op))


def _decade(digits: str) -> int:
    value = int(digits)
    if value >= 100:
        return value
    return 1900 + value if value >= 20 else 2000 + value


def _years(text: str) -> Iterator[Bound]:
    def rule(pattern: str) -> Iterator[re.Match[str]]:
        return re.finditer(pattern, text, re.IGNORECASE)

    def bound(m: re.Match[str], op: Literal["min", "max"], value: int) -> Bound:
        return Bound("year", op, value, m.start(), m.end())

    no = r"(?:no|not|nothing|none|never|don'?t \w+ (?:anything )?)\s+"
    for m in rule(
        rf"{no}(?:\w+ )?(?:older than|earlier than|before|from before|made before)\s+{_YEAR}"
        rf"|不早于\s*{_YEAR}年?|(?:不要|不想看|别)\s*{_YEAR}\s*年?(?:以前|之前|前)的?"
    ):
        yield bound(m, "min", int(m[1] or m[2] or m[3]))
    for m in rule(rf"{no}(?:\w+ )?(?:newer than|later than|after|from after|made after)\s+{_YEAR}|不晚于\s*{_YEAR}年?"):
        yield bound(m, "max", int(m[1] or m[2]))
    for m in rule(rf"(?:不要|不想看|别)\s*{_YEAR}\s*年?(?:以后|之后|以来|后)的?"):
        yield bound(m, "max", int(m[1]) - 1)
    for m in rule(rf"\b(?:after|newer than|later than)\s+(?:the year )?{_YEAR}(?!s)"):
        yield bound(m, "min", int(m[1]) + 1)
    for m in rule(
        rf"\b(?:since|from)\s+{_YEAR}\s*(?:on(?:wards?)?|or later|and later)|\bsince\s+{_YEAR}"
        rf"|{_YEAR}\s*(?:or|and) (?:later|newer)|{_YEAR}\s*年?(?:以后|之后|以来|后)"
    ):
        yield bound(m, "min", int(next(g for g in m.groups() if g)))
    for m in rule(rf"\b(?:before|older than|earlier than|prior to)\s+(?:the year )?{_YEAR}(?!s)|{_YEAR}\s*年?(?:以前|之前|前)"):
        yield bound(m, "max", int(m[1] or m[2]) - 1)
    for m in rule(rf"\b(?:until|up to|by)\s+{_YEAR}"):
        yield bound(m, "max", int(m[1]))
    for m in rule(rf"\b(?:between\s+|from\s+)?{_YEAR}\s*年?\s*(?:-|–|to|and|until|到|至|～|~)\s*{_YEAR}\s*年?(?:之间)?"):
        first, last = sorted((int(m[1]), int(m[2])))
        yield bound(m, "min", first)
        yield bound(m, "max", last)
    for m in rule(
        rf"(?:\b(?:in|from|of)\s+|(?<![\d/-])){_YEAR}(?:\s*年)?(?:的|拍的|上映的)?(?![\d年s'’-]|\s*(?:on|以|之|后|前|or |and ))"
    ):
        yield bound(m, "min", int(m[1]))
        yield bound(m, "max", int(m[1]))
    yield from _decades(text)


def _decades(text: str) -> Iterator[Bound]:
    def rule(pattern: str) -> Iterator[re.Match[str]]:
        return re.finditer(pattern, text, re.IGNORECASE)

    decades = "|".join(_EN_DECADES)
    pre = r"(?:(before|older than|after|since)\s+)?(?:the\s+)?"
    for m in rule(rf"\b{pre}(?:(?:early|late|mid)[\s-]+)?(?:((?:19|20)?\d0)['’]?s|({decades}))\b"):
        start = _decade(m[2]) if m[2] else (2000 if m[3].lower() == "noughties" else 1900 + _EN_DECADES[m[3].lower()])
        yield from _span(
            m, start, {"before": "before", "older than": "before", "after": "after", "since": "since"}.get((m[1] or "").lower())
        )
    for m in rule(
        r"(?:上?世纪|二十世纪|20世纪)?((?:19|20)?\d0|[二三四五六七八九]十|零零|〇〇)年代(以前|之前|前|以后|之后|后|以来)?"
    ):
        digits = m[1]
        start = _decade(digits) if digits.isdigit() else (2000 if digits[0] in "零〇" else 1900 + int(number(digits)))
        side = m[2] or ""
        yield from _span(m, start, "before" if "前" in side else "since" if side else None)


def _span(m: re.Match[str], start: int, side: str | None) -> Iterator[Bound]:
    if side != "before":
        low = start + 10 if side == "after" else start
        yield Bound("year", "min", low, m.start(), m.end())
    if side in (None, "before"):
        high = start - 1 if side == "before" else start + 9
        yield Bound("year", "max", high, m.start(), m.end())


def _ages(text: str) -> Iterator[Bound]:
    for m in re.finditer(rf"\b{_NUM_EN}[\s-]*years?[\s-]*olds?\b|{_NUM_ZH}岁", text, re.IGNORECASE):
        age = round(number(m[1] or m[2]))
        if 0 < age < 18:  # "my mother is 80 years old" sets no bound
            yield Bound("age", "max", age, m.start(), m.end())


def _minutes(text: str) -> Iterator[Bound]:
    hours_en = rf"{_NUM_EN}(?:\s+and a half)?[\s-]*(?:hours?|hrs?|h)\b(?:\s+and a half)?"
    length_en = rf"(?:{hours_en}|(\d+)\s*(?:minutes?|mins?|m)\b)"
    most = r"(?:under|less than|shorter than|at most|below|within|max(?:imum)?|up to|no(?:t)? (?:more|longer) than)"
    least = r"(?:over|more than|longer than|at least|above|no (?:less|shorter) than|not (?:less|shorter) than)"
    for words, op in ((most, "max"), (least, "min")):
        for m in re.finditer(rf"\b{words}\s+{length_en}", text, re.IGNORECASE):
            minutes = number(m[1]) * 60 + (30 if "half" in m[0].lower() else 0) if m[1] else number(m[2])
            yield Bound("minutes", op, round(minutes), m.start(), m.end())  # pyright: ignore[reportArgumentType]
    length_zh = rf"(?:{_NUM_ZH}\s*个?(半)?\s*(?:小时|钟头)(半)?|{_NUM_ZH}\s*分钟)"
    for m in re.finditer(
        rf"(不超过|不多于|少于|短于|小于|最多|至少|超过|多于|长于|不少于|大于)?\s*{length_zh}\s*(以内|之内|以下|内|以上|左右)?",
        text,
    ):
        before, after = m[1] or "", m[6] or ""
        upper = before in ("不超过", "不多于", "少于", "短于", "小于", "最多") or after in ("以内", "之内", "以下", "内")
        lower = before in ("至少", "超过", "多于", "长于", "不少于", "大于") or after == "以上"
        if not upper and not lower:
            continue
        minutes = number(m[2]) * 60 + (30 if m[3] or m[4] else 0) if m[2] else number(m[5])
        yield Bound("minutes", "max" if upper else "min", round(minutes), m.start(), m.end())
