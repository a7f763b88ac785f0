"""Years, decades, durations and small numbers in a text, in English and Chinese."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbot.quantities import find_bounds, number

YEARS_EN = [
    ("a film from 1994", ["year>=1994", "year<=1994"]),
    ("in 2001", ["year>=2001", "year<=2001"]),
    ("anything from before 1960", ["year<=1959"]),
    ("older than 1960", ["year<=1959"]),
    ("made before the year 2000", ["year<=1999"]),
    ("prior to 1950", ["year<=1949"]),
    ("after 2000", ["year>=2001"]),
    ("newer than 2010", ["year>=2011"]),
    ("since 2010", ["year>=2010"]),
    ("from 1990 on", ["year>=1990"]),
    ("from 1990 onwards", ["year>=1990"]),
    ("2015 or later", ["year>=2015"]),
    ("2015 or newer", ["year>=2015"]),
    ("up to 1980", ["year<=1980"]),
    ("until 1980", ["year<=1980"]),
    ("no older than 2000", ["year>=2000"]),
    ("not older than 2000", ["year>=2000"]),
    ("nothing older than 1990", ["year>=1990"]),
    ("nothing before 1990", ["year>=1990"]),
    ("not before 1990", ["year>=1990"]),
    ("no films from before 1970", ["year>=1970"]),
    ("nothing newer than 1990", ["year<=1990"]),
    ("nothing after 1990", ["year<=1990"]),
    ("between 1990 and 2000", ["year>=1990", "year<=2000"]),
    ("from 1990 to 2000", ["year>=1990", "year<=2000"]),
    ("1990-1995", ["year>=1990", "year<=1995"]),
    ("1990–1995", ["year>=1990", "year<=1995"]),
    ("between 2000 and 1990", ["year>=1990", "year<=2000"]),
    ("1999 film", ["year>=1999", "year<=1999"]),
]
DECADES_EN = [
    ("from the 1990s", ["year>=1990", "year<=1999"]),
    ("90s comedies", ["year>=1990", "year<=1999"]),
    ("the '80s", ["year>=1980", "year<=1989"]),
    ("an eighties film", ["year>=1980", "year<=1989"]),
    ("the seventies", ["year>=1970", "year<=1979"]),
    ("early nineties", ["year>=1990", "year<=1994"]),
    ("the late 1960s", ["year>=1965", "year<=1969"]),
    ("the noughties", ["year>=2000", "year<=2009"]),
    ("the 2010s", ["year>=2010", "year<=2019"]),
    ("a film of the 20s", ["year>=1920", "year<=1929"]),
    ("before the 1970s", ["year<=1969"]),
    ("older than the eighties", ["year<=1979"]),
    ("after the 90s", ["year>=2000"]),
    ("since the 1990s", ["year>=1990"]),
]
MINUTES_EN = [
    ("under two hours", ["minutes<=120"]),
    ("less than 2 hours", ["minutes<=120"]),
    ("under 90 minutes", ["minutes<=90"]),
    ("under 90 min", ["minutes<=90"]),
    ("at most 100 mins", ["minutes<=100"]),
    ("shorter than an hour", ["minutes<=60"]),
    ("under an hour and a half", ["minutes<=90"]),
    ("under 1.5 hours", ["minutes<=90"]),
    ("under two and a half hours", ["minutes<=150"]),
    ("no more than 2h", ["minutes<=120"]),
    ("no longer than 100 minutes", ["minutes<=100"]),
    ("not longer than two hours", ["minutes<=120"]),
    ("within 2 hours", ["minutes<=120"]),
    ("up to 110 minutes", ["minutes<=110"]),
    ("over three hours", ["minutes>=180"]),
    ("longer than 2 hours", ["minutes>=120"]),
    ("at least 150 minutes", ["minutes>=150"]),
    ("more than two hours", ["minutes>=120"]),
    ("not shorter than 2 hours", ["minutes>=120"]),
]
NOTHING_EN = [
    "I have watched 1200 films",
    "number 1984375",
    "two films please",
    "I am 30 and it is 8 pm",
    "call me on 555-1999-22",
    "an hour ago I was bored",
    "100% fun",
]
YEARS_ZH = [
    ("2000年以前的一律不要", ["year>=2000"]),
    ("比1990年老的不要", ["year>=1990"]),
    ("年份不能早于2000", ["year>=2000"]),
    ("2012年（含）以来的", ["year>=2012"]),
    ("九五到九九，港片", ["year>=1995", "year<=1999"]),
    ("08到12年的", ["year>=2008", "year<=2012"]),
    ("一七年的", ["year>=2017", "year<=2017"]),
    ("2000年以前的别太闷", ["year<=1999"]),
    ("1994年的电影", ["year>=1994", "year<=1994"]),
    ("2003年拍的", ["year>=2003", "year<=2003"]),
    ("2000年以后的", ["year>=2000"]),
    ("2010年之后", ["year>=2010"]),
    ("2000年以来", ["year>=2000"]),
    ("1990年以前的", ["year<=1989"]),
    ("1960年之前", ["year<=1959"]),
    ("不早于2000年", ["year>=2000"]),
    ("不晚于1990年", ["year<=1990"]),
    ("不要2000年以前的", ["year>=2000"]),
    ("1990到2000年", ["year>=1990", "year<=2000"]),
    ("1990年到2000年", ["year>=1990", "year<=2000"]),
    ("1990至1999年之间", ["year>=1990", "year<=1999"]),
    ("不要2000年以后的", ["year<=1999"]),
    ("二零零三年的", ["year>=2003", "year<=2003"]),
    ("一九九四年", ["year>=1994", "year<=1994"]),
    ("98年的", ["year>=1998", "year<=1998"]),
    ("零三年拍的", ["year>=2003", "year<=2003"]),
    ("从2000年起", ["year>=2000"]),
    ("2010年至今", ["year>=2010"]),
    ("比1990年还老的", ["year<=1989"]),
    ("早于1980年", ["year<=1979"]),
    ("晚于2000年的", ["year>=2001"]),
    ("95年到99年", ["year>=1995", "year<=1999"]),
    ("上世纪的", ["year<=1999"]),
    ("本世纪的", ["year>=2000"]),
    ("2000年前后", ["year>=1998", "year<=2002"]),
]
DECADES_ZH = [
    ("八〇年代的", ["year>=1980", "year<=1989"]),
    ("七几年八几年都成", ["year>=1970", "year<=1989"]),
    ("八十年代以前的免了", ["year>=1980"]),
    ("90年代的港片", ["year>=1990", "year<=1999"]),
    ("九十年代的港片", ["year>=1990", "year<=1999"]),
    ("上世纪八十年代", ["year>=1980", "year<=1989"]),
    ("二十世纪七十年代", ["year>=1970", "year<=1979"]),
    ("1980年代", ["year>=1980", "year<=1989"]),
    ("零零年代", ["year>=2000", "year<=2009"]),
    ("2010年代", ["year>=2010", "year<=2019"]),
    ("六十年代以前", ["year<=1959"]),
    ("八十年代以后", ["year>=1980"]),
    ("90年代以来", ["year>=1990"]),
    ("从90年代开始", ["year>=1990"]),
    ("零几年的", ["year>=2000", "year<=2009"]),
    ("九几年的", ["year>=1990", "year<=1999"]),
    ("七八十年代", ["year>=1970", "year<=1989"]),
    ("80、90年代", ["year>=1980", "year<=1999"]),
    ("七十到九十年代", ["year>=1970", "year<=1999"]),
    ("90年代初", ["year>=1990", "year<=1994"]),
    ("上世纪七十年代末", ["year>=1975", "year<=1979"]),
    ("80s的喜剧", ["year>=1980", "year<=1989"]),
    ("不要90年代以前的", ["year>=1990"]),
]
MINUTES_ZH = [
    ("俩钟头上下", ["minutes<=130"]),
    ("两小时左右", ["minutes<=130"]),
    ("九十分钟左右搞定的", ["minutes<=90"]),
    ("少说也得两个半小时", ["minutes>=150"]),
    ("午休就八十分钟，别超", ["minutes<=80"]),
    ("一部两小时的，别超过三小时", ["minutes<=180"]),
    ("别弄二十分钟就完事儿的，也别弄三个多钟头的", ["minutes>=20", "minutes<=180"]),
    ("三小时以上的免谈", ["minutes<=180"]),
    ("不到一小时的别来", ["minutes>=60"]),
    ("莫超两个钟", ["minutes<=120"]),
    ("两小时以内", ["minutes<=120"]),
    ("两个小时以内", ["minutes<=120"]),
    ("2小时之内", ["minutes<=120"]),
    ("90分钟以内", ["minutes<=90"]),
    ("不超过100分钟", ["minutes<=100"]),
    ("一个半小时以内", ["minutes<=90"]),
    ("1.5小时以内", ["minutes<=90"]),
    ("两个半小时以内", ["minutes<=150"]),
    ("最多两小时", ["minutes<=120"]),
    ("九十分钟以下", ["minutes<=90"]),
    ("至少两小时", ["minutes>=120"]),
    ("三个小时以上", ["minutes>=180"]),
    ("超过150分钟", ["minutes>=150"]),
    ("不少于两小时", ["minutes>=120"]),
    ("短于两个小时", ["minutes<=120"]),
    ("一百二十分钟以内", ["minutes<=120"]),
    ("一百分钟以内", ["minutes<=100"]),
    ("一百二分钟以内", ["minutes<=120"]),
    ("1小时50分以内", ["minutes<=110"]),
    ("不超过两小时二十分钟", ["minutes<=140"]),
    ("100到130分钟之间", ["minutes>=100", "minutes<=130"]),
    ("一个半到两个小时", ["minutes>=90", "minutes<=120"]),
    ("时长放宽到130分钟", ["minutes<=130"]),
    ("别超过两个小时", ["minutes<=120"]),
    ("不要两小时以上的", ["minutes<=120"]),
    ("一个半小时左右，不超过最好", ["minutes<=90"]),
    ("两小时不到", ["minutes<=120"]),
    ("三个小时起步", ["minutes>=180"]),
    ("不低于一个半小时", ["minutes>=90"]),
    ("我有两个小时", ["minutes<=120"]),
    ("120min以内", ["minutes<=120"]),
]
AGES_ZH = [
    ("陪6岁女儿看", ["age<=6"]),
    ("七八岁的孩子", ["age<=7"]),
    ("10岁和6岁的两个孩子", ["age<=6"]),
    ("我妈八十岁", []),
]
NOTHING_ZH = [
    "看了三遍",
    "第二部三个小时？",
    "推荐3部",
    "20部老片",
    "编号19999",
    "十分钟后出门",
    "90后的我",
    "七八年前看过",
    "等了十年",
    "三年级的小孩",
    "不要八十年代的",
]


def written(text: str) -> list[str]:
    return [f"{b.kind}{'>=' if b.op == 'min' else '<='}{b.value}" for b in find_bounds(text)]


@pytest.mark.parametrize(("text", "bounds"), YEARS_EN + DECADES_EN + MINUTES_EN)
def test_english_bounds(text, bounds):
    assert sorted(written(text)) == sorted(bounds)


@pytest.mark.parametrize(("text", "bounds"), YEARS_ZH + DECADES_ZH + MINUTES_ZH + AGES_ZH)
def test_chinese_bounds(text, bounds):
    assert sorted(written(text)) == sorted(bounds)


@pytest.mark.parametrize("text", NOTHING_EN + NOTHING_ZH)
def test_numbers_that_bound_nothing(text):
    assert written(text) == []


@pytest.mark.parametrize(("text", "bounds"), [(t.upper(), b) for t, b in (*YEARS_EN[:5], *DECADES_EN[:4], *MINUTES_EN[:6])])
def test_capitals_change_nothing(text, bounds):
    assert sorted(written(text)) == sorted(bounds)


def test_a_year_and_a_length_stand_beside_each_other():
    assert written("a Japanese film from the 1950s under two hours") == ["year<=1959", "year>=1950", "minutes<=120"]
    assert written("90年代的香港片，两小时以内") == ["year<=1999", "year>=1990", "minutes<=120"]


def test_bounds_come_in_the_order_of_the_text_and_say_where_they_stand():
    text = "under 100 minutes and after 1990"
    first, second = find_bounds(text)
    assert text[first.start : first.end] == "under 100 minutes"
    assert text[second.start : second.end] == "after 1990"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("1.5", 1.5),
        ("an", 1),
        ("Two", 2),
        ("ten", 10),
        ("两", 2),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("九十九", 99),
    ],
)
def test_numbers(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "many", "几", "eleventy"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises((ValueError, KeyError)):
        number(text)


WORDS = st.sampled_from(
    (
        "1994 2000 90s 1990s the before after since from between and to no not older than until under over "
        "two a an half hours hour h minutes 年 年代 以前 以后 之后 不要 不早于 两 一 十 九十 九十九 二十三 "
        "个 半 小时 分钟 以内 以上 不超过 零 〇 到 - – , . ， eighties 0 00 1e9 '"
    ).split()
)


@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS, max_size=25).map("".join)))
@example("十一二分钟以内")
@example("三十五六分钟以内")
@example("二三十分钟以内")
@example("十十分钟以内")
@example("一一一小时以内")
@example("九十十分钟以内")
@example("٣ hours")
@example("under ² hours")
@example("under ٣ minutes")
@example("１９９４年")
@example("under 99999999999999999999999999 hours")
@example("İ" * 50 + " under 2 hours")
def test_any_text_is_read_without_an_error_and_bounds_lie_within_it(text):
    found = find_bounds(text)
    for bound in found:
        assert 0 <= bound.start < bound.end <= len(text)
        assert bound.value >= 0
    spans = sorted({(b.start, b.end) for b in found})
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
