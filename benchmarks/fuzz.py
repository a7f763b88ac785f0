"""Requests made from the API's own description, right and wrong ones: ``python -m benchmarks.fuzz --examples 500``.

Every answer must be one that the description knows, in status, headers and shape, and none may be the server's fault. People
and store are made up, and end with the program, so that erasing and deleting are asked for as well.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

    from chatbot.pipeline import RecommendationPipeline

USERS = "ann", "bob"
TALK = "talk"  # of the first user
KNOWN = 2  # one in so many requests names what there is
_OURS = {"authorization", "x-api-key"}  # refusals are tested elsewhere, and wrong keys are soon refused without a look


@dataclass
class Fuzzed:
    """What became of the requests.

    Attributes:
        answers: (operation, status) -> how many.
        problems: what must not be, with what was asked.
        slowest: seconds of the longest request.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    problems: list[str] = field(default_factory=list[str])
    slowest: float = 0.0

    @property
    def statuses(self) -> Counter[int]:
        """How many answers had each status."""
        found: Counter[int] = Counter()
        for (_, status), count in self.answers.items():
            found[status] += count
        return found


def make_app(pipeline: RecommendationPipeline) -> tuple[FastAPI, dict[str, str]]:
    """Return the API over a pipeline with the doors that it describes, and the headers of a key of all scopes."""
    from chatbot.api.application import make_api
    from chatbot.api.guard import Door, Rules
    from chatbot.api.openai_chat import openai_router
    from chatbot.api.service import Service
    from chatbot.api.streaming import make_room
    from chatbot.api_keys import SCOPES, issue
    from chatbot.loading import Loader
    from chatbot.observing.metrics import Metrics
    from chatbot.store.keys import InMemoryKeys

    loader = Loader(lambda _report: pipeline)
    loader.start()
    loader.wait()
    service, room, keys = Service(loader), make_room(), InMemoryKeys()
    app = make_api(
        service,
        Door(lambda: keys, Rules(per_minute=0, concurrent=0)),
        Metrics().render,
        routers=[openai_router(service, room)],
        room=room,
    )
    return app, {"Authorization": f"Bearer {issue(keys, 'fuzz', SCOPES)[0]}"}


