"""Lists without text: requests a second and how long they take, at many items."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.load import data
from benchmarks.load.serving import Watch, index, locust, percentiles, served

WARM_SECONDS = 10
HEALTH_SECONDS = 10


def measure(clients: int, seconds: float, size: int, folder: Path | None, pace: float, embedder: str) -> dict[str, Any]:
    """Index a made-up catalogue, tell the server what people did, and ask for lists.

    Args:
        clients: that ask at once, each again as soon as it is answered.
        seconds: of each of the two measurements.
        size: of the catalogue.
        folder: where catalogue and index are kept for another run; None: they are thrown away.
        pace: requests a second of the second measurement, in which clients do not wait for each other's answers; 0: none.
        embedder: of the settings.
    """
    with ExitStack() as stack:
        folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        catalogue = folder / f"films-{size}.jsonl"
        if not catalogue.is_file():
            data.write_catalogue(catalogue, size)
        if embedder == "default":
            index(folder, catalogue)
        options = ["--catalog", str(catalogue), "--domain", "movies", "--engine", "scripted", "--embedder", embedder]
        url, pid = stack.enter_context(served(folder, {}, *options))
        for user in data.people():
            tell(url, data.history(user, size))
        asked = ["--size", str(size)]
        locust("lists_file", url, clients, WARM_SECONDS, *asked, "--seed", "0")
        figures: dict[str, Any] = {"items": size, "people": len(data.people()), "clients": clients, "cpus": os.cpu_count()}
        figures["health"] = _run(url, pid, clients, HEALTH_SECONDS, "--what", "health")
        figures["lists"] = _run(url, pid, clients, seconds, *asked)
        figures["lists_of_health"] = figures["lists"]["per_second"] / figures["health"]["per_second"]
        if pace:
            many = max(4 * clients, int(pace / 2))
            each = ["--each", str(pace / many), "--seed", "2"]
            figures["paced"] = {"pace": pace, "clients": many, **_run(url, pid, many, seconds, *asked, *each)}
        return figures


def tell(url: str, events: list[dict[str, Any]]) -> None:
    """Tell a server what somebody did."""
    if events:
        body = json.dumps({"events": events}).encode()
        request = urllib.request.Request(f"{url}/v1/events", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60):
            pass


def _run(url: str, pid: int, clients: int, seconds: float, *options: str) -> dict[str, Any]:
    watch = Watch(pid)
    found = locust("lists_file", url, clients, seconds, *options)
    spent = watch.stop()
    times: list[float] = found["times"]
    return {
        "requests": len(times),
        "errors": found["failed"],
        "examples": found["errors"][:3],
        "per_second": round(len(times) / seconds, 1),
        **percentiles(times),
        "server_cpu_ms": round(1000 * spent["cpu_seconds"] / max(len(times), 1), 2),
    }
