"""Looks at what has to be reached: the port to listen on, and the servers that the settings name."""

from __future__ import annotations

import errno
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatbot.doctor import Check, Look, Plan
from retrieval.errors import SettingsError

_SECONDS = 5.0


def reaching(plan: Plan) -> list[tuple[str, Look]]:
    """Return what is to be looked at: the port, and the servers that are set."""
    settings = plan.settings
    looks: list[tuple[str, Look]] = [("port", lambda: port(plan.host, plan.port))]
    if settings.chroma_url:
        looks.append(("chroma", lambda: chroma(settings.chroma_url)))
    if settings.engine == "openai":
        key = settings.server_key.get_secret_value().strip()
        looks.append(("model server", lambda: model_server(settings.server_url, settings.model, key)))
    if settings.artifacts:
        looks.append(("artifacts", lambda: artifacts(settings.artifacts)))
    if settings.traces:
        looks.append(("traces", lambda: collector(settings.traces)))
    return looks


def port(host: str, number: int) -> Check:
    """See whether an address is free; a page of Zhiyin's own may have it."""
    from chatbot.hosting import listen

    try:
        listen(host, number).close()
        return Check("port", "ok", f"{number} on {host} is free")
    except SettingsError as error:
        in_use = getattr(error.__cause__, "errno", None) == errno.EADDRINUSE
        pid, command = _listener(number) if in_use else (0, list[str]())
        if any(Path(word).name in ("app.py", "zhiyin") for word in command):
            return Check("port", "ok", f"{number} on {host} is used by a Zhiyin that runs (pid {pid})")
        user = f" Process {pid} uses it: {' '.join(command)[:100]}" if pid else ""
        return Check("port", "failed", f"{error}{user}", f"python app.py --port {number + 1}")


def _listener(number: int) -> tuple[int, list[str]]:
    """Return pid and command of the process that listens on a port; 0 where that cannot be seen."""
    import psutil

    try:
        pids = [c.pid for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr and c.laddr[1] == number]
        pid = next((pid for pid in pids if pid), 0)
        return pid, psutil.Process(pid).cmdline() if pid else []
    except psutil.Error:
        return 0, []


def chroma(url: str) -> Check:
    """Ask the Chroma server which version it is of."""
    from importlib.metadata import version

    import httpx

    do = "chroma run --path FOLDER --host HOST --port PORT, or correct ZHIYIN_CHROMA_URL"
    try:
        httpx.get(f"{url.rstrip('/')}/api/v2/heartbeat", timeout=_SECONDS).raise_for_status()
        there = str(httpx.get(f"{url.rstrip('/')}/api/v2/version", timeout=_SECONDS).raise_for_status().json())
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Check("chroma", "failed", f"{url} does not answer as a Chroma server: {_said(error)}", do)
    return Check("chroma", "ok", f"{url} answers, version {there}; the client is {version('chromadb')}")


def model_server(url: str, model: str, key: str) -> Check:
    """Ask the model server which models it has."""
    import httpx

    if not url:
        return Check("model server", "failed", "None is named", "export ZHIYIN_SERVER_URL=http://127.0.0.1:8000/v1")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    shown = urlsplit(url).hostname or url
    try:
        answer = httpx.get(f"{url.strip().rstrip('/')}/models", headers=headers, timeout=_SECONDS)
        if answer.status_code in (401, 403):
            found = f"{shown} refuses the key ({answer.status_code})"
            return Check("model server", "failed", found, "export ZHIYIN_SERVER_KEY=…, a key of this server")
        known = [str(entry["id"]) for entry in answer.raise_for_status().json()["data"]]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        found = f"{shown} does not answer as a server of the OpenAI API: {_said(error)}"
        return Check("model server", "failed", found, "Start it, or correct ZHIYIN_SERVER_URL: it ends in /v1.")
    if not known or (model != "default" and model not in known):
        found = f"{shown} has {', '.join(known) or 'no model'}, and '{model}' is asked for"
        return Check("model server", "failed", found, "export ZHIYIN_MODEL=…, one of them, or start the server with it")
    return Check("model server", "ok", f"{shown} answers, with {', '.join(known[:5])}")


def artifacts(url: str) -> Check:
    """Look into the folder or object storage that indexes are published to."""
    found: list[Check] = []

    def look() -> None:
        try:
            found.append(_list(url))
        except Exception as error:  # each kind of storage has its own
            found.append(Check("artifacts", "failed", f"{url} cannot be read: {_said(error)}", "Correct ZHIYIN_ARTIFACTS."))

    thread = threading.Thread(target=look, daemon=True)  # some storages try again for minutes
    thread.start()
    thread.join(2 * _SECONDS)
    return found[0] if found else Check("artifacts", "failed", f"{url} does not answer", "Is it up? Correct ZHIYIN_ARTIFACTS.")


def _list(url: str) -> Check:
    import fsspec.core

    core: Any = fsspec.core
    try:
        filesystem, root = core.url_to_fs(url)
    except ImportError as error:
        return Check("artifacts", "failed", f"{url} needs a package: {error}", "python -m pip install s3fs (or as it says)")
    if not filesystem.exists(root):
        return Check("artifacts", "warning", f"{url} is reached, and nothing is published there yet", "python app.py publish")
    return Check("artifacts", "ok", f"{url} is reached; {len(filesystem.ls(root, detail=False))} entries")


def collector(url: str) -> Check:
    """Connect to where traces are sent."""
    parts = urlsplit(url)
    do = "Start the collector, or correct ZHIYIN_TRACES, as in http://127.0.0.1:4317."
    try:
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("that is no URL of a collector")
        socket.create_connection((parts.hostname, parts.port or 4317), timeout=_SECONDS).close()
    except (OSError, ValueError) as error:
        return Check("traces", "warning", f"{url} cannot be reached: {_said(error)}", do)
    return Check("traces", "ok", f"{url} is reached")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
