"""Runs turns for clients that wait: in threads of their own, and no longer than the client is there.

The event streams of libraries (``fastapi.sse``, ``sse-starlette``) end when their client leaves, but not the work behind them
while that waits for a model; so only the wire format is theirs.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream
from fastapi.sse import format_sse_event
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chatbot.api.models import EVENTS, ChatAnswer, ChatEvent, DoneEvent
from chatbot.api.runs import MOST
from chatbot.api.talk import Chat

PING_SECONDS = 5.0  # silence after which a comment is sent: what stands between drops connections that say nothing
PING = b": ping\n\n"
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}  # nothing between may hold events back
_NAMES: dict[type[BaseModel], str] = {kind: name for name, kind in EVENTS.items()}

Encode = Callable[[ChatEvent], Iterable[bytes]]
Room = anyio.CapacityLimiter


def make_room() -> Room:
    """Return the threads of turns: as many as there may be turns, and none of those that the other routes share."""
    return anyio.CapacityLimiter(MOST)


def as_event(event: ChatEvent) -> Iterable[bytes]:
    """Encode an event of a turn as a server-sent event; ``id`` counts nothing, for a turn is not resumed in the middle."""
    yield format_sse_event(event=_NAMES[type(event)], data_str=event.model_dump_json())


@asynccontextmanager
async def followed(chat: Chat, receive: Receive, room: Room) -> AsyncGenerator[MemoryObjectReceiveStream[ChatEvent]]:
    """Run a turn in a thread and give its events as a stream.

    When the client leaves, or the block ends, the turn is called off at once: the model stops, and what there is is kept. The
    block is left when the turn has been.

    Args:
        chat: the turn.
        receive: of the request, whose body has been read.
        room: the threads of turns.
    """
    told, events = anyio.create_memory_object_stream[ChatEvent](math.inf)

    def tell(event: ChatEvent) -> None:
        try:
            told.send_nowait(event)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            chat.stop()  # nobody listens any more

    def work() -> None:
        try:
            for event in chat:
                anyio.from_thread.run_sync(tell, event)
        finally:
            chat.close()
            anyio.from_thread.run_sync(told.close)

    async def run() -> None:
        await anyio.to_thread.run_sync(work, limiter=room)

    async def watch(scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        chat.stop()
        scope.cancel()

    try:
        async with anyio.create_task_group() as tasks, events:
            tasks.start_soon(run)
            tasks.start_soon(watch, tasks.cancel_scope)
            try:
                yield events
            finally:
                chat.stop()
                tasks.cancel_scope.cancel()
    finally:
        told.close()
        chat.close()  # one that never began


async def finish(chat: Chat, receive: Receive, room: Room) -> ChatAnswer | None:
    """Run a turn to its end; None when the client left before.

    Raises:
        ZhiyinError, ApiError: what the turn failed with.
    """
    answer: ChatAnswer | None = None
    async with followed(chat, receive, room) as events:
        async for event in events:
            if isinstance(event, DoneEvent):
                answer = event.answer
    if chat.error:
        raise chat.error
    return answer


class TurnStream(Response):
    """The answer to a request that wants a turn as server-sent events."""

    media_type = "text/event-stream"

    def __init__(self, chat: Chat, room: Room, encode: Encode = as_event, headers: Mapping[str, str] | None = None) -> None:
        """Take a turn, the threads it may run in, and what writes its events."""
        super().__init__(headers={**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._chat, self._room, self._encode = chat, room, encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events as they come, and a comment where none comes for long."""
        async with followed(self._chat, receive, self._room) as events:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            open_ = True
            while open_:
                chunk = PING
                with anyio.move_on_after(PING_SECONDS):
                    try:
                        chunk = b"".join(self._encode(await events.receive()))
                    except anyio.EndOfStream:
                        chunk, open_ = b"", False
                await send({"type": "http.response.body", "body": chunk, "more_body": open_})
