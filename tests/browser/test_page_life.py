"""The whole life of a conversation: said anew, tried again, found again, renamed, deleted, and what happens in between."""

from __future__ import annotations

import re
import uuid

import pytest
from acts import HAN, WISHES, answered, be, become, box, send, show
from conftest import free_port

from chatbot.store import SqlUserStore

pytestmark = pytest.mark.browser
LOCALES = {"en": "en-US", "zh": "zh-CN"}
OTHER = {"en": "a warm comedy about a family", "zh": "温暖的家庭喜剧"}


def titles(page):
    return page.locator("#zy-live .card .title").all_inner_texts()


def talks(page):
    return page.locator(".talk .open").all_inner_texts()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_conversation_is_found_opened_renamed_and_deleted(visit, site, language):
    page = visit(site, locale=LOCALES[language])
    be(page, "keeper")
    send(page, WISHES[language])
    first = titles(page)
    page.locator("#zy-new").click()
    page.wait_for_selector(".turn", state="detached")
    send(page, OTHER[language])
    page.wait_for_function("document.querySelectorAll('.talk').length === 2")
    assert talks(page)[0].startswith(OTHER[language][:8])
    assert page.locator(".talks h3").all_inner_texts() == [{"en": "Today", "zh": "今天"}[language]]
    search = page.locator(".find input")
    search.fill(first[0].upper())  # what was recommended in it
    page.wait_for_function("document.querySelectorAll('.talk').length === 1")
    page.locator(".talk .open").click()
    page.wait_for_function("said => document.querySelector('#zy-live .said p')?.textContent === said", arg=WISHES[language])
    assert titles(page) == first
    assert page.locator(".talk .open[aria-current]").inner_text().startswith(WISHES[language][:8])
    search.fill("")
    page.wait_for_function("document.querySelectorAll('.talk').length === 2")
    open_one = page.locator(".talk:has([aria-current])")
    open_one.hover()
    open_one.locator(".change > summary").click()
    open_one.get_by_role("textbox").fill("<b>知音</b>")
    page.keyboard.press("Enter")
    page.wait_for_function("[...document.querySelectorAll('.talk .open')].some(b => b.textContent === '<b>知音</b>')")
    page.reload()
    page.wait_for_selector("#zy-live .card")
    assert "<b>知音</b>" in talks(page)
    open_one.hover()
    open_one.locator(".change > summary").click()
    open_one.locator(".erase > summary").click()
    open_one.locator("[data-remove]").click()
    page.wait_for_function("document.querySelectorAll('.talk').length === 1")
    assert "<b>知音</b>" not in talks(page)
    assert page.locator(".turn").count() == 0  # it was the open one
    page.reload()
    page.wait_for_selector(".talk")
    assert len(talks(page)) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_last_message_is_said_anew_and_what_it_told_is_forgotten(visit, site, language):
    page = visit(site, locale=LOCALES[language])
    be(page, "editor")
    send(page, {"en": "I loved Jaws. Something funny", "zh": "我喜欢《大白鲨》，想看好笑的"}[language])
    page.locator("#zy-live .edit > summary").click()
    field = page.locator("#zy-live .edit textarea")
    assert re.search("Jaws|大白鲨", field.input_value())
    said = {"en": "I loved Moon. Something sad", "zh": "我喜欢《月球》，想看悲伤的"}[language]
    field.fill(said)
    page.keyboard.press("Enter")
    page.wait_for_function("said => document.querySelector('#zy-live .said p')?.textContent === said", arg=said)
    answered(page)
    assert page.locator(".turn").count() == 1
    assert bool(HAN.search(page.locator("#zy-live .reason").first.inner_text())) == (language == "zh")
    show(page, "profile")
    lines = " ".join(page.locator("dialog .line p").all_inner_texts())
    assert re.search("Moon|月球", lines)
    assert not re.search("Jaws|大白鲨", lines)
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector("#zy-live .card")
    assert page.locator(".turn").count() == 1


def test_editing_is_left_by_escape_and_changes_nothing(visit, site):
    page = visit(site)
    be(page, "unsure")
    send(page, WISHES["en"])
    page.locator("#zy-live .edit > summary").click()
    page.locator("#zy-live .edit textarea").fill("something else")
    page.keyboard.press("Escape")
    assert page.locator("#zy-live .said > p").inner_text() == WISHES["en"]
    assert not page.locator("#zy-live .edit[open]").count()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_offered_next_is_said_by_a_press(visit, site, language):
    page = visit(site, locale=LOCALES[language])
    be(page, "presser")
    send(page, WISHES[language])
    before = titles(page)
    quick = page.locator("#zy-held .quick")
    assert 2 <= quick.count() <= 4
    quick.first.click()  # others
    page.wait_for_selector("#zy-history .turn")
    answered(page)
    assert len(titles(page)) == 3
    assert not set(before) & set(titles(page))
    alike = page.locator("#zy-live .card").first
    title = alike.locator(".title").inner_text()
    alike.locator(".alike").click()
    page.wait_for_function("n => document.querySelectorAll('.turn').length === n", arg=3)
    answered(page)
    assert title in page.locator("#zy-live .said p").inner_text()
    assert title not in titles(page)
    assert title in page.locator("#zy-live .opening").inner_text()


def test_a_stopped_answer_is_tried_again(visit, slow_site):
    page = visit(slow_site)
    be(page, "again")
    send(page, WISHES["en"], wait=False)
    page.wait_for_selector("#zy-live .reason:not(.waiting)")
    page.locator("#zy-stop").click()
    page.wait_for_selector("#zy-live .retry")
    page.locator("#zy-live .retry").click()
    page.wait_for_selector("#zy-live .turn[data-busy]")
    page.wait_for_selector("#zy-live .turn:not([data-busy])")
    assert page.locator(".turn").count() == 1
    assert not page.locator("#zy-live .note").count()
    assert page.locator("#zy-live .why summary").count() == 3


