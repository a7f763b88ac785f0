"""EASE against a direct solve, ALS against the package that trains it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

import retrieval.latent as latent
from retrieval.collaborative import ItemItemIndex
from retrieval.interactions import InteractionLog
from retrieval.latent import AlsIndex, EaseIndex

IDS = [f"i{n}" for n in range(12)]


class Strengths:
    """A log that holds the strengths of a matrix."""

    def __init__(self, wanted):
        self.wanted = wanted

    def strengths(self):
        for user, row in enumerate(self.wanted):
            items = np.flatnonzero(row)
            if len(items):
                users = np.array([f"u{user:03}"] * len(items), object)
                yield users, np.array([IDS[item] for item in items], object), row[items].astype(float)


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
    index = EaseIndex.from_matrix(IDS, sparse.csr_matrix(wanted), shrinkage)
    expected = direct(wanted, shrinkage)
    liked = [1, 4, 7]
    found = index.scores([IDS[n] for n in liked])
    assert set(found) == {IDS[n] for n in range(12)} - {IDS[n] for n in liked}
    for item_id, value in found.items():
        assert value == pytest.approx(expected[liked, IDS.index(item_id)].sum(), abs=2e-5)


def test_ease_weighs_what_is_liked():
    wanted = strengths(40)
    index = EaseIndex.from_matrix(IDS, sparse.csr_matrix(wanted), 5.0)
    expected = direct(wanted, 5.0)
    found = index.scores(["i3", "i5", "nowhere"], {"i0"}, [0.25, 2.0, 9.0])
    assert "i0" not in found
    assert found["i9"] == pytest.approx(0.25 * expected[3, 9] + 2 * expected[5, 9], abs=2e-5)


def test_ease_keeps_the_largest_weights(monkeypatch):
    monkeypatch.setattr(latent, "EASE_WEIGHTS", 3)
    wanted = strengths(40)
    index = EaseIndex.from_matrix(IDS, sparse.csr_matrix(wanted), 5.0)
    expected = direct(wanted, 5.0)
    assert index.neighbours.shape == (12, 3)
    for row, kept in enumerate(index.neighbours):
        assert set(kept.tolist()) == set(np.argsort(-np.abs(expected[row]))[:3].tolist())
    assert (index.weights < 0).any()


def test_ease_of_too_many_items_is_the_cosine(monkeypatch):
    monkeypatch.setattr(latent, "EASE_MOST", 11)
    wanted = sparse.csr_matrix(strengths(40))
    index = EaseIndex.from_matrix(IDS, wanted)
    assert isinstance(index, EaseIndex)
    assert index.scores(["i1"]) == ItemItemIndex.from_matrix(IDS, wanted).scores(["i1"])


def test_ease_needs_a_shrinkage():
    with pytest.raises(ValueError, match="above 0"):
        EaseIndex.from_matrix(IDS, sparse.csr_matrix(strengths(40)), -1000.0)


# -- ALS --------------------------------------------------------------------------------------------------------------


def trained(wanted, alpha, regularization, factors=6):
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors, regularization, alpha, iterations=latent.ALS_ITERATIONS, num_threads=1, random_state=latent.SEED
        )
        model.fit(wanted, show_progress=False)
    return model


@pytest.mark.parametrize(("alpha", "regularization"), [(1.0, 0.1), (10.0, 2.0)])
def test_a_new_person_is_solved_as_implicit_does(alpha, regularization):
    wanted = sparse.csr_matrix(strengths(30))
    model = trained(wanted, alpha, regularization)
    index = AlsIndex.from_matrix(IDS, wanted, factors=6, alpha=alpha, regularization=regularization)
    assert np.array_equal(index.factors, model.item_factors)
    row = np.zeros((1, 12), np.float32)
    row[0, [2, 5, 8]] = 1.0, 0.5, 3.0
    expected = model.recalculate_user(0, sparse.csr_matrix(row))
    person = index.person(["i5", "i2", "nowhere", "i8"], [0.5, 1.0, 7.0, 3.0])
    assert person == pytest.approx(expected, abs=1e-4)
    found = index.scores(["i5", "i2", "i8"], {"i0"}, [0.5, 1.0, 3.0])
    assert set(found) == set(IDS) - {"i0", "i2", "i5", "i8"}
    for item_id, fit in found.items():
        assert fit == pytest.approx(float(model.item_factors[IDS.index(item_id)] @ expected), abs=1e-4)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_negative_weight_is_a_dislike():
    wanted = sparse.csr_matrix(strengths(30))
    index = AlsIndex.from_matrix(IDS, wanted, factors=6, alpha=10.0, regularization=2.0)
    row = np.zeros((1, 12), np.float32)
    row[0, [2, 5]] = 1.0, -0.8
    expected = trained(wanted, 10.0, 2.0).recalculate_user(0, sparse.csr_matrix(row))
    assert index.person(["i2", "i5"], [1.0, -0.8]) == pytest.approx(expected, abs=1e-4)


def test_als_scores_the_best_alone(monkeypatch):
    index = AlsIndex.from_matrix(IDS, sparse.csr_matrix(strengths(30)), factors=6)
    whole = index.scores(["i1"])
    monkeypatch.setattr(latent, "ALS_BEST", 4)
    assert list(index.scores(["i1"]).items()) == list(whole.items())[:4]


def test_people_are_solved_without_the_package_that_trains(tmp_path):
    AlsIndex.from_matrix(IDS, sparse.csr_matrix(strengths(30)), factors=6).save(tmp_path)
    code = (
        "import sys; sys.modules['implicit'] = None\n"
        "from pathlib import Path\nfrom retrieval.latent import AlsIndex\n"
        f"assert len(AlsIndex.load(Path({str(tmp_path)!r})).scores(['i1'])) == 11\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


# -- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [EaseIndex, AlsIndex])
def test_the_same_log_gives_the_same_index_and_a_file_the_same_scores(kind, tmp_path):
    wanted = strengths(30)
    wanted[:, 4] = 0  # an item without events
    one, other = kind.build(IDS, Strengths(wanted)), kind.build(IDS, Strengths(wanted))
    assert len(one) == 11
    one.save(tmp_path / "index")
    loaded = kind.load(tmp_path / "index")
    assert type(loaded) is kind
    for liked, weights in ((["i1"], None), (["i2", "i9", "i4"], [0.3, 1.0, 1.0])):
        assert one.scores(liked, {"i0"}, weights)
        assert one.scores(liked, {"i0"}, weights) == other.scores(liked, {"i0"}, weights)
        assert one.scores(liked, {"i0"}, weights) == loaded.scores(liked, {"i0"}, weights)
    assert "i4" not in one.scores(["i1"])


@pytest.mark.parametrize("kind", [EaseIndex, AlsIndex, ItemItemIndex])
def test_unknown_items_say_nothing(kind):
    index = kind.from_matrix(IDS, sparse.csr_matrix(strengths(30)))
    assert index.scores([]) == index.scores(["nowhere"]) == index.scores(["nowhere"], {"i1"}, [1.0]) == {}
    assert index.scores(["i1", "nowhere"]) == index.scores(["i1"])
    assert index.scores(["i1", "i1"], (), [9.0, 1.0]) == index.scores(["i1"])
    with pytest.raises(ValueError, match="zip"):
        index.scores(["i1"], (), [1.0, 2.0])


@pytest.mark.parametrize("kind", [EaseIndex, AlsIndex])
def test_nothing_to_learn_from(kind, tmp_path):
    for log in (InteractionLog(tmp_path / "nowhere"), Strengths(np.zeros((2, 12)))):
        index = kind.build(IDS, log)
        index.save(tmp_path / "index")
        assert len(kind.load(tmp_path / "index")) == 0
        assert kind.load(tmp_path / "index").scores(["i1"]) == {}
    one = kind.from_matrix(["a"], sparse.csr_matrix(np.ones((3, 1), np.float32)))
    assert one.scores(["a"]) == {}
