"""Metrics for Prometheus. What a label says comes from a closed set: never from a person, a message or an address."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, TypeAlias, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from chatbot.types import Intent, Language, Turn

Outcome: TypeAlias = Literal["answered", "asked", "stopped", "failed"]
Fallback: TypeAlias = Literal["template_sentence", "no_vote", "model_unavailable"]
Stage: TypeAlias = Literal["understand", "retrieve", "rerank", "first_card", "first_token", "first_sentence", "total"]
Cache: TypeAlias = Literal["query_vectors"]

OTHER = "other"
MAX_ROUTES = 200  # route templates are the program's own; should one hold an address after all, its number ends here
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CALLS = frozenset({"stream", "score", "fill"})
_STAGES, _INTENTS = get_args(Stage), frozenset(get_args(Intent))
_LANGUAGES, _FALLBACKS, _CACHES = (frozenset(get_args(kind)) for kind in (Language, Fallback, Cache))
_STAGE_SECONDS = 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160
_REQUEST_SECONDS = 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.5, 5, 10, 30, 60, 120
_NO_VOTE, _NO_SENTENCE, _RELAXED, _FAILED = "no vote", "no sentence by the model", "relaxed: ", "failed"

disable_created_metrics()  # a series more for each, which nobody reads


class Metrics:
    """Everything that is counted. Thread-safe; one for a process, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Make the metrics; without a registry in a new one."""
        self.registry = registry or CollectorRegistry()
        made: Any = {"registry": self.registry, "namespace": "zhiyin"}
        self._turns = Counter("turns", "Turns that are over.", ["intent", "language", "outcome"], **made)
        self._stages = Histogram(
            "turn_stage_seconds", "How long a stage of a turn took, or when it was reached.", ["stage"],
            buckets=_STAGE_SECONDS, **made,
        )  # fmt: skip
        self._sentences = Counter("sentences", "Descriptions of recommended items, by who wrote them.", ["written_by"], **made)
        self._fallbacks = Counter("fallbacks", "Where something else took the model's place.", ["kind"], **made)
        self._failures = Counter("model_failures", "Calls of the model that failed or came too late.", ["call"], **made)
        self._relaxations = Counter("relaxations", "Constraints that nothing could keep.", **made)
        self._tokens = Counter("model_tokens", "Pieces of text that the model wrote; with most engines a token each.", **made)
        self._cached = Counter("cache_requests", "Look-ups in caches.", ["cache", "result"], **made)
        self._waiting = Gauge("turns_waiting", "Turns in line for the model.", **made)
        self._running = Gauge("turns_running", "Turns that the model serves.", **made)
        self._requests = Counter("http_requests", "HTTP requests that are over.", ["route", "method", "status"], **made)
        self._seconds = Histogram(
            "http_request_seconds", "From the request to the end of its answer.", ["route", "method"],
            buckets=_REQUEST_SECONDS, **made,
        )  # fmt: skip
        build = Gauge("build_info", "What runs; always 1.", ["version", "python"], **made)
        build.labels(_version(), platform.python_version()).set(1)
        ProcessCollector(registry=self.registry)
        self._routes: set[str] = set()
        self._lock = threading.Lock()

    # -- turns ----------------------------------------------------------------------------------------------------

    def turn(self, turn: Turn) -> None:
        """Count a turn that is over, by what its record says of it."""
        request = turn.request
        labels = _known(request.intent, _INTENTS), _known(request.language, _LANGUAGES), outcome(turn)
        self._turns.labels(*labels).inc()
        for stage in _STAGES:
            if milliseconds := turn.timings_ms.get(stage, 0.0):
                self._stages.labels(stage).observe(milliseconds / 1000)
        by_model, by_code = described(turn)
        if by_model:
            self._sentences.labels("model").inc(by_model)
        if by_code:
            self._sentences.labels("template").inc(by_code)
            self.fallback("template_sentence", by_code)
        if missed := sum(note.startswith(_NO_VOTE) for note in turn.notes):
            self.fallback("no_vote", missed)
        if missed := sum(note.startswith(_NO_SENTENCE) for note in turn.notes):
            self.fallback("model_unavailable", missed)
        if relaxed := sum(note.startswith(_RELAXED) for note in turn.notes):
            self._relaxations.inc(relaxed)

    def fallback(self, kind: Fallback, count: int = 1) -> None:
        """Count that something else took the model's place."""
        self._fallbacks.labels(_known(kind, _FALLBACKS)).inc(count)

    def model_failed(self, call: str) -> None:
        """Count a call of the model that failed: ``stream``, ``score`` or ``fill``."""
        self._failures.labels(_known(call, _CALLS)).inc()

    def tokens(self, count: int = 1) -> None:
        """Count what the model wrote."""
        self._tokens.inc(count)

    def queue(self, waiting: int, running: int) -> None:
        """Say how many turns wait for the model, and how many it serves."""
        self._waiting.set(waiting)
        self._running.set(running)

    def watch_queue(self, look: Callable[[], tuple[int, int]]) -> None:
        """Ask for (waiting, running) whenever the metrics are read, instead of being told."""
        self._waiting.set_function(lambda: look()[0])
        self._running.set_function(lambda: look()[1])

    # -- caches and requests --------------------------------------------------------------------------------------

    def cache(self, name: Cache, hit: bool, count: int = 1) -> None:
        """Count look-ups in a cache."""
        self._cached.labels(_known(name, _CACHES), "hit" if hit else "miss").inc(count)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an HTTP request that is over.

        Args:
            route: the template of its route (``/v1/items/{id}``), never its path.
            method: of the request.
            status: of the answer.
            seconds: from its beginning to the end of the answer.
        """
        route, method = self._route(route), _known(method, METHODS)
        self._requests.labels(route, method, str(status) if 100 <= status < 600 else OTHER).inc()
        self._seconds.labels(route, method).observe(seconds)

    def _route(self, route: str) -> str:
        if route in self._routes:
            return route
        with self._lock:
            if len(self._routes) >= MAX_ROUTES:
                return OTHER
            self._routes.add(route)
        return route

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics as Prometheus reads them, and their content type, by what the request accepts."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


def outcome(turn: Turn) -> Outcome:
    """Say how a turn ended."""
    if any(note.startswith(_FAILED) for note in turn.notes):
        return "failed"
    if "stopped" in turn.notes:
        return "stopped"
    return "asked" if turn.question else "answered"


def described(turn: Turn) -> tuple[int, int]:
    """Return of how many items the model, and of how many only a card, says what to expect; none where none were to be.

    In a turn that was cut short, what was not described yet does not count.
    """
    if not turn.timings_ms.get("first_sentence"):
        return 0, 0
    by_model = sum(any(reason.written_by == "model" for reason in item.reasons) for item in turn.items)
    whole = outcome(turn) in ("answered", "asked")
    return by_model, len(turn.items) - by_model if whole else 0


def _known(value: str, known: frozenset[str]) -> str:
    return value if value in known else OTHER


def _version() -> str:
    try:
        return version("zhiyin")
    except PackageNotFoundError:
        return "unknown"
