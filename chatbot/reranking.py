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


def ballot_line(item: Item, domain: Domain, language: str) -> str:
    """Write an item in as few words as a vote needs: title, year and the domain's ballot facets, two values each."""
    gap = "、" if language == "zh" else ", "
    facets = [gap.join(item.label(name, language)[:2]) for name in domain.ballot]
    return f"{item.title(language)}: {gap.join(text for text in facets if text)}"


def vote_prompt(request: Request, candidates: Sequence[Candidate], domain: Domain, liked: str) -> Prompt:
    """Write the question: the candidates with their letters, then the wish."""
    lines = (f"{label}) {ballot_line(c.item, domain, request.language)}" for label, c in zip(LABELS, candidates, strict=False))
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
