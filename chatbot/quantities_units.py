"""Amounts with the units that a domain names: "under $50", "at least 300 pages", 两百块以内, 三斤以上. Pure functions.

An amount is found first, and then what stands around it says what it bounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chatbot import durations_en, durations_zh, numbers_en, numbers_zh
from retrieval.facet import Facet, Unit, plain_number

AROUND = 0.2  # how far "around 50" reaches on either side
NEAR = 60  # characters before and after an amount that are looked at
Amount: TypeAlias = "tuple[str, float, int, int]"  # op, value in the unit of the column, start, end
Pattern: TypeAlias = "re.Pattern[str]"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around an amount in a language. The patterns of what comes before end where the amount begins.

    Attributes:
        number: pattern of a number.
        read: reads it.
        one: what stands for a number before a unit alone: "half a" kilo, 半斤; each with what it is worth.
        owned: says of money that there is no more: "I have 50 dollars".
        before: (what it says, pattern), in the order in which they count; ``first`` is the number of a span.
        after: the same of what follows.
        between: of what may stand between a sign and its number.
    """

    number: str
    read: Callable[[str], float]
    before: tuple[tuple[str, Pattern], ...]
    after: tuple[tuple[str, Pattern], ...]
    between: str
    one: Mapping[str, float]
    owned: Pattern

    def value(self, words: str) -> float:
        """Read a number before a unit.

        Raises:
            ValueError: it is none.
        """
        return self.one[words.lower()] if words.lower() in self.one else self.read(words)


def _compiled(*rules: tuple[str, str]) -> tuple[tuple[str, Pattern], ...]:
    return tuple((what, re.compile(pattern, re.IGNORECASE)) for what, pattern in rules)


def _english() -> Frame:
    least = rf"(?:{durations_en.LEAST}|more expensive than|(?:dearer|heavier|bigger|larger|thicker|faster|higher|greater) than)"
    most = (
        rf"(?:{durations_en.MOST}|(?:cheaper|lighter|smaller|thinner|slower) than|fewer than"
        rf"|{numbers_en.NO}\s*(?:higher|greater|dearer|bigger|heavier) than"
        r"|(?:budget|limit|maximum)(?: is| of|:| would be)?|(?:can|could|want to|would|will|to) (?:only )?(?:spend|pay)"
        r"|(?:can(?:no|['’])?t|don['’]t want to|won['’]t|wouldn['’]t) (?:spend|pay|go) (?:more than|over|above|beyond)"
        r"|spend(?:ing)?)"
    )
    hedge = r"(?:\s+(?:about|around|roughly|like|only|just|maybe|the|a))*\s*"
    first = rf"(?<![\w.])(?P<first>{numbers_en.LARGE})\s*(?:-|–|—|~|to|and|until|or)\s*"
    return Frame(
        numbers_en.LARGE,
        numbers_en.large,
        _compiled(
            ("between", rf"(?:\bbetween\s+|\bfrom\s+)?[$£€¥]?{first}$"),
            ("max", rf"(?<!\w){most}{hedge}$|[<≤]=?\s*$"),
            ("min", rf"(?<!\w){least}{hedge}$|[>≥]=?\s*$"),
            ("around", rf"\b{durations_en.ROUGHLY}\s*$"),
        ),
        _compiled(
            ("max", rf"(?:\s+then)?,?\s*{durations_en.MOST_AFTER}|\s+(?:budget|to spend|or cheaper|or lighter)\b"),
            ("min", rf"\s*,?\s*{durations_en.LEAST_AFTER}|\s+or (?:heavier|bigger|thicker)\b"),
            ("around", r"\s*(?:or so|give or take|-?ish)\b"),
        ),
        r"\s*",
        {"half an": 0.5, "half a": 0.5, "an": 1, "a": 1},
        re.compile(r"\b(?:i|we)(?:['’]ve|(?: only| just)? have)(?: got| only| just| about| roughly)*\s*$", re.IGNORECASE),
    )


