"""``/v1/chat/completions`` and ``/v1/models``: the chat format of OpenAI, so that clients made for it work unchanged.

Such a client keeps no id of a conversation: it sends all that was said every time, and :mod:`chatbot.api.histories` finds what
conversation that is. Errors have the format's shape.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from chatbot.api.callers import Caller, acting_user, needs
from chatbot.api.declared import OnceHeader, events
from chatbot.api.histories import find, replay
from chatbot.api.models import ChatEvent, ChatRequest, ConversationId, DoneEvent, ErrorAnswer
from chatbot.api.openai_format import DONE, Completion, Failure, Writer, as_data, failure, models
from chatbot.api.problems import api_error
from chatbot.api.reply_text import ReplyText
from chatbot.api.streaming import Room, TurnStream, finish, make_room

if TYPE_CHECKING:
    from chatbot.api.service import Service
    from chatbot.api.talk import Chat

NOBODY = "me"  # who speaks where no key is needed and no user named: the person that the page begins with
_WRONG = 422  # of our other routes; the format knows 400
_FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure} for status in (400, 401, 403, 404, 409, 413, 429, 500, 503)
}
_ANSWERED: dict[str, Any] = {
    "description": "The answer; with `stream`, pieces of it as server-sent events, and `[DONE]` as the last.",
    "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": events()},
}


class OpenaiRoute(APIRoute):
    """A route whose errors have the shape of the format."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                told = api_error(error)
                status = 400 if told.status_code == _WRONG else told.status_code
                return JSONResponse(failure(status, told.code, told.message, told.where), status, told.headers)

        return handled


def openai_router(service: Service, room: Room | None = None) -> APIRouter:
    """Return the routes.

    Args:
        service: answers.
        room: the threads of turns; None: of their own.
    """
    router = APIRouter(prefix="/v1", tags=["OpenAI format"], route_class=OpenaiRoute)
    threads = room or make_room()

    @router.get("/models", operation_id="models", summary="The models there are", responses=_FAILURES)
    async def list_models(_caller: Annotated[Caller, needs("chat")]) -> dict[str, Any]:
        """There is one, `zhiyin`; any other name is taken for it."""
        return models()

    @router.post(
        "/chat/completions",
        operation_id="chat_completions",
        summary="Answer a history",
        response_model=None,
        responses={200: _ANSWERED, **_FAILURES},
    )
    async def complete(
        asked: Completion,
        request: Request,
        caller: Annotated[Caller, needs("chat")],
        x_conversation: Annotated[ConversationId | None, Header()] = None,
        once: OnceHeader = None,
    ) -> Response:
        """Answer the last message of a history, whole or, with ``stream``, in pieces.

        The history says which conversation it is; `metadata.conversation` or the header `X-Conversation` says so outright.
        Messages of the roles `system` and `developer`, tools and sampling fields are accepted and change nothing.
        """
        named = asked.user or (NOBODY if caller.key is None else None)
        user = acting_user(caller, named)
        conversation = x_conversation or (asked.metadata and asked.metadata.conversation)

        def begin() -> Chat:
            return _begin(service, asked, user, conversation, once or "")

        chat = await anyio.to_thread.run_sync(begin, limiter=threads)
        headers = {"X-Conversation": chat.run.conversation}
        writer = Writer(chat.run.turn)
        if asked.stream:
            usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return TurnStream(chat, threads, Pieces(writer, usage), headers)
        answer = await finish(chat, request.receive, threads)
        return JSONResponse(writer.whole(answer.reply) if answer else None, headers=headers)

    return router


def _begin(service: Service, asked: Completion, user: str, conversation: str | None, once: str) -> Chat:
    """Find or rebuild the conversation and begin the turn. Waits for the store."""
    history, message = asked.split()
    if not conversation and history:
        conversation = find(service, user, history, once) or replay(service, user, history)
    conversation = conversation or (None if once else uuid.uuid4().hex)
    return service.chat(ChatRequest(message=message, conversation=conversation), user, once=once)


class Pieces:
    """Encodes the events of a turn as pieces of a text."""

    def __init__(self, writer: Writer, usage: bool) -> None:
        """Take what writes them, and whether the tokens are to be counted at the end."""
        self._writer, self._usage, self._text, self._begun = writer, usage, ReplyText(), False

    def __call__(self, event: ChatEvent) -> Iterator[bytes]:
        """Encode an event; most add nothing."""
        if isinstance(event, ErrorAnswer):
            yield as_data(failure(500, event.error.code, event.error.message))
            return
        if not self._begun:
            self._begun = True
            yield as_data(self._writer.piece({"role": "assistant", "content": ""}))
        if new := self._text.take(event):
            yield as_data(self._writer.piece({"content": new}))
        if isinstance(event, DoneEvent):
            yield as_data(self._writer.piece({}, "stop"))
            if self._usage:
                yield as_data(self._writer.usage())
            yield DONE
