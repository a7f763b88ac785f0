"""What the start page, the map and "how adventurous" are worth: ``python -m benchmarks.discovering``.

On the shipped catalogue with the default embedder, in both languages. The map: how many of an item's ten nearest neighbours are
true ones (trustworthiness; Venna and Kaski 2001), beside the first two principal components, and the seconds of processor time.
The eight items of the start page: their mean pairwise cosine, beside that of random eights. Lists of five for people who like
six items of one kind: diversity (1 - mean cosine), likeness to those, and the share of lists that leave their usual kinds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from app import open_pipeline
from chatbot.catalogues import find_catalogue
from chatbot.settings import Settings, go_offline
from chatbot.types import Conversation
from retrieval.calibration import shares
from retrieval.contrast import contrasting
from retrieval.events import Event
from retrieval.projection import project

DRAWS, PEOPLE, LIKED, ITEMS = 2000, 60, 6, 5
NEIGHBOURS = 10


def mean_cosine(rows: Any) -> float:
    """Mean cosine of all pairs of (n, d) rows."""
    return float((rows @ rows.T)[np.triu_indices(len(rows), 1)].mean())


def bench_map(index: Any, language: str) -> dict[str, float]:
    """The map beside two principal components."""
    rows = index.vectors_of(list(index.items), language)
    began = time.process_time()
    placed = project(index, language)
    took = time.process_time() - began
    flat = PCA(2, svd_solver="full").fit_transform(rows)
    return {
        "map": trustworthiness(rows, placed.xy, n_neighbors=NEIGHBOURS),
        "two components": trustworthiness(rows, flat, n_neighbors=NEIGHBOURS),
        "map, s of processor": took,
    }


def bench_contrast(index: Any, language: str) -> dict[str, float]:
    """The eight items of the start page beside random eights."""
    ids, random = list(index.items), np.random.default_rng(0)
    ours = mean_cosine(index.vectors_of(contrasting(index, language), language))
    drawn = [
        mean_cosine(index.vectors_of([ids[n] for n in random.choice(len(ids), 8, replace=False)], language))
        for _ in range(DRAWS)
    ]
    return {
        "cosine of the eight": ours,
        "of random eights": float(np.mean(drawn)),
        "percentile among them": 100 * float(np.mean(np.array(drawn) < ours)),
    }


def bench_explore(pipeline: Any, language: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Lists of people who like six items of one kind, at both ends of "how adventurous" and as usual."""
    index, facet = pipeline.index, pipeline.index.domain.kind_facet
    random, ids = np.random.default_rng(0), list(pipeline.index.items)
    people: list[list[str]] = []
    while len(people) < PEOPLE:
        kind = index.items[ids[random.integers(len(ids))]].values(facet)[0]
        own = [i for i in ids if kind in index.items[i].values(facet)]
        if len(own) >= 2 * LIKED:
            people.append([own[n] for n in random.choice(len(own), LIKED, replace=False)])
    for n, liked in enumerate(people):
        pipeline.learn(*(Event(f"{language}{n}", "liked", item) for item in liked))
    said = {"en": "surprise me", "zh": "随便推荐"}[language]
    for name, explore in (("close", 0.0), ("usual", None), ("far", 1.0)):
        apart, alike, outside = [], [], []
        for n, liked in enumerate(people):
            user = f"{language}{n}"
            talk = Conversation(f"{name}-{user}", user)
            turn = pipeline.complete(said, talk, pipeline.profile(user), items_only=True, count=ITEMS, explore=explore)
            rows = index.vectors_of([item.item.id for item in turn.items], language)
            usual = shares([index.items[i].values(facet) for i in liked])
            apart.append(1 - mean_cosine(rows))
            alike.append(float((rows @ index.vectors_of(liked, language).T).mean()))
            outside.append(any(all(usual.get(k, 0) < 0.1 for k in item.item.values(facet)) for item in turn.items))
        yield name, {"diversity": float(np.mean(apart)), "likeness": float(np.mean(alike)), "outside": float(np.mean(outside))}


def main() -> None:
    """Measure all of it and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    go_offline()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data=Path(data), engine="scripted")
        with open_pipeline(settings, find_catalogue(settings, None), model=False) as pipeline:
            for language in ("en", "zh"):
                figures[language] = {
                    **bench_map(pipeline.index, language),
                    **bench_contrast(pipeline.index, language),
                    "lists": dict(bench_explore(pipeline, language)),
                }
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
