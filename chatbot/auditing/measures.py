"""What is measured of every person's list: quality, calibration, popularity, exposure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.calibration import miscalibration, shares
from retrieval.metrics import ndcg, popularity_percentiles

DEPTH = 10
_MIDDLE = 50.0  # percentile
METRICS = {
    "ndcg": f"nDCG@{DEPTH}",
    "recall": f"recall@{DEPTH}",
    "miscalibration": "miscalibration (KL, 0 is best)",
    "popularity": "popularity of what is shown (percentile)",
    "tail": "share of the less popular half",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A person's list.

    Attributes:
        user: whose.
        known: what they liked before.
        target: what they came to like next, which was hidden.
        shown: ids, best first.
    """

    user: str
    known: tuple[str, ...]
    target: str
    shown: tuple[str, ...]


class Measures:
    """Measures lists over one catalogue and its log."""

    def __init__(self, popularity: Mapping[str, float], kinds_of: Callable[[str], Sequence[Any]]) -> None:
        """Take how popular each item is, and what kinds it is of."""
        self._percentiles = popularity_percentiles(popularity)
        self._kinds_of = kinds_of

    def of(self, served: Served) -> dict[str, float]:
        """Return the value of every metric."""
        shown = served.shown[:DEPTH]
        percentiles = [self._percentiles.get(item, 0.0) for item in shown]
        wanted = shares([self._kinds_of(item) for item in served.known])
        got = shares([self._kinds_of(item) for item in shown])
        return {
            "ndcg": ndcg([int(item == served.target) for item in shown], DEPTH),
            "recall": float(served.target in shown),
            "miscalibration": miscalibration(wanted, got),
            "popularity": sum(percentiles) / max(len(percentiles), 1),
            "tail": sum(p < _MIDDLE for p in percentiles) / max(len(percentiles), 1),
        }


def exposure(served: Sequence[Served], groups_of: Callable[[str], Sequence[str]]) -> dict[str, float]:
    """Return each group's share of the exposure: places discounted by their rank, as nDCG does (Singh and Joachims, KDD 2018).

    Args:
        served: the lists.
        groups_of: item id -> its groups; an item of several counts for each in equal parts.
    """
    total: dict[str, float] = {}
    for one in served:
        for rank, item in enumerate(one.shown[:DEPTH]):
            groups = groups_of(item)
            for group in groups:
                total[group] = total.get(group, 0.0) + 1 / math.log2(rank + 2) / len(groups)
    whole = sum(total.values())
    return {group: value / whole for group, value in sorted(total.items())}
