"""Reciprocal rank fusion: its formula and what holds for any channels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fusion import RRF_K, ranking, reciprocal_rank_fusion
from retrieval.types import ChannelScore

IDS = st.sampled_from("abcdefgh")
ORDERS = st.lists(IDS, unique=True, min_size=1, max_size=8)
CHANNELS = st.dictionaries(st.sampled_from(["dense", "bm25", "history", "facets"]), ORDERS, max_size=4)
WEIGHTS = st.dictionaries(st.sampled_from(["dense", "bm25", "history", "facets"]), st.floats(0, 5))


def channel(order):
    return {item_id: ChannelScore(rank, 1.0 / rank) for rank, item_id in enumerate(order, 1)}


def channels(orders):
    return {name: channel(order) for name, order in orders.items()}


def test_the_score_is_the_sum_of_weight_over_k_plus_rank():
    fused = reciprocal_rank_fusion(channels({"dense": "ab", "bm25": "bc"}), {"dense": 2.0, "bm25": 0.5}, k=60)
    assert fused == pytest.approx({"a": 2 / 61, "b": 2 / 62 + 0.5 / 61, "c": 0.5 / 62})
    assert list(fused) == ["b", "a", "c"]


def test_a_channel_without_a_weight_counts_once():
    assert reciprocal_rank_fusion(channels({"dense": "a"}), {"bm25": 3.0}) == {"a": 1 / (RRF_K + 1)}


def test_nothing_fuses_to_nothing():
    assert reciprocal_rank_fusion({}) == {}
    assert reciprocal_rank_fusion({"dense": {}}) == {}


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="negative"):
        reciprocal_rank_fusion(channels({"dense": "a"}), {"dense": -1.0})


@given(ORDERS)
def test_one_channel_keeps_its_order(order):
    assert list(reciprocal_rank_fusion({"dense": channel(order)})) == order


@given(CHANNELS, WEIGHTS)
def test_every_item_of_every_channel_comes_back_once_best_first(orders, weights):
    fused = reciprocal_rank_fusion(channels(orders), weights)
    assert set(fused) == {item_id for order in orders.values() for item_id in order}
    assert list(fused) == sorted(fused, key=lambda item_id: (-fused[item_id], item_id))


@given(CHANNELS, ORDERS)
def test_a_channel_that_ranks_an_item_first_never_lowers_it(orders, extra):
    orders.pop("history", None)
    before = list(reciprocal_rank_fusion(channels(orders)))
    after = list(reciprocal_rank_fusion(channels({**orders, "history": extra})))
    first = extra[0]
    if first in before:
        ahead = set(before[: before.index(first)])
        assert set(after[: after.index(first)]) <= ahead | (set(after) - set(before))


@given(CHANNELS)
def test_an_item_that_is_before_another_in_every_channel_is_before_it_in_the_end(orders):
    fused = list(reciprocal_rank_fusion(channels(orders)))
    for a in fused:
        for b in fused:
            if a != b and orders and all(a in o and (b not in o or o.index(a) < o.index(b)) for o in orders.values()):
                assert fused.index(a) < fused.index(b)


@given(CHANNELS, WEIGHTS)
def test_the_order_in_which_channels_are_given_does_not_matter(orders, weights):
    turned = dict(reversed(channels(orders).items()))
    assert reciprocal_rank_fusion(turned, weights) == pytest.approx(reciprocal_rank_fusion(channels(orders), weights))


@given(CHANNELS, st.sampled_from(["dense", "bm25"]))
def test_a_channel_of_weight_zero_moves_nothing(orders, name):
    others = {other: order for other, order in orders.items() if other != name}
    without = reciprocal_rank_fusion(channels(others))
    fused = reciprocal_rank_fusion(channels(orders), {name: 0.0})
    assert [item_id for item_id in fused if item_id in without] == list(without)
    assert all(score == 0 for item_id, score in fused.items() if item_id not in without)


@given(st.dictionaries(st.text(max_size=3), st.floats(-10, 10), max_size=12))
def test_ranks_count_from_one_without_gaps_best_first_ties_by_id(scores):
    ranked = ranking(scores)
    assert [entry.rank for entry in ranked.values()] == list(range(1, len(scores) + 1))
    assert list(ranked) == sorted(scores, key=lambda item_id: (-scores[item_id], item_id))
    assert all(ranked[item_id].score == score for item_id, score in scores.items())


@given(st.dictionaries(st.text(max_size=3), st.sampled_from([0.0, 1.0]), max_size=12), st.integers(0, 12))
def test_a_limit_keeps_the_first_and_ties_do_not_depend_on_the_order_given(scores, limit):
    turned = dict(reversed(scores.items()))
    assert list(ranking(scores, limit).items()) == list(ranking(turned).items())[:limit]
