"""What tuning the vote is worth: ``python -m benchmarks.tune``, on ReDial's validation dialogues.

Moments of the recommender become ballots among what the retriever finds (chatbot/tuning/ballots.py); an adapter is trained on
four fifths of the conversations, and the vote is measured with and without it on the others. The retriever is the one without a
learned order: it saw none of the conversations. The test model has 135M parameters, so that this runs on one core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.quality.conversations import read_moments
from benchmarks.quality.files import shared_data
from benchmarks.quality.films import FilmCatalogue, movielens
from benchmarks.quality.parts import DialogueParts
from benchmarks.quality.report import add_json, told_as_json
from chatbot.llm.adapter import base_of
from chatbot.llm.convert import convert
from chatbot.llm.weights import fetch
from chatbot.settings import go_offline, make_settings
from chatbot.tuning.ballots import gather
from chatbot.tuning.run import Tuning, tune
from chatbot.tuning.trainer import Recipe
from retrieval.retriever import Retriever

ROWS = ("loss", "accuracy", "mrr", "ndcg")


def run(options: argparse.Namespace) -> tuple[dict[str, Any], Tuning]:
    """Gather ballots, tune, and return what is recorded and the figures."""
    started = time.perf_counter()
    films = FilmCatalogue(options.data / "ievalm")
    parts = DialogueParts(films, movielens(options.data / "ievalm"), _say)
    moments = [m for m in read_moments(options.data / "valid_raw.jsonl.gz", films) if m.recommender]
    examples = [parts.given.example(moment) for moment in moments]
    _say(f"{len(films.items)} items, {len(moments)} moments of the recommender, {time.perf_counter() - started:.0f} s")
    gathered = gather(examples, Retriever(parts.trainer.index), limit=options.limit, seed=options.seed)
    _say(f"{len(gathered.ballots)} ballots of {gathered.targets} right items looked at, {time.perf_counter() - started:.0f} s")
    settings = make_settings()
    weights = fetch(options.model, settings.weights_folder)
    base = base_of(weights)
    recipe = Recipe(
        rank=options.rank,
        alpha=2.0 * options.rank,
        learning_rate=options.learning_rate,
        epochs=options.epochs,
        batch=options.batch,
        accumulation=options.accumulation,
        device=options.device,
        seed=options.seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        model = convert(weights, settings.weights_folder)
        done = tune(gathered.ballots, films.domain, model, base, recipe, Path(folder) / "adapter", _Said())
    found = {
        "model": base.name,
        "data": "ReDial valid",
        "moments": len(moments),
        "targets": gathered.targets,
        "ballots": len(gathered.ballots),
        "recipe": asdict(recipe),
        **done.as_dict(),
        "whole_seconds": time.perf_counter() - started,
    }
    return found, done


class _Said:
    """Says a stage and every tenth of it."""

    def __init__(self) -> None:
        self._last: tuple[str, int] = "", -1

    def __call__(self, stage: str, done: float) -> None:
        now = stage, int(20 * done)
        if now != self._last:
            self._last = now
            _say(f"{stage} {done:.0%}")


def _table(done: Tuning) -> None:
    print(f"{done.trained} ballots trained on, {done.before.count} held out")
    print(f"{'':10}{'before':>9}{'after':>9}{'chance':>9}")
    for row in ROWS:
        print(f"{row:10}" + "".join(f"{getattr(f, row):9.4f}" for f in (done.before, done.after, done.chance)))
    verdict = "better" if done.improved else "no better, by more than chance"
    print(f"nDCG@10 {done.gain.mean:+.4f} ±{done.gain.ci95:.4f} (95 %): {verdict}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> None:
    """Run it and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=shared_data() / "redial", help="folder of ReDial")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="weights of the manifest")
    parser.add_argument("--limit", type=int, default=400, help="ballots, a fifth of them held out")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--accumulation", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--seed", type=int, default=7)
    add_json(parser)
    options = parser.parse_args()
    go_offline()
    found, done = run(options)
    if not told_as_json(found, options.json):
        _table(done)


if __name__ == "__main__":
    main()
