"""Runs ``python app.py`` in processes of their own that are forked from one which has imported everything.

What each start would cost (seconds of imports) is so paid once. What only an interpreter reads at its start (its locale, its
encoding) must be as it is here; for another, start a real one.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120
SERVER = """
import importlib, json, os, signal, sys, traceback
sys.path.insert(0, os.getcwd())
import app
for name in (
    "chatbot.pipeline", "chatbot.embedding", "chatbot.keeper", "chatbot.store_keys",
    "chatbot.llm.scripted", "chatbot.llm.factory",
    "retrieval.index_build", "retrieval.learned_store", "retrieval.sequence_store", "retrieval.event_import",
    "chromadb.api.rust", "chromadb.telemetry.product.posthog", "chromadb.telemetry.opentelemetry", "bm25s", "rich.console",
):
    importlib.import_module(name)
print("ready", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        os.environ.clear()
        os.environ.update(job["environment"])
        os.chdir(job["folder"])
        for number, name in enumerate(("input", "out", "err")):
            flags = os.O_RDONLY if name == "input" else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(job[name], flags, 0o600), number)
        sys.stdin, sys.stdout, sys.stderr = (open(n, "rw"[n > 0], encoding="utf-8", closefd=False) for n in range(3))
        sys.argv = ["app.py", *job["arguments"]]
        signal.alarm(job["seconds"])
        app.main()
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def _server() -> subprocess.Popen[str]:
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_")}, "PYTHONWARNINGS": "default"}
    environment |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.kill)
    assert server.stdout
    assert server.stdout.readline() == "ready\n"
    return server


def run_app(arguments: list[str | bytes | Path], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it, and return what it printed and its exit code, as ``subprocess.run`` does."""
    server = _server()
    assert server.stdin
    assert server.stdout
    with tempfile.TemporaryDirectory() as made:
        out, err = Path(made) / "out", Path(made) / "err"
        words = [os.fsdecode(argument) for argument in map(_plain, arguments)]
        job = {"arguments": words, "environment": environment, "folder": str(folder), "seconds": SECONDS}
        server.stdin.write(json.dumps({**job, "input": os.devnull, "out": str(out), "err": str(err)}) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        printed = [path.read_bytes().decode("utf-8", "replace") for path in (out, err)]
    return subprocess.CompletedProcess(["app.py", *words], code, *printed)


def _plain(argument: str | bytes | Path) -> str | bytes:
    return argument if isinstance(argument, bytes) else str(argument)
