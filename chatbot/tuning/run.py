"""Tunes the vote: trains an adapter, measures it on conversations that it never saw, and keeps it if it is worth more."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chatbot.llm.adapter import METRICS, Base, write_base
from chatbot.tuning.ballots import Ballot, hold_out
from chatbot.tuning.gguf_adapter import write_gguf
from chatbot.tuning.measures import Figures, Gain, by_chance, figures, gain
from chatbot.tuning.trainer import Recipe, Trainer
from retrieval.domain import Domain
from retrieval.errors import TrainingError

Progress = Callable[[str, float], None]
UNUSED = ".unused"  # ending of the folder of an adapter that is worth no more than the model itself


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tuning did.

    Attributes:
        folder: of the adapter.
        trained: how many ballots it was trained on.
        before: what the model's vote is worth on the ballots held out.
        after: the same with the adapter.
        chance: the same of an order by chance.
        gain: of nDCG@10.
        losses: of each step, in nats.
        for_llama_cpp: whether there is a file for llama.cpp.
        seconds: of training and measuring.
    """

    folder: Path
    trained: int
    before: Figures
    after: Figures
    chance: Figures
    gain: Gain
    losses: tuple[float, ...]
    for_llama_cpp: bool
    seconds: float

    @property
    def improved(self) -> bool:
        """Whether the adapter orders the ballots held out better, by more than chance."""
        return self.gain.sure

    def as_dict(self) -> dict[str, Any]:
        """Return it for a file of metrics."""
        told = asdict(self)
        del told["folder"]
        return {**told, "improved": self.improved}


def tune(
    ballots: Sequence[Ballot],
    domain: Domain,
    model: Path | str,
    base: Base,
    recipe: Recipe,
    target: Path,
    progress: Progress = lambda _stage, _done: None,
    note: dict[str, Any] | None = None,
) -> Tuning:
    """Train an adapter on four fifths of the conversations and measure it on the others.

    It is put into ``target``, at once when all of it is written, if it orders the ballots held out better by more than chance;
    else beside it, and what is in ``target`` stays.

    Args:
        ballots: as they were gathered.
        domain: of the items.
        model: folder or hub id of the base model in safetensors.
        base: what the adapter belongs to.
        recipe: how to train.
        target: folder for the adapter.
        progress: told the stage and its fraction.
        note: kept with the metrics.

    Raises:
        TrainingError: there are no ballots to train on, or none to measure with.
        WeightsError, SettingsError, EngineError: see :class:`chatbot.tuning.trainer.Trainer`.
    """
    started = time.perf_counter()
    training, held = hold_out(ballots)
    if not training or not held:
        raise TrainingError(
            f"There are {len(training)} ballots to learn from and {len(held)} of other conversations to measure with. Import "
            "more dialogues (python app.py import-dialogues FILE), or a log (python app.py import-events FILE)."
        )
    held = [ballot.shuffled(recipe.seed, n) for n, ballot in enumerate(held)]
    answers = [ballot.answer for ballot in held]
    progress("loading", 0.0)
    trainer = Trainer(model, recipe, domain)
    progress("before", 0.05)
    before = trainer.score(held)
    losses = trainer.train(training, lambda done: progress("training", 0.15 + 0.7 * done))
    progress("after", 0.85)
    after = trainer.score(held)
    found = Tuning(
        target,
        len(training),
        figures(before, answers),
        figures(after, answers),
        by_chance([len(ballot.items) for ballot in held]),
        gain(before, after, answers),
        tuple(losses),
        False,
        time.perf_counter() - started,
    )
    return _keep(trainer, found, base, recipe, note or {})


def _keep(trainer: Trainer, found: Tuning, base: Base, recipe: Recipe, note: dict[str, Any]) -> Tuning:
    """Write the adapter beside its place, and move it there."""
    target = found.folder if found.improved else found.folder.with_name(found.folder.name + UNUSED)
    partial, old = (target.with_name(f".{target.name}.{what}") for what in ("partial", "old"))
    for left in (partial, old):
        shutil.rmtree(left, ignore_errors=True)  # of a run that was interrupted
    partial.mkdir(parents=True)
    try:
        trainer.save(partial, base.name)
        kept = replace(found, folder=target, for_llama_cpp=write_gguf(partial, trainer.config) is not None)
        write_base(base, partial)
        told = {**note, "base": asdict(base), "recipe": asdict(recipe), **kept.as_dict()}
        (partial / METRICS).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        if target.exists():
            os.replace(target, old)
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    return kept
