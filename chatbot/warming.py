"""Lets the model read what every prompt begins with, and the rules a message, so that the first turn does not wait."""

from __future__ import annotations

import logging
from itertools import islice

from chatbot.llm.base import LanguageModel
from chatbot.reading import ModelReader
from chatbot.reranking import Poll, rerank
from chatbot.types import Conversation, Request
from chatbot.understanding import Understanding
from chatbot.writing import Writer
from retrieval.errors import EngineError
from retrieval.index import CatalogIndex
from retrieval.types import Candidate

logger = logging.getLogger(__name__)


def warm_up(
    index: CatalogIndex,
    model: LanguageModel,
    understanding: Understanding,
    writer: Writer,
    poll: Poll,
    reader: ModelReader | None = None,
) -> None:
    """Let each part do a little of its work; a model that fails is logged, for a turn says so too and goes on without."""
    candidates = [Candidate(item, 0.0) for item in islice(index.items.values(), 2)]
    for language in index.domain.languages:
        request = Request("recommend", "zh" if language == "zh" else "en", ".")
        understanding.read(index.domain.example[language].wish, Conversation("", ""), request.language)
        try:
            rerank(model, request, candidates, index.domain, poll)
            for _ in model.stream(writer.prompt(".", request.language), max_tokens=1):
                pass
        except EngineError as error:
            logger.warning("the model could not be warmed up: %s", error)
        if reader:
            reader.read(request.text, request.language)
