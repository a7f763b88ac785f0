"""For locust: people who talk, each answered as a stream; what is somebody else's is looked for in every answer."""

from __future__ import annotations

import json
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.load.talks import PROFILE, Talker, Watcher, shipped_titles, talkers

locust: Any = import_module("locust")  # whose types are half known
READ_EVERY = 5  # turns after which somebody reads their conversation and profile again
FIGURES: dict[str, Any] = {"first": [], "whole": [], "turns": 0, "read": 0, "failed": 0, "errors": [], "by_person": {}}
LEFT: list[Talker] = []
WATCHERS: list[Watcher] = []


@locust.events.init_command_line_parser.add_listener
def _options(parser: Any) -> None:
    parser.add_argument("--out", default="")
    parser.add_argument("--run", default="run", help="another one has other people")
    parser.add_argument("--pause", type=float, default=0, help="seconds between an answer and the next message")


@locust.events.test_start.add_listener
def _invite(environment: Any, **_: Any) -> None:
    options, titles = environment.parsed_options, shipped_titles()
    LEFT.extend(talkers(options.num_users, list(titles), options.run))
    WATCHERS.append(Watcher(tuple(LEFT), titles))


@locust.events.quitting.add_listener
def _write(environment: Any, **_: Any) -> None:
    FIGURES["crossed"] = WATCHERS[0].found
    Path(environment.parsed_options.out).write_text(json.dumps(FIGURES), encoding="utf-8")


def failed(what: str) -> None:
    """Count something that must not be."""
    FIGURES["failed"] += 1
    if len(FIGURES["errors"]) < 20:
        FIGURES["errors"].append(what[:400])


class Talking(locust.FastHttpUser):
    """One person, who answers at once."""

    network_timeout = connection_timeout = 600

    def on_start(self) -> None:
        """Become somebody, and tell what they like."""
        self.person, self.watcher, self.said = LEFT.pop(), WATCHERS[0], 0
        self.messages = self.person.messages()
        body = {"events": [{"user": self.person.name, "kind": "liked", "item": item} for item in self.person.likes]}
        if self.client.post("/v1/events", json=body).status_code != 200:
            failed("the likes were not taken")
        FIGURES["by_person"][self.person.name] = {"waits": [], "totals": [], "places": []}

    def wait_time(self) -> float:
        """Wait before the next message."""
        return self.environment.parsed_options.pause

    @locust.task
    def talk(self) -> None:
        """Say something, and read along."""
        try:
            self._say()
            self.said += 1
            if self.said % READ_EVERY == 0:
                self._read()
        except Exception as error:  # of the network: locust would go on without a word
            failed(f"{type(error).__name__}: {error}")

    def _say(self) -> None:
        number, message = next(self.messages)
        body = {
            "user": self.person.name,
            "conversation": f"{self.person.name}-{number}",
            "message": message,
            "stream": True,
        }
        begun = time.perf_counter()
        response = self.client.post("/v1/chat", json=body, stream=True, name="chat")
        if response.status_code != 200:
            failed(f"{response.status_code} {response.text}")
            return
        first = queued = done = 0.0
        answer: dict[str, Any] = {}
        places, text = [0], ""
        while event := response._response.readline(b"\n\n"):
            now, told = time.perf_counter() - begun, event.decode()
            text += told
            name, data = _parse(told)
            if name == "cards" and not first:
                first = now
            elif name == "state" and data["place"]:
                queued, places = queued or now, [*places, data["place"]]
            elif name == "state" and queued and not done:
                done = now
            elif name == "done":
                answer = data["answer"]
            elif name == "error":
                failed(str(data))
        whole = time.perf_counter() - begun
        FIGURES["turns"] += 1
        if not answer or not answer["reply"]:
            failed(f"no answer to {message}")
            return
        if answer["user"] != self.person.name or answer["conversation"] != body["conversation"]:
            self.watcher.found.append(f"{self.person.name} got the turn of {answer['user']}")
        self.watcher.look(self.person, text, answer["reply"] if message in PROFILE.values() else "")
        FIGURES["whole"].append(1000 * whole)
        FIGURES["first"] += [1000 * first] if first else []
        own = FIGURES["by_person"][self.person.name]
        own["waits"].append(done - queued if queued else 0.0)
        own["totals"].append(whole)
        own["places"].append(max(places))

    def _read(self) -> None:
        """Read what is kept, in which the person's own words must be."""
        where = f"/v1/users/{self.person.name}"
        profile, talks = self.client.get(f"{where}/profile"), self.client.get(f"{where}/conversations")
        last = self.client.get(f"{where}/conversations/{talks.json()[0]['id']}")
        for response, of_profile in ((profile, profile.text), (talks, ""), (last, "")):
            if response.status_code != 200:
                failed(f"{response.status_code} {response.text}")
            self.watcher.look(self.person, response.text, of_profile)
        if self.person.secret not in talks.text or set(profile.json()["liked"]) != set(self.person.likes):
            failed(f"{self.person.name} does not find their own words or likes")
        FIGURES["read"] += 1


def _parse(event: str) -> tuple[str, dict[str, Any]]:
    """Return name and data of a server-sent event; a comment has none."""
    lines = dict(line.split(": ", 1) for line in event.strip().splitlines() if ": " in line and not line.startswith(":"))
    return lines.get("event", ""), json.loads(lines["data"]) if "data" in lines else {}
