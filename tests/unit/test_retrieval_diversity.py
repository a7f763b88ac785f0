"""Maximal marginal relevance and the cap per group."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.diversity import maximal_marginal_relevance
from retrieval.embedder import unit_rows


@st.composite
def candidates(draw):
    count = draw(st.integers(0, 12))
    relevance = draw(st.lists(st.floats(-5, 5), min_size=count, max_size=count))
    rows = np.random.default_rng(draw(st.integers(0, 50))).normal(size=(count, 3)).astype(np.float32)
    return relevance, unit_rows(rows)


GROUPS = st.lists(st.sets(st.sampled_from("xyz"), max_size=2), min_size=12, max_size=12)


@given(candidates(), st.integers(-1, 15), st.floats(0, 1))
def test_never_one_twice_never_more_than_k_and_as_many_as_there_are(pair, k, trade_off):
    relevance, vectors = pair
    chosen = maximal_marginal_relevance(relevance, vectors, k, trade_off=trade_off)
    assert len(chosen) == len(set(chosen)) == max(0, min(k, len(relevance)))
    assert set(chosen) <= set(range(len(relevance)))


@given(candidates(), st.integers(1, 12))
def test_relevance_alone_is_the_order_of_relevance(pair, k):
    relevance, vectors = pair
    chosen = maximal_marginal_relevance(relevance, vectors, k, trade_off=1.0)
    spread = max(relevance, default=0) - min(relevance, default=0)
    scaled = [(score - min(relevance)) / spread if spread > 0 else 1.0 for score in relevance]
    assert chosen == sorted(range(len(relevance)), key=lambda n: (-scaled[n], n))[:k]


@given(candidates(), st.floats(0, 1))
def test_the_first_is_always_one_of_the_most_relevant_unless_relevance_counts_nothing(pair, trade_off):
    relevance, vectors = pair
    chosen = maximal_marginal_relevance(relevance, vectors, 1, trade_off=trade_off)
    if relevance and trade_off > 0.1:
        assert relevance[chosen[0]] == pytest.approx(max(relevance), abs=1e-6)


@given(candidates(), st.integers(1, 12), st.floats(0, 1), GROUPS)
def test_the_cap_of_a_group_holds_while_others_are_left(pair, k, trade_off, groups):
    relevance, vectors = pair
    groups = groups[: len(relevance)]
    chosen = maximal_marginal_relevance(relevance, vectors, k, trade_off=trade_off, groups=groups)
    used: Counter[str] = Counter()
    for step, n in enumerate(chosen):
        if any(used[group] for group in groups[n]):
            left = set(range(len(relevance))) - set(chosen[:step])
            assert all(any(used[group] for group in groups[other]) for other in left)
        used.update(groups[n])


@given(candidates(), st.integers(1, 12), GROUPS)
def test_a_cap_of_two_lets_two_of_a_group_through(pair, k, groups):
    relevance, vectors = pair
    groups = groups[: len(relevance)]
    chosen = maximal_marginal_relevance(relevance, vectors, k, groups=groups, per_group=2)
    used: Counter[str] = Counter()
    for step, n in enumerate(chosen):
        if any(used[group] >= 2 for group in groups[n]):
            left = set(range(len(relevance))) - set(chosen[:step])
            assert all(any(used[group] >= 2 for group in groups[other]) for other in left)
        used.update(groups[n])


def test_a_copy_of_the_first_yields_to_something_new():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert maximal_marginal_relevance([1.0, 0.9, 0.5], vectors, 3, trade_off=0.5) == [0, 2, 1]
    assert maximal_marginal_relevance([1.0, 0.9, 0.5], vectors, 3, trade_off=1.0) == [0, 1, 2]


def test_ties_go_to_the_earlier_position():
    assert maximal_marginal_relevance([1.0, 1.0, 1.0], np.eye(3, dtype=np.float32), 3) == [0, 1, 2]


def test_a_position_without_a_group_is_never_capped():
    groups = [{"x"}, set(), set(), {"x"}]
    vectors = np.eye(4, dtype=np.float32)
    assert maximal_marginal_relevance([4.0, 3.0, 2.0, 3.5], vectors, 4, groups=groups) == [0, 1, 2, 3]


def test_scores_and_vectors_must_be_as_many():
    with pytest.raises(ValueError, match="2 scores but 3 vectors"):
        maximal_marginal_relevance([1.0, 2.0], np.eye(3, dtype=np.float32), 2)
