"""One message through the rooms: understanding, policy, retrieval, re-ranking, writing. Holds injected parts alone."""

from __future__ import annotations

import copy
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from chatbot.answers import Speaker
from chatbot.clarifying import LOOK, clarify
from chatbot.draft import Draft
from chatbot.fitting import Fitting
from chatbot.grounding import Grounder
from chatbot.held import held_state
from chatbot.house_rules import HouseRules
from chatbot.interests import Interests
from chatbot.keeper import Keeper
from chatbot.listing import Lister, check_list
from chatbot.llm.base import LanguageModel
from chatbot.noting import before, failure, for_others_marked, statements
from chatbot.people import People
from chatbot.personal import Person, catalogue_of, prepare
from chatbot.policy import Facts, decide, facts_of
from chatbot.portrait import Painter
from chatbot.reading import ModelReader, is_open, merge
from chatbot.replying import Replier, Reply
from chatbot.reranking import Poll
from chatbot.store import UserStore
from chatbot.storing import Observe, store_turn
from chatbot.telling import Teller
from chatbot.turnstile import Turnstile
from chatbot.types import (
    Cards,
    Conversation,
    Done,
    Language,
    Profile,
    Request,
    Stage,
    Text,
    Turn,
    TurnEvent,
)
from chatbot.understanding import Understanding
from chatbot.warming import warm_up
from chatbot.writing import Writer
from retrieval.events import Event
from retrieval.index import CatalogIndex
from retrieval.retriever import Retriever
from retrieval.types import Constraint, Wish

logger = logging.getLogger(__name__)
DEFAULT_POLL = Poll()


