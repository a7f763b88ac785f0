"""Recommendation in conversations: what a turn of the recommender mentions, given what was said before.

A split file is in the format of iEvaLM (dialog_id, turn_id, context, entity, rec) or of CIKM'23 (context, resp, rec,
prev_entity, is_user); training files are in either, or ReDial's own (messages, movieMentions). Every (turn, target) pair is
a query with one right answer. "new" targets were not mentioned before; items that were mentioned are never recommended, so
that of "all" targets every system but the repeating one misses those. A dialogue that is in the split and in the training is
never in both at once: then the split is parted in two, and each half is tested by what the rest taught.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.quality.conversations import Moment, folds_of, read_moments
from benchmarks.quality.films import FilmCatalogue, movielens
from benchmarks.quality.parts import DialogueParts, Reader
from benchmarks.quality.scoring import score
from retrieval.channels import as_arrays, find_all, rank_all
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.learned import Learned
from retrieval.metrics import intra_list_similarity, item_coverage, popularity_bias
from retrieval.retriever import DEFAULT_WEIGHTS
from retrieval.training import Example

DEPTH = 50
FIRST = 10  # places that coverage, similarity and popularity are measured of
MOST_WEIGHT = 8.0  # of a dialogue of a small file
_SEED = 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with entity2id.json, item_ids.json, and the items' texts"
    )
    parser.add_argument("--split", type=Path, required=True, help="file of the turns to be tested")
    parser.add_argument(
        "--train", type=Path, nargs="*", default=[], help="files of the turns to learn from; none: no learned rows"
    )
    parser.add_argument(
        "--log", type=Path, nargs="*", help="folders of MovieLens; without, those beside the data; --log alone: none"
    )
    parser.add_argument("--limit", type=int, help="test so many turns, chosen at random")
    parser.add_argument("--pairs", action="store_true", help="also the reciprocal rank fusion of every two channels")
    parser.add_argument(
        "--vote", type=int, default=0, metavar="N", help="also the learned order with the model's vote, on N turns"
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """One turn under test: where its rankings go, by system."""

    moment: Moment
    rankings: dict[str, list[str]]


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every system on a split.

    Returns:
        A row for each system, kind of targets and kind of entities.
    """
    films = FilmCatalogue(options.data)
    split = [m for m in read_moments(options.split, films) if m.recommender]
    files = [read_moments(path, films) for path in options.train]
    training = [moment for moments in files for moment in moments]
    weights = _weights(files)
    if options.limit and options.limit < len(split):
        split = random.Random(_SEED).sample(split, options.limit)
    folders = movielens(options.data) if options.log is None else options.log
    parts = DialogueParts(films, folders, _tell)
    _tell(
        f"{len(films.items)} items, {len(split)} turns to test, {len(training)} to learn from, log: {[f.name for f in folders]}"
    )
    asked: dict[str, list[_Asked]] = {"given": [], "linked": []}
    folds = folds_of(split, training)
    for n, (rest, test) in enumerate(folds, 1):
        learned = parts.train([replace(parts.given.example(m), weight=weights.get(m.dialogue, 1.0)) for m in rest])
        _tell(f"fold {n} of {len(folds)}: learned from {len(rest)} turns")
        for entities, reader in (("given", parts.given), ("linked", parts.linked)):
            asked[entities] += _ask(parts, learned, reader, test, options)
            _tell(f"fold {n} of {len(folds)}: {len(test)} turns tested, entities {entities}")
    counts = Counter(target for moment in training for target in moment.targets)
    popularity = {item_id: counts[item_id] for item_id in films.items}
    vectors = dict(zip(parts.trainer.table.ids, parts.trainer.vectors, strict=True))
    return [row for entities, turns in asked.items() for row in _rows(turns, entities, popularity, vectors)]


def _weights(files: Sequence[Sequence[Moment]]) -> dict[str, float]:
    """Return how much a dialogue counts: a small file beside a large one is there for being like what is tested."""
    largest = max((len(moments) for moments in files), default=0)
    return {m.dialogue: min(largest / len(moments), MOST_WEIGHT) for moments in files for m in moments}


def _ask(parts: DialogueParts, learned: Learned, reader: Reader, test: Sequence[Moment], options: Any) -> list[_Asked]:
    table = parts.trainer.table
    chance = random.Random(_SEED)
    turns: list[_Asked] = []
    model = parts.model() if options.vote and learned.ranker is not None else None
    for nth, moment in enumerate(test):
        example: Example = reader.example(moment)
        search = parts.trainer.search(example.query, learned)
        found_all = find_all(search)
        places = rank_all(search, found_all)
        found = {
            "random": chance.sample(table.ids, min(DEPTH, len(table))),
            "repeat": list(reversed(example.query.liked)),
            **{name: list(ranking)[:DEPTH] for name, ranking in places.items()},
            "rrf": list(reciprocal_rank_fusion(places, DEFAULT_WEIGHTS))[:DEPTH],
        }
        if options.pairs:
            for pair in combinations(sorted(places), 2):
                found["rrf: " + " + ".join(pair)] = list(reciprocal_rank_fusion({n: places[n] for n in pair}))[:DEPTH]
        if learned.ranker is not None:
            found["learned"] = learned.order(example.query, as_arrays(found_all, len(table)), DEPTH)[0]
            if model is not None and nth < options.vote:
                found["learned, voted turns"] = found["learned"]
                found["learned + vote"] = parts.vote(model, example.query, found["learned"])
        turns.append(_Asked(moment, found))
    return turns


def _rows(
    turns: Sequence[_Asked], entities: str, popularity: Mapping[str, int], vectors: Mapping[str, Any]
) -> list[dict[str, Any]]:
    systems = list(dict.fromkeys(name for turn in turns for name in turn.rankings))
    beyond = {system: _beyond_accuracy(turns, system, popularity, vectors) for system in systems}
    rows: list[dict[str, Any]] = []
    for targets in ("new", "all"):
        for system in systems:
            rankings: dict[str, Sequence[str]] = {}
            relevant: dict[str, set[str]] = {}
            for n, turn in enumerate(turns):
                if system not in turn.rankings and "vote" in system:
                    continue  # only so many turns were voted on
                for target in turn.moment.new if targets == "new" else turn.moment.targets:
                    relevant[f"{n}:{target}"] = {target}
                    rankings[f"{n}:{target}"] = turn.rankings.get(system, [])
            if relevant:
                told = {"system": system, "targets": targets, "entities": entities}
                rows.append({**told, **score(rankings, relevant), **beyond[system]})
    return rows


def _beyond_accuracy(
    turns: Sequence[_Asked], system: str, popularity: Mapping[str, int], vectors: Mapping[str, Any]
) -> dict[str, float]:
    """Return how much of the catalogue the first places hold, how alike they are, and how popular beside the targets."""
    lists = [turn.rankings[system][:FIRST] for turn in turns if system in turn.rankings]
    bias = popularity_bias(lists, [turn.moment.targets for turn in turns if system in turn.rankings], popularity)
    return {
        f"coverage@{FIRST}": item_coverage(lists, len(vectors)),
        f"intra_list_similarity@{FIRST}": intra_list_similarity(lists, vectors),
        f"popularity_bias@{FIRST}": bias.ratio,
    }


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
