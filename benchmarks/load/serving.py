"""The server as a process of its own, its memory and processor time while locust asks it, and what locust counted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.servers import ROOT, app, environment_with, free_port, wait_for

UNLIMITED = {"ZHIYIN_API_PER_MINUTE": "0", "ZHIYIN_API_CONCURRENT": "0"}  # one client here stands for many
SAMPLE_SECONDS = 2.0


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """Return the nearest-rank median, 95th and 99th percentile; none of nothing."""
    ordered = sorted(times)
    places = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(ordered[math.ceil(share * len(ordered)) - 1], 1) for name, share in places.items()} if ordered else {}


class Watch:
    """Samples what a process holds and has done, until :meth:`stop`."""

    def __init__(self, pid: int) -> None:
        """Begin."""
        self._process, self._over = psutil.Process(pid), threading.Event()
        self._begun, self._cpu = time.monotonic(), self._spent()
        self.samples: list[tuple[float, float]] = []  # seconds since the beginning, MB
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _spent(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    def _run(self) -> None:
        while not self._over.wait(0 if not self.samples else SAMPLE_SECONDS):
            try:
                self.samples.append((time.monotonic() - self._begun, self._process.memory_info().rss / 1e6))
            except psutil.NoSuchProcess:
                return

    def stop(self) -> dict[str, float]:
        """Return the memory at the beginning, at most and at the end, how it grows, and the processor seconds spent.

        Memory grows by the slope of a straight line through the second half: the first half fills what is kept on purpose.
        """
        import numpy as np

        spent = self._spent() - self._cpu
        self._over.set()
        self._thread.join()
        seconds, held = (np.array(column) for column in zip(*self.samples, strict=True))
        late: Any = seconds >= seconds[-1] / 2
        slope = float(np.polyfit(seconds[late] / 60, held[late], 1)[0]) if late.sum() > 2 else 0.0
        half = held[late]
        return {
            "rss_first_mb": round(float(held[0]), 1),
            "rss_peak_mb": round(float(held.max()), 1),
            "rss_half_mb": round(float(half[: max(1, len(half) // 10)].mean()), 1),
            "rss_last_mb": round(float(half[-max(1, len(half) // 10) :].mean()), 1),
            "rss_slope_mb_per_minute": round(slope, 3),
            "cpu_seconds": round(spent, 2),
        }


@contextmanager
def served(
    folder: Path, environment: Mapping[str, str], *options: str, ready_seconds: float = 900
) -> Generator[tuple[str, int]]:
    """Run the server until it is ready; yields its address and process id.

    Args:
        folder: for its log, and its data unless the environment names another.
        environment: settings.
        options: of the command.
        ready_seconds: to wait for.

    Raises:
        RuntimeError: it does not become ready; with the end of its log.
    """
    settings = {"ZHIYIN_DATA": str(folder / "data"), **UNLIMITED, **environment}
    log = folder / "server.log"
    with app(free_port(), settings, log, *options) as (url, process):
        wait_for(f"{url}/v1/ready", process, log, ready_seconds)
        yield url, process.pid


def locust(file: str, url: str, clients: int, seconds: float, *options: str) -> dict[str, Any]:
    """Let locust ask in a process of its own, which gevent changes; return what its file wrote.

    Args:
        file: beside this one, without ``.py``.
        url: of the server.
        clients: at once, all from the beginning.
        seconds: how long.
        options: of the file's own.

    Raises:
        RuntimeError: locust failed; with the end of what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).parent / f"{file}.py"), "--headless"]
        command += ["--only-summary", "--skip-log-setup", "--host", url, "-u", str(clients), "-r", str(clients)]
        command += ["-t", f"{seconds:.0f}s", "--stop-timeout", "600", "--exit-code-on-error", "0", "--out", str(written)]
        run = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
        if run.returncode or not written.is_file():
            raise RuntimeError(f"locust ended with {run.returncode}:\n{(run.stdout + run.stderr)[-4000:]}")
        return json.loads(written.read_text(encoding="utf-8"))


def index(folder: Path, catalogue: Path) -> None:
    """Index a catalogue of the films domain, if that was not done before."""
    command = [sys.executable, str(ROOT / "app.py"), "index", "--catalog", str(catalogue), "--domain", "movies"]
    subprocess.run(command, cwd=ROOT, env=environment_with({"ZHIYIN_DATA": str(folder / "data")}), check=True)
