"""Serves the page on an address."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from chatbot.pictures import Pictures
from chatbot.ui.access import Access, Gate
from retrieval.errors import SettingsError, ZhiyinError
from retrieval.types import Item

logger = logging.getLogger(__name__)
_gradio: Any = gr  # for the parts of it that have no types
_FOLDER = Path(__file__).parent
_SCRIPTS = "map.js", "script.js"
_LET_GO_SECONDS = 2  # a running turn may write itself down, and open streams may end
_START_SECONDS = 60.0
_PICTURES_AT_ONCE = 4  # a fetch takes seconds; the threads that answer the page are not to wait for it


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before anything is built for it."""
    host = host.strip("[]")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"Port {port} on {host} cannot be used: {error}. Close the program that uses it or choose another port, for "
            f"example --port {port + 1}.",
            key="error_port",
            host=host,
            port=port,
            other=port + 1,
        ) from error


class Served:
    """A page that is being served, in a thread of its own."""

    def __init__(self, page: Any, app: FastAPI, listening: socket.socket) -> None:
        """Begin to serve."""
        self._page = page
        config = uvicorn.Config(app, log_config=None, log_level="warning", timeout_graceful_shutdown=_LET_GO_SECONDS)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name="page", daemon=True)
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise SettingsError("The page could not be served; the log says why.")
            time.sleep(0.005)

    def close(self) -> None:
        """End within a few seconds, also in the middle of a turn, whose streams are cut."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # that streams were cut is no error here
        self._page.close(verbose=False)  # its streams end, and pages that are open count as closed: their turns stop
        self._server.should_exit = True
        self._thread.join(3 * _LET_GO_SECONDS)


def stop_on_sigterm() -> None:
    """Let ``kill`` end the program as Ctrl-C does: what is open is closed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def make_app(page: gr.Blocks, host: str, port: int, access: Access, routes: Sequence[BaseRoute] = ()) -> FastAPI:
    """Mount the page and what else is served into one application behind one gate."""
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
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
    return app


def launch(
    page: gr.Blocks,
    host: str,
    port: int,
    *,
    access: Access | None = None,
    routes: Sequence[BaseRoute] = (),
    block: bool = True,
) -> Served:
    """Serve the page until the process is told to end; with ``block=False`` return once it is served.

    Raises:
        SettingsError: the port is in use, or others could reach the page without a password.
    """
    access = access or Access()
    access.check_host(host)
    listening = _listen(host, port)
    try:
        served = Served(page, make_app(page, host, port, access, routes), listening)
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
