"""Amounts with the units of a domain, and days in words, in English and Chinese."""

from datetime import date

import pytest

from chatbot.numbers_en import large as large_en
from chatbot.numbers_zh import large
from chatbot.quantities import Bound, find_bounds
from chatbot.quantities_days import find
from chatbot.quantities_units import AmountReader
from retrieval.facet import Facet, Unit

DOLLARS = Unit(worth=1, en=("dollars", "dollar", "bucks"), zh=("美元", "美金"), before=("$", "US$"))
YUAN = Unit(worth=1 / 7, en=("yuan", "rmb"), zh=("元", "块", "块钱"), before=("¥",))
PRICE = Facet(type="number", column="price", label={}, bare=True, times={"zh": 7}, units=(DOLLARS, YUAN))
WEEKLY = Unit(en=("hours a week",), zh=("小时每周",), before=("每周",), tail=("小时", "个小时"))
EFFORT = Facet(type="number", column="effort", label={"en": "effort", "zh": "投入"}, units=(WEEKLY,))
TODAY = date(2026, 11, 28)


def bounds(facet, text):
    found = (Bound("x", op, value, start, end) for op, value, start, end in AmountReader.of(facet).find(text))
    return sorted((b.op, b.value) for b in find_bounds(text, found) if b.kind == "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a lamp under $50", [("max", 50)]),
        ("nothing over 50 dollars", [("max", 50)]),
        ("no more than $1,200", [("max", 1200)]),
        ("I don't want to spend more than 25 bucks", [("max", 25)]),
        ("my budget is 80 dollars", [("max", 80)]),
        ("50 dollars max", [("max", 50)]),
        ("cheaper than $30", [("max", 30)]),
        ("at least 300 dollars", [("min", 300)]),
        ("more expensive than $30", [("min", 30)]),
        ("$100 or more", [("min", 100)]),
        ("between $20 and $50", [("max", 50), ("min", 20)]),
        ("20 to 50 dollars", [("max", 50), ("min", 20)]),
        ("$20-50", [("max", 50), ("min", 20)]),
        ("around $40", [("max", 48), ("min", 32)]),
        ("under 70 yuan", [("max", 10)]),
        ("less than two thousand dollars", [("max", 2000)]),
        ("a mug for less than 30", [("max", 30)]),
        ("under 30 minutes", []),
        ("a box of 50 dollars", []),
        ("两百一十块以内", [("max", 30)]),
        ("70块以下的杯子", [("max", 10)]),
        ("不超过1.4万元", [("max", 2000)]),
        ("预算七百", [("max", 100)]),
        ("预算700块", [("max", 100)]),
        ("最多花七十块钱", [("max", 10)]),
        ("70到140元之间", [("max", 20), ("min", 10)]),
        ("一百四到两百八元", [("max", 40), ("min", 20)]),
        ("七百元以上", [("min", 100)]),
        ("七十元起", [("min", 10)]),
        ("不低于七百块", [("min", 100)]),
        ("不要七百块以上的", [("max", 100)]),
        ("七百元以上的不要", [("max", 100)]),
        ("70块左右", [("max", 12), ("min", 8)]),
        ("五十美元以内", [("max", 50)]),
        ("一块去买", []),
    ],
)
def test_prices(text, expected):
    assert bounds(PRICE, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at most 5 hours a week", [("max", 5)]),
        ("每周不超过5小时", [("max", 5)]),
        ("每周五个小时以内", [("max", 5)]),
        ("5小时每周以上", [("min", 5)]),
    ],
)
def test_a_unit_may_stand_around_its_number(text, expected):
    assert bounds(EFFORT, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5万", 15000),
        ("两千三", 2300),
        ("三千零五十", 3050),
        ("一万二", 12000),
        ("1,200", 1200),
        ("两百五十", 250),
        ("2千", 2000),
    ],
)
def test_large_numbers_in_chinese(text, expected):
    assert large(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2k", 2000), ("1,200", 1200), ("two thousand five hundred", 2500), ("a thousand", 1000), ("forty", 40)],
)
def test_large_numbers_in_english(text, expected):
    assert large_en(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("news from today", [("min", "2026-11-28")]),
        ("yesterday's news", [("max", "2026-11-27"), ("min", "2026-11-27")]),
        ("what happened this week", [("min", "2026-11-21")]),
        ("from the last three days", [("min", "2026-11-25")]),
        ("articles of the past 48 hours", [("min", "2026-11-26")]),
        ("not older than a week", [("min", "2026-11-21")]),
        ("nothing older than two weeks", [("min", "2026-11-14")]),
        ("older than a month", [("max", "2026-10-29")]),
        ("since Monday", [("min", "2026-11-23")]),
        ("in October", [("max", "2026-10-31"), ("min", "2026-10-01")]),
        ("this month", [("min", "2026-11-01")]),
        ("last month", [("max", "2026-10-31"), ("min", "2026-10-01")]),
        ("in December", [("max", "2025-12-31"), ("min", "2025-12-01")]),
        ("a day in the life", []),
        ("今天的新闻", [("min", "2026-11-28")]),
        ("昨天的", [("max", "2026-11-27"), ("min", "2026-11-27")]),
        ("这周的", [("min", "2026-11-21")]),
        ("最近三天", [("min", "2026-11-25")]),
        ("一周以内的", [("min", "2026-11-21")]),
        ("不要超过一周的", [("min", "2026-11-21")]),
        ("两周以前的不要", [("min", "2026-11-14")]),
        ("十月份的报道", [("max", "2026-10-31"), ("min", "2026-10-01")]),
        ("这个月", [("min", "2026-11-01")]),
        ("周一以来", [("min", "2026-11-23")]),
        ("最近想看点什么", []),
        ("今天天气", []),
    ],
)
def test_days_in_words(text, expected):
    longest = find_bounds(text, (Bound("x", op, day, start, end) for op, day, start, end in find(text, TODAY)))
    assert sorted((b.op, b.value) for b in longest if b.kind == "x") == expected


def test_a_number_is_written_with_its_sign_and_unit_and_a_day_as_people_say_it():
    price = Facet(type="number", column="p", label={}, sign={"en": "$"}, unit={"zh": "元"}, times={"zh": 7})
    assert (price.written(28.57, "en"), price.written(28.57, "zh")) == ("$28.57", "200元")
    day = Facet(type="date", column="d", label={})
    assert (day.written("2026-11-03", "en"), day.written("2026-11-03", "zh")) == ("3 November 2026", "2026年11月3日")
    assert (day.written("2026-11", "en"), day.written("2026", "zh")) == ("November 2026", "2026年")
