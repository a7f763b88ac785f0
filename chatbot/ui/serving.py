"""Serves the page on an address."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
import gradio as gr
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatbot.hosting import Behind, Served, listen, stop_on_sigterm
from chatbot.pictures import Pictures
from chatbot.ui.access import Access, Gate
from retrieval.errors import ZhiyinError
from retrieval.types import Item

logger = logging.getLogger(__name__)
_gradio: Any = gr  # for the parts of it that have no types
_FOLDER = Path(__file__).parent
_SCRIPTS = "map.js", "script.js"
_API = "/v1", "/mcp", "/metrics"  # what is below these is the API's, which has a guard of its own
_PICTURES_AT_ONCE = 4  # a fetch takes seconds; the threads that answer the page are not to wait for it


class _Beside:
    """Sends requests to the API past the page and its gate."""

    def __init__(self, app: ASGIApp, api: ASGIApp) -> None:
        """Take the page and the API."""
        self._app, self._api = app, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a request where it belongs."""
        path = scope.get("path", "")
        of_api = any(path == prefix or path.startswith(f"{prefix}/") for prefix in _API)
        await (self._api if of_api else self._app)(scope, receive, send)


def make_app(
    page: gr.Blocks, host: str, port: int, access: Access, routes: Sequence[BaseRoute] = (), api: Behind | None = None
) -> FastAPI:
    """Mount the page and what else is served into one application behind one gate, and the API beside it."""
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=api.lifespan if api else None)
    app.router.routes += [*(access.routes() if access.guarded else ()), *routes]
    page.queue(default_concurrency_limit=16, api_open=False)
    app = _gradio.mount_gradio_app(
        app,
        page,
        path="/",
        server_name=host,
        server_port=port,
        auth_dependency=access.user if access.guarded else None,
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        mcp_server=False,
        pwa=False,
        footer_links=[],
        theme=_gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        head=f"<style>{style}</style><script>{script}</script>",
    )
    app.add_middleware(CORSMiddleware)  # lets no other origin read; without it Gradio would let all, on a public host
    app.add_middleware(Gate, access=access)
    if api:
        app.add_middleware(_Beside, api=api)
    return app


def launch(
    page: gr.Blocks,
    host: str,
    port: int,
    *,
    access: Access | None = None,
    routes: Sequence[BaseRoute] = (),
    api: Behind | None = None,
    closing: Callable[[], object] = lambda: None,
    block: bool = True,
) -> Served:
    """Serve the page, and the API beside it, until the process is told to end; with ``block=False`` return once it is served.

    Args:
        page: built, not launched.
        host: to listen on.
        port: to listen on.
        access: who may come in to the page.
        routes: that belong to the page.
        api: is served beside it.
        closing: lets running turns end, before anything is closed.
        block: wait.

    Raises:
        SettingsError: the port is in use, or others could reach the page without a password.
    """
    access = access or Access()
    access.check_host(host)
    listening = listen(host, port)

    def close() -> None:
        closing()
        page.close(verbose=False)  # its streams end, and pages that are open count as closed: their turns stop

    try:
        served = Served(make_app(page, host, port, access, routes, api), listening, close)
    except BaseException:
        listening.close()
        raise
    logger.info("the page is at http://%s:%d", host, port)
    if block:
        stop_on_sigterm()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
        finally:
            served.close()
    return served


def picture_route(pictures: Pictures, find: Callable[[str], Item | None]) -> Route:
    """Return ``GET /pictures/{item_id}``: the small picture of an item, or 404.

    Args:
        pictures: of the catalogue.
        find: the item of an id; its :class:`ZhiyinError`, while nothing is loaded, is answered with 503.
    """
    limiter = anyio.CapacityLimiter(_PICTURES_AT_ONCE)

    def look(item_id: str) -> Path | None:
        item = find(item_id)
        return pictures.file(item) if item else None

    async def picture(request: Request) -> Response:
        try:
            path = await anyio.to_thread.run_sync(look, request.path_params["item_id"], limiter=limiter)
        except ZhiyinError as error:
            return PlainTextResponse(str(error), 503)
        if path is None:
            return PlainTextResponse("No picture.", 404)
        headers = {"ETag": f'"{path.stem}"', "Cache-Control": "private, max-age=86400"}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return FileResponse(path, media_type="image/webp", headers=headers)

    return Route("/pictures/{item_id:path}", picture, methods=["GET"])
