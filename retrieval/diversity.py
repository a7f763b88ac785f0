"""Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) and a cap per group."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray


def maximal_marginal_relevance(
    relevance: Sequence[float],
    vectors: NDArray[np.float32],
    k: int,
    *,
    trade_off: float = 0.8,
    groups: Sequence[Collection[Hashable]] | None = None,
    per_group: int = 1,
) -> list[int]:
    """Choose up to k positions, each the best balance of relevance and novelty against those already chosen.

    Args:
        relevance: n scores, higher is better; scaled to 0..1 here.
        vectors: (n, d) rows of unit length.
        k: how many.
        trade_off: 1 is relevance alone, 0 novelty alone.
        groups: per position the groups it belongs to; at most ``per_group`` of one group while others are left.
        per_group: see ``groups``.

    Returns:
        Positions in the order of choice. Never more than n, never one twice.
    """
    n = len(relevance)
    if vectors.shape[0] != n:
        raise ValueError(f"{n} scores but {vectors.shape[0]} vectors")
    if not n or k <= 0:
        return []
    scores = np.asarray(relevance, dtype=np.float64)
    spread = scores.max() - scores.min()
    scores = (scores - scores.min()) / spread if spread > 0 else np.ones(n)
    similarity = np.clip(vectors @ vectors.T, 0.0, 1.0)
    chosen: list[int] = []
    used: dict[Hashable, int] = {}
    left = list(range(n))
    while left and len(chosen) < k:
        open_ = [i for i in left if not groups or all(used.get(g, 0) < per_group for g in groups[i])] or left
        novelty_cost = {i: max((float(similarity[i, j]) for j in chosen), default=0.0) for i in open_}
        best = max(open_, key=lambda i: (trade_off * scores[i] - (1 - trade_off) * novelty_cost[i], -i))
        chosen.append(best)
        left.remove(best)
        for group in groups[best] if groups else ():
            used[group] = used.get(group, 0) + 1
    return chosen
