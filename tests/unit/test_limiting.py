"""Limits: a moving window of a minute, by a clock that the test turns."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatbot.limiting import MessageLimiter, RateLimiter, address_network
from retrieval.errors import MessageError


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when it is told to: ``clock(60)``."""
    now = [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def turn(seconds):
        now[0] += seconds

    return turn


def test_one_too_many_waits_until_the_first_is_a_minute_old(clock):
    limiter = MessageLimiter(3)
    for _ in range(3):
        limiter.check("ann", "10.0.0.1")
        clock(10)
    with pytest.raises(MessageError) as caught:
        limiter.check("ann", "10.0.0.1")
    assert caught.value.key == "error_rate"
    assert caught.value.values["seconds"] == 31  # the first was 30 seconds ago
    clock(caught.value.values["seconds"])
    limiter.check("ann", "10.0.0.1")
    with pytest.raises(MessageError):  # the window moves, it does not begin anew
        limiter.check("ann", "10.0.0.1")


def test_a_person_and_an_address_have_a_limit_each(clock):
    limiter = MessageLimiter(2)
    limiter.check("ann", "10.0.0.1")
    limiter.check("ann", "10.0.0.2")
    with pytest.raises(MessageError):
        limiter.check("ann", "10.0.0.3")
    limiter.check("李雷", "10.0.0.1")
    with pytest.raises(MessageError):
        limiter.check("韩梅梅", "10.0.0.1")
    limiter.check("韩梅梅", "10.0.0.4")


def test_what_was_refused_does_not_count(clock):
    rate = RateLimiter(2)
    assert [rate.take("a"), rate.take("a")] == [0, 0]
    for _ in range(5):
        assert rate.take("a", "b") > 0
    assert [rate.take("b"), rate.take("b")] == [0, 0]
    clock(61)
    assert rate.take("a", "b") == 0


def test_the_very_end_of_a_window_is_not_free_for_all(clock):
    rate = RateLimiter(1)
    rate.take("a")
    clock(60)
    assert [rate.take("a") for _ in range(3)].count(0) <= 1


def test_zero_is_no_limit(clock):
    limiter = MessageLimiter(0)
    for _ in range(1000):
        limiter.check("ann", "10.0.0.1")


def test_many_at_once_are_counted_each():
    rate = RateLimiter(40)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: rate.take("a", "b"), range(200)))
    assert sum(wait == 0 for wait in taken) == 40
    assert all(1 <= wait <= 61 for wait in taken if wait)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_is_one_client(address, network):
    assert address_network(address) == network
