"""What the model's vote weighs: learned where it tells right from wrong, nothing where it does not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from chatbot.llm.scripted import ScriptedModel
from chatbot.reranking import CHANNEL, Poll, rerank
from chatbot.types import Request
from chatbot.vote_fusion import Case, VoteFusion, features_of, learn
from retrieval.fusion import RRF_K, ranking
from retrieval.metrics import ndcg
from retrieval.types import Candidate


@pytest.fixture(scope="module")
def candidates(movies):
    return [Candidate(item, 1 / (RRF_K + n)) for n, item in enumerate(list(movies.items.values())[:6], 1)]


def cases(candidates, *, informed, count=60):
    """Ballots whose right answer is anywhere; the vote knows it, or is chance."""
    chance = random.Random(1)
    found = []
    for _ in range(count):
        right = chance.randrange(len(candidates))
        votes = {c.item.id: chance.gauss(3.0 if informed and n == right else 0.0, 1.0) for n, c in enumerate(candidates)}
        grades = tuple(int(n == right) for n in range(len(candidates)))
        found.append(Case(features_of(candidates, ranking(votes)), grades))
    return found


def test_a_vote_that_knows_better_is_used(candidates):
    fusion = learn(cases(candidates, informed=True))
    assert fusion.helps
    assert 0 < fusion.ci95 < fusion.gain
    assert fusion.before + fusion.gain > 0.8


def test_a_vote_by_chance_is_not_used(candidates):
    assert not learn(cases(candidates, informed=False)).helps


def test_a_right_order_stays_as_it_is(candidates):
    grades = (1, 0, 0, 0, 0, 0)
    told = [Case(case.features, grades) for case in cases(candidates, informed=False)]
    fusion = learn(told)
    assert fusion.before == 1.0
    assert fusion.gain == pytest.approx(0.0, abs=0.02)
    assert not fusion.helps


def test_ballots_without_better_and_worse_say_nothing(candidates):
    flat = [Case(case.features, (1,) * 6) for case in cases(candidates, informed=True)]
    with pytest.raises(ValueError, match="two ballots"):
        learn(flat)


@pytest.mark.parametrize(
    ("grades", "value"),
    [((2, 1, 0), 1.0), ((0, 0), 0.0), ((0, 1), 1 / np.log2(3)), ((0, 2, 1), (3 / np.log2(3) + 0.5) / (3 + 1 / np.log2(3)))],
)
def test_ndcg_by_hand(grades, value):
    assert ndcg(grades) == pytest.approx(value)


def test_features_by_hand(candidates):
    votes = ranking({candidates[0].item.id: -3.0, candidates[1].item.id: -1.0})
    found = features_of(candidates[:2], votes)
    assert found[:, 0] == pytest.approx([10.0, 10 * 61 / 62])
    assert found[:, 1] == pytest.approx([10 * 61 / 62, 10.0])
    assert found[:, 2] == pytest.approx([-1.0, 1.0])
    assert found[:, 3] == pytest.approx([-2.0, 0.0])


def test_what_was_learned_is_kept_and_orders(movies, candidates, tmp_path):
    fusion = learn(cases(candidates, informed=True))
    assert VoteFusion.load(tmp_path) is None
    fusion.save(tmp_path)
    assert VoteFusion.load(tmp_path) == fusion
    model = ScriptedModel(votes=lambda prompt, labels: [9.0 if label == "E" else 0.0 for label in labels])
    request = Request("recommend", "en", "x", "x")
    ordered = rerank(model, request, candidates, movies.domain, Poll(0.0, fusion=fusion))
    assert ordered[0].item.id == candidates[4].item.id
    assert sorted(c.item.id for c in ordered) == sorted(c.item.id for c in candidates)
    assert all(CHANNEL in c.channels for c in ordered)
    assert [c.score for c in ordered] == sorted((c.score for c in ordered), reverse=True)
