"""Ballots with a right answer: moments of conversations as votes among what our own retriever finds for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chatbot.llm.base import Prompt
from chatbot.reranking import LABELS, vote_prompt
from chatbot.types import Request
from retrieval.domain import Domain
from retrieval.retriever import Retriever
from retrieval.training import Example, fold_of
from retrieval.types import Candidate, Item, Query

PLACES = len(LABELS)
POOL = 50  # first candidates of the retriever, among which the right item is looked for
LIKED = 3  # latest liked items that a ballot names
FOLDS, SPLIT = 5, "vote"  # one is held out: the same moments that train-ranker --vote weighs the vote on


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote whose right answer is known.

    Attributes:
        group: of the conversation: ballots of one group are never in training and in test.
        request: what is wished for.
        items: two to ten, the right one among them once.
        answer: place of the right one, from 0.
        liked: titles of what is liked, in words.
    """

    group: str
    request: Request
    items: tuple[Item, ...]
    answer: int
    liked: str = ""

    def shuffled(self, *seed: int) -> Ballot:
        """Return the ballot with its items in an order by chance, so that a label says nothing about the answer."""
        order: list[int] = np.random.default_rng(seed).permutation(len(self.items)).tolist()
        return replace(self, items=tuple(self.items[n] for n in order), answer=order.index(self.answer))

    def prompt(self, domain: Domain) -> Prompt:
        """Write the question as the vote asks it."""
        return vote_prompt(self.request, [Candidate(item, 0.0) for item in self.items], domain, self.liked)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Ballots, and of how many right items they are those that the retriever found."""

    ballots: tuple[Ballot, ...]
    targets: int


def gather(
    examples: Sequence[Example],
    retriever: Retriever,
    *,
    limit: int | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _done: None,
) -> Gathered:
    """Make a ballot of every right item that the retriever finds among its first :data:`POOL` candidates.

    The others of a ballot are those that the retriever puts beside it. An item that it does not find would be told by being
    the odd one out, which teaches nothing that the vote could use: what it votes on was found. Other right items of the same
    moment are left out.

    Args:
        examples: those that teach an order are used, in an order by chance.
        retriever: of the catalogue.
        limit: at most so many ballots; None: all.
        seed: of what is chosen by chance.
        progress: told how much is done, 0..1.
    """
    index = retriever.index
    usable = [(n, e) for n, e in enumerate(examples) if e.ranked and any(target in index.items for target in e.targets)]
    found: list[Ballot] = []
    looked = 0
    order: list[int] = np.random.default_rng(seed).permutation(len(usable)).tolist()
    for n, example in (usable[k] for k in order):
        targets = [target for target in dict.fromkeys(example.targets) if target in index.items]
        ranked = [c.item.id for c in retriever.retrieve(replace(example.query, k=POOL)).candidates]
        for target in targets:
            if limit is not None and len(found) >= limit:
                return Gathered(tuple(found), looked)
            looked += 1
            names = around([i for i in ranked if i == target or i not in targets], target, seed, n)
            if len(names) > 1:
                items = tuple(index.items[i] for i in names)
                found.append(
                    Ballot(example.group, request_of(example.query), items, names.index(target), liked_of(example, retriever))
                )
        progress(len(found) / limit if limit else looked / sum(len(e.targets) for _, e in usable))
    return Gathered(tuple(found), looked)


def around(ranked: Sequence[str], target: str, *seed: int) -> list[str]:
    """Return ten consecutive ids that hold the target: the first ten, or where it is later, ten by chance.

    Args:
        ranked: ids, best first, each once.
        target: one of them; else nothing is returned.
        seed: of the choice.
    """
    if target not in ranked:
        return []
    place = ranked.index(target)
    if place < PLACES:
        return list(ranked[:PLACES])
    start = place - int(np.random.default_rng(seed).integers(PLACES))
    start = min(start, len(ranked) - PLACES)
    return list(ranked[start : start + PLACES])


def request_of(query: Query) -> Request:
    """Return the request whose wish a query looks for."""
    text = query.text or "?"
    language = "zh" if query.language == "zh" else "en"
    return Request("recommend", language, text, query.text, wishes=query.wishes, liked=query.liked, context=query.context)


def liked_of(example: Example, retriever: Retriever) -> str:
    """List the titles of the latest liked items."""
    query, items = example.query, retriever.index.items
    known = [items[i].title(query.language) for i in query.liked if i in items]
    return ("、" if query.language == "zh" else ", ").join(known[-LIKED:])


def hold_out(ballots: Sequence[Ballot], folds: int = FOLDS) -> tuple[list[Ballot], list[Ballot]]:
    """Return (training, held out), by the conversation: none is in both."""
    parts: tuple[list[Ballot], list[Ballot]] = ([], [])
    for ballot in ballots:
        parts[fold_of(ballot.group, folds, SPLIT) == 0].append(ballot)
    return parts
