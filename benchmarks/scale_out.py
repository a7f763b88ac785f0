"""Two app processes over a Chroma server, PostgreSQL and a model server, by settings alone; one is killed under load.

``python -m benchmarks.scale_out [--people 8] [--seconds 20] [--output FILE]`` starts all of them on this machine, publishes the
index, moves conversations between the processes, kills one of them with -9 while people talk, and says what was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.servers import ROOT
from chatbot.api.models_people import EventIn
from chatbot.client import ApiError, Client, InvalidError, NotFoundError

KEY = "benchmark"
SCOPES = "chat", "recommend", "items", "events", "profile", "monitor"
EVENTS_A_TURN = 4
WRITTEN = 6  # of so many turns of every third person, one is written by the model: it takes seconds, the others none
WISHES = (
    "a quiet film about space, no horror",
    "想看安静的老电影，不要恐怖片",
    "something funny from the 1990s",
    "一部感人的动画片",
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What serves, and how it is reached.

    Attributes:
        settings: of every app process, but its own data folder.
        folder: for what is written.
        secret: an API key of all scopes.
    """

    settings: Mapping[str, str]
    folder: Path
    secret: str

    @contextmanager
    def app(self, name: str, port: int = 0) -> Generator[tuple[str, subprocess.Popen[bytes]]]:
        """Run an app process with a data folder of its own; yields its address and its process."""
        environment = {**self.settings, "ZHIYIN_DATA": str(self.folder / name)}
        with servers.app(port or servers.free_port(), environment, self.folder / f"{name}.log") as (url, process):
            yield url, process

    def wait(self, url: str, process: subprocess.Popen[bytes], seconds: float = servers.START_SECONDS) -> None:
        """Wait until an app process is ready.

        Raises:
            RuntimeError: it ended, or time is over.
        """
        until = time.monotonic() + seconds
        with Client(url, self.secret, retries=0) as client:
            while True:
                try:
                    if client.ready().ready:
                        return
                except ApiError:
                    pass
                if process.poll() is not None or time.monotonic() > until:
                    logs = "\n".join(path.read_text(errors="replace")[-3000:] for path in self.folder.glob("*.log"))
                    raise RuntimeError(f"{url} is not ready; exit code {process.poll()}:\n{logs}")
                time.sleep(0.1)


@contextmanager
def deployed(folder: Path, weights: Path, embedder: str = "hashing") -> Generator[Deployment]:
    """Start the servers, build the index with them, and publish it; app processes are started by who uses it."""
    sys.path.insert(0, str(ROOT / "tests"))
    import llm_server  # beside the tests, which serve models by it

    with ExitStack() as stack:
        chroma = stack.enter_context(servers.chroma(folder / "chroma"))
        database = stack.enter_context(servers.postgres(folder / "postgres"))
        model = stack.enter_context(llm_server.serving(weights, KEY))
        settings = {
            "ZHIYIN_CHROMA_URL": chroma,
            "ZHIYIN_DATABASE": database,
            "ZHIYIN_ENGINE": "openai",
            "ZHIYIN_SERVER_URL": model,
            "ZHIYIN_SERVER_KEY": KEY,
            "ZHIYIN_ARTIFACTS": f"file://{folder}/share",
            "ZHIYIN_EMBEDDER": embedder,
        }
        _command(settings, folder / "builder", "index")
        _command(settings, folder / "builder", "publish")
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        secret = _command(settings, folder / "builder", "keys", "add", "benchmark", *scopes).strip()
        yield Deployment(settings, folder, secret)


