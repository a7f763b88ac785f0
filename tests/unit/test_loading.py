"""Loading behind the page: its state, its value, its failure."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatbot.loading import Loader, LoadState, Once
from retrieval.errors import WeightsError, ZhiyinError


def test_before_it_starts_nothing_is_loaded():
    loader = Loader(lambda report: "value")
    assert loader.state == LoadState("starting", 0.0, None)
    with pytest.raises(ZhiyinError, match="still loading") as early:
        loader.wait(0)
    assert early.value.key == "error_loading"


def test_the_value_comes_and_the_state_is_ready():
    loader = Loader(lambda report: "value")
    loader.start()
    assert loader.wait(10) == "value"
    assert loader.wait() == "value"
    assert loader.state.stage == "ready"
    assert loader.state.fraction == 1.0


def test_the_state_follows_what_is_reported_and_nobody_waits_for_it():
    reached, go_on = threading.Event(), threading.Event()

    def load(report):
        report("embedder", 0.25)
        reached.set()
        go_on.wait(10)
        return 7

    loader = Loader(load)
    loader.start()
    assert reached.wait(10)
    assert loader.state == LoadState("embedder", 0.25)
    with pytest.raises(ZhiyinError) as early:
        loader.wait(0.01)
    assert early.value.key == "error_loading"
    go_on.set()
    assert loader.wait(10) == 7


def test_a_known_error_is_kept_as_it_is_with_how_far_it_came():
    error = WeightsError("no weights", key="error_weights")

    def load(report):
        report("model", 0.6)
        raise error

    loader = Loader(load)
    loader.start()
    with pytest.raises(WeightsError) as failed:
        loader.wait(10)
    assert failed.value is error
    assert loader.state == LoadState("failed", 0.6, error)


def test_an_unknown_error_becomes_one_of_ours_with_its_kind_and_words():
    def load(report):
        raise KeyError("missing")

    loader = Loader(load)
    loader.start()
    with pytest.raises(ZhiyinError, match=r"KeyError.*missing"):
        loader.wait(10)
    assert loader.state.stage == "failed"
    assert isinstance(loader.state.error, ZhiyinError)


def test_it_loads_once_and_in_another_thread():
    where = []
    loader = Loader(lambda report: where.append(threading.current_thread()) or "value")
    loader.start()
    loader.wait(10)
    with pytest.raises(RuntimeError):
        loader.start()
    assert len(where) == 1
    assert where[0] is not threading.main_thread()
    assert where[0].daemon


@pytest.mark.parametrize("value", [0, "", False, ()])
def test_a_value_that_is_false_is_a_value(value):
    loader = Loader(lambda report: value)
    loader.start()
    assert loader.wait(10) == value


def test_what_is_made_once_is_made_by_whoever_asks_first():
    made = []
    once = Once(lambda: made.append(1) or made)
    assert made == []
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: once(), range(8)))
    assert made == [1]
    assert all(one is made for one in found)
