"""Recency in words, English and Chinese: "this week", "the last three days", 最近三天, 昨天. Text to bounds on days. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TypeAlias

from chatbot import numbers_en, numbers_zh
from retrieval.days import days_before

DayBound: TypeAlias = "tuple[str, str, int, int]"  # op, ISO day, start, end
_MONTHS: Sequence[str] = "january february march april may june july august september october november december".split()
_WEEKDAYS: Sequence[str] = "monday tuesday wednesday thursday friday saturday sunday".split()
_NUM = rf"(?:\d+|{numbers_en.LARGE}|a|couple(?: of)?|few)"
_SPANS = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}
_AGO = r"(?:last|past|previous|latest|recent)"
_NEW = (
    r"(?:not (?:be )?older than|no older than|(?:is |are )?less than|(?:from )?within|newer than|younger than"
    r"|under|at most|max(?:imum)?)"
)
_DAYS_ZH = {"天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7, "个星期": 7, "个礼拜": 7, "个月": 30, "年": 365}
_UNIT_ZH = "|".join(sorted(_DAYS_ZH, key=len, reverse=True))
_NUM_ZH = rf"(?:{numbers_zh.NUM}|几)"
_WEEKDAY_ZH = "一二三四五六日"


_NEWNESS = re.compile(
    r"\b(?:new(?:er|est|ly)?|arriv\w+|added|(?:come|came|coming|just) in(?:to)?|releas\w+|launch\w+|listed|latest|recent(?:ly)?"
    r"|fresh|last|past|within|old(?:er)?)\b|新(?=到|出|上|品|款|来|进|增|货|发)|上[新架]|到货|刚|最近|近|以来|过去|以?内",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;.!?，。；！？]")


def find(text: str, today: date, *, bare: bool = True) -> Iterator[DayBound]:
    """Yield (op, ISO day, start, end) of every bound; a week is seven days, a month the days since its first.

    Args:
        text: a message.
        today: which day it is.
        bare: also of days beside which no word of newness stands in their clause.
    """
    for read in (_words, _counted, _named, _dates):
        for bound in read(text, today):
            if bare or _NEWNESS.search(_clause(text, bound[2], bound[3])):
                yield bound


def _clause(text: str, start: int, end: int) -> str:
    before = [m.end() for m in _CLAUSE.finditer(text, 0, start)]
    after = _CLAUSE.search(text, end)
    return text[before[-1] if before else 0 : after.start() if after else len(text)]


def _rule(pattern: str, text: str) -> Iterator[re.Match[str]]:
    return re.finditer(pattern, text, re.IGNORECASE)


def _words(text: str, today: date) -> Iterator[DayBound]:
    """What one word says: today, yesterday, this week, this month."""
    first = today.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    since = (
        (r"\btoday(?:['’]s)?\b|今[天日](?!天)|当天|今儿", 0),
        (r"\b(?:this|the (?:current|past|last)|last|past) week(?:['’]s)?\b|\bof the week\b", 7),
        (r"(?:本|这|这一|这个|最近一|近一|上)个?(?:周|星期|礼拜)(?!末)", 7),
        (r"\b(?:the (?:past|last)|last|past) (?:24 hours|day)\b|最近一天|(?:最近|近|过去)(?:24|二十四)小时", 1),
        (r"\b(?:the )?(?:past|last) fortnight\b|最近半个?月|近半个?月", 14),
        (r"\b(?:in|over|within|during|from) the (?:last|past) month\b|\b(?:the )?past month\b", 30),
        (r"\b(?:recent|latest|breaking|fresh)(?:ly)?\b(?! (?:than|release))", 7),
        (r"最近的(?![一二两三四五六七八九十半几\d])|近期的?|新近的|刚刚?(?:出|发|发生)的", 7),
    )
    for pattern, days in since:
        for m in _rule(pattern, text):
            yield "min", days_before(today, days), m.start(), m.end()
    for pattern, days in ((r"\byesterday(?:['’]s)?\b|昨[天日儿]", 1), (r"\bthe day before yesterday\b|前天", 2)):
        for m in _rule(pattern, text):
            yield "min", days_before(today, days), m.start(), m.end()
            yield "max", days_before(today, days), m.start(), m.end()
    for m in _rule(r"\bthis month(?:['’]s)?\b|(?:本|这个?)月(?!亮)", text):
        yield "min", first.isoformat(), m.start(), m.end()
    for m in _rule(r"\blast month(?:['’]s)?\b|上个?月", text):
        yield "min", before.isoformat(), m.start(), m.end()
        yield "max", (first - timedelta(days=1)).isoformat(), m.start(), m.end()
    for m in _rule(r"\bthis year(?:['’]s)?\b|今年", text):
        yield "min", f"{today.year}-01-01", m.start(), m.end()


def _counted(text: str, today: date) -> Iterator[DayBound]:
    """So many days, weeks or months back."""
    unit = r"(day|week|fortnight|month|year)s?"
    for pattern in (
        rf"\b(?:from |in |over |within |during )?(?:the )?{_AGO}\s+({_NUM})\s+{unit}\b",
        rf"\b{_NEW}\s+(?:the )?(?:last |past )?({_NUM})\s+{unit}(?:\s+old)?\b",
        rf"(?<!\w)({_NUM})\s+{unit}\s+(?:old )?(?:or (?:less|newer)|at (?:the )?most|max(?:imum)?)\b",
    ):
        for m in _rule(pattern, text):
            if (count := _count(m[1])) is not None:
                yield "min", days_before(today, count * _SPANS[m[2].lower()]), m.start(), m.end()
    spoken = r"(?:最近|近|过去)?(\d+|[一二三四五六七八九十]+)个?小时(?:以?内|之内)"
    for m in _rule(rf"\b(?:(?:last|past|within|in the) )+({_NUM})[\s-]?hours?\b|{spoken}", text):
        hours = _count(m[1]) if m[1] else _chinese(m[2])
        yield "min", days_before(today, -(-(hours or 0) // 24)), m.start(), m.end()
    for m in _rule(rf"\b(?:older than|more than|over|before)\s+({_NUM})\s+{unit}(?:\s+(?:old|ago))?\b", text):
        negated = re.search(r"\b(?:no|not|nothing|none|isn['’]t|aren['’]t)\s+(?:\w+\s+)?$", text[: m.start()], re.IGNORECASE)
        if not negated and (count := _count(m[1])) is not None:
            yield "max", days_before(today, count * _SPANS[m[2].lower()]), m.start(), m.end()
        elif negated and (count := _count(m[1])) is not None:
            yield "min", days_before(today, count * _SPANS[m[2].lower()]), negated.start(), m.end()
    for m in _rule(rf"(?:最近|近|过去|这|前)的?这?({_NUM_ZH})({_UNIT_ZH})(?:来|里|间|以?内|之内|的)*", text):
        yield "min", days_before(today, _chinese(m[1]) * _DAYS_ZH[m[2]]), m.start(), m.end()
    for m in _rule(rf"({_NUM_ZH})({_UNIT_ZH})(?:以内|之内|内(?!容)|里)(?:的|发布|发表|刊登)?", text):
        yield "min", days_before(today, _chinese(m[1]) * _DAYS_ZH[m[2]]), m.start(), m.end()
    for m in _rule(rf"{numbers_zh.NEVER}(?:超过|早于|老于)({_NUM_ZH})({_UNIT_ZH})(?:以?前)?", text):
        yield "min", days_before(today, _chinese(m[1]) * _DAYS_ZH[m[2]]), m.start(), m.end()
    for m in _rule(rf"({_NUM_ZH})({_UNIT_ZH})(?:以|之)?前的", text):
        denied = re.search(rf"{numbers_zh.NOT}$", text[: m.start()]) or re.match(numbers_zh.DENY, text[m.end() - 1 :])
        day = days_before(today, _chinese(m[1]) * _DAYS_ZH[m[2]])
        yield "min" if denied else "max", day, m.start(), m.end()


def _named(text: str, today: date) -> Iterator[DayBound]:
    """Since a day of the week, in a month."""
    for m in _rule(rf"\bsince (?:last )?({'|'.join(_WEEKDAYS)})\b", text):
        yield "min", days_before(today, (today.weekday() - _WEEKDAYS.index(m[1].lower())) % 7 or 7), m.start(), m.end()
    for m in _rule(rf"(?:从|自)?(?:周|星期|礼拜)([{_WEEKDAY_ZH}])(?:以来|开始|起|到现在|至今)", text):
        yield "min", days_before(today, (today.weekday() - _WEEKDAY_ZH.index(m[1])) % 7 or 7), m.start(), m.end()
    names = "|".join(_MONTHS)
    for m in _rule(
        rf"\b(in|from|since|of)\s+({names})\b|\b({names})(?:['’]s)?\s+(?:ones?|news|stor(?:y|ies)|articles?)\b", text
    ):
        yield from _month(_MONTHS.index((m[2] or m[3]).lower()) + 1, today, m, open_=(m[1] or "").lower() == "since")
    for m in _rule(
        r"(?<!\d)(1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月份?(?:的|里|以来|之后|以后)?(?!\d|[一二三四五六七八九十]*日)",
        text,
    ):
        number = int(m[1]) if m[1].isascii() else int(numbers_zh.number(m[1]))
        yield from _month(number, today, m, open_=m[0].endswith(("以来", "之后", "以后")))


def _dates(text: str, today: date) -> Iterator[DayBound]:
    """A day of a month, or from one to another: "since the 20th of November", 11月10号到15号."""
    day, month = r"(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?", rf"({'|'.join(f'{m[:3]}(?:{m[3:]})?' for m in _MONTHS)})\b\.?"
    to = r"\s*(?:-|–|—|to|and|till|until|through)\s*"
    either = rf"(?:{day}(?:\s+of)?\s+{month}|\b{month}\s+{day}\b)"
    for m in _rule(rf"(?:\b(?:between|from)\s+)?(?:{day}{to}{day}(?:\s+of)?\s+{month}|\b{month}\s+{day}{to}{day}\b)", text):
        first, last, name = (m[1], m[2], m[3]) if m[1] else (m[5], m[6], m[4])
        yield from _from_to(_day(name, first, today), _day(name, last, today), m)
    for m in _rule(rf"(?:\b(since|after|from|starting(?: on)?|before|until|till|by|on)\s+)?{either}(\s+on(?:wards)?\b)?", text):
        said = "since" if m[6] else (m[1] or "").lower()
        yield from _around(_day(m[3] or m[4], m[2] or m[5], today), said, m)
    for m in _rule(r"(?:从)?(1[0-2]|[1-9])月(\d{1,2})[日号]?(?:到|至|-|—|~|～)(?:(1[0-2]|[1-9])月)?(\d{1,2})[日号]", text):
        yield from _from_to(_day(m[1], m[2], today), _day(m[3] or m[1], m[4], today), m)
    for m in _rule(
        r"(?:从|自)?(?<!\d)(1[0-2]|[1-9])月(\d{1,2})[日号](之后|以后|以来|开始|起|至今|到现在|之前|以前|前|后)?", text
    ):
        said = {"前": "before", "后": "after"}.get((m[3] or "")[-1:], "since" if m[3] else "")
        yield from _around(_day(m[1], m[2], today), "since" if said == "after" else said, m)


def _day(month: str, day: str, today: date) -> date | None:
    """The last such day that is not to come; None: there is none."""
    number = int(month) if month.isdigit() else next(n for n, m in enumerate(_MONTHS, 1) if m.startswith(month[:3].lower()))
    try:
        found = date(today.year, number, int(day))
        return found if found <= today else found.replace(year=today.year - 1)
    except ValueError:
        return None


def _from_to(first: date | None, last: date | None, m: re.Match[str]) -> Iterator[DayBound]:
    if first and last and first <= last:
        yield "min", first.isoformat(), m.start(), m.end()
        yield "max", last.isoformat(), m.start(), m.end()


def _around(day: date | None, said: str, m: re.Match[str]) -> Iterator[DayBound]:
    """Bounds of one day: on it, or what a word before or after it makes of it."""
    if day is None:
        return
    if said not in ("before", "until", "till", "by"):
        yield "min", days_before(day, -1 if said == "after" else 0), m.start(), m.end()
    if said in ("", "on", "before", "until", "till", "by"):
        yield "max", days_before(day, 1 if said == "before" else 0), m.start(), m.end()


def _month(month: int, today: date, m: re.Match[str], *, open_: bool) -> Iterator[DayBound]:
    year = today.year if month <= today.month else today.year - 1
    yield "min", f"{year}-{month:02}-01", m.start(), m.end()
    if not open_:
        last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).isoformat()
        yield "max", last, m.start(), m.end()


def _count(text: str) -> int | None:
    text = text.lower().strip()
    known = {"a": 1, "couple": 2, "couple of": 2, "few": 3}
    try:
        return known[text] if text in known else round(numbers_en.large(text))
    except ValueError:
        return None


def _chinese(text: str) -> int:
    return 3 if text == "几" else round(numbers_zh.read(text))
