"""Listens on an address and serves an application there until it is told to end."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import anyio
import anyio.to_thread
import typer
import uvicorn
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from chatbot.loading import Loader
from retrieval.errors import SettingsError

logger = logging.getLogger(__name__)
_API = "/v1", "/mcp", "/metrics"  # what is below these is an API's, which has a guard of its own
_LET_GO_SECONDS = 2  # open streams may end, and a turn that was cut may write itself down
_LET_GO_TURN_SECONDS = 20.0  # how long it may take a turn that was called off to write itself down
_START_SECONDS = 60.0


def listen(host: str, port: int) -> socket.socket:
    """Take an address before anything is built for it.

    Raises:
        SettingsError: ``error_port``: it is in use, or none of this machine's.
    """
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


class Behind:
    """An application that is put together while another is served already: requests to it wait until it is there."""

    def __init__(self, build: Callable[[], FastAPI]) -> None:
        """Take what puts it together, which runs in a thread."""
        self._build = build
        self._app: FastAPI | None = None
        self._there = anyio.Event()
        self._over = anyio.Event()

    @asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncGenerator[None]:
        """Put it together and live as long as the block: the lifespan of the application that is served already."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._live)
            yield
            self._over.set()

    async def _live(self) -> None:
        try:
            app = await anyio.to_thread.run_sync(self._build)
            async with app.router.lifespan_context(app):
                self._app = app
                self._there.set()
                await self._over.wait()
        except Exception:
            logger.exception("what is served beside the page could not be put together")
        finally:
            self._app = None
            self._there.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 503 when there is nothing to pass it to."""
        await self._there.wait()
        app = self._app or PlainTextResponse("Not served here; the log of the server says why.", 503)
        await app(scope, receive, send)


class Beside:
    """Sends requests to the APIs past whatever else is served, such as pages and their gate."""

    def __init__(self, app: ASGIApp, apis: Mapping[str, ASGIApp]) -> None:
        """Take what else is served, and each API by the path that it is below."""
        self._app, self._apis = app, apis

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a request where it belongs; an API knows nothing of the path that it is below."""
        path = scope.get("path", "")
        for base, api in self._apis.items():
            if any(path == base + prefix or path.startswith(f"{base}{prefix}/") for prefix in _API):
                below = {"path": path[len(base) :], "raw_path": scope.get("raw_path", b"")[len(base) :]} if base else {}
                await api({**scope, **below}, receive, send)
                return
        await self._app(scope, receive, send)


def living(apis: Sequence[Behind]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]] | None:
    """Return the lifespan of several applications as one."""
    if not apis:
        return None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for api in apis:
                await stack.enter_async_context(api.lifespan(app))
            yield

    return lifespan


class Served:
    """An application that is being served, in a thread of its own."""

    def __init__(self, app: Any, listening: socket.socket, closing: Callable[[], object] = lambda: None) -> None:
        """Begin to serve.

        Args:
            app: an ASGI application.
            listening: where.
            closing: ends what goes on in the application, before its streams are cut.

        Raises:
            SettingsError: it does not start.
        """
        self._closing = closing
        config = uvicorn.Config(app, log_config=None, log_level="warning", timeout_graceful_shutdown=_LET_GO_SECONDS)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name="server", daemon=True)
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise SettingsError("The application could not be served; the log says why.")
            time.sleep(0.005)

    def close(self) -> None:
        """End within a few seconds of ``closing``, also in the middle of a turn, whose streams are cut."""
        log = logging.getLogger("uvicorn.error")
        usual = log.level
        log.setLevel(logging.CRITICAL)  # that streams were cut is no error here
        self._closing()
        self._server.should_exit = True
        self._thread.join(3 * _LET_GO_SECONDS)
        log.setLevel(usual)


class Turn(Protocol):
    """A running turn: ``cancel`` calls it off, ``over`` is set when it has written itself down."""

    @property
    def cancel(self) -> threading.Event:  # noqa: D102
        ...

    @property
    def over(self) -> threading.Event:  # noqa: D102
        ...


class Door(Protocol):
    """What runs turns: the pages, or the API."""

    def begin_drain(self) -> None:
        """Take no more of them."""
        ...

    def turns(self) -> Sequence[Turn]:
        """Return those that run."""
        ...


def end_turns(seconds: float, doors: Sequence[Door]) -> int:
    """Let the running turns of all doors end; those that take longer are called off, and kept as far as they came.

    Args:
        seconds: that they may go on.
        doors: take no more turns from now on.

    Returns:
        How many were called off.
    """
    for door in doors:
        door.begin_drain()
    _wait([turn for door in doors for turn in door.turns()], seconds)
    left = [turn for door in doors for turn in door.turns() if not turn.over.is_set()]
    for turn in left:
        turn.cancel.set()
    _wait(left, _LET_GO_TURN_SECONDS)
    if left:
        logger.warning("%d turns were called off after %g s, and kept as far as they came", len(left), seconds)
    return len(left)


def _wait(turns: Sequence[Turn], seconds: float) -> None:
    until = time.monotonic() + seconds
    for turn in turns:
        turn.over.wait(max(0.0, until - time.monotonic()))


def live(loaders: Sequence[Loader[Any]], served: Served) -> None:
    """Load what is served, and wait until the program is told to end; then end what is served."""
    for loader in loaders:
        loader.start()
    try:
        loaders[0].block()
    except KeyboardInterrupt:
        typer.echo("Goodbye. 再见。", err=True)
    finally:  # before the caller closes the store under a turn
        served.close()


def stop_on_sigterm() -> None:
    """Let ``kill`` end the program as Ctrl-C does: what is open is closed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
