"""What the catalogues of a process have in common: the embedder, the language model, and the line before it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatbot.loading import Once
from chatbot.settings import Settings
from chatbot.turnstile import Turnstile

if TYPE_CHECKING:
    from chatbot.llm.base import LanguageModel
    from chatbot.observing.observer import Observer
    from retrieval.embedding_cache import CachedEmbedder

PARALLEL = 4  # conversations that the model serves at once; the others wait in line


class Shared:
    """Loads each part when it is first asked for. Thread-safe."""

    def __init__(self, settings: Settings, observer: Observer | None = None, *, model: bool = True) -> None:
        """Take what the parts are made of.

        Args:
            settings: of the installation.
            observer: told of tokens, look-ups and the line.
            model: a language model is wanted; without, nothing is written and nothing votes.
        """
        self._settings, self._observer, self._wanted = settings, observer, model
        self._lock = threading.Lock()
        self._model: LanguageModel | None = None
        self.embedder = Once(self._load_embedder)
        self.guess = Once(self._load_guess)
        self.line = Turnstile(PARALLEL)
        if observer:
            observer.metrics.watch_queue(lambda: self.line.load)

    def _load_embedder(self) -> CachedEmbedder:
        from chatbot.embedding import build_embedder
        from retrieval.embedding_cache import CachedEmbedder

        counted = self._observer.looked_up("query_vectors") if self._observer else None
        return CachedEmbedder(build_embedder(self._settings), counted)

    def _load_guess(self) -> Callable[[str], tuple[str, float]] | None:
        """What tells the intent of a message by its likeness to examples: learned once, by the embedder that all have."""
        from chatbot.intent_model import guess_for

        return guess_for(self.embedder(), self._settings)

    def model(self, progress: Callable[[float], None]) -> LanguageModel:
        """Return the language model, loaded now if need be; ``progress`` is called with the fraction that is done."""
        with self._lock:
            if self._model is None:
                self._model = self._load_model(progress)
            return self._model

    def _load_model(self, progress: Callable[[float], None]) -> LanguageModel:
        if not self._wanted:
            from chatbot.llm.scripted import ScriptedModel

            return ScriptedModel()
        from chatbot.llm.factory import build_guarded_model

        counts = self._observer.of_model if self._observer else {}
        return build_guarded_model(self._settings, progress, **counts)
