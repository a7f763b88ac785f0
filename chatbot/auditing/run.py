"""Serves everyone of a log as the chat would, and measures the lists by groups of people and of items."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from chatbot.auditing.measures import DEPTH, METRICS, Measures, Served, exposure
from chatbot.interests import build_interests
from chatbot.learning import Moments
from chatbot.personal import catalogue_of, personalise
from chatbot.profile import build_profile
from chatbot.types import Request
from retrieval.domain import Domain
from retrieval.errors import SettingsError, missing
from retrieval.interactions import InteractionLog
from retrieval.metrics import Gain, paired_gain
from retrieval.retriever import Retriever
from retrieval.types import Item

Groups: TypeAlias = "Mapping[str, Mapping[str, str]]"  # column -> user -> group
SMALLEST = 20  # people of a group from which it is spoken of
RESAMPLES = 500
WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8)  # of calibration
_SEED = 0
_ITEM_GROUPS = ("languages", "countries")


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A metric of a group of people: its mean with a 95 % interval, and how many they are."""

    column: str
    group: str
    people: int
    metric: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The largest difference of a metric between two groups of a column, with a 95 % interval."""

    column: str
    metric: str
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        people: how many were served.
        rows, gaps: of groups of people.
        exposure: facet -> group of items -> shares of exposure, of what people liked, and of the catalogue.
        calibration: weight -> what it changes of nDCG and of miscalibration against no weight.
    """

    people: int
    rows: tuple[GroupRow, ...]
    gaps: tuple[Gap, ...]
    exposure: Mapping[str, Mapping[str, tuple[float, float, float]]]
    calibration: Mapping[float, tuple[Gain, Gain]]


def audit(moments: Moments, log: InteractionLog, groups: Groups, progress: Callable[[float], None]) -> Audit:
    """Audit an index on a log.

    Everyone's last liked item was hidden; each is served ten items as the chat does where nothing is asked for.

    Args:
        moments: of the log; see :func:`chatbot.learning.log_moments`.
        log: the same log.
        groups: of the people.
        progress: told the fraction that is done.

    Raises:
        SettingsError: nobody of the groups is in the log, or the package fairlearn is missing.
    """
    known = {user for column in groups.values() for user in column}
    asked = [e for e in moments.examples if e.group in known] if groups else moments.examples
    if not asked:
        raise SettingsError("Nobody of the table of people has liked two items in the imported log: are the names the same?")
    index, popularity = moments.index, _popularity(moments)
    kind = index.domain.kind_facet
    measures = Measures(popularity, lambda item: index.items[item].values(kind) if kind else ())
    queries = _queries(moments, log, {e.group: e.targets[0] for e in asked}, progress)
    served: dict[float, list[Served]] = {}
    for n, weight in enumerate(WEIGHTS):
        retriever = Retriever(index, calibration=weight)
        served[weight] = []
        for example in asked:
            found = retriever.retrieve(queries[example.group]).candidates
            shown = tuple(c.item.id for c in found)
            served[weight].append(Served(example.group, example.query.liked, example.targets[0], shown))
        progress(0.3 + 0.7 * (n + 1) / len(WEIGHTS))
    values = {weight: [measures.of(one) for one in lists] for weight, lists in served.items()}
    rows, gaps = _by_group(served[0.0], values[0.0], groups)
    return Audit(
        len(asked),
        tuple(rows),
        tuple(gaps),
        _exposures(served[0.0], index.items, index.domain),
        {weight: _change(values[0.0], values[weight]) for weight in WEIGHTS[1:]},
    )


def _popularity(moments: Moments) -> dict[str, float]:
    counts = np.asarray((moments.wanted > 0).sum(axis=0)).ravel() if moments.wanted is not None else np.zeros(0)
    return dict(zip(moments.index.items, counts.tolist(), strict=True))


