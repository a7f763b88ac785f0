"""Each cleaning rule by its name: what it repairs, what it leaves alone, and that it can be switched off."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.cleaning import RULES, Rules, read_date, read_number, read_year
from retrieval.errors import DomainError

REPAIRS = [
    ("html_entities", "King &amp; Queen", "King & Queen"),
    ("html_entities", "King &amp;amp; Queen", "King & Queen"),
    ("html_entities", "Gintama&amp;#039;", "Gintama'"),
    ("html_entities", "W. W. Norton &amp", "W. W. Norton &"),
    ("html_tags", "Good<br />and <i>cheap</i>", "Good and cheap"),
    ("html_tags", 'a <a href="x">link</a>', "a link"),
    ("html_tags", "a<script>alert(1)</script>b", "a b"),
    ("mojibake", "Neun ErzÃ¤hlungen", "Neun Erzählungen"),
    ("mojibake", "Neun ErzÃ?Â¤hlungen", "Neun Erzählungen"),  # encoded twice, and a byte lost on the way
    ("mojibake", "AwardÂ® winner", "Award® winner"),
    ("mojibake", "Donâ€™t", "Don’t"),
    ("unicode", "cafe\u0301", "café"),
    ("unicode", "zero\u200bwidth", "zerowidth"),
    ("unicode", "wasn\ufffd\ufffd\ufffdt", "wasn\ufffdt"),
    ("unicode", "nul\x00byte", "nulbyte"),
    ("whitespace", "Avatar\u00a0", "Avatar"),
    ("whitespace", "\n\na  b\tc\r\n", "a b c"),
    ("whitespace", "我不是\u3000药神 ", "我不是 药神"),
]


@pytest.mark.parametrize(("rule", "dirty", "clean"), REPAIRS)
def test_a_rule_repairs_and_is_counted(rule, dirty, clean):
    rules = Rules()
    assert rules.text(dirty) == clean
    assert rules.counts[rule] == 1


@pytest.mark.parametrize(("rule", "dirty", "clean"), REPAIRS)
def test_a_rule_that_is_off_does_nothing(rule, dirty, clean):
    rules = Rules([rule])
    assert rules.text(dirty) != clean
    assert rule not in rules.counts


@pytest.mark.parametrize(
    "text",
    [
        "AT&T", "R&D", "x &copyright", "I <3 you", "a < b > c", "<Untitled>", "naïve", "São Paulo", "“quoted” – dash…",
        "中文，全角！？", "ﾊﾝｶｸ", "日本語", "Ünïcödé", "#1 & 2", "5 > 3", "Å", "Ã", "l’été", "Спліин",
    ],
)  # fmt: skip
def test_what_is_right_stays(text):
    rules = Rules()
    assert rules.text(text) == text
    assert not rules.counts


@given(st.text(max_size=60))
def test_cleaning_twice_is_cleaning_once_and_leaves_no_odd_characters(text):
    once = Rules().text(text)
    assert Rules().text(once) == once or "&" in once or "<" in once  # a third level of escaping is not undone
    assert once == once.strip()
    assert "\x00" not in once
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize(("text", "nothing", "no_title"), [
    ("NaN", True, True), ("null", True, True), ("\\N", True, True), ("N/A", True, False), ("None", True, False),
    ("-", True, False), ("unknown", True, False), ("Nano", False, False), ("", False, False), ("0", False, False),
])  # fmt: skip
def test_words_for_nothing(text, nothing, no_title):
    assert Rules().is_nothing(text) == nothing
    assert Rules().is_nothing(text, title=True) == no_title
    assert not Rules(["nan_text"]).is_nothing(text)


@pytest.mark.parametrize(
    ("value", "number", "in_words"),
    [
        (5, 5, False), (2008.0, 2008, False), ("2008.0", 2008, False), ("117分钟", 117, True), ("1,234 g", 1234, True),
        ("$12.99", 12.99, True), ("-750", -750, False), ("  7 ", 7, False), ("12e3", 12000, False), ("Dan Brown", None, False),
        ("nan", None, False), ("inf", None, False), (float("nan"), None, False), (10**400, None, False), ("1_000", None, False),
        ("", None, False),
    ],
)  # fmt: skip
def test_numbers(value, number, in_words):
    assert read_number(value) == (number, in_words)


@pytest.mark.parametrize(
    ("value", "year"),
    [
        ("1998", 1998), (1998.0, 1998), ("2018-07-05", 2018), ("1993-02", 1993), ("Jun 12 1998", 1998), ("01-Jan-1995", 1995),
        ("-750", -750), ("c. 1850", 1850), ("2019-02-05(中国大陆)", 2019), ("1961年", 1961), ("Dan Brown", None), ("0.5", None),
        ("123456", None), ("Oct-99", None),
    ],
)  # fmt: skip
def test_years(value, year):
    assert read_year(value)[0] == year


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2018-07-05", "2018-07-05"), ("1993-02", "1993-02"), ("1961", "1961"), ("2018年7月5日", "2018-07-05"),
        ("2018/7/5", "2018-07-05"), ("Jun 12 1998", "1998-06-12"), ("2018-07-05T10:00:00Z", "2018-07-05"),
        ("2018-13-40", None), ("Friday", None), ("", None), ("x" * 100, None), ("Dec 31 2046", "2046-12-31"),
    ],
)  # fmt: skip
def test_dates_are_as_exact_as_they_were(text, date):
    assert read_date(text) == date


@given(st.text(max_size=40))
def test_no_text_breaks_the_readers(text):
    (number, _), (year, _), date = read_number(text), read_year(text), read_date(text)
    assert number is None or math.isfinite(number)
    assert year is None or isinstance(year, int)
    assert date is None or date[:4].isdigit()


def test_a_rule_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(DomainError, match=r"no cleaning rule 'entities'.*html_entities"):
        Rules(["entities"])


def test_what_makes_an_item_cannot_be_switched_off():
    with pytest.raises(DomainError, match="no_title"):
        Rules(["no_title"])


def test_every_rule_says_what_it_does():
    assert all(len(text) > 4 for text in RULES.values())
