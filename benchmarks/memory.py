"""``python -m benchmarks.memory``: what remembering costs, with a million events; plain and encrypted in one run."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.speed import percentile
from chatbot.answers import Speaker
from chatbot.deidentifying import deidentify
from chatbot.people import People
from chatbot.personal import catalogue_of
from chatbot.portrait import Painter
from chatbot.store import SqlUserStore
from retrieval.catalog import read_catalog
from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.events import Event
from retrieval.index import CatalogIndex, build_in_memory
from retrieval.vector_store import InMemoryVectorStore

KEY = "a key for the benchmark"
KINDS = ("shown", "shown", "shown", "shown", "liked", "seen", "typed", "rated", "disliked", "viewed")
TIMES = 200
_MESSAGE = "something like 2001: A Space Odyssey but shorter, under 110 minutes, call me on +44 20 7946 0958"


def events_of(user: str, number: int, items: list[str], seed: int) -> list[Event]:
    """Return made-up events of a person, oldest first."""
    chance = random.Random(seed)
    now = time.time()
    found: list[Event] = []
    for n in range(number):
        kind: Any = chance.choice(KINDS)
        item = None if kind == "typed" else chance.choice(items)
        words = "something slow and thoughtful about space, no horror please" if kind == "typed" else ""
        value = chance.random() if kind == "rated" else None
        context = {"conversation": f"{user}-{n // 20}", "turn": f"t{n}"}
        found.append(Event(user, kind, item, words, value, now - (number - n) * 3600, context))
    return found


class Side:
    """A store filled with events, and what a turn asks of it."""

    def __init__(self, url: str, key: str, index: CatalogIndex, total: int) -> None:
        """Fill it."""
        self.items = list(index.items)
        self.store = SqlUserStore(url, key)
        self.users = [f"user-{n}" for n in range(max(total // 1000, 1))]
        started = time.perf_counter()
        for n, user in enumerate(self.users):
            self.store.append(*events_of(user, 1000, self.items, n))
        self.rate = total / (time.perf_counter() - started)
        self.store.append(*events_of("heavy", 10_000, self.items, -1))
        self.store.append(*events_of("usual", 200, self.items, -2))
        self.people = People(self.store, None, catalogue_of(index), Painter(index.domain, Speaker(index.domain, index.items)))
        self._next = count()

    def append(self, user: str = "") -> None:
        """Add an event of somebody."""
        n = next(self._next)
        self.store.append(Event(user or self.users[n % len(self.users)], "liked", self.items[n % 40]))

    def update(self) -> None:
        """Add an event and read the profile anew."""
        self.append("usual")
        self.people.profile("usual")

    def turn(self) -> None:
        """Do what a turn adds: profile, interests, and two steps of its events."""
        self.people.profile("usual")
        self.people.interests("usual")
        self.append()
        self.append()


CASES: dict[str, tuple[int, Callable[[Side], object]]] = {
    "append an event": (1000, Side.append),
    "an event and the new profile": (300, Side.update),
    "the profile of 10,000 events": (60, lambda side: side.people.profile("heavy")),
    "the interests of 10,000 events": (30, lambda side: side.people.interests("heavy")),
    "what a turn adds": (150, Side.turn),
    "the portrait in words": (60, lambda side: side.people.portrait("usual", "en")),
}


def measure(sides: Mapping[str, Side]) -> list[dict[str, Any]]:
    """Run every case on every side in turn, so that load on the machine meets them alike."""
    rows: list[dict[str, Any]] = []
    for name, (times, act) in CASES.items():
        taken: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(times):
            for side, where in sides.items():
                started = time.perf_counter()
                act(where)
                taken[side].append(1000 * (time.perf_counter() - started))
        for what, share in (("p50", 0.5), ("p95", 0.95)):
            found = {side: percentile(values, share) for side, values in taken.items()}
            rows.append({"measured": f"{name}, {what}, ms", **found, "ratio": found["encrypted"] / found["plain"]})
    return rows


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="in the store")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help="print JSON alone, or write it into a file")
    options = parser.parse_args()
    domain = load_domain("movies")
    index = build_in_memory(domain, read_catalog(domain.catalogue_path, domain), HashingEmbedder(), InMemoryVectorStore())
    with TemporaryDirectory() as folder:
        sides = {
            "plain": Side(f"sqlite:///{Path(folder) / 'plain.db'}", "", index, options.events),
            "encrypted": Side(f"sqlite:///{Path(folder) / 'sealed.db'}", KEY, index, options.events),
        }
        rows = measure(sides)
        rates = {name: side.rate for name, side in sides.items()}
        rows.append({"measured": "filling, events/s", **rates, "ratio": rates["plain"] / rates["encrypted"]})
        for side in sides.values():
            side.store.close()
    started = time.perf_counter()
    for _ in range(TIMES):
        deidentify(_MESSAGE, "en")
    taken = 1000 * (time.perf_counter() - started) / TIMES
    rows.append({"measured": "identifiers taken out of a message, ms", "plain": taken, "encrypted": None, "ratio": None})
    result = {"events": options.events, "rows": rows}
    if options.json:
        text = json.dumps(result, indent=1)
        sys.stdout.write(text + "\n") if options.json == "-" else Path(options.json).write_text(text + "\n", encoding="utf-8")
    if options.json != "-":
        table = Table("measured", "plain", "encrypted", "ratio", title=f"memory, {options.events:,} events")
        for row in rows:
            table.add_row(
                row["measured"], *(f"{row[k]:.2f}" if row[k] is not None else "" for k in ("plain", "encrypted", "ratio"))
            )
        Console().print(table)


if __name__ == "__main__":
    main()
