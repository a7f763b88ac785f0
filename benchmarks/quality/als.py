"""Alternating least squares on implicit feedback, by the package ``implicit``; a person's factor is solved when asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from benchmarks.quality.movielens import Floats, Ints

FACTORS, ITERATIONS, SEED = 64, 15, 7
ALPHA = 2.0  # a rating in the middle then weighs as much as an item that nobody chose
REGULARIZATION = 10.0


class Als:
    """A factor for every item: Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets" (ICDM 2008).

    A person's factor is the solution of that paper's equation 4 for the items that they have:
    x = (YᵀY + λI + Σ (c - 1) y yᵀ)⁻¹ Σ c y, where c is ``alpha``.
    """

    def __init__(
        self, wanted: Any, *, factors: int = FACTORS, alpha: float = ALPHA, regularization: float = REGULARIZATION
    ) -> None:
        """Learn.

        Args:
            wanted: a sparse matrix, (people, items), of float32.
            factors: d.
            alpha: the confidence of a strength of 1.
            regularization: λ, above 0.
        """
        with threadpool_limits(1, "blas"):  # implicit warns of more, and the order of sums would be left to chance
            model: Any = AlternatingLeastSquares(
                factors, regularization, alpha, iterations=ITERATIONS, num_threads=1, random_state=SEED
            )
            model.fit(wanted.tocsr(), show_progress=False)
            self.factors: npt.NDArray[np.float32] = np.asarray(model.item_factors, np.float32)
            exact = self.factors.astype(np.float64)
            self._gram, self._alpha = exact.T @ exact + regularization * np.eye(factors), alpha

    def scores(self, items: Ints) -> Floats:
        """Return how well every item fits someone who has these items, (n,)."""
        theirs = self.factors[items].astype(np.float64)
        left = self._gram + (self._alpha - 1) * theirs.T @ theirs
        return self.factors @ np.linalg.solve(left, self._alpha * theirs.sum(axis=0))
