"""A typed client of the HTTP API. It imports nothing of what a server runs on: no model, no index, no page, no store.

::

    from chatbot.client import Client

    with Client("http://127.0.0.1:7860", user="ann") as zhiyin:
        answer = zhiyin.chat("something quiet, no horror")
        again = zhiyin.chat("not the second one, older", conversation=answer.conversation)
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter, ValidationError

from chatbot.api.models import (
    EVENTS,
    ApiLanguage,
    ChatAnswer,
    ChatEvent,
    ChatRequest,
    ConstraintIn,
    DoneEvent,
    ErrorAnswer,
    ItemCard,
    ItemPage,
    RecommendAnswer,
    RecommendRequest,
    SimilarItem,
)
from chatbot.api.models_people import (
    ConversationAnswer,
    ConversationHeading,
    ConversationPatch,
    ErasedAnswer,
    EventIn,
    EventsNoted,
    Health,
    ProfileAnswer,
    ProfilePatch,
    Readiness,
    TokenAnswer,
    TokenRequest,
)
from chatbot.client_wire import (
    TURN,
    ApiError,
    BusyError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    ServerError,
    UnreachableError,
    Wire,
    broke_off,
    request_id,
    told,
)

__all__ = [
    "ApiError", "BusyError", "Client", "InvalidError", "NotAllowedError", "NotFoundError", "ServerError", "UnreachableError",
]  # fmt: skip
Answer = TypeVar("Answer")


class Client:
    """Speaks to one server; may be used by several threads. Close it, or use it as a context manager."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:7860",
        key: str = "",
        *,
        user: str | None = None,
        language: ApiLanguage | None = None,
        retries: int = 2,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Name the server; nothing is sent yet.

        Args:
            url: of the server, without ``/v1``.
            key: an API key or a user's token; empty for a server on this machine that asks for none.
            user: for whom the calls are that name nobody; with a user's token, that user.
            language: of answers whose language nothing else shows.
            retries: after a connection that failed, 429 and 503, of what may safely be sent twice.
            transport: of httpx2, for proxies and tests.
        """
        self._wire = Wire(url, key, retries, transport)
        self._user, self._language = user, language

    def __enter__(self) -> Client:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # -- conversation ---------------------------------------------------------------------------------------------

    def chat(self, message: str, *, user: str | None = None, once: str | None = None, **options: Any) -> ChatAnswer:
        """Say something and wait for the whole answer.

        Args:
            message: as a person types it.
            user: who says it.
            once: the idempotency key of this turn: sent twice, it is answered once. Without it every call gets its own, so
                that the client's own second tries are safe.
            options: the other fields of :class:`ChatRequest`: conversation, language, count, explore, items_only.
        """
        asked = self._asked(message, user, options)
        return self._ask(ChatAnswer, "POST", "chat", body=asked, headers=_key(once), again=True, timeout=TURN)

    def stream(self, message: str, *, user: str | None = None, once: str | None = None, **options: Any) -> Iterator[ChatEvent]:
        """Say something and get the answer as it is made; the last event is a :class:`DoneEvent`.

        Events that this client does not know are left out. Closing the iterator early stops the turn on the server. Arguments
        are those of :meth:`chat`.

        Raises:
            ServerError: the turn failed after it had begun.
            UnreachableError: the stream broke off; send it again with the same ``once``.
        """
        asked = self._asked(message, user, {**options, "stream": True})
        headers = {"Accept": "text/event-stream", **_key(once)}
        response = self._wire.send("POST", "chat", body=asked, headers=headers, timeout=TURN, again=True, stream=True)
        with contextlib.closing(response):
            over = False
            try:
                for sent in httpx2.EventSource(response):
                    if sent.event not in EVENTS:  # a later server has more
                        continue
                    event = _read_event(sent.event, sent.data)
                    if isinstance(event, ErrorAnswer):
                        raise told(event.error, response)
                    over = isinstance(event, DoneEvent)
                    yield event
            except httpx2.TransportError as error:
                raise broke_off(error) from error
            if not over:
                raise UnreachableError("error_cut", "The stream ended before the turn did.", request_id=request_id(response))

    def _asked(self, message: str, user: str | None, options: Mapping[str, Any]) -> ChatRequest:
        options = {"language": self._language, **options}
        return ChatRequest(message=message, user=user or self._user, **options)

    def conversations(self, words: str = "", *, user: str | None = None) -> list[ConversationHeading]:
        """List a user's conversations that contain all the words, the one used last first."""
        return self._ask(list[ConversationHeading], "GET", self._of(user, "conversations"), params={"q": words})

    def conversation(self, conversation: str, *, user: str | None = None) -> ConversationAnswer:
        """Return one with all its turns."""
        return self._ask(ConversationAnswer, "GET", self._of(user, "conversations", conversation))

    def rename_conversation(self, conversation: str, title: str, *, user: str | None = None) -> None:
        """Give one a title; an empty one takes its title away."""
        self._wire.send("PATCH", self._of(user, "conversations", conversation), body=ConversationPatch(title=title))

    def remove_conversation(self, conversation: str, *, user: str | None = None) -> None:
        """Remove one for good; what the user liked and saw stays known."""
        self._wire.send("DELETE", self._of(user, "conversations", conversation))

    # -- items ----------------------------------------------------------------------------------------------------

    def recommend(
        self,
        message: str = "",
        *,
        user: str | None = None,
        constraints: Sequence[ConstraintIn | Mapping[str, Any]] = (),
        **options: Any,
    ) -> RecommendAnswer:
        """Get a list without text. It changes nothing.

        Args:
            message: a wish in words; may be empty.
            user: whose profile counts.
            constraints: promises, such as ``{"field": "genres", "op": "excludes", "value": "horror"}``.
            options: the other fields of :class:`RecommendRequest`: like, exclude, language, count.
        """
        if self._language:
            options = {"language": self._language, **options}
        kept = [ConstraintIn.model_validate(c) for c in constraints]
        asked = RecommendRequest(message=message, user=user or self._user, constraints=kept, **options)
        return self._ask(RecommendAnswer, "POST", "recommend", body=asked, again=True)

    def items(self, words: str = "", *, after: str = "", limit: int = 20, language: ApiLanguage | None = None) -> ItemPage:
        """Look through the catalogue: in its order, or what the words find; ``after`` is the last page's ``next``."""
        params = {"q": words, "after": after, "limit": limit, "language": language or self._language}
        return self._ask(ItemPage, "GET", "items", params=params)

    def item(self, item: str, *, language: ApiLanguage | None = None) -> ItemCard:
        """Return an item."""
        return self._ask(ItemCard, "GET", _path("items", item), params={"language": language or self._language})

    def similar(self, item: str, *, count: int = 6, language: ApiLanguage | None = None) -> list[SimilarItem]:
        """Return the items that are most like one, and what they share with it."""
        params = {"count": count, "language": language or self._language}
        return self._ask(list[SimilarItem], "GET", _path("items", item, "similar"), params=params)

    # -- people ---------------------------------------------------------------------------------------------------

    def events(self, *events: EventIn) -> EventsNoted:
        """Tell what people did; all of it is stored when this returns, or none.

        An event without an id gets one, so that a second try counts once; one without a user is of the client's user.
        """
        whole = [e.model_copy(update={"id": e.id or uuid.uuid4().hex, "user": e.user or self._user}) for e in events]
        body = {"events": [event.model_dump(mode="json", exclude_none=True) for event in whole]}
        return self._ask(EventsNoted, "POST", "events", body=body, again=True)

    def profile(self, *, user: str | None = None, language: ApiLanguage | None = None) -> ProfileAnswer:
        """Return what is known of a user."""
        params = {"language": language or self._language}
        return self._ask(ProfileAnswer, "GET", self._of(user, "profile"), params=params)

    def change_profile(self, patch: ProfilePatch, *, user: str | None = None) -> ProfileAnswer:
        """Set opinions or take them back; returns what is known then."""
        return self._ask(ProfileAnswer, "PATCH", self._of(user, "profile"), body=patch, again=True)

    def export(self, *, user: str | None = None) -> dict[str, Any]:
        """Return everything that is kept of a user."""
        return self._ask(dict[str, Any], "GET", self._of(user, "profile", "export"))

    def erase(self, *, user: str | None = None) -> ErasedAnswer:
        """Erase everything of a user, for good."""
        return self._ask(ErasedAnswer, "DELETE", self._of(user, "profile"))

    def token(self, *, user: str | None = None, seconds: int = 3600) -> TokenAnswer:
        """Get a token for one user's own device; it is shown once."""
        return self._ask(TokenAnswer, "POST", self._of(user, "tokens"), body=TokenRequest(seconds=seconds))

    # -- operation ------------------------------------------------------------------------------------------------

    def health(self) -> Health:
        """Whether the process answers."""
        return self._ask(Health, "GET", "health")

    def ready(self) -> Readiness:
        """Whether turns can be answered; a server that is not ready is no error here, and is not waited for."""
        return self._ask(Readiness, "GET", "ready", expected=(503,))

    # -- over the wire --------------------------------------------------------------------------------------------

    def _of(self, user: str | None, *rest: str) -> str:
        if not (name := user or self._user):
            raise ValueError("This call is about one user. Name them: Client(user=...) or user=... in the call.")
        return _path("users", name, *rest)

    def _ask(self, answer: type[Answer], method: str, path: str, **sent: Any) -> Answer:
        """Send a request and read its answer; ``sent`` is for :meth:`Wire.send`."""
        response = self._wire.send(method, path, **sent)
        try:
            return TypeAdapter(answer).validate_json(response.content)
        except ValidationError as error:
            raise ServerError(
                "error_answer",
                f"The answer of {response.url} cannot be read: {error}. Is this a Zhiyin server, and of this version?",
                response.status_code,
                request_id=request_id(response),
            ) from error


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _key(once: str | None) -> dict[str, str]:
    return {"Idempotency-Key": once or uuid.uuid4().hex}


def _read_event(name: str, data: str) -> ChatEvent:
    try:
        return cast("ChatEvent", EVENTS[name].model_validate_json(data))
    except ValidationError as error:
        raise ServerError("error_answer", f"The event '{name}' cannot be read: {error}") from error
