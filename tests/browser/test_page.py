"""The page as a person uses it, with the real pipeline behind it and a scripted model."""

from __future__ import annotations

import re

import pytest
from acts import HAN, WISHES, be, become, box, open_menu, send

pytestmark = pytest.mark.browser


def check_cards(page, language):
    """Three cards of the last turn, each with facts and a reason in the language, none of them horror."""
    cards = page.locator("#zy-live .card")
    assert cards.count() == 3
    for n in range(3):
        reason = cards.nth(n).locator(".reason").inner_text()
        assert len(reason) > 10
        assert bool(HAN.search(reason)) == (language == "zh")
        assert re.search(r"\d{4}", cards.nth(n).locator(".facts").inner_text())
    assert not re.search("horror|恐怖", " ".join(page.locator("#zy-live .facts").all_inner_texts()))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_message_brings_three_cards_with_reasons(visit, site, language):
    page = visit(site)
    be(page, "reader")
    send(page, WISHES[language])
    check_cards(page, language)
    assert page.locator("#zy-live .turn").get_attribute("lang") == language
    assert page.locator("#zy-live .said p").inner_text() == WISHES[language]
    assert box(page).input_value() == ""


def test_why_this_names_sources_and_channels(visit, site):
    page = visit(site)
    be(page, "curious")
    send(page, WISHES["en"])
    why = page.locator("#zy-live .card").first.locator("details.why")
    assert not why.locator(".why-body").is_visible()
    why.locator("summary").focus()
    page.keyboard.press("Enter")
    assert why.locator(".why-body").is_visible()
    assert why.locator(".sources li").first.inner_text()
    assert re.search(r"place \d+", why.locator(".channels").inner_text())


def test_a_like_survives_a_reload_and_can_be_taken_back(visit, site):
    page = visit(site)
    be(page, "fan")
    send(page, WISHES["en"])
    like, dislike, seen = (page.locator(f"#zy-live .mark-{kind}").first for kind in ("liked", "disliked", "seen"))
    dislike.click()
    like.click()
    seen.click()
    assert like.get_attribute("aria-pressed") == "true"
    assert dislike.get_attribute("aria-pressed") == "false"
    page.wait_for_timeout(700)
    title = page.locator("#zy-live .card .title").first.inner_text()
    page.reload()
    page.wait_for_selector("#zy-live .card")
    assert page.locator("#zy-live .card .title").first.inner_text() == title
    states = [b.get_attribute("aria-pressed") for b in page.locator("#zy-live .card").first.locator(".mark").all()]
    assert states == ["true", "false", "true", "false"]
    page.locator("#zy-live .mark-liked").first.click()
    page.wait_for_timeout(700)
    page.reload()
    page.wait_for_selector("#zy-live .card")
    assert page.locator("#zy-live .mark-liked").first.get_attribute("aria-pressed") == "false"


def test_two_users_see_nothing_of_each_other(visit, site):
    page = visit(site)
    first = be(page, "one")
    send(page, WISHES["en"])
    page.locator("#zy-live .mark-liked").first.click()
    second = be(page, "two")
    assert page.locator(".turn").count() == 0
    assert WISHES["en"] not in page.locator("#zy-main").inner_text().replace(page.locator("#zy-welcome").inner_text(), "")
    send(page, WISHES["zh"])
    assert page.locator(".turn").count() == 1
    become(page, first)
    page.wait_for_selector("#zy-live .mark-liked[aria-pressed=true]")
    assert page.locator("#zy-live .said p").inner_text() == WISHES["en"]
    other = visit(site)  # another browser
    become(other, second)
    other.wait_for_selector("#zy-live .card")
    assert other.locator("#zy-live .said p").inner_text() == WISHES["zh"]
    assert other.locator(".mark[aria-pressed=true]").count() == 0


def test_a_conversation_grows_and_a_new_one_begins(visit, site):
    page = visit(site)
    be(page, "talker")
    send(page, WISHES["en"])
    send(page, "something funny instead")
    page.wait_for_selector("#zy-history .turn")
    assert page.locator(".turn").count() == 2
    page.locator("#zy-new").click()
    page.wait_for_selector(".turn", state="detached")
    assert page.locator(".example").first.is_visible()
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(500)
    assert page.locator(".turn").count() == 0


