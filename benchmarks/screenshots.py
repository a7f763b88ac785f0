"""Makes the README's screenshots with the real model: ``python -m benchmarks.screenshots docs/screenshots``.

Starts ``app.py`` on a free port with user data of its own, talks to it in Debian's Chromium, and prints how long the page
took to answer and to load.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = ("background-networking", "component-update", "sync")
ARGUMENTS = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in QUIET)]
TALKS = {
    "en": ["I loved Interstellar and Arrival; something quieter and thoughtful, no horror"],
    "zh": ["九十年代的华语爱情片，不要悲剧"],
}


def start(port: int, data: str) -> tuple[subprocess.Popen[bytes], float]:
    """Start the page; returns its process and the seconds until it answered."""
    command = [sys.executable, "app.py", "--port", str(port)]
    started = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, "ZHIYIN_DATA": data})
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1).close()
            return process, time.monotonic() - started
        except OSError:
            if process.poll() is not None:
                raise SystemExit("the page did not start") from None
            time.sleep(0.05)


def talk(browser: Any, address: str, language: str, folder: Path) -> None:
    """Hold one conversation and take its picture."""
    context = browser.new_context(
        locale="zh-CN" if language == "zh" else "en-GB", viewport={"width": 1100, "height": 900}, device_scale_factor=1
    )
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    page.wait_for_selector(".loading", state="detached")
    page.locator("#zy-new").click()
    page.wait_for_selector("#zy-history .turn, #zy-live .turn", state="detached")
    for message in TALKS[language]:
        page.locator("#zy-message textarea").fill(message)
        page.locator("#zy-send").click()
        page.wait_for_selector("#zy-live .turn")
        page.wait_for_selector("#zy-live .turn[data-busy]", state="detached")
    page.locator("#zy-live .mark-liked").first.click()
    page.wait_for_selector("#zy-live .mark-liked[aria-pressed='true']")
    page.locator("#zy-live details.why summary").first.click()
    height = page.evaluate("Math.ceil(document.documentElement.scrollHeight)")
    page.set_viewport_size({"width": 1100, "height": min(int(height) + 20, 1500)})
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(500)
    page.screenshot(path=str(folder / f"conversation-{language}.png"))
    context.close()


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        process, seconds = start(port, data)
        try:
            print(f"the page answered after {seconds:.1f} s")
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            started = time.monotonic()
            for language in TALKS:
                talk(browser, f"http://127.0.0.1:{port}", language, folder)
                print(f"{language}: done after {time.monotonic() - started:.1f} s")
            browser.close()
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
