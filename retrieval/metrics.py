"""What is worth measuring in recommendations. Pure; in the benchmarks ``ir-measures`` computes recall, nDCG and MRR."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Rankings = Sequence[Sequence[str]]
Floats = npt.NDArray[np.floating[Any]]
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better a second measurement of the same queries is: the mean difference, and half its 95 % interval."""

    mean: float
    ci95: float

    @property
    def sure(self) -> bool:
        """Whether chance hardly made it: the interval lies above 0."""
        return self.mean > self.ci95


def paired_gain(differences: Sequence[float] | Floats) -> Gain:
    """Return the mean of paired differences; 1.96 standard errors are half the interval. With one of them nothing is sure."""
    values = np.asarray(differences, np.float64)
    half = _NORMAL_95 * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else math.inf
    return Gain(float(values.mean()), half)


def ndcg(grades: Sequence[int], depth: int = 10) -> float:
    """Return the nDCG of one list with gain 2^grade - 1 (Burges et al., ICML 2005), the ideal being its own best order.

    Args:
        grades: of the items, in the order of the list; 0 is not relevant.
        depth: places that count.
    """

    def dcg(ordered: Sequence[int]) -> float:
        return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(ordered[:depth]))

    best = dcg(sorted(grades, reverse=True))
    return dcg(grades) / best if best else 0.0


@dataclass(frozen=True, slots=True)
class PopularityBias:
    """How popular what is recommended is.

    Attributes:
        recommended: the mean percentile of the recommended items, from 0 (nobody wants them) to 100.
        targets: the mean percentile of the items that people wanted.
        ratio: the first by the second; above 1, popular items are recommended more than they are wanted.
    """

    recommended: float
    targets: float
    ratio: float


def item_coverage(rankings: Rankings, n_items: int) -> float:
    """Return the share of the catalogue that is recommended to somebody, in [0, 1].

    The catalogue coverage of Ge, Delgado-Battenfeld and Jannach, "Beyond accuracy" (RecSys 2010), section 3.1.

    Args:
        rankings: lists of item ids, cut where they count.
        n_items: of the catalogue, above 0.
    """
    if n_items <= 0:
        raise ValueError(f"a catalogue of {n_items} items cannot be covered")
    return len({item_id for ranking in rankings for item_id in ranking}) / n_items


def intra_list_similarity(rankings: Rankings, vectors: Mapping[str, Floats]) -> float:
    """Return how alike the items of a list are: the mean cosine of its pairs, averaged over the lists.

    Ziegler, McNee, Konstan and Lausen, "Improving recommendation lists through topic diversification" (WWW 2005), equation 4,
    by the mean of the pairs instead of their sum, so that lists of different lengths compare.

    Args:
        rankings: lists of item ids, cut where they count; those with fewer than two known items do not count.
        vectors: item id -> vector, of any length but 0; ids without one do not count.

    Returns:
        In [-1, 1]; 0 when no list counts.
    """
    means: list[float] = []
    for ranking in rankings:
        rows = [vectors[item_id] for item_id in ranking if item_id in vectors]
        if len(rows) > 1:
            unit = np.asarray(rows, np.float64)
            unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
            n, whole = len(rows), unit.sum(axis=0)
            means.append((float(whole @ whole) - n) / (n * (n - 1)))  # |Σv|² counts each pair twice and each item once
    return float(np.mean(means)) if means else 0.0


def popularity_percentiles(popularity: Mapping[str, float]) -> dict[str, float]:
    """Return for every item the percentage of items that are less popular, those as popular counted half."""
    values = np.fromiter(popularity.values(), np.float64, len(popularity))
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return dict(zip(popularity, (50.0 * below / max(len(values), 1)).tolist(), strict=True))


def popularity_bias(rankings: Rankings, targets: Rankings, popularity: Mapping[str, float]) -> PopularityBias:
    """Compare the popularity of what is recommended with that of what is wanted.

    The idea is the group average popularity of Abdollahpouri, Mansoury, Burke and Mobasher, "The unfairness of popularity
    bias in recommendation" (RMSE at RecSys 2019), section 3, with all people as one group. Percentiles take the place of
    counts, whose means a few bestsellers would decide. Each list counts the same, as in the paper.

    Args:
        rankings: lists of item ids, cut where they count; empty ones do not count.
        targets: lists of the ids that were wanted.
        popularity: item id -> for example how many people want it; of the whole catalogue. Ids without one have percentile 0.
    """
    percentiles = popularity_percentiles(popularity)
    recommended, wanted = _mean_of_lists(rankings, percentiles), _mean_of_lists(targets, percentiles)
    return PopularityBias(recommended, wanted, recommended / wanted if wanted else 0.0)


def _mean_of_lists(rankings: Rankings, values: Mapping[str, float]) -> float:
    """Return the mean over the lists that are not empty of the mean over each."""
    means = [float(np.mean([values.get(item_id, 0.0) for item_id in ranking])) for ranking in rankings if len(ranking)]
    return float(np.mean(means)) if means else 0.0
