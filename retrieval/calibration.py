"""Calibration: a list holds the kinds a person likes in the proportions in which they like them (Steck, RecSys 2018). Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence

SMOOTHING = 0.01  # of the list's shares by the person's, so that a kind the list lacks costs much and not infinitely


def shares(items: Sequence[Collection[Hashable]], weights: Sequence[float] | None = None) -> dict[Hashable, float]:
    """Return the share of every kind among items; an item of several kinds counts for each in equal parts.

    Args:
        items: the kinds of each; those without any do not count.
        weights: of each item; None: all are equal.

    Returns:
        Shares that add up to 1; empty where no item has a kind.
    """
    total: dict[Hashable, float] = {}
    for kinds, weight in zip(items, weights or [1.0] * len(items), strict=True):
        for kind in kinds:
            total[kind] = total.get(kind, 0.0) + weight / len(kinds)
    whole = sum(total.values())
    return {kind: value / whole for kind, value in total.items()} if whole > 0 else {}


def miscalibration(wanted: Mapping[Hashable, float], got: Mapping[Hashable, float]) -> float:
    """Return the Kullback-Leibler divergence of a list's shares from a person's, in nats: 0 where they are the same.

    Args:
        wanted: shares of the person.
        got: shares of the list, which are smoothed by :data:`SMOOTHING`.
    """
    return sum(
        share * math.log(share / ((1 - SMOOTHING) * got.get(kind, 0.0) + SMOOTHING * share))
        for kind, share in wanted.items()
        if share > 0
    )


def calibrated(
    scores: Sequence[float], kinds: Sequence[Collection[Hashable]], wanted: Mapping[Hashable, float], k: int, weight: float
) -> list[int]:
    """Choose k positions greedily by (1 - weight) times the sum of scores less weight times the miscalibration.

    Args:
        scores: n, higher is better; scaled to 0..1 here.
        kinds: of each position.
        wanted: shares of the person; without any, scores alone decide.
        k: how many.
        weight: 0: scores alone, 1: calibration alone.

    Returns:
        Positions in the order of choice, which is that of Steck's greedy algorithm (1 - 1/e of the best).
    """
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    scaled = [(s - low) / (high - low) if high > low else 1.0 for s in scores]
    chosen: list[int] = []
    left = list(range(len(scores)))
    while left and len(chosen) < k:

        def worth(n: int, chosen: list[int] = chosen) -> tuple[float, int]:
            cost = miscalibration(wanted, shares([kinds[m] for m in (*chosen, n)])) if wanted else 0.0
            return (1 - weight) * scaled[n] - weight * cost, -n

        best = max(left, key=worth)
        chosen.append(best)
        left.remove(best)
    return chosen
