"""Many conversations at once: how long turns take, what the server holds, and whether anybody gets what is another's."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.load.serving import Watch, locust, percentiles, served

FLAT_MB_PER_MINUTE = 1.0  # of 64 conversations, whose words and events are stored, and not held ...
STEADY_MINUTES = 5  # ... once what is kept on purpose is full


def measure(conversations: int, minutes: float, *, engine: str, embedder: str, pause: float = 0) -> dict[str, Any]:
    """Let people talk to a server over the shipped catalogue.

    Args:
        conversations: at once.
        minutes: how long.
        engine: of the settings.
        embedder: of the settings.
        pause: seconds that everybody takes before the next message.
    """
    with tempfile.TemporaryDirectory() as name:
        options = ["--engine", engine, "--embedder", embedder]
        with served(Path(name), {}, *options) as (url, pid):
            locust("talks_file", url, min(conversations, 8), 10, "--run", "warm")
            watch, begun = Watch(pid), time.perf_counter()
            found = locust("talks_file", url, conversations, 60 * minutes, "--pause", str(pause))
            held, seconds = watch.stop(), time.perf_counter() - begun
    turns: int = found["turns"]
    figures = {
        "conversations": conversations,
        "minutes": minutes,
        "engine": engine,
        "cpus": os.cpu_count(),
        "turns": turns,
        "turns_per_second": round(turns / seconds, 2),
        "read_again": found["read"],
        "errors": found["failed"],
        "examples": found["errors"][:3],
        "crossed": len(found["crossed"]),
        "crossings": found["crossed"][:3],
        "first_card": percentiles(found["first"]),
        "whole_turn": percentiles(found["whole"]),
        "server_cpu_ms": round(1000 * held["cpu_seconds"] / max(turns, 1), 1),
        **held,
    }
    return figures | fairness(found["by_person"])


def fairness(people: Mapping[str, Mapping[str, list[float]]]) -> dict[str, Any]:
    """Return how alike people's mean times are: the longest mean in shares of the shortest; and the longest place in line."""
    figures: dict[str, Any] = {"longest_place": max((p for own in people.values() for p in own["places"]), default=0)}
    for name in ("waits", "totals"):
        means = [sum(own[name]) / len(own[name]) for own in people.values() if own[name]]
        if means and max(means):
            figures |= {f"mean_{name}_s": [round(min(means), 3), round(max(means), 3)]}
            figures |= {f"{name}_ratio": round(max(means) / min(means), 2)} if min(means) else {}
    return figures
