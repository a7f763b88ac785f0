"""The model's vote: what it reads, how it is blended, and when it is not asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.llm.scripted import ScriptedModel
from chatbot.reranking import CHANNEL, LABELS, Poll, ask, ballot_line, rerank, tally, vote_prompt
from chatbot.types import Request
from retrieval.errors import EngineError
from retrieval.fusion import RRF_K
from retrieval.types import Candidate, ChannelScore, Wish

REQUEST = Request("recommend", "en", "something quiet in space", "something quiet in space")


@pytest.fixture(scope="module")
def candidates(movies):
    """Twelve candidates, close in score."""
    items = list(movies.items.values())[:12]
    return [Candidate(item, 1 - n / 1000, {"dense": ChannelScore(n + 1, 0.5)}) for n, item in enumerate(items)]


class Counting(ScriptedModel):
    """Counts how often it is asked."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.scored: list[tuple] = []

    def score(self, prompt, labels):
        self.scored.append((prompt, tuple(labels)))
        return super().score(prompt, labels)


def favour(label):
    return lambda prompt, labels: [5.0 if each == label else 0.0 for each in labels]


def tally_of(model, request, candidates, domain, poll):
    return tally(ask(model, request, candidates, domain, poll))


def ids(candidates):
    return [c.item.id for c in candidates]


def test_the_vote_moves_its_favourite_up(movies, candidates):
    ordered = rerank(ScriptedModel(votes=favour("E")), REQUEST, candidates, movies.domain, Poll(5.0))
    assert ordered[0].item.id == candidates[4].item.id
    assert sorted(ids(ordered)) == sorted(ids(candidates))


def test_a_small_weight_keeps_what_retrieval_is_sure_of(movies, candidates):
    sure = [Candidate(candidates[0].item, 9.0), *candidates[1:]]
    ordered = rerank(ScriptedModel(votes=favour("E")), REQUEST, sure, movies.domain, Poll(0.5))
    assert ordered[0].item.id == sure[0].item.id


def test_each_voted_candidate_gains_weight_over_k_plus_rank_and_shows_its_tally_of(movies, candidates):
    ordered = rerank(ScriptedModel(votes=favour("C")), REQUEST, candidates, movies.domain, Poll(0.7))
    before = {c.item.id: c for c in candidates}
    voted = [c for c in ordered if CHANNEL in c.channels]
    assert len(voted) == len(LABELS)
    assert sorted(c.channels[CHANNEL].rank for c in voted) == list(range(1, 11))
    for c in voted:
        assert c.score == pytest.approx(before[c.item.id].score + 0.7 / (RRF_K + c.channels[CHANNEL].rank))
        assert c.channels[CHANNEL].score <= 0
        assert c.channels["dense"] == before[c.item.id].channels["dense"]
    assert next(c for c in voted if c.channels[CHANNEL].rank == 1).item.id == candidates[2].item.id


def test_those_behind_the_tenth_keep_their_order_behind_the_voted(movies, candidates):
    ordered = rerank(ScriptedModel(votes=favour("J")), REQUEST, candidates, movies.domain, Poll(100.0))
    assert list(ordered[10:]) == candidates[10:]


@pytest.mark.parametrize(("count", "weight"), [(0, 1.0), (1, 1.0), (12, 0.0)])
def test_the_model_is_not_asked_where_nothing_can_change(movies, candidates, count, weight):
    model = Counting()
    assert rerank(model, REQUEST, candidates[:count], movies.domain, Poll(weight)) == tuple(candidates[:count])
    assert model.scored == []


@pytest.mark.parametrize("count", [2, 3, 10, 12])
def test_one_question_with_one_label_a_candidate(movies, candidates, count):
    model = Counting()
    rerank(model, REQUEST, candidates[:count], movies.domain, Poll(1.0))
    [(prompt, labels)] = model.scored
    assert "".join(labels) == LABELS[: min(count, 10)]
    lines = [line for line in prompt.user.splitlines() if line[1:3] == ") "]
    assert [line[0] for line in lines] == list(labels)
    assert all(c.item.title("en") in line for c, line in zip(candidates, lines, strict=False))


def test_a_model_that_fails_is_not_hidden(movies, candidates):
    class Broken(ScriptedModel):
        def score(self, prompt, labels):
            raise EngineError("out of memory")

    with pytest.raises(EngineError, match="out of memory"):
        rerank(Broken(), REQUEST, candidates, movies.domain, Poll(1.0))


