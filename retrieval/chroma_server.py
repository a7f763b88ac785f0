"""Clients of a Chroma server: with a limit of time, and with errors that say what to do."""

from __future__ import annotations

import importlib
from typing import Any
from urllib.parse import urlsplit

from retrieval.errors import SettingsError, VectorServerError

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 5.0  # Chroma's own client would wait for ever


def connect(url: str, seconds: float = ANSWER_SECONDS) -> Any:
    """Return a client of the Chroma server at an address. It asks no other host.

    Args:
        url: the address, such as ``http://host:8000``.
        seconds: to wait for an answer.

    Raises:
        SettingsError: the address cannot be one.
        VectorServerError: no Chroma server answers there.
    """
    httpx: Any = importlib.import_module("httpx")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise SettingsError(f"ZHIYIN_CHROMA_URL is {url!r}, which is no address of a server. Give one like http://host:8000.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:  # Chroma's own client asks without a limit of time while it is made
        beat = httpx.get(f"{url.rstrip('/')}/api/v2/heartbeat", timeout=CONNECT_SECONDS).raise_for_status().json()
        beat["nanosecond heartbeat"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise unusable(url, error) from error
    chromadb: Any = importlib.import_module("chromadb")
    settings: Any = importlib.import_module("chromadb.config").Settings(anonymized_telemetry=False, allow_reset=False)
    try:
        client = chromadb.HttpClient(host=parts.hostname, port=port, ssl=parts.scheme == "https", settings=settings)
    except Exception as error:
        raise unusable(url, error) from error
    for session in _sessions(client):
        session.timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
    return client


def disconnect(client: Any) -> None:
    """Close a client of Chroma; that of a server leaves its connections open by itself (1.5.9)."""
    sessions = _sessions(client)
    client.close()
    for session in sessions:
        session.close()


def _sessions(client: Any) -> list[Any]:
    """The HTTP connections of a client; none where it has a folder."""
    servers = (getattr(part, "_server", None) for part in (client, getattr(client, "_admin_client", None)))
    return list({id(s): s for s in (getattr(server, "_session", None) for server in servers) if s is not None}.values())


def server_failed(error: Exception) -> bool:
    """Whether an error of Chroma's client is the server's: no connection, no answer in time, or one that says it failed."""
    errors: Any = importlib.import_module("chromadb.errors")
    http: Any = importlib.import_module("httpx")
    return isinstance(error, (errors.ChromaError, http.HTTPError)) or type(error) is Exception


def unusable(url: str, error: Exception) -> VectorServerError:
    """Return the error of a Chroma server that does not do what it is asked."""
    why = " ".join(str(error).split())[:300] or type(error).__name__
    return VectorServerError(
        f"The Chroma server at {url} cannot be used: {why}. Start it ('chroma run --path FOLDER --host HOST --port PORT'), or "
        "correct ZHIYIN_CHROMA_URL.",
        key="error_vectors",
        url=url,
        problem=why,
    )
