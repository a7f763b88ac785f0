"""Trains the sequence model from an imported log and measures whether it helps beside the other channels of behaviour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.collaborative import ItemItemIndex, strength_matrix
from retrieval.ease import ease_index
from retrieval.errors import TrainingError
from retrieval.fusion import ranking, reciprocal_rank_fusion
from retrieval.interactions import InteractionLog
from retrieval.item_table import Floats, Positions
from retrieval.metrics import Gain, ndcg, paired_gain
from retrieval.sequence import LENGTH, SequenceModel
from retrieval.sequence_store import save_sequence

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
        gain: of the fusion with the model over the fusion without.
    """

    people: int
    checked: int
    quality: dict[str, float]
    gain: Gain


def learn_sequence(
    ids: Sequence[str], log: InteractionLog, folder: Path, progress: Callable[[int, float], None], **settings: Any
) -> SequenceReport:
    """Train on a log, measure, and keep the model; it is used only where the fusion surely gains.

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
    report = _measure(ids, log, users, people, model)
    note = {"people": report.people, "checked": report.checked, "quality": report.quality}
    note |= {"gain": report.gain.mean, "ci95": report.gain.ci95}
    save_sequence(model, folder, note, helps=report.gain.sure)
    return report


def _measure(
    ids: Sequence[str], log: InteractionLog, users: Sequence[str], people: Sequence[Positions], model: SequenceModel
) -> SequenceReport:
    chance = np.random.default_rng(_SEED)
    checked: list[int] = chance.choice(len(people), min(_CHECKED, len(people)), replace=False).tolist()
    hidden = {(user, ids[int(rows[-1])]) for user, rows in zip(users, people, strict=True)}
    cells, present = strength_matrix(list(ids), log, hidden)
    names: list[str] = [ids[n] for n in present]
    others = {"item-item": ItemItemIndex.from_matrix(names, cells), "EASE": ease_index(names, cells)}
    gains: dict[str, list[float]] = {}
    for n in checked:
        rows: list[int] = people[n].tolist()
        known, target = rows[:-1], rows[-1]
        mine = [ids[row] for row in known]
        scores = {name: dict(index.scores(mine, set(mine) - {ids[target]})) for name, index in others.items()}
        scores["sequence"] = _named(model.scores(np.array(known[-LENGTH:], np.int32)), ids, set(known) - {target})
        ranked = {name: ranking(dict(sorted(found.items(), key=lambda p: -p[1])[:_LISTED])) for name, found in scores.items()}
        lists = {name: list(found) for name, found in ranked.items()}
        lists["fused without"] = list(reciprocal_rank_fusion({name: ranked[name] for name in others}))
        lists["fused with"] = list(reciprocal_rank_fusion(ranked))
        for name, found in lists.items():
            gains.setdefault(name, []).append(ndcg([int(item == ids[target]) for item in found[:_DEPTH]]))
    quality = {name: float(np.mean(values)) for name, values in gains.items()}
    difference = np.array(gains["fused with"]) - np.array(gains["fused without"])
    return SequenceReport(len(people), len(checked), quality, paired_gain(difference))


def _named(scores: Floats, ids: Sequence[str], left_out: set[int]) -> dict[str, float]:
    best: list[int] = np.argsort(-scores)[: _LISTED + len(left_out)].tolist()
    return {ids[n]: float(scores[n]) for n in best if n not in left_out}
