"""How llama.cpp's thread count stands a busy machine: ``python -m benchmarks.threads``.

Reads a prompt and writes 40 tokens with each thread count, alone and beside another process that takes a share of one core.
Each engine runs in a process of its own; the bare engine is measured, not our seam.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from typing import Any

from chatbot.llm.weights import resolve
from chatbot.settings import Settings

TOKENS = 40
WORDS = "quick brown fox jumps over lazy dog near river bank while seven old men watch".split()
BUSY = "import time\nwhile True:\n t = time.time()\n while time.time() - t < {on}: pass\n time.sleep({off})"


def measure(threads: int, share: float) -> tuple[float, float]:
    """Return (prompt tokens/s, written tokens/s) of an engine in this process."""
    engine: Any = importlib.import_module("xllamacpp")
    params = engine.CommonParams()
    params.model.path = str(resolve("default", "generator", Settings().weights_folder))
    params.n_ctx, params.n_parallel, params.verbosity = 4096, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = engine.Server(params)
    on = 0.05 * share
    command = [sys.executable, "-c", BUSY.format(on=on, off=0.05 - on)]
    other = subprocess.Popen(command) if share else None
    try:
        text = " ".join(WORDS[n * n % len(WORDS)] for n in range(250))
        question = {"messages": [{"role": "user", "content": text}], "max_tokens": TOKENS, "temperature": 0}
        timings = server.handle_chat_completions(question)["timings"]
    finally:
        if other:
            other.kill()
    return timings["prompt_per_second"], timings["predicted_per_second"]


def main() -> None:
    """Measure every pair, or with arguments the one asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, type=float, metavar=("THREADS", "SHARE"))
    one = parser.parse_args().one
    if one:
        print(*(f"{rate:.1f}" for rate in measure(int(one[0]), one[1])))
        return
    print("threads  other process  prompt tokens/s  written tokens/s")
    cores = os.cpu_count() or 1
    for threads in dict.fromkeys((cores, max(1, cores - 1))):
        for share in (0.0, 0.4, 1.0):
            command = [sys.executable, "-m", "benchmarks.threads", "--one", str(threads), str(share)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            print(f"{threads:7}  {share:13.0%}  {answer[0]:>15}  {answer[1]:>16}")


if __name__ == "__main__":
    main()
