"""``python -m benchmarks.faults``: injects every fault again and again, and counts what became of answers, events and turns."""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.faults import of_model, of_process, of_store
from benchmarks.faults.site import template
from benchmarks.faults.tally import Tally

PARTS = "store", "model", "process"


def run(parts: Sequence[str], folder: Path, data: Path, times: int) -> list[Tally]:
    """Inject the faults of some parts. The model's are mostly waited for, so the service is started and killed meanwhile."""
    tallies: list[Tally] = []
    if "store" in parts:
        tallies += [*of_store.over_http(data, times), of_store.full_pages(folder, times), of_store.lost_server(folder, times)]
    index = of_model.demo_index() if "model" in parts else None
    with ThreadPoolExecutor(3) as pool:
        work: list[Future[list[Tally]]] = []
        if index:
            work.append(pool.submit(of_model.in_process, index, folder, times))
            work.append(pool.submit(of_model.over_http, data, times))
        if "process" in parts:
            work.append(pool.submit(of_process.all_of, data, times, times))
    return tallies + [tally for part in work for tally in part.result()]


def table_of(tallies: list[Tally]) -> Table:
    """Write what was counted."""
    table = Table(title="Faults injected, and what became of answers, acknowledged events and turns, and conversations")
    columns = ("fault", "times", "answers", "empty", "clear errors", "unclear", "acknowledged", "found", "readable", "one turn")
    for name in (*columns, "longest s"):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for t in tallies:
        counts = (t.times, t.answers, t.empty, t.clear, t.unclear, t.acknowledged, t.found)
        readable, once = f"{t.readable}/{t.readable + t.unreadable}", f"{t.once}/{t.once + t.twice}"
        table.add_row(t.fault, *map(str, counts), readable, once, f"{t.seconds:.1f}" if t.seconds else "")
    return table


def main() -> None:
    """Run; exits with 1 when anything was seen that must not be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="that each fault is injected")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts")
    options = parser.parse_args()
    logging.getLogger("chatbot").setLevel(logging.CRITICAL)  # what is injected in this process is no news
    console, started = Console(width=160), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="zhiyin-faults-") as name:
        folder = Path(name)
        data = template(folder)
        tallies = run(options.only, folder, data, options.times)
    seconds = time.perf_counter() - started
    console.print(table_of(tallies))
    for tally in tallies:
        for odd in dict.fromkeys(tally.odd):
            console.print(f"{tally.fault}: {odd}", highlight=False, markup=False)
    console.print(f"{seconds:.0f} s")
    if options.json:
        figures = {"times": options.times, "seconds": round(seconds, 1), "faults": [asdict(tally) for tally in tallies]}
        options.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(0 if all(tally.good for tally in tallies) else 1)


if __name__ == "__main__":
    main()
