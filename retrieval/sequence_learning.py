"""Learns from an imported log what comes next, in two ways, and measures whether each helps beside the other channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from retrieval.collaborative import ItemItemIndex, strength_matrix
from retrieval.ease import ease_index
from retrieval.errors import TrainingError
from retrieval.following import follow, following_index
from retrieval.fusion import ranking, reciprocal_rank_fusion
from retrieval.interactions import InteractionLog
from retrieval.item_table import Floats, Positions
from retrieval.metrics import Gain, ndcg, paired_gain
from retrieval.sequence import LENGTH, SequenceModel
from retrieval.sequence_store import NEXT, save_sequence
from retrieval.types import ChannelScore

Rankings: TypeAlias = "dict[str, dict[str, ChannelScore]]"  # channel -> what it proposes to somebody
_DEPTH = 10
_LISTED = 200  # items of each channel that are fused
_CHECKED = 2000
_SEED = 0
_CHECKPOINT = "training/sequence.pt"


@dataclass(frozen=True, slots=True)
class SequenceReport:
    """What was measured on the last items of people, which nothing had seen.

    Attributes:
        people: that taught, and ``checked`` of them were asked about.
        quality: system -> mean nDCG@10.
        gains: what was tried in the fusion, in that order -> its gain over the fusion before.
        used: what surely gains, and is in use from now on.
    """

    people: int
    checked: int
    quality: dict[str, float]
    gains: dict[str, Gain]
    used: tuple[str, ...]


def learn_sequence(
    ids: Sequence[str], log: InteractionLog, folder: Path, progress: Callable[[int, float], None], **settings: Any
) -> SequenceReport:
    """Learn both from a log, measure, and keep them; each is used only where the fusion surely gains.

    Args:
        ids: of the catalogue.
        log: imported.
        folder: of the index.
        progress: told each epoch and its nDCG@10.
        settings: of :class:`retrieval.sequence_training.SequenceSettings`.

    Raises:
        TrainingError: nobody has four items in the log.
    """
    from retrieval.sequence_training import LEAST, SequenceSettings, SequenceTrainer

    places = {item_id: n for n, item_id in enumerate(ids)}
    users: list[str] = []
    people: list[Positions] = []
    for user, items in log.sequences():
        rows = np.array([places[item] for item in items if item in places], np.int32)
        if len(rows) > LEAST:
            users.append(user)
            people.append(rows)
    if not people:
        raise TrainingError(f"Nobody has {LEAST + 1} items in the log. Import one: python app.py import-events FILE")
    taught = [rows[:-1] for rows in people]  # the last one is to measure by
    trainer = SequenceTrainer(ids, taught, SequenceSettings(**settings))
    model, _ = trainer.train(folder / _CHECKPOINT, progress)
    following = following_index(ids, taught)
    report = _measure(ids, log, users, people, model, following)
    note: dict[str, Any] = {"people": report.people, "checked": report.checked, "quality": report.quality}
    note["gains"] = {name: {"mean": gain.mean, "ci95": gain.ci95} for name, gain in report.gains.items()}
    save_sequence(model, following, folder, note, report.used)
    return report


def _measure(
    ids: Sequence[str],
    log: InteractionLog,
    users: Sequence[str],
    people: Sequence[Positions],
    model: SequenceModel,
    following: ItemItemIndex,
) -> SequenceReport:
    chance = np.random.default_rng(_SEED)
    checked: list[int] = chance.choice(len(people), min(_CHECKED, len(people)), replace=False).tolist()
    hidden = {(user, ids[int(rows[-1])]) for user, rows in zip(users, people, strict=True)}
    cells, present = strength_matrix(list(ids), log, hidden)
    names: list[str] = [ids[n] for n in present]
    others = {"item-item": ItemItemIndex.from_matrix(names, cells), "EASE": ease_index(names, cells)}
    found: list[Rankings] = []
    targets = [ids[int(people[n][-1])] for n in checked]
    for n, target in zip(checked, targets, strict=True):
        rows: list[int] = people[n][:-1].tolist()
        mine = [ids[row] for row in rows]
        known = set(mine) - {target}
        scores = {name: index.scores(mine, known) for name, index in others.items()}
        scores["sequence"] = _named(model.scores(np.array(rows[-LENGTH:], np.int32)), ids, known)
        scores["following"] = follow(following, mine, known)
        best = {name: sorted(values.items(), key=lambda pair: -pair[1])[:_LISTED] for name, values in scores.items()}
        found.append({name: ranking(dict(pairs)) for name, pairs in best.items()})
    quality = {name: float(_gains(found, targets, [name]).mean()) for name in (*others, *NEXT)}
    gains, used, total = _choose(found, targets, list(others))
    return SequenceReport(len(people), len(checked), {**quality, **total}, gains, used)


def _choose(
    found: Sequence[Rankings], targets: Sequence[str], fused: list[str]
) -> tuple[dict[str, Gain], tuple[str, ...], dict[str, float]]:
    """Add to the fusion what gains most, then what gains beside that, as long as each surely does."""
    before = _gains(found, targets, fused)
    total = {"fused without": float(before.mean())}
    gains: dict[str, Gain] = {}
    rest = list(NEXT)
    while rest:
        tried = {name: _gains(found, targets, [*fused, name]) for name in rest}
        best = max(rest, key=lambda name: float(tried[name].mean()))
        gains[best] = paired_gain(tried[best] - before)
        total[f"fused with {best}" if len(total) == 1 else f"and with {best}"] = float(tried[best].mean())
        if not gains[best].sure:
            break
        fused, before = [*fused, best], tried[best]
        rest.remove(best)
    return gains, tuple(name for name, gain in gains.items() if gain.sure), total


def _gains(found: Sequence[Rankings], targets: Sequence[str], names: Sequence[str]) -> Floats:
    """Return everyone's nDCG@10 of one channel, or of the fusion of several."""
    values: list[float] = []
    for rankings, target in zip(found, targets, strict=True):
        shown = list(reciprocal_rank_fusion({name: rankings[name] for name in names}))
        values.append(ndcg([int(item == target) for item in shown[:_DEPTH]]))
    return np.array(values)


def _named(scores: Floats, ids: Sequence[str], left_out: set[str]) -> dict[str, float]:
    best: list[int] = np.argsort(-scores)[: _LISTED + len(left_out)].tolist()
    return {ids[n]: float(scores[n]) for n in best if ids[n] not in left_out}
