"""Which number type is faster on this processor: measured, because it depends on the instructions that it has.

float16 is no candidate: processors emulate it, ten times slower or worse.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
PREFILL_TOKENS = 250
DECODED_TOKENS = 50
MATRICES = 4  # enough of them that a token's weights come from memory, as they do in a model, and not from the cache
ROUNDS = 4  # the best of them counts: other work on the machine must not decide
MARGIN = 1.8  # the highest need while loading: the bfloat16 file is in memory beside its float32 copy (measured)
CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Return the bytes that this process may still take: of the machine, or of its container if that is less."""
    psutil: Any = importlib.import_module("psutil")
    free = int(psutil.virtual_memory().available)
    try:
        limit = (CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = (CGROUP / "memory.current").read_text(encoding="ascii").strip()
        return free if limit == "max" else min(free, int(limit) - int(used))
    except (OSError, ValueError):
        return free


def seconds_per_reply(dtypes: Sequence[Any], hidden: int, intermediate: int) -> list[float]:
    """Time the matrix products of one layer's width for a typical call, 250 tokens read and 50 written, in each type."""
    torch: Any = importlib.import_module("torch")
    best = {(dtype, tokens): math.inf for dtype in dtypes for tokens in (PREFILL_TOKENS, 1)}
    with torch.inference_mode():
        weights = {dtype: [torch.full((intermediate, hidden), 0.01, dtype=dtype) for _ in range(MATRICES)] for dtype in dtypes}
        for _, (dtype, tokens) in itertools.product(range(ROUNDS), best):  # in turn: a slow moment hits both types
            rows = torch.full((tokens, hidden), 0.01, dtype=dtype)
            start = time.perf_counter()
            for weight in weights[dtype]:
                torch.nn.functional.linear(rows, weight)
            best[dtype, tokens] = min(best[dtype, tokens], time.perf_counter() - start)
    return [best[dtype, PREFILL_TOKENS] + DECODED_TOKENS * best[dtype, 1] for dtype in dtypes]


def choose(parameters: int, hidden: int, intermediate: int) -> Any:
    """Return ``torch.float32`` if it is faster than ``torch.bfloat16`` and fits into free memory.

    Args:
        parameters: of the whole model.
        hidden: width of its layers.
        intermediate: width of its feed-forward layers.
    """
    torch: Any = importlib.import_module("torch")
    needed = int(4 * parameters * MARGIN)
    if needed > free_memory():
        logger.info("bfloat16: float32 would need %d MiB", needed >> 20)
        return torch.bfloat16
    single, half = seconds_per_reply((torch.float32, torch.bfloat16), hidden, intermediate)
    chosen = torch.float32 if single < half else torch.bfloat16
    logger.info("%s: probe took %.3f s in float32, %.3f s in bfloat16", chosen, single, half)
    return chosen
