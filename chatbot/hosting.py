"""Listens on an address and serves an application there until it is told to end."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn

from retrieval.errors import SettingsError

_LET_GO_SECONDS = 2  # open streams may end, and a turn that was cut may write itself down
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
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # that streams were cut is no error here
        self._closing()
        self._server.should_exit = True
        self._thread.join(3 * _LET_GO_SECONDS)


def stop_on_sigterm() -> None:
    """Let ``kill`` end the program as Ctrl-C does: what is open is closed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
