"""Stands before an application: each request gets an id, is counted, timed and traced; and each log line of it has the id."""

from __future__ import annotations

import re
import time
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from chatbot.observing.metrics import METHODS, OTHER, Metrics

if TYPE_CHECKING:
    from chatbot.observing.traces import Tracer

HEADER = "x-request-id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CUT = 499  # the usual status of a request whose caller left before there was an answer


class Observed:
    """ASGI middleware. It should stand before all others, so that what they refuse is counted too."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracer: Tracer | None = None) -> None:
        """Take the application, what counts, and what traces."""
        self._app, self._metrics, self._tracer = app, metrics, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; when its answer is over, note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        headers, method = Headers(scope=scope), scope["method"] if scope["method"] in METHODS else OTHER
        request_id = request_id_of(headers)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with ExitStack() as stack:
            stack.enter_context(bound_contextvars(request_id=request_id))
            span = stack.enter_context(self._tracer.request(method, headers)) if self._tracer else None
            try:
                await self._app(scope, receive, answer)
            except Exception:
                status = status or 500
                raise
            finally:
                status = status or _CUT
                route = route_template(scope)
                self._metrics.request(route, method, status, time.perf_counter() - started)
                if self._tracer and span is not None:
                    self._tracer.answered(span, method, route, status)


def request_id_of(headers: Headers) -> str:
    """Return the id that a request comes with, if it is short and plain, else a new one."""
    given = headers.get(HEADER, "")
    return given if _ID.fullmatch(given) else uuid.uuid4().hex


def route_template(scope: Scope) -> str:
    """Return the template of the route that a request was sent to, as ``/v1/items/{id}``; ``other`` where there is none."""
    included: Any = scope.get("fastapi", {}).get("effective_route_context")  # has the prefix of an included router too
    route: Any = scope.get("route")
    path = getattr(included, "path_format", None) or getattr(route, "path_format", None) or getattr(route, "path", None)
    if route is None or not path:
        return OTHER
    before = str(scope.get("app_root_path", scope.get("root_path", "")))
    mounted = str(scope.get("root_path", "")).removeprefix(before)
    return mounted.rstrip("/") + str(path)
