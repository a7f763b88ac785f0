"""Years and decades in English, in digits and words; with them durations and ages. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from chatbot import durations_en
from chatbot.numbers_en import DECADES, NO, NUMBER, SMALL, TEENS, UNITS, Found, number, one_of, read

_YEAR = (
    rf"(?:(?:19|20)\d\d(?![\d'’]|s\b)|['’]\d\d(?![\w'’])|nineteen[\s-](?:hundred|oh[\s-]{one_of(UNITS)}|{SMALL})"
    rf"|two\s+thousand(?:\s+(?:and\s+)?{SMALL})?|twenty[\s-](?:{one_of(TEENS)}|twenty(?:[\s-]{one_of(UNITS)})?))"
)
_ANY = rf"(?:1[5-8]\d\d(?!\d|s\b)|{_YEAR})"  # an earlier one bounds, but does not date by itself: "the war of 1812"
_DECADE = (
    rf"(?:the\s+)?(?:last\s+century'?s\s+)?(?:(early|mid|late)[\s-]+)?(?:the\s+)?"
    rf"(?:((?:1[5-9]|20)?\d0)\s?['’]?s\b|['’](\d0)s\b|{'((?:twenty[- ])?' + '|(?:twenty[- ])?'.join(DECADES) + ')'}\b)"
)
_OLDER = r"(?:older than|earlier than|before|from before|made before|prior to|pre-?|b4|preceding|anything before)"
_NEWER = r"(?:newer than|later than|more recent than|after|from after|made after|post-?)"

_YOUNG = rf"(?:{NO}\s+(?:\w+\s)?older than|newer than)"  # not "under 10 years old", which is a child


def find(text: str) -> Iterator[Found]:
    """Yield (kind, op, value, start, end) of every bound."""
    yield from _years(text)
    yield from _decades(text)
    yield from durations_en.find(text)


def _year(text: str) -> int:
    text = text.lower()
    if text[0] in "'’":
        return int(text[1:]) + (1900 if int(text[1:]) >= 20 else 2000)
    if text[0].isdigit():
        return int(text[:4])
    first, _, rest = re.sub(r"[\s-]+", " ", text).partition(" ")
    if first == "two":
        rest = rest.removeprefix("thousand").strip().removeprefix("and ").strip()
        return 2000 + (int(number(rest)) if rest else 0)
    century = 1900 if first == "nineteen" else 2000
    return century + (0 if rest == "hundred" else int(number(rest.removeprefix("oh "))))


def _rule(pattern: str, text: str) -> Iterator[re.Match[str]]:
    return re.finditer(pattern, text, re.IGNORECASE)


def _years(text: str) -> Iterator[Found]:
    def rule(pattern: str, op: str, change: int = 0) -> Iterator[Found]:
        for m in _rule(pattern, text):
            yield "year", op, _year(next(g for g in m.groups() if g)) + change, m.start(), m.end()

    the = r"\s*(?:the year\s+)?"
    year = f"({_ANY})"
    for m in _rule(rf"\b(?:born|married|graduated|met|divorced|moved|retired)\s+(?:\w+\s+){{0,2}}?in\s+{_YEAR}", text):
        yield "", "", 0, m.start(), m.end()  # what happened to somebody bounds nothing
    yield from rule(rf"\b{NO}\s+(?:\w+\s)?{_OLDER}{the}{year}", "min")
    yield from rule(rf"\b{NO}\s+(?:\w+\s)?{_NEWER}{the}{year}", "max")
    yield from rule(rf"\b{_NEWER}{the}{year}", "min", 1)
    yield from rule(
        rf"\b(?:since|starting (?:in|from))\s+{year}|\bfrom\s+{year}\s*(?:on(?:wards?)?\b|and (?:later|after|up)|or later)"
        rf"|{year}\s*(?:or|and) (?:later|newer|after|up|more recent|onwards?)\b|{year}\s*(?:onwards?\b|\+)",
        "min",
    )
    yield from rule(rf"\b{_OLDER}{the}{year}", "max", -1)
    yield from rule(
        rf"\b(?:until|till|up to|by|no later than|through){the}{year}|{year}\s*(?:or|and) (?:earlier|older|before)\b", "max"
    )
    for m in _rule(
        rf"(?<![\d-])\b(?:between\s+|from\s+|in\s+)?({_ANY})\s*(?:-|–|—|to|and|until|till|through)\s*((?:1[5-9]|20)?\d\d\b(?!-)|{_YEAR})",
        text,
    ):
        first, last = _year(m[1]), _year(m[2]) if len(m[2]) > 2 else _year(m[1]) // 100 * 100 + int(m[2])
        yield "year", "min", min(first, last), m.start(), m.end()
        yield "year", "max", max(first, last), m.start(), m.end()
    for m in _rule(
        rf"(?:\b(?:in|from|of)\s+|(?<![\w/.-])){the}({_YEAR})(?![\w%]|\s*(?:on|or|and)\s+(?:later|newer|wards?)\b|[-–]\d)", text
    ):
        yield "year", "min", _year(m[1]), m.start(), m.end()
        yield "year", "max", _year(m[1]), m.start(), m.end()
    last = rf"\b(?:the\s+)?(?:last|past)\s+({NUMBER}|couple)\s+(?:or so\s+|of\s+)?years\b"
    for m in _rule(rf"{last}|\b{_YOUNG}\s+({NUMBER})\s+years(?:\s+old)?\b", text):
        yield "year", "min", date.today().year - round(read(m[1] or m[2])), m.start(), m.end()
    for m in _rule(r"\bborn in ((?:19|20)\d\d)\b", text):
        for older in _rule(r"\b(?:older than (?:me|i am|myself|us)|before (?:i|we|me|my time)\b)", text):
            yield "year", "max", int(m[1]) - 1, older.start(), older.end()
    for m in _rule(
        r"\b(?:(this|(?:the )?(?:21st|twenty[- ]first))[\s-]+(?:century|millennium)"
        r"|(last|the (?:20th|twentieth))\s+century)\b(?!'s)",
        text,
    ):
        if m[1]:
            yield "year", "min", 2000, m.start(), m.end()
        else:
            yield "year", "max", 1999, m.start(), m.end()
            if m[2].lower() != "last":
                yield "year", "min", 1900, m.start(), m.end()


def _span(m: re.Match[str], at: int = 0) -> tuple[int, int]:
    """First and last year of a decade that begins at a group of a match."""
    part, digits, short, word = (m[at + n] for n in (1, 2, 3, 4))
    if word:
        start = 1900 + DECADES[word.lower().split("-")[-1].split()[-1]]
    else:
        value = int(digits or short)
        start = value if value >= 100 else 1900 + value if value >= 20 else 2000 + value
    first, last = {"early": (0, 4), "mid": (3, 6), "late": (5, 9)}.get((part or "").lower(), (0, 9))
    return start + first, start + last


def _decades(text: str) -> Iterator[Found]:
    for m in _rule(rf"\b{NO}\s+(?:\w+\s)?{_OLDER}\s*{_DECADE}", text):
        yield "year", "min", _span(m)[0], m.start(), m.end()
    for m in _rule(rf"\b{NO}\s+(?:\w+\s)?{_NEWER}\s*{_DECADE}", text):
        yield "year", "max", _span(m)[1], m.start(), m.end()
    for m in _rule(rf"\b{_OLDER}\s*{_DECADE}", text):
        yield "year", "max", _span(m)[0] - 1, m.start(), m.end()
    for m in _rule(rf"\b{_NEWER}\s*{_DECADE}", text):
        yield "year", "min", _span(m)[1] + 1, m.start(), m.end()
    for m in _rule(rf"\b(?:since|from)\s+{_DECADE}(?:\s+(?:on|onwards?|and later|or later)\b)", text):
        yield "year", "min", _span(m)[0], m.start(), m.end()
    for m in _rule(
        rf"\bsince\s+{_DECADE}|(?<!\w){_DECADE}\s+(?:or|and) (?:later|newer|after|onwards?)\b|(?<!\w){_DECADE}\s+onwards?\b",
        text,
    ):
        at = next(at for at in (0, 4, 8) if any(m[at + n] for n in (2, 3, 4)))
        yield "year", "min", _span(m, at)[0], m.start(), m.end()
    for m in _rule(rf"(?<!\w){_DECADE}\s+(?:or|and) (?:earlier|older|before)\b|\b(?:until|up to)\s+{_DECADE}", text):
        at = next(at for at in (0, 4) if any(m[at + n] for n in (2, 3, 4)))
        yield "year", "max", _span(m, at)[1], m.start(), m.end()
    for m in _rule(rf"(?<!\w){_DECADE}\s*(?:-|–|,|to|and|or|and/or|through|until|till)\s*(?:from\s+)?{_DECADE}", text):
        (first, _), (_, last) = sorted((_span(m), _span(m, 4)))
        yield "year", "min", first, m.start(), m.end()
        yield "year", "max", last, m.start(), m.end()
    for m in _rule(rf"(?<![\w'’]){_DECADE}", text):
        first, last = _span(m)
        yield "year", "min", first, m.start(), m.end()
        yield "year", "max", last, m.start(), m.end()
    for m in _rule(r"\b(?:the\s+)?first decade of (?:the 2000s|this century)", text):
        yield "year", "min", 2000, m.start(), m.end()
        yield "year", "max", 2009, m.start(), m.end()
