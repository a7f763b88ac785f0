"""What stands beside the conversation: the start page, details, saved items, the map, the settings, and the way with keys."""

from __future__ import annotations

import csv
import io
import re

import pytest
from acts import WISHES, answered, be, open_menu, send, show

pytestmark = pytest.mark.browser
LOCALES = {"en": "en-US", "zh": "zh-CN"}
PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_somebody_new_reacts_to_a_few_and_gets_a_first_recommendation(visit, site, language):
    page = visit(site, locale=LOCALES[language])
    be(page, "new")
    tiles = page.locator(".tile")
    assert tiles.count() == 8
    first = tiles.locator(".title").all_inner_texts()
    page.locator("[data-others]").click()
    page.wait_for_function("t => document.querySelector('.tile .title').textContent !== t", arg=first[0])
    second = tiles.locator(".title").all_inner_texts()
    assert not set(first) & set(second)
    tiles.nth(0).locator(".mark-liked").click()
    tiles.nth(1).locator(".mark-disliked").click()
    page.wait_for_timeout(500)
    page.locator("[data-go]").click()
    page.wait_for_selector("#zy-live .turn")
    answered(page)
    shown = page.locator("#zy-live .card .title").all_inner_texts()
    assert len(shown) == 3
    assert not {second[0], second[1]} & set(shown)
    assert not page.locator(".tile").first.is_visible()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_details_show_the_whole_card_and_what_is_like_it(visit, site, language):
    page = visit(site, locale=LOCALES[language])
    be(page, "reader")
    send(page, WISHES[language])
    title = page.locator("#zy-live .card .title").first.inner_text()
    page.locator("#zy-live .card .cover").first.click()
    drawer = page.locator("dialog.item[open]")
    drawer.wait_for()
    assert drawer.locator("h2").inner_text() == title
    assert drawer.locator("dl > div").count() >= 6
    assert len(drawer.locator(".words").inner_text()) > 80
    assert drawer.locator(".small li").count() >= 4
    drawer.locator(".mark-seen").click()
    other = drawer.locator(".small .title").first.inner_text()
    drawer.locator(".small .title").first.click()
    page.wait_for_function("t => document.querySelector('dialog.item h2').textContent === t", arg=other)
    page.keyboard.press("Escape")
    assert not page.locator("dialog[open]").count()
    assert page.locator("#zy-live .mark-seen").first.get_attribute("aria-pressed") == "true"


def test_what_a_sentence_rests_on_shows_under_the_pointer_and_the_focus(visit, site):
    page = visit(site)
    be(page, "doubter")
    send(page, WISHES["en"])
    cited = page.locator("#zy-live .cited").first
    assert not cited.locator(".tip").is_visible()
    cited.hover()
    assert cited.locator(".tip").is_visible()
    page.mouse.move(0, 0)
    cited.focus()
    assert re.search("card|your words", cited.locator(".tip").inner_text())


def test_why_shows_what_each_channel_gave_and_what_was_checked(visit, site):
    page = visit(site)
    be(page, "curious")
    send(page, WISHES["en"])
    page.locator("#zy-live .why summary").first.click()
    body = page.locator("#zy-live .why-body").first
    parts = [int(part.split()[0]) for part in body.locator(".part").all_inner_texts()]
    assert 98 <= sum(parts) <= 102
    assert parts == sorted(parts, reverse=True)
    assert "no horror" in body.locator(".checks").inner_text()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_saved_is_listed_taken_along_and_let_go(visit, site, language):
    page = visit(site, locale=LOCALES[language])
    be(page, "saver")
    send(page, WISHES[language])
    wanted = page.locator("#zy-live .card .title").all_inner_texts()
    for n in (0, 2):
        page.locator("#zy-live .mark-saved").nth(n).click()
    page.wait_for_timeout(500)
    show(page, "saved")
    listed = page.locator("dialog .small")
    assert listed.locator(".title").all_inner_texts() == [wanted[2], wanted[0]]
    with page.expect_download() as download:
        page.locator("dialog [data-own=saved]").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == [wanted[2], wanted[0]]
    listed.locator(".mark-saved").first.click()
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    show(page, "saved")
    page.wait_for_function("document.querySelectorAll('dialog .small li').length === 1")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_map_shows_the_catalogue_and_opens_a_card(visit, site, language):
    page = visit(site, locale=LOCALES[language])
    page.set_default_timeout(90_000)  # it is made once a server
    be(page, "explorer")
    send(page, WISHES[language])
    show(page, "map")
    canvas = page.locator("dialog canvas")
    canvas.wait_for()
    painted = """canvas => {
      const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      let n = 0;
      for (let i = 3; i < data.length; i += 4) n += data[i] > 0;
      return n;
    }"""
    before = canvas.evaluate(painted)
    assert before > 1000
    page.locator("[data-zoom]").first.click()
    assert canvas.evaluate(painted) != before
    page.locator("dialog .mine summary").click()
    title = page.locator("dialog .mine .title").first.inner_text()
    page.locator("dialog .mine .title").first.click()
    page.wait_for_selector("dialog.item[open]")
    assert page.locator("dialog.item h2").inner_text() == title


