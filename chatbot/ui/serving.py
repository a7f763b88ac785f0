"""Serves the page on an address."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Any

import gradio as gr

from retrieval.errors import SettingsError

logger = logging.getLogger(__name__)
_gradio: Any = gr  # for the parts of it that have no types
_FOLDER = Path(__file__).parent


def _check_port(host: str, port: int) -> None:
    """Raise where the address cannot be bound, before Gradio tries and says it less clearly."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a port just left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} on {host} cannot be used: {error.strerror}. Close the program that uses it or choose another "
                f"port, for example --port {port + 1}.",
                key="error_port",
                host=host,
                port=port,
                other=port + 1,
            ) from error


def launch(page: gr.Blocks, host: str, port: int, *, block: bool = True) -> None:
    """Serve the page until the process ends; with ``block=False`` return once it is served.

    Raises:
        SettingsError: the port is in use.
    """
    _check_port(host, port)
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    script = (_FOLDER / "script.js").read_text(encoding="utf-8")
    page.queue(default_concurrency_limit=16, api_open=False)
    page.launch(
        server_name=host,
        server_port=port,
        inbrowser=False,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        theme=_gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        head=f"<style>{style}</style><script>{script}</script>",
    )
    logger.info("the page is at http://%s:%d", host, port)
    if block:
        page.block_thread()
