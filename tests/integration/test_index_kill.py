"""kill -9 at random points of an index build: the old version serves on, and the next run ends as an unbroken one would."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.index import index_lock, open_index
from retrieval.index_build import build_index

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BUILD = """
import sys, time
from pathlib import Path
from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.index import index_lock
from retrieval.index_build import build_index
import chromadb, bm25s
folder = Path(sys.argv[2])
with index_lock(folder):
    print("begun", flush=True)
    started = time.perf_counter()
    build_index(load_domain("movies"), Path(sys.argv[1]), HashingEmbedder(64), folder)
    print(time.perf_counter() - started, flush=True)
"""
POINTS = 6


def write(path: Path, first: int, last: int, word: str) -> Path:
    """Films first to last; every third one's description changes with the word."""
    rows = [
        {
            "id": f"film-{n}",
            "title_en": f"Film {n}",
            "title_zh": f"电影{n}",
            "year": 1950 + n % 70,
            "summary_en": f"A tale of {word if n % 3 == 0 else 'old'} number{n}.",
        }
        for n in range(first, last)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def content(folder: Path) -> tuple[dict, dict, dict]:
    """Everything that an index holds: items, vectors by record, and what BM25 finds."""
    index = open_index(load_domain("movies"), HashingEmbedder(64), folder, "")
    names = [f"{item}|{language}" for item in index.items for language in ("en", "zh")]
    assert index.vectors.count() == len(names)
    vectors = index.vectors.get(names)
    assert len(vectors) == len(names)
    return index.items, vectors, index.lexical.scores("tale new number7 number600")


def same(one, other) -> bool:
    return (
        one[0] == other[0]
        and one[1].keys() == other[1].keys()
        and all(np.array_equal(vector, other[1][name]) for name, vector in one[1].items())
        and one[2] == other[2]
    )


def run(path: Path, folder: Path, seconds: float | None = None) -> float:
    """Build in a process of its own; kill it so many seconds after it began. Returns how long a whole build took."""
    command = [sys.executable, "-c", BUILD, path, folder]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        if seconds is None:
            return float(process.stdout.readline())
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return seconds


def test_a_build_killed_at_random_points_ends_as_an_unbroken_one(tmp_path):
    domain, embedder = load_domain("movies"), HashingEmbedder(64)
    before, after = write(tmp_path / "before.jsonl", 0, 900, "old"), write(tmp_path / "after.jsonl", 300, 1800, "new")
    old, reference = tmp_path / "old", tmp_path / "reference"
    run(before, old), run(before, reference)
    seconds = run(after, reference)
    want, was = content(reference), content(old)
    chance = random.Random(20261125)
    killed: list[str] = []
    for n in range(POINTS):
        folder = tmp_path / f"index-{n}"
        subprocess.run(["cp", "-r", old, folder], check=True)
        run(after, folder, chance.uniform(0, seconds))
        with index_lock(folder):
            left = folder / "building.json"
            state = json.loads(left.read_text()) if left.is_file() else {}
            killed.append("done" if not state else f"{'+'.join(state['steps']) or 'reading'} {state['embedded']}")
            if state or n % 2:  # the old version serves on; half of the times it is opened before the next run, as a page would
                found = content(folder) if n % 2 else was
                assert same(found, was) or not state
            report = build_index(domain, after, embedder, folder)
            assert report.items == 1500
            assert same(content(folder), want)
            assert not left.is_file()
            assert len(list(folder.glob("v-*"))) == 1
    print("\nkilled after:", "; ".join(killed))
    assert sum(state != "done" for state in killed) >= POINTS // 2  # however quick the machine, kills hit the build


def test_a_first_build_killed_again_and_again_gets_on(tmp_path):
    """The same folder, killed five times in a row: each run goes on, and the end is the same."""
    path, folder = write(tmp_path / "films.jsonl", 0, 1500, "new"), tmp_path / "index"
    reference = tmp_path / "reference"
    seconds = run(path, reference)
    chance = random.Random(7)
    for _ in range(5):
        run(path, folder, chance.uniform(0.1, 0.6) * seconds)
    with index_lock(folder):
        build_index(load_domain("movies"), path, HashingEmbedder(64), folder)
        assert same(content(folder), content(reference))
