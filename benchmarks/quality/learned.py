"""The learned row: LambdaMART over what the channels say of a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.quality.channels import DAY, SEED, Channels, best, summed
from benchmarks.quality.movielens import Floats, Ints, Person
from retrieval.ranker import LearnedRanker

DEPTH = 100  # candidates of each channel
RECENT = 5  # items that are the end of a history
_FAR = 1000.0  # the rank of what a channel does not propose


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may come next.

    Attributes:
        items: (n,) positions.
        features: (n, f).
    """

    items: Ints
    features: npt.NDArray[np.float32]


def propose(channels: Channels, person: Person, scores: dict[str, Floats]) -> Candidates:
    """Return the best of every channel that are not known, and their features.

    Args:
        channels: learned.
        person: with what is known.
        scores: channel -> scores, as the channels gave them for the person.
    """
    films, items, now = channels.films, person.items, person.times[-1]
    lists = {name: best(values, DEPTH, items) for name, values in scores.items()}
    found = np.unique(np.concatenate(list(lists.values())))
    columns: list[Floats] = []
    for name, values in scores.items():
        ranks = np.full(len(values), _FAR)
        ranks[lists[name]] = np.arange(1, len(lists[name]) + 1)
        top = values[lists[name][0]] or 1.0
        columns += [values[found], values[found] / top, np.log(ranks[found])]
    last, end = items[-1:], items[-RECENT:]
    columns += [summed(weights, part)[found] for part in (last, end) for weights in (channels.ease, channels.item_item)]
    columns += [summed(channels.following, last)[found]]
    columns += [(channels.vectors[found] @ channels.vectors[part].mean(axis=0)).astype(float) for part in (last, end)]
    for part in (last, end, items):
        taste = films.genres[part].sum(axis=0)
        sizes = np.sqrt(np.maximum(films.genres[found].sum(axis=1), 1)) * max(float(np.linalg.norm(taste)), 1.0)
        columns.append(films.genres[found] @ taste / sizes)
        known = films.years[part][films.years[part] > 0]
        away = films.years[found] - (known.mean() if len(known) else np.nan)
        columns += [away, np.abs(away)]
    seen = 1970 + now / DAY / 365.25
    columns += [np.log1p(channels.counts[found]), films.years[found], seen - films.years[found]]
    columns += [np.full(len(found), np.log(len(items)))]
    columns += [np.full(len(found), films.years[end].mean()), np.full(len(found), np.log1p(channels.counts[end]).mean())]
    return Candidates(found, np.column_stack(columns).astype(np.float32))


def train(questions: Sequence[tuple[Candidates, int]]) -> LearnedRanker:
    """Learn the order as the product does.

    Args:
        questions: candidates and the item that came next; those without it among the candidates teach nothing.
    """
    useful = [(candidates, target) for candidates, target in questions if target in candidates.items]
    names = [f"feature{n}" for n in range(useful[0][0].features.shape[1])]
    right = [candidates.items == target for candidates, target in useful]
    return LearnedRanker.fit(names, [candidates.features for candidates, _ in useful], right, seed=SEED)


def ordered(ranker: LearnedRanker, candidates: Candidates) -> Ints:
    """Return the candidates, best first; equal ones in their order."""
    return candidates.items[np.argsort(-ranker.scores(candidates.features), kind="stable")]
