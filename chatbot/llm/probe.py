"""Which settings of llama.cpp are fastest on this machine: measured once, kept beside the weights."""

from __future__ import annotations

import importlib
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
FILE = "probe.json"
TOKENS = 24  # written
PROMPT_WORDS = 120  # read: about what an item's prompt has that is not reused
ANSWER_TOKENS = 30.0  # of an item, against as many prompt tokens as there are words above
TIMEOUT = 300
_WORDS = "quick brown fox jumps over lazy dog near river bank while seven old men watch".split()


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens a second.

    Attributes:
        read: of a prompt.
        written: of an answer.
    """

    read: float
    written: float

    @property
    def seconds(self) -> float:
        """Of one item's sentence: its prompt and its answer."""
        return PROMPT_WORDS / self.read + ANSWER_TOKENS / self.written


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine(path: Path) -> str:
    """What a measurement holds for: the weights, the processor and how many of them there are."""
    return f"{path.name} · {platform.machine()} {platform.processor()} · {cores()}"


def candidates() -> list[int]:
    """Thread counts that may be best: every processor, half of them (a core may count twice), all but one; of two, both."""
    count = cores()
    return [count] if count <= 2 else list(dict.fromkeys((count, max(1, count // 2), count - 1)))


def measure(path: Path, threads: int) -> Rates:
    """Load a GGUF file in this process and measure it; the bare engine, no seam of ours."""
    engine: Any = importlib.import_module("xllamacpp")
    params = engine.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.verbosity = 1024, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = engine.Server(params)
    text = " ".join(_WORDS[n * n % len(_WORDS)] for n in range(PROMPT_WORDS))
    question = {"messages": [{"role": "user", "content": text}], "max_tokens": TOKENS, "temperature": 0}
    timings = server.handle_chat_completions(question)["timings"]
    return Rates(float(timings["prompt_per_second"]), float(timings["predicted_per_second"]))


def measure_apart(path: Path, threads: int) -> Rates:
    """Measure in a process of its own, so that nothing of it stays.

    Raises:
        subprocess.SubprocessError: it failed or took minutes.
    """
    command = [sys.executable, "-m", "chatbot.llm.probe", str(path), str(threads)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT)
    return Rates(**json.loads(answer.stdout.splitlines()[-1]))


def probe(path: Path, folder: Path, counts: Iterable[int] = ()) -> int:
    """Measure the thread counts that may be best, keep the best beside the weights, and return it.

    What was measured of the same weights on the same machine is not measured again.
    """
    if known := threads_for(path, folder):
        return known
    counts = list(counts) or candidates()
    best = counts[0]
    if len(counts) > 1:
        try:
            best = min(counts, key=lambda count: measure_apart(path, count).seconds)
        except (subprocess.SubprocessError, ValueError, TypeError) as error:
            logger.warning("this machine could not be measured, %d threads it is: %s", best, error)
            return best
    found = _read(folder) | {machine(path): best}
    staged = folder / f"{FILE}.part"
    staged.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    staged.replace(folder / FILE)
    return best


def threads_for(path: Path, folder: Path) -> int:
    """Return the measured thread count for weights on this machine; 0: none was measured."""
    known = _read(folder).get(machine(path), 0)
    return known if isinstance(known, int) and 0 < known <= cores() else 0


def _read(folder: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measure(Path(sys.argv[1]), int(sys.argv[2])))) + "\n")
