"""The page in a browser: how soon something is there, and whether anything jumps: ``python -m benchmarks.page``.

Starts ``app.py`` with the real model and Debian's Chromium, sends wishes in both languages on a wide and a narrow window, and
reads the browser's own clock and its layout shifts (Cumulative Layout Shift, as the Layout Instability API counts it: shifts
within half a second of a press do not count). Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.browsing import ARGUMENTS, CHROMIUM, send, served, visit
from benchmarks.speed import MESSAGES

WINDOWS = {"wide": {"width": 1280, "height": 860}, "narrow": {"width": 390, "height": 844}}
# from the press to the first card that is drawn, and every shift since the press
WATCH = """() => {
  const state = window.zyWatch = { shifts: [], card: 0, began: 0, pressed: 0 };
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries())
      if (!shift.hadRecentInput)
        state.shifts.push([shift.startTime, shift.value, ...shift.sources.map((s) => s.node?.className ?? "")]);
  }).observe({ type: "layout-shift", buffered: true });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#zy-send")) return;
    state.pressed = performance.now();
    state.before = document.querySelector("#zy-live .turn")?.dataset.key;
    state.card = 0;
    const look = () => {
      const turn = document.querySelector("#zy-live .turn");
      const fresh = turn && turn.dataset.key !== state.before && turn.querySelector(".card, .option");
      if (fresh) state.card = performance.now(); else requestAnimationFrame(look);
    };
    look();
  }, true);
}"""


def worst_window(shifts: list[tuple[float, float]]) -> float:
    """Sum shifts (milliseconds, value) by sessions: gaps under 1 s, 5 s long at most; return the worst session."""
    worst = total = began = last = 0.0
    for at, value in sorted(shifts):
        if not total or at - last > 1000 or at - began > 5000:
            total, began = 0.0, at
        total, last = total + value, at
        worst = max(worst, total)
    return worst


def measure(page: Any, message: str) -> tuple[float, float, list[Any]]:
    """Send a message; return seconds to the first card, the shift after it, and what shifted."""
    send(page, message)
    state = page.evaluate("() => window.zyWatch")
    after = [shift for shift in state["shifts"] if shift[0] >= state["card"] > 0]
    return (state["card"] - state["pressed"]) / 1000, worst_window([(s[0], s[1]) for s in after]), after


def main() -> None:
    """Measure every message in every window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--verbose", action="store_true", help="say what shifted")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as data, served(data) as (address, seconds), sync_playwright() as playwright:
        figures["page_answers_s"] = seconds
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, window in WINDOWS.items():
            with visit(browser, address, "en-GB", viewport=window) as page:
                page.evaluate(WATCH)
                page.locator("#zy-user textarea, #zy-user input").first.evaluate("(box) => box.blur()")
                rows = [measure(page, message) for message in MESSAGES]
            cards, shifts = [row[0] for row in rows], [row[1] for row in rows]
            if options.verbose:
                for message, row in zip(MESSAGES, rows, strict=True):
                    print(message, row)
            figures |= {
                f"{name}_first_card_s": statistics.median(cards),
                f"{name}_first_card_max_s": max(cards),
                f"{name}_shift": statistics.median(shifts),
                f"{name}_shift_max": max(shifts),
            }
        browser.close()
    for name, value in figures.items():
        print(f"{name:28} {value:.3f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
