"""What the model's vote weighs in an order, learned where the right answers are known; nothing where it does not help.

A conditional logit over the candidates of a ballot (McFadden, "Conditional logit analysis of qualitative choice behavior",
1974), trained with the listwise softmax of ListNet (Cao et al., ICML 2007). Its gain is measured by cross-validation: a vote
that does not surely help is not asked for.
"""

from __future__ import annotations

import importlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.fusion import RRF_K
from retrieval.metrics import Gain, ndcg, paired_gain
from retrieval.types import Candidate, ChannelScore

FILE = "vote.json"
FEATURES = ("place", "vote rank", "log-probability", "margin")
FOLDS = 5
RIDGE = 1.0  # L2 penalty of the weights: ballots are few
SEED = 11
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """A ballot whose right answers are known.

    Attributes:
        features: (candidates, features), in the order without the vote.
        grades: of the candidates, 0 and more.
    """

    features: Floats
    grades: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VoteFusion:
    """An order from places and votes.

    Attributes:
        weights: of :data:`FEATURES`.
        cases: ballots that it was learned from.
        before: mean nDCG@10 of the order without the vote.
        gain: what the vote adds to it, cross-validated.
        ci95: half the gain's 95 % interval; a vote whose interval reaches 0 is not used.
    """

    weights: tuple[float, ...]
    cases: int
    before: float
    gain: float
    ci95: float

    @property
    def helps(self) -> bool:
        """Whether the vote surely improves the order."""
        return Gain(self.gain, self.ci95).sure

    def scores(self, features: Floats) -> Floats:
        """Return one score a candidate; higher is better."""
        return features @ np.asarray(self.weights)

    def save(self, folder: Path) -> None:
        """Write into a folder; replaces what is there at once."""
        staged = folder / f"{FILE}.part"
        staged.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        staged.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> VoteFusion | None:
        """Read what :meth:`save` wrote; None where there is nothing."""
        path = folder / FILE
        if not path.is_file():
            return None
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["weights"] = tuple(found["weights"])
        return cls(**found)


def features_of(candidates: Sequence[Candidate], votes: Mapping[str, ChannelScore]) -> Floats:
    """Return (candidates, features): reciprocal place and vote rank as in rank fusion, log-probability, margin to the best.

    The log-probabilities are standardised within the ballot; the reciprocal ranks of the first are 10.
    """
    logs = np.array([votes[c.item.id].score for c in candidates])
    spread = float(logs.std()) or 1.0
    places = np.array([(RRF_K + 1) / (RRF_K + n) for n in range(1, len(candidates) + 1)])
    ranks = np.array([(RRF_K + 1) / (RRF_K + votes[c.item.id].rank) for c in candidates])
    return np.column_stack([10 * places, 10 * ranks, (logs - logs.mean()) / spread, logs - logs.max()])


def learn(cases: Sequence[Case], seed: int = SEED) -> VoteFusion:
    """Learn the weights from ballots, and what they gain on ballots that they were not learned from.

    Raises:
        ValueError: fewer than two ballots have both better and worse candidates.
    """
    told = [case for case in cases if len(set(case.grades)) > 1]
    if len(told) < 2:
        raise ValueError("a vote cannot be weighed on fewer than two ballots with better and worse candidates")
    order = random.Random(seed).sample(range(len(told)), len(told))
    gains: list[float] = []
    for fold in range(min(FOLDS, len(told))):
        test = [told[n] for k, n in enumerate(order) if k % FOLDS == fold]
        weights = _fit([told[n] for k, n in enumerate(order) if k % FOLDS != fold])
        for case in test:
            ordered: list[int] = np.argsort(-(case.features @ weights), kind="stable").tolist()
            gains.append(ndcg([case.grades[n] for n in ordered]) - ndcg(case.grades))
    gain = paired_gain(gains)
    before = float(np.mean([ndcg(case.grades) for case in told]))
    return VoteFusion(tuple(map(float, _fit(told))), len(told), before, gain.mean, gain.ci95)


def _fit(cases: Sequence[Case]) -> Floats:
    optimize: Any = importlib.import_module("scipy.optimize")
    targets = [np.asarray(case.grades, float) / sum(case.grades) for case in cases]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = RIDGE * float(weights @ weights) / 2, RIDGE * weights
        for case, target in zip(cases, targets, strict=True):
            scores = case.features @ weights
            scores = scores - scores.max()
            logs = scores - math.log(float(np.exp(scores).sum()))
            total -= float(target @ logs)
            slope = slope + case.features.T @ (np.exp(logs) - target)
        return total, slope

    start = np.zeros(len(FEATURES))
    start[0] = 1.0  # the order as it is
    return np.asarray(optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x)
