"""What a turn and an item cost, and how many machines a number of people come to: ``python -m benchmarks.sizing``.

Measures CPU seconds of a list without text and of a whole turn with the real model on a server of its own, the tokens that the
model reads and writes, and the memory of a process; then works out machines from them and from :class:`Assumed`.
``--document FILE`` writes the arithmetic into a document, between two marks; ``--from FILE`` does that again from figures that
were measured before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import Any

import psutil

from benchmarks import servers
from benchmarks.load import data as load_data
from benchmarks.machines import Assumed, put_into, text_of
from benchmarks.servers import ROOT

SIZES = 3000, 9000  # items of two made-up catalogues
LISTS, TURNS = 120, 6  # lists without text, and whole turns, that are measured
KEY = "sizing"


def measure_turns(folder: Path, weights: str) -> dict[str, float]:
    """Serve the demo catalogue in this process and the model in another, and say what a turn takes of each."""
    sys.path.insert(0, str(ROOT / "tests"))
    import llm_server

    from app import open_pipeline
    from chatbot.catalogues import find_catalogue
    from chatbot.llm.weights import fetch
    from chatbot.records import turn_record
    from chatbot.settings import Settings, go_offline

    go_offline()
    path = fetch(weights, Settings().weights_folder)
    with ExitStack() as stack:
        url = stack.enter_context(llm_server.serving(path, KEY))
        # one thread: several wait for each other by spinning, which counts as work
        server = next(p for p in psutil.Process().children() if "llm_server.py" in " ".join(p.cmdline()))
        options = {"engine": "openai", "server_url": url, "server_key": KEY, "vote_weight": 0.0}
        settings = Settings(data=folder / "turns", **options)
        pipeline = stack.enter_context(open_pipeline(settings, find_catalogue(settings, None)))

        numbers = count()

        def say(*, items_only: bool) -> Any:
            number = next(numbers)
            user = f"person-{number % 20}"
            talk = pipeline.store.load(f"talk-{number}", user)
            return pipeline.complete(_message(number), talk, pipeline.profile(user), items_only=items_only)

        for items_only in (False, *[True] * (LISTS // 4)):  # what begins slowly has begun
            say(items_only=items_only)
        began = time.process_time()
        for _ in range(LISTS):
            say(items_only=True)
        list_cpu = (time.process_time() - began) / LISTS
        before, read = _cpu(server), _model_tokens(url)
        began, started = time.process_time(), time.perf_counter()
        turns = [say(items_only=False) for _ in range(TURNS)]
        cpu, wall = (time.process_time() - began) / TURNS, (time.perf_counter() - started) / TURNS
        model_cpu = (_cpu(server) - before) / TURNS
        read_now = _model_tokens(url)
        return {
            "list_cpu_s": list_cpu,
            "turn_cpu_s": cpu,
            "model_cpu_s": model_cpu,
            "turn_wall_s": wall,
            "tokens_read": (read_now[0] - read[0]) / TURNS,
            "tokens_written": (read_now[1] - read[1]) / TURNS,
            "kept_bytes": fmean(len(json.dumps(turn_record(turn), ensure_ascii=False).encode()) for turn in turns),
            "model_rss_mb": server.memory_info().rss / 1e6,
        }


def _message(number: int) -> str:
    """Return a wish that was not said before: vectors of what was are remembered."""
    language = "zh" if number % 2 else "en"
    chance = random.Random(number)
    one, other = chance.sample(load_data.themes(language), 2)
    wish = chance.choice(load_data.MESSAGES[language])
    return f"{wish}，关于{one}和{other}的" if number % 2 else f"{wish}, about {one} and {other}"


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _model_tokens(url: str) -> tuple[float, float]:
    """Tokens that the model server read, those of cached prefixes left out, and wrote, since it began."""
    request = urllib.request.Request(url.removesuffix("/v1") + "/metrics", headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    found = dict(re.findall(r"^llamacpp:(prompt_tokens_total|tokens_predicted_total) (\S+)$", text, re.MULTILINE))
    return float(found["prompt_tokens_total"]), float(found["tokens_predicted_total"])


CHILD = """
import json, sys, psutil
from contextlib import ExitStack
from app import open_pipeline
from chatbot.catalogues import find_catalogue
from chatbot.settings import Settings, go_offline
go_offline()
settings = Settings()
with ExitStack() as stack:
    pipeline = stack.enter_context(open_pipeline(settings, find_catalogue(settings, sys.argv[1], "movies"), model=False))
    for number in range(20):
        talk = pipeline.store.load(f"talk-{number}", "sizing")
        pipeline.complete(sys.argv[2 + number], talk, pipeline.profile("sizing"), items_only=True)
    memory = psutil.Process().memory_full_info()
    print(json.dumps({"rss": memory.rss / 1e6, "own": memory.uss / 1e6}))
