"""EASE against a direct solve, ALS against the package that trains it."""

from __future__ import annotations

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.quality.als import ITERATIONS, SEED, Als
from retrieval import ease
from retrieval.collaborative import ItemItemIndex
from retrieval.ease import ease_index

IDS = [f"i{n}" for n in range(12)]


def strengths(people, items=12, seed=0):
    chance = np.random.default_rng(seed)
    wanted = np.where(chance.random((people, items)) < 0.4, chance.uniform(0.5, 1, (people, items)), 0).astype(np.float32)
    wanted[0] = 1  # every item has events
    return wanted


def direct(wanted, shrinkage):
    inverse = np.linalg.inv(wanted.T.astype(float) @ wanted + shrinkage * np.eye(wanted.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


# -- EASE -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [5, 40])  # fewer than items, and more: the two ways to invert
@pytest.mark.parametrize("shrinkage", [1.0, 50.0])
def test_ease_is_the_direct_solve(people, shrinkage):
    wanted = strengths(people)
    index = ease_index(IDS, sparse.csr_matrix(wanted), shrinkage)
    expected = direct(wanted, shrinkage)
    liked = [1, 4, 7]
    found = index.scores([IDS[n] for n in liked])
    assert set(found) == {IDS[n] for n in range(12)} - {IDS[n] for n in liked}
    for item_id, value in found.items():
        assert value == pytest.approx(expected[liked, IDS.index(item_id)].sum(), abs=2e-5)


def test_ease_keeps_the_largest_weights(monkeypatch):
    monkeypatch.setattr(ease, "EASE_WEIGHTS", 3)
    wanted = strengths(40)
    index = ease_index(IDS, sparse.csr_matrix(wanted), 5.0)
    expected = direct(wanted, 5.0)
    assert index.neighbours.shape == (12, 3)
    for row, kept in enumerate(index.neighbours):
        assert set(kept.tolist()) == set(np.argsort(-np.abs(expected[row]))[:3].tolist())
    assert (index.weights < 0).any()


def test_ease_of_too_many_items_is_the_cosine(monkeypatch):
    monkeypatch.setattr(ease, "EASE_MOST", 11)
    wanted = sparse.csr_matrix(strengths(40))
    index = ease_index(IDS, wanted)
    assert index.scores(["i1"]) == ItemItemIndex.from_matrix(IDS, wanted).scores(["i1"])


def test_ease_needs_a_shrinkage():
    with pytest.raises(ValueError, match="above 0"):
        ease_index(IDS, sparse.csr_matrix(strengths(40)), -1000.0)


def test_a_file_says_the_same_and_unknown_items_say_nothing(tmp_path):
    index = ease_index(IDS, sparse.csr_matrix(strengths(30)))
    index.save(tmp_path / "index")
    loaded = ItemItemIndex.load(tmp_path / "index")
    assert index.scores(["i1", "i9"], {"i0"}) == loaded.scores(["i1", "i9"], {"i0"}) != {}
    assert index.scores([]) == index.scores(["nowhere"]) == {}
    assert index.scores(["i1", "nowhere", "i1"]) == index.scores(["i1"])


def test_one_item_or_none_has_no_neighbours():
    assert ease_index(["a"], sparse.csr_matrix(np.ones((3, 1), np.float32))).scores(["a"]) == {}
    assert len(ease_index([], sparse.csr_matrix((2, 0), dtype=np.float32))) == 0


def test_the_matrix_over_a_catalogue_holds_the_same_weights():
    index = ease_index(IDS, sparse.csr_matrix(strengths(30)))
    places = {item_id: n for n, item_id in enumerate(["new", *IDS[:0:-1]])}  # another order, without the first
    cells = index.matrix(places).toarray()
    assert cells.shape == (12, 12)
    assert not cells[0].any()
    for item_id in IDS[1:]:
        found = {other: score for other, score in index.scores([item_id]).items() if other in places and score}
        assert {other: cells[places[item_id], places[other]] for other in found} == pytest.approx(found)


# -- ALS, which the benchmark compares with ------------------------------------------------------------------------------


@pytest.mark.parametrize(("alpha", "regularization"), [(1.0, 0.1), (10.0, 2.0)])
def test_a_new_person_is_solved_as_implicit_does(alpha, regularization):
    wanted = sparse.csr_matrix(strengths(30))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(6, regularization, alpha, iterations=ITERATIONS, num_threads=1, random_state=SEED)
        model.fit(wanted, show_progress=False)
    ours = Als(wanted, factors=6, alpha=alpha, regularization=regularization)
    assert np.array_equal(ours.factors, model.item_factors)
    row = np.zeros((1, 12), np.float32)
    row[0, [2, 5, 8]] = 1.0
    expected = model.item_factors @ model.recalculate_user(0, sparse.csr_matrix(row))
    assert ours.scores(np.array([5, 2, 8])) == pytest.approx(expected, abs=1e-4)
