"""What watches a process: it is told of turns, look-ups and tokens, and never breaks what it watches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatbot.observing.metrics import Cache, Metrics
from chatbot.settings import Settings
from chatbot.types import Turn

if TYPE_CHECKING:
    from chatbot.observing.traces import Tracer

logger = logging.getLogger(__name__)


class Observer:
    """The metrics of a process and, by setting, its traces."""

    def __init__(self, metrics: Metrics, tracer: Tracer | None = None) -> None:
        """Take both; without a tracer nothing is traced."""
        self.metrics, self.tracer = metrics, tracer

    @classmethod
    def of(cls, settings: Settings) -> Observer:
        """Make what the settings ask for; OpenTelemetry is imported only where something is traced.

        Raises:
            SettingsError: ``traces`` is no URL of a collector.
        """
        if not settings.traces:
            return cls(Metrics())
        from chatbot.observing.traces import Tracer

        return cls(Metrics(), Tracer.to(settings.traces))

    def turn(self, turn: Turn) -> None:
        """Note a turn that is over: what the pipeline gets as ``observe``."""
        for note in (self.metrics.turn, *((self.tracer.turn,) if self.tracer else ())):
            try:
                note(turn)
            except Exception:  # what watches must not break what it watches, and one not the other
                logger.exception("a turn could not be noted")

    def looked_up(self, cache: Cache) -> Callable[[bool], None]:
        """Return what a cache tells of each look-up: whether it was a hit."""
        return lambda hit: self.metrics.cache(cache, hit)

    @property
    def of_model(self) -> dict[str, Callable[[Any], None]]:
        """What :func:`chatbot.llm.factory.build_guarded_model` tells of the model: ``tokens`` and ``fallback``."""
        return {"tokens": self.metrics.tokens, "fallback": self.metrics.model_failed}

    def close(self) -> None:
        """Send what is left of the traces."""
        if self.tracer:
            self.tracer.close()