def _chinese() -> Frame:
    deny = numbers_zh.DENY
    beyond = "(?:超过?|高于|大于|多于|贵过|重于)"
    most = rf"(?:{durations_zh.MOST}|最[高贵重厚]|(?:不|别|勿)(?:能|要|可|得|想)?(?:再)?{beyond}|预算)"
    least = rf"(?:{durations_zh.LEAST}|最[低轻薄]|(?:不|别)(?:能|要|可|得)?(?:低于|小于|轻于))"
    holds = rf"{durations_zh.HOLDS}(?:[是在为有就给花出付放抽存投锁用等占]|接受|承受)*\s*"
    first = rf"(?<![\d.])(?P<first>{numbers_zh.LARGE})"
    return Frame(
        numbers_zh.LARGE,
        numbers_zh.large,
        _compiled(
            ("between", rf"{first}\s*[^\d\s，,。]{{0,3}}{numbers_zh.TO}$"),
            ("max", rf"{most}{holds}$"),
            ("min", rf"{least}{holds}$"),
        ),
        _compiled(
            ("not min", rf"(?:以上|往上|起){deny}"),
            ("not max", rf"(?:以内|以下|之内|不到){deny}"),
            ("max", rf"{durations_zh.NEAR}?[，,]?\s*(?:最好)?{durations_zh.MOST_AFTER}|预算|的预算"),
            ("min", rf"{durations_zh.NEAR}?[，,]?\s*{durations_zh.LEAST_AFTER}"),
            ("around", durations_zh.NEAR),
        ),
        rf"\s*(?:(?P<mid_max>{most})|(?P<mid_min>{least}))?{holds}",
        {"半": 0.5},
        re.compile(r"(?:手[里头上边]|身上|兜里|卡里|我)(?:现在|目前)?(?:一共|总共)?(?:只|就|才)?(?:有|剩)(?:个)?$|只有$|只剩$"),
    )


FRAMES = {"en": _english(), "zh": _chinese()}
_BARE = r"(?<![A-Za-z\d.,$¥])(?:{number})(?![\w.,%:/-]*[A-Za-z\d%])"
_CURRENCY = re.compile(r"[$£€¥￥＄]|usd|rmb|cny", re.IGNORECASE)
_SPENT = re.compile(r"\b(?:budget|spend(?:ing)?|pay(?:ing)?)\b|预算|花费?", re.IGNORECASE)
_DENIED_ZH = re.compile(rf"{numbers_zh.NOT}$")
_TURNED = {"max": "min", "min": "max"}


@dataclass(frozen=True, slots=True)
class AmountReader:
    """Reads the amounts of one facet.

    Attributes:
        amounts: language -> pattern of an amount with its unit.
        bare: language -> what one without a unit is worth.
        free: whether a bound without a unit is meant of this facet whatever stands beside it.
        money: whether it is also where somebody speaks of what they spend or have ("a budget of 50").
        named: one of its names, before a bound: such a number is of it too ("tempo between 150 and 175").
        worth: unit word -> what one of it is in the unit of the column.
        labels: what the facet is called: such a word before an amount bounds nothing (期限 is no 限).
    """

    amounts: Mapping[str, Pattern]
    bare: Mapping[str, float]
    worth: Mapping[str, float]
    labels: tuple[str, ...]
    free: bool
    money: bool
    named: Pattern

    @classmethod
    def of(cls, facet: Facet) -> AmountReader | None:
        """Return the reader of a facet; None where it has no units."""
        if not facet.units:
            return None
        worth = {w.lower(): unit.worth for unit in facet.units for w in (*unit.before, *unit.en, *unit.zh)}
        bare = {language: 1 / facet.times.get(language, 1) for language in FRAMES}
        amounts = {language: _amount(facet.units, language) for language in FRAMES}
        labels = tuple(word.lower() for word in facet.label.values())
        names = _one_of((*labels, *(word for words in facet.open.values() for word in words)))
        named = re.compile(rf"(?:{names})(?:\s*(?:is|of|at|are|was|是|为|在|:|：))?\s*$", re.IGNORECASE)
        money = any(_CURRENCY.search(sign) for unit in facet.units for sign in unit.before)
        return cls(amounts, bare, worth, labels, facet.bare, money, named)

    def find(self, text: str) -> Iterator[Amount]:
        """Yield (op, value, start, end) of every bound."""
        for language, pattern in self.amounts.items():
            frame = FRAMES[language]
            for match in pattern.finditer(text):
                words = match.groupdict()
                worth = self.worth.get((words["sign"] or words["unit"] or "").strip().lower(), 1.0)
                yield from _bounds(text, match, frame, worth, str(words["n"] or words["m"]), self)
            for amount in _bare(text, frame, self.bare[language], self):
                spent = self.money and _SPENT.search(text[max(0, amount[2] - 1) : amount[3]])
                if self.free or spent or self.named.search(text[: amount[2]]):
                    yield amount


