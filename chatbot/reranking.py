"""The model's vote over the first candidates: forward passes over one-token labels, blended into their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chatbot.llm.base import LanguageModel, Prompt
from chatbot.types import Request
from chatbot.vote_fusion import VoteFusion, features_of
from prompts import load_phrases, load_template
from retrieval.domain import Domain
from retrieval.fusion import RRF_K, ranking
from retrieval.types import Candidate, ChannelScore, Item

LABELS = "ABCDEFGHIJ"
CHANNEL = "vote"
MAX_WISH = 300  # characters of the message that the ballot repeats


@dataclass(frozen=True, slots=True)
class Poll:
    """How the model is asked.

    Attributes:
        weight: of the vote in the reciprocal rank fusion; 0, and no ``fusion``: it is not asked.
        orders: in how many orders it is asked, one or two (the reverse): each is a forward pass.
        fusion: weights learned for the catalogue, which take the place of ``weight``.
        calibrated: whether what the model says of the same ballot without a wish is taken away: its liking for a letter, and
            for well-known items (contextual calibration: Zhao et al., ICML 2021).
    """

    weight: float = 0.0
    orders: int = 1
    calibrated: bool = False
    fusion: VoteFusion | None = None

    @property
    def asks(self) -> bool:
        """Whether the model is asked at all."""
        return self.weight > 0 or self.fusion is not None


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


def vote_prompt(
    request: Request,
    candidates: Sequence[Candidate],
    domain: Domain,
    liked: str,
    wish: str = "",
    line: Callable[[Item, Domain, Request], str] = ballot_line,
) -> Prompt:
    """Write the question: the candidates with their letters, then the wish, so that another wish reuses the ballot."""
    lines = (f"{label}) {line(c.item, domain, request)}" for label, c in zip(LABELS, candidates, strict=False))
    parts = load_template("vote", request.language).render(
        noun=domain.noun[request.language].one, ballot="\n".join(lines), wish=wish or request.text[:MAX_WISH], liked=liked
    )
    return Prompt(parts["system"], parts["user"])


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said of one order of the candidates: item id -> log-probability, and without a wish where it was asked."""

    scores: Mapping[str, float]
    prior: Mapping[str, float] = field(default_factory=dict[str, float])


def ask(
    model: LanguageModel, request: Request, candidates: Sequence[Candidate], domain: Domain, poll: Poll, liked: str = ""
) -> list[Answer]:
    """Ask the model for its vote in every order of a poll.

    Raises:
        EngineError: the model failed.
    """
    labels = LABELS[: len(candidates)]

    def scores(order: Sequence[Candidate], liked: str, wish: str = "") -> dict[str, float]:
        found = model.score(vote_prompt(request, order, domain, liked, wish), labels)
        return {candidate.item.id: found[label] for label, candidate in zip(labels, order, strict=True)}

    anything = load_phrases(request.language).say("any_wish")
    orders = [list(candidates), list(candidates)[::-1]][: poll.orders]
    return [Answer(scores(o, liked), scores(o, "", anything) if poll.calibrated else {}) for o in orders]


def tally(answers: Sequence[Answer]) -> dict[str, float]:
    """Return item id -> mean over the orders of its log-probability, less the one without a wish."""
    return {
        item: sum(answer.scores[item] - answer.prior.get(item, 0.0) for answer in answers) / len(answers)
        for item in answers[0].scores
    }


def rerank(
    model: LanguageModel, request: Request, candidates: Sequence[Candidate], domain: Domain, poll: Poll, *, liked: str = ""
) -> tuple[Candidate, ...]:
    """Blend the model's vote over the first ten candidates into their order.

    The vote is the channel ``vote`` (score: see :func:`tally`) of the same reciprocal rank fusion as the others. Candidates
    behind the tenth keep their order behind the voted ones.

    Raises:
        EngineError: the model failed.
    """
    voted, rest = list(candidates[: len(LABELS)]), candidates[len(LABELS) :]
    if len(voted) < 2 or not poll.asks:
        return tuple(candidates)
    votes = ranking(tally(ask(model, request, voted, domain, poll, liked)))
    ordered = fuse(voted, votes, poll.fusion) if poll.fusion else blend(voted, votes, poll.weight)
    return (*ordered, *rest)


def fuse(candidates: Sequence[Candidate], votes: Mapping[str, ChannelScore], fusion: VoteFusion) -> list[Candidate]:
    """Order the candidates by learned weights; their scores are those of their places."""
    scores: list[float] = fusion.scores(features_of(candidates, votes)).tolist()
    order = sorted(range(len(candidates)), key=lambda n: (-scores[n], n))
    return [
        replace(c, score=1 / (RRF_K + rank), channels={**c.channels, CHANNEL: votes[c.item.id]})
        for rank, c in enumerate((candidates[n] for n in order), 1)
    ]


def blend(candidates: Sequence[Candidate], votes: Mapping[str, ChannelScore], weight: float) -> list[Candidate]:
    """Add the vote to the candidates' scores and order them anew; the records say what it added."""
    blended = [
        replace(c, score=c.score + weight / (RRF_K + votes[c.item.id].rank), channels={**c.channels, CHANNEL: votes[c.item.id]})
        for c in candidates
    ]
    return sorted(blended, key=lambda c: (-c.score, c.item.id))
