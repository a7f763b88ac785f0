"""What every door calls: HTTP, the chat format of other services, and MCP. Knows nothing of any of them.

The methods are to be called in threads: the pipeline waits for its model and its store. Nothing of a conversation is kept here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from chatbot.api.models import (
    ChatAnswer,
    DoneEvent,
    ItemCard,
    ItemPage,
    Message,
    RecommendAnswer,
    RecommendRequest,
    SimilarItem,
)
from chatbot.api.models_people import (
    ConversationAnswer,
    ConversationHeading,
    ErasedAnswer,
    EventIn,
    EventsNoted,
    ProfileAnswer,
    ProfilePatch,
    Readiness,
)
from chatbot.api.noted import changes, event_of
from chatbot.api.problems import ApiError
from chatbot.api.runs import Run, Runs
from chatbot.api.talk import Chat, check_same, names_of, told
from chatbot.api.wire import (
    answer_of,
    card_of,
    conversation_of,
    demand_of,
    erased_of,
    heading_of,
    is_whole,
    offered_of,
    profile_of,
    replayed,
)
from chatbot.loading import Loader
from chatbot.records import item_record
from chatbot.types import Conversation, Language
from retrieval.errors import StoreError, ZhiyinError

if TYPE_CHECKING:  # their imports take seconds: the server answers before
    from chatbot.api.browsing import Browser
    from chatbot.pipeline import RecommendationPipeline

LOADING_SECONDS = 5  # after which it is worth asking again


class Service:
    """The whole service over one catalogue."""

    def __init__(self, loader: Loader[RecommendationPipeline]) -> None:
        """Take the loader of a pipeline; until it is done, everything but :meth:`ready` says so."""
        self._loader, self._runs = loader, Runs()
        self._browser: Browser | None = None

    @property
    def pipeline(self) -> RecommendationPipeline:
        """The loaded pipeline.

        Raises:
            ApiError: 503, it is not there (yet).
        """
        try:
            return self._loader.wait(0)
        except ZhiyinError as error:
            raise ApiError(503, error.key, str(error), {"Retry-After": str(LOADING_SECONDS)}) from error

    # -- conversation -------------------------------------------------------------------------------------------------

    def chat(self, asked: Message, user: str, *, once: str = "", cancel: threading.Event | None = None) -> Chat:
        """Begin a turn; iterating it runs it. Whoever does not iterate it to its end closes it.

        Args:
            asked: the message.
            user: who says it.
            once: with the same one a user's message is answered once: a whole turn is told again, one that was cut or failed is
                run again in its place.
            cancel: calls the turn off when set.

        Raises:
            ApiError: 404, the conversation is another's; 409, the turn runs already; 422, ``once`` came with another message;
                503, there is no room, or the server stops.
            ZhiyinError: the message cannot be answered, or the store not read.
        """
        from chatbot.understanding import check_message

        pipeline, message = self.pipeline, check_message(asked.message)
        conversation, turn = names_of(user, asked.conversation, once)
        run = self._runs.begin(user, conversation, turn, cancel)
        try:
            talk = self._load(conversation, user)
            before = next((stored for stored in talk.turns if stored.id == turn), None)
            if before:
                check_same(before, message)
            if before and is_whole(before.record):
                return Chat(self._runs, run, replayed(answer_of(before.record, pipeline.index.items)), replayed=True)
            return Chat(self._runs, run, told(pipeline, asked, message, talk, run))
        except BaseException:
            self._runs.end(run)
            raise

    def answer(self, asked: Message, user: str, *, once: str = "") -> ChatAnswer:
        """Run a turn to its end; raises what :meth:`chat` raises, and what the turn fails with."""
        return whole(self.chat(asked, user, once=once))

    # -- lists and items ----------------------------------------------------------------------------------------------

    def recommend(self, asked: RecommendRequest, user: str) -> RecommendAnswer:
        """Return a list without text; see :func:`chatbot.offering.offer`. Nothing is stored.

        Args:
            asked: what is wanted.
            user: whose profile counts; empty: nobody's.
        """
        from chatbot.explaining import recommendations
        from chatbot.offering import offer

        started, pipeline = time.perf_counter(), self.pipeline
        demands = [demand_of(constraint) for constraint in asked.constraints]
        found = offer(pipeline, user, asked.message, asked.like, asked.exclude, demands, asked.language, asked.count)
        speaker, items, language = pipeline.speaker, pipeline.index.items, found.language
        listed = recommendations(found.candidates, found.demands, pipeline.index.domain, speaker, language)
        return RecommendAnswer(
            items=[offered_of(item_record(entry, language), items, language) for entry in listed],
            relaxed=[speaker.describe_constraint(constraint, language) for constraint in found.relaxed],
            took_ms=round(1000 * (time.perf_counter() - started), 1),
        )

    def items(self, words: str = "", *, after: str = "", limit: int = 20, language: str = "en") -> ItemPage:
        """Return a page of the catalogue; see :class:`chatbot.api.browsing.Browser`."""
        from chatbot.api.browsing import Browser

        if self._browser is None:  # two threads may make it at once: both are right
            self._browser = Browser(self.pipeline.index)
        return self._browser.page(words, after, limit, language)

    def item(self, id: str, language: str = "en") -> ItemCard:
        """Return an item.

        Raises:
            ApiError: 404, there is none.
        """
        item = self.pipeline.index.items.get(id)
        if item is None:
            raise _no_item(id)
        return card_of(item, language)

    def similar(self, id: str, language: str = "en", count: int = 6) -> list[SimilarItem]:
        """Return the items most like one, the most alike first.

        Raises:
            ApiError: 404, there is no such item.
        """
        from retrieval.similar import similar

        index = self.pipeline.index
        if id not in index.items:
            raise _no_item(id)
        found = similar(index, id, language, count)
        return [SimilarItem(item=card_of(index.items[other], language), shared=list(shared)) for other, shared in found]

    # -- people -------------------------------------------------------------------------------------------------------

    def note(self, events: Sequence[EventIn], user_of: Callable[[str | None], str]) -> EventsNoted:
        """Store what people did: all of it, or nothing where one of them is wrong.

        Args:
            events: as they came.
            user_of: returns the user whom the caller may act for when it names one, or none.
        """
        pipeline = self.pipeline
        users = [user_of(event.user) for event in events]  # first, for nobody may learn anything before that is known
        kept = [event_of(*entry, pipeline.index.items) for entry in zip(events, range(len(events)), users, strict=True)]
        return EventsNoted(received=len(kept), new=pipeline.learn(*kept))

    def profile(self, user: str, language: Language = "en") -> ProfileAnswer:
        """Return what is known of a person, with its lines in a language."""
        from chatbot.store.of_domain import allowed  # by now it is loaded

        people = self.pipeline.people
        return profile_of(people.profile(user), people.portrait(user, language), allowed(self.pipeline.store, user))

    def change_profile(self, user: str, patch: ProfilePatch, language: Language = "en") -> ProfileAnswer:
        """Change what is known of a person, all or nothing, and return it as it is then."""
        from chatbot.store.of_domain import allowed, allowing

        pipeline = self.pipeline
        lines = pipeline.people.portrait(user, language) if patch.remove else []
        if patch.share is not None and allowed(pipeline.store, user) is None:
            problem = "This process keeps one catalogue alone, or nothing: there is nothing to share with. Leave 'share' out."
            raise ApiError(422, "share", problem, where=("share",))
        said = changes(patch, user, pipeline.profile(user), lines, pipeline.index.items)
        pipeline.learn(*said, *([] if patch.share is None else [allowing(user, on=patch.share)]))
        return self.profile(user, language)

    def export(self, user: str) -> dict[str, Any]:
        """Return everything that is kept of a person, as ``profile export`` writes it."""
        return self.pipeline.keeper.export(user)

    def erase(self, user: str) -> ErasedAnswer:
        """Erase a person wherever they are kept; their running turns end first, and none begins meanwhile."""
        keeper = self.pipeline.keeper
        with self._runs.quiet(user):
            return erased_of(keeper.erase(user), keeper.data)

    def conversations(self, user: str, words: str = "") -> list[ConversationHeading]:
        """Return a person's conversations, the one used last first; with ``words`` those that have all of them."""
        return [heading_of(heading) for heading in self.pipeline.store.headings(user, words)]

    def conversation(self, id: str, user: str) -> ConversationAnswer:
        """Return a conversation of a person.

        Raises:
            ApiError: 404, they have none of this id.
        """
        return conversation_of(self._existing(id, user))

    def rename(self, id: str, user: str, title: str) -> None:
        """Give a conversation a title; an empty one takes its title away.

        Raises:
            ApiError: 404, the person has none of this id.
        """
        self._existing(id, user)
        self.pipeline.store.rename(id, user, title)

    def remove(self, id: str, user: str) -> None:
        """Remove a conversation; a turn that runs in it ends first. What was said of items stays known.

        Raises:
            ApiError: 404, the person has none of this id.
        """
        with self._runs.quiet(user, id):
            self._existing(id, user)
            self.pipeline.store.remove(id, user)

    # -- operation ----------------------------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """How many turns run."""
        return len(self._runs)

    def ready(self) -> Readiness:
        """Return whether turns can be answered, and what is missing."""
        state = self._loader.state
        checks = {"server": "stopping" if self._runs.draining else "ok"}
        if state.stage != "ready":
            checks["pipeline"] = str(state.error) if state.error else state.stage
        else:
            checks |= {"pipeline": "ok", "store": self._store_works()}
        ready = all(said == "ok" for said in checks.values())
        return Readiness(ready=ready, stage=state.stage, fraction=state.fraction, checks=checks)

    def _store_works(self) -> str:
        try:
            self.pipeline.store.headings("")
        except Exception as error:  # whatever it is, no turn could be kept
            return str(error) if isinstance(error, ZhiyinError) else f"{type(error).__name__} while reading"
        return "ok"

    def begin_drain(self) -> None:
        """Take no more turns; :meth:`ready` says so."""
        self._runs.begin_drain()

    def turns(self) -> Sequence[Run]:
        """Return the turns that run; :func:`chatbot.hosting.end_turns` ends them."""
        return self._runs.turns()

    def _load(self, id: str, user: str) -> Conversation:
        """Load a conversation; that another has it is not told apart from that there is none."""
        try:
            return self.pipeline.store.load(id, user)
        except StoreError as error:
            if error.key == "error_conversation":
                raise _no_conversation(id) from error
            raise

    def _existing(self, id: str, user: str) -> Conversation:
        talk = self._load(id, user)
        if not talk.turns:
            raise _no_conversation(id)
        return talk


def whole(chat: Chat) -> ChatAnswer:
    """Run a turn to its end.

    Raises:
        ZhiyinError, ApiError: what it failed with.
    """
    for event in chat:
        if isinstance(event, DoneEvent):
            return event.answer
    raise chat.error or RuntimeError("a turn ended without an answer")


def _no_item(id: str) -> ApiError:
    return ApiError(404, "unknown_item", f"The catalogue has no item '{id}'.", where=("id",))


def _no_conversation(id: str) -> ApiError:
    message = f"There is no conversation '{id}' of this user. Leave it out to begin a new one."
    return ApiError(404, "no_conversation", message, where=("conversation",))