def test_stop_ends_a_turn_and_keeps_what_was_written(visit, slow_site):
    page = visit(slow_site)
    be(page, "hasty")
    send(page, WISHES["en"], wait=False)
    page.wait_for_selector("#zy-live .reason:not(.waiting)")
    assert page.locator("#zy-send").is_hidden()
    page.locator("#zy-stop").click()
    page.wait_for_selector("#zy-live .turn[data-busy]", state="detached", timeout=4000)  # the rest would take six seconds
    assert "Stopped" in page.locator("#zy-live .note").inner_text()
    assert page.locator("#zy-live .reason.waiting").count() == 0
    assert page.locator("#zy-send").is_visible()
    assert page.locator("#zy-send").inner_text() == "Send"
    page.reload()
    page.wait_for_selector("#zy-live .card")
    assert "Stopped" in page.locator("#zy-live .note").inner_text()


def test_a_change_of_user_in_mid_answer_shows_nothing_of_it(visit, slow_site):
    page = visit(slow_site)
    be(page, "left")
    send(page, WISHES["en"], wait=False)
    page.wait_for_selector("#zy-live .card")
    be(page, "came")
    page.wait_for_timeout(1500)
    assert page.locator(".turn").count() == 0


def test_typing_goes_on_during_an_answer(visit, slow_site):
    page = visit(slow_site)
    be(page, "typist")
    send(page, WISHES["zh"], wait=False)
    page.wait_for_selector("#zy-live .reason:not(.waiting)")
    box(page).fill("and then")
    page.wait_for_selector("#zy-live .turn[data-busy]", state="detached")
    assert box(page).input_value() == "and then"


@pytest.mark.parametrize(
    ("locale", "message", "said"),
    [("en-US", "   ", "empty"), ("en-US", "long " * 1000, "4,?999|5,?000"), ("zh-CN", "长" * 5000, "5000")],
)
def test_a_bad_message_is_answered_clearly_and_kept(visit, site, locale, message, said):
    page = visit(site, locale=locale)
    be(page, "clumsy")
    send(page, message, wait=False)
    notice = page.locator(".notice[role=alert]")
    notice.wait_for()
    assert re.search(said, notice.inner_text())
    assert bool(HAN.search(notice.inner_text())) == (locale == "zh-CN")
    assert box(page).input_value() == message
    assert page.locator(".turn").count() == 0
    send(page, WISHES["en"])
    assert page.locator(".notice").count() == 0


def test_hostile_words_stay_words(visit, site):
    page = visit(site)
    be(page, '<img src="x" onerror="document.title=1">')
    hostile = "<img src=https://example.com/a.png onerror=\"document.title='bad'\"> {{value}} ${1+1} **bold** ![x](https://example.com/b.png)"
    send(page, hostile)
    assert page.locator("#zy-live .said p").inner_text() == hostile
    assert page.locator("#zy-main img").count() == 0
    assert page.title() == "Zhiyin 知音"


def test_the_language_follows_the_browser_and_the_switch(visit, site):
    page = visit(site, locale="zh-CN")
    assert page.locator("#zy-send").inner_text() == "发送"
    assert page.evaluate("document.documentElement.lang") == "zh"
    page.locator("#zy-language").get_by_text("English").click()
    page.get_by_role("button", name="Send", exact=True).wait_for()
    page.wait_for_timeout(300)
    page.reload()
    page.get_by_role("button", name="Send", exact=True).wait_for()


def test_an_example_is_sent_by_a_press(visit, site):
    page = visit(site)
    be(page, "presser")
    page.locator(".example").first.click()
    page.wait_for_selector("#zy-live .card")
    assert page.locator("#zy-live .said p").inner_text() == WISHES["en"]


@pytest.mark.parametrize(("locale", "wish"), [("en-US", "recommend something"), ("zh-CN", "推荐点什么")])
def test_a_question_is_answered_by_a_press(visit, site, locale, wish):
    page = visit(site, locale=locale, viewport={"width": 375, "height": 720}, has_touch=True)
    be(page, "undecided")
    send(page, wish)
    options = page.locator("#zy-live .option")
    assert 2 <= options.count() <= 4
    assert page.locator("#zy-live .card").count() == 0
    assert all(option.bounding_box()["height"] >= 44 for option in options.all())
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    chosen = options.first.inner_text()
    box(page).fill("half a thought")
    options.first.tap()
    page.wait_for_selector("#zy-live .turn:not([data-busy]) .card")
    assert page.locator("#zy-live .said p").inner_text() == chosen
    assert page.locator(".option").count() == 0
    assert box(page).input_value() == "half a thought"
    assert page.locator(".chip").first.inner_text().startswith(chosen)