"""


def measure_memory(folder: Path, sizes: Sequence[int]) -> dict[str, float]:
    """Serve two made-up catalogues, each in a process of its own with the vectors on a Chroma server, and say how they differ.

    Vectors are of hashed words, with the real embedder's dimension, since those of 20 thousand cards take minutes; so the real
    embedder's own share is measured by the demo catalogue, with it and without it. Of memory that processes share, such as the
    files of vectors, nothing is counted.
    """
    own: dict[int, float] = {}
    chroma: dict[int, float] = {}
    with servers.chroma(folder / "chroma") as url:
        server = next(p for p in psutil.Process().children() if str(folder / "chroma" / "data") in p.cmdline())
        for size in sizes:
            path = folder / f"made-{size}.jsonl"
            load_data.write_catalogue(path, size)
            environment = {"ZHIYIN_DATA": str(folder / f"data-{size}"), "ZHIYIN_CHROMA_URL": url, "ZHIYIN_EMBEDDER": "hashing"}
            _run(environment, "app.py", "index", "--catalog", str(path), "--domain", "movies")
            own[size] = _serve(environment, str(path))
            chroma[size] = server.memory_info().rss / 1e6
        demo = {name: folder / f"demo-{name}" for name in ("hashing", "default")}
        idle = {}
        shutil.copytree(folder / "turns" / "index", demo["default"] / "index")  # its cards are embedded
        for name, data in demo.items():
            environment = {"ZHIYIN_DATA": str(data), "ZHIYIN_CHROMA_URL": url, "ZHIYIN_EMBEDDER": name}
            _run(environment, "app.py", "index")
            idle[name] = _serve(environment, "movies")
    small, large = sizes
    tens = (large - small) / 10_000
    return {
        "process_mb": idle["default"],
        "embedder_mb": idle["default"] - idle["hashing"],
        "process_mb_per_10k": (own[large] - own[small]) / tens,
        "chroma_mb": chroma[small],
        "chroma_mb_per_10k": (chroma[large] - chroma[small]) / (large / 10_000),  # both catalogues are there by then
    }


def _serve(environment: dict[str, str], catalogue: str) -> float:
    return float(json.loads(_run(environment, "-c", CHILD, catalogue, *map(_message, range(20))).splitlines()[-1])["own"])


def _run(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=ROOT, env=servers.environment_with(environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def main() -> None:
    """Measure, work out, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct", help="a GGUF file's name of the manifest")
    parser.add_argument("--from", dest="known", type=Path, metavar="FILE", help="figures that were measured before")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures are written")
    parser.add_argument("--document", type=Path, metavar="FILE", help="where the arithmetic is written, between its marks")
    options = parser.parse_args()
    if options.known:
        result = json.loads(options.known.read_text(encoding="utf-8"))
    else:
        with tempfile.TemporaryDirectory(prefix="zhiyin-") as made:
            figures = measure_turns(Path(made), options.model) | measure_memory(Path(made), SIZES)
        where = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        result: dict[str, Any] = {"model": options.model, "measured on": where, "turns": TURNS, "lists": LISTS}
        result |= {"figures": figures, "assumed": asdict(Assumed())}
    text = text_of(result, Assumed(**result["assumed"]))
    print(text)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.document:
        document = options.document.read_text(encoding="utf-8")
        options.document.write_text(put_into(document, text), encoding="utf-8")


if __name__ == "__main__":
    main()
