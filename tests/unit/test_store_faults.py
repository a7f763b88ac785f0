"""A database that fails says which way it fails, loses nothing that it has acknowledged, and goes on when the fault is over."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.event import listen

from chatbot.store import SqlUserStore
from chatbot.store.faults import store_error
from chatbot.types import Cards, Profile, StoredTurn
from chatbot.ui.texts import error_text
from retrieval.errors import StoreError
from retrieval.events import Event

WISH = {"en": "a quiet film about space, no horror", "zh": "想看安静的太空片，不要恐怖片"}
SECRET = "correct horse battery staple"


@pytest.fixture(params=["", SECRET], ids=["plain", "encrypted"])
def key(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    return tmp_path / "users.db"


@pytest.fixture
def store(path, key):
    """A store that waits for a lock for a moment alone."""
    store = SqlUserStore(f"sqlite:///{path}?timeout=0.05", key)
    yield store
    store.close()


def liked(name, user="ann"):
    return Event(user, "liked", "heat-1995", id=name)


def ids(store, user="ann"):
    return [event.id for event in store.events(user)]


def refused(store, key, name="lost", kinds=("events", "turn", "erase")):
    """Every kind of write is refused with words for both languages that say nothing of the data."""
    writes = {
        "events": lambda: store.append(liked(name)),
        "turn": lambda: store.save("c", "ann", StoredTurn(name, 1.0, "what nobody else should read", {})),
        "erase": lambda: store.erase("ann"),
    }
    for kind in kinds:
        with pytest.raises(StoreError) as caught:
            writes[kind]()
        assert caught.value.key == key
        assert "users.db" in str(caught.value)
        said = [error_text(language, caught.value) for language in ("en", "zh")]
        assert said[0] != said[1]
        assert "nobody else" not in " ".join([str(caught.value), *said])
        assert SECRET not in str(caught.value)


@pytest.fixture
def lock(path, key):
    """Hold the write lock of the file, as another program would."""
    if key:
        from sqlcipher3 import dbapi2 as module
    else:
        module = sqlite3
    held = []

    def take():
        other = module.connect(str(path), isolation_level=None)
        if key:
            other.execute(f"PRAGMA key='{key}'")
        other.execute("BEGIN IMMEDIATE")
        held.append(other)
        return other

    yield take
    for other in held:
        other.close()


def test_a_locked_store_says_so_reads_on_and_goes_on(store, lock):
    store.append(liked("before"))
    other = lock()
    refused(store, "error_store_busy")
    assert ids(store) == ["before"]
    assert store.load("c", "ann").turns == ()
    other.execute("ROLLBACK")
    store.append(liked("after"))
    assert ids(store) == ["before", "after"]


def test_a_full_store_says_so_and_keeps_what_it_has(store, path, key):
    def fill(connection, _record):  # of every new connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 3}")

    store._engine.dispose()
    listen(store._engine, "connect", fill)
    done, full = [], None
    for n in range(200):
        try:
            store.append(Event("ann", "reviewed", "heat-1995", "words " * 100, id=f"e{n}"))
            done.append(f"e{n}")
        except StoreError as error:
            full = error
            break
    assert full.key == "error_store_full"
    assert done
    assert ids(store) == done
    again = SqlUserStore(f"sqlite:///{path}", key)  # there is room again
    again.append(liked("after"))
    assert ids(again) == [*done, "after"]
    again.close()


def test_a_store_that_may_only_be_read_says_so(store):
    store.append(liked("before"))
    store._engine.dispose()
    listen(store._engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    refused(store, "error_store_read_only")
    assert ids(store) == ["before"]


def test_a_file_that_was_moved_away_is_noticed_and_goes_on_when_it_is_back(store, path, tmp_path):
    store.append(liked("before"))
    store.close()  # what is open goes on with the file that was moved
    store.append(liked("open"))
    for name in ("", "-wal", "-shm"):
        (tmp_path / f"users.db{name}").rename(tmp_path / f"moved.db{name}")
    refused(store, "error_store_lost")
    with pytest.raises(StoreError):
        store.events("ann")
    assert not path.exists()  # no empty one takes its place unseen
    for name in ("", "-wal", "-shm"):
        (tmp_path / f"moved.db{name}").rename(tmp_path / f"users.db{name}")
    store.append(liked("after"))
    assert ids(store) == ["before", "open", "after"]


def test_a_file_that_was_replaced_is_the_one_that_is_written(store, path, key, tmp_path):
    store.append(liked("old"))
    other = SqlUserStore(f"sqlite:///{tmp_path / 'other.db'}", key)
    other.append(liked("restored"))
    other.close()
    (tmp_path / "other.db").replace(path)
    for name in ("-wal", "-shm"):
        (tmp_path / f"users.db{name}").unlink(missing_ok=True)
    store.append(liked("new"))
    again = SqlUserStore(f"sqlite:///{path}", key)
    assert ids(again) == ["restored", "new"]
    again.close()


def test_a_store_that_is_locked_while_it_opens_says_so(store, path, key, lock):
    lock()
    with pytest.raises(StoreError) as caught:
        SqlUserStore(f"sqlite:///{path}?timeout=0.05", key)
    assert caught.value.key == "error_store_busy"


def test_too_many_at_once_are_told_so(store):
    engine = store._engine
    engine.pool._timeout = 0.05
    held = [engine.connect() for _ in range(engine.pool.size() + engine.pool._max_overflow)]
    with pytest.raises(StoreError) as caught:
        store.append(liked("one"))
    assert caught.value.key == "error_store_busy"
    for connection in held:
        connection.close()
    assert store.append(liked("one")) == 1


def test_many_threads_write_and_none_is_refused(path):
    store = SqlUserStore(f"sqlite:///{path}")

    def write(n):
        store.append(*(liked(f"{n}-{m}", f"u{n % 8}") for m in range(3)))
        store.save(f"c{n % 8}", f"u{n % 8}", StoredTurn(f"t{n}", float(n), "hello", {}))
        return len(store.events(f"u{n % 8}"))

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(write, range(128)))
    assert sum(len(store.events(f"u{n}")) for n in range(8)) == 3 * 128
    assert sum(len(store.load(f"c{n}", f"u{n}").turns) for n in range(8)) == 128
    store.close()


def test_one_conversation_is_begun_by_many_and_one_turn_saved_twice_at_once(path, key):
    store, together = SqlUserStore(f"sqlite:///{path}", key), threading.Barrier(8)

    def save(n):
        together.wait()
        store.save("c", "ann", StoredTurn(f"t{n % 2}", float(n), f"hello {n}", {"n": n}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(8)))
    assert sorted(turn.id for turn in store.load("c", "ann").turns) == ["t0", "t1"]
    with pytest.raises(StoreError, match="another user"):
        store.save("c", "bob", StoredTurn("t9", 9.0, "hello", {}))
    with pytest.raises(StoreError, match="another conversation"):
        store.save("d", "ann", StoredTurn("t1", 9.0, "hello", {}))
    assert store.load("c", "ann").turns[-1].record["n"] in range(8)
    store.close()


class State(Exception):
    def __init__(self, sqlstate):
        super().__init__("it said no")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "key"),
    [
        ("55P03", "error_store_busy"),
        ("40P01", "error_store_busy"),
        ("53300", "error_store_busy"),
        ("53100", "error_store_full"),
        ("25006", "error_store_read_only"),
        ("08006", "error_store_lost"),
        ("57P01", "error_store_lost"),
        ("XX000", "error_store"),
    ],
)
def test_what_postgresql_says_has_its_words(state, key):
    error = store_error(State(state), "postgresql://host/zhiyin")
    assert error.key == key
    assert "postgresql://host/zhiyin" in str(error)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_turn_that_could_not_be_saved_is_said_again_and_is_one_turn(make_pipeline, store, lock, language):
    pipeline, locked = make_pipeline(store=store), []

    def say(at_cards=lambda: None):
        events = pipeline.respond(WISH[language], store.load("c", "ann"), Profile("ann"), turn_id="one")
        for event in events:
            if isinstance(event, Cards) and event.settled:
                at_cards()
        return event

    with pytest.raises(StoreError) as caught:
        say(lambda: locked.append(lock()))
    assert caught.value.key == "error_store_busy"
    assert store.load("c", "ann").turns == ()
    typed = ids(store)
    locked[0].execute("ROLLBACK")
    turn = say().turn
    assert [stored.id for stored in store.load("c", "ann").turns] == ["one"]
    assert len(turn.items) == 3
    once = ids(store)
    assert once[: len(typed)] == typed
    assert [e.kind for e in store.events("ann")].count("typed") == 1
    assert [e.item for e in store.events("ann") if e.kind == "shown"] == [r.item.id for r in turn.items]
    again = say().turn  # whoever did not hear the answer says it again
    assert ids(store) == once
    assert [stored.id for stored in store.load("c", "ann").turns] == ["one"]
    assert [r.item.id for r in again.items] == [r.item.id for r in turn.items]
