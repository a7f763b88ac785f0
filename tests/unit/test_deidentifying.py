"""What names or reaches a person is taken out; years, titles and lengths stay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.deidentifying import deidentify, find_identifiers, is_card, is_chinese_id, is_iban, is_isbn, may_identify

TAKEN = [
    ("mail me at ann.lee+film@example.co.uk please", "mail me at [email] please"),
    ("or call +44 20 7946 0958.", "or call [phone number]."),
    ("call me on (212) 555-0187 tonight", "call me on [phone number] tonight"),
    ("my card is 4111 1111 1111 1111", "my card is [card number]"),
    ("ssn 123-45-6789", "ssn [identity number]"),
    ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [card number] please"),
    ("I live at 221B Baker Street, London NW1 6XE; a comedy", "I live at [address]; a comedy"),
    ("send it to 1600 Pennsylvania Avenue, Washington DC 20500", "send it to [address]"),
]
TAKEN_ZH = [
    ("我的手机号是13812345678，想看喜剧", "我的手机号是[电话]，想看喜剧"),
    ("邮箱 xiao.ming@qq.com", "邮箱 [邮箱]"),
    ("电话021-62345678", "电话[电话]"),
    ("身份证11010519491231002X", "身份证[证件号]"),
    ("我家在建国路88号", "我家在[地址]"),
    ("住北京市海淀区中关村大街27号3单元501室", "住[地址]"),
]
KEPT = [
    "2001: A Space Odyssey, 1917, 1984, 2046 and 12 Angry Men; between 1990 and 2005, 90-120 minutes",
    "something like 10 Cloverfield Lane or 84 Charing Cross Road",
    "movies of 1950 1960 1970 1980 please",
    "rated 8.5, 1234567890123456 votes",
    "the book 0-7475-3269-9",
    "2001太空漫游、1917、2046，1990到2000年之间的，120分钟以内",
    "在路上3号，想看公路片",
    "Tom Hanks, 王家卫, 《花样年华》",
]


@pytest.mark.parametrize(("text", "left"), TAKEN)
def test_english_identifiers_go(text, left):
    assert deidentify(text, "en")[0] == left


@pytest.mark.parametrize(("text", "left"), TAKEN_ZH)
def test_chinese_identifiers_go(text, left):
    assert deidentify(text, "zh")[0] == left


@pytest.mark.parametrize("text", KEPT)
def test_what_names_nobody_stays(text):
    assert deidentify(text, "zh" if "，" in text else "en") == (text, ())


def test_titles_stay_whatever_they_look_like():
    text = "I live for 21 Jump Street"
    assert deidentify(text, "en")[0] == "I live for [address]"
    assert deidentify(text, "en", [(11, 25)]) == (text, ())


@pytest.mark.parametrize(("check", "right", "wrong"), [
    (is_card, "4111111111111111", "4111111111111112"),
    (is_card, "378282246310005", "000000000000000"),
    (is_chinese_id, "11010519491231002X", "110105194912310021"),
    (is_chinese_id, "11010519491231002x", "11010519491331002X"),
    (is_iban, "GB82WEST12345698765432", "GB83WEST12345698765432"),
    (is_isbn, "0306406152", "0306406153"),
])  # fmt: skip
def test_check_digits(check, right, wrong):
    assert check(right)
    assert not check(wrong)


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_any_text_is_read_and_spans_never_overlap(text):
    found = find_identifiers(text)
    assert all(0 <= a.start < a.end <= len(text) for a in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert not found or may_identify(text)


def test_nothing_after_the_door_sees_what_was_taken_out(make_pipeline, caplog):
    pipeline = make_pipeline()
    caplog.set_level("DEBUG")
    turn = pipeline.complete("a comedy; write to ann@example.com", pipeline.store.load("c", "ann"), pipeline.profile("ann"))
    assert turn.request.text == "a comedy; write to [email]"
    assert "taken out: email" in turn.notes
    assert "ann@example" not in str(pipeline.store.events("ann")) + str(pipeline.store.load("c", "ann")) + caplog.text
    open_ = make_pipeline(deidentify=False)
    assert (
        "ann@example.com"
        in open_.complete("a comedy ann@example.com", open_.store.load("c", "a"), open_.profile("a")).request.text
    )
