"""Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), a cap per group, and a share for every interest."""

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
    similarity = np.clip(vectors @ vectors.T, 0.0, 1.0).astype(np.float64)
    members: dict[Hashable, list[int]] = {}
    for i, own in enumerate(groups or ()):
        for group in own:
            members.setdefault(group, []).append(i)
    left, open_ = np.ones(n, dtype=bool), np.ones(n, dtype=bool)
    cost = np.zeros(n)
    chosen: list[int] = []
    used: dict[Hashable, int] = {}
    while len(chosen) < min(n, k):
        free = left & open_
        value = np.where(free if free.any() else left, trade_off * scores - (1 - trade_off) * cost, -np.inf)
        best = int(value.argmax())  # of equal ones the first
        chosen.append(best)
        left[best] = False
        np.maximum(cost, similarity[:, best], out=cost)
        for group in groups[best] if groups else ():
            used[group] = used.get(group, 0) + 1
            if used[group] >= per_group:
                open_[members[group]] = False
    return chosen


def proportional(order: Sequence[int], labels: Sequence[int], sizes: Sequence[int], k: int) -> list[int]:
    """Take k positions so that each label has its share of the places, as seats are shared out (Sainte-Laguë).

    A label whose positions are used up leaves its places to the others.

    Args:
        order: positions, best first; the first of a label are taken first.
        labels: of every position.
        sizes: of every label, above 0: what its share is in proportion to.
        k: how many.
    """
    waiting: list[list[int]] = [[] for _ in sizes]
    for position in order:
        waiting[labels[position]].append(position)
    taken = [0] * len(sizes)
    chosen: list[int] = []
    while len(chosen) < k and any(waiting):
        due = max((n for n in range(len(sizes)) if waiting[n]), key=lambda n: (sizes[n] / (2 * taken[n] + 1), -n))
        chosen.append(waiting[due].pop(0))
        taken[due] += 1
    return chosen
