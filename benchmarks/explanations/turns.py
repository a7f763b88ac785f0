"""Turns over a catalogue, with what the model wrote before anything was checked."""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.embedding import build_embedder
from chatbot.grounding import Evidence
from chatbot.intent_model import guess_for
from chatbot.llm.base import LanguageModel, Prompt
from chatbot.pipeline import RecommendationPipeline
from chatbot.settings import Settings
from chatbot.statements import description_sentences
from chatbot.store import InMemoryUserStore
from chatbot.types import Conversation, Profile, Recommendation, Turn
from retrieval.catalog_import import ITEMS, import_catalog, read_items
from retrieval.domain_files import load_domain
from retrieval.index import CatalogIndex, build_in_memory
from retrieval.vector_store import InMemoryVectorStore

LARGE = {"en": ("wikipedia-movies", "movie_catalogue/wikipedia_movies.jsonl.gz"),
         "zh": ("douban-movies", "douban_movies/douban_all_movies.csv.gz")}  # fmt: skip
SAMPLE = 2000  # items of a large catalogue
SHORTEST = {"en": 200, "zh": 60}  # characters of a description that can be retold
SEED = 3


class Recorder:
    """A language model that remembers what it wrote, by thread."""

    def __init__(self, model: LanguageModel) -> None:
        """Wrap a model."""
        self._model = model
        self._local = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def written(self) -> list[tuple[str, str]]:
        """Return what this thread's calls read and wrote since the last call of this, and forget it."""
        found: list[tuple[str, str]] = getattr(self._local, "written", [])
        self._local.written = []
        return found

    def stream(self, prompt: Prompt, **options: Any) -> Iterator[str]:
        """Stream, and remember."""
        text = ""
        try:
            for piece in self._model.stream(prompt, **options):
                text += piece
                yield piece
        finally:
            if not hasattr(self._local, "written"):
                self._local.written = []
            self._local.written.append((prompt.user, text))


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of one item of a turn.

    Attributes:
        shop: the pipeline that told it.
        tries: the lines of the description that the model read, and what it wrote of them, unchecked; none: it was not asked.
    """

    shop: RecommendationPipeline
    catalogue: str
    wish: str
    turn: Turn
    recommendation: Recommendation
    tries: tuple[tuple[str, str], ...]

    @property
    def evidence(self) -> Evidence:
        """What the sentence that the model wrote first may rest on."""
        lines = self.tries[0][0] if self.tries else ""
        return Evidence.of(self.recommendation.item, self.turn.request, self.shop.index.domain, lines)


def recorded(index: CatalogIndex, recorder: Recorder) -> RecommendationPipeline:
    """The product over an index, with nothing kept and every word of the model remembered."""
    return RecommendationPipeline(index, recorder, InMemoryUserStore(), guess=guess_for(index.embedder, Settings()))


def large_index(language: str, data: Path) -> CatalogIndex:
    """Index a sample of a large public catalogue in memory.

    Raises:
        FileNotFoundError: the public data is not there.
    """
    mapping, name = LARGE[language]
    domain = load_domain(mapping)
    with tempfile.TemporaryDirectory() as folder:
        import_catalog(data / name, domain, Path(folder))
        told = [item for item in read_items(Path(folder) / ITEMS) if len(item.text(language)) >= SHORTEST[language]]
    items = random.Random(SEED).sample(told, min(SAMPLE, len(told)))
    return build_in_memory(domain, items, build_embedder(Settings()), InMemoryVectorStore())


def run(pipeline: RecommendationPipeline, recorder: Recorder, wishes: Sequence[str], name: str, parallel: int) -> list[Told]:
    """Answer every wish in a conversation of its own; what is no recommendation is passed over."""

    def answer(numbered: tuple[int, str]) -> list[Told]:
        number, wish = numbered
        recorder.written()
        turn = pipeline.complete(wish, Conversation(f"{name}-{number}", "bench"), Profile("bench"))
        written = recorder.written()
        return [_told(pipeline, name, wish, turn, r, written) for r in turn.items]

    with ThreadPoolExecutor(parallel) as pool:
        return [told for many in pool.map(answer, enumerate(wishes)) for told in many]


def _told(
    shop: RecommendationPipeline, name: str, wish: str, turn: Turn, r: Recommendation, written: Sequence[tuple[str, str]]
) -> Told:
    """What was written about an item is found by its lines: the first of them stands in its description."""
    language = turn.request.language
    text = r.item.text(language)
    tries = ((description_sentences(read, language)[:1], read, wrote.strip()) for read, wrote in written)
    return Told(shop, name, wish, turn, r, tuple((read, wrote) for first, read, wrote in tries if first and first[0] in text))
