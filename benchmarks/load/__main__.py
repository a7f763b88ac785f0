"""Many people at once: ``python -m benchmarks.load recommend|chat|model|isolation``.

The server is a process of its own, asked over loopback by locust in another one on the same machine, whose cores they share.
Prints a table; with ``--json`` the figures go into a file, each part beside those of other runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import data, isolation, recommending, talking

RESULTS = Path(__file__).resolve().parents[1] / "results" / "load.json"
GOAL_PER_SECOND, GOAL_P95_MS = 60, 80


def recommend(options: argparse.Namespace) -> dict[str, Any]:
    """Ask for lists."""
    folder = Path(options.folder) if options.folder else None
    return recommending.measure(options.clients, options.seconds, options.size, folder, options.pace, options.embedder)


def chat(options: argparse.Namespace) -> dict[str, Any]:
    """Talk to a model that says nothing, so that the rest is measured."""
    return talking.measure(options.conversations, options.minutes, engine="scripted", embedder=options.embedder)


def model(options: argparse.Namespace) -> dict[str, Any]:
    """Talk to the real model."""
    return talking.measure(options.conversations, options.minutes, engine=options.engine, embedder="default")


def isolated(options: argparse.Namespace) -> dict[str, Any]:
    """Interleave turns in this process."""
    found = isolation.measure(options.turns, options.people, options.threads, lambda text: print(text, file=sys.stderr))
    kept = {"turns": found.turns, "people": options.people, "threads": options.threads, "at_once": found.at_once}
    kept |= {"switches": found.switches, "crossed": len(found.crossed), "failed": len(found.failed), "alone": found.alone}
    told = {"examples": (found.crossed + found.failed + found.different)[:3]}
    return kept | {"different": len(found.different), "seconds": round(found.seconds, 1)} | told


def flat(figures: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return names and values of figures, those of a part after the part's name."""
    rows: list[tuple[str, str]] = []
    for name, value in figures.items():
        if hasattr(value, "items"):
            rows += flat(value, f"{before}{name}.")
        else:
            rows.append((before + name, f"{value:.3g}" if isinstance(value, float) and abs(value) < 1 else str(value)))
    return rows


def merge(path: Path, part: str, figures: dict[str, Any]) -> None:
    """Put the figures of a part into a file; those of other parts stay."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    path.write_text(json.dumps(kept | {part: {**machine, **figures}}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def wrong(part: str, figures: Mapping[str, Any]) -> list[str]:
    """Return what of a run must not be, whatever the machine."""
    counts = {"errors", "crossed", "failed", "different"}
    found = [f"{name}: {value}" for name, value in flat(figures) if name.split(".")[-1] in counts and value != "0"]
    slope = figures.get("rss_slope_mb_per_minute", 0)
    if part == "chat" and figures["minutes"] >= talking.STEADY_MINUTES and slope > talking.FLAT_MB_PER_MINUTE:
        found.append(f"memory grows by {slope} MB a minute")
    return found


def main() -> None:
    """Run a part; exits with 1 when something was seen that must not be. Figures that depend on the machine fail nothing."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    added = {name: parts.add_parser(name) for name in ("recommend", "chat", "model", "isolation")}
    for part in added.values():
        part.add_argument("--json", type=Path, nargs="?", const=RESULTS, help=f"write the figures here, or to {RESULTS}")
    one = added["recommend"]
    one.add_argument("--clients", type=int, default=4, help="that ask at once")
    one.add_argument("--seconds", type=float, default=60, help="of each measurement")
    one.add_argument("--size", type=int, default=data.SIZE, help="items")
    one.add_argument("--folder", help="keep the catalogue and its index here, for another run")
    one.add_argument("--pace", type=float, default=GOAL_PER_SECOND, help="requests a second where people come by themselves")
    for name, conversations, minutes in (("chat", 64, 10), ("model", 4, 10)):
        added[name].add_argument("--conversations", type=int, default=conversations, help="at once")
        added[name].add_argument("--minutes", type=float, default=minutes)
    for name in ("recommend", "chat"):
        added[name].add_argument("--embedder", default="default")
    added["model"].add_argument("--engine", default="auto")
    added["isolation"].add_argument("--turns", type=int, default=10_000)
    added["isolation"].add_argument("--people", type=int, default=100)
    added["isolation"].add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    runs = {"recommend": recommend, "chat": chat, "model": model, "isolation": isolated}
    figures = runs[options.part](options)
    table = Table(title=options.part)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for row in flat(figures):
        table.add_row(*row)
    Console(width=110).print(table)
    if options.part == "recommend":
        lists = figures["lists"]
        print(f"goal: {GOAL_PER_SECOND}/s, p95 {GOAL_P95_MS} ms; measured: {lists['per_second']}/s, p95 {lists['p95']} ms")
    if options.json:
        merge(options.json, options.part, figures)
    if problems := wrong(options.part, figures):
        sys.exit("not as it must be: " + "; ".join(problems))


if __name__ == "__main__":
    main()
