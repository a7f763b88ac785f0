"""The service is killed, told to end, or left by its client, in the middle of turns: it goes on where it was."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.faults.site import WISHES, ModelServer, Person, Site, copied, until
from benchmarks.faults.tally import Tally

DELAY, SHUTDOWN = 0.02, 4.0  # seconds: a word of the model's takes; running turns have


def all_of(data: Path, kills: int, ends: int) -> list[Tally]:
    """Each fault, as often as is asked for; two services at a time, for starting them takes longest."""
    killed, ended = Tally("kill -9 under load"), Tally("SIGTERM in the middle of a turn")
    left = Tally("client gone in mid-stream")
    with ThreadPoolExecutor(2) as pool:
        work = (
            pool.submit(_with_model, data, "killed", lambda site, _: _killed(site, kills, killed)),
            pool.submit(_with_model, data, "ended", lambda site, model: _ended(site, model, ends, ended, left)),
        )
    for part in work:
        part.result()
    return [killed, ended, left]


def _with_model(data: Path, name: str, work: Callable[[Site, ModelServer], None]) -> None:
    """Do something with a service of its own, whose model has a slow server of its own."""
    model = ModelServer(data.parent / f"{name}-model.log", DELAY)
    settings = {"ENGINE": "openai", "SERVER_URL": model.url, "VOTE_WEIGHT": "0.5", "SHUTDOWN_SECONDS": str(SHUTDOWN)}
    site = Site(copied(data, name), {f"ZHIYIN_{setting}": value for setting, value in settings.items()})
    try:
        model.start()
        model.mode("slow")
        work(site, model)
    finally:
        site.close()
        model.kill()


def _killed(site: Site, times: int, tally: Tally) -> None:
    draw = random.Random(7)
    site.start()
    for n in range(times):
        people = [Person(site, f"killed-{n}-{m}") for m in range(3)]
        load = [threading.Thread(target=_use, args=(person, n)) for person in people]
        for thread in load:
            thread.start()
        time.sleep(0.3 + 1.2 * draw.random())
        site.kill()
        for thread in load:
            thread.join()
        before = [person.acknowledged() for person in people]
        tally.times += 1
        site.start()
        for person, acknowledged in zip(people, before, strict=True):
            _gone_on(person, acknowledged, n, tally)
            person.close()


def _use(person: Person, n: int) -> None:
    """Post events and say things until nobody answers."""
    try:
        for m in range(1000):
            person.like()
            for _ in person.stream(WISHES[(n + m) % 2], f"key{m}"):
                pass
            person.like()
    except httpx.HTTPError:
        return


def _gone_on(person: Person, acknowledged: set[str], n: int, tally: Tally) -> None:
    """Read what is there, and say the message again that was not answered: its key is the one after the last answered."""
    tally.kept(acknowledged, person.found()[0])
    key, done = f"key{len(person.turns)}", len(person.turns)
    answer = person.say(WISHES[(n + done) % 2], key)
    tally.talk(good=answer.is_success, why=answer.text)
    if answer.is_success:
        tally.answer(answer.json())
    again = person.say(WISHES[(n + done) % 2], key)
    _, turns = person.found()
    same = answer.json().get("turn") == again.json().get("turn") and answer.json().get("reply") == again.json().get("reply")
    tally.again(one=same and len(turns) == done + 1, why=f"{len(turns)} turns after {done} and one more")


def _ended(site: Site, model: ModelServer, times: int, tally: Tally, left: Tally) -> None:
    """Half of the times there is time to finish the turn, half of the times it is cut."""
    site.start()
    for n in range(times):
        model.mode("slow")
        _leave(site, n, left)
        finishes, person, wish = n % 2 == 0, Person(site, f"ended-{n}"), WISHES[(n // 2) % 2]
        person.like()
        tally.times += 1
        model.mode("slow" if finishes else "slower")
        whole, codes = _cut(site, person, wish, tally)
        if whole != finishes or codes != [0]:
            tally.odd.append(f"{'cut' if finishes else 'whole'}; exit code {codes}")
        model.mode("slow")
        before = person.acknowledged()
        site.start()
        found, turns = person.found()
        tally.kept(before, found)
        tally.talk(good=len(turns) == 1 and bool(turns[0]["record"]["items"]), why=f"{len(turns)} turns")
        answer = person.say(wish, "one").json()
        _, turns = person.found()
        tally.again(one=len(turns) == 1 and "stopped" not in answer.get("notes", ["stopped"]), why=str(answer)[:100])
        person.close()


def _cut(site: Site, person: Person, wish: str, tally: Tally) -> tuple[bool, list[int]]:
    """Send SIGTERM when the first sentence is there; return whether the turn is whole, and the exit code."""
    codes: list[int] = []
    ending, whole, seen = threading.Thread(target=_end, args=(site, codes)), False, ""
    for seen, body in person.stream(wish, "one"):
        if seen == "sources" and not ending.ident:
            ending.start()
        if seen == "done":
            tally.answer(body["answer"])
            whole = "stopped" not in body["answer"]["notes"]
    ending.join()
    if seen != "done":
        tally.odd.append(f"the stream ended with '{seen}'")
    return whole, codes


def _end(site: Site, codes: list[int]) -> None:
    codes.append(site.terminate())


def _leave(site: Site, n: int, tally: Tally) -> None:
    """A client that goes away in the middle of a sentence."""
    person, wish = Person(site, f"left-{n}"), WISHES[n % 2]
    person.like()
    for name, _ in person.stream(wish, "one"):
        if name == "sources":
            break
    tally.times += 1
    if not until(lambda: bool(person.found()[1]), 20):
        tally.odd.append("what there was of the turn was not kept")
    found, turns = person.found()
    tally.kept(person.acknowledged(), found)
    if not turns or "stopped" not in turns[0]["record"]["notes"]:
        tally.odd.append(f"the turn went on: {turns[0]['record']['notes'] if turns else turns}")
    answer = person.say(wish, "one")
    if answer.is_success:
        tally.answer(answer.json())
    _, turns = person.found()
    tally.again(one=len(turns) == 1 and "stopped" not in turns[0]["record"]["notes"], why=f"{len(turns)} turns")
    tally.talk(good=answer.is_success, why=answer.text)
    person.close()
