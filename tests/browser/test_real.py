"""The page as it is shipped: ``python app.py`` with the default weights, in both languages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import free_port
from test_page import HAN, WISHES, be, send

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]


@pytest.fixture(scope="module")
def real_site(qwen_path, tmp_path_factory):
    """The real server."""
    folder = tmp_path_factory.mktemp("real")
    port = free_port()
    started = time.monotonic()
    with (folder / "log").open("w+b") as log:
        environment = {**os.environ, "ZHIYIN_DATA": str(folder)}
        process = subprocess.Popen([sys.executable, "app.py", "--port", str(port)], stdout=log, stderr=log, env=environment)
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=2).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() - started > 60:
                        log.seek(0)
                        pytest.fail(f"the page does not answer:\n{log.read().decode()}")
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_conversation_with_the_real_model(visit, real_site, language):
    page = visit(real_site, ready=False)
    page.set_default_timeout(180_000)
    page.wait_for_selector(".loading", state="detached")
    be(page, f"real-{language}")
    send(page, WISHES[language])
    cards = page.locator("#zy-live .card")
    assert cards.count() == 3
    for n in range(3):
        reason = cards.nth(n).locator(".reason").inner_text()
        assert len(reason) > 10
        assert bool(HAN.search(reason)) == (language == "zh")
    assert not re.search("horror|恐怖", " ".join(page.locator("#zy-live .facts").all_inner_texts()))
    title = cards.first.locator("h2 .title").inner_text()
    page.locator("#zy-live .mark-liked").first.click()
    page.wait_for_selector("#zy-live .mark-liked[aria-pressed='true']")
    page.reload()
    page.wait_for_selector(".card")
    kept = page.locator(".card").first
    assert kept.locator("h2 .title").inner_text() == title
    page.wait_for_selector(".mark-liked[aria-pressed='true']")
    assert kept.locator(".mark-liked").get_attribute("aria-pressed") == "true"
