"""The service as tools of the Model Context Protocol, so that an agent can recommend.

Requests are answered one by one: no session is kept, so that any of several processes answers any of them. The guard stands
before this door as before every route; each tool needs the scope of its route.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, Field, ValidationError
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatbot.api.callers import Caller, acting_user, caller_of, check_scope
from chatbot.api.models import (
    MAX_PAGE,
    ApiLanguage,
    ChatAnswer,
    ChatRequest,
    Incoming,
    ItemCard,
    ItemId,
    ItemPage,
    Message,
    RecommendAnswer,
    RecommendRequest,
)
from chatbot.api.models_people import EventIn, EventsNoted
from chatbot.api.problems import ApiError, api_error
from chatbot.api.streaming import Room, make_room

if TYPE_CHECKING:
    from chatbot.api.service import Service

Lifespan = Callable[..., AbstractAsyncContextManager[None]]
INSTRUCTIONS = (
    "Recommends items of one catalogue. Every item and every reason comes from that catalogue: repeat what the reasons say and "
    "add no facts. 'chat' is for what a person says in their own words; give its 'conversation' back to go on. 'recommend' "
    "gives a list without text. Tell with 'record_feedback' what the person liked or has seen: it counts from then on."
)


class SearchCall(Incoming):
    """What ``search_items`` takes."""

    words: str = Field(default="", max_length=1000, description="To look for; empty: all, in the order of the catalogue.")
    after: str = Field(default="", max_length=1000, description="The 'next' of the page before.")
    limit: int = Field(default=10, ge=1, le=MAX_PAGE)
    language: ApiLanguage = "en"


class ItemCall(Incoming):
    """What ``get_item`` takes."""

    id: ItemId
    language: ApiLanguage = "en"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool: who calls, and what tells the work to end."""

    service: Service
    caller: Caller
    cancel: threading.Event

    def chat(self, said: Message) -> ChatAnswer:
        """Run a turn."""
        from chatbot.api.service import whole

        user = acting_user(self.caller, said.user)
        return whole(self.service.chat(ChatRequest(**dict(said)), user, cancel=self.cancel))

    def recommend(self, asked: RecommendRequest) -> RecommendAnswer:
        """Make a list; whoever names nobody gets nobody's."""
        user = acting_user(self.caller, asked.user) if asked.user or self.caller.user else ""
        return self.service.recommend(asked, user)

    def search(self, asked: SearchCall) -> ItemPage:
        """Look through the catalogue."""
        return self.service.items(asked.words, after=asked.after, limit=asked.limit, language=asked.language)

    def item(self, asked: ItemCall) -> ItemCard:
        """Look up one item."""
        return self.service.item(asked.id, asked.language)

    def note(self, event: EventIn) -> EventsNoted:
        """Store what a person did."""
        return self.service.note([event], partial(acting_user, self.caller))


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool: what it needs, takes, does and gives."""

    name: str
    scope: str
    does: str
    takes: type[BaseModel]
    gives: type[BaseModel]
    run: Callable[[Call, Any], BaseModel]
    reads: bool = True  # changes nothing

    def tool(self) -> Tool:
        """Describe it for clients."""
        hints = ToolAnnotations(read_only_hint=self.reads, destructive_hint=False, open_world_hint=False)
        return Tool(
            name=self.name,
            description=self.does,
            input_schema=self.takes.model_json_schema(),
            output_schema=self.gives.model_json_schema(mode="serialization"),
            annotations=hints,
        )


OFFERS = (
    Offer(
        "chat",
        "chat",
        "Answer what a person says in their own words, in English or Chinese: recommends with reasons, compares, answers about "
        "items, or asks back. Give the 'conversation' of the answer with the next message, so that 'not the second one, older' "
        "is understood.",
        Message,
        ChatAnswer,
        Call.chat,
        reads=False,
    ),
    Offer(
        "recommend",
        "recommend",
        "List items for a wish, for items to be like, under promises that no item breaks. No text, no memory.",
        RecommendRequest,
        RecommendAnswer,
        Call.recommend,
    ),
    Offer(
        "search_items",
        "items",
        "Find items of the catalogue by words of their titles and cards.",
        SearchCall,
        ItemPage,
        Call.search,
    ),
    Offer("get_item", "items", "Look up everything the catalogue says of one item.", ItemCall, ItemCard, Call.item),
    Offer(
        "record_feedback",
        "events",
        "Store what a person did with an item: liked, disliked, seen, saved, rated and so on. It is stored when this answers.",
        EventIn,
        EventsNoted,
        Call.note,
        reads=False,
    ),
)


class _Door:
    """The ASGI application; an object, for a route takes a method for one that answers requests."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


def make_mcp(service: Service, room: Room | None = None) -> tuple[ASGIApp, Lifespan]:
    """Return the door as an ASGI application, and what must be entered, once, around the life of the server.

    The application answers every path it is given; :func:`mcp_router` gives it one.

    Args:
        service: answers.
        room: the threads of turns; None: of their own.
    """
    offers: Mapping[str, Offer] = {offer.name: offer for offer in OFFERS}
    tools = {name: offer.tool() for name, offer in offers.items()}
    limiter = room or make_room()

    async def list_tools(_ctx: ServerRequestContext[Any], _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=list(tools.values()))

    async def call_tool(ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        cancel = threading.Event()
        try:
            if not (offer := offers.get(params.name)):
                raise ApiError(404, "unknown_tool", f"There is no tool '{params.name}'. There are: {', '.join(offers)}.")
            call = Call(service, check_scope(caller_of(ctx.request.scope if ctx.request else {}), offer.scope), cancel)
            asked = _read(offer.takes, params.arguments)
            # a client that goes away is not waited for: the turn is told to end, and keeps what it has
            work = partial(offer.run, call, asked)
            answer = await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)
        except Exception as error:
            told = api_error(error)
            return CallToolResult(content=[TextContent(text=f"{told.message} ({told.code})")], is_error=True)
        finally:
            cancel.set()
        # for clients that read text alone: the same without what is empty
        text = json.dumps(answer.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)
        return CallToolResult(content=[TextContent(text=text)], structured_content=answer.model_dump(mode="json"))

    server: Server[Any] = Server(
        "zhiyin",
        title="Zhiyin 知音",
        version=_version(),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda name: tools[name].input_schema if name in tools else None,
    )
    # The guard has looked at Host, Origin and the size: with a key a rebound name gains nothing, and without one it lets in
    # loopback names alone.
    manager = StreamableHTTPSessionManager(
        server, stateless=True, security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False)
    )

    def lifespan(_app: object = None) -> AbstractAsyncContextManager[None]:
        return manager.run()

    return _Door(manager), lifespan


def mcp_router(door: ASGIApp, path: str = "/mcp") -> APIRouter:
    """Return the router of the door: at its path itself, where a mount would send clients on to one with a slash."""
    router = APIRouter()
    router.routes.append(Route(path, door, include_in_schema=False))
    return router


def _read(model: type[BaseModel], arguments: Mapping[str, Any] | None) -> BaseModel:
    try:
        return model.model_validate(dict(arguments or {}))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def _version() -> str:
    try:
        return version("zhiyin")
    except PackageNotFoundError:
        return ""
