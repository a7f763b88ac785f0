"""EASE: a linear item-item model of the whole log, in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import linalg

from retrieval.collaborative import ItemItemIndex, Weights, largest

EASE_WEIGHTS = 100  # of every item that are kept
EASE_SHRINKAGE = 200.0
EASE_MOST = 15_000  # items: (n, n) of float32 is then 0.9 GB, and the inverse takes about a minute


def ease_index(ids: Sequence[str], wanted: Any, shrinkage: float = EASE_SHRINKAGE) -> ItemItemIndex:
    """Learn EASE from strengths: every item predicted from all others by ridge regression, in closed form.

    With the strengths X, P = (XᵀX + λI)⁻¹ and B_ij = -P_ij / P_jj off the diagonal, a person's scores are xB: Steck,
    "Embarrassingly shallow autoencoders for sparse data" (WWW 2019), equation 8. Unlike a cosine, B knows that two neighbours
    say the same thing twice, and it may be negative. The :data:`EASE_WEIGHTS` largest of each row by magnitude stay.

    The inverse costs n² memory and n³ time: more than :data:`EASE_MOST` items get the cosine neighbourhoods of
    :meth:`ItemItemIndex.from_matrix` instead, whose scores mean the same but rank worse.

    Args:
        ids: of the columns.
        wanted: a sparse matrix, (people, items), of float32.
        shrinkage: λ, above 0.
    """
    if len(ids) > EASE_MOST:
        return ItemItemIndex.from_matrix(ids, wanted)
    k = min(EASE_WEIGHTS, max(len(ids) - 1, 0))
    return ItemItemIndex.from_rows(ids, _weights(_inverse(wanted.tocsr(), shrinkage), k) if k else (), k)


def _weights(inverse: Weights, k: int) -> Iterator[tuple[Any, Any]]:
    """Yield the k strongest weights of every item, for it or against it."""
    diagonal = inverse.diagonal().copy()
    for row, of_row in enumerate(inverse):
        predicting = -of_row / diagonal
        predicting[row] = 0
        best = largest(np.abs(predicting), k)
        yield best, predicting[best]


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
