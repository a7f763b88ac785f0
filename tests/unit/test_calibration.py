"""Shares of kinds, how far a list is from a person's, and lists that follow them; places shared out among interests."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.calibration import SMOOTHING, calibrated, miscalibration, shares
from retrieval.diversity import proportional

KINDS = st.lists(st.lists(st.sampled_from("abcd"), max_size=3, unique=True), min_size=1, max_size=12)


def test_an_item_of_two_kinds_counts_half_for_each():
    assert shares([["a"], ["a", "b"]]) == {"a": 0.75, "b": 0.25}
    assert shares([["a"], ["b"]], [3, 1]) == {"a": 0.75, "b": 0.25}
    assert shares([[], []]) == {}


@given(KINDS, KINDS)
def test_shares_add_up_and_nothing_is_nearer_than_the_same(one, other):
    wanted, got = shares(one), shares(other)
    assert not wanted or sum(wanted.values()) == pytest.approx(1)
    assert miscalibration(wanted, wanted) == pytest.approx(0, abs=1e-9)
    assert miscalibration(wanted, got) >= -1e-9


def test_a_kind_that_is_missing_costs_much_and_not_infinitely():
    assert miscalibration({"a": 1.0}, {"b": 1.0}) == pytest.approx(-math.log(SMOOTHING))


@given(KINDS, st.integers(0, 12), st.sampled_from([0.0, 0.5, 1.0]))
def test_a_calibrated_list_has_k_positions_none_twice(kinds, k, weight):
    chosen = calibrated([float(-n) for n in range(len(kinds))], kinds, shares(kinds), k, weight)
    assert len(chosen) == len(set(chosen)) == min(k, len(kinds))


def test_weight_decides_between_scores_and_shares():
    kinds = [["a"]] * 5 + [["b"]] * 5
    scores = [10.0 - n for n in range(10)]
    wanted = {"a": 0.6, "b": 0.4}
    assert calibrated(scores, kinds, wanted, 5, 0.0) == [0, 1, 2, 3, 4]
    chosen = calibrated(scores, kinds, wanted, 5, 0.9)
    assert sum(n >= 5 for n in chosen) == 2
    assert calibrated(scores, kinds, {}, 5, 0.9) == [0, 1, 2, 3, 4]


def test_places_are_shared_out_like_seats():
    labels = [0] * 10 + [1] * 10 + [2] * 10
    order = list(range(30))
    assert [labels[n] for n in proportional(order, labels, [6, 3, 1], 10)].count(0) == 6
    assert [labels[n] for n in proportional(order, labels, [6, 3, 1], 3)] == [0, 1, 0]
    assert proportional([0, 1], [0, 0], [5, 5], 4) == [0, 1]  # the other has none: its places go to the first
    assert proportional([], [], [1, 1], 3) == []
