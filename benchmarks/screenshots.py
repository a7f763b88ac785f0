"""Takes a picture of every state of the page: ``python -m benchmarks.screenshots docs/screenshots``.

Starts ``app.py`` with the real model and user data of its own, and walks through it in Debian's Chromium: in English and in
Chinese, light and dark, on a wide window and on a phone. A picture is named by state, language, scheme and window.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.browsing import ARGUMENTS, CHROMIUM, send, served, visit
from retrieval.domain_files import load_domain, shipped_domains

WIDE, PHONE = {"width": 1280, "height": 880}, {"width": 390, "height": 844}
LOOKS = (("en", "light", "wide"), ("zh", "dark", "wide"), ("zh", "light", "phone"), ("en", "dark", "phone"))
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
WISHES = {
    "en": "I loved Interstellar and Arrival; something quieter and thoughtful, no horror",
    "zh": "九十年代的华语爱情片，不要悲剧",
}
OPEN = {"en": "recommend something", "zh": "推荐点什么"}
IMPOSSIBLE = {"en": "a musical from Iran before 1940", "zh": "1940年以前的伊朗歌舞片"}
NAMES = {"en": ("Mira", "Anna"), "zh": ("小雨", "阿明")}
COLOURS = 256  # of a picture: a page of few colours stays sharp, at a third of the size


def take(page: Any, path: Path) -> None:
    """Take a picture of the window, with few colours."""
    page.wait_for_timeout(450)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def show(page: Any, room: str) -> None:
    """Open what stands beside the conversation."""
    if page.locator("[data-menu]").is_visible():
        page.locator("[data-menu]").click()
    page.locator(f"#zy-side [data-show={room}]").click()
    page.wait_for_selector("dialog canvas" if room == "map" else "dialog[open]")


def walk(page: Any, language: str) -> Iterator[str]:
    """Go from state to state, and yield the name of each."""
    page.locator("#zy-user textarea, #zy-user input").first.evaluate("(box) => box.blur()")
    yield "start"
    send(page, OPEN[language])
    yield "question"
    page.locator("#zy-live .option").first.click()
    page.wait_for_selector("#zy-live .turn:not([data-busy]) .card")
    send(page, IMPOSSIBLE[language])
    yield "nothing-found"
    page.evaluate("document.querySelector('#zy-new').click()")
    page.wait_for_selector(".turn", state="detached")
    send(page, WISHES[language], wait=False)
    page.wait_for_selector("#zy-live .card")
    page.wait_for_timeout(2500)
    yield "working"
    page.wait_for_selector("#zy-live .turn:not([data-busy])")
    page.locator("#zy-live .mark-liked").first.click()
    page.locator("#zy-live .mark-saved").nth(1).click()
    yield "conversation"
    page.locator("#zy-live .cited").nth(1).focus()
    yield "source"
    page.locator("#zy-live details.why summary").first.click()
    page.locator("#zy-live .card").first.evaluate("card => card.scrollIntoView()")
    yield "why"
    page.locator("#zy-live details.why summary").first.click()
    page.evaluate("document.querySelector('#zy-live .turn').scrollIntoView()")
    page.locator("#zy-live .edit > summary").click()
    yield "edit"
    page.keyboard.press("Escape")
    page.locator("#zy-live button.title").first.click()
    page.wait_for_selector("dialog.item[open]")
    yield "details"
    page.locator("dialog [data-close]").click()
    for room in ("map", "saved", "profile", "settings"):
        show(page, room)
        yield room
        page.locator("dialog [data-close]").click()
    if page.locator("[data-menu]").is_visible():
        page.locator("[data-menu]").click()
        yield "menu"
        page.keyboard.press("Escape")
    yield from _troubles(page, language)


def _troubles(page: Any, language: str) -> Iterator[str]:
    send(page, OPEN[language], wait=False)
    page.wait_for_timeout(150)
    page.wait_for_selector("#zy-live .turn:not([data-busy])")
    page.locator("#zy-message textarea").fill("?" * 5000)
    page.locator("#zy-send").click()
    page.wait_for_selector(".notice")
    yield "too-long"
    page.locator("#zy-message textarea").fill("")
    page.evaluate("document.querySelector('#zy-private').click()")
    page.wait_for_selector(".private")
    send(page, WISHES[language], wait=False)
    page.wait_for_selector("#zy-live .reason:not(.waiting)")
    page.wait_for_timeout(1500)
    if page.locator("#zy-stop").is_visible():
        page.locator("#zy-stop").click()
        page.wait_for_selector("#zy-live .retry")
    yield "private-stopped"


def take_domains(browser: Any, folder: Path, data: str, arguments: list[str]) -> None:
    """Take the answer to the first offered message of every other domain: English, light, wide; Chinese, dark, on a phone."""
    names = [name for name in shipped_domains() if name != "movies"]
    with served(data, "--domain", ",".join(names), *arguments) as (address, _):
        for name in names:
            for language, scheme, window in LOOKS[0], ("zh", "dark", "phone"):
                context = {
                    "color_scheme": scheme,
                    "viewport": WIDE if window == "wide" else PHONE,
                    "has_touch": window == "phone",
                }
                path = "" if name == names[0] else f"/{name}"
                with visit(browser, f"{address}{path}/", LOCALES[language], **context) as page:
                    page.evaluate("document.querySelector('#zy-new').click()")
                    page.wait_for_selector(".turn", state="detached")
                    send(page, load_domain(name).starters[language][0])
                    page.wait_for_timeout(400)
                    take(page, folder / f"domain-{name}-{language}-{scheme}-{window}.png")
            print(f"{name}: done")


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--demo", action="store_true", help="without weights: to look at the page itself")
    parser.add_argument("--domains", action="store_true", help="nothing but a picture of every other domain")
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    arguments = ["--offline-demo"] if options.demo else []
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        take_domains(browser, folder, data, arguments)
        browser.close()
    if options.domains:
        return
    with tempfile.TemporaryDirectory() as data, ExitStack() as stack:
        address, seconds = stack.enter_context(served(data, *arguments))
        print(f"the page answered after {seconds:.1f} s")
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for n, (language, scheme, window) in enumerate(LOOKS):
            context = {
                "color_scheme": scheme,
                "viewport": WIDE if window == "wide" else PHONE,
                "has_touch": window == "phone",
            }
            look = f"{language}-{scheme}-{window}"
            with visit(browser, address, LOCALES[language], ready=False, **context) as page:
                if n == 0:
                    take(page, folder / f"loading-{look}.png")
                page.wait_for_selector(".loading", state="detached")
                page.evaluate("document.body.classList.add('menu')")
                name = page.locator("#zy-user textarea, #zy-user input").first
                name.fill(NAMES[language][n // 2])  # somebody new each time: the start page is for them
                name.press("Enter")
                page.wait_for_selector(".tile")
                page.evaluate("document.body.classList.remove('menu')")
                page.wait_for_timeout(400)
                for state in walk(page, language):
                    take(page, folder / f"{state}-{look}.png")
            print(f"{look}: done after {time.monotonic() - started:.0f} s")
        browser.close()
    sizes = [path.stat().st_size for path in folder.glob("*.png")]
    print(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
