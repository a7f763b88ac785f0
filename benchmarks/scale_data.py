"""Made-up films for benchmarks.scale, always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from retrieval.domain import Domain
from retrieval.domain_files import load_domain
from retrieval.embedder import Vectors, unit_rows
from retrieval.types import Item

DIMENSION, CLUSTERS, CHUNK = 512, 400, 5000
GENRES = ["drama", "comedy", "romance", "crime", "horror", "adventure", "war", "western"]
SHARES = np.array([0.34, 0.22, 0.12, 0.1, 0.09, 0.07, 0.04, 0.02])
MOODS = ["quiet", "funny", "tender", "scary", "warm"]
VOCABULARY, WORDS = 20_000, 25


class SyntheticEmbedder:
    """Puts a text near the centre of a cluster that its letters choose."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self.centres = rng.normal(size=(CLUSTERS, DIMENSION)).astype(np.float32)
        self.clusters_genre = rng.choice(len(GENRES), CLUSTERS, p=SHARES)
        self.fingerprint = f"synthetic/{DIMENSION}/unit"

    def around(self, clusters: Any, rng: np.random.Generator) -> Vectors:
        """Return one vector a cluster number, none twice the same."""
        return unit_rows(self.centres[clusters] + 0.8 * rng.standard_normal((len(clusters), DIMENSION), dtype=np.float32))

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed."""
        seeds = [int.from_bytes(text.encode()[-6:], "big") for text in texts]
        return np.concatenate([self.around([seed % CLUSTERS], np.random.default_rng(seed)) for seed in seeds])

    embed_items = embed_queries


def one_language() -> Domain:
    """The films domain with English cards alone, as most tables have."""
    domain = load_domain("movies")
    mapping = domain.mapping.model_copy(update={"title": {"en": "title_en"}, "text": {"en": "summary_en"}})
    return domain.model_copy(update={"mapping": mapping})


def make_chunks(size: int, embedder: SyntheticEmbedder) -> Iterator[tuple[list[Item], Any, np.random.Generator]]:
    """Yield films, the numbers of their clusters, and the generator for what else they need."""
    for start in range(0, size, CHUNK):
        rng, count = np.random.default_rng([3, start]), min(CHUNK, size - start)
        clusters = rng.integers(0, CLUSTERS, count)
        main = np.where(rng.random(count) < 0.7, embedder.clusters_genre[clusters], rng.choice(len(GENRES), count, p=SHARES))
        other = rng.choice(len(GENRES), count, p=SHARES)
        years = 2025 - np.minimum(rng.exponential(25, count), 105).astype(int)
        runtimes = np.clip(rng.normal(105, 22, count), 40, 300).astype(int)
        directors, moods = rng.integers(0, max(size // 5, 1), count), rng.integers(0, len(MOODS), count)
        items = [
            Item(
                f"film-{start + n:07d}",
                {"en": f"Film {start + n}"},
                {},
                {
                    "genres": tuple(dict.fromkeys((GENRES[main[n]], GENRES[other[n]]))),
                    "moods": (MOODS[moods[n]],),
                    "directors": (f"Director {directors[n]}",),
                    **({"year": int(years[n])} if n % 50 else {}),  # of one in fifty nothing is known
                    "runtime": int(runtimes[n]),
                },
                {},
            )
            for n in range(count)
        ]
        yield items, clusters, rng


def words(rng: np.random.Generator, count: int) -> str:
    """Return words of which few are frequent."""
    numbers = np.minimum(rng.zipf(1.3, count), VOCABULARY)
    return " ".join(f"word{number:x}q" for number in numbers)
