"""An import that is killed at any moment leaves the log as it was, and the next one makes it whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retrieval.event_import import import_events
from retrieval.interactions import InteractionLog
from retrieval.mapping import EventMapping

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KILLS, EVENTS = 6, 300_000
MAPPING = {"user": "user", "item": "item", "kind": "play", "value": "value", "time": "time", "burst_per_minute": 3}
IMPORT = """
import json, sys
from pathlib import Path
from retrieval.event_import import import_events
from retrieval.mapping import EventMapping
path, folder, mapping = sys.argv[1:]
print("begin", flush=True)
report = import_events(Path(path), EventMapping.model_validate_json(mapping), Path(folder), None, {})
print(json.dumps(report.as_dict()), flush=True)
"""


def write_log(path: Path, seed: int, count: int) -> None:
    """Plays with repeated events, bursts, and rows that are no events."""
    draw = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write("user,item,value,time\n")
        for _ in range(count):
            user, item, at = draw.randrange(300), draw.randrange(500), 1_400_000_000 + draw.randrange(3_000) * 20
            file.write(f"u{user},i{item},{draw.choice(('1', '2', '5', '0', 'x', '12'))},{at}\n")


def begin(path: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", IMPORT, str(path), str(folder), json.dumps(MAPPING)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def content(folder: Path) -> list[tuple[object, ...]]:
    return InteractionLog(folder)._query("SELECT * EXCLUDE (file_row_number) FROM {log} ORDER BY file_row_number")


def test_an_import_killed_at_any_moment_is_completed_by_the_next(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    write_log(old, 1, 20_000)
    write_log(new, 2, EVENTS)
    mapping = EventMapping.model_validate(MAPPING)

    whole = tmp_path / "whole"
    import_events(old, mapping, whole, None, {})
    before = content(whole)
    started = time.perf_counter()
    report = import_events(new, mapping, whole, None, {})
    seconds = time.perf_counter() - started
    after = content(whole)
    assert report.rules.keys() == {"bad_value", "burst", "empty_amount", "repeated_event"}
    assert len(after) == len(before) + report.kept

    folder = tmp_path / "killed"
    import_events(old, mapping, folder, None, {})
    draw, killed = random.Random(3), 0
    for _ in range(KILLS):
        running = begin(new, folder)
        assert running.stdout is not None
        assert running.stdout.readline() == "begin\n"
        time.sleep(draw.uniform(0, 1) * seconds)
        os.kill(running.pid, signal.SIGKILL)
        killed += running.wait() == -signal.SIGKILL
        running.stdout.close()
        assert content(folder) in (before, after)  # never half
    assert killed >= KILLS // 2

    finished = begin(new, folder)
    out, _ = finished.communicate(timeout=300)
    last = json.loads(out.splitlines()[-1])
    assert finished.returncode == 0
    assert last["rows"] == EVENTS == last["kept"] + last["merged"] + last["rejected"]
    assert content(folder) == after
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["current.json", "lock", "merged.jsonl", "rejected.jsonl", "report.json", f"{InteractionLog(folder).version}.parquet"]
    )
    assert last["rejected"] == report.rejected
