"""One message through the rooms: understanding, policy, retrieval, re-ranking, writing. Holds injected parts alone."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from chatbot.answers import Speaker, write_title
from chatbot.grounding import Grounder
from chatbot.llm.base import LanguageModel
from chatbot.policy import decide
from chatbot.profile import build_profile
from chatbot.questions import asked_facets
from chatbot.records import turn_record
from chatbot.reranking import rerank
from chatbot.store import UserStore
from chatbot.types import (
    Cards,
    Conversation,
    Done,
    Language,
    Profile,
    Recommendation,
    Request,
    Stage,
    StoredTurn,
    Text,
    Turn,
    TurnEvent,
)
from chatbot.understanding import Understanding
from chatbot.writing import Writer
from retrieval.errors import EngineError
from retrieval.events import Event
from retrieval.index import CatalogIndex
from retrieval.retriever import Retriever
from retrieval.types import Candidate, Query

logger = logging.getLogger(__name__)
POOL = 10  # candidates that the model votes on
RECENT = 20  # likes and dislikes of a profile that count
KEEP_SHOWN = 30  # items shown in this conversation that do not come back


@dataclass
class _Draft:
    """A turn while it is made; turned into a :class:`Turn` at its end, however it ends."""

    request: Request
    started: float
    timings: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("understand", "retrieve", "rerank", "first_card", "first_token", "total"), 0.0)
    )
    items: list[Recommendation] = field(default_factory=list[Recommendation])
    candidates: tuple[Candidate, ...] = ()
    opening: str = ""
    notes: list[str] = field(default_factory=list[str])
    at: float = field(default_factory=time.time)

    def clock(self) -> float:
        return 1000 * (time.perf_counter() - self.started)


class RecommendationPipeline:
    """Answers messages about one catalogue. Conversations and profiles come in as arguments and are never kept."""

    def __init__(
        self,
        index: CatalogIndex,
        model: LanguageModel,
        store: UserStore,
        *,
        vote_weight: float = 0.5,
        count: int = 3,
        history: Callable[[str], Sequence[Event]] | None = None,
    ) -> None:
        """Wire the parts.

        Args:
            index: an open index.
            model: votes and writes.
            store: of events and conversations.
            vote_weight: weight of the model's vote beside the channels'.
            count: items a reply has unless the message says otherwise.
            history: a person's events in the imported log, oldest first; they count as older than what the store holds.
        """
        self.index, self.model, self.store = index, model, store
        self._history = history
        self._vote_weight = vote_weight
        self._retriever = Retriever(index)
        self._understanding = Understanding(index.domain, index.items, count=count)
        self._speaker = Speaker(index.domain, index.items)
        grounder = Grounder(index.domain, self._understanding.names, self._understanding.lexicon)
        self._writer = Writer(model, index.domain, index.items, grounder, self._speaker)

    def profile(self, user: str) -> Profile:
        """What a person's events say, up to this moment: first those of the imported log, then those of the store."""
        return build_profile(user, chain(self._history(user) if self._history else (), self.store.events(user)))

    def learn(self, event: Event) -> None:
        """Take in feedback: the one door back. It counts from the next turn on."""
        self.store.append(event)

    def warm_up(self) -> None:
        """Let the model read what every prompt begins with, so that the first turn does not wait for it."""
        candidates = [Candidate(item, 0.0) for item in islice(self.index.items.values(), 2)]
        for language in self.index.domain.languages:
            request = Request("recommend", "zh" if language == "zh" else "en", ".")
            rerank(self.model, request, candidates, self.index.domain, weight=1.0)
            for _ in self.model.stream(self._writer.prompt(candidates[0].item, request), max_tokens=1):
                pass

    def complete(self, message: str, conversation: Conversation, profile: Profile, *, items_only: bool = False) -> Turn:
        """Run a turn to its end and return its record; see :meth:`respond`."""
        *_, last = self.respond(message, conversation, profile, items_only=items_only)
        assert isinstance(last, Done)
        return last.turn

    def respond(
        self,
        message: str,
        conversation: Conversation,
        profile: Profile,
        *,
        cancel: threading.Event | None = None,
        language: Language | None = None,
        items_only: bool = False,
    ) -> Iterator[TurnEvent]:
        """Answer a message, event by event; the last one is :class:`Done`.

        The turn is stored when it is over, also when the caller closes this generator early.

        Args:
            message: as it was typed.
            conversation: what was said before.
            profile: of the person.
            cancel: stops the model; the turn ends with what there is.
            language: of the answer, when the message does not show one.
            items_only: skip the model's vote and the text.

        Raises:
            MessageError: the message is empty or too long; nothing is stored.
        """
        started = time.perf_counter()
        yield Stage("understanding")
        request = self._understanding.read(message, conversation, language)
        draft = _Draft(request, started)
        draft.timings["understand"] = draft.clock()
        turn_id = uuid.uuid4().hex
        self._store_statements(request, conversation, turn_id)
        cancel = cancel or threading.Event()
        try:
            action = decide(request)
            if action == "recommend":
                yield from self._recommend(draft, conversation, profile, cancel, items_only)
            else:
                draft.opening = self._speak(draft)
                yield Text(draft.opening, language=request.language)
        except GeneratorExit:
            cancel.set()
            raise
        finally:
            draft.timings["total"] = draft.clock()
            turn = self._finish(draft, conversation, turn_id, cancel)
        yield Done(turn)

    # -- stages ---------------------------------------------------------------------------------------------------

    def _speak(self, draft: _Draft) -> str:
        request = draft.request
        if request.intent == "chat":
            return self._speaker.chat(request.opening, request.language)
        item = self.index.items[request.named[0]]
        facets = asked_facets(request.text, request.language, self.index.domain)
        asked = [w.value for w in request.wishes] + [
            str(v) for c in request.constraints if c.op in ("includes", "any_of") for v in c.values
        ]
        judged = [w.field for w in request.wishes] + [c.field for c in request.constraints]
        facets = facets or tuple(dict.fromkeys(f for f in judged if f in self.index.domain.facets))
        text, sources = self._speaker.answer(item, facets, asked, request.language)
        draft.notes.append(f"answered from {item.id}: {', '.join(sources)}")
        return text

    def _recommend(
        self, draft: _Draft, conversation: Conversation, profile: Profile, cancel: threading.Event, items_only: bool
    ) -> Iterator[TurnEvent]:
        request = draft.request
        yield Stage("looking", request.language)
        before = draft.clock()
        found = self._retriever.retrieve(self._query(request, conversation, profile))
        draft.candidates = found.candidates
        draft.timings["retrieve"] = draft.clock() - before
        draft.notes += [f"relaxed: {self._speaker.describe_constraint(c, request.language)}" for c in found.relaxed]
        kept = [c for c in request.constraints if c not in found.relaxed]
        count = min(request.count, len(found.candidates))
        draft.opening = self._speaker.opening(request, profile, kept, found.relaxed, count, found.instead)
        draft.items = _recommendations(found.candidates[:count])
        draft.timings["first_card"] = draft.clock()
        if not draft.items:
            yield Text(draft.opening, language=request.language)
            return
        yield Cards(tuple(draft.items), settled=items_only, opening=draft.opening)
        if items_only or cancel.is_set():
            return
        yield Stage("choosing")
        self._vote(draft, count)
        yield Cards(tuple(draft.items), settled=True, opening=draft.opening)
        yield Stage("writing")
        yield from self._write(draft, profile, cancel)

    def _vote(self, draft: _Draft, count: int) -> None:
        before = draft.clock()
        request = draft.request
        try:
            liked = self._speaker.titles((i for i in request.liked if i not in request.named), request.language)
            ordered = rerank(self.model, request, draft.candidates, self.index.domain, weight=self._vote_weight, liked=liked)
            draft.candidates = ordered
            draft.items = _recommendations(self._retriever.choose(ordered, count, request.language, request.constraints))
        except EngineError as error:
            logger.warning("no vote: %s", error)
            draft.notes.append(f"no vote: {error}")
        draft.timings["rerank"] = draft.clock() - before

    def _write(self, draft: _Draft, profile: Profile, cancel: threading.Event) -> Iterator[TurnEvent]:
        said: list[str] = []
        for n, recommendation in enumerate(draft.items):
            if cancel.is_set():
                return
            for reason in self._writer.write(recommendation.item, draft.request, profile, said, cancel, draft.notes):
                if cancel.is_set() and reason.written_by == "template":
                    continue
                draft.items[n] = replace(draft.items[n], reasons=(*draft.items[n].reasons, reason))
                draft.timings["first_token"] = draft.timings["first_token"] or draft.clock()
                gap = " " if draft.request.language == "en" and len(draft.items[n].reasons) > 1 else ""
                yield Text(gap + reason.text, recommendation.item.id)
            said += [reason.text for reason in draft.items[n].reasons[:1]]

    def _query(self, request: Request, conversation: Conversation, profile: Profile) -> Query:
        shown = [item["id"] for turn in conversation.turns for item in turn.record["items"]][-KEEP_SHOWN:]
        named = set(request.named) | set(request.liked) | set(request.disliked) | set(request.seen)
        return Query(
            text=request.query,
            language=request.language,
            context=request.context,
            constraints=request.constraints,
            wishes=request.wishes,
            liked=request.liked or profile.liked[-RECENT:],  # a model named in this conversation says more than history
            disliked=tuple(dict.fromkeys([*profile.disliked[-RECENT:], *request.disliked])),
            exclude=frozenset({*shown, *named, *profile.seen, *profile.disliked, *profile.liked}),
            k=max(POOL, request.count),
        )

    # -- memory ---------------------------------------------------------------------------------------------------

    def _store_statements(self, request: Request, conversation: Conversation, turn_id: str) -> None:
        user, context = conversation.user, {"conversation": conversation.id, "turn": turn_id}
        self.learn(Event(user, "typed", text=request.text, context=context))
        for item, kind in request.stated:
            self.learn(Event(user, kind, item, request.text, context=context))

    def _finish(self, draft: _Draft, conversation: Conversation, turn_id: str, cancel: threading.Event) -> Turn:
        stopped = ("stopped",) if cancel.is_set() else ()
        turn = Turn(
            id=turn_id,
            user=conversation.user,
            conversation=conversation.id,
            request=draft.request,
            items=tuple(draft.items),
            opening=draft.opening,
            reply=self._reply(draft),
            timings_ms=draft.timings,
            model=self.model.description,
            notes=(*draft.notes, *stopped),
            candidates=draft.candidates,
            at=draft.at,
        )
        self.store.save(conversation.id, conversation.user, StoredTurn(turn.id, turn.at, draft.request.text, turn_record(turn)))
        context = {"conversation": conversation.id, "turn": turn.id}
        for item in turn.items:
            self.learn(Event(conversation.user, "shown", item.item.id, context=context))
        logger.info(
            "turn %s: %s, %s, %d items, %s",
            turn.id[:8],
            draft.request.intent,
            draft.request.language,
            len(turn.items),
            _timing_text(turn.timings_ms),
        )
        return turn

    @staticmethod
    def _reply(draft: _Draft) -> str:
        language = draft.request.language
        gap = "" if language == "zh" else " "
        colon = "：" if language == "zh" else ": "
        lines = [
            f"{r.rank}. {write_title(r.item, language)}"
            + (colon + gap.join(reason.text for reason in r.reasons) if r.reasons else "")
            for r in draft.items
        ]
        return "\n".join([draft.opening, *lines]).strip()


def _recommendations(candidates: tuple[Candidate, ...] | list[Candidate]) -> list[Recommendation]:
    return [Recommendation(c.item, rank, c.score, c.channels) for rank, c in enumerate(candidates, 1)]


def _timing_text(timings: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f} ms" for name, value in timings.items() if value)
