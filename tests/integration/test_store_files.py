"""The user store as a file: killed, encrypted, with the wrong key, from every earlier version."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from chatbot.store import SqlUserStore
from chatbot.store.ciphering import decrypt_file, encrypt_file, rekey_file
from chatbot.store.tables import Base
from chatbot.types import Heading, StoredTurn
from retrieval.errors import SettingsError, StoreError
from retrieval.events import Event

ROOT = Path(__file__).resolve().parents[2]
KEY, OTHER = "correct horse battery staple", 'it\'s another: "key"'
SECRET = "the melancholy dragon of Wuppertal"
WRITER = """
import sys
from chatbot.store import SqlUserStore
from retrieval.events import Event
store = SqlUserStore(sys.argv[1])
n = 0
while True:
    store.append(Event("ann", "typed", text=f"word {n}", id=f"e{n}"))
    print(n, flush=True)
    n += 1
"""
READER = """
import sys
from chatbot.store import SqlUserStore
store = SqlUserStore(sys.argv[1])
print(store.events("ann")[0].text, flush=True)
sys.stdin.read()
print(store.events("ann")[0].text, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "zhiyin.db"


def opened(path, key=""):
    return SqlUserStore(f"sqlite:///{path}", key)


def filled(path, key=""):
    store = opened(path, key)
    store.append(Event("ann", "typed", text=SECRET, context={"conversation": "c"}), Event("bob", "liked", "moon-2009"))
    store.save("c", "ann", StoredTurn("t1", 1.0, SECRET, {"items": [], "reply": SECRET}))
    store.close()


def bytes_of(folder):
    return b"".join(p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file())


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8])
def test_what_was_acknowledged_survives_kill_9(path, seconds):
    command = [sys.executable, "-c", WRITER, f"sqlite:///{path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        process.stdout.readline()  # it is at work
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        acknowledged = 1 + len(process.stdout.read().splitlines())
    store = opened(path)
    ids = [e.id for e in store.events("ann")]
    assert len(ids) >= acknowledged - 1  # the last line may be cut
    assert ids == [f"e{n}" for n in range(len(ids))]  # none is lost or doubled
    store.append(Event("ann", "liked", "moon-2009"))
    store.close()


# -- the key ------------------------------------------------------------------------------------------------------------


def test_an_encrypted_store_shows_nothing_in_its_files(path, tmp_path):
    filled(path, KEY)
    store = opened(path, KEY)
    store.append(Event("ann", "typed", text=SECRET))
    raw = bytes_of(tmp_path)  # the write-ahead log too
    assert [e.text for e in store.events("ann")] == [SECRET, SECRET]
    store.close()
    assert SECRET.encode() not in raw
    assert b"SQLite format 3" not in raw
    filled(tmp_path / "plain.db")
    assert SECRET.encode() in bytes_of(tmp_path)  # so the search finds it where it is


@pytest.mark.parametrize("key", [OTHER, "", " "])
def test_a_wrong_key_is_a_clear_error_and_changes_nothing(path, tmp_path, key):
    filled(path, KEY)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="ZHIYIN_KEY") as refused:
        opened(path, key)
    assert KEY not in str(refused.value)
    assert path.read_bytes() == before
    store = opened(path, KEY)
    assert store.events("ann")[0].text == SECRET
    store.close()


def test_a_plain_store_is_not_opened_with_a_key(path):
    filled(path)
    with pytest.raises(StoreError, match="not with this key"):
        opened(path, KEY)


def test_encrypt_rekey_and_decrypt_keep_everything(path, tmp_path):
    filled(path)
    plain = opened(path)
    events, talk = plain.events("ann"), plain.load("c", "ann")
    plain.close()
    for change, key in (
        (lambda: encrypt_file(path, KEY), KEY),
        (lambda: rekey_file(path, KEY, OTHER), OTHER),
        (lambda: decrypt_file(path, OTHER), ""),
    ):
        change()
        assert (SECRET.encode() in bytes_of(tmp_path)) == (key == "")
        assert [p.name for p in tmp_path.iterdir()] == ["zhiyin.db"]
        store = opened(path, key)
        assert (store.events("ann"), store.load("c", "ann")) == (events, talk)
        store.close()
        path.with_name("zhiyin.db-wal").unlink(missing_ok=True)
        path.with_name("zhiyin.db-shm").unlink(missing_ok=True)
    with pytest.raises(StoreError):
        opened(path, KEY)