def _queries(
    moments: Moments, log: InteractionLog, hidden: Mapping[str, str], progress: Callable[[float], None]
) -> dict[str, Any]:
    """Return the query of everyone who asks for nothing, from what they did before the hidden item."""
    catalogue = catalogue_of(moments.index)
    language = moments.index.domain.languages[0]
    request = Request("recommend", "zh" if language == "zh" else "en", "")
    queries: dict[str, Any] = {}
    for n, example in enumerate(e for e in moments.examples if e.group in hidden):
        events = [event for event in log.events(example.group) if event.item != hidden[example.group]]
        now = max((event.at for event in events), default=0.0)
        profile, interests = build_profile(example.group, events), build_interests(events, catalogue, now)
        query = replace(example.query, exclude=profile.known, k=DEPTH)
        queries[example.group] = personalise(query, request, profile, interests, "")
        progress(0.3 * n / len(hidden))
    return queries


def _by_group(
    served: Sequence[Served], values: Sequence[Mapping[str, float]], groups: Groups
) -> tuple[list[GroupRow], list[Gap]]:
    """Return the means of every group with bootstrap intervals, and the gaps between groups (fairlearn's MetricFrame)."""
    rows: list[GroupRow] = []
    gaps: list[Gap] = []
    for column, of in groups.items():
        here = [(of[one.user], value) for one, value in zip(served, values, strict=True) if one.user in of]
        large = {group for group in {g for g, _ in here} if sum(g == group for g, _ in here) >= SMALLEST}
        here = [(group, value) for group, value in here if group in large]
        if len(large) < 2:
            continue
        names = [group for group, _ in here]
        for metric in METRICS:
            frame = _frame([value[metric] for _, value in here], names)
            low, high = frame.by_group_ci
            for group in sorted(large, key=_natural):
                bounds = float(low["mean"][group]), float(high["mean"][group])
                rows.append(GroupRow(column, group, names.count(group), metric, float(frame.by_group["mean"][group]), *bounds))
            ends = frame.difference_ci()
            gaps.append(Gap(column, metric, float(frame.difference()["mean"]), float(ends[0]["mean"]), float(ends[1]["mean"])))
    return rows, gaps


def _natural(group: str) -> tuple[float, str]:
    """Order bands of numbers by their first number, and words after them."""
    first = group.split()[0] if group.strip() else ""
    return (float(first) if first.replace(".", "", 1).isdigit() else math.inf), group


def _frame(values: Sequence[float], groups: Sequence[str]) -> Any:
    try:
        metrics: Any = importlib.import_module("fairlearn.metrics")
    except ModuleNotFoundError as error:
        raise missing("fairlearn", "audit") from error
    array = np.array(values)
    return metrics.MetricFrame(
        metrics={"mean": _mean},
        y_true=array,
        y_pred=array,
        sensitive_features={"group": list(groups)},
        n_boot=RESAMPLES,
        ci_quantiles=[0.025, 0.975],
        random_state=_SEED,
    )


def _mean(_true: Any, values: Any) -> float:
    return float(sum(values) / len(values))


def _exposures(
    served: Sequence[Served], items: Mapping[str, Item], domain: Domain
) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Return for facets of items how exposure compares with what people liked and with the catalogue."""
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    years = next((name for name, facet in domain.facets.items() if facet.type == "year"), None)

    def decade(item: str) -> list[str]:
        return [f"{10 * (int(v) // 10)}s" for v in items[item].values(years or "") if isinstance(v, (int, float))]

    facets: dict[str, Callable[[str], Sequence[str]]] = {years: decade} if years else {}
    for name in (domain.kind_facet, *_ITEM_GROUPS):
        if name and name in domain.facets:
            facets[name] = lambda item, name=name: [str(v) for v in items[item].values(name)]
    liked = [Served(one.user, (), "", (one.target,)) for one in served]
    whole = [Served("", (), "", (item,)) for item in items]
    for name, groups_of in facets.items():
        shown, wanted, there = (exposure(lists, groups_of) for lists in (served, liked, whole))
        if len(there) > 1:
            found[name] = {g: (shown.get(g, 0.0), wanted.get(g, 0.0), share) for g, share in there.items()}
    return found


def _change(before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]]) -> tuple[Gain, Gain]:
    pairs = list(zip(before, after, strict=True))
    ndcg, kl = ([b[metric] - a[metric] for a, b in pairs] for metric in ("ndcg", "miscalibration"))
    return paired_gain(ndcg), paired_gain(kl)
