"""Traces by OpenTelemetry, sent to a collector: a span for a request, one for a turn, and one for each stage of the turn.

Nothing of what a person says, and nothing that names a person, is in them. Import this module only where a collector is set.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chatbot.types import Turn
from retrieval.errors import SettingsError

__all__ = ["ReadableSpan", "Tracer"]
_FLUSH_MS = 3000
_SECONDS = 5  # that the collector may take to answer


class Tracer:
    """Makes spans and sends them in the background; the provider is its own, never the global one. Thread-safe."""

    def __init__(self, exporter: SpanExporter) -> None:
        """Take what sends the spans."""
        self._provider = TracerProvider(resource=Resource.create({"service.name": "zhiyin"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("zhiyin")
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def to(cls, url: str) -> Tracer:
        """Send to a collector that speaks OTLP over gRPC, as ``http://127.0.0.1:4317``.

        Raises:
            SettingsError: that is no URL of a collector.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(f"ZHIYIN_TRACES is '{url}': give the URL of a collector, as in http://127.0.0.1:4317.")
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return cls(OTLPSpanExporter(endpoint=url, insecure=parts.scheme == "http", timeout=_SECONDS))

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Generator[Span]:
        """Make the span of an HTTP request, which is the parent of what is traced inside the block.

        Args:
            method: of the request.
            headers: of the request; ``traceparent`` names the span that it belongs to.
        """
        parent = self._propagator.extract({k: headers[k] for k in ("traceparent", "tracestate") if k in headers})
        attributes = {"http.request.method": method}
        with self._tracer.start_as_current_span(
            method, parent, SpanKind.SERVER, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span

    def answered(self, span: Span, method: str, route: str, status: int) -> None:
        """Say of the span of a request how it was answered."""
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))

    def turn(self, turn: Turn) -> None:
        """Make the spans of a turn that is over, at the times that its record says."""
        request, times = turn.request, turn.timings_ms
        begin = turn.at - times.get("understand", 0.0) / 1000  # a record is dated when the message is understood
        attributes: dict[str, Any] = {
            "zhiyin.turn": turn.id,
            "zhiyin.intent": request.intent,
            "zhiyin.language": request.language,
            "zhiyin.items": len(turn.items),
            "zhiyin.candidates": len(turn.candidates),
            "zhiyin.constraints": len(request.constraints),
            "zhiyin.stopped": "stopped" in turn.notes,
            "zhiyin.asked": turn.question is not None,
            **{f"zhiyin.model.{key}": turn.model[key] for key in ("engine", "name") if key in turn.model},
        }
        span = self._tracer.start_span("turn", attributes=attributes, start_time=_ns(begin))
        if any(note.startswith("failed") for note in turn.notes):
            span.set_status(Status(StatusCode.ERROR))
        inside = trace.set_span_in_context(span)
        for name, start, end in stages(times):
            child = self._tracer.start_span(name, inside, start_time=_ns(begin + start / 1000))
            child.end(_ns(begin + end / 1000))
        for name in ("first_card", "first_token", "first_sentence"):
            if times.get(name):
                span.add_event(name, timestamp=_ns(begin + times[name] / 1000))
        span.end(_ns(begin + times.get("total", 0.0) / 1000))

    def close(self) -> None:
        """Send what is left, for a few seconds at most, and end."""
        self._provider.force_flush(_FLUSH_MS)
        self._provider.shutdown()


def stages(times: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Return (stage, begin, end) in milliseconds since a turn began, of the stages that ran.

    A turn notes how long ``retrieve`` and ``rerank`` took, and when the first card and the first words of a reason came: they
    ended just before these.
    """
    total = times.get("total", 0.0)
    card, token = times.get("first_card", 0.0) or total, times.get("first_token", 0.0)
    ends = {"understand": times.get("understand", 0.0), "retrieve": card, "rerank": token or total}
    found = [(name, max(0.0, end - times[name]), end) for name, end in ends.items() if times.get(name)]
    return [*found, ("write", token, total)] if times.get("first_sentence") else found


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
