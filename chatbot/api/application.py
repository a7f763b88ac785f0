"""The API as one application: every route behind the guard, and the description of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic.json_schema import models_json_schema
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from chatbot.api.guard import Door, protect
from chatbot.api.models import EVENTS
from chatbot.api.routes_chat import chat_router
from chatbot.api.routes_items import items_router
from chatbot.api.routes_ops import Render, ops_router
from chatbot.api.routes_people import people_router
from chatbot.api.service import Service
from chatbot.api.streaming import Room, make_room

DESCRIPTION = (
    "Recommendations in conversation, with reasons that name what they rest on; lists without words; and what is known of "
    "people, all of it theirs to see, correct, take along and erase.\n\n"
    "Every request needs a key or a user's token, except on a loopback address where no key was made yet. An answer that is no "
    'success has one shape: `{"error": {"code", "message", "where"}}`.'
)
OPENAPI = "/v1/openapi.json"


def make_api(
    service: Service,
    door: Door,
    render: Render,
    *,
    version: str = "1",
    routers: Iterable[APIRouter] = (),
    mounts: Mapping[str, ASGIApp] | None = None,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[Any]] | None = None,
    room: Room | None = None,
) -> FastAPI:
    """Put the service behind its routes, and the guard before them. Nothing needs to be loaded yet.

    Args:
        service: does the work.
        door: says who may come in; see :class:`chatbot.api.guard.Door`.
        render: writes the metrics; see :meth:`chatbot.observing.metrics.Metrics.render`.
        version: of the description.
        routers: of other doors; their routes need scopes of their own.
        mounts: path to an application that is served below it, behind the same guard.
        lifespan: of what is mounted.
        room: threads that turns run in; see :func:`chatbot.api.streaming.make_room`. Another door that runs turns shares it.
    """
    app = FastAPI(
        title="Zhiyin",
        version=version,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    room = room or make_room()
    own = chat_router(service, room), items_router(service), people_router(service, door.keys), ops_router(service, render)
    for router in (*own, *routers):
        app.include_router(router)
    app.include_router(_description(app))
    for path, mounted in (mounts or {}).items():
        app.mount(path, mounted)
    protect(app, door)
    return app


def _description(app: FastAPI) -> APIRouter:
    """Return the route of the description: for whoever has any key. It describes the events of a stream too."""
    router, make = APIRouter(), app.openapi

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            kinds: Any = [(kind, "serialization") for kind in EVENTS.values()]
            _, events = models_json_schema(kinds, ref_template="#/components/schemas/{model}")
            known: dict[str, Any] = make()["components"]["schemas"]
            known |= {name: schema for name, schema in events["$defs"].items() if name not in known}
        return make()

    app.openapi = describe

    @router.get(OPENAPI, include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(describe())

    return router
