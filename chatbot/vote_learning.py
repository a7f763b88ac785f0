"""Weighs the model's vote on moments that the order was not learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from chatbot.learning import Moments
from chatbot.llm.base import LanguageModel
from chatbot.reranking import LABELS, Poll, ask, tally
from chatbot.tuning.ballots import FOLDS, SPLIT, liked_of, request_of
from chatbot.vote_fusion import Case, VoteFusion, features_of, learn
from retrieval.errors import TrainingError
from retrieval.fusion import ranking
from retrieval.retriever import Retriever
from retrieval.training import Example, Trainer, fold_of
from retrieval.types import Candidate

LEAST = 20  # ballots: fewer say nothing


def weigh_vote(
    moments: Moments,
    model: LanguageModel,
    count: int,
    progress: Callable[[str, float], None] = lambda _stage, _fraction: None,
) -> VoteFusion:
    """Ask the model about held-out moments whose right item is among the first ten, and learn what its vote weighs.

    Args:
        moments: what there is to learn from.
        model: that votes.
        count: ballots at most; each is a forward pass.
        progress: told the stage and its fraction.

    Raises:
        TrainingError: too few moments have their right item among the first ten.
        EngineError: the model failed.
    """
    held = [e for e in moments.examples if fold_of(e.group, FOLDS, SPLIT) == 0 and e.ranked]  # no adapter has seen them either
    rest = [e for e in moments.examples if fold_of(e.group, FOLDS, SPLIT) != 0]
    learned = Trainer(moments.index, moments.wanted, progress).train(rest)
    retriever = Retriever(replace(moments.index, learned=learned))
    cases: list[Case] = []
    for example in held:
        if len(cases) >= count:
            break
        if case := _case(example, retriever, model):
            cases.append(case)
            progress("vote", len(cases) / count)
    if len(cases) < LEAST:
        raise TrainingError(
            f"The vote can be weighed on {len(cases)} moments, and {LEAST} are needed: import more dialogues "
            "(python app.py import-dialogues FILE), or leave the vote off."
        )
    return learn(cases)


def _case(example: Example, retriever: Retriever, model: LanguageModel) -> Case | None:
    found: Sequence[Candidate] = retriever.retrieve(replace(example.query, k=len(LABELS))).candidates
    grades = tuple(int(c.item.id in example.targets) for c in found)
    if len(set(grades)) < 2:
        return None
    request, liked = request_of(example.query), liked_of(example, retriever)
    answers = ask(model, request, found, retriever.index.domain, Poll(), liked)  # as a reply asks
    return Case(features_of(found, ranking(tally(answers))), grades)
