"""The store is locked, its disk full, its server gone: a clear error, and nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy.event import listen

from benchmarks.faults.site import WISHES, Person, Site, copied
from benchmarks.faults.tally import Tally
from benchmarks.servers import postgres
from chatbot.store import SqlUserStore
from chatbot.types import StoredTurn
from retrieval.errors import StoreError
from retrieval.events import Event

WAIT = 0.3  # seconds for a lock: ten are usual
FAULTS = {"error_store_busy", "error_store_full", "error_store_lost", "error_store_read_only"}


def over_http(data: Path, times: int) -> list[Tally]:
    """Faults under a running service."""
    tallies: list[Tally] = []
    folder = copied(data, "locked")
    with _running(folder, folder / "zhiyin.db") as site:
        tallies.append(_each(site, "store locked by another program", _locked(folder / "zhiyin.db"), "error_store_busy", times))
        tallies.append(_each(site, "store may not grow (RLIMIT_FSIZE)", _limited(site), "error_store_full", times))
    disk = data.parent / "disk"
    with _small_disk(disk) as mounted:
        if mounted:
            with _running(copied(data, "full"), disk / "zhiyin.db") as site:
                tallies.append(_each(site, "disk full (a tmpfs of 32 MB)", _filled(disk), "error_store_full", times))
    return tallies


@contextmanager
def _running(data: Path, database: Path) -> Generator[Site]:
    address = f"sqlite:///{database}?timeout={WAIT}"
    site = Site(data, {"ZHIYIN_ENGINE": "scripted", "ZHIYIN_DATABASE": address})
    site.start()
    try:
        yield site
    finally:
        site.close()


def _each(site: Site, name: str, harmed: Callable[[], Generator[None]], code: str, times: int) -> Tally:
    """Post events and say things before, during and after a fault."""
    tally, harm = Tally(name), contextmanager(harmed)
    for n in range(times):
        person, wish = Person(site, f"{code}-{len(name)}-{n}"), WISHES[n % 2]
        person.say(wish, "first").raise_for_status()
        person.like().raise_for_status()
        before = person.acknowledged()
        with harm():
            tally.times += 1
            for send in (person.like, lambda person=person, wish=wish: person.say(wish, "second")):
                started = time.perf_counter()
                _refused(send(), code, tally)
                tally.seconds = max(tally.seconds, time.perf_counter() - started)
        if not person.like().is_success:
            tally.odd.append("events are refused when the fault is over")
        answer = person.say(wish, "second")
        if answer.is_success:
            tally.answer(answer.json())
        found, turns = person.found()
        tally.kept(before | person.acknowledged(), found)
        tally.again(one=len(turns) == 2 and answer.is_success, why=f"{len(turns)} turns, {answer.text[:100]}")
        tally.talk(good=bool(turns) and all(turn["record"]["reply"] for turn in turns))
        person.close()
    return tally


def _refused(answer: httpx.Response, code: str, tally: Tally) -> None:
    if answer.is_success:
        tally.taken += 1
        if code == "error_store_busy":
            tally.odd.append("it was taken while another program held the lock")
        return
    problem = answer.json()["error"]
    tally.error(problem["code"], problem["message"])
    if problem["code"] != code:
        tally.odd.append(f"{problem['code']} instead of {code}")


def _locked(database: Path) -> Callable[[], Generator[None]]:
    def harm() -> Generator[None]:
        other = sqlite3.connect(database, isolation_level=None, timeout=10)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()

    return harm


def _limited(site: Site) -> Callable[[], Generator[None]]:
    def harm() -> Generator[None]:
        assert site.process
        soft, hard = resource.prlimit(site.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(site.process.pid, resource.RLIMIT_FSIZE, (4096, hard))
        yield
        resource.prlimit(site.process.pid, resource.RLIMIT_FSIZE, (soft, hard))

    return harm


def _filled(disk: Path) -> Callable[[], Generator[None]]:
    def harm() -> Generator[None]:
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        yield
        ballast.unlink()

    return harm


@contextmanager
def _small_disk(folder: Path) -> Generator[bool]:
    """Mount a small file system, where this is allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=False)


def full_pages(folder: Path, times: int) -> Tally:
    """A database that has reached its largest size (PRAGMA max_page_count), in this process."""
    tally = Tally("database full (max_page_count)")
    for n in range(times):
        path, acknowledged, room = folder / f"pages{n}.db", set[str](), 3 + n % 5
        store = SqlUserStore(f"sqlite:///{path}")

        def limit(connection: sqlite3.Connection, _record: object, room: int = room) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages + room}")

        store.close()
        listen(store._engine, "connect", limit)  # pyright: ignore[reportPrivateUsage]
        tally.times += 1
        for m in range(500):
            try:
                store.append(Event("ann", "reviewed", "moon-2009", "words " * 50, id=f"e{m}"))
                acknowledged.add(f"e{m}")
                store.save("c", "ann", StoredTurn(f"t{m}", float(m), "words " * 50, {"items": [], "reply": "words"}))
                acknowledged.add(f"t{m}")
            except StoreError as error:
                tally.error(error.key, str(error))
                break
        else:
            tally.odd.append("it never filled up")
        store.close()
        again = SqlUserStore(f"sqlite:///{path}")
        turns = again.load("c", "ann").turns
        tally.kept(acknowledged, {event.id for event in again.events("ann")} | {turn.id for turn in turns})
        tally.talk(good=again.append(Event("ann", "liked", "moon-2009")) == 1)
        again.close()
    return tally


def lost_server(folder: Path, times: int) -> Tally:
    """PostgreSQL drops every connection, as it does when it is started again, between two writes and in the middle of one."""
    tally = Tally("connections to PostgreSQL lost")
    with postgres(folder / "postgres") as address:
        store, other = SqlUserStore(address), SqlUserStore(address)
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
        mine, others = store._engine, other._engine  # pyright: ignore[reportPrivateUsage]
        acknowledged: set[str] = set()
        for n in range(times):
            store.append(Event("ann", "viewed", "moon-2009", id=f"e{n}"))
            store.save("c", "ann", StoredTurn(f"t{n}", float(n), "words", {"items": [], "reply": "words"}))
            acknowledged |= {f"e{n}", f"t{n}"}
            tally.times += 1
            try:
                with mine.begin() as connection:  # in the middle of a transaction
                    connection.exec_driver_sql("SELECT 1")
                    with others.begin() as killer:
                        killer.exec_driver_sql(end)
                    connection.exec_driver_sql("SELECT 1")
                tally.odd.append("the connection outlived it")
            except StoreError as error:
                tally.error(error.key, str(error))
            turns = store.load("c", "ann").turns  # a new connection
            tally.kept(acknowledged, {event.id for event in store.events("ann")} | {turn.id for turn in turns})
            tally.talk(good=len(turns) == n + 1)
        store.close()
        other.close()
    return tally
