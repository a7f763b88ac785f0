"""Weighing the vote on moments: asked where the right item is among the first ten, never without enough of them."""

from __future__ import annotations

import pytest

from chatbot.learning import Moments
from chatbot.llm.scripted import ScriptedModel
from chatbot.tuning.ballots import FOLDS, SPLIT
from chatbot.vote_learning import LEAST, weigh_vote
from retrieval.errors import TrainingError
from retrieval.retriever import Retriever
from retrieval.training import Example, fold_of
from retrieval.types import Query


@pytest.fixture(scope="module")
def moments(movies):
    """Moments whose right item is the fifth that retrieval finds."""
    examples = []
    for n, item in enumerate(list(movies.items.values())[:400]):
        query = Query(text=item.title("en"), language="en", liked=(item.id,), exclude=frozenset({item.id}))
        found = Retriever(movies).retrieve(query).candidates
        if len(found) > 4:
            examples.append(Example(f"talk-{n}", query, (found[4].item.id,)))
    return Moments(examples, "dialogues", movies, None)


def test_a_vote_that_says_nothing_weighs_nothing(moments):
    asked = []

    def votes(prompt, labels):
        asked.append(prompt)
        return [0.0 for _ in labels]

    fusion = weigh_vote(moments, ScriptedModel(votes=votes), 24)
    assert fusion.cases == len(asked) == 24
    assert not fusion.helps


def test_too_few_moments_are_an_error_that_says_what_to_import(moments):
    few = Moments([e for e in moments.examples if fold_of(e.group, FOLDS, SPLIT)][:40], "dialogues", moments.index, None)
    with pytest.raises(TrainingError, match=rf"0 moments, and {LEAST} are needed.*import-dialogues"):
        weigh_vote(few, ScriptedModel(), 24)
