"""What a vote is worth where the right answer is known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.metrics import Gain, paired_gain

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over ballots.

    Attributes:
        count: of ballots.
        loss: :func:`losses`, in nats.
        accuracy: share of ballots whose best label is right.
        mrr: mean of 1 / place of the right answer.
        ndcg: nDCG@10 of the ballot's order (:func:`gains`).
    """

    count: int
    loss: float
    accuracy: float
    mrr: float
    ndcg: float

    def as_dict(self) -> dict[str, Any]:
        """Return them by name."""
        return asdict(self)


def losses(scores: Sequence[Sequence[float]], answers: Sequence[int]) -> Floats:
    """Return for each ballot the listwise loss: -log of the softmax over its labels' scores, at the right one.

    The top-one cross entropy of ListNet (Cao, Qin, Liu, Tsai and Li, "Learning to rank: from pairwise approach to listwise
    approach", ICML 2007) with all relevance on one item.

    Args:
        scores: a row a ballot, one number a label; logits and log-probabilities give the same.
        answers: place of the right label in its row.
    """
    rows = [np.asarray(row, np.float64) for row in scores]
    return np.array([np.logaddexp.reduce(row) - row[n] for row, n in zip(rows, answers, strict=True)], np.float64)


def places(scores: Sequence[Sequence[float]], answers: Sequence[int]) -> NDArray[np.int64]:
    """Return the right answer's place in each ballot, from 1; of equal scores it has the last place."""
    rows = [np.asarray(row, np.float64) for row in scores]
    return np.array([int((row >= row[n]).sum()) for row, n in zip(rows, answers, strict=True)], np.int64)


def gains(place: NDArray[np.int64]) -> Floats:
    """Return nDCG@10 of ballots with one right answer: 1 / log2(1 + place), 0 behind the tenth.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (TOIS 2002), with a gain of 1.
    """
    return np.where(place <= 10, 1.0 / np.log2(1.0 + place), 0.0)


def figures(scores: Sequence[Sequence[float]], answers: Sequence[int]) -> Figures:
    """Measure votes; see :func:`losses` for the arguments. There must be a ballot."""
    place = places(scores, answers)
    return Figures(
        len(place),
        float(losses(scores, answers).mean()),
        float((place == 1).mean()),
        float((1.0 / place).mean()),
        float(gains(place).mean()),
    )


def by_chance(sizes: Sequence[int]) -> Figures:
    """Return what equal scores and an order by chance have: the expectation.

    Args:
        sizes: how many labels each ballot has.
    """
    every = [np.arange(1, size + 1) for size in sizes]
    return Figures(
        len(sizes),
        float(np.mean([np.log(size) for size in sizes])),
        float(np.mean([1.0 / size for size in sizes])),
        float(np.mean([(1.0 / place).mean() for place in every])),
        float(np.mean([gains(place).mean() for place in every])),
    )


def gain(before: Sequence[Sequence[float]], after: Sequence[Sequence[float]], answers: Sequence[int]) -> Gain:
    """Compare the nDCG@10 of two votes on the same ballots."""
    return paired_gain(gains(places(after, answers)) - gains(places(before, answers)))
