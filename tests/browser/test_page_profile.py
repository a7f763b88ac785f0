"""What a person does with what is known of them, in a browser: corrects it, takes it along, erases it, talks in private."""

from __future__ import annotations

import json
import re

import pytest
from acts import WISHES, be, become, box, send

pytestmark = pytest.mark.browser
LIKES = {
    "en": "I loved Interstellar, Arrival and Moon. I hate musicals",
    "zh": "我喜欢《星际穿越》《降临》和《月球》，讨厌歌舞片",
}
WORDS = {
    "en": {
        "open": "My profile",
        "close": "Close",
        "erase": "Erase everything",
        "now": "Erase now",
        "nothing": "Nothing yet",
    },
    "zh": {"open": "我的画像", "close": "关闭", "erase": "全部清除", "now": "现在清除", "nothing": "还没有"},
}


def look(page, language="en"):
    page.get_by_role("button", name=WORDS[language]["open"]).click()
    page.wait_for_selector("dialog.panel[open]")
    return page.locator("dialog.panel")


def lines_of(panel):
    return panel.locator(".line p").all_inner_texts()


def switch(page, language):
    page.locator("#zy-language label", has_text={"en": "English", "zh": "中文"}[language]).click()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_profile_is_read_and_a_line_taken_away_stays_away(visit, site, language):
    page = visit(site, locale={"en": "en-US", "zh": "zh-CN"}[language])
    be(page, "reader")
    send(page, LIKES[language])
    panel = look(page, language)
    lines = lines_of(panel)
    assert any(re.search("Interstellar|《星际穿越》", line) for line in lines)
    never = next(n for n, line in enumerate(lines) if re.search("musical|歌舞", line))
    panel.locator(".line details").first.locator("summary").click()
    assert panel.locator(".sources li").first.inner_text()
    panel.locator(".line").nth(never).locator(".away").click()
    page.wait_for_selector(".panel .done")
    assert lines[never] not in lines_of(panel)
    panel.get_by_role("button", name=WORDS[language]["close"], exact=True).click()
    assert not page.locator("dialog.panel[open]").count()
    page.reload()
    page.wait_for_selector(".loading", state="detached")
    assert lines[never] not in lines_of(look(page, language))


def test_everything_is_taken_along_erased_and_taken_in_again(visit, site, tmp_path):
    page = visit(site)
    name = be(page, "mover")
    send(page, LIKES["en"])
    card = page.locator("#zy-live .card").first
    for _ in range(3):  # opened, closed, opened again: one look
        card.locator("details.why summary").click()
    panel = look(page)
    before = lines_of(panel)
    with page.expect_download() as download:
        panel.get_by_role("button", name="Take everything along").click()
    download.value.save_as(tmp_path / "me.json")
    document = json.loads((tmp_path / "me.json").read_text(encoding="utf-8"))
    assert [e["text"] for e in document["events"] if e["kind"] == "typed"] == [LIKES["en"]]
    assert [e["item"] for e in document["events"] if e["kind"] == "opened"] == [card.get_attribute("data-item")]
    panel.get_by_text("Erase everything").click()
    panel.get_by_role("button", name="Erase now").click()
    page.wait_for_selector(".panel .hint:has-text('Nothing yet')")
    panel.get_by_role("button", name="Close", exact=True).click()
    assert not page.locator("#zy-live .turn").count()
    become(page, "somebody-else")
    become(page, name)
    panel = look(page)
    assert lines_of(panel) == []
    panel.locator("input[type=file]").set_input_files(tmp_path / "me.json")
    page.wait_for_selector(".panel .done")
    assert lines_of(panel) == before
    panel.locator("input[type=file]").set_input_files(
        files=[{"name": "x.json", "mimeType": "application/json", "buffer": b"{}"}]
    )
    page.wait_for_selector(".notice")
    assert "nothing has changed" in page.locator(".notice").inner_text()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_private_conversation_is_over_when_it_ends(visit, site, language):
    page = visit(site, locale={"en": "en-US", "zh": "zh-CN"}[language])
    be(page, "secretive")
    page.locator("#zy-private").click()
    page.wait_for_selector(".private")
    send(page, LIKES[language])
    assert page.locator("#zy-live .card").count()
    send(page, {"en": "something funny", "zh": "来部好笑的"}[language])
    page.wait_for_selector("#zy-history .turn")
    page.locator("#zy-private").click()
    page.wait_for_selector(".private", state="detached")
    assert not page.locator(".turn").count()
    assert lines_of(look(page, language)) == []


def test_a_private_conversation_is_over_when_the_page_closes(visit, site):
    page = visit(site)
    be(page, "closer")
    page.locator("#zy-private").click()
    page.wait_for_selector(".private")
    send(page, WISHES["en"])
    page.reload()
    page.wait_for_selector(".loading", state="detached")
    assert not page.locator(".turn").count()
    assert not page.locator(".private").count()
    assert lines_of(look(page)) == []


def test_the_dialog_is_left_by_the_keyboard_and_reads_in_the_other_language(visit, site):
    page = visit(site)
    be(page, "keyboard")
    send(page, LIKES["en"])
    look(page)
    page.keyboard.press("Escape")
    assert not page.locator("dialog.panel[open]").count()
    switch(page, "zh")
    page.wait_for_selector("#zy-talks [data-show=profile]:has-text('我的画像')")
    assert "《星际穿越》" in " ".join(lines_of(look(page, "zh")))
    page.keyboard.press("Escape")
    box(page).fill("还能输入")
    assert box(page).input_value() == "还能输入"
