"""Serves the page on an address."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
import gradio as gr
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from chatbot.hosting import Behind, Beside, Served, listen, living, stop_on_sigterm
from chatbot.pictures import Pictures
from chatbot.ui.access import Access, Gate
from retrieval.errors import ZhiyinError
from retrieval.types import Item

logger = logging.getLogger(__name__)
_gradio: Any = gr  # for the parts of it that have no types
_FOLDER = Path(__file__).parent
_SCRIPTS = "map.js", "script.js"
_PICTURES_AT_ONCE = 4  # a fetch takes seconds; the threads that answer the page are not to wait for it


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that is served.

    Attributes:
        page: built, not launched.
        path: below which it is, without a slash at its end; empty for the first.
        routes: that belong to it.
        api: is served beside it.
    """

    page: gr.Blocks
    path: str = ""
    routes: Sequence[BaseRoute] = ()
    api: Behind | None = None


def make_app(
    page: gr.Blocks,
    host: str,
    port: int,
    access: Access,
    routes: Sequence[BaseRoute] = (),
    api: Behind | None = None,
    others: Sequence[Shown] = (),
) -> FastAPI:
    """Mount the pages and what else is served into one application behind one gate, and the API of each beside it."""
    pages = [*others, Shown(page, "", routes, api)]  # the first takes whatever is below no other
    apis = {shown.path: shown.api for shown in pages if shown.api}
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=living(list(apis.values())))
    app.router.routes += [*(access.routes() if access.guarded else ()), *(route for shown in pages for route in shown.routes)]
    for shown in pages:
        app = _mount(app, shown, host, port, access, f"<style>{style}</style><script>{script}</script>")
    app.add_middleware(CORSMiddleware)  # lets no other origin read; without it Gradio would let all, on a public host
    app.add_middleware(Gate, access=access)
    if apis:
        app.add_middleware(Beside, apis=apis)
    return app


def _mount(app: FastAPI, shown: Shown, host: str, port: int, access: Access, head: str) -> FastAPI:
    shown.page.queue(default_concurrency_limit=16, api_open=False)
    return _gradio.mount_gradio_app(
        app,
        shown.page,
        path=shown.path or "/",
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
        head=head,
    )


def launch(
    page: gr.Blocks,
    host: str,
    port: int,
    *,
    access: Access | None = None,
    routes: Sequence[BaseRoute] = (),
    api: Behind | None = None,
    others: Sequence[Shown] = (),
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
        others: further pages, below paths of their own.
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
        for one in (page, *(shown.page for shown in others)):
            one.close(verbose=False)  # its streams end, and pages that are open count as closed: their turns stop

    try:
        served = Served(make_app(page, host, port, access, routes, api, others), listening, close)
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


def picture_route(pictures: Pictures, find: Callable[[str], Item | None], base: str = "") -> Route:
    """Return ``GET /pictures/{item_id}``: the small picture of an item, or 404.

    Args:
        pictures: of the catalogue.
        find: the item of an id; its :class:`ZhiyinError`, while nothing is loaded, is answered with 503.
        base: where the page is that shows them, without a slash at its end.
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

    return Route(base + "/pictures/{item_id:path}", picture, methods=["GET"])
