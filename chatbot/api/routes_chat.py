"""``/v1/chat`` and ``/v1/recommend``: answers with words, and lists without."""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Body, Header
from starlette.requests import Request
from starlette.responses import Response

from chatbot.api import examples
from chatbot.api.callers import Caller, acting_user, needs
from chatbot.api.declared import OnceHeader, asked, errors, events, example
from chatbot.api.models import EVENTS, ChatAnswer, ChatRequest, RecommendAnswer, RecommendRequest
from chatbot.api.service import Service
from chatbot.api.streaming import Room, TurnStream, finish

REPLAYED = "Idempotency-Replayed"
STREAM = "text/event-stream"
_CLIENT_GONE = 499  # nobody reads it but the logs
_REPLAYED = {
    "description": "`true`: the message was answered before, and this is that answer.",
    "schema": {"type": "string", "enum": ["true"]},
}
_WHOLE: dict[str, Any] = {
    **example(examples.ANSWER, examples.ANSWER_ZH),
    "description": "The turn; as events where the request asks for `stream` or accepts `text/event-stream`: `state`, `cards`, "
    "`text`, `sources`, and `done` or `error` as the last. Their data are the schemas `StateEvent`, `CardsEvent`, `TextEvent`, "
    "`SourcesEvent`, `DoneEvent` and `ErrorAnswer`.",
    "headers": {REPLAYED: _REPLAYED},
}
_WHOLE["content"][STREAM] = {**events(tuple(EVENTS)), "example": examples.STREAM}


def chat_router(service: Service, room: Room) -> APIRouter:
    """Return the routes; turns run in the threads of ``room``."""
    router = APIRouter(tags=["conversation"])

    @router.post(
        "/v1/chat",
        operation_id="chat",
        summary="Answer a message",
        response_model=ChatAnswer,
        responses={200: _WHOLE, **errors(400, 404, 409)},
    )
    async def chat(
        request: Request,
        caller: Annotated[Caller, needs("chat")],
        said: Annotated[ChatRequest, Body(openapi_examples=asked(examples.CHAT, examples.CHAT_ZH))],
        once: OnceHeader = None,
        accept: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> Response:
        """Begins a conversation or goes on with one. When the client leaves, the turn stops, and is kept as far as it came.

        A turn that failed or was cut is run again when the message comes again with the same `Idempotency-Key`.
        """
        user = acting_user(caller, said.user)
        talk = await anyio.to_thread.run_sync(lambda: service.chat(said, user, once=once or ""))
        headers = {REPLAYED: "true"} if talk.replayed else {}
        if said.stream or STREAM in accept.lower():
            return TurnStream(talk, room, headers=headers)
        answer = await finish(talk, request.receive, room)
        if answer is None:
            return Response(status_code=_CLIENT_GONE)
        return Response(answer.model_dump_json(), media_type="application/json", headers=headers)

    @router.post(
        "/v1/recommend",
        operation_id="recommend",
        summary="List items without text",
        response_model=RecommendAnswer,
        responses={200: example(examples.LIST, examples.LIST_ZH), **errors(400, 404)},
    )
    def recommend(
        caller: Annotated[Caller, needs("recommend")],
        wanted: Annotated[RecommendRequest, Body(openapi_examples=asked(examples.RECOMMEND, examples.RECOMMEND_ZH))],
    ) -> Response:
        """For a person, a wish in words, items to be like, and constraints that are never relaxed; any of them may be absent.

        It stores nothing: say with events what was shown, and what became of it.
        """
        user = acting_user(caller, wanted.user) if wanted.user or caller.user else ""
        answer = service.recommend(wanted, user)
        return Response(answer.model_dump_json(), media_type="application/json")  # it need not be checked once more

    return router
