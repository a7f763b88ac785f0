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

    def __init__(self, names: Sequence[str], trees: Any) -> None:
        """Hold what :meth:`fit` found."""
        self.names, self._trees = list(names), trees

    @classmethod
    def fit(
        cls,
        names: Sequence[str],
        features: Sequence[Floats],
        relevant: Sequence[NDArray[np.bool_]],
        *,
        rounds: int = ROUNDS,
        seed: int = 0,
    ) -> LearnedRanker:
        """Learn an order.

        Args:
            names: of the features.
            features: for each query (candidates, features).
            relevant: for each query which candidates are right.
            rounds: trees.
            seed: the same seed and data give the same trees.
        """
        lightgbm: Any = importlib.import_module("lightgbm")
        data = lightgbm.Dataset(
            np.concatenate(features),
            np.concatenate(relevant).astype(np.int32),
            group=[len(rows) for rows in features],
            feature_name=[name.replace(".", "_") for name in names],
        )
        return cls(names, lightgbm.train({**PARAMETERS, "seed": seed}, data, rounds))

    def scores(self, features: Floats) -> Floats:
        """Return one score a candidate; higher is better."""
        return np.asarray(self._trees.predict(features, num_threads=1), np.float32)

    def contributions(self, features: Floats) -> list[dict[str, float]]:
        """Return for each candidate what each feature added: Shapley values, whose sum and a constant are the score."""
        values = np.asarray(self._trees.predict(features, pred_contrib=True, num_threads=1))[:, :-1]
        return [{name: float(v) for name, v in zip(self.names, row, strict=True) if v} for row in values]

    def importance(self) -> dict[str, float]:
        """Return what each feature gained in training, as shares of the whole, the largest first."""
        gains = self._trees.feature_importance("gain")
        total = float(gains.sum()) or 1.0
        shares = [(name, float(gain) / total) for name, gain in zip(self.names, gains, strict=True)]
        return dict(sorted(shares, key=lambda pair: (-pair[1], pair[0])))

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._trees.save_model(folder / "trees.txt")
        (folder / "ranker.json").write_text(json.dumps({"features": self.names}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LearnedRanker:
        """Read what :meth:`save` wrote."""
        names = json.loads((folder / "ranker.json").read_text(encoding="utf-8"))["features"]
        return cls(names, importlib.import_module("lightgbm").Booster(model_file=folder / "trees.txt"))
