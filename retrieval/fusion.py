"""Reciprocal rank fusion of channels (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

from retrieval.types import ChannelScore

RRF_K = 60


def points(rank: int, weight: float = 1.0, k: int = RRF_K) -> float:
    """Return what a channel gives to an item that it ranks so, from 1: weight / (k + rank)."""
    return weight / (k + rank)


def reciprocal_rank_fusion(
    channels: Mapping[str, Mapping[str, ChannelScore]], weights: Mapping[str, float] | None = None, k: int = RRF_K
) -> dict[str, float]:
    """Fuse channels into one score an item: the sum over channels of its :func:`points`.

    Args:
        channels: channel name -> item id -> rank (from 1) and score.
        weights: channel name -> weight, 1 where missing. A negative weight is an error.
        k: the constant of the paper; larger flattens the ranks.

    Returns:
        Item id -> fused score, best first; ties in the order of the id.
    """
    weights = weights or {}
    if any(weight < 0 for weight in weights.values()):
        raise ValueError("a channel's weight cannot be negative")
    fused: dict[str, float] = {}
    for name, ranking in channels.items():
        weight = weights.get(name, 1.0)
        for item_id, entry in ranking.items():
            fused[item_id] = fused.get(item_id, 0.0) + weight / (k + entry.rank)  # points(), without the time of a call
    return dict(sorted(sorted(fused.items()), key=itemgetter(1), reverse=True))  # what is equal stays in the order of ids


def ranking(scores: Mapping[str, float], limit: int | None = None) -> dict[str, ChannelScore]:
    """Turn scores into ranks from 1, best first; ties in the order of the id."""
    ordered = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
    return {item_id: ChannelScore(rank, score) for rank, (item_id, score) in enumerate(ordered, 1)}
