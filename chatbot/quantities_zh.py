"""Years, durations and ages in Chinese, and in digits beside Chinese words. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache

_DIGITS = {c: n for n, c in enumerate("一二三四五六七八九十", 1)} | {"两": 2, "俩": 2, "仨": 3, "零": 0, "〇": 0}
_DIGIT = "[一两俩仨二三四五六七八九]"
_TENS = f"(?:{_DIGIT}?十{_DIGIT}?|{_DIGIT})"
_NUMBER = f"(?:{_DIGIT}?百(?:零?{_TENS})?|{_TENS})"
_NUM = rf"(?:\d+(?:\.\d+)?|{_NUMBER})"

_ZERO = "[零〇○O0]"
_FULL = r"(?:(?:19|20)\d\d|一九[一二三四五六七八九零〇○]{2}|二[零〇○][一二三四五六七八九零〇○]{2})"  # 1994, 一九九四
_AGO = r"年(?:以|之)?[前后没了过来多]"  # 七八年前 are seven or eight years
_SHORT = (
    rf"(?:[4-9]\d|{_ZERO}\d|(?!(?:四五|五六|六七|七八|八九){_AGO})[四五六七八九零〇○][零〇○一二三四五六七八九]"
    rf"|一[零〇三四五六七八九](?=年(?!{_AGO[1:]})))"  # 94年, 零三年, 一七年
)
_YEAR = rf"(?<!\d)(?:{_FULL}(?!\d)\s*年?|{_SHORT}年)(?!代|级|龄)"

_CENTURY = r"(?:上个?世纪|(?:二十|20)世纪|本世纪)?(?:的)?"
_TEN = r"(?:(?:19|20)?\d0|[一二三四五六七八九]十|[五六七八九][零〇○]|[零〇○]{2}|两千|一零|二零|00)"
_PART = r"(?:早期|初期|前期|前半|初|中期|中叶|中|晚期|末期|后期|后半|末尾|末)"
_DECADE = rf"(?<!\d){_CENTURY}{_TEN}(?:年代)"
_PARTS = {"早": (0, 4), "初": (0, 4), "前": (0, 4), "中": (3, 6), "晚": (5, 9), "末": (5, 9), "后": (5, 9)}

_NOT = r"(?:[也更]?(?:不要|不想看?|不看|[别甭]给?我?|别要|除了|排除|去掉|讨厌|拒绝|不喜欢)太?\s*[看推放选来弄整搞挑找]?荐?)"
_NEVER = r"(?:不|别|勿|莫|甭)(?:能|要|可|得|该|许|准)?(?:再)?"
_DENY = (  # what stands after it: "2000年以前的一律不要"
    r"的?老?片?子?的?(?:那?种|我|就|都|一律|一概|统统|通通|全部?|可|也|还是|请|绝对|坚决|真|实在|再?给我)*"
    r"(?:不(?:要|看|想看?|考虑|行|可以|收|碰|予考虑)|免了?|免谈|算了|pass|除外|排除|跳过|滚|拿走|刨掉|去掉|(?:受|吃|顶|扛|坐|熬)不(?:了|消|住)"
    r"|看不(?:动|下去|完|进去)|别(?:来|推荐?|给|放|要|看|选)?)(?:了|吧|啊|哈|哦|啦|哈)*(?=\s*(?:$|[，,。！？!?；;、]))"
)
_BEFORE = r"(?:以前|之前|前(?!后))"
_AFTER = r"(?:以后|之后|后(?!半|期))"
_SINCE = r"(?:以来|至今|到现在|到今天|往后|开始|起|及以后|及之后|或以后|和以后|(?:或|和)?更(?:晚|新))"
_TO = r"\s*(?:-|–|—|~|～|到|至|和|与|跟|、)\s*"

_HALF = "半"
_LENGTH = (
    rf"(?:(?P<h>{_NUM})\s*(?:个(?:(?P<half0>半)|[多来])?)?\s*(?P<half1>半)?\s*(?:小时|钟头|(?<=个)钟(?!声|表)|h(?:ours?|rs?)?(?![a-z]))(?:多(?:一?点)?)?"
    rf"(?:\s*(?:(?P<half>半)|零?(?P<hm>{_NUM})\s*(?:分钟?|m(?:in)?)?(?!\s*(?:部|个|点|条|小时))|(?P<quarter>[一三])刻钟?))?"
    rf"|(?P<halfhour>(?<!个)半个?(?:小时|钟头))|(?P<onehalf>个半(?:小时|钟头?))|(?P<m>{_NUM})\s*(?:来|多)?(?:分钟|min(?:ute)?s?(?![a-z])|分(?![的之数享别类手配析明]))"
    rf"|(?P<q>[一二两三])刻钟)"
)
DURATION = re.compile(_LENGTH, re.IGNORECASE)
_HOLDS = r"(?:时间|时长|片长|长度|总共|都|大概|大约|差不多|能|给|在|到|为|要|得|是|了|也|就|只|有|来|个)*?\s*"
_MOST = (
    r"(?:(?:不|别|勿|没|莫|甭)(?:能|要|得|可|许|准|该)?(?:再)?(?:超过?|多于|长于|大于|高于|过)"
    r"|(?<![不别])(?:少于|短于|小于|低于|不到|不足|不满)"
    r"|最多|顶多|至多|最长|最大|上限|控制|限制|压缩?|缩短|缩|放宽|限|撑死|充其量|满打满算|顶天了?|顶破天|[卡压]在)"
)
_LEAST = (
    r"(?:至少|起码|最少|最短|(?<![不别])(?<!不[能要得可许准该])(?:超过|多于|长于|大于|高于)|不(?:能|要|得|可|许)?(?:少于|短于|小于|低于|下)|下限"
    r"|少说|好歹|怎么(?:也|着|说)|再(?:短|少)也|保底|别(?:少于|短于|低于|不到))"
)
_MOST_AFTER = (
    r"(?:以内|之内|以下|之下|内(?![容地])|不到|不超过|不能超|"
    r"打住|封顶|[为是](?:限|上限|极限)|顶天|顶多|(?:就)?(?:足够|够了?|足矣)(?!长)|就(?:行|好|成)|"
    r"[^，,。]{0,5}[，,]?[^，,。]{0,4}?(?:不能|不许|不得|不要|不准|别|甭|莫|勿)再?超(?!过?\s*[\d一两俩三四五六七八九十半])过?(?:这个?|了|它)?|"
    r"内?(?:就|能|要|得|可以|必须|给我|刚好|正好)*(?:搞定|看[得能]?完(?!了|过)|结束|完事|解决|拿下|放完|播完|收工|了事)|"
    r"(?:往|朝)下|不能再[多长久]|最多了|(?:或|或者|或是)?(?:更短|以内))"
)
_LEAST_AFTER = r"(?:以上|之上|起步|起|打底|垫底|保底|(?:往|朝)上|开外|(?:或|或者)?更[长久]|才(?:够|过瘾|行))"
_EDGE = r"(?:^|(?<=[，,。！？!?；;\s]))"
_HAVE = (
    r"(?:(?:我|我们|咱们?|今晚|晚上|时间)(?:们)?(?:大概|差不多|总共|一共)?只?(?:就|剩)?有|"
    r"只有|只剩(?:下)?|就剩|只够|就只有|只能看)(?:大概|差不多|不到)?"
)
_NEAR = "(?:左右|上下|前后|光景|的样子)"
_ABOUT = rf"(?:{_NEAR}|的时间|时间)?"

Found = tuple[str, str, int, int, int]


def number(text: str) -> float:
    """Read a number in Chinese words, up to 999.

    Raises:
        ValueError: it is none.
    """
    if not text or any(c not in _DIGITS and c != "百" for c in text):
        raise ValueError(f"no number: {text!r}")
    if "百" in text:
        hundreds, _, rest = text.partition("百")
        tail = number(rest.lstrip("零")) if rest.strip("零") else 0
        short = len(rest) == 1 and rest in _DIGITS and rest != "十"  # 一百二 is 120, 一百零二 102
        return (_DIGITS[hundreds] if hundreds else 1) * 100 + (10 * tail if short else tail)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
    return _DIGITS[text] if text in _DIGITS else float("".join(str(_DIGITS[c]) for c in text))


def find(text: str) -> Iterator[Found]:
    """Yield (kind, op, value, start, end) of every bound."""
    text = _compiled(r"[（(]包?含[^）)]{0,4}[）)]").sub(lambda m: " " * len(m[0]), text)
    yield from _years(text)
    yield from _relative_years(text)
    yield from _decades(text)
    yield from _minutes(text)
    yield from _ages(text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _found(pattern: str, text: str) -> Iterator[re.Match[str]]:
    return _compiled(pattern).finditer(text)


def _read(text: str) -> float:
    return float(text) if text[0].isdigit() else number(text)


# -- years ------------------------------------------------------------------------------------------------------------


def _year(text: str) -> int:
    digits = re.sub(r"[零〇○O]", "0", text.strip().removesuffix("年").strip())
    value = int("".join(c if c.isdigit() and c.isascii() else str(_DIGITS[c]) for c in digits))
    return value if value >= 100 else 1900 + value if value >= 40 else 2000 + value


def _years(text: str) -> Iterator[Found]:
    def rule(pattern: str, op: str, change: int = 0) -> Iterator[Found]:
        for m in _found(pattern, text):
            yield "year", op, _year(next(g for g in m.groups() if g)) + change, m.start(), m.end()

    for m in _found(rf"{_YEAR}\s*(?:[^，,。]{{0,4}}(?:出生|生人)|生的|结婚|毕业)", text):
        yield "", "", 0, m.start(), m.end()  # what happened to somebody bounds nothing
    year = f"({_YEAR})"
    yield from rule(rf"{_NEVER}[早老]于\s*{year}|{_NOT}[比早]?于?\s*{year}\s*年?{_BEFORE}的?|{year}\s*{_BEFORE}{_DENY}", "min")
    yield from rule(rf"(?:{_NOT}|{_NEVER})比\s*{year}(?:还|更)?(?:早|老|旧)?的?|比\s*{year}(?:还|更)?[早老旧]{_DENY}", "min")
    yield from rule(rf"{_NEVER}晚于\s*{year}|最(?:晚|迟|新)(?:到)?\s*{year}|(?:截止?|截至)(?:到)?\s*{year}(?:为止)?", "max")
    yield from rule(rf"到\s*{year}\s*为止|{year}\s*(?:及|或|和)(?:其|者)?(?:以前|之前|更早)|不超过\s*{year}", "max")
    yield from rule(rf"{_NOT}(?:比|晚于)\s*{year}(?:还|更)?(?:晚|新)?的?", "max")
    yield from rule(rf"{_NOT}{year}\s*{_AFTER}的?|{year}\s*{_AFTER}{_DENY}", "max", -1)
    yield from rule(rf"最早(?:到|是)?\s*{year}", "min")
    yield from rule(rf"(?:自|从|打)?\s*{year}\s*{_SINCE}", "min")
    yield from rule(rf"{year}\s*{_AFTER}", "min")
    yield from rule(rf"(?<![不别能许得要])晚于\s*{year}|(?<!不)比\s*{year}(?:还|更|要|再)?(?:新|晚|近)", "min", 1)
    yield from rule(rf"{year}\s*{_BEFORE}|(?<![不别能许得要])早于\s*{year}|比\s*{year}(?:还|更|要|再)?(?:老|早|旧)", "max", -1)
    last = rf"({_YEAR}|{_SHORT}(?![\d-]|年代)年?|(?:1\d|2[0-6]|[一二][零〇一二三四五六七八九])年)(?![个点岁分])"
    for m in _found(rf"(?<![\d-])(?:从)?({_YEAR}|(?<!\d){_SHORT}){_TO}{last}(?:之间|这?期间|间)?", text):
        if not (_compiled(_FULL).search(m[0]) or m[2].endswith("年") or (_year(m[1]) < _year(m[2]) and m[2][0] in _DIGITS)):
            continue  # 90到95 are no years by themselves, 九五到九九 are
        first, last = sorted((_year(m[1]), _year(m[2])))
        yield "year", "min", first, m.start(), m.end()
        yield "year", "max", last, m.start(), m.end()
    for m in _found(rf"(?<!\d)({_FULL}\s*年|{_SHORT}年)(?:前后|左右|上下)", text):
        yield "year", "min", _year(m[1]) - 2, m.start(), m.end()
        yield "year", "max", _year(m[1]) + 2, m.start(), m.end()
    for m in _found(
        rf"(?<![\d/.-])({_FULL}(?:\s*年|(?=的|版|拍|上映|出|那一?年))|{_SHORT}年)(?:的|拍的|上映的|出的)?(?!代|级|龄|[以之后前到至-])",
        text,
    ):
        yield "year", "min", _year(m[1]), m.start(), m.end()
        yield "year", "max", _year(m[1]), m.start(), m.end()


def _relative_years(text: str) -> Iterator[Found]:
    now = date.today().year
    for m in _found(rf"(?:最近|近|这|过去|前)(?:的)?({_NUM}|二十来|十来|十几|二十几)\s*年(?:来|里|间|内)?(?!代|级|前)", text):
        if m[0].startswith(("前", "这")) and not m[0].endswith(("来", "里", "间", "内")):
            continue
        yield "year", "min", now - _count(m[1]), m.start(), m.end()
    for m in _found(rf"(?<![\d一两二三四五六七八九十百零〇])({_NUM}|二十来|十来|十几|二十几|几十)\s*多?年(?:以|之)?前的", text):
        if 5 <= (years := _count(m[1])) <= 100:
            yield "year", "max", now - years, m.start(), m.end()
    for m in _found(rf"({_NUM})\s*年[以之]?内(?![容地])|(?:上映|拍|出)[^，,。]{{0,3}}[不没未][满到足]({_NUM})年", text):
        yield "year", "min", now - _count(m[1] or m[2]), m.start(), m.end()
    for m in _found(r"(?:本世纪|21世纪|二十一世纪|新世纪)(?:初|的?(?:头|前|第一个)(?:十|10)年)", text):
        yield "year", "min", 2000, m.start(), m.end()
        yield "year", "max", 2009, m.start(), m.end()
    for word, back in (("今年", 0), ("去年", 1), ("前年", 2)):
        for m in _found(rf"{word}(?:新?出|上映|新|拍)?的(?!时候|事|我)|{word}(?:上映|新?出|新片)", text):
            yield "year", "min", now - back, m.start(), m.end()
            yield "year", "max", now - back, m.start(), m.end()
    world = r"(?:本世纪|这个?世纪|二十一世纪|21世纪|新世纪|千禧年?)(?:以来|以后|之后|后|的)"
    for start, since in ((2020, r"疫情(?:之|以)?后(?:的|上映|拍|出)"), (2000, world)):
        for m in _found(since, text):
            yield "year", "min", start, m.start(), m.end()
    for m in _found(r"(?:上个?世纪|二十世纪|20世纪)(?:的|拍|出|以前)(?!\d|[一二三四五六七八九十])", text):
        yield "year", "max", 1999, m.start(), m.end()


def _count(text: str) -> int:
    known = {"十来": 10, "十几": 10, "二十来": 20, "二十几": 20, "几十": 30}
    return known[text] if text in known else round(_read(text))


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
        rf"(?P<no>{_NOT})?(?:从|自)?(?P<d>{_DECADE}){part}(?P<side>{_BEFORE}|{_AFTER}|{_SINCE})?(?P<deny>{_DENY})?(?:的)?",
        rf"(?P<no>{_NOT})?(?P<d>(?<![\dA-Za-z])(?:19|20)?\d0)['’]?s(?![A-Za-z])(?P<part>)(?P<side>{_BEFORE}|{_AFTER}|{_SINCE})?(?P<deny>{_DENY})?(?:的)?",
    ):
        for m in _found(pattern, text):
            yield from _side(m)
    for m in _found(rf"(?P<no>{_NOT})?(?:比|早于)(?P<d>{_DECADE})(?:还|更|要|再)?(?:老|早|旧)?", text):
        if m[0].endswith(("老", "早", "旧")) or "早于" in m[0]:
            start = _decade(m["d"])
            yield "year", "min" if m["no"] else "max", start if m["no"] else start - 1, m.start(), m.end()
    for m in _found(rf"(?:比|晚于)({_DECADE})(?:还|更|要|再)?(?:新|晚|近)", text):
        yield "year", "min", _decade(m[1]) + 10, m.start(), m.end()
    link = r"(?:年代)?\s*(?:-|–|—|~|～|到|至|和|与|跟|、|或者?|或是)\s*"
    ten = rf"(?<!\d)({_CENTURY}(?:(?:19|20)?\d0|[一二三四五六七八九]十|[零〇○]{{2}})){link}({_CENTURY}{_TEN})"
    near = rf"({_CENTURY}[二三四五六七八九])()([二三四五六七八九]十)"  # 七八十年代
    both = r"(?<![\d一二三四五六七八九十])([五六七八九5-9])几年?(?:代|的)?[、或和跟到,，]?()([五六七八九5-9])几年(?:代|的)?"
    for m in _found(rf"(?:(?:{ten}|{near})年代|{both})(?P<part>{_PART})?", text):
        first, last = sorted((_decade(_tens(m[1] or m[3] or m[6])), _decade(_tens(m[2] or m[5] or m[8]))))
        yield "year", "min", first, m.start(), m.end()
        yield "year", "max", last + _PARTS.get((m["part"] or " ")[0], (0, 9))[1], m.start(), m.end()
    for m in _found(
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
    return text if not text or not _DIGITS.get(text[-1]) or text[-1] == "十" else text + "十"


def _side(m: re.Match[str]) -> Iterator[Found]:
    """Bounds of a decade, of a part of it, or of what lies before or after it."""
    start = _decade(m["d"])
    first, last = _PARTS.get((m["part"] or " ")[0], (0, 9))
    side = m["side"] or ""
    if m["no"] or m["deny"]:
        if _compiled(_BEFORE).fullmatch(side):
            yield "year", "min", start, m.start(), m.end()
        elif side:
            yield "year", "max", start - 1, m.start(), m.end()
        else:
            yield "", "", 0, m.start(), m.end()  # a decade in between cannot be left out
    elif _compiled(_BEFORE).fullmatch(side):
        yield "year", "max", start + (last if m["part"] else -1), m.start(), m.end()
    else:
        yield "year", "min", start + first, m.start(), m.end()
        if not side:
            yield "year", "max", start + last, m.start(), m.end()


# -- lengths and ages -------------------------------------------------------------------------------------------------


def _length(m: re.Match[str]) -> int:
    parts = m.groupdict()
    if parts["m"]:
        return round(_read(parts["m"]))
    if parts["halfhour"] or parts["onehalf"]:
        return 30 if parts["halfhour"] else 90
    if parts["q"]:
        return round(number(parts["q"])) * 15
    rest = round(_read(parts["hm"])) if parts["hm"] else 15 * round(number(parts["quarter"])) if parts["quarter"] else 0
    return round(_read(parts["h"]) * 60) + rest + 30 * bool(parts["half0"] or parts["half1"] or parts["half"])


def _minutes(text: str) -> Iterator[Found]:
    for words, op in ((_MOST, "max"), (_LEAST, "min")):
        for m in _found(rf"(?:片长|时长|长度)[^，,。]{{0,3}}?{words}{_HOLDS}(\d{{2,3}})(?![\d年岁部个分小])", text):
            yield "minutes", op, int(m[1]), m.start(), m.end()
    length = rf"(?:这|那)?{_LENGTH}"
    if not any(_found(length, text)):
        return
    for pattern, op in (
        (rf"{_NOT}(?:超过|[长多]于)?\s*{length}(?:以上|往上|起步)(?:的)?", "max"),
        (rf"{_NOT}[少短]?于?\s*{length}(?:以内|以下|之内)(?:的)?", "min"),
        (rf"{_MOST}{_HOLDS}{length}{_ABOUT}(?:以内|之内|以下|内(?![容地]))?", "max"),
        (rf"{_LEAST}{_HOLDS}{length}{_ABOUT}(?:以上)?", "min"),
        (rf"{length}{_ABOUT}[，,]?\s*(?:最好)?{_MOST_AFTER}", "max"),
        (rf"{length}{_ABOUT}[，,]?\s*{_LEAST_AFTER}", "min"),
        (rf"{_HAVE}\s*{length}{_ABOUT}", "max"),
        (rf"{_NOT}{length}的", "not"),
        (rf"{_NOT}{length}(?:就|便|都)?(?:不到|没了|完|结束|放完|打发|打住)[^，,。]{{0,3}}的?", "min"),
        (rf"{_EDGE}(?:{_LEAST}{_HOLDS})?{length}(?:{_LEAST_AFTER})?{_DENY}", "not"),
        (rf"{_EDGE}(?P<most>{_MOST}{_HOLDS})?{length}(?(most)|{_MOST_AFTER}){_DENY}", "min"),
        (rf"{length}{_NEAR}", "about"),
        (rf"比{length}(?:还|更|要|再)?短", "max"),
        (rf"比{length}(?:还|更|要|再)?长", "min"),
    ):
        for m in _found(pattern, text):
            value = _length(m) + (10 if op == "about" else 0)
            side = "min" if op == "min" or (op == "not" and value < 60) else "max"
            yield "minutes", side, value, m.start(), m.end()
    for m in _found(
        rf"(?<![\d.])(?P<first>{_NUM})(?P<unit>\s*个?(?P<firsthalf>半)?\s*(?:小时|钟头|分钟)?){_TO}{length}(?:之间)?", text
    ):
        low = _read(m["first"]) + (0.5 if m["firsthalf"] else 0)
        hours = "分钟" not in m["unit"] and (bool(re.search("小时|钟头", m["unit"])) or not m["m"])
        low = round(low * 60) if hours else round(low)
        high = _length(m)
        if low < high:
            yield "minutes", "min", low, m.start(), m.end()
            yield "minutes", "max", high, m.start(), m.end()


def _ages(text: str) -> Iterator[Found]:
    found = [(m, _age(m[1])) for m in _found(rf"({_NUM}|{_DIGIT}{{2}}|十几|十来)(?:周|个)?岁(?:半|多)?", text)]
    young = [(age, m.start(), m.end()) for m, age in found if 0 < age < 18]  # 我妈八十岁 sets no bound
    if young:
        yield "age", "max", *min(young)


def _age(text: str) -> int:
    if text in ("十几", "十来"):
        return 10
    if len(text) == 2 and text[0] in _DIGITS and text[1] in _DIGITS and "十" not in text:
        return _DIGITS[text[0]]  # 七八岁
    return round(_read(text))
