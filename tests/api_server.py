"""The API for tests: over a pipeline, with keys, and with models that wait or fail when a test wants it."""

from __future__ import annotations

import itertools
import json
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
from starlette.testclient import TestClient

from chatbot.api.application import make_api
from chatbot.api.guard import Door, Rules
from chatbot.api.service import Service
from chatbot.api_keys import SCOPES, issue
from chatbot.hosting import Served, listen
from chatbot.llm.scripted import ScriptedModel
from chatbot.loading import Loader
from chatbot.observing.metrics import Metrics
from chatbot.store.keys import InMemoryKeys
from retrieval.errors import EngineError

_NUMBERS = itertools.count()
EXAMPLES = {"user": "ann", "conversation": "c1", "id": "spirited-away-2001"}  # of paths


class WaitingModel(ScriptedModel):
    """Says nothing until the turn is called off, and tells a test when it began to wait and when it was let go."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting, self.let_go = threading.Event(), threading.Event()

    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        self.waiting.set()
        assert cancel.wait(30), "nobody called the turn off"
        self.let_go.set()
        yield from ()


class FailingModel(ScriptedModel):
    """Works once it is mended."""

    broken: Exception | None = EngineError("The model is away.")

    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        if self.broken:
            raise self.broken
        yield from super().stream(prompt, max_tokens=max_tokens, stop=stop, cancel=cancel)


def serve(pipeline, **rules):
    """Return the API over a pipeline; None: one that never loads."""
    wait = threading.Event()
    loader = Loader(lambda report: pipeline or (report("index", 0.4), wait.wait()))
    loader.start()
    if pipeline:
        loader.wait(30)
    service, keys = Service(loader), InMemoryKeys()
    door = Door(lambda: keys, Rules(**{"per_minute": 0, "concurrent": 0, **rules}))
    app = make_api(service, door, Metrics().render)
    made = {}

    def key(*scopes, user=""):
        """Return the headers of a key, the same for the same scopes and user."""
        name = (scopes, user)
        if name not in made:
            made[name] = issue(keys, "shop", scopes or SCOPES, user=user)[0]
        return {"Authorization": f"Bearer {made[name]}"}

    client = TestClient(app, headers=key(), raise_server_exceptions=False)
    return SimpleNamespace(app=app, service=service, keys=keys, key=key, client=client, pipeline=pipeline, user="ann")


def somebody(api):
    """Return the same API for somebody whom no other test knows: building one for every test takes long."""
    return SimpleNamespace(**{**vars(api), "user": f"somebody-{next(_NUMBERS)}"})


@contextmanager
def listening(app):
    """Serve an application on a port of this machine, and give a client for it."""
    socket = listen("127.0.0.1", 0)
    served = Served(app, socket)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{socket.getsockname()[1]}", timeout=30) as client:
            yield client
    finally:
        served.close()
        socket.close()


def events(lines):
    """Yield (name, data) of server-sent events, and ("ping", None) of comments."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])
        elif line.startswith(":"):
            yield "ping", None


def routes(app):
    """Yield (method, path with example values, operation) of every route that the API describes."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.format(**EXAMPLES), operation
