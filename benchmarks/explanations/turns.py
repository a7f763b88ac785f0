"""Turns over a catalogue, with what the model wrote before anything was checked."""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.embedding import build_embedder
from chatbot.llm.base import LanguageModel, Prompt
from chatbot.pipeline import RecommendationPipeline
from chatbot.reranking import Poll
from chatbot.settings import Settings
from chatbot.statements import description_sentences
from chatbot.store import InMemoryUserStore
from chatbot.types import Conversation, Profile, Recommendation, Turn
from retrieval.catalog_import import ITEMS, import_catalog, read_items
from retrieval.domain_files import load_domain
from retrieval.index import build_in_memory
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
        lines: of the description that the model read first.
        raw: what it wrote of them, unchecked; empty when it was not asked.
    """

    catalogue: str
    wish: str
    turn: Turn
    recommendation: Recommendation
    lines: str
    raw: str


def large_pipeline(language: str, data: Path, model: LanguageModel) -> RecommendationPipeline:
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
    index = build_in_memory(domain, items, build_embedder(Settings()), InMemoryVectorStore())
    return RecommendationPipeline(index, model, InMemoryUserStore(), poll=Poll(0.0))


def run(pipeline: RecommendationPipeline, recorder: Recorder, wishes: Sequence[str], name: str, parallel: int) -> list[Told]:
    """Answer every wish in a conversation of its own; what is no recommendation is passed over."""

    def answer(numbered: tuple[int, str]) -> list[Told]:
        number, wish = numbered
        recorder.written()
        turn = pipeline.complete(wish, Conversation(f"{name}-{number}", "bench"), Profile("bench"))
        written = recorder.written()
        return [_told(name, wish, turn, r, written) for r in turn.items]

    with ThreadPoolExecutor(parallel) as pool:
        return [told for many in pool.map(answer, enumerate(wishes)) for told in many]


def _told(name: str, wish: str, turn: Turn, r: Recommendation, written: Sequence[tuple[str, str]]) -> Told:
    """The first thing written about an item is found by its lines: they stand in its description."""
    text = r.item.text(turn.request.language)
    language = turn.request.language
    first = ((description_sentences(read, language)[:1], read, wrote) for read, wrote in written)
    lines, raw = next(((read, wrote) for start, read, wrote in first if start and start[0] in text), ("", ""))
    return Told(name, wish, turn, r, lines, raw.strip())


@contextmanager
def demo_pipeline(threads: int) -> Iterator[tuple[RecommendationPipeline, Recorder]]:
    """Open the shipped catalogue with the default weights, with nothing kept."""
    from app import open_pipeline
    from chatbot.catalogues import find_catalogue

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), threads=threads, vote_weight=0.0, context_tokens=2048)
        with open_pipeline(settings, find_catalogue(settings, None)) as opened:
            recorder = Recorder(opened.model)
            yield RecommendationPipeline(opened.index, recorder, InMemoryUserStore(), poll=Poll(0.0)), recorder
