"""A real server in a process of its own, and a browser that keeps account of what it requests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serving(folder, *arguments, port=None):
    """Serve the page with scripted parts until the block ends; yields (address, seconds until it answered)."""
    port = port or free_port()
    server, database = str(Path(__file__).with_name("serve.py")), f"sqlite:///{folder / 'users.db'}"
    return running([sys.executable, server, str(port), database, *arguments], port, folder)


@contextmanager
def running(command, port, folder, **environment):
    """Run a server until the block ends; yields (address, seconds until it answered)."""
    started = time.monotonic()
    with (folder / f"{port}.log").open("w+b") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", **environment}
        )
        try:
            address = f"http://127.0.0.1:{port}"
            while True:
                try:
                    urllib.request.urlopen(address, timeout=2).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() - started > 60:
                        pytest.fail(f"the page does not answer:\n{Path(log.name).read_text()}")
                    time.sleep(0.05)
            yield address, time.monotonic() - started
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def serve(tmp_path):
    """Serve a page of one's own: ``with serve("--delay", "0.1") as (address, seconds)``."""
    return lambda *arguments, **options: serving(tmp_path, *arguments, **options)


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: install Debian's package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("site")) as (address, _):
        yield address


@pytest.fixture(scope="session")
def slow_site(tmp_path_factory):
    """One whose model takes three seconds for a sentence."""
    with serving(tmp_path_factory.mktemp("slow"), "--delay", "0.1") as (address, _):
        yield address


@pytest.fixture
def visit(chromium):
    """Open an address as a fresh browser; afterwards, none of its requests may have left this machine."""
    contexts, requested, problems = [], [], []

    def open_page(address, *, locale="en-US", ready=True, sign_in=None, **options):
        context = chromium.new_context(locale=locale, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: requested.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        if sign_in:
            for field, words in sign_in.items():
                page.locator(f"input[name={field}]").fill(words)
            page.locator("button").click()
        page.wait_for_selector("body[data-ready]")
        if ready:
            page.wait_for_selector(".loading", state="detached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    hosts = {urlparse(url).hostname for url in requested if not url.startswith(("data:", "blob:"))}
    assert hosts <= {"127.0.0.1"}, hosts
    assert not problems, problems