def test_a_reload_in_mid_answer_keeps_the_cards_and_offers_to_try_again(visit, slow_site):
    page = visit(slow_site)
    be(page, "impatient")
    send(page, WISHES["en"], wait=False)
    page.wait_for_selector("#zy-live .reason:not(.waiting)")
    shown = titles(page)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(1500)  # the old page's turn writes itself down
    page.reload()
    page.wait_for_selector("#zy-live .card")
    assert titles(page) == shown
    assert page.locator("#zy-live .turn[data-busy]").count() == 0
    assert page.locator("#zy-live .retry").is_visible()


@pytest.mark.parametrize("broken", ["engine", "crash"])
def test_a_model_that_fails_in_mid_answer_leaves_an_answer(visit, serve, broken):
    with serve("--break", broken) as (address, _):
        page = visit(address)
        be(page, "unlucky")
        send(page, WISHES["en"])
        assert page.locator("#zy-live .card").count() == 3
        if broken == "engine":  # the reasons come from the cards
            assert all(len(reason) > 10 for reason in page.locator("#zy-live .reason").all_inner_texts())
        else:
            assert "Something went wrong" in page.locator("#zy-live .note.error").inner_text()
            assert box(page).input_value() == WISHES["en"]
        assert (page.locator("#zy-live .retry").count() == 1) == (broken == "crash")
        page.reload()
        page.wait_for_selector("#zy-live .card")
        assert page.locator(".turn").count() == 1


def test_everything_is_there_after_a_restart_of_the_server(visit, serve):
    name = f"stayer-{uuid.uuid4().hex[:6]}"
    with serve() as (address, _):
        page = visit(address)
        become(page, name)
        send(page, WISHES["zh"])
        page.locator("#zy-live .mark-liked").first.click()
        page.locator("#zy-live .mark-saved").nth(1).click()
        page.wait_for_timeout(700)
        shown = titles(page)
    with serve() as (address, _):
        page = visit(address, locale="zh-CN")  # another port is another origin: the browser remembers nothing
        become(page, name)
        page.wait_for_selector("#zy-live .card")
        assert titles(page) == shown
        assert page.locator("#zy-live .mark-liked").first.get_attribute("aria-pressed") == "true"
        show(page, "saved")
        assert page.locator("dialog .small .title").all_inner_texts() == [shown[1]]


def test_the_page_goes_on_when_the_server_comes_back(visit, serve, tmp_path):
    port = str(free_port())
    with serve(port=port) as (address, _):
        page = visit(address)
        be(page, "patient")
        send(page, WISHES["en"])
    with serve(port=port):
        page.reload()
        page.wait_for_selector("#zy-live .card")
        send(page, "something funny")
        assert page.locator(".turn").count() == 2


def test_two_people_at_once_see_nothing_of_each_other(visit, slow_site):
    pages = [visit(slow_site), visit(slow_site, locale="zh-CN")]
    wishes = [WISHES["en"], WISHES["zh"]]
    for n, page in enumerate(pages):
        be(page, f"twin{n}")
    for page, wish in zip(pages, wishes, strict=True):
        send(page, wish, wait=False)
    for page in pages:
        page.wait_for_selector("#zy-live .card")
    pages[0].locator("#zy-live .mark-liked").first.click()
    for page, wish, other in zip(pages, wishes, reversed(wishes), strict=True):
        answered(page)
        assert page.locator("#zy-live .said p").inner_text() == wish
        assert other not in page.locator("#zy-live").inner_text()
        assert len(page.locator(".talk").all()) == 1
    assert pages[1].locator(".mark[aria-pressed=true]").count() == 0


def test_two_hundred_messages_in_one_conversation(visit, serve, make_pipeline, tmp_path):
    name, store = f"talker-{uuid.uuid4().hex[:6]}", SqlUserStore(f"sqlite:///{tmp_path / 'users.db'}")
    pipeline = make_pipeline(store=store)
    words = ["something funny", "更老一点的", "no horror", "来部悲伤的", "something else", "thanks"]
    for n in range(198):
        pipeline.complete(words[n % len(words)], store.load("long", name), pipeline.profile(name))
    store.close()
    with serve() as (address, _):
        page = visit(address)
        become(page, name)
        page.wait_for_selector("#zy-live .turn")
        assert page.locator(".turn").count() == 21  # the earlier ones are a press away
        page.locator(".earlier button").click()
        page.wait_for_function("document.querySelectorAll('.turn').length === 198")
        send(page, "a warm comedy")
        send(page, "what do you know about me?")
        assert page.locator("#zy-live .opening").inner_text()
        assert page.locator(".turn").count() == 21


def test_a_correction_of_the_profile_changes_the_next_recommendation(visit, site):
    page = visit(site)
    be(page, "corrector")
    send(page, "I never want to see horror. Something scary")
    page.locator("#zy-new").click()
    page.wait_for_selector(".turn", state="detached")
    send(page, "a tense film")
    assert "horror" not in " ".join(page.locator("#zy-live .facts").all_inner_texts())
    show(page, "profile")
    never = page.locator("dialog .line", has_text="horror").first
    line = never.locator("p").inner_text()
    never.locator(".away").click()
    page.wait_for_selector("dialog .done")
    assert line not in page.locator("dialog .line p").all_inner_texts()
    page.keyboard.press("Escape")
    page.locator("#zy-new").click()
    page.wait_for_selector(".turn", state="detached")
    send(page, "a horror film")
    assert "horror" in " ".join(page.locator("#zy-live .facts").all_inner_texts())