def test_a_question_is_answered_by_the_keyboard_and_once(visit, site):
    page = visit(site)
    be(page, "typing")
    send(page, "recommend something")
    page.locator("#zy-live .option").nth(1).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_selector("#zy-live .turn:not([data-busy]) .card")
    assert page.locator(".turn").count() == 2
    page.reload()
    page.wait_for_selector("#zy-live .card")
    assert page.locator(".turn").count() == 2


@pytest.mark.parametrize(
    ("locale", "wish", "chip", "said"),
    [
        ("en-US", "a funny film from the nineties, no horror", "1990–1999", "Drop “1990–1999”."),
        ("zh-CN", "九十年代好笑的，不要恐怖片", "1990—1999年", "不再要求“1990—1999年”。"),
    ],
)
def test_what_is_asked_is_shown_and_can_be_dropped(visit, site, locale, wish, chip, said):
    page = visit(site, locale=locale, viewport={"width": 375, "height": 720}, color_scheme="dark")
    be(page, "strict")
    send(page, wish)
    chips = page.locator(".chip span")
    labels = chips.all_inner_texts()
    assert chip in labels
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_role("button", name=said.rstrip(".。")).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#zy-history .turn")
    page.wait_for_selector("#zy-live .turn:not([data-busy]) .card")
    page.wait_for_function("chip => ![...document.querySelectorAll('.chip span')].some(c => c.textContent === chip)", arg=chip)
    assert page.locator("#zy-live .said p").inner_text() == said
    assert sorted(chips.all_inner_texts()) == sorted(set(labels) - {chip})
    assert page.evaluate("document.activeElement.closest('#zy-message') !== null")
    page.reload()
    page.wait_for_selector("#zy-live .card")
    assert sorted(chips.all_inner_texts()) == sorted(set(labels) - {chip})
    open_menu(page)
    page.locator("#zy-new").click()
    page.wait_for_selector(".chip", state="detached")


def test_the_keyboard_is_enough(visit, site):
    page = visit(site)
    be(page, "keys")
    box(page).focus()
    page.keyboard.type("a warm comedy")
    page.keyboard.press("Enter")
    page.wait_for_selector("#zy-live .turn:not([data-busy]) .card")
    page.locator("#zy-live .mark").first.focus()
    page.keyboard.press("Space")
    assert page.locator("#zy-live .mark").first.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.dataset.kind") == "liked"


def test_nothing_is_wider_than_a_phone(visit, site):
    page = visit(site, viewport={"width": 390, "height": 844}, color_scheme="dark")
    be(page, "phone")
    send(page, WISHES["en"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_loading_is_shown_and_a_message_waits(visit, serve):
    with serve("--load-seconds", "15") as (address, seconds):
        assert seconds < 15  # the page answers before its parts are there
        page = visit(address, locale="zh-CN", ready=False)
        bar = page.locator(".loading [role=progressbar]")
        bar.wait_for()
        assert "正在" in bar.get_attribute("aria-valuetext")
        send(page, WISHES["zh"], wait=False)
        page.locator(".notice").wait_for()
        assert "加载" in page.locator(".notice").inner_text()
        assert box(page).input_value() == WISHES["zh"]
        page.wait_for_selector(".loading", state="detached")
        page.locator("#zy-send").click()
        page.wait_for_selector("#zy-live .card")


def test_a_failed_start_says_what_to_do(visit, serve):
    with serve("--fail") as (address, _):
        page = visit(address, ready=False)
        failed = page.locator(".loading.failed")
        failed.wait_for()
        assert "python app.py weights" in failed.inner_text()
        send(page, "hello", wait=False)
        page.locator(".notice").wait_for()
        assert box(page).input_value() == "hello"


def test_progress_choice_and_reasons_are_read_out_once(visit, slow_site):
    page = visit(slow_site)
    be(page, "listener")
    send(page, WISHES["en"])
    page.locator("#zy-status").wait_for(state="attached")
    titles = page.locator("#zy-live .title").all_inner_texts()
    words = page.locator("#zy-status p").all_text_contents()
    assert f"Chosen: {', '.join(titles)}." in words
    assert [w.split(":")[0] for w in words[-3:]] == titles
    assert len(set(words)) == len(words)
