"""How llama.cpp's thread count stands a busy machine: ``python -m benchmarks.threads``.

Reads a prompt and writes a few tokens with each thread count, alone and beside another process that takes a share of one core.
Each engine runs in a process of its own; the bare engine is measured, not our seam.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from chatbot.llm.probe import Rates, measure
from chatbot.llm.weights import resolve
from chatbot.settings import Settings

BUSY = "import time\nwhile True:\n t = time.time()\n while time.time() - t < {on}: pass\n time.sleep({off})"


def measure_beside(threads: int, share: float) -> Rates:
    """Return the rates of an engine in this process, beside another one that takes a share of one core."""
    on = 0.05 * share
    command = [sys.executable, "-c", BUSY.format(on=on, off=0.05 - on)]
    other = subprocess.Popen(command) if share else None
    try:
        return measure(Path(resolve("default", "generator", Settings().weights_folder)), threads)
    finally:
        if other:
            other.kill()


def main() -> None:
    """Measure every pair, or with arguments the one asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, type=float, metavar=("THREADS", "SHARE"))
    one = parser.parse_args().one
    if one:
        found = measure_beside(int(one[0]), one[1])
        print(f"{found.read:.1f} {found.written:.1f}")
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