def test_how_many_are_shown_is_set_and_stays(visit, site):
    page = visit(site)
    be(page, "setter")
    show(page, "settings")
    page.locator("dialog [data-setting=count] label", has_text="5").click()
    page.wait_for_selector("dialog .done")
    page.locator("dialog [data-setting=explore] label").last.click()
    page.wait_for_timeout(400)
    page.keyboard.press("Escape")
    send(page, "something funny")
    assert page.locator("#zy-live .card").count() == 5
    page.reload()
    page.wait_for_selector("#zy-live .card")
    show(page, "settings")
    assert page.locator("dialog [data-setting=count] input:checked").get_attribute("value") == "5"
    assert page.locator("dialog [data-setting=explore] input:checked").get_attribute("value") == "far"
    assert re.search(r"\d s an answer", page.locator("dialog dl").inner_text())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_phone_shows_everything(visit, site, language):
    page = visit(site, locale=LOCALES[language], viewport=PHONE, has_touch=True, color_scheme="dark")
    be(page, "phone")
    page.locator(".find").wait_for(state="hidden")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    send(page, WISHES[language])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for room in ("saved", "profile", "settings"):
        open_menu(page)
        page.locator(f"#zy-side [data-show={room}]").tap()
        page.wait_for_selector("dialog[open]")
        assert not page.locator("body.menu").count()
        box = page.locator("dialog[open]").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        page.locator("dialog [data-close]").tap()
    page.locator("#zy-live button.title").first.tap()
    page.wait_for_selector("dialog.item[open]")
    assert page.locator("dialog.item").bounding_box()["width"] <= 390
    page.locator("dialog [data-close]").tap()
    open_menu(page)
    page.locator("#zy-new").tap()
    page.wait_for_selector(".turn", state="detached")
    open_menu(page)
    page.locator(".talk .open").first.tap()
    page.wait_for_selector("#zy-live .card")
    assert not page.locator("body.menu").count()


def test_everything_is_done_with_keys_alone(visit, site):
    page = visit(site)
    be(page, "keys")
    page.locator("#zy-message textarea").focus()
    page.keyboard.type(WISHES["en"])
    page.keyboard.press("Enter")
    page.wait_for_selector("#zy-live .card")
    answered(page)

    def tab_to(selector, limit=60):
        for _ in range(limit):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        pytest.fail(f"no way to {selector} by Tab")

    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    tab_to("#zy-new")
    tab_to(".talk .open")
    tab_to("[data-show=settings]")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.settings[open]")
    tab_to("dialog [data-setting=count] input")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("dialog .done")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('[data-show=settings]')")  # where it came from
    tab_to("#zy-live .edit > summary")
    tab_to("#zy-live button.title")
    tab_to("#zy-live .cited")
    tab_to("#zy-live .mark-saved")
    page.keyboard.press("Space")
    tab_to("#zy-live .alike")
    tab_to("#zy-live .why summary")
    page.keyboard.press("Enter")
    assert page.locator("#zy-live .why[open]").count() == 1
    tab_to("#zy-held .quick")
    tab_to(".chip")
    tab_to("#zy-message textarea")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_with_a_password_everybody_is_who_they_signed_in_as(visit, serve, language):
    name = {"en": "Ann", "zh": "安"}[language]
    with serve("--password", "open sesame") as (address, _):
        page = visit(address, locale=LOCALES[language], sign_in={"name": name, "password": "open sesame"})
        assert not page.locator("#zy-user").is_visible()
        assert name in page.locator(".who").inner_text()
        send(page, WISHES[language])
        assert page.locator("#zy-live .card").count() == 3
        other = visit(address, sign_in={"name": "Eve", "password": "open sesame"})
        assert other.locator(".turn").count() == 0
        assert other.locator(".talk").count() == 0
        page.locator(".who button").click()
        page.wait_for_selector("input[name=password]")
        page.locator("input[name=name]").fill("Eve")
        page.locator("input[name=password]").fill("guess")
        page.locator("button").click()
        page.wait_for_selector("[role=alert]")
        page.goto(address)
        page.wait_for_selector("input[name=password]")


def states(page, language):
    """Walk through the states of the page, yielding the name of each."""
    yield "start"
    send(page, WISHES[language])
    page.locator("#zy-live .why summary").first.click()
    yield "conversation"
    page.locator("#zy-live .mark-saved").first.click()
    page.locator("#zy-live .edit > summary").click()
    yield "edit"
    page.keyboard.press("Escape")
    for room in ("saved", "profile", "settings"):
        show(page, room)
        yield room
        page.locator("dialog [data-close]").click()
    page.locator("#zy-live button.title").first.click()
    page.wait_for_selector("dialog.item[open]")
    yield "item"
    page.locator("dialog [data-close]").click()


@pytest.mark.parametrize(
    ("language", "scheme", "window"),
    [
        ("en", "light", {"width": 1280, "height": 860}),
        ("zh", "dark", {"width": 1280, "height": 860}),
        ("zh", "light", PHONE),
        ("en", "dark", PHONE),
    ],
)
def test_axe_finds_nothing_serious(visit, site, language, scheme, window):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(site, locale=LOCALES[language], viewport=window, color_scheme=scheme)
    be(page, "axe")
    axe, options = Axe(), {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = []
    for state in states(page, language):
        page.wait_for_timeout(400)
        result = axe.run(page, options=options).response
        assert len(result["passes"]) > 15  # it looked
        for violation in result["violations"]:
            if violation["impact"] in ("serious", "critical"):
                found += [
                    (state, violation["id"], node["html"][:120], node["failureSummary"][:200]) for node in violation["nodes"]
                ]
    assert not found, found