def fuzz(pipeline: RecommendationPipeline, examples: int, seed: int = 1, most_problems: int = 5) -> Fuzzed:
    """Ask what the description allows, and what it does not.

    Args:
        pipeline: over a store of its own; people, events and a conversation are put into it.
        examples: of each operation, half of them right.
        seed: of what is asked.
        most_problems: after which it stops.
    """
    from starlette.testclient import TestClient

    app, headers = make_app(pipeline)
    found = Fuzzed()
    items = sorted(pipeline.index.items)
    with TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        for operation in operations(app):
            for right in (True, False):
                _populate(client, items)
                _fuzz(operation, right, max(1, examples // 2), client, items, seed, found)
                if len(found.problems) >= most_problems:
                    return found
    return found


def operations(app: FastAPI) -> list[Any]:
    """Return the operations of an application's description."""
    with warnings.catch_warnings():  # of the libraries that it loads, in which nothing can be done here
        warnings.simplefilter("ignore")
        schemathesis: Any = import_module("schemathesis")
    return [found.ok() for found in schemathesis.openapi.from_dict(app.openapi()).get_all_operations()]


def _populate(client: Any, items: Sequence[str]) -> None:
    """Make what may have been erased: two people with likes, and a conversation."""
    events = [{"user": user, "kind": "liked", "item": items[n], "id": f"{user}-{n}"} for user in USERS for n in range(3)]
    client.post("/v1/events", json={"events": events})
    client.post("/v1/chat", json={"user": USERS[0], "message": "something quiet", "conversation": TALK, "items_only": True})


def _fuzz(operation: Any, right: bool, examples: int, client: Any, items: Sequence[str], seed: int, found: Fuzzed) -> None:
    """Ask for one operation, and note what must not be."""
    hypothesis, strategies = import_module("hypothesis"), import_module("hypothesis.strategies")
    modes: Any = import_module("schemathesis").GenerationMode
    label = f"{operation.method.upper()} {operation.path}"
    everything: Any = hypothesis.HealthCheck

    @hypothesis.seed(f"{seed} {label} {right}")
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(everything),
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    @hypothesis.given(
        operation.as_strategy(modes.POSITIVE if right else modes.NEGATIVE), strategies.integers(0, 10 * KNOWN * len(items) - 1)
    )
    def ask(case: Any, number: int) -> None:
        if number % KNOWN == 0:
            _name_known(case, items[number % len(items)], USERS[number % len(USERS)])
        sent = case.as_transport_kwargs()
        sent["headers"] = {name: value for name, value in sent["headers"].items() if name.lower() not in _OURS}
        begun = time.perf_counter()
        try:
            response = client.request(**_as_httpx(sent))
        except UnicodeError:  # what no client can put into a request
            return
        found.slowest = max(found.slowest, time.perf_counter() - begun)
        found.answers[label, response.status_code] += 1
        if problems := _problems(case, response):
            found.problems.append(f"{label}: {'; '.join(problems)}\n  asked: {_short(sent)}\n  got: {response.text[:300]}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ask()
        except import_module("hypothesis.errors").Unsatisfiable:  # nothing of it can be wrong
            return


def _problems(case: Any, response: Any) -> list[str]:
    """Return what is wrong with an answer: the server's fault, or not as described."""
    checks: Any = import_module("schemathesis.specs.openapi.checks")
    wanted = [
        import_module("schemathesis.checks").not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    failures: Any = import_module("schemathesis.checks")
    try:
        case.validate_response(response, checks=wanted)
    except (failures.FailureGroup, failures.Failure) as error:
        return [" ".join(str(one).split())[:300] for one in getattr(error, "exceptions", [error])]
    return []


def _name_known(case: Any, item: str, user: str) -> None:
    """Let a request name somebody and something that there is."""
    known = {"user": user, "conversation": TALK, "id": item}
    for name in case.path_parameters or {}:
        case.path_parameters[name] = known.get(name, case.path_parameters[name])
    body = case.body
    if not isinstance(body, dict):
        return
    if "message" in body or "messages" in body:  # most that come without a user end there
        body["user"] = user
    if isinstance(body.get("messages"), list):
        body["messages"].append({"role": "user", "content": "something quiet, no horror"})
    for name, value in (("user", user), ("like", [item]), ("conversation", TALK), ("clear", [item])):
        if name in body:
            body[name] = value
    for event in body["events"] if isinstance(body.get("events"), list) else ():
        if isinstance(event, dict):
            event |= {"item": item, "user": user}


def _as_httpx(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as httpx takes it; of what is no address the client is told by the server, not by itself."""
    known = {"method", "url", "headers", "params", "json", "data", "cookies", "content"}
    request = {name: value for name, value in sent.items() if name in known and value is not None}
    if isinstance(request.get("data"), (bytes, str)):
        request["content"] = request.pop("data")
    return request


def _short(sent: Mapping[str, Any]) -> str:
    return str({name: value for name, value in sent.items() if value})[:600]


def table(found: Fuzzed) -> Iterable[tuple[str, str]]:
    """Return each operation with how often it answered what."""
    names = dict.fromkeys(name for name, _ in found.answers)
    for name in names:
        said = {status: count for (label, status), count in sorted(found.answers.items()) if label == name}
        yield name, ", ".join(f"{status}: {count}" for status, count in said.items())


def main() -> None:
    """Run over the shipped catalogue; exits with 1 when something was found."""
    from chatbot.llm.scripted import ScriptedModel
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.store import InMemoryUserStore
    from retrieval.catalog import read_catalog
    from retrieval.domain_files import load_domain
    from retrieval.embedder import HashingEmbedder
    from retrieval.index import build_in_memory
    from retrieval.vector_store import InMemoryVectorStore

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=200, help="requests of each operation")
    parser.add_argument("--seed", type=int, help="of what is asked; without, another each time")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    domain = load_domain("movies")
    index = build_in_memory(domain, read_catalog(domain.catalogue_path, domain), HashingEmbedder(), InMemoryVectorStore())
    found = fuzz(RecommendationPipeline(index, ScriptedModel(), InMemoryUserStore()), options.examples, seed)
    for name, said in table(found):
        print(f"{name:56} {said}")
    print(f"{found.answers.total()} requests, the slowest {found.slowest:.2f} s, seed {seed}")
    if found.problems:
        sys.exit("not as it must be:\n" + "\n".join(found.problems))


if __name__ == "__main__":
    main()
