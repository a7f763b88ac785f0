"""A language model on a server that is not there yet: the program starts without it and takes it when it comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from chatbot.llm.base import LanguageModel, Prompt
from retrieval.errors import EngineError, ZhiyinError

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 5.0  # between two tries


class LateModel:
    """Tries in the background to build a model; until it is there every call fails at once."""

    lets_go = True

    def __init__(self, build: Callable[[], LanguageModel], problem: EngineError, *, again: float = AGAIN_SECONDS) -> None:
        """Begin to try.

        Args:
            build: builds the model; its :class:`EngineError` means that it is not there yet, another error that it never will.
            problem: why it is not there.
            again: seconds between two tries.
        """
        self._build, self._problem, self._again = build, str(problem), again
        self._model: LanguageModel | None = None
        self._over = threading.Event()
        threading.Thread(target=self._try, name="model-late", daemon=True).start()

    def _try(self) -> None:
        while not self._over.wait(self._again):
            try:
                self._model = self._build()
            except EngineError as error:
                self._problem = str(error)
                continue
            except ZhiyinError as error:
                self._problem = str(error)
                logger.error("the model cannot be used: %s", error)
            else:
                logger.info("the model is there: %s", self._model.description)
            return

    def close(self) -> None:
        """Try no more."""
        self._over.set()

    def _there(self) -> LanguageModel:
        if self._model is None:
            raise EngineError(self._problem, key="error_engine")
        return self._model

    @property
    def description(self) -> Mapping[str, str]:
        """Engine and name; the name is not known before it is there."""
        return self._model.description if self._model else {"engine": "openai", "name": "absent"}

    def stream(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancel: threading.Event | None = None
    ) -> Iterator[str]:
        """Let the model write."""
        return self._there().stream(prompt, max_tokens=max_tokens, stop=stop, cancel=cancel)

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Let the model vote."""
        return self._there().score(prompt, labels)

    def fill(self, prompt: Prompt, schema: Mapping[str, Any], *, max_tokens: int, cancel: threading.Event | None = None) -> str:
        """Let the model fill in a form."""
        return self._there().fill(prompt, schema, max_tokens=max_tokens, cancel=cancel)