def test_the_order_of_equal_votes_does_not_depend_on_the_run(movies, candidates):
    flat = ScriptedModel(votes=lambda prompt, labels: [0.0] * len(labels))
    even = [Candidate(c.item, 1.0) for c in candidates]
    assert ids(rerank(flat, REQUEST, even, movies.domain, Poll(1.0))) == ids(
        rerank(flat, REQUEST, even, movies.domain, Poll(1.0))
    )


@given(st.lists(st.floats(-20, 20), min_size=10, max_size=10), st.floats(0, 10))
def test_a_vote_never_loses_or_doubles_a_candidate(movies_candidates, votes, weight):
    movies, candidates = movies_candidates
    model = ScriptedModel(votes=lambda prompt, labels: votes[: len(labels)])
    ordered = rerank(model, REQUEST, candidates, movies.domain, Poll(weight))
    assert sorted(ids(ordered)) == sorted(ids(candidates))
    scores = [c.score for c in ordered[:10]]
    assert scores == sorted(scores, reverse=True)


@pytest.fixture(scope="module")
def movies_candidates(movies, candidates):
    class Pair(tuple):
        __slots__ = ()

        def __repr__(self):
            return "movies, candidates"

    return Pair((movies, candidates))


# -- what the model reads --------------------------------------------------------------------------------------------


def test_a_ballot_line_is_short_and_in_the_language_of_the_request(movies):
    item = movies.items["moon-2009"]
    english = ballot_line(item, movies.domain, REQUEST)
    assert english.startswith("Moon: ")
    assert len(english.split(": ")[1].split(", ")) <= 5
    chinese = ballot_line(item, movies.domain, Request("recommend", "zh", "安静的"))
    assert chinese.startswith("月球: ")
    assert "、" in chinese
    assert "Moon" not in chinese


def test_wished_values_come_first_on_a_ballot_line(movies):
    item = movies.items["moon-2009"]
    assert "thoughtful" not in ballot_line(item, movies.domain, REQUEST)
    wished = Request("recommend", "en", "x", wishes=(Wish("moods", "thoughtful"),))
    assert "thoughtful" in ballot_line(item, movies.domain, wished)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_question_holds_the_wish_and_what_they_like_cut_to_a_bearable_length(movies, candidates, language):
    request = Request("recommend", language, "w" * 2000)
    prompt = vote_prompt(request, candidates[:3], movies.domain, "Solaris")
    assert "w" * 300 in prompt.user
    assert "w" * 301 not in prompt.user
    assert "Solaris" in prompt.user
    assert "Solaris" not in vote_prompt(request, candidates[:3], movies.domain, "").user
    assert prompt.system
    assert prompt.prefix == ""


# -- how it is asked -------------------------------------------------------------------------------------------------


def test_two_orders_put_every_candidate_at_two_places_and_average(movies, candidates):
    model = Counting(votes=favour("A"))
    votes = tally_of(model, REQUEST, candidates[:4], movies.domain, Poll(orders=2))
    first, second = (prompt.user for prompt, _ in model.scored)
    titles = [c.item.title("en") for c in candidates[:4]]
    assert first.index(titles[0]) < first.index(titles[3])
    assert second.index(titles[0]) > second.index(titles[3])
    assert votes[candidates[0].item.id] == votes[candidates[3].item.id] > votes[candidates[1].item.id]


@pytest.mark.parametrize("orders", [1, 2])
def test_no_two_orders_are_alike(movies, candidates, orders):
    model = Counting()
    tally_of(model, REQUEST, candidates[:10], movies.domain, Poll(orders=orders))
    assert len({prompt.user for prompt, _ in model.scored}) == orders


def test_a_liking_for_a_letter_is_taken_away_by_calibration(movies, candidates):
    """The model likes B whatever is asked, and C for this wish: calibrated, C is first."""

    def votes(prompt, labels):
        wished = REQUEST.text in prompt.user
        return [4.0 if label == "B" else 1.0 if label == "C" and wished else 0.0 for label in labels]

    raw = tally_of(ScriptedModel(votes=votes), REQUEST, candidates[:4], movies.domain, Poll())
    calibrated = tally_of(ScriptedModel(votes=votes), REQUEST, candidates[:4], movies.domain, Poll(calibrated=True))
    assert max(raw, key=raw.__getitem__) == candidates[1].item.id
    assert max(calibrated, key=calibrated.__getitem__) == candidates[2].item.id


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_question_without_a_wish_begins_like_the_one_with_it(movies, candidates, language):
    model = Counting()
    tally_of(model, Request("recommend", language, "x y z", "x y z"), candidates[:4], movies.domain, Poll(calibrated=True))
    (asked, _), (blank, _) = model.scored
    assert asked.system == blank.system
    ballot = asked.user[: asked.user.index("x y z")]
    assert blank.user.startswith(ballot)
    assert "x y z" not in blank.user
