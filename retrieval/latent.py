"""Two models of the whole log: EASE, a linear item-item model, and ALS, a factor for every item.

Both read the strengths that :func:`retrieval.collaborative.strength_matrix` makes, both answer for people they have never seen,
and both have the interface of :class:`retrieval.collaborative.ItemItemIndex`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from scipy import linalg

from retrieval.collaborative import ItemItemIndex, Weights, known_weights, largest, strength_matrix
from retrieval.interactions import InteractionLog

EASE_WEIGHTS = 100  # of every item that are kept
EASE_SHRINKAGE = 200.0
EASE_MOST = 15_000  # items: (n, n) of float32 is then 0.9 GB, and the inverse takes about a minute

ALS_FACTORS = 64
ALS_ITERATIONS = 15
ALS_ALPHA = 2.0  # a rating in the middle then weighs as much as an item that nobody chose
ALS_REGULARIZATION = 10.0
ALS_BEST = 1000  # items that are scored for a person
SEED = 7

_Factors = npt.NDArray[np.float64]


class EaseIndex(ItemItemIndex):
    """EASE: every item predicted from all others by ridge regression, in closed form.

    With the strengths X, P = (XᵀX + λI)⁻¹ and B_ij = -P_ij / P_jj off the diagonal, a person's scores are xB: Steck,
    "Embarrassingly shallow autoencoders for sparse data" (WWW 2019), equation 8. Unlike a cosine, B knows that two neighbours
    say the same thing twice, and it may be negative.

    Of each item's row of B the :data:`EASE_WEIGHTS` largest by magnitude stay, so that the index is as small as the cosine's.
    The inverse costs n² memory and n³ time: a catalogue with more than :data:`EASE_MOST` items with events gets the cosine
    neighbourhoods of :class:`ItemItemIndex` instead, whose scores mean the same but rank worse.
    """

    @classmethod
    def build(cls, ids: Sequence[str], log: InteractionLog) -> EaseIndex:
        """Learn from a log; the same log and ids always give the same index.

        Args:
            ids: of the catalogue; other items do not count.
            log: whose strengths count.
        """
        wanted, present = strength_matrix(ids, log)
        return cls.from_matrix([ids[position] for position in present], wanted)

    @classmethod
    def from_matrix(cls, ids: Sequence[str], wanted: Any, shrinkage: float = EASE_SHRINKAGE) -> EaseIndex:
        """Learn from strengths.

        Args:
            ids: of the columns.
            wanted: a sparse matrix, (people, items), of float32.
            shrinkage: λ, above 0.
        """
        n, k = len(ids), min(EASE_WEIGHTS, max(len(ids) - 1, 0))
        if n > EASE_MOST:
            cosine = ItemItemIndex.from_matrix(ids, wanted)
            return cls(cosine.ids, cosine.neighbours, cosine.weights)
        neighbours, weights = np.full((n, k), -1, np.int32), np.zeros((n, k), np.float32)
        if k:
            inverse = _inverse(wanted.tocsr(), shrinkage)
            diagonal = inverse.diagonal().copy()
            for row, of_row in enumerate(inverse):
                predicting = -of_row / diagonal
                predicting[row] = 0
                best = largest(np.abs(predicting), k)
                neighbours[row, : len(best)], weights[row, : len(best)] = best, predicting[best]
        return cls(ids, neighbours, weights)

    @classmethod
    def load(cls, folder: Path) -> EaseIndex:
        """Read what :meth:`save` wrote; the arrays stay on disk until they are looked at."""
        found = ItemItemIndex.load(folder)
        return cls(found.ids, found.neighbours, found.weights)


class AlsIndex:
    """A factor for every item, by alternating least squares on implicit feedback, and a person's factor solved when asked.

    Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets" (ICDM 2008); trained by the package
    ``implicit``, which is imported for training only. A person's factor is the solution of that paper's equation 4 for the
    items that they like: x = (YᵀY + λI + Σ (c - 1) y yᵀ)⁻¹ Σ c y, where c is :data:`ALS_ALPHA` times the strength.
    """

    def __init__(self, ids: Sequence[str], factors: Weights, gram: _Factors, alpha: float) -> None:
        """Hold what :meth:`build` found.

        Args:
            ids: of the items, n.
            factors: Y, (n, d).
            gram: YᵀY + λI, (d, d).
            alpha: the confidence of a strength of 1.
        """
        self.ids, self.factors, self.gram, self.alpha = list(ids), factors, gram, alpha
        self._positions = {item_id: n for n, item_id in enumerate(self.ids)}

    def __len__(self) -> int:
        """How many items have events."""
        return len(self.ids)

    @classmethod
    def build(cls, ids: Sequence[str], log: InteractionLog) -> AlsIndex:
        """Learn from a log; on one machine, the same log and ids always give the same index.

        Args:
            ids: of the catalogue; other items do not count.
            log: whose strengths count.
        """
        wanted, present = strength_matrix(ids, log)
        return cls.from_matrix([ids[position] for position in present], wanted)

    @classmethod
    def from_matrix(
        cls,
        ids: Sequence[str],
        wanted: Any,
        *,
        factors: int = ALS_FACTORS,
        alpha: float = ALS_ALPHA,
        regularization: float = ALS_REGULARIZATION,
    ) -> AlsIndex:
        """Learn from strengths.

        Args:
            ids: of the columns.
            wanted: a sparse matrix, (people, items), of float32.
            factors: d.
            alpha: the confidence of a strength of 1.
            regularization: λ, above 0.
        """
        if not len(ids):
            return cls(ids, np.zeros((0, factors), np.float32), regularization * np.eye(factors), alpha)
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):  # implicit warns of more, and the order of sums would be left to chance
            model: Any = AlternatingLeastSquares(
                factors, regularization, alpha, iterations=ALS_ITERATIONS, num_threads=1, random_state=SEED
            )
            model.fit(wanted.tocsr(), show_progress=False)
            found = np.asarray(model.item_factors, np.float32)
            exact = found.astype(np.float64)
            return cls(ids, found, exact.T @ exact + regularization * np.eye(factors), alpha)

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "factors.npy", self.factors)
        np.save(folder / "gram.npy", self.gram)
        (folder / "als.json").write_bytes(orjson.dumps({"ids": self.ids, "alpha": self.alpha}))

    @classmethod
    def load(cls, folder: Path) -> AlsIndex:
        """Read what :meth:`save` wrote; the factors stay on disk until they are looked at."""
        about = orjson.loads((folder / "als.json").read_bytes())
        factors = np.load(folder / "factors.npy", mmap_mode="r")
        return cls(about["ids"], factors, np.load(folder / "gram.npy"), about["alpha"])

    def person(self, liked: Sequence[str], weights: Sequence[float] | None = None) -> _Factors | None:
        """Return the factor, (d,), of someone who likes these items; None when none of them is known.

        Args:
            liked: ids; unknown ones and those without events say nothing.
            weights: how much each liked item counts, 1 without; of an id that comes twice, the last. One below 0 says how
                sure it is that the item is not wanted.
        """
        known = known_weights(self._positions, liked, weights)
        if not known:
            return None
        confidence = self.alpha * np.array(list(known.values()))
        items = self.factors[list(known)].astype(np.float64)
        left = self.gram + (items.T * (np.abs(confidence) - 1)) @ items
        return np.asarray(np.linalg.solve(left, np.maximum(confidence, 0) @ items), np.float64)

    def scores(
        self, liked: Sequence[str], exclude: Collection[str] = frozenset(), weights: Sequence[float] | None = None
    ) -> dict[str, float]:
        """Return the :data:`ALS_BEST` items that fit a person best -> how well, best first; 1 is an item that they like.

        Args:
            liked: ids; unknown ones and those without events say nothing.
            exclude: ids that are left out, besides those liked.
            weights: how much each liked item counts, 1 without; of an id that comes twice, the last.
        """
        person = self.person(liked, weights)
        if person is None:
            return {}
        fits = self.factors @ person.astype(np.float32)
        for item_id in {*liked, *exclude} & self._positions.keys():
            fits[self._positions[item_id]] = -np.inf
        best = np.argsort(-fits, kind="stable")[:ALS_BEST]
        return {self.ids[n]: float(fits[n]) for n in best.tolist() if fits[n] > -np.inf}


def _inverse(wanted: Any, shrinkage: float) -> Weights:
    """Return (XᵀX + λI)⁻¹ for the sparse X of (people, items), by the shorter of its two sides.

    With fewer people than items it is (I - Xᵀ(XXᵀ + λI)⁻¹X) / λ, the matrix inversion lemma.
    """
    people, items = wanted.shape
    if people < items:
        small = _inverse_of((wanted @ wanted.T).toarray(), shrinkage)
        inverse = np.asarray(wanted.T @ np.ascontiguousarray((wanted.T @ small).T), np.float32)
        inverse /= -shrinkage
        inverse[np.diag_indices(items)] += np.float32(1 / shrinkage)
        return inverse
    return _inverse_of((wanted.T @ wanted).toarray(), shrinkage)


def _inverse_of(gram: Weights, shrinkage: float) -> Weights:
    """Return the inverse of a gram matrix with the shrinkage on its diagonal, by Cholesky; it takes the matrix's place."""
    gram[np.diag_indices(len(gram))] += shrinkage
    lapack: Any = linalg
    factor, invert = lapack.get_lapack_funcs(("potrf", "potri"), (gram,))
    inverse, failed = factor(gram.T, lower=0, overwrite_a=1)  # the transpose, for LAPACK wants columns in one piece
    if failed:
        raise ValueError(f"the strengths have no EASE weights with a shrinkage of {shrinkage}; it must be above 0")
    inverse = invert(inverse, lower=0, overwrite_c=1)[0]
    for n in range(len(inverse)):
        inverse[n + 1 :, n] = inverse[n, n + 1 :]
    return inverse
