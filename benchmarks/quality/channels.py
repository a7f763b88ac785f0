"""The channels of the sequence benchmark: each gives every film a score for a person's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from benchmarks.quality.als import ALPHA, REGULARIZATION, Als
from benchmarks.quality.movielens import Films, Floats, Ints, Person
from retrieval.collaborative import ItemItemIndex
from retrieval.ease import ease_index
from retrieval.following import LAGS, transitions
from retrieval.fusion import ranking, reciprocal_rank_fusion
from retrieval.sequence import SequenceModel
from retrieval.sequence_training import SequenceSettings, SequenceTrainer

DAY = 86_400.0
CHANNELS = ("popularity", "popularity in time", "item-item", "EASE", "ALS", "dense history", "transitions", "self-attention")
FUSED = CHANNELS[1:]
FUSED_DEPTH = 200
SEED = 7


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is chosen on the validation items.

    Attributes:
        half_life: days after which a rating counts half in the popularity.
        shrinkage: of EASE.
        alpha: of ALS.
        regularization: of ALS.
        backwards: how much the item before counts as one that follows.
    """

    half_life: float = 90.0
    shrinkage: float = 300.0
    alpha: float = ALPHA
    regularization: float = REGULARIZATION
    backwards: float = 0.5


class Channels:
    """Every channel, learned from what people are known to have rated; a rating counts as 1, whatever it is."""

    def __init__(self, films: Films, known: Sequence[Person], vectors: npt.NDArray[np.float32], chosen: Parameters) -> None:
        """Learn.

        Args:
            films: what there is.
            known: the people, without what is held out.
            vectors: (n, d), of the cards, of unit length.
            chosen: parameters.
        """
        self.films, self.vectors, self.chosen = films, vectors, chosen
        self._sequences = [person.items for person in known]
        self.matrix = people_matrix(self._sequences, len(films.ids))
        self.counts = np.asarray(self.matrix.sum(axis=0), float).ravel()
        items, times = (np.concatenate([getattr(person, of) for person in known]) for of in ("items", "times"))
        order = np.argsort(times, kind="stable")
        self._items, self._times = items[order], times[order]
        self.item_item = square(ItemItemIndex.from_matrix(films.ids, self.matrix))
        for channel in ("EASE", "ALS", "transitions"):
            self.learn(channel, chosen)

    def learn(self, channel: str, chosen: Parameters) -> None:
        """Learn one channel again, with other parameters."""
        self.chosen = chosen
        if channel == "EASE":
            self.ease = square(ease_index(self.films.ids, self.matrix, chosen.shrinkage))
        elif channel == "ALS":
            self.als = Als(self.matrix, alpha=chosen.alpha, regularization=chosen.regularization)
        elif channel == "transitions":
            self.following = transitions(self._sequences, len(self.films.ids), chosen.backwards)

    @cached_property
    def sequence(self) -> SequenceModel:
        """The sequence model, trained when it is first asked; the last known item of everyone tells it when to stop."""
        people = [person.astype(np.int32) for person in self._sequences]
        return SequenceTrainer(self.films.ids, people, SequenceSettings(seed=SEED)).train()[0]

    def recent(self, now: float) -> Floats:
        """Return how often each film was rated until a moment, older ratings counting less."""
        half_life = self.chosen.half_life * DAY
        start, end = np.searchsorted(self._times, [now - 10 * half_life, now], "right")
        weights = np.exp2((self._times[start:end] - now) / half_life)
        return np.bincount(self._items[start:end], weights, len(self.films.ids))

    def scores(self, person: Person) -> dict[str, Floats]:
        """Return channel -> a score for every film, (n,). The moment is that of the last known item, not of the next."""
        return {channel: self.scores_of(channel, person) for channel in CHANNELS}

    def scores_of(self, channel: str, person: Person) -> Floats:
        """Return one channel's score for every film, (n,)."""
        items = person.items
        match channel:
            case "popularity":
                return self.counts
            case "popularity in time":
                return self.recent(person.times[-1])
            case "item-item":
                return summed(self.item_item, items)
            case "EASE":
                return summed(self.ease, items)
            case "ALS":
                return self.als.scores(items)
            case "dense history":
                return (self.vectors @ self.vectors[items].mean(axis=0)).astype(float)
            case "self-attention":
                return self.sequence.scores(items.astype(np.int32)).astype(float)
            case _:
                last = items[: -LAGS - 1 : -1]
                return summed(self.following, last, (1.0 / np.arange(1, LAGS + 1))[: len(last)])


def people_matrix(people: Sequence[Ints], items: int) -> Any:
    """Return sparse (people, items), 1 for what a person has."""
    rows = np.repeat(np.arange(len(people)), [len(person) for person in people])
    columns = np.concatenate(people)
    return sparse.csr_matrix((np.ones(len(columns), np.float32), (rows, columns)), shape=(len(people), items))


def square(index: ItemItemIndex) -> Any:
    """Return the weights of an index as sparse (items, items), for whole vectors of scores at once."""
    return index.matrix({item_id: n for n, item_id in enumerate(index.ids)})


def summed(weights: Any, items: Ints, strengths: Floats | None = None) -> Floats:
    """Return the sum of the rows of some items, (n,)."""
    row = sparse.csr_matrix(
        (np.ones(len(items)) if strengths is None else strengths, items, [0, len(items)]), shape=(1, weights.shape[0])
    )
    return (row @ weights).toarray().ravel()


def best(scores: Floats, k: int, left_out: Ints | None = None) -> Ints:
    """Return the k films with the largest scores, best first; equal ones in their order."""
    scores = scores.astype(float)
    if left_out is not None:
        scores[left_out] = -np.inf
    k = min(k, int(np.isfinite(scores).sum()))
    if k <= 0:
        return np.array([], np.int64)
    bound = np.partition(scores, -k)[-k]
    found = np.flatnonzero(scores >= bound)
    return found[np.argsort(-scores[found], kind="stable")][:k]


def fused(scores: dict[str, Floats], ids: Sequence[str], left_out: Ints) -> list[str]:
    """Return ids by reciprocal rank fusion of the channels :data:`FUSED`."""
    channels = {
        name: ranking({ids[n]: -float(rank) for rank, n in enumerate(best(scores[name], FUSED_DEPTH, left_out).tolist())})
        for name in FUSED
    }
    return list(reciprocal_rank_fusion(channels))
