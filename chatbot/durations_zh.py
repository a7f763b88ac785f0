"""Durations and ages in Chinese, and in digits beside Chinese words. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.durations_en import about
from chatbot.numbers_zh import DENY, DIGIT, DIGITS, NOT, NUM, TO, Found, found, number, read

_LENGTH = (
    rf"(?:(?P<h>{NUM})\s*(?:个(?:(?P<half0>半)|[多来])?)?\s*(?P<half1>半)?\s*(?:小时|钟头|(?<=个)钟(?!声|表)|h(?:ours?|rs?)?(?![a-z]))(?:多(?:一?点)?)?"
    rf"(?:\s*(?:(?P<half>半)|零?(?P<hm>{NUM})\s*(?:分钟?|m(?:in)?)?(?!\s*(?:部|个|点|条|小时))|(?P<quarter>[一三])刻钟?))?"
    rf"|(?P<halfhour>(?<!个)半个?(?:小时|钟头))|(?P<onehalf>个半(?:小时|钟头?))|(?P<m>{NUM})\s*(?:来|多)?(?:分钟|min(?:ute)?s?(?![a-z])|分(?![的之数享别类手配析明]))"
    rf"|(?P<q>[一二两三])刻钟)"
)
DURATION = re.compile(_LENGTH, re.IGNORECASE)
HOLDS = r"(?:时间|时长|片长|长度|总共|都|大概|大约|差不多|能|给|在|到|为|要|得|是|了|也|就|只|有|来|个)*?\s*"
MOST = (
    r"(?:(?:不|别|勿|没|莫|甭)(?:能|要|得|可|许|准|该)?(?:再)?(?:超过?|多于|长于|大于|高于|过)"
    r"|(?<![不别])(?:少于|短于|小于|低于|不到|不足|不满)"
    r"|最多|顶多|至多|最长|最大|上限|控制|限制|压缩?|缩短|缩|放宽|限|撑死|充其量|满打满算|顶天了?|顶破天|[卡压]在)"
)
LEAST = (
    r"(?:至少|起码|最少|最短|(?<![不别])(?<!不[能要得可许准该])(?:超过|多于|长于|大于|高于)|不(?:能|要|得|可|许)?(?:少于|短于|小于|低于|下)|下限"
    r"|少说|好歹|怎么(?:也|着|说)|再(?:短|少)也|保底|别(?:少于|短于|低于|不到))"
)
MOST_AFTER = (
    r"(?:以内|之内|以下|之下|内(?![容地])|不到|不超过|不能超|"
    r"打住|封顶|[为是](?:限|上限|极限)|顶天|顶多|(?:就)?(?:足够|够了?|足矣)(?!长)|就(?:行|好|成)|"
    r"[^，,。]{0,5}[，,]?[^，,。]{0,4}?(?:不能|不许|不得|不要|不准|别|甭|莫|勿)再?超(?!过?\s*[\d一两俩三四五六七八九十半])过?(?:这个?|了|它)?|"
    r"内?(?:就|能|要|得|可以|必须|给我|刚好|正好)*(?:搞定|看[得能]?完(?!了|过)|结束|完事|解决|拿下|放完|播完|收工|了事)|"
    r"(?:往|朝)下|不能再[多长久]|最多了|(?:或|或者|或是)?(?:更短|以内))"
)
LEAST_AFTER = r"(?:以上|之上|起步|起|打底|垫底|保底|(?:往|朝)上|开外|(?:或|或者)?更[长久]|才(?:够|过瘾|行))"
_EDGE = r"(?:^|(?<=[，,。！？!?；;\s]))"
_HAVE = (
    r"(?:(?:我|我们|咱们?|今晚|晚上|时间)(?:们)?(?:大概|差不多|总共|一共)?只?(?:就|剩)?有|"
    r"只有|只剩(?:下)?|就剩|只够|就只有|只能看)(?:大概|差不多|不到)?"
)
NEAR = "(?:左右|上下|前后|光景|的样子)"
_ABOUT = rf"(?:{NEAR}|的时间|时间)?"


def find(text: str) -> Iterator[Found]:
    """Yield (kind, op, value, start, end) of every bound."""
    yield from _minutes(text)
    yield from _ages(text)


def _length(m: re.Match[str]) -> int:
    parts = m.groupdict()
    if parts["m"]:
        return round(read(parts["m"]))
    if parts["halfhour"] or parts["onehalf"]:
        return 30 if parts["halfhour"] else 90
    if parts["q"]:
        return round(number(parts["q"])) * 15
    rest = round(read(parts["hm"])) if parts["hm"] else 15 * round(number(parts["quarter"])) if parts["quarter"] else 0
    return round(read(parts["h"]) * 60) + rest + 30 * bool(parts["half0"] or parts["half1"] or parts["half"])


def _minutes(text: str) -> Iterator[Found]:
    for words, op in ((MOST, "max"), (LEAST, "min")):
        for m in found(rf"(?:片长|时长|长度)[^，,。]{{0,3}}?{words}{HOLDS}(\d{{2,3}})(?![\d年岁部个分小])", text):
            yield "minutes", op, int(m[1]), m.start(), m.end()
    length = rf"(?:这|那)?{_LENGTH}"
    if not any(found(length, text)):
        return
    for pattern, op in (
        (rf"{NOT}(?:超过|[长多]于)?\s*{length}(?:以上|往上|起步)(?:的)?", "max"),
        (rf"{NOT}[少短]?于?\s*{length}(?:以内|以下|之内)(?:的)?", "min"),
        (rf"{MOST}{HOLDS}{length}{_ABOUT}(?:以内|之内|以下|内(?![容地]))?", "max"),
        (rf"{LEAST}{HOLDS}{length}{_ABOUT}(?:以上)?", "min"),
        (rf"{length}{_ABOUT}[，,]?\s*(?:最好)?{MOST_AFTER}", "max"),
        (rf"{length}{_ABOUT}[，,]?\s*{LEAST_AFTER}", "min"),
        (rf"{_HAVE}\s*{length}{_ABOUT}", "max"),
        (rf"{NOT}{length}的", "not"),
        (rf"{NOT}{length}(?:就|便|都)?(?:不到|没了|完|结束|放完|打发|打住)[^，,。]{{0,3}}的?", "min"),
        (rf"{_EDGE}(?:{LEAST}{HOLDS})?{length}(?:{LEAST_AFTER})?{DENY}", "not"),
        (rf"{_EDGE}(?P<most>{MOST}{HOLDS})?{length}(?(most)|{MOST_AFTER}){DENY}", "min"),
        (rf"{length}{NEAR}", "about"),
        (rf"比{length}(?:还|更|要|再)?短", "max"),
        (rf"比{length}(?:还|更|要|再)?长", "min"),
    ):
        for m in found(pattern, text):
            value = about(_length(m)) if op == "about" else _length(m)
            side = "min" if op == "min" or (op == "not" and value < 60) else "max"
            yield "minutes", side, value, m.start(), m.end()
    for m in found(
        rf"(?<![\d.])(?P<first>{NUM})(?P<unit>\s*个?(?P<firsthalf>半)?\s*(?:小时|钟头|分钟)?){TO}{length}(?:之间)?", text
    ):
        low = read(m["first"]) + (0.5 if m["firsthalf"] else 0)
        hours = "分钟" not in m["unit"] and (bool(re.search("小时|钟头", m["unit"])) or not m["m"])
        low = round(low * 60) if hours else round(low)
        high = _length(m)
        if low < high:
            yield "minutes", "min", low, m.start(), m.end()
            yield "minutes", "max", high, m.start(), m.end()


def _ages(text: str) -> Iterator[Found]:
    ages = [(m, _age(m[1])) for m in found(rf"({NUM}|{DIGIT}{{2}}|十几|十来)(?:周|个)?岁(?:半|多)?", text)]
    young = [(age, m.start(), m.end()) for m, age in ages if 0 < age < 18]  # 我妈八十岁 sets no bound
    if young:
        yield "age", "max", *min(young)


def _age(text: str) -> int:
    if text in ("十几", "十来"):
        return 10
    if len(text) == 2 and text[0] in DIGITS and text[1] in DIGITS and "十" not in text:
        return DIGITS[text[0]]  # 七八岁
    return round(read(text))