def test_a_store_in_use_is_neither_encrypted_nor_harmed(path):
    filled(path)
    command = [sys.executable, "-c", READER, f"sqlite:///{path}"]  # another process: locks are between processes
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as page:
        assert page.stdout.readline().strip() == SECRET
        with pytest.raises(StoreError, match="in use"):
            encrypt_file(path, KEY)
        page.stdin.close()
        assert page.stdout.read().strip() == SECRET
    assert not path.with_name("zhiyin.db.new").exists()


def test_what_cannot_be_encrypted_says_why(path, tmp_path):
    with pytest.raises(StoreError, match="no user store at"):
        encrypt_file(path, KEY)
    filled(path, KEY)
    with pytest.raises(StoreError, match="not with this key"):
        rekey_file(path, OTHER, KEY)
    with pytest.raises(StoreError, match="encrypted already"):
        encrypt_file(path, KEY)
    store = opened(path, KEY)
    assert store.events("ann")[0].text == SECRET
    store.close()


def test_another_database_than_the_two_is_refused():
    with pytest.raises(SettingsError, match="PostgreSQL"):
        SqlUserStore("mysql://localhost/zhiyin")


# -- versions -----------------------------------------------------------------------------------------------------------


def test_the_steps_from_an_empty_database_lead_to_the_tables_of_the_code(path):
    opened(path).close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        assert inspect(connection).has_table("alembic_version")
    engine.dispose()


def test_a_step_that_fails_leaves_the_database_as_it_was(path, monkeypatch):
    from tests.contracts.test_user_store import OLD_TABLES

    connection = sqlite3.connect(path)
    connection.executescript(OLD_TABLES)
    connection.execute("CREATE TABLE _alembic_tmp_events (x)")  # in the way of the third step
    connection.commit()
    before = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    with pytest.raises(StoreError):
        opened(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (2,)
    connection.execute("DROP TABLE _alembic_tmp_events")
    connection.close()
    store = opened(path)
    assert [e.id for e in store.events("ann")] == ["row-1", "row-2"]
    store.close()


def test_conversations_from_before_there_were_titles_are_listed_and_can_be_named(path):
    from tests.contracts.test_user_store import OLD_TABLES

    connection = sqlite3.connect(path)
    connection.executescript(OLD_TABLES)
    connection.execute("INSERT INTO conversations VALUES ('c', 'ann', 1.5)")
    connection.execute("INSERT INTO turns VALUES ('t1', 'c', 1.5, '你好', '{\"items\": [], \"reply\": \"moon\"}')")
    connection.commit()
    connection.close()
    store = opened(path)
    assert list(store.headings("ann", "MOON")) == [Heading("c", 1.5, "", "你好", 1)]
    store.rename("c", "ann", "第一次")
    store.close()
    again = opened(path)
    assert [h.title for h in again.headings("ann")] == ["第一次"]
    again.close()


# -- a conversation that is removed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("records", [1, 400])  # a record within its row, and one that goes on in pages of its own
def test_no_file_holds_what_a_removed_conversation_held(path, tmp_path, records):
    store = opened(path)
    store.save("kept", "ann", StoredTurn("t0", 1.0, "something else", {"items": [], "reply": "this stays"}))
    store.save("c", "ann", StoredTurn("t1", 1.0, SECRET, {"items": [], "reply": [SECRET] * records}))
    store.rename("c", "ann", f"{SECRET}, once")
    store.rename("c", "ann", f"{SECRET}, twice")
    assert SECRET.encode() in bytes_of(tmp_path)
    store.remove("c", "ann")
    assert SECRET.encode() not in bytes_of(tmp_path)  # while the store is open, its log of writes too
    assert [h.id for h in store.headings("ann", "stays")] == ["kept"]
    store.close()