def _bare(text: str, frame: Frame, worth: float, reader: AmountReader) -> Iterator[Amount]:
    """Read numbers without a unit that a word before or behind them makes bounds."""
    for match in re.finditer(_BARE.format(number=frame.number), text, re.IGNORECASE):
        if len(match[0]) < 2 and not match[0].isdigit():  # 一起, not 一块起
            continue
        yield from _bounds(text, match, frame, worth, match[0], reader, alone=True)


def _one_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(dict.fromkeys(words), key=len, reverse=True)) or "(?!)"


def _amount(units: Sequence[Unit], language: str) -> Pattern:
    """An amount: a sign before the number, or a unit behind it."""
    frame = FRAMES[language]
    sign = _one_of(word for unit in units for word in unit.before)
    unit = _one_of(word for unit in units for word in getattr(unit, language))
    tail = _one_of(word for unit in units for word in (*unit.tail, *getattr(unit, language)))
    start, edge, gap = (r"(?<![\w.])", r"(?!\w)", r"[\s-]*") if language == "en" else (r"(?<![\d.])", "", r"\s*")
    number = rf"(?:{frame.number}|{_one_of(frame.one)})"
    signed = rf"(?P<sign>{sign}){frame.between}(?P<n>{frame.number})(?:{gap}(?:{tail}){edge})?"
    return re.compile(rf"{signed}|{start}(?P<m>{number}){gap}(?P<unit>{unit}){edge}", re.IGNORECASE)


def _bounds(
    text: str,
    match: re.Match[str],
    frame: Frame,
    worth: float,
    number: str,
    reader: AmountReader,
    *,
    alone: bool = False,
) -> Iterator[Amount]:
    """Yield what the words around an amount make of it; ``alone``: it has no unit, and "about" would make it nothing."""
    try:
        value = frame.value(number)
    except (ValueError, KeyError):
        return
    head, rest = text[max(0, match.start() - NEAR) : match.start()], text[match.end() : match.end() + NEAR]
    named = next((label for label in reader.labels if head.rstrip().lower().endswith(label)), "")
    head = head.rstrip()[: -len(named)] + " " * len(named) if named else head
    start, end = match.span()
    inside = match.groupdict()
    said = "max" if inside.get("mid_max") else "min" if inside.get("mid_min") else ""
    owned = [("max", frame.owned)] if reader.money and not alone else []
    said_before = ((what, m) for what, pattern in (*frame.before, *owned) if (m := pattern.search(head)))
    if not said and (before := next(said_before, None)):
        said, start = before[0], match.start() - len(head) + before[1].start()
        if said == "between":
            value, low = _span(frame, before[1]["first"], value)
            yield "min", plain_number(low * worth), start, end
            yield "max", plain_number(value * worth), start, end
            return
    for what, pattern in frame.after:
        if found := pattern.match(rest):
            end += found.end()
            said = said or what
            break
    if said.startswith("not "):
        said = _TURNED[said.removeprefix("not ")]
    elif said in _TURNED and (denied := _DENIED_ZH.search(text[:start])):  # 不要三百页以上的
        said, start = _TURNED[said], denied.start()
    if said == "around" and not alone:
        yield "min", plain_number(value * (1 - AROUND) * worth), start, end
        yield "max", plain_number(value * (1 + AROUND) * worth), start, end
    elif said in _TURNED:
        yield said, plain_number(value * worth), start, end


def _span(frame: Frame, first: str, last: float) -> tuple[float, float]:
    """The higher and the lower end of a span."""
    try:
        low = frame.read(first)
    except (ValueError, KeyError):
        low = last
    return max(low, last), min(low, last)
