"""For locust: clients that ask for lists, or for nothing but whether the server answers."""

from __future__ import annotations

import json
import random
import time
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.load.data import SIZE, request

locust: Any = import_module("locust")  # whose types are half known
TIMES: list[float] = []
ERRORS: list[str] = []
NUMBERS = count()


@locust.events.init_command_line_parser.add_listener
def _options(parser: Any) -> None:
    parser.add_argument("--out", default="")
    parser.add_argument("--what", choices=["health", "recommend"], default="recommend")
    parser.add_argument("--each", type=float, default=0, help="requests a second of each client; 0: as many as it can")
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--seed", type=int, default=1)


@locust.events.request.add_listener
def _note(response_time: float, exception: Exception | None, response: Any, **_: Any) -> None:
    TIMES.append(response_time)
    if exception is not None:
        ERRORS.append(f"{exception!r} {getattr(response, 'text', '')}"[:300])


@locust.events.quitting.add_listener
def _write(environment: Any, **_: Any) -> None:
    figures = {"times": TIMES, "errors": ERRORS[:20], "failed": len(ERRORS)}
    Path(environment.parsed_options.out).write_text(json.dumps(figures), encoding="utf-8")


class Asking(locust.FastHttpUser):
    """One client."""

    network_timeout = connection_timeout = 60

    def on_start(self) -> None:
        """Take a number, which makes its requests."""
        self.rng = random.Random(f"{self.environment.parsed_options.seed} {next(NUMBERS)}")
        self.due = time.perf_counter()
        time.sleep(self.wait_time())

    def wait_time(self) -> float:
        """Wait before the next request: at a pace people come independently of each other (a Poisson process)."""
        each = self.environment.parsed_options.each
        if not each:
            return 0
        self.due += self.rng.expovariate(each)
        return max(0.0, self.due - time.perf_counter())

    @locust.task
    def ask(self) -> None:
        """Ask once."""
        options = self.environment.parsed_options
        if options.what == "health":
            self.client.get("/v1/health")
        else:
            self.client.post("/v1/recommend", json=request(self.rng, options.size))
