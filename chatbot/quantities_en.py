"""Years, durations and ages in English, in digits and words. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

_UNITS = {w: n for n, w in enumerate("one two three four five six seven eight nine".split(), 1)}
_FROM_TEN = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TEENS = {w: n for n, w in enumerate(_FROM_TEN.split(), 10)}
_TENS = {w: 10 * n for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_DECADES = dict(
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
    {*_UNITS, *_TEENS, *_TENS, *_DECADES, *"hundred hour hours minute minutes year years decade century".split()}
)
Found = tuple[str, str, int, int, int]


def _one_of(*tables: dict[str, int]) -> str:
    return "(?:" + "|".join(word for table in tables for word in sorted(table, key=len, reverse=True)) + ")"


_SMALL = rf"(?:{_one_of(_TENS)}(?:[\s-]{_one_of(_UNITS)})?|{_one_of(_TEENS)}|{_one_of(_UNITS)})"
_WORDS = rf"(?:(?:{_one_of(_UNITS)}|a)\s+hundred(?:\s+(?:and\s+)?{_SMALL})?|{_SMALL})"
_NUMBER = rf"(?:\d+(?:\.\d+)?|{_WORDS})"
_YEAR = (
    rf"(?:(?:19|20)\d\d(?![\d'’]|s\b)|['’]\d\d(?![\w'’])|nineteen[\s-](?:hundred|oh[\s-]{_one_of(_UNITS)}|{_SMALL})"
    rf"|two\s+thousand(?:\s+(?:and\s+)?{_SMALL})?|twenty[\s-](?:{_one_of(_TEENS)}|twenty(?:[\s-]{_one_of(_UNITS)})?))"
)
_DECADE = (
    rf"(?:the\s+)?(?:last\s+century'?s\s+)?(?:(early|mid|late)[\s-]+)?(?:the\s+)?"
    rf"(?:((?:19|20)?\d0)\s?['’]?s\b|['’](\d0)s\b|{'((?:twenty[- ])?' + '|(?:twenty[- ])?'.join(_DECADES) + ')'}\b)"
)
_NO = (
    r"(?:no|not|nothing|none|never|(?:do|does|is|are)n['’]?t(?: \w+)?|avoid)\b"
    r"(?:\s+(?:anything|any|\w+s|a|made|from|be|that's|which is))*"
)
_OLDER = r"(?:older than|earlier than|before|from before|made before|prior to|pre-?|b4|preceding|anything before)"
_NEWER = r"(?:newer than|later than|more recent than|after|from after|made after|post-?)"

_YOUNG = rf"(?:{_NO}\s+(?:\w+\s)?older than|newer than)"  # not "under 10 years old", which is a child

_HOURS = r"(?:hours?|hrs?|h)"
_MINUTES = r"(?:minutes?|mins?|min|m|['’′])"
_REST = {"three quarters": 45, "half": 30, "quarter": 15}  # the longest first, for one ends with another
_PARTS = r"(?:half|quarter|three quarters)"
_LENGTH = (
    rf"(?:(?P<h>{_NUMBER}|an?)(?:\s+and\s+a\s+(?P<half0>half))?[\s-]*{_HOURS}\b(?:\s+and)?(?:\s+(?:a\s+)?(?P<half>{_PARTS}))?"
    rf"(?:\s*(?P<hm>{_NUMBER})(?:[\s-]*{_MINUTES})?\b)?(?:\s+and\s+(?:a\s+)?(?P<half2>half|quarter))?"
    rf"|(?P<ch>\d)h(?P<cm>\d\d)(?:m|min)?\b|(?P<halfhour>half\s+an\s+hour)|(?P<bare>hour\s+and\s+(?:a\s+)?{_PARTS})"
    rf"|(?P<m>{_NUMBER})[\s-]*{_MINUTES}(?![\w])(?:[\s-]*long)?)"
)
DURATION = re.compile(rf"(?<!\w){_LENGTH}", re.IGNORECASE)
_BEYOND = r"(?:more than|longer than|over|above|beyond|past|exceed(?:ing|s)?|(?:goes|going|runs?|running) (?:over|past|beyond))"
_MOST = (
    r"(?:under|less than|shorter than|at (?:the )?(?:very )?most|below|within|inside|max(?:imum)?(?: of)?|up to"
    rf"|fits? (?:in|into)|(?:limit|cap|ceiling)(?: is| of|:)|not (?:a|one|even a) minutes? {_BEYOND}"
    rf"|(?:{_NO}|can(?:not|['’]?t| not)|must(?:n['’]?t| not)|should(?:n['’]?t| not)(?: be)?|won['’]?t)\s*{_BEYOND})"
)
_LEAST = (
    r"(?:over|more than|longer than|at (?:the )?(?:very )?least|above|upwards of|min(?:imum)?(?: of)?"
    rf"|{_NO}\s*(?:less than|shorter than|under|below))"
)
_ABOUT = r"(?:\s+(?:about|around|roughly|like))?"
_MOST_AFTER = (
    r"(?:or (?:less|under|shorter|fewer|below)|max(?:imum)?\b|tops\b|at (?:the )?(?:very )?most|and under|limit\b"
    r"|or so at most|at the outside|(?:is|would be) (?:fine|ok|okay|good|perfect|enough|plenty)"
    r"|(?:is|['’]s) (?:my|the|our|his|her|their) (?:limit|ceiling|cap|max(?:imum)?)"
    r"|and not a minute (?:more|longer)|(?:is|['’]s) (?:all|as long as)\b|or thereabouts at most|cap\b)"
)
_ROUGHLY = r"(?:around|about|roughly|approximately|some|in the region of)"
_ABOUT_MINUTES = 10  # that "about ninety minutes" may be more
_TIGHT = (  # where there is no more time than is named
    r"\b(?:train|flight|bus|ride|nap|lunch|break|drive|journey|commute|window|layover|slot|bedtime"
    r"|(?:has|have|need|needs|must) to (?:fit|end|finish)|(?:over|done|finished) by|before (?:my|the|we|i|bed|he|she))\b"
)
_LEAST_AFTER = r"(?:plus\b|\+|or (?:more|longer|over|above)|and (?:up|over)|at (?:the )?(?:very )?least|minimum\b)"
_BARE_MOST = r"(?<![\w.$£€])(\d{2,3})\s*(?:or (?:less|under|shorter)|max|tops|at (?:the )?most)(?!\w|\s*%)"
_HAVE = (
    r"(?:(?:i|we)(?:['’]ve| have|['’]ve only| only have|['’]m having| am having|['’]re having| are having| got)|there['’]?s)"
    r"(?:\s+(?:only|just|about|exactly|got|roughly|maybe|like))*"
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
        table = next((t for t in (_UNITS, _TEENS, _TENS) if word in t), None)
        if word == "hundred":
            total = max(total, 1) * 100
        elif table:
            total += table[word]
        elif word not in ("and", "a"):
            raise ValueError(f"no number: {text!r}")
    if not total:
        raise ValueError(f"no number: {text!r}")
    return total


def find(text: str) -> Iterator[Found]:
    """Yield (kind, op, value, start, end) of every bound."""
    yield from _years(text)
    yield from _decades(text)
    yield from _minutes(text)
    yield from _ages(text)


def _read(text: str) -> float:
    return float(text) if text[0].isdigit() else number(text)


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
    year = f"({_YEAR})"
    for m in _rule(rf"\b(?:born|married|graduated|met|divorced|moved|retired)\s+(?:\w+\s+){{0,2}}?in\s+{_YEAR}", text):
        yield "", "", 0, m.start(), m.end()  # what happened to somebody bounds nothing
    yield from rule(rf"\b{_NO}\s+(?:\w+\s)?{_OLDER}{the}{year}", "min")
    yield from rule(rf"\b{_NO}\s+(?:\w+\s)?{_NEWER}{the}{year}", "max")
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
        rf"(?<![\d-])\b(?:between\s+|from\s+|in\s+)?({_YEAR})\s*(?:-|–|—|to|and|until|till|through)\s*((?:19|20)?\d\d\b(?!-)|{_YEAR})",
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
    last = rf"\b(?:the\s+)?(?:last|past)\s+({_NUMBER}|couple)\s+(?:or so\s+|of\s+)?years\b"
    for m in _rule(rf"{last}|\b{_YOUNG}\s+({_NUMBER})\s+years(?:\s+old)?\b", text):
        yield "year", "min", date.today().year - round(_read(m[1] or m[2])), m.start(), m.end()
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
        start = 1900 + _DECADES[word.lower().split("-")[-1].split()[-1]]
    else:
        value = int(digits or short)
        start = value if value >= 100 else 1900 + value if value >= 20 else 2000 + value
    first, last = {"early": (0, 4), "mid": (3, 6), "late": (5, 9)}.get((part or "").lower(), (0, 9))
    return start + first, start + last


def _decades(text: str) -> Iterator[Found]:
    for m in _rule(rf"\b{_NO}\s+(?:\w+\s)?{_OLDER}\s*{_DECADE}", text):
        yield "year", "min", _span(m)[0], m.start(), m.end()
    for m in _rule(rf"\b{_NO}\s+(?:\w+\s)?{_NEWER}\s*{_DECADE}", text):
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


def _length(m: re.Match[str]) -> int:
    parts = m.groupdict()
    if parts["m"]:
        return round(_read(parts["m"]))
    if parts["ch"]:
        return int(parts["ch"]) * 60 + int(parts["cm"])
    if parts["halfhour"]:
        return 30
    if parts["bare"]:
        return 60 + next(rest for part, rest in _REST.items() if parts["bare"].lower().endswith(part))
    rest = _REST.get((parts["half0"] or parts["half"] or parts["half2"] or "").lower(), 0)
    return round(_read(parts["h"]) * 60) + rest + (round(_read(parts["hm"])) if parts["hm"] else 0)


def _minutes(text: str) -> Iterator[Found]:
    ends: list[int] = []
    for m in _rule(rf"\b(?:between\s+|from\s+)?(\d{{2,3}})\s*(?:and|to|-|–)\s*{_LENGTH}", text):
        ends.append(m.end())
        yield "minutes", "min", int(m[1]), m.start(), m.end()
        yield "minutes", "max", _length(m), m.start(), m.end()
    for pattern, op in (
        (rf"\b{_MOST}{_ABOUT}\s+{_LENGTH}", "max"),
        (rf"\b{_LEAST}{_ABOUT}\s+{_LENGTH}", "min"),
        (rf"(?<!\w){_LENGTH}(?:\s+then)?,?\s*{_MOST_AFTER}", "max"),
        (rf"(?<!\w){_LENGTH}\s*,?\s*{_LEAST_AFTER}", "min"),
        (rf"\b{_HAVE}\s+{_LENGTH}", "max"),
        (rf"[<≤]=?\s*{_LENGTH}", "max"),
        (rf"\b{_NO}\s*{_LENGTH}\s+long\b", "max"),
        (rf"[>≥]=?\s*{_LENGTH}", "min"),
    ):
        for m in _rule(pattern, text):
            ends.append(m.end())
            yield "minutes", op, _length(m), m.start(), m.end()
    for m in _rule(_BARE_MOST, text):
        if 40 <= int(m[1]) <= 300:  # "105 or less": no other number of a wish is in that range
            ends.append(m.end())
            yield "minutes", "max", int(m[1]), m.start(), m.end()
    for m in () if ends else _rule(rf"\b{_ROUGHLY}\s+{_LENGTH}", text):
        ends.append(m.end())
        yield "minutes", "max", _length(m) + _ABOUT_MINUTES, m.start(), m.end()
    if not ends and re.search(_TIGHT, text, re.IGNORECASE):
        for m in _rule(rf"(?<!\w){_LENGTH}", text):
            ends.append(m.end())
            yield "minutes", "max", _length(m), m.start(), m.end()
    if not ends:
        return
    for words, op in ((_MOST, "max"), (_LEAST, "min")):  # "at least 90 minutes and no more than 120"
        for m in _rule(rf"\b{words}\s+(\d{{2,3}})\b(?!\s*(?:%|years?|hours?|h\b|m(?:in)?))", text):
            yield "minutes", op, int(m[1]), m.start(), m.end()


def _ages(text: str) -> Iterator[Found]:
    for m in _rule(
        rf"\b({_NUMBER})[\s-]*(?:years?|yrs?|yr)[\s-]*olds?\b|\b(?:aged?|ages|turn(?:ed|ing|s)?)\s+({_NUMBER})\b", text
    ):
        age = round(_read(m[1] or m[2]))
        if 0 < age < 18:  # "my mother is 80 years old" sets no bound
            yield "age", "max", age, m.start(), m.end()
    young = r"(?:grand)?(?:sons?|daughters?|kids?|child(?:ren)?|boys?|girls?)|nephews?|nieces?|(?:little|small|wee) ones?|twins"
    are = r"\b(?:he|she|who|they)(?:['’]s| is|['’]re| are)\s+(?:only |just |nearly |almost )?"
    for m in _rule(
        rf"\b(?:{young})(?:\s+(?:is|are)|\s*,|\s*\(|['’]s)?\s*({_NUMBER})(?:\s*(?:and|&|,)\s*({_NUMBER}))?\b(?!\s*(?!and\b|so\b|but\b|who\b)[a-z])"
        rf"|{are}({_NUMBER})(?:\s*(?:and|&)\s*({_NUMBER}))?(?=\s*(?:$|[,.!?;)]|and\b|so\b))",
        text,
    ):
        age = min(round(_read(number)) for number in m.groups() if number)
        if 0 < age < 18:
            yield "age", "max", age, m.start(), m.end()
