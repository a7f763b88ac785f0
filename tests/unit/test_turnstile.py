"""The line in front of the model: first come, first served, everybody knows their place."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatbot.turnstile import Turnstile


def test_as_many_as_there_are_slots_go_through_at_once():
    gate = Turnstile(2)
    lines = [gate.enter() for _ in range(4)]
    assert gate.load == (0, 0)
    assert [next(line) for line in lines] == [0, 0, 1, 2]
    assert gate.load == (2, 2)


def test_who_leaves_lets_the_next_one_in_in_the_order_in_which_they_came():
    gate = Turnstile(1)
    lines = [gate.enter() for _ in range(3)]
    assert [next(line) for line in lines] == [0, 1, 2]
    lines[0].close()
    assert next(lines[2]) == 1
    assert next(lines[1]) == 0
    lines[1].close()
    assert next(lines[2]) == 0


def test_who_gives_up_waiting_frees_the_place():
    gate = Turnstile(1)
    first, second, third = (gate.enter() for _ in range(3))
    assert [next(first), next(second), next(third)] == [0, 1, 2]
    second.close()
    assert next(third) == 1


def test_a_wait_that_is_called_off_ends_without_the_hold():
    gate = Turnstile(1)
    cancel = threading.Event()
    first, second = gate.enter(), gate.enter(cancel.is_set)
    assert [next(first), next(second)] == [0, 1]
    cancel.set()
    assert list(second) == []
    third = gate.enter()
    assert next(third) == 1


def test_nobody_is_forgotten_and_never_too_many_hold_it():
    gate, lock = Turnstile(3), threading.Lock()
    now, most, done = [0], [0], []

    def hold(n):
        line = gate.enter()
        for place in line:
            if place == 0:
                break
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        with lock:
            now[0] -= 1
            done.append(n)
        line.close()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(hold, range(60)))
    assert sorted(done) == list(range(60))
    assert most[0] <= 3


def test_a_turnstile_for_nobody_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        Turnstile(0)