class RecommendationPipeline:
    """Answers messages about one catalogue. Conversations and profiles come in as arguments and are never kept."""

    def __init__(
        self,
        index: CatalogIndex,
        model: LanguageModel,
        store: UserStore,
        *,
        poll: Poll = DEFAULT_POLL,
        line: Turnstile | None = None,
        count: int = 3,
        calibration: float = 0.0,
        read_with_model: bool = False,
        keeper: Keeper | None = None,
        deidentify: bool = True,
        guess: Callable[[str], tuple[str, float]] | None = None,
        observe: Observe | None = None,
    ) -> None:
        """Wire the parts.

        Args:
            index: an open index.
            model: votes and writes.
            store: of events and conversations.
            poll: how the model votes on the order, and what that weighs.
            line: before the model; without, one that serves four conversations at once.
            count: items a reply has unless the message says otherwise.
            calibration: of lists where nothing is asked for; see :class:`retrieval.retriever.Retriever`.
            read_with_model: the model reads the messages that the rules leave open.
            deidentify: what names or reaches the writer of a message is taken out before anything else reads it.
            guess: tells what a message is for where no cue does; see :class:`chatbot.understanding.Understanding`.
            keeper: of everything that is kept; its log's events count as older than what the store holds.
            observe: told of every turn when it is stored; what it raises is logged.
        """
        self.index, self.model, self.store = index, model, store
        self.keeper = keeper or Keeper(store)
        self._deidentify, self._observe = deidentify, observe
        self._poll, self.turnstile = poll, line or Turnstile(4)
        self.retriever = Retriever(index, trade_off=index.domain.diversity, calibration=calibration)
        self._understanding = Understanding(index.domain, index.items, count=0, guess=guess)  # 0: not said
        self.rules = HouseRules(index.domain, index.items, self._understanding.series)
        self._reader = ModelReader(model, index.domain) if read_with_model else None
        self.count = count
        self.speaker = Speaker(index.domain, index.items)
        self._replier = Replier(index.domain, index.items, self.speaker)
        self.people = People(store, self.keeper.log, catalogue_of(index), Painter(index.domain, self.speaker))
        lexicon = self._understanding.lexicon
        self._lister = Lister(index, self.retriever, self.speaker, lexicon, model, poll)
        self.grounder = Grounder(index.domain, self._understanding.names, self._understanding.lexicon)
        self._writer = Writer(model, index.domain, self.grounder)
        self._teller = Teller(Fitting(index.domain, index.items, self.speaker), self._writer)

    def over(self, store: UserStore) -> RecommendationPipeline:
        """Return the same pipeline over another store, such as one that forgets."""
        other = copy.copy(self)
        other.store, other.people = store, replace(self.people, store=store)
        return other

    def profile(self, user: str) -> Profile:
        """What a person's events say, up to this moment."""
        return self.people.profile(user)

    def learn(self, *events: Event) -> int:
        """Take in feedback: the one door back. It counts from the next turn on; of what was for somebody else, it does not.

        Returns:
            How many events are new to the store.
        """
        return self.store.append(*for_others_marked(events, self.store))

    def read(self, message: str, language: Language) -> Request:
        """What a message asks for that no conversation precedes, by the rules alone: a read, nothing is stored.

        Raises:
            MessageError: the message is empty or too long.
        """
        message = self._understanding.without_identifiers(message)[0] if self._deidentify else message
        return self._understanding.read(message, Conversation("", ""), language)

    def warm_up(self) -> None:
        """Let the model read what every prompt begins with, and the rules a message, so that the first turn does not wait."""
        warm_up(self.index, self.model, self._understanding, self._writer, self._poll, self._reader)

    def complete(
        self,
        message: str,
        conversation: Conversation,
        profile: Profile,
        *,
        items_only: bool = False,
        count: int | None = None,
        explore: float | None = None,
        turn_id: str | None = None,
    ) -> Turn:
        """Run a turn to its end and return its record; see :meth:`respond`."""
        run = self.respond(message, conversation, profile, items_only=items_only, count=count, explore=explore, turn_id=turn_id)
        *_, last = run
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
        drop: Sequence[Constraint | Wish] = (),
        count: int | None = None,
        explore: float | None = None,
        turn_id: str | None = None,
    ) -> Iterator[TurnEvent]:
        """Answer a message, event by event; the last one is :class:`Done`.

        The turn is stored when it is over, also when the caller closes this generator early. One that fails is stored as far as
        it came, with a note, and not at all where nothing was said yet; said again under its id, it takes its own place.

        Args:
            message: as it was typed.
            conversation: what was said before.
            profile: of the person.
            cancel: stops the model; the turn ends with what there is.
            language: of the answer, when the message does not show one.
            items_only: skip the model's vote and the text, and ask nothing back.
            drop: what the person took out of what the conversation holds to.
            count: items of the list unless the message says otherwise, 1 to 10; None: as the pipeline was made.
            explore: how adventurous the list is, from 0 to 1; None: as usual, which is near 0.3.
            turn_id: of the turn, at most 64 characters; None: a new one. A turn of this id that the conversation has counts as
                not said, and is replaced.

        Raises:
            MessageError: the message is empty or too long; nothing is stored.
            StoreError: the store cannot be read or written; what was not stored may be said again under the same id.
            SettingsError: ``count`` or ``explore`` is outside its range; nothing is stored.
        """
        started = time.perf_counter()
        check_list(count, explore)
        yield Stage("understanding")
        cancel, turn_id = cancel or threading.Event(), turn_id or uuid.uuid4().hex
        conversation = before(conversation, turn_id)
        message, taken_out = self._understanding.without_identifiers(message) if self._deidentify else (message, ())
        request = self._understanding.read(message, conversation, language, drop)
        notes = [f"taken out: {kind}" for kind in taken_out]
        if self._reader and not drop and is_open(request, conversation, self.index.domain):
            reading = self._reader.read(request.text, request.language, cancel)
            request = merge(request, reading, conversation, self.index.domain) if reading else request
            notes += [] if reading else ["not read by the model"]
        usual = count or self.count
        draft = Draft(replace(request, count=request.count or usual), started, items_only, explore, notes=notes)
        draft.timings["understand"] = draft.clock()
        request = draft.request
        self.store.append(*statements(request, profile, conversation, turn_id))
        profile = Profile(conversation.user) if request.gift else profile
        request = draft.request = self.rules.continued(request, profile)
        try:
            facts = facts_of(conversation, profile, usual)
            action = decide(request, facts)
            if action in ("recommend", "ask"):
                self._prepare(draft, conversation, profile)
            if action == "recommend" or (action == "ask" and items_only):
                yield from self._recommend(draft, profile, cancel)
            elif action == "ask":
                yield from self._ask(draft, profile, cancel, facts)
            else:
                yield self._say(draft, self._replier.reply(action, request, profile))
        except (GeneratorExit, KeyboardInterrupt):
            cancel.set()
            self._finish(draft, conversation, turn_id, cancel)
            raise
        except Exception as error:
            draft.notes.append(failure(error))
            if draft.opening or draft.items:
                self._finish(draft, conversation, turn_id, cancel)
            raise
        yield Done(self._finish(draft, conversation, turn_id, cancel))

    # -- stages ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _say(draft: Draft, reply: Reply) -> Text:
        draft.opening, draft.question = reply.text, reply.question
        draft.notes += [reply.note] if reply.note else []
        return Text(draft.opening, language=draft.request.language)

    def _ask(self, draft: Draft, profile: Profile, cancel: threading.Event, facts: Facts) -> Iterator[TurnEvent]:
        """Ask what tells most of what the person wants; recommend where no question tells enough."""
        yield Stage("looking", draft.request.language)
        before = draft.clock()
        query = replace(draft.query, k=LOOK)
        question = clarify(self.retriever.retrieve(query).candidates, self.index.domain, facts.asked)
        draft.timings["retrieve"] = draft.clock() - before
        if question is None:
            yield from self._recommend(draft, profile, cancel)
        else:
            yield self._say(draft, self._replier.clarify(question, draft.request.language))

    def _recommend(self, draft: Draft, profile: Profile, cancel: threading.Event) -> Iterator[TurnEvent]:
        request = draft.request
        yield Stage("looking", request.language)
        before = draft.clock()
        found = self._lister.find(draft)
        draft.candidates, draft.relaxed = found.candidates, found.relaxed
        draft.timings["retrieve"] = draft.clock() - before
        draft.notes += [f"relaxed: {self.speaker.describe_constraint(c, request.language)}" for c in found.relaxed]
        told = [c for c in request.constraints if c not in found.relaxed and (c.field, c.value) not in request.never]
        count = min(request.count, len(found.candidates))
        opening = self.speaker.opening(request, profile, told, found.relaxed, count, found.instead)
        draft.opening = self.speaker.noted(request) + self.speaker.with_caution(opening, request.language)
        self._lister.put(draft, found.candidates[:count])
        draft.timings["first_card"] = draft.clock()
        if not draft.items:
            yield Text(draft.opening, language=request.language)
            return
        yield Cards(tuple(draft.items), settled=draft.items_only, opening=draft.opening)
        if draft.items_only or cancel.is_set():
            return
        with ExitStack() as held:
            if self._poll.asks:
                yield from self._in_line(held, cancel)
                yield Stage("choosing")
                self._lister.vote(draft, count)
            yield Cards(tuple(draft.items), settled=True, opening=draft.opening)
            yield from self._teller.why(draft, profile)
            if not self._poll.asks:
                yield from self._in_line(held, cancel)
            yield Stage("writing")
            yield from self._teller.what(draft, cancel)

    def _in_line(self, held: ExitStack, cancel: threading.Event) -> Iterator[TurnEvent]:
        """Wait until the model has room for one conversation more; what is held gives the room back."""
        line = self.turnstile.enter(cancel.is_set)
        held.callback(line.close)
        for place in line:
            if place == 0:
                return
            yield Stage("queued", place=place)

    def _prepare(self, draft: Draft, conversation: Conversation, profile: Profile) -> None:
        """Put into a draft what is known of the person's interests, and the query that they and the request come to."""
        request = draft.request
        draft.interests = Interests() if request.gift else self.people.interests(conversation.user)
        words = self.people.painter.query(draft.interests, request.language)
        person = Person(profile, draft.interests)
        draft.query = prepare(request, conversation, person, words, self.rules, time.time())

    # -- memory ---------------------------------------------------------------------------------------------------

    def _finish(self, draft: Draft, conversation: Conversation, turn_id: str, cancel: threading.Event) -> Turn:
        draft.timings["total"] = draft.clock()
        draft.notes += ["stopped"] if cancel.is_set() else []
        held = held_state(draft.request, self.speaker, draft.request.language)
        turn = draft.turn(turn_id, conversation, self.model.description, held, self._lister.suggestions(draft))
        store_turn(self.store, turn, self._observe)
        return turn
