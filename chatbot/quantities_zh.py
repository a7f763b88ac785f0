"""Years and decades in Chinese, and in digits beside Chinese words; with them durations and ages. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from chatbot import durations_zh
from chatbot.numbers_zh import DENY, DIGITS, NEVER, NOT, NUM, TO, Found, compiled, found, number, read

_ZERO = "[零〇○O0]"
_FULL = r"(?:(?:19|20)\d\d|一九[一二三四五六七八九零〇○]{2}|二[零〇○][一二三四五六七八九零〇○]{2})"  # 1994, 一九九四
_AGO = r"年(?:以|之)?[前后没了过来多]"  # 七八年前 are seven or eight years
_SHORT = (
    rf"(?:[4-9]\d|{_ZERO}\d|(?!(?:四五|五六|六七|七八|八九){_AGO})[四五六七八九零〇○][零〇○一二三四五六七八九]"
    rf"|一[零〇三四五六七八九](?=年(?!{_AGO[1:]})))"  # 94年, 零三年, 一七年
)
_YEAR = rf"(?<!\d)(?:{_FULL}(?!\d)\s*年?|{_SHORT}年)(?!代|级|龄)"

_ANY = rf"(?:(?<!\d)1[5-8]\d\d(?!\d)\s*年?(?!代|级|龄)|{_YEAR})"  # an earlier one bounds, but does not date by itself
_CENTURY = r"(?:上个?世纪|(?:二十|20)世纪|本世纪)?(?:的)?"
_TEN = r"(?:(?:19|20)?\d0|[一二三四五六七八九]十|[五六七八九][零〇○]|[零〇○]{2}|两千|一零|二零|00)"
_PART = r"(?:早期|初期|前期|前半|初|中期|中叶|中|晚期|末期|后期|后半|末尾|末)"
_DECADE = rf"(?<!\d){_CENTURY}{_TEN}(?:年代)"
_PARTS = {"早": (0, 4), "初": (0, 4), "前": (0, 4), "中": (3, 6), "晚": (5, 9), "末": (5, 9), "后": (5, 9)}

_BEFORE = r"(?:以前|之前|前(?!后))"
_AFTER = r"(?:以后|之后|后(?!半|期))"
_SINCE = r"(?:以来|至今|到现在|到今天|往后|开始|起|及以后|及之后|或以后|和以后|(?:或|和)?更(?:晚|新))"


def find(text: str) -> Iterator[Found]:
    """Yield (kind, op, value, start, end) of every bound."""
    text = compiled(r"[（(]包?含[^）)]{0,4}[）)]").sub(lambda m: " " * len(m[0]), text)
    yield from _years(text)
    yield from _relative_years(text)
    yield from _decades(text)
    yield from durations_zh.find(text)


# -- years ------------------------------------------------------------------------------------------------------------


def _year(text: str) -> int:
    digits = re.sub(r"[零〇○O]", "0", text.strip().removesuffix("年").strip())
    value = int("".join(c if c.isdigit() and c.isascii() else str(DIGITS[c]) for c in digits))
    return value if value >= 100 else 1900 + value if value >= 40 else 2000 + value


def _years(text: str) -> Iterator[Found]:
    def rule(pattern: str, op: str, change: int = 0) -> Iterator[Found]:
        for m in found(pattern, text):
            yield "year", op, _year(next(g for g in m.groups() if g)) + change, m.start(), m.end()

    for m in found(rf"{_YEAR}\s*(?:[^，,。]{{0,4}}(?:出生|生人)|生的|结婚|毕业)", text):
        yield "", "", 0, m.start(), m.end()  # what happened to somebody bounds nothing
    year = f"({_ANY})"
    yield from rule(rf"{NEVER}[早老]于\s*{year}|{NOT}[比早]?于?\s*{year}\s*年?{_BEFORE}的?|{year}\s*{_BEFORE}{DENY}", "min")
    yield from rule(rf"(?:{NOT}|{NEVER})比\s*{year}(?:还|更)?(?:早|老|旧)?的?|比\s*{year}(?:还|更)?[早老旧]{DENY}", "min")
    yield from rule(rf"{NEVER}晚于\s*{year}|最(?:晚|迟|新)(?:到)?\s*{year}|(?:截止?|截至)(?:到)?\s*{year}(?:为止)?", "max")
    yield from rule(rf"到\s*{year}\s*为止|{year}\s*(?:及|或|和)(?:其|者)?(?:以前|之前|更早)|不超过\s*{year}", "max")
    yield from rule(rf"{NOT}(?:比|晚于)\s*{year}(?:还|更)?(?:晚|新)?的?", "max")
    yield from rule(rf"{NOT}{year}\s*{_AFTER}的?|{year}\s*{_AFTER}{DENY}", "max", -1)
    yield from rule(rf"最早(?:到|是)?\s*{year}", "min")
    yield from rule(rf"(?:自|从|打)?\s*{year}\s*{_SINCE}", "min")
    yield from rule(rf"{year}\s*{_AFTER}", "min")
    yield from rule(rf"(?<![不别能许得要])晚于\s*{year}|(?<!不)比\s*{year}(?:还|更|要|再)?(?:新|晚|近)", "min", 1)
    yield from rule(rf"{year}\s*{_BEFORE}|(?<![不别能许得要])早于\s*{year}|比\s*{year}(?:还|更|要|再)?(?:老|早|旧)", "max", -1)
    last = rf"({_YEAR}|{_SHORT}(?![\d-]|年代)年?|(?:1\d|2[0-6]|[一二][零〇一二三四五六七八九])年)(?![个点岁分])"
    for m in found(rf"(?<![\d-])(?:从)?({_YEAR}|(?<!\d){_SHORT}){TO}{last}(?:之间|这?期间|间)?", text):
        if not (compiled(_FULL).search(m[0]) or m[2].endswith("年") or (_year(m[1]) < _year(m[2]) and m[2][0] in DIGITS)):
            continue  # 90到95 are no years by themselves, 九五到九九 are
        first, last = sorted((_year(m[1]), _year(m[2])))
        yield "year", "min", first, m.start(), m.end()
        yield "year", "max", last, m.start(), m.end()
    for m in found(rf"(?<!\d)({_FULL}\s*年|{_SHORT}年)(?:前后|左右|上下)", text):
        yield "year", "min", _year(m[1]) - 2, m.start(), m.end()
        yield "year", "max", _year(m[1]) + 2, m.start(), m.end()
    for m in found(
        rf"(?<![\d/.-])({_FULL}(?:\s*年|(?=的|版|拍|上映|出|那一?年))|{_SHORT}年)(?:的|拍的|上映的|出的)?(?!代|级|龄|[以之后前到至-])",
        text,
    ):
        yield "year", "min", _year(m[1]), m.start(), m.end()
        yield "year", "max", _year(m[1]), m.start(), m.end()


def _relative_years(text: str) -> Iterator[Found]:
    now = date.today().year
    for m in found(rf"(?:最近|近|这|过去|前)(?:的)?({NUM}|二十来|十来|十几|二十几)\s*年(?:来|里|间|内)?(?!代|级|前)", text):
        if m[0].startswith(("前", "这")) and not m[0].endswith(("来", "里", "间", "内")):
            continue
        yield "year", "min", now - _count(m[1]), m.start(), m.end()
    for m in found(rf"(?<![\d一两二三四五六七八九十百零〇])({NUM}|二十来|十来|十几|二十几|几十)\s*多?年(?:以|之)?前的", text):
        if 5 <= (years := _count(m[1])) <= 100:
            yield "year", "max", now - years, m.start(), m.end()
    for m in found(rf"({NUM})\s*年[以之]?内(?![容地])|(?:上映|拍|出)[^，,。]{{0,3}}[不没未][满到足]({NUM})年", text):
        yield "year", "min", now - _count(m[1] or m[2]), m.start(), m.end()
    for m in found(r"(?:本世纪|21世纪|二十一世纪|新世纪)(?:初|的?(?:头|前|第一个)(?:十|10)年)", text):
        yield "year", "min", 2000, m.start(), m.end()
        yield "year", "max", 2009, m.start(), m.end()
    for word, back in (("今年", 0), ("去年", 1), ("前年", 2)):
        for m in found(rf"{word}(?:新?出|上映|新|拍)?的(?!时候|事|我)|{word}(?:上映|新?出|新片)", text):
            yield "year", "min", now - back, m.start(), m.end()
            yield "year", "max", now - back, m.start(), m.end()
    world = r"(?:本世纪|这个?世纪|二十一世纪|21世纪|新世纪|千禧年?)(?:以来|以后|之后|后|的)"
    for start, since in ((2020, r"疫情(?:之|以)?后(?:的|上映|拍|出)"), (2000, world)):
        for m in found(since, text):
            yield "year", "min", start, m.start(), m.end()
    for m in found(r"(?:上个?世纪|二十世纪|20世纪)(?:的|拍|出|以前)(?!\d|[一二三四五六七八九十])", text):
        yield "year", "max", 1999, m.start(), m.end()


def _count(text: str) -> int:
    known = {"十来": 10, "十几": 10, "二十来": 20, "二十几": 20, "几十": 30}
    return known[text] if text in known else round(read(text))


# -- decades ----------------------------------------------------------------------------------------------------------


def _decade(text: str) -> int:
    digits = re.sub(rf"^{_CENTURY}", "", text).removesuffix("年代").removesuffix("年")
    late = text.startswith("本世纪")
    if digits in ("零零", "〇〇", "○○", "两千", "00", "零", "〇", "0"):
        return 2000
    if digits in ("一零", "二零"):
        return 2010 if digits == "一零" else 2020
    value = int(digits) if digits.isascii() else int(number(digits))
    return value if value >= 100 else 2000 + value if late or (value < 20 and "世纪" not in text) else 1900 + value


def _decades(text: str) -> Iterator[Found]:
    part = rf"(?P<part>{_PART})?"
    for pattern in (
        rf"(?P<no>{NOT})?(?:从|自)?(?P<d>{_DECADE}){part}(?P<side>{_BEFORE}|{_AFTER}|{_SINCE})?(?P<deny>{DENY})?(?:的)?",
        rf"(?P<no>{NOT})?(?P<d>(?<![\dA-Za-z])(?:19|20)?\d0)['’]?s(?![A-Za-z])(?P<part>)(?P<side>{_BEFORE}|{_AFTER}|{_SINCE})?(?P<deny>{DENY})?(?:的)?",
    ):
        for m in found(pattern, text):
            yield from _side(m)
    for m in found(rf"(?P<no>{NOT})?(?:比|早于)(?P<d>{_DECADE})(?:还|更|要|再)?(?:老|早|旧)?", text):
        if m[0].endswith(("老", "早", "旧")) or "早于" in m[0]:
            start = _decade(m["d"])
            yield "year", "min" if m["no"] else "max", start if m["no"] else start - 1, m.start(), m.end()
    for m in found(rf"(?:比|晚于)({_DECADE})(?:还|更|要|再)?(?:新|晚|近)", text):
        yield "year", "min", _decade(m[1]) + 10, m.start(), m.end()
    link = r"(?:年代)?\s*(?:-|–|—|~|～|到|至|和|与|跟|、|或者?|或是)\s*"
    ten = rf"(?<!\d)({_CENTURY}(?:(?:19|20)?\d0|[一二三四五六七八九]十|[零〇○]{{2}})){link}({_CENTURY}{_TEN})"
    near = rf"({_CENTURY}[二三四五六七八九])()([二三四五六七八九]十)"  # 七八十年代
    both = r"(?<![\d一二三四五六七八九十])([五六七八九5-9])几年?(?:代|的)?[、或和跟到,，]?()([五六七八九5-9])几年(?:代|的)?"
    for m in found(rf"(?:(?:{ten}|{near})年代|{both})(?P<part>{_PART})?", text):
        first, last = sorted((_decade(_tens(m[1] or m[3] or m[6])), _decade(_tens(m[2] or m[5] or m[8]))))
        yield "year", "min", first, m.start(), m.end()
        yield "year", "max", last + _PARTS.get((m["part"] or " ")[0], (0, 9))[1], m.start(), m.end()
    for m in found(
        rf"(?<![\d一二三四五六七八九十两数好第])({_CENTURY}(?:[零〇○0一1二2五六七八九5-9]))几年(?:的|拍|出|上映|代)?", text
    ):
        digit = m[1][-1]
        han = "零一二三四五六七八九"[int(digit)] if digit.isascii() else digit
        start = 2000 if han in "零〇○" else _decade(_tens(han))
        if digit in "一1二2" and not m[0].endswith(("的", "拍", "出", "上映", "代")):
            continue  # 一几年
        start = {"一": 2010, "1": 2010, "二": 2020, "2": 2020}.get(digit, start)
        yield "year", "min", start, m.start(), m.end()
        yield "year", "max", start + 9, m.start(), m.end()


def _tens(text: str) -> str:
    """Complete the first of two decades that share a word: 七八十年代."""
    return text if not text or not DIGITS.get(text[-1]) or text[-1] == "十" else text + "十"


def _side(m: re.Match[str]) -> Iterator[Found]:
    """Bounds of a decade, of a part of it, or of what lies before or after it."""
    start = _decade(m["d"])
    first, last = _PARTS.get((m["part"] or " ")[0], (0, 9))
    side = m["side"] or ""
    if m["no"] or m["deny"]:
        if compiled(_BEFORE).fullmatch(side):
            yield "year", "min", start, m.start(), m.end()
        elif side:
            yield "year", "max", start - 1, m.start(), m.end()
        else:
            yield "", "", 0, m.start(), m.end()  # a decade in between cannot be left out
    elif compiled(_BEFORE).fullmatch(side):
        yield "year", "max", start + (last if m["part"] else -1), m.start(), m.end()
    else:
        yield "year", "min", start + first, m.start(), m.end()
        if not side:
            yield "year", "max", start + last, m.start(), m.end()
