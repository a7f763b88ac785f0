"""A real page in a process of its own and a real browser before it, for benchmarks and screenshots."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

CHROMIUM = "/usr/bin/chromium"
QUIET = ("background-networking", "component-update", "sync")
ARGUMENTS = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in QUIET)]
PATIENCE = 180_000  # milliseconds: a real model writes


@contextmanager
def served(data: str, *arguments: str, **environment: str) -> Generator[tuple[str, float]]:
    """Serve ``app.py`` with user data of its own until the block ends; yields its address and the seconds until it answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    address, started = f"http://127.0.0.1:{port}", time.monotonic()
    command = [sys.executable, "app.py", "--port", str(port), *arguments]
    process = subprocess.Popen(command, env={**os.environ, "ZHIYIN_DATA": data, **environment}, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(address, timeout=1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit("the page did not start") from None
                time.sleep(0.05)
        yield address, time.monotonic() - started
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def visit(browser: Any, address: str, locale: str, *, ready: bool = True, **context: Any) -> Generator[Any]:
    """Open the page as a fresh browser until the block ends; ``ready``: when everything is loaded."""
    opened = browser.new_context(locale=locale, **context)
    page = opened.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    if ready:
        page.wait_for_selector(".loading", state="detached")
    try:
        yield page
    finally:
        opened.close()


def send(page: Any, message: str, *, wait: bool = True) -> None:
    """Type a message and send it; ``wait`` until it is answered."""
    before = page.locator(".turn").count()
    page.locator("#zy-message textarea").fill(message)
    page.locator("#zy-send").click()
    page.wait_for_function("n => document.querySelectorAll('.turn').length > n", arg=before)
    if wait:
        page.wait_for_selector("#zy-live .turn[data-busy]", state="detached")
