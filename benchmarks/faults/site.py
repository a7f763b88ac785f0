"""A running service in a process of its own, its model server, and a client that notes what it is told."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.servers import ROOT, environment_with, free_port, wait_for

SECONDS = 30.0  # that a client waits
WISHES = ("a quiet film about space, no horror", "想看安静的太空片，不要恐怖片")
ITEMS = ("moon-2009", "heat-1995", "her-2013", "parasite-2019")


class ModelServer:
    """The model server as a process."""

    def __init__(self, log: Path, delay: float = 0.03) -> None:
        """Choose a port; nothing runs yet."""
        self.port, self._log, self._delay = free_port(), log, delay
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run until it is killed."""
        command = [sys.executable, "-m", "benchmarks.faults.model_server", str(self.port), str(self._delay)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment_with({}), stdout=log, stderr=log)
        wait_for(f"{self.url}/models", self._process, self._log)

    def kill(self) -> None:
        """End it at once."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def mode(self, mode: str) -> None:
        """Change what it does: well, hang, fail, slow or slower."""
        httpx.post(f"http://127.0.0.1:{self.port}/mode", json={"mode": mode}, timeout=SECONDS).raise_for_status()


class Site:
    """``python app.py serve`` over a folder of data, started as often as it is ended."""

    def __init__(self, data: Path, environment: dict[str, str]) -> None:
        """Take its folder and its settings; nothing runs yet."""
        self.data, self.port, self._environment = data, free_port(), environment
        self.log = data.parent / f"{data.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._copy: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Run until it is ready."""
        command = [sys.executable, "app.py", "serve", "--port", str(self.port)]
        settings = {"ZHIYIN_EMBEDDER": "hashing", "ZHIYIN_DATA": str(self.data), **self._environment}
        with self.log.open("ab") as log:
            # the limit on the size of files, which one fault sets, is not to hit the log: it goes through a pipe
            self._copy = copy = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment_with(settings), stdout=copy.stdin, stderr=copy.stdin
            )
            if copy.stdin:
                copy.stdin.close()
        wait_for(f"{self.url}/v1/ready", self.process, self.log)

    def kill(self) -> None:
        """End it as a lack of memory would."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self._wait()

    def terminate(self) -> int:
        """Tell it to end, and wait; returns its exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def _wait(self) -> int:
        assert self.process
        code = self.process.wait(60)
        if self._copy:
            self._copy.wait(10)
        return code

    def close(self) -> None:
        """End what may still run."""
        if self.process and self.process.poll() is None:
            self.kill()


class Person:
    """One person's client. It notes which events and turns were acknowledged."""

    def __init__(self, site: Site, user: str) -> None:
        """Begin a conversation of that name."""
        self.user, self.conversation = user, f"talk-{user}"
        self._client = httpx.Client(base_url=site.url, timeout=SECONDS)
        self.events: set[str] = set()
        self.turns: dict[str, str] = {}  # key -> id of the turn
        self._count = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def body(self, wish: str) -> dict[str, Any]:
        """What a message is sent as."""
        return {"message": wish, "user": self.user, "conversation": self.conversation}

    def say(self, wish: str, key: str) -> httpx.Response:
        """Send a message and wait for the whole answer."""
        answer = self._client.post("/v1/chat", json=self.body(wish), headers={"Idempotency-Key": key})
        if answer.is_success and _whole(answer.json()):
            self.turns[key] = answer.json()["turn"]
        return answer

    def stream(self, wish: str, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Send a message and yield the events of the answer; closing the iterator drops the connection."""
        body = {**self.body(wish), "stream": True}
        with self._client.stream("POST", "/v1/chat", json=body, headers={"Idempotency-Key": key}) as answer:
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    data = json.loads(line[6:])
                    if name == "done" and _whole(data["answer"]):
                        self.turns[key] = data["answer"]["turn"]
                    yield name, data

    def like(self, count: int = 3) -> httpx.Response:
        """Send events of new ids."""
        ids = [f"{self.user}-{self._count + n}" for n in range(count)]
        self._count += count
        said = [{"user": self.user, "kind": "viewed", "item": ITEMS[n % 2], "id": name} for n, name in enumerate(ids)]
        answer = self._client.post("/v1/events", json={"events": said})
        if answer.is_success:
            self.events |= set(ids)
        return answer

    def acknowledged(self) -> set[str]:
        """The ids of the events and the turns that were acknowledged."""
        return self.events | set(self.turns.values())

    def found(self) -> tuple[set[str], list[dict[str, Any]]]:
        """Return the ids of what the service has of the person, and the turns of the conversation."""
        exported = self._client.get(f"/v1/users/{self.user}/profile/export").raise_for_status().json()
        talk = self._client.get(f"/v1/users/{self.user}/conversations/{self.conversation}")
        turns: list[dict[str, Any]] = talk.json()["turns"] if talk.is_success else []
        ids = {event["id"] for event in exported["events"]}
        return ids | {turn["record"]["turn_id"] for turn in turns}, turns


def _whole(answer: dict[str, Any]) -> bool:
    return not any(note == "stopped" or note.startswith("failed:") for note in answer["notes"])


def until(check: Any, seconds: float = SECONDS) -> bool:
    """Wait until something holds; whether it did in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return False


def template(folder: Path) -> Path:
    """Make a folder of data with an index in it, to be copied for each service."""
    data = folder / "template"
    environment = environment_with({"ZHIYIN_EMBEDDER": "hashing", "ZHIYIN_DATA": str(data)})
    subprocess.run([sys.executable, "app.py", "index"], cwd=ROOT, env=environment, check=True, capture_output=True)
    return data


def copied(data: Path, name: str) -> Path:
    """Copy a folder of data."""
    return Path(shutil.copytree(data, data.parent / name))
