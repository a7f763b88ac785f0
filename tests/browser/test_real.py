"""The page as it is shipped: ``python app.py`` with the default weights, in both languages."""

from __future__ import annotations

import sys

import pytest
from acts import WISHES, be, send
from conftest import free_port, running
from test_page import check_cards

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]


@pytest.fixture(scope="module")
def real_site(qwen_path, tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("real"), free_port()
    with running([sys.executable, "app.py", "--port", str(port)], port, folder, ZHIYIN_DATA=str(folder)) as (address, _):
        yield address


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_conversation_with_the_real_model(visit, real_site, language):
    page = visit(real_site, ready=False)
    page.set_default_timeout(180_000)
    page.wait_for_selector(".loading", state="detached")
    be(page, f"real-{language}")
    send(page, WISHES[language])
    check_cards(page, language)
    title = page.locator("#zy-live .card h2 .title").first.inner_text()
    page.locator("#zy-live .mark-liked").first.click()
    page.wait_for_selector("#zy-live .mark-liked[aria-pressed='true']")
    page.reload()
    page.wait_for_selector(".card")
    kept = page.locator(".card").first
    assert kept.locator("h2 .title").inner_text() == title
    page.wait_for_selector(".mark-liked[aria-pressed='true']")
    assert kept.locator(".mark-liked").get_attribute("aria-pressed") == "true"
