"""The model crashes, hangs, fails, is killed or was never there: turns are whole all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from benchmarks.faults.site import WISHES, ModelServer, Person, Site, copied, until
from benchmarks.faults.tally import Tally
from chatbot.llm.base import Prompt
from chatbot.llm.guarded import GuardedModel
from chatbot.llm.scripted import ScriptedModel
from chatbot.pipeline import RecommendationPipeline
from chatbot.records import turn_record
from chatbot.reranking import Poll
from chatbot.store import SqlUserStore
from retrieval.catalog import read_catalog
from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.index import CatalogIndex, build_in_memory
from retrieval.vector_store import InMemoryVectorStore

PATIENCE = 1.0  # seconds
SILENT = "no sentence by the model", "no vote"


class Broken(ScriptedModel):
    """An engine in this process that can be broken."""

    lets_go = False  # not even its caller, when it hangs

    def __init__(self) -> None:
        """Begin well."""
        super().__init__(["Nobody is there."])
        self.fault = ""
        self.go = threading.Event()

    def _fail(self) -> None:
        if self.fault == "raise":
            raise RuntimeError("illegal memory access")
        if self.fault == "hang":
            self.go.wait(60)

    def stream(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancel: threading.Event | None = None
    ) -> Iterator[str]:
        """Write, or fail."""
        self._fail()
        yield from super().stream(prompt, max_tokens=max_tokens, stop=stop, cancel=cancel)

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Vote, or fail."""
        self._fail()
        return super().score(prompt, labels)


def demo_index() -> CatalogIndex:
    """The demo catalogue, with hashed words."""
    domain = load_domain("movies")
    return build_in_memory(domain, read_catalog(domain.catalogue_path, domain), HashingEmbedder(), InMemoryVectorStore())


def in_process(index: CatalogIndex, folder: Path, times: int) -> list[Tally]:
    """An engine of this process raises, and hangs."""
    tallies: list[Tally] = []
    for fault, name in (("raise", "model raises (engine in the process)"), ("hang", "model hangs (engine in the process)")):
        tally, broken = Tally(name), Broken()
        store = SqlUserStore(f"sqlite:///{folder / f'{fault}.db'}")
        pipeline = RecommendationPipeline(index, GuardedModel(broken, PATIENCE), store, poll=Poll(0.5))
        for n in range(times):
            _one(pipeline, broken, fault, n, tally)
        store.close()
        tallies.append(tally)
    return tallies


def _one(pipeline: RecommendationPipeline, broken: Broken, fault: str, n: int, tally: Tally) -> None:
    user, talk, store = f"u{n}", f"c{n}", pipeline.store

    def say(turn: str) -> dict[str, Any]:
        known = store.load(talk, user)
        return turn_record(pipeline.complete(WISHES[n % 2], known, pipeline.profile(user), turn_id=f"{turn}{n}"))

    say("first")
    before = {event.id for event in store.events(user)}
    broken.fault, started = fault, time.perf_counter()
    turn = say("second")
    tally.seconds = max(tally.seconds, time.perf_counter() - started)
    tally.times += 1
    tally.answer(turn)
    if not any(note.startswith(SILENT) for note in turn["notes"]):
        tally.odd.append(f"no note of it: {turn['notes']}")
    broken.fault = ""
    broken.go.set()
    broken.go = threading.Event()
    whole = say("second")
    stored = store.load(talk, user).turns
    tally.again(one=[t.id for t in stored] == [f"first{n}", f"second{n}"] and not whole["notes"], why=str(whole["notes"]))
    tally.kept(before, {event.id for event in store.events(user)})
    tally.talk(good=bool(say("third")["reply"]))


def over_http(data: Path, times: int) -> list[Tally]:
    """The server of the model fails, hangs, and is killed, under a running service; and it was not there when that began."""
    server = ModelServer(data.parent / "model.log")
    settings = {"ENGINE": "openai", "SERVER_URL": server.url, "MODEL_TIMEOUT": str(PATIENCE), "VOTE_WEIGHT": "0.5"}
    site = Site(copied(data, "model"), {f"ZHIYIN_{name}": value for name, value in settings.items()})
    tallies: list[Tally] = []
    try:
        tallies.append(_absent(site, server))
        faults: Mapping[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "model server answers with errors": (lambda: server.mode("fail"), lambda: server.mode("well")),
            "model server hangs": (lambda: server.mode("hang"), lambda: server.mode("well")),
            "model server killed (kill -9)": (server.kill, server.start),
        }
        for name, (harm, heal) in faults.items():
            tallies.append(_each(site, name, harm, heal, times))
    finally:
        server.kill()
        site.close()
    return tallies


def _absent(site: Site, server: ModelServer) -> Tally:
    tally = Tally("model server absent when the service starts", times=1)
    site.start()
    person = Person(site, "early")
    answer = _answered(person.say(WISHES[0], "one"), tally)
    if answer and not any(note.startswith(SILENT) for note in answer["notes"]):
        tally.odd.append(f"no note of it: {answer['notes']}")
    server.start()
    time.sleep(6)  # it is looked for every 5 s
    keys = iter(range(10_000))

    def well() -> bool:
        time.sleep(0.5)
        said = person.say(WISHES[1], f"more{next(keys)}").json()
        return not any(note.startswith(SILENT) for note in said["notes"])

    if not until(well, 90):
        tally.odd.append("the model was not taken when it came")
    tally.talk(good=bool(person.found()[1]))
    person.close()
    return tally


def _each(site: Site, name: str, harm: Callable[[], None], heal: Callable[[], None], times: int) -> Tally:
    tally = Tally(name)
    for n in range(times):
        person = Person(site, f"{name.split()[-1].strip('()')}-{n}")
        person.say(WISHES[n % 2], "first")
        person.like()
        harm()
        before, started = person.acknowledged(), time.perf_counter()
        answer = _answered(person.say(WISHES[n % 2], "second"), tally)
        tally.seconds = max(tally.seconds, time.perf_counter() - started)
        tally.times += 1
        if answer and not any(note.startswith(SILENT) for note in answer["notes"]):
            tally.odd.append(f"no note of it: {answer['notes']}")
        heal()
        person.say(WISHES[1 - n % 2], "third")  # the model is well again: the next fault is not the third in a row
        person.say(WISHES[n % 2], "second")
        found, turns = person.found()
        tally.kept(before, found)
        tally.again(one=len(turns) == 3, why=f"{len(turns)} turns")
        tally.talk(good=all(turn["record"]["reply"] for turn in turns))
        person.close()
    return tally


def _answered(answer: httpx.Response, tally: Tally) -> dict[str, Any] | None:
    body = answer.json()
    if answer.is_success:
        tally.answer(body)
        return body
    tally.error(body["error"]["code"], body["error"]["message"])
    tally.odd.append(f"an error where an answer was due: {body}"[:200])
    return None
