"""LLMRank's set-up on Amazon Video Games: who finds the next game among twenty candidates.

Hou et al., "Large language models are zero-shot rankers for recommender systems" (ECIR 2024): 200 people, and for each of eight
ways to draw candidates a published list. The first 19 that are not the answer stay, the answer is added, and the order is
shuffled; a history is at most 50 items long. Its zero-shot ChatGPT reaches an nDCG@10 of 53.1 on the random candidates. The
channels here are trained: on every sequence, and on the next items of everyone but those 200 people.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.quality.als import Als
from benchmarks.quality.channels import SEED, people_matrix, square, summed
from benchmarks.quality.movielens import Floats, Ints
from benchmarks.quality.scoring import score
from retrieval.collaborative import ItemItemIndex
from retrieval.domain_files import load_domain
from retrieval.embedder import Embedder
from retrieval.encoder_training import EncoderTrainer, Pair
from retrieval.following import LAGS, transitions
from retrieval.fusion import RRF_K
from retrieval.item_table import ItemTable
from retrieval.types import Item

LISTS = ("random", "pop", "bm25", "bert", "bpr", "gru4rec", "sasrec", "rabmbepobpgrsa_3")
HISTORY, BUDGET = 50, 20
PAIRS, EPOCHS = 96_000, 1
FEW_PEOPLE, FEW_PAIRS = 3000, 1000  # that a quick look learns from


@dataclass(frozen=True, slots=True)
class Games:
    """The data.

    Attributes:
        titles: of the games, whose ids are their places.
        sequences: person -> items, oldest first, without the next one.
        following: person -> the next item.
        lists: way to draw candidates -> person -> candidates, as published.
    """

    titles: list[str]
    sequences: dict[str, Ints]
    following: dict[str, int]
    lists: dict[str, dict[str, list[int]]]


def read_games(data: Path) -> Games:
    """Read ``amazon_games_llmrank``."""
    folder = data / "amazon_games_llmrank"
    titles = {int(item): unescape(unescape(title)) for item, title in _rows(folder / "games_items.tsv.gz")[1:]}
    lists: dict[str, dict[str, list[int]]] = {}
    for name in LISTS:
        rows = _rows(folder / f"candidates_200users_{name}.tsv.gz")
        lists[name] = {user: [int(item) for item in items.split()] for user, items in rows}
    sequences: dict[str, Ints] = {}
    following: dict[str, int] = {}
    for user, items, target in _rows(folder / "games_sequences.tsv.gz")[1:]:
        sequences[user], following[user] = np.array([int(item) for item in items.split()]), int(target)
    return Games([titles[n] for n in range(len(titles))], sequences, following, lists)


def bench_games(data: Path, embedder: Embedder, say: Callable[[str], None], limit: int | None = None) -> list[dict[str, Any]]:
    """Return a row for every candidate list and channel."""
    games = read_games(data)
    asked = {user for people in games.lists.values() for user in people}
    known = [items if user in asked else np.append(items, games.following[user]) for user, items in games.sequences.items()][
        : FEW_PEOPLE if limit else None
    ]
    lists = {name: dict(list(people.items())[:limit]) for name, people in games.lists.items()}
    say(f"LLMRank Games: {len(known)} people, {len(games.titles)} games; embedding")
    vectors = embedder.embed_items(games.titles)
    scorers = learn(games, known, vectors, say, FEW_PAIRS if limit else PAIRS)
    say("LLMRank Games: scoring")
    users = sorted({user for people in lists.values() for user in people}, key=int)
    scores = {user: {name: scorer(games.sequences[user][-HISTORY:]) for name, scorer in scorers.items()} for user in users}
    rows: list[dict[str, Any]] = []
    for name, people in lists.items():
        candidates = {user: candidates_of(items, games.following[user]) for user, items in people.items()}
        rankings = {user: _rankings(items, scores[user], user) for user, items in candidates.items()}
        relevant = {user: {str(games.following[user])} for user in people}
        for system in next(iter(rankings.values())):
            found = score({user: ranking[system] for user, ranking in rankings.items()}, relevant)
            rows.append({"dataset": f"LLMRank Games, {name} candidates", "system": system, **found})
    return rows


def learn(
    games: Games, known: Sequence[Ints], vectors: npt.NDArray[np.float32], say: Callable[[str], None], pairs: int
) -> dict[str, Callable[[Ints], Floats]]:
    """Return channel -> history -> a score for every game. EASE is none of them: there are too many games for it."""
    ids = [str(n) for n in range(len(games.titles))]
    matrix = people_matrix(known, len(ids))
    counts = np.asarray(matrix.sum(axis=0), float).ravel()
    say("LLMRank Games: item-item, transitions, ALS")
    item_item, following = square(ItemItemIndex.from_matrix(ids, matrix)), transitions(known, len(ids))
    als = Als(matrix)
    say("LLMRank Games: training the sequence channel")
    sequence = _train(games.titles, known, vectors, counts, pairs)

    def follow(items: Ints) -> Floats:
        last = items[: -LAGS - 1 : -1]
        return summed(following, last, (1.0 / np.arange(1, LAGS + 1))[: len(last)])

    return {
        "popularity": lambda _items: counts,
        "item-item": lambda items: summed(item_item, items),
        "transitions": follow,
        "ALS": als.scores,
        "dense history": lambda items: (vectors @ vectors[items].mean(axis=0)).astype(float),
        "sequence": sequence,
    }


def candidates_of(published: Sequence[int], answer: int) -> list[int]:
    """Return the twenty candidates of LLMRank's ``trainer.py``, the answer last; what a list says twice comes once."""
    return [*dict.fromkeys([item for item in published if item != answer][: BUDGET - 1]), answer]


