"""Scores of rankings, by the package ``ir-measures``, with how sure they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ir_measures
import numpy as np

CUTS = (1, 5, 10, 20, 50)
_KINDS = {"recall": ir_measures.R, "ndcg": ir_measures.nDCG, "mrr": ir_measures.RR}
_MEASURES = {kind @ cut: f"{name}@{cut}" for name, kind in _KINDS.items() for cut in CUTS}
METRICS = tuple(_MEASURES.values())
_NORMAL_95 = 1.959963984540054


def score(rankings: Mapping[str, Sequence[str]], relevant: Mapping[str, set[str]]) -> dict[str, Any]:
    """Score rankings, each metric as the mean over the queries.

    The nDCG is that of Järvelin and Kekäläinen (TOIS 2002) with a gain of 1, and the reciprocal rank that of the first
    relevant item. Half the 95 % interval is 1.96 standard errors of the mean over the queries.

    Args:
        rankings: query -> ids, best first; what an id says again further down does not count. A query without a ranking found
            nothing, one that is not in ``relevant`` does not count.
        relevant: query -> the ids that should be found, at least one.

    Returns:
        ``n``, how many queries there are; ``recall@1`` to ``mrr@50``, in [0, 1]; and ``ci95``, metric -> half the interval,
        0 for fewer than two queries.

    Raises:
        ValueError: there is no query, or one without a relevant id.
    """
    if not relevant:
        raise ValueError("there are no queries to score")
    if empty := [query for query, ids in relevant.items() if not ids]:
        raise ValueError(f"nothing is relevant to the query {empty[0]!r}; leave it out")
    judged = {query: dict.fromkeys(ids, 1) for query, ids in relevant.items()}
    run = {query: _descending(rankings.get(query, ())) for query in relevant}
    rows = {query: n for n, query in enumerate(relevant)}
    columns = {measure: n for n, measure in enumerate(_MEASURES)}
    values = np.zeros((len(rows), len(columns)))
    for found in ir_measures.iter_calc(list(_MEASURES), judged, run):
        values[rows[found.query_id], columns[found.measure]] = found.value
    means = values.mean(axis=0)
    halves = _NORMAL_95 * values.std(axis=0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else np.zeros(len(columns))
    names = _MEASURES.values()
    return {
        "n": len(rows),
        **dict(zip(names, means.tolist(), strict=True)),
        "ci95": dict(zip(names, halves.tolist(), strict=True)),
    }


def _descending(ranking: Sequence[str]) -> dict[str, float]:
    """Return id -> a score that falls with the rank, for the measures sort by scores and break ties by id."""
    return {item_id: float(-rank) for rank, item_id in enumerate(dict.fromkeys(ranking))}