def _command(settings: Mapping[str, str], data: Path, *words: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_") or k == "ZHIYIN_HOME"}
    environment = {**kept, **settings, "ZHIYIN_DATA": str(data)}
    command = [sys.executable, str(ROOT / "app.py"), *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


@dataclass
class Person:
    """Somebody who talks to whichever process answers, and remembers what was acknowledged.

    Attributes:
        urls: of the processes; the next one is asked when one does not answer.
        events: ids of the events that a server said are stored, with their items.
        turns: conversation to the turns that were answered, with what was said.
        moved: calls that another process answered than the one before.
        failed: calls that no process answered.
    """

    name: str
    urls: tuple[str, ...]
    secret: str
    at: int = 0
    events: dict[str, str] = field(default_factory=dict[str, str])
    turns: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    moved: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        self.clients = [Client(url, self.secret, user=self.name, retries=0) for url in self.urls]

    def close(self) -> None:
        """Close the connections."""
        for client in self.clients:
            client.close()

    def ask(self, call: Any) -> Any:
        """Call with a client; where a process does not answer, with the next one, as a proxy would."""
        for _ in range(3 * len(self.clients)):
            try:
                return call(self.clients[self.at])
            except (InvalidError, NotFoundError):
                raise
            except ApiError:
                self.at = (self.at + 1) % len(self.clients)
                self.moved += 1
                time.sleep(0.05)
        self.failed += 1
        return None

    def say(self, message: str, conversation: str, **options: Any) -> Any:
        """Say something; sent a second time it is the same turn."""
        once = uuid.uuid4().hex
        answer = self.ask(lambda client: client.chat(message, conversation=conversation, once=once, **options))
        if answer is not None:
            self.turns.setdefault(conversation, {})[answer.turn] = message
        return answer

    def note(self, item: str, kind: str = "liked") -> None:
        """Tell of an item; sent a second time it is the same event."""
        event = EventIn(kind=kind, item=item, id=uuid.uuid4().hex)
        if self.ask(lambda client: client.events(event)) is not None:
            self.events[str(event.id)] = item


@dataclass(frozen=True, slots=True)
class Found:
    """What a run of the load came to."""

    people: int
    seconds: float
    turns: int
    events: int
    moved: int
    failed: int
    lost_turns: int
    lost_events: int
    doubled_turns: int
    crossed: int


def under_load(
    deployment: Deployment, victim: subprocess.Popen[bytes], urls: tuple[str, str], people: int, seconds: float
) -> Found:
    """Let people talk to two processes, kill the second one half-way, and look through the first for what was acknowledged.

    Each person says words of their own in every message and likes items of their own: what of it another one's account or
    answers hold has crossed.
    """
    started = time.monotonic()
    with Client(urls[0], deployment.secret) as client:
        items = [card.id for card in client.items(limit=100).items]
    everybody = [Person(f"person-{n:02}", urls, deployment.secret, at=n % 2) for n in range(people)]
    answers: dict[str, list[str]] = {person.name: [] for person in everybody}
    errors: list[BaseException] = []

    def live(number: int, person: Person) -> None:
        own = items[number :: len(everybody)]
        try:
            turn = 0
            while time.monotonic() - started < seconds:
                for item in range(EVENTS_A_TURN):
                    person.note(own[(EVENTS_A_TURN * turn + item) % len(own)])
                words = f"{WISHES[turn % len(WISHES)]} ({_mark(person.name)})"
                answer = person.say(words, f"talk-{number}-{turn // 3}", items_only=number % 3 > 0 or turn % WRITTEN != 1)
                if answer is not None:
                    answers[person.name].append(answer.model_dump_json())
                person.at = (person.at + 1) % 2  # as a proxy without sticky sessions
                turn += 1
        except BaseException as error:  # the thread's end is no reason for silence
            errors.append(error)

    threads = [threading.Thread(target=live, args=(n, person)) for n, person in enumerate(everybody)]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 2)
    victim.kill()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return _count(deployment, urls[0], everybody, answers, time.monotonic() - started)


def _mark(name: str) -> str:
    """Words that nobody else says."""
    return f"mark{name.replace('-', '')}mark"


def _count(deployment: Deployment, url: str, everybody: list[Person], answers: dict[str, list[str]], seconds: float) -> Found:
    lost_turns = lost_events = doubled = crossed = 0
    with Client(url, deployment.secret) as client:
        for person in everybody:
            account = client.export(user=person.name)
            whole = json.dumps(account, ensure_ascii=False)
            there = {str(event.get("id")) for event in account["events"]}
            lost_events += len(person.events.keys() - there)
            for conversation, turns in person.turns.items():
                kept = [turn["record"]["turn_id"] for turn in client.conversation(conversation, user=person.name).turns]
                lost_turns += len(turns.keys() - set(kept))
                doubled += len(kept) - len(set(kept))
            others = [_mark(other.name) for other in everybody if other is not person]
            said = [whole, *answers[person.name]]
            crossed += sum(mark in text for mark in others for text in said)
            liked = set(client.profile(user=person.name).liked)
            crossed += len(liked - set(person.events.values()))
            person.close()
    return Found(
        people=len(everybody),
        seconds=round(seconds, 1),
        turns=sum(len(turns) for person in everybody for turns in person.turns.values()),
        events=sum(len(person.events) for person in everybody),
        moved=sum(person.moved for person in everybody),
        failed=sum(person.failed for person in everybody),
        lost_turns=lost_turns,
        lost_events=lost_events,
        doubled_turns=doubled,
        crossed=crossed,
    )


def main() -> None:
    """Run all of it and print figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--embedder", default="hashing", help="default: the real one")
    parser.add_argument("--weights", default="smollm2-135m-instruct", help="of the model server, a name of the manifest")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    given = parser.parse_args()

    from chatbot.llm.weights import fetch
    from chatbot.settings import make_settings

    weights = fetch(given.weights, make_settings().weights_folder)
    figures: dict[str, Any] = {}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as made, deployed(Path(made), weights, given.embedder) as deployment:
        figures["servers, index and publication, s"] = round(time.monotonic() - began, 1)
        began = time.monotonic()
        with deployment.app("a") as (a, process_a), deployment.app("b") as (b, process_b):
            deployment.wait(a, process_a)
            deployment.wait(b, process_b)
            figures["two app processes ready, s"] = round(time.monotonic() - began, 1)
            with Client(a, deployment.secret, user="ann") as on_a, Client(b, deployment.secret, user="ann") as on_b:
                began = time.monotonic()
                first = on_a.chat(WISHES[0])
                figures["a turn on the first, s"] = round(time.monotonic() - began, 2)
                began = time.monotonic()
                second = on_b.chat("not the second one", conversation=first.conversation)
                figures["the next turn on the second, s"] = round(time.monotonic() - began, 2)
                gone = first.items[1].item.id
                figures["it knows what was refused"] = gone not in {offered.item.id for offered in second.items}
            figures |= asdict(under_load(deployment, process_b, (a, b), given.people, given.seconds))
            began = time.monotonic()
            with deployment.app("b") as (again, process):
                deployment.wait(again, process)
                figures["the killed one ready again, s"] = round(time.monotonic() - began, 1)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if given.output:
        given.output.write_text(text + "\n", encoding="utf-8")
    if figures["lost_turns"] or figures["lost_events"] or figures["crossed"] or figures["doubled_turns"] or figures["failed"]:
        sys.exit("Something was lost, doubled or crossed.")


if __name__ == "__main__":
    main()
