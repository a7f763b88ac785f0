"""Tables that may be given away: what one person moves, what the noise guarantees, and what is left of the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import retrieval.releasing as releasing
from retrieval.releasing import (
    PAIR,
    SINGLE,
    UNIT,
    count_items,
    count_pairs,
    read_item_item,
    release_tables,
    save_release,
)

ITEMS = 12
baskets = st.lists(st.sets(st.integers(0, ITEMS - 1)), min_size=1, max_size=8)


def acts(people):
    cells = [(n, item) for n, basket in enumerate(people) for item in sorted(basket)]
    at = (np.array([n for n, _ in cells], int), np.array([i for _, i in cells], int))
    return sparse.csr_matrix((np.ones(len(cells), np.int64), at), shape=(len(people), ITEMS))


@given(baskets, st.integers(1, ITEMS))
def test_one_person_more_moves_the_tables_by_no_more_than_the_noise_hides(people, chosen):
    some = np.arange(chosen)
    with_them, without = acts(people), acts(people[:-1])
    moved = count_items(with_them) - count_items(without)
    assert math.sqrt(sum(int(v) ** 2 for v in moved)) <= SINGLE * UNIT
    pairs = count_pairs(with_them, some) - count_pairs(without, some)
    assert math.sqrt(sum(int(v) ** 2 for v in pairs)) <= PAIR * UNIT


@pytest.mark.parametrize("many", [1, 2, 3, 50, 977])
def test_whoever_did_more_has_no_louder_voice(many):
    one = sparse.csr_matrix(np.ones((1, many), np.int64))
    length = math.sqrt(sum(int(v) ** 2 for v in count_items(one)))
    assert 0.99 * UNIT < length <= UNIT
    pairs = count_pairs(one, np.arange(many))
    assert math.sqrt(sum(int(v) ** 2 for v in pairs)) <= PAIR * UNIT


def test_voices_are_counted_by_hand():
    people = acts([{0, 1}, {1}, {1, 2, 3, 4}])
    assert (count_items(people) / UNIT).round(3).tolist()[:5] == [0.707, 2.207, 0.5, 0.5, 0.5]
    first = count_pairs(people, np.arange(5))  # 01 02 03 04 12 13 14 23 24 34
    assert (first / UNIT).tolist() == [0.5, 0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25]


@pytest.mark.parametrize(("epsilon", "delta"), [(0.5, 1e-6), (4.0, 1e-6), (4.0, 1e-9)])
def test_the_noise_of_both_tables_is_what_the_budget_asks_for(epsilon, delta):
    made = release_tables([f"i{n}" for n in range(ITEMS)], acts([{0, 1}]), epsilon, delta)
    rho = (SINGLE / made.noise["popularity"]) ** 2 / 2 + (PAIR / made.noise["item_item"]) ** 2 / 2
    known = rho + 2 * math.sqrt(rho * math.log(1 / delta))  # Bun and Steinke 2016, Proposition 1.3: OpenDP's is no looser
    assert epsilon <= known < 1.25 * epsilon


def test_the_noise_is_as_strong_as_it_is_said_to_be(monkeypatch):
    n = 3000
    monkeypatch.setattr(releasing, "PAIRED", 2)
    made = release_tables([f"i{k}" for k in range(n)], sparse.csr_matrix((1, n)), 2.0, 1e-6)
    sigma = made.noise["popularity"]
    above = made.popularity[made.popularity > 0]
    assert 0.45 < len(above) / n < 0.55  # nothing is wanted: half of the noise is below 0
    assert math.sqrt(float((above**2).mean())) == pytest.approx(sigma, rel=0.1)


@pytest.fixture(scope="module")
def two_tastes():
    chance = np.random.default_rng(0)
    people = [set((chance.choice(6, 3, replace=False) + 6 * (n % 2)).tolist()) for n in range(4000)]
    ids = [*(f"a{n}" for n in range(6)), *(f"b{n}" for n in range(6))]
    return release_tables(ids, acts(people), 4.0, 1e-6)


def test_what_many_share_is_still_there(two_tastes):
    for item in two_tastes.item_item.ids:
        near = two_tastes.item_item.scores([item])
        assert len(near) >= 5
        assert {other[0] for other in near} == {item[0]}


def test_an_item_that_one_person_alone_wants_does_not_show():
    ids = [f"i{n}" for n in range(ITEMS)]
    crowd = [{0, 1, 2}] * 2000
    made = release_tables(ids, acts([*crowd, {10, 11}]), 2.0, 1e-6)
    assert not {"i10", "i11"} & made.item_item.scores(["i10", "i11", "i0"]).keys() - {"i0"}
    assert len(made.popularity) == ITEMS  # items that nobody wants are listed too: a missing row would tell


def test_what_is_written_is_read_again(two_tastes, tmp_path):
    save_release(two_tastes, tmp_path / "out")
    near = read_item_item(tmp_path / "out")
    assert near.ids == sorted(two_tastes.item_item.ids)
    for item in near.ids:
        assert near.scores([item]) == pytest.approx(two_tastes.item_item.scores([item]), abs=1e-5)
    lines = (tmp_path / "out" / "popularity.csv").read_text().splitlines()
    assert lines[0] == "item,popularity"
    assert len(lines) == ITEMS + 1
    values = [float(line.split(",")[1]) for line in lines[1:]]
    assert values == sorted(values, reverse=True)
