"""The list of a turn: how adventurous it is, what is chosen for it, what the model's vote moves, and what may follow it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatbot.answers import Speaker
from chatbot.draft import Draft
from chatbot.explaining import recommendations
from chatbot.lexicon import Lexicon
from chatbot.llm.base import LanguageModel
from chatbot.reranking import Poll, rerank
from chatbot.suggesting import suggest
from chatbot.types import MAX_COUNT, Request
from retrieval.calibration import shares
from retrieval.errors import EngineError, SettingsError
from retrieval.index import CatalogIndex
from retrieval.retriever import Retriever
from retrieval.types import Candidate, Query, Retrieval

logger = logging.getLogger(__name__)
WIDE = 30  # candidates where one place may leave the usual kinds
FAMILIAR, ADVENTUROUS = 0.95, 0.45  # relevance against novelty in a list, at both ends of "how adventurous"
ROAMS = 0.5  # from which "how adventurous" one place leaves the usual kinds
USUAL = 0.1  # share of what is liked from which a kind is usual


def check_list(count: int | None, explore: float | None) -> None:
    """Check the settings of a list.

    Raises:
        SettingsError: ``count`` is not in 1..10, or ``explore`` not in [0, 1].
    """
    if count is not None and not 1 <= count <= MAX_COUNT:
        message = f"A list has 1 to {MAX_COUNT} items, not {count}."
        raise SettingsError(message, key="error_count", count=count, limit=MAX_COUNT)
    if explore is not None and not 0 <= explore <= 1:
        message = f"How adventurous a list is lies between 0 and 1, not at {explore}."
        raise SettingsError(message, key="error_explore", explore=explore)


def trade_off(explore: float) -> float:
    """Return what relevance weighs against novelty in a list (maximal marginal relevance) that is so adventurous, in [0, 1]."""
    return FAMILIAR + (ADVENTUROUS - FAMILIAR) * explore


def roams(query: Query, request: Request, explore: float | None) -> bool:
    """Whether one place of the list may leave the person's usual kinds: nothing is asked, and there are kinds to leave."""
    return explore is not None and explore >= ROAMS and bool(query.liked) and not (query.asks or request.liked)


def with_outsider(
    chosen: Sequence[Candidate], candidates: Sequence[Candidate], query: Query, index: CatalogIndex
) -> list[Candidate]:
    """Give the last place to the best candidate of no usual kind, unless the list has one or would have nothing else.

    A kind is usual when it makes up :data:`USUAL` of what the person likes. What is unlike the profile and still ranks well is
    what a surprise is measured by (Kaminskas and Bridge, "Diversity, serendipity, novelty, and coverage", ACM TiiS 7(1), 2016).
    """
    facet = index.domain.kind_facet
    if facet is None or len(chosen) < 2:
        return list(chosen)
    liked = shares([index.items[i].values(facet) for i in query.liked if i in index.items])

    def outside(candidate: Candidate) -> bool:
        kinds = candidate.item.values(facet)
        return bool(kinds) and all(liked.get(kind, 0.0) < USUAL for kind in kinds)

    taken = {c.item.id for c in chosen}
    best = max((c for c in candidates if outside(c) and c.item.id not in taken), key=lambda c: c.score, default=None)
    if best is None or any(outside(c) for c in chosen):
        return list(chosen)
    return [*chosen[:-1], best]


@dataclass(frozen=True, slots=True)
class Lister:
    """Makes the lists of one catalogue. Holds no state of a conversation.

    Attributes:
        index: of the catalogue.
        retriever: finds candidates, with the usual trade-off.
        speaker: of the catalogue's words.
        lexicon: that reads messages.
        model: votes.
        poll: how it is asked.
    """

    index: CatalogIndex
    retriever: Retriever
    speaker: Speaker
    lexicon: Lexicon
    model: LanguageModel
    poll: Poll

    def find(self, draft: Draft) -> Retrieval:
        """Return candidates for a draft."""
        wide = roams(draft.query, draft.request, draft.explore)
        return self._retriever(draft).retrieve(replace(draft.query, k=WIDE) if wide else draft.query)

    def put(self, draft: Draft, chosen: Sequence[Candidate]) -> None:
        """Put candidates into a draft as its items."""
        if roams(draft.query, draft.request, draft.explore):
            chosen = with_outsider(chosen, draft.candidates, draft.query, self.index)
        demands, language = draft.query.constraints, draft.request.language
        draft.items = recommendations(chosen, demands, self.index.domain, self.speaker, language, draft.before)

    def vote(self, draft: Draft, count: int) -> None:
        """Let the model vote on the candidates of a draft, and choose its items anew; they stay where it fails."""
        before = draft.clock()
        request = draft.request
        try:
            named = self.speaker.titles((i for i in request.liked if i not in request.named), request.language)
            liked = named or draft.query.portrait
            ordered = rerank(self.model, request, draft.candidates, self.index.domain, self.poll, liked=liked)
            draft.before = {c.item.id: place for place, c in enumerate(draft.candidates, 1)}
            draft.candidates = ordered
            self.put(draft, self._retriever(draft).choose(ordered, draft.query, count))
        except EngineError as error:
            logger.warning("no vote: %s", error)
            draft.notes.append(f"no vote: {error}")
        draft.timings["rerank"] = draft.clock() - before

    def suggestions(self, draft: Draft) -> tuple[str, ...]:
        """Return what could be said next; a list that is all that was wanted, and a question, need nothing."""
        if draft.items_only or draft.question:
            return ()
        shown = [recommendation.item for recommendation in draft.items]
        return suggest(draft.request, shown, draft.candidates, self.index.domain, self.speaker, self.lexicon)

    def _retriever(self, draft: Draft) -> Retriever:
        explore = draft.explore
        return self.retriever if explore is None else replace(self.retriever, trade_off=trade_off(explore))
