"""The dialogue benchmark on a part of the public data, as a command: learned from some dialogues, tested on others."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def run(*arguments):
    """Run the command and return its rows by (system, targets, entities)."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quality", "dialogue", "--json", *map(str, arguments)],
        env={**os.environ, "ZHIYIN_EMBEDDER": "hashing", "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert done.returncode == 0, done.stderr
    return {(row["system"], row["targets"], row["entities"]): row for row in json.loads(done.stdout)["rows"]}


def test_what_some_dialogues_teach_helps_in_others(shared_data, tmp_path):
    """CIKM'23 format, names of files changed, learned from dialogues of another data set and without a log."""
    with gzip.open(shared_data / "redial" / "valid_raw.jsonl.gz", "rt") as file:
        lines = file.readlines()
    training = tmp_path / "some dialogues.jsonl"
    training.write_text("".join(lines[:400]))
    split = tmp_path / "turns.jsonl.gz"
    split.write_bytes((shared_data / "inspired" / "cikm23" / "dev.jsonl.gz").read_bytes())
    rows = run("--data", shared_data / "inspired" / "cikm23", "--split", split, "--train", training, "--log")
    learned = rows["learned", "new", "given"]
    print({key: round(learned[key], 3) for key in ("recall@1", "recall@10", "recall@50")}, learned["n"])
    assert learned["n"] == 289
    for metric in ("recall@10", "recall@50"):
        assert learned[metric] > max(rows[name, "new", "given"][metric] for name in ("random", "repeat", "popularity", "dense"))
        assert rows["learned", "new", "linked"][metric] > rows["random", "new", "linked"][metric]
    shares = [
        value for row in rows.values() for name, value in row.items() if name.startswith(("recall", "ndcg", "mrr", "cover"))
    ]
    assert shares
    assert all(0 <= share <= 1 for share in shares)
