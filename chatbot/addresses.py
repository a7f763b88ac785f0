"""What every door of the server goes by: which addresses are this machine's, and which headers an answer has."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Send

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
LOOPBACK_ONLY = "Only as 127.0.0.1, localhost or [::1]."


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on a host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def named_host(headers: Headers) -> str:
    """Return the host that a client says it talks to, without the port; empty when it says none that can be read.

    Starlette's URL would have this machine's own address in its place, as if that had been said.
    """
    found = _HOST.fullmatch(headers.get("host", ""))
    return found.group(1) if found else ""


def changes(method: str) -> bool:
    """Whether a request of a method may change something, so that another site's page must not send it."""
    return method not in ("GET", "HEAD", "OPTIONS")


def is_cross_site(headers: Headers) -> bool:
    """Whether a browser says that a page of another site sent the request; a program says nothing."""
    return headers.get("sec-fetch-site") == "cross-site"


def with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Return a ``send`` that gives the answer these headers, but for those that it has already."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = MutableHeaders(scope=message)
            for name, value in headers.items():
                given.setdefault(name, value)
        await send(message)

    return answer
