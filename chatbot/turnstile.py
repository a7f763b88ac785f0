"""Conversations at one model: so many at once, the others in the order in which they came, each knowing its place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

LOOK_SECONDS = 0.1  # how often a wait looks whether it was called off


class Turnstile:
    """Lets a number of holders through at once, first come, first served."""

    def __init__(self, slots: int) -> None:
        """Take how many may hold it at once.

        Raises:
            ValueError: fewer than one.
        """
        if slots < 1:
            raise ValueError(f"a turnstile of {slots} would let nobody through")
        self._slots = slots
        self._line: list[object] = []  # those who hold it, then those who wait
        self._moved = threading.Condition()

    @property
    def load(self) -> tuple[int, int]:
        """How many wait, and how many hold it."""
        there = len(self._line)
        return max(0, there - self._slots), min(there, self._slots)

    def enter(self, called_off: Callable[[], bool] = lambda: False) -> Generator[int]:
        """Yield the place in the line whenever it changes, and 0 when it is held; closing the generator gives it back.

        It ends without a 0 when the wait is called off.
        """
        token = object()
        with self._moved:
            self._line.append(token)
        try:
            told = -1
            while not called_off() and told:
                with self._moved:
                    place = max(0, self._line.index(token) - self._slots + 1)
                    if place == told:
                        self._moved.wait(LOOK_SECONDS)
                        continue
                told = place
                yield place
        finally:
            with self._moved:
                self._line.remove(token)
                self._moved.notify_all()
