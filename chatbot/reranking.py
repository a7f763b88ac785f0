"""The model's vote over the first candidates: one forward pass over one-token labels, blended as one more channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chatbot.llm.base import LanguageModel, Prompt
from chatbot.types import Request
from prompts import load_template
from retrieval.domain import Domain
from retrieval.fusion import RRF_K, ranking
from retrieval.types import Candidate, Item

LABELS = "ABCDEFGHIJ"
CHANNEL = "vote"


def ballot_line(item: Item, domain: Domain, request: Request) -> str:
    """Write an item in as few words as a vote needs: its title, one value of a hard ballot facet and two of a soft one.

    Values that the person wished for come first. On a CPU every token of the ten lines is waited for.
    """
    language = request.language
    wished = {(wish.field, wish.value) for wish in request.wishes}
    words: list[str] = []
    for name in domain.ballot:
        pairs = list(zip(item.values(name), item.label(name, language), strict=False))
        pairs.sort(key=lambda pair: (name, pair[0]) not in wished)
        words += [label for _, label in pairs[: 1 if domain.facets[name].match == "hard" else 2]]
    return f"{item.title(language)}: {('、' if language == 'zh' else ', ').join(words)}"


def vote_prompt(request: Request, candidates: Sequence[Candidate], domain: Domain, liked: str) -> Prompt:
    """Write the question: the candidates with their letters, then the wish."""
    lines = (f"{label}) {ballot_line(c.item, domain, request)}" for label, c in zip(LABELS, candidates, strict=False))
    parts = load_template("vote", request.language).render(
        noun=domain.noun[request.language].one, ballot="\n".join(lines), wish=request.text[:300], liked=liked
    )
    return Prompt(parts["system"], parts["user"])


def rerank(
    model: LanguageModel, request: Request, candidates: Sequence[Candidate], domain: Domain, *, weight: float, liked: str = ""
) -> tuple[Candidate, ...]:
    """Blend the model's vote over the first ten candidates into their order.

    The vote is the channel ``vote`` (score: log-probability of the label at the answer position) of the same reciprocal rank
    fusion as the others, with ``weight``. Candidates behind the tenth keep their order behind the voted ones.

    Raises:
        EngineError: the model failed.
    """
    voted, rest = list(candidates[: len(LABELS)]), candidates[len(LABELS) :]
    if len(voted) < 2 or weight == 0:
        return tuple(candidates)
    labels = LABELS[: len(voted)]
    scores = model.score(vote_prompt(request, voted, domain, liked), labels)
    votes = ranking({c.item.id: scores[label] for label, c in zip(labels, voted, strict=True)})
    blended = [
        replace(c, score=c.score + weight / (RRF_K + votes[c.item.id].rank), channels={**c.channels, CHANNEL: votes[c.item.id]})
        for c in voted
    ]
    return (*sorted(blended, key=lambda c: (-c.score, c.item.id)), *rest)
