"""What a process sets once that serves many people in many threads."""

from __future__ import annotations

import ctypes
import sys

_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def settle_threads() -> None:
    """Let the threads of people share the processor and the memory. To be called after NumPy and SciPy are imported.

    BLAS computes in the thread that asks: threads of its own wait for one another, busily, while others have work; measured, a
    list takes less than half the processor time so. And the C library keeps what is freed in two heaps, not in one for every
    few threads: measured, those grew by 15 KB a turn for as long as anybody looked, though nothing was held.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):  # another C library has none
        mallopt(_ARENA_MAX, _ARENAS)
