"""The learned ranker: gradient-boosted trees over what the channels think of a candidate.

LambdaMART (Burges, "From RankNet to LambdaRank to LambdaMART", MSR-TR-2010-82), by LightGBM.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.item_table import Floats

ROUNDS = 150
BAGS = 3  # forests of different samples, averaged: one alone hangs on its seed
PARAMETERS: Mapping[str, Any] = {
    "objective": "lambdarank",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "lambdarank_truncation_level": 50,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbose": -1,
}


class LearnedRanker:
    """Scores candidates by their features, and says what each feature added."""

    def __init__(self, names: Sequence[str], forests: Sequence[Any]) -> None:
        """Hold what :meth:`fit` found."""
        self.names, self._forests = list(names), list(forests)

    @classmethod
    def fit(
        cls,
        names: Sequence[str],
        features: Sequence[Floats],
        relevant: Sequence[NDArray[np.bool_]],
        weights: Sequence[float] | None = None,
        *,
        rounds: int = ROUNDS,
        seed: int = 0,
    ) -> LearnedRanker:
        """Learn an order.

        Args:
            names: of the features.
            features: for each query (candidates, features).
            relevant: for each query which candidates are right.
            weights: of the queries, 1 without.
            rounds: trees.
            seed: the same seed and data give the same trees.
        """
        lightgbm: Any = importlib.import_module("lightgbm")
        data = lightgbm.Dataset(
            np.concatenate(features),
            np.concatenate(relevant).astype(np.int32),
            weight=None if weights is None else np.repeat(weights, [len(rows) for rows in features]),
            group=[len(rows) for rows in features],
            feature_name=[name.replace(".", "_") for name in names],
        )
        return cls(names, [lightgbm.train({**PARAMETERS, "seed": seed + n}, data, rounds) for n in range(BAGS)])

    def scores(self, features: Floats) -> Floats:
        """Return one score a candidate; higher is better."""
        return np.asarray(np.mean([forest.predict(features, num_threads=1) for forest in self._forests], axis=0), np.float32)

    def contributions(self, features: Floats) -> list[dict[str, float]]:
        """Return for each candidate what each feature added: Shapley values, whose sum and a constant are the score."""
        said = [forest.predict(features, pred_contrib=True, num_threads=1) for forest in self._forests]
        values: Floats = np.mean(said, axis=0)[:, :-1]
        return [{name: float(v) for name, v in zip(self.names, row, strict=True) if v} for row in values]

    def importance(self) -> dict[str, float]:
        """Return what each feature gained in training, as shares of the whole, the largest first."""
        gains: list[float] = np.sum([forest.feature_importance("gain") for forest in self._forests], axis=0).tolist()
        total = sum(gains) or 1.0
        shares = [(name, gain / total) for name, gain in zip(self.names, gains, strict=True)]
        return dict(sorted(shares, key=lambda pair: (-pair[1], pair[0])))

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for n, forest in enumerate(self._forests):
            forest.save_model(folder / f"trees-{n}.txt")
        (folder / "ranker.json").write_text(json.dumps({"features": self.names}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LearnedRanker:
        """Read what :meth:`save` wrote."""
        names = json.loads((folder / "ranker.json").read_text(encoding="utf-8"))["features"]
        lightgbm: Any = importlib.import_module("lightgbm")
        return cls(names, [lightgbm.Booster(model_file=path) for path in sorted(folder.glob("trees-*.txt"))])
