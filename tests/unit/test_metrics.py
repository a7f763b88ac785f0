"""Coverage, similarity and popularity against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.metrics import (
    intra_list_similarity,
    item_coverage,
    ndcg,
    paired_gain,
    popularity_bias,
    popularity_percentiles,
)

POPULARITY = {"hit": 8, "known": 4, "rare": 1, "unseen": 0}


@pytest.mark.parametrize(
    ("grades", "depth", "expected"),
    [
        ([2, 1, 0], 10, 1.0),
        ([0, 1], 10, 1 / np.log2(3)),
        ([1, 2], 10, (1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3))),
        ([0, 0, 2], 2, 0.0),
        ([0, 0], 10, 0.0),
        ([], 10, 0.0),
    ],
)
def test_ndcg_rewards_grades_and_places(grades, depth, expected):
    assert ndcg(grades, depth) == pytest.approx(expected)


def test_a_gain_is_sure_when_its_interval_lies_above_zero():
    even = paired_gain([1.0, 3.0])
    assert even.mean == 2
    assert even.ci95 == pytest.approx(1.96 * np.sqrt(2) / np.sqrt(2), rel=1e-4)
    assert even.sure
    assert not paired_gain([-1.0, 3.0]).sure
    assert not paired_gain([5.0]).sure, "one case proves nothing"
    assert not paired_gain([-1.0, -1.0]).sure, "a sure loss is no gain"


def test_coverage_counts_each_item_once():
    assert item_coverage([["a", "b"], ["b", "c"], []], 6) == 0.5
    assert item_coverage([], 6) == 0
    with pytest.raises(ValueError, match="0 items"):
        item_coverage([["a"]], 0)


def test_similarity_is_the_mean_cosine_of_the_pairs():
    vectors = {"x": np.array([2.0, 0.0]), "y": np.array([0.0, 1.0]), "d": np.array([1.0, 1.0])}
    root = 1 / np.sqrt(2)
    assert intra_list_similarity([["x", "y"]], vectors) == pytest.approx(0)
    assert intra_list_similarity([["x", "y", "d"]], vectors) == pytest.approx(2 * root / 3)
    assert intra_list_similarity([["x", "d"], ["x", "y"]], vectors) == pytest.approx(root / 2)


def test_similarity_leaves_out_unknown_items_and_short_lists():
    vectors = {"x": np.array([1.0, 0.0]), "y": np.array([-1.0, 0.0])}
    assert intra_list_similarity([["x", "?", "y"], ["x"], []], vectors) == pytest.approx(-1)
    assert intra_list_similarity([["x"]], vectors) == 0


@given(st.lists(st.lists(st.floats(0.1, 1), min_size=3, max_size=3), min_size=2, max_size=6))
def test_similarity_equals_every_pair_one_by_one(rows):
    vectors = {str(n): np.array(row) for n, row in enumerate(rows)}
    unit = [vector / np.linalg.norm(vector) for vector in vectors.values()]
    pairs = [float(a @ b) for n, a in enumerate(unit) for b in unit[n + 1 :]]
    assert intra_list_similarity([list(vectors)], vectors) == pytest.approx(np.mean(pairs))


def test_percentiles_count_ties_half():
    assert popularity_percentiles({"a": 1, "b": 1, "c": 5, "d": 0}) == {"a": 50, "b": 50, "c": 87.5, "d": 12.5}
    assert popularity_percentiles({}) == {}


def test_popularity_bias_compares_lists_with_targets():
    found = popularity_bias([["hit", "known"], ["hit"], []], [["rare"], ["known"]], POPULARITY)
    assert found.recommended == pytest.approx((75 + 87.5) / 2)  # each list counts the same
    assert found.targets == pytest.approx((37.5 + 62.5) / 2)
    assert found.ratio == pytest.approx(81.25 / 50)


def test_popularity_bias_of_nothing():
    assert popularity_bias([], [], POPULARITY).ratio == 0
    assert popularity_bias([["stray"]], [["hit"]], POPULARITY).recommended == 0
