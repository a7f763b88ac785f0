"""What a person does on the page."""

from __future__ import annotations

import re
import uuid

WISHES = {
    "en": "I loved Interstellar and Arrival; something quieter and thoughtful, no horror",
    "zh": "我喜欢《星际穿越》和《降临》，想看安静一点、有思考的，不要恐怖片",
}
HAN = re.compile(r"[\u4e00-\u9fff]")


def be(page, user):
    """Become somebody of whom nothing is known yet."""
    name = f"{user}-{uuid.uuid4().hex[:6]}"
    become(page, name)
    return name


def open_menu(page):
    """Show what stands beside the conversation, in a narrow window too."""
    menu = page.locator("[data-menu]")
    if menu.is_visible() and not page.locator("body.menu").count():
        menu.click()


def close_menu(page):
    if page.locator("body.menu").count():
        page.keyboard.press("Escape")
        page.wait_for_selector("body.menu", state="detached")


def become(page, name):
    open_menu(page)
    page.get_by_label(re.compile("Your name|你的名字")).fill(name)
    page.keyboard.press("Enter")
    page.wait_for_function("name => document.querySelector('#zy-welcome').textContent.includes(name)", arg=name)
    close_menu(page)


def box(page):
    return page.locator("#zy-message textarea")


def send(page, message, *, wait=True):
    before = page.evaluate("document.querySelector('#zy-live .turn')?.dataset.key ?? ''")
    box(page).fill(message)
    page.locator("#zy-send").click()
    if wait:
        page.wait_for_function("key => (document.querySelector('#zy-live .turn')?.dataset.key ?? key) !== key", arg=before)
        answered(page)


def answered(page):
    """Wait until the running turn is over."""
    page.wait_for_selector("#zy-live .turn:not([data-busy])")


def show(page, room):
    """Open a dialog, and return it."""
    open_menu(page)
    page.locator(f"#zy-side [data-show={room}]").click()
    page.wait_for_selector("dialog[open]")
    return page.locator("dialog[open]")
