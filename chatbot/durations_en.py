"""Durations and the ages of children in English, in digits and words. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.numbers_en import NO, NUMBER, Found, read

_HOURS = r"(?:hours?|hrs?|h)"
_MINUTES = r"(?:minutes?|mins?|min|m|['’′])"
_REST = {"three quarters": 45, "half": 30, "quarter": 15}  # the longest first, for one ends with another
_PARTS = r"(?:half|quarter|three quarters)"
_LENGTH = (
    rf"(?:(?P<h>{NUMBER}|an?)(?:\s+and\s+a\s+(?P<half0>half))?[\s-]*{_HOURS}\b(?:\s+and)?(?:\s+(?:a\s+)?(?P<half>{_PARTS}))?"
    rf"(?:\s*(?P<hm>{NUMBER})(?:[\s-]*{_MINUTES})?\b)?(?:\s+and\s+(?:a\s+)?(?P<half2>half|quarter))?"
    rf"|(?P<ch>\d)h(?P<cm>\d\d)(?:m|min)?\b|(?P<halfhour>half\s+an\s+hour)|(?P<bare>hour\s+and\s+(?:a\s+)?{_PARTS})"
    rf"|(?P<m>{NUMBER})[\s-]*{_MINUTES}(?![\w])(?:[\s-]*long)?)"
)
DURATION = re.compile(rf"(?<!\w){_LENGTH}", re.IGNORECASE)
_BEYOND = r"(?:more than|longer than|over|above|beyond|past|exceed(?:ing|s)?|(?:goes|going|runs?|running) (?:over|past|beyond))"
MOST = (
    r"(?:under|less than|shorter than|at (?:the )?(?:very )?most|below|within|inside|max(?:imum)?(?: of)?|up to"
    rf"|fits? (?:in|into)|(?:limit|cap|ceiling)(?: is| of|:)|not (?:a|one|even a) minutes? {_BEYOND}"
    rf"|(?:{NO}|can(?:not|['’]?t| not)|must(?:n['’]?t| not)|should(?:n['’]?t| not)(?: be)?|won['’]?t)\s*{_BEYOND})"
)
LEAST = (
    r"(?:over|more than|longer than|at (?:the )?(?:very )?least|above|upwards of|min(?:imum)?(?: of)?"
    rf"|{NO}\s*(?:less than|shorter than|under|below))"
)
_ABOUT = r"(?:\s+(?:about|around|roughly|like))?"
MOST_AFTER = (
    r"(?:or (?:less|under|shorter|fewer|below)|max(?:imum)?\b|tops\b|at (?:the )?(?:very )?most|and under|limit\b"
    r"|or so at most|at the outside|(?:is|would be) (?:fine|ok|okay|good|perfect|enough|plenty)"
    r"|(?:is|['’]s) (?:my|the|our|his|her|their) (?:limit|ceiling|cap|max(?:imum)?)"
    r"|and not a minute (?:more|longer)|(?:is|['’]s) (?:all|as long as)\b|or thereabouts at most|cap\b)"
)
ROUGHLY = r"(?:around|about|roughly|approximately|some|in the region of)"
_TIGHT = (  # where there is no more time than is named
    r"\b(?:train|flight|bus|ride|nap|lunch|break|drive|journey|commute|window|layover|slot|bedtime"
    r"|(?:has|have|need|needs|must) to (?:fit|end|finish)|(?:over|done|finished) by|before (?:my|the|we|i|bed|he|she))\b"
)
LEAST_AFTER = r"(?:plus\b|\+|or (?:more|longer|over|above)|and (?:up|over)|at (?:the )?(?:very )?least|minimum\b)"
_BARE_MOST = r"(?<![\w.$£€])(\d{2,3})\s*(?:or (?:less|under|shorter)|max|tops|at (?:the )?most)(?!\w|\s*%)"
_HAVE = (
    r"(?:(?:i|we)(?:['’]ve| have|['’]ve only| only have|['’]m having| am having|['’]re having| are having| got)|there['’]?s)"
    r"(?:\s+(?:only|just|about|exactly|got|roughly|maybe|like))*"
)


def find(text: str) -> Iterator[Found]:
    """Yield (kind, op, value, start, end) of every bound."""
    yield from _minutes(text)
    yield from _ages(text)


def _rule(pattern: str, text: str) -> Iterator[re.Match[str]]:
    return re.finditer(pattern, text, re.IGNORECASE)


def _length(m: re.Match[str]) -> int:
    parts = m.groupdict()
    if parts["m"]:
        return round(read(parts["m"]))
    if parts["ch"]:
        return int(parts["ch"]) * 60 + int(parts["cm"])
    if parts["halfhour"]:
        return 30
    if parts["bare"]:
        return 60 + next(rest for part, rest in _REST.items() if parts["bare"].lower().endswith(part))
    rest = _REST.get((parts["half0"] or parts["half"] or parts["half2"] or "").lower(), 0)
    return round(read(parts["h"]) * 60) + rest + (round(read(parts["hm"])) if parts["hm"] else 0)


def about(minutes: int) -> int:
    """Return what "about so many minutes" may take at most."""
    return minutes + (10 if minutes >= 30 else round(minutes / 5))


def _minutes(text: str) -> Iterator[Found]:
    ends: list[int] = []
    for m in _rule(rf"(?:\b(?:between|from)\s+(?=\d)|\b(?=\d\d))(\d{{1,3}})\s*(?:and|to|-|–)\s*{_LENGTH}", text):
        ends.append(m.end())
        yield "minutes", "min", int(m[1]), m.start(), m.end()
        yield "minutes", "max", _length(m), m.start(), m.end()
    for pattern, op in (
        (rf"\b{MOST}{_ABOUT}\s+{_LENGTH}", "max"),
        (rf"\b{LEAST}{_ABOUT}\s+{_LENGTH}", "min"),
        (rf"(?<!\w){_LENGTH}(?:\s+then)?,?\s*{MOST_AFTER}", "max"),
        (rf"(?<!\w){_LENGTH}\s*,?\s*{LEAST_AFTER}", "min"),
        (rf"\b{_HAVE}\s+{_LENGTH}", "max"),
        (rf"\b(?:through|done|read|watch|finish(?:ed)?|over)(?: it| them)? (?:with )?in\s+{_LENGTH}", "max"),
        (rf"[<≤]=?\s*{_LENGTH}", "max"),
        (rf"\b{NO}\s*{_LENGTH}\s+long\b", "max"),
        (rf"[>≥]=?\s*{_LENGTH}", "min"),
    ):
        for m in _rule(pattern, text):
            ends.append(m.end())
            yield "minutes", op, _length(m), m.start(), m.end()
    for m in _rule(_BARE_MOST, text):
        if 40 <= int(m[1]) <= 300:  # "105 or less": no other number of a wish is in that range
            ends.append(m.end())
            yield "minutes", "max", int(m[1]), m.start(), m.end()
    for m in () if ends else _rule(rf"\b{ROUGHLY}\s+{_LENGTH}", text):
        ends.append(m.end())
        yield "minutes", "max", about(_length(m)), m.start(), m.end()
    if not ends and re.search(_TIGHT, text, re.IGNORECASE):
        for m in _rule(rf"(?<!\w){_LENGTH}", text):
            ends.append(m.end())
            yield "minutes", "max", _length(m), m.start(), m.end()
    if not ends:
        return
    for words, op in ((MOST, "max"), (LEAST, "min")):  # "at least 90 minutes and no more than 120"
        for m in _rule(rf"\b{words}\s+(\d{{2,3}})\b(?!\s*(?:%|years?|hours?|h\b|m(?:in)?))", text):
            yield "minutes", op, int(m[1]), m.start(), m.end()


def _ages(text: str) -> Iterator[Found]:
    for m in _rule(
        rf"\b({NUMBER})[\s-]*(?:years?|yrs?|yr)[\s-]*olds?\b|\b(?:aged?|ages|turn(?:ed|ing|s)?)\s+({NUMBER})\b", text
    ):
        age = round(read(m[1] or m[2]))
        if 0 < age < 18:  # "my mother is 80 years old" sets no bound
            yield "age", "max", age, m.start(), m.end()
    young = r"(?:grand)?(?:sons?|daughters?|kids?|child(?:ren)?|boys?|girls?)|nephews?|nieces?|(?:little|small|wee) ones?|twins"
    are = r"\b(?:he|she|who|they)(?:['’]s| is|['’]re| are)\s+(?:only |just |nearly |almost )?"
    for m in _rule(
        rf"\b(?:{young})(?:\s+(?:is|are)|\s*,|\s*\(|['’]s)?\s*({NUMBER})(?:\s*(?:and|&|,)\s*({NUMBER}))?\b(?!\s*(?!and\b|so\b|but\b|who\b)[a-z])"
        rf"|{are}({NUMBER})(?:\s*(?:and|&)\s*({NUMBER}))?(?=\s*(?:$|[,.!?;)]|and\b|so\b))",
        text,
    ):
        age = min(round(read(number)) for number in m.groups() if number)
        if 0 < age < 18:
            yield "age", "max", age, m.start(), m.end()