def _rankings(candidates: Sequence[int], scores: Mapping[str, Floats], user: str) -> dict[str, list[str]]:
    """Return system -> the candidates, best first; equal ones in random order, for the answer's place says nothing."""
    shuffled = np.random.default_rng([SEED, int(user)]).permutation(candidates)
    places = {name: np.argsort(np.argsort(-of[shuffled], kind="stable"), kind="stable") for name, of in scores.items()}
    fused = sum(1.0 / (RRF_K + 1 + rank) for name, rank in places.items() if name != "popularity")
    ranks = {"random": np.arange(len(shuffled)), **places, "rank fusion": np.argsort(np.argsort(-fused, kind="stable"))}
    return {name: [str(item) for item in shuffled[np.argsort(rank)]] for name, rank in ranks.items()}


def _train(
    titles: Sequence[str], known: Sequence[Ints], vectors: npt.NDArray[np.float32], counts: Floats, pairs: int
) -> Callable[[Ints], Floats]:
    """Train the interest encoder on what follows what, without words; a place of a sequence is as likely as any other."""
    chance = np.random.default_rng(SEED)
    table = ItemTable([Item(str(n), {"original": title}, {}, {}, {}) for n, title in enumerate(titles)], load_domain("movies"))
    lengths = np.array([len(items) for items in known])
    ends = np.cumsum(lengths - 1)
    chosen = np.sort(chance.choice(ends[-1], min(pairs, int(ends[-1])), replace=False))
    learned: list[Pair] = []
    for place in chosen.tolist():
        person = int(np.searchsorted(ends, place, "right"))
        end = int(place - (ends[person] - (lengths[person] - 1))) + 1
        learned.append(Pair(None, None, known[person][:end].astype(np.int32), (), int(known[person][end])))
    trainer = EncoderTrainer(table, vectors, [], facets=False, seed=SEED)
    encoder, prior = trainer.train(learned, np.log1p(counts)[:, None].astype(np.float32), EPOCHS)
    items, none = encoder.over(table, vectors, prior), np.zeros(vectors.shape[1], np.float32)
    return lambda history: items.scores(none, none, history.astype(np.int32)).astype(float)


def _rows(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file if line.strip()]
