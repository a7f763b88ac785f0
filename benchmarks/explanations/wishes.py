"""The wishes that are answered: first messages of the cases of understanding, and those with judged films."""

from __future__ import annotations

import json
import random
from pathlib import Path

from benchmarks.understanding.cases import read_cases

FOLDER = Path(__file__).resolve().parents[1] / "rerank"
SEED = 17


def wishes(language: str, count: int) -> list[str]:
    """Return so many wishes of a language, the same ones every time; all of them when there are fewer."""
    first = (case.turns[0] for case in read_cases() if case.language == language and not case.held_out)
    found = [said.text for said in first if "recommend" in said.expected.intents]
    lines = (FOLDER / f"wishes_{language}.jsonl").read_text(encoding="utf-8").splitlines()
    found = list(dict.fromkeys([*found, *(json.loads(line)["wish"] for line in lines)]))
    return random.Random(SEED).sample(found, min(count, len(found)))
