"""The doctor: what it finds in a machine that is well and in one where things are broken, and that it changes nothing."""

from __future__ import annotations

import hashlib
import http.server
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatbot import doctor
from chatbot.api_keys import issue
from chatbot.doctor import Check, Plan, examine, guarded
from chatbot.doctor_command import read_settings
from chatbot.doctor_index import find, look_at_index, who_holds
from chatbot.doctor_reach import artifacts, chroma, collector, model_server, port
from chatbot.doctor_store import look_at_store
from chatbot.settings import Settings
from chatbot.store import SqlUserStore
from chatbot.store.ciphering import encrypt_file
from retrieval.embedder import HashingEmbedder
from retrieval.errors import IndexLockedError, StoreError
from retrieval.events import Event
from retrieval.index import index_lock
from retrieval.index_build import update_index

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(tmp_path):
    """A machine with nothing on it: a data folder, no weights needed."""
    data = tmp_path / "data"
    data.mkdir()
    return Settings(home=tmp_path / "home", data=data, engine="scripted", embedder="hashing", database="", artifacts="")


def files(folder):
    """Every file with its content and the time of its last change."""
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def by_name(checks):
    return {check.name: check for check in checks}


# -- the program --------------------------------------------------------------------------------------------------


def test_the_python_and_the_packages_that_run_these_tests_fit():
    assert doctor.python().status == "ok"
    assert doctor.packages(Settings(engine="scripted")).status == "ok"


def test_packages_that_are_missing_or_old_are_named_and_extras_only_where_they_are_needed(monkeypatch):
    lines = ["numpy>=1", "rich>=999", "no-such-thing>=1", "tomli; python_version < '3'", 'also-missing>=3; extra == "server"']
    monkeypatch.setattr(doctor, "requires", lambda name: lines)
    plain = doctor.packages(Settings(engine="scripted"))
    assert plain.status == "failed"
    assert "rich is " in plain.found
    assert "no-such-thing is missing" in plain.found
    assert "numpy" not in plain.found
    assert "also-missing" not in plain.found
    server = doctor.packages(Settings(engine="openai"))
    assert "also-missing is missing" in server.found
    assert "'.[server]'" in server.do
    assert doctor.extras_of(Settings(database="postgresql://h/d", key="a long secret")) == ["postgres", "private"]


def test_a_python_that_is_too_old(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.8.1")
    found = doctor.python()
    assert (found.status, "3.8.1" in found.found) == ("failed", True)


@pytest.mark.parametrize(("now", "status"), [(1_000_000_000, "failed"), (1_800_000_000, "ok"), (5_000_000_000, "failed")])
def test_the_clock(monkeypatch, now, status):
    monkeypatch.setattr(doctor.time, "time", lambda: now)
    assert doctor.clock(1_790_000_000).status == status


def test_what_is_raised_is_found_and_keeps_what_was_found_before():
    def look():
        yield Check("a", "ok", "fine")
        raise OSError("disk on fire")

    def refuse():
        raise StoreError("The key is another.")

    first, second = guarded("part", look)
    assert first.found == "fine"
    assert (second.name, second.status) == ("part", "failed")
    assert "OSError: disk on fire" in second.found
    assert guarded("store", refuse) == [Check("store", "failed", "The key is another.")]


def test_wrong_settings_are_told_and_the_others_still_count(monkeypatch, tmp_path):
    for name, value in {"ITEMS": "many", "ENGINE": "abacus", "DATA": str(tmp_path)}.items():
        monkeypatch.setenv(f"ZHIYIN_{name}", value)
    settings, checks = read_settings()
    assert {check.found.split(" ")[0] for check in checks} == {"ZHIYIN_ITEMS", "ZHIYIN_ENGINE"}
    assert all(check.status == "failed" for check in checks)
    assert (settings.data, settings.items, settings.engine) == (tmp_path, 3, "auto")


# -- the machine --------------------------------------------------------------------------------------------------


def test_weights_that_are_missing_broken_and_right(tmp_path):
    path, content = tmp_path / "model.gguf", b"weights" * 1000
    right = hashlib.sha256(content).hexdigest()

    def compare():
        return doctor._compare("w", path, len(content), right)

    assert compare().do == "python app.py weights"
    path.write_bytes(content)
    assert compare().status == "ok"
    path.write_bytes(content[:-1] + b"x")  # as long, one byte is another
    assert compare().status == "failed"
    path.write_bytes(content[:-1])
    assert "broken" in compare().found
    assert str(path) in compare().do


def test_the_weights_of_the_settings_are_looked_for(settings):
    wanted = settings.model_copy(update={"engine": "auto", "embedder": "default"})
    checks = by_name(doctor.weights(wanted))
    assert {name: check.status for name, check in checks.items()} == {
        "weights: generator": "failed",
        "weights: embedder": "failed",
    }
    unknown = settings.model_copy(update={"engine": "auto", "model": "no such model"})
    assert "no such model" in by_name(doctor.weights(unknown))["weights: generator"].found
    assert list(doctor.weights(settings)) == []


def test_disk_and_memory_against_what_is_needed(monkeypatch, settings):
    wanted = settings.model_copy(update={"engine": "auto", "embedder": "default"})
    for free, status in ((1 << 20, "failed"), (3 << 30, "warning"), (1 << 40, "ok")):
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        assert {check.status for check in doctor.disk(wanted)} == {status}
    import psutil

    monkeypatch.setattr(doctor, "_CGROUP", ())
    for total, available, status in ((1 << 29, 1 << 28, "failed"), (1 << 33, 1 << 28, "warning"), (1 << 33, 1 << 32, "ok")):
        here = SimpleNamespace(total=total, available=available)
        monkeypatch.setattr(psutil, "virtual_memory", lambda here=here: here)
        assert doctor.memory(settings).status == status


def test_the_limit_of_a_container_counts(monkeypatch, settings, tmp_path):
    limit = tmp_path / "memory.max"
    limit.write_text("104857600\n")
    monkeypatch.setattr(doctor, "_CGROUP", (limit,))
    assert doctor.memory(settings).status == "failed"
    limit.write_text("max\n")
    assert doctor.memory(settings).found != ""
    assert "0.1 GiB" not in doctor.memory(settings).found


def test_who_can_read_and_write_the_data_folder(settings):
    with tempfile.TemporaryDirectory() as made:  # pytest's own folders nobody else can enter
        folder = Path(made) / "data"
        Path(made).chmod(0o755)
        open_to_all = settings.model_copy(update={"data": folder})
        assert "first start" in doctor.data_folder(open_to_all).found
        assert not folder.exists()
        folder.mkdir()
        for mode, status in ((0o777, "failed"), (0o755, "warning"), (0o700, "ok")):
            folder.chmod(mode)
            assert doctor.data_folder(open_to_all).status == status
    file = settings.data / "file"
    file.touch()
    assert doctor.data_folder(settings.model_copy(update={"data": file})).status == "failed"


# -- the user store -----------------------------------------------------------------------------------------------


def store_checks(settings, host="127.0.0.1"):
    before = files(settings.data)
    checks = by_name(look_at_store(Plan(settings, host)))
    assert files(settings.data) == before  # nothing is made, changed or locked
    return checks


@pytest.fixture
def stored(settings):
    """Settings with a user store in which somebody said something."""
    with closing(SqlUserStore(settings.database_url)) as store:
        store.append(Event("ann", "liked", "tt1"))
    return settings


def change(settings, *statements):
    import sqlite3

    with closing(sqlite3.connect(settings.data / "zhiyin.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_a_store_that_is_not_there_yet_and_one_that_is_well(settings):
    checks = store_checks(settings)
    assert checks["user store"].status == "ok"
    assert "first start" in checks["user store"].found
    SqlUserStore(settings.database_url).close()
    checks = store_checks(settings)
    assert {check.status for check in checks.values()} == {"ok"}
    assert "user store: tables" in checks


def test_a_store_that_somebody_writes_to_is_read_as_it_is_now(settings):
    with closing(SqlUserStore(settings.database_url)) as store:
        issue(store.keys, "shop", ["chat"])
        assert (settings.data / "zhiyin.db-wal").stat().st_size > 0
        checks = by_name(look_at_store(Plan(settings, "0.0.0.0")))
        store.append(Event("ann", "liked", "tt1"))  # it can still be written
    assert "keys of the API: 1" in checks["access"].found


def test_an_encrypted_store_and_its_key(stored):
    path = stored.data / "zhiyin.db"
    keyed = stored.model_copy(update={"key": Settings(key="a sentence that is long").key})
    assert "not encrypted, but a key is set" in store_checks(keyed)["user store"].found
    encrypt_file(path, "a sentence that is long")
    assert store_checks(keyed)["user store"].found.endswith("encrypted, and opens with the key")
    assert store_checks(keyed)["user store: tables"].status == "ok"
    other = stored.model_copy(update={"key": Settings(key="another sentence").key})
    assert "not with this key" in store_checks(other)["user store"].found
    without = store_checks(stored)["user store"]
    assert (without.status, "ZHIYIN_KEY" in without.do) == ("failed", True)


def test_a_store_that_is_broken(stored):
    path = stored.data / "zhiyin.db"
    whole = path.read_bytes()
    for broken in (whole[:4096] + b"\xff" * 8192 + whole[12288:], whole[:5000]):
        path.write_bytes(broken)
        assert store_checks(stored)["user store"].status == "failed"


@pytest.mark.parametrize(
    ("statements", "status", "said"),
    [
        (["UPDATE alembic_version SET version_num = '0003'"], "warning", "next start"),
        (["DROP TABLE alembic_version"], "warning", "revision 0;"),
        (["UPDATE alembic_version SET version_num = '9999'"], "failed", "a later Zhiyin"),
    ],
)
def test_the_revision_of_the_tables(stored, statements, status, said):
    change(stored, *statements)
    check = store_checks(stored)["user store: tables"]
    assert (check.status, said in check.found) == (status, True)


def test_events_dated_ahead(stored):
    assert "user store: dates" not in store_checks(stored)
    change(stored, f"UPDATE events SET at = {time.time() + 1e7}")
    assert store_checks(stored)["user store: dates"].status == "warning"


def test_beyond_loopback_somebody_must_ask_who_comes_in(stored):
    assert store_checks(stored)["access"].status == "ok"
    alone = store_checks(stored, "0.0.0.0")["access"]
    assert alone.status == "failed"
    assert "ZHIYIN_PASSWORD" in alone.do
    assert "keys add" in alone.do
    guarded_page = stored.model_copy(update={"password": Settings(password="open sesame").password})
    assert store_checks(guarded_page, "0.0.0.0")["access"].status == "warning"
    with closing(SqlUserStore(stored.database_url)) as store:
        _, key = issue(store.keys, "shop", ["chat"])
    assert store_checks(guarded_page, "0.0.0.0")["access"].status == "ok"
    with closing(SqlUserStore(stored.database_url)) as store:
        store.keys.revoke(key.id)
    assert store_checks(guarded_page, "0.0.0.0")["access"].status == "warning"


def test_a_database_that_does_not_answer_or_is_of_another_kind(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
    gone = settings.model_copy(update={"database": f"postgresql://ann:opensesame@127.0.0.1:{number}/zhiyin"})
    check = store_checks(gone)["user store"]
    assert check.status == "failed"
    assert "opensesame" not in check.found
    other = store_checks(settings.model_copy(update={"database": "mysql://h/d"}))["user store"]
    assert other.status == "failed"


# -- the index ----------------------------------------------------------------------------------------------------


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "films.jsonl"
    rows = [{"id": f"f{n}", "title_en": f"Film {n}", "title_zh": f"电影{n}", "summary_en": f"Tale {n}."} for n in range(4)]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def indexed(settings, catalogue):
    plan = Plan(settings, catalog=str(catalogue), domain="movies")
    found = find(plan)
    with index_lock(found.folder):
        update_index(found.domain, found.path, HashingEmbedder(), found.folder, found.rebuild)
    return plan, found.folder


def index_checks(plan):
    before = files(plan.settings.data)
    checks = by_name(look_at_index(plan))
    assert files(plan.settings.data) == before
    return checks


def test_an_index_that_fits(indexed):
    plan, _ = indexed
    checks = index_checks(plan)
    assert {name: check.status for name, check in checks.items()} == dict.fromkeys(
        ("embedder", "catalogue", "index", "index lock"), "ok"
    )
    assert "4 items" in checks["index"].found


def test_an_index_that_is_not_there_whole_or_of_today(indexed, catalogue, settings):
    plan, folder = indexed
    with catalogue.open("a", encoding="utf-8") as file:
        file.write('\n{"id": "f9", "title_en": "Film 9", "summary_en": "New."}')
    check = index_checks(plan)["index"]
    assert (check.status, "changed since: catalogue" in check.found) == ("warning", True)
    assert "python app.py index --catalog" in check.do
    catalogue.unlink()
    checks = index_checks(plan)
    assert (checks["catalogue"].status, checks["index"].status) == ("warning", "ok")
    version = folder / json.loads((folder / "current.json").read_text())["version"]
    (version / "items.jsonl").unlink()
    check = index_checks(plan)["index"]
    assert (check.status, "lacks items.jsonl" in check.found) == ("failed", True)
    (folder / "current.json").unlink()
    assert index_checks(plan)["index"].status == "failed"


def test_an_index_of_another_embedder(indexed):
    plan, folder = indexed
    current = json.loads((folder / "current.json").read_text())
    (folder / "current.json").write_text(json.dumps({**current, "embedder": "hashing/v1/64/unit"}))
    check = index_checks(plan)["index"]
    assert (check.status, "hashing/v1/64/unit" in check.found) == ("failed", True)
    assert check.do.startswith("python app.py index")


def test_an_embedder_that_cannot_be_loaded_leaves_the_rest_looked_at(indexed):
    plan, _ = indexed
    broken = Plan(plan.settings.model_copy(update={"embedder": "default"}), catalog=plan.catalog, domain=plan.domain)
    checks = index_checks(broken)
    assert checks["embedder"].status == "failed"
    assert (checks["index"].status, checks["catalogue"].status) == ("warning", "ok")


def test_a_catalogue_that_was_never_read_is_not_read_now(settings, tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text("sku,product_name,description\n" + "\n".join(f"P{n},Lamp {n},A lamp number {n}." for n in range(30)))
    check = index_checks(Plan(settings, catalog=str(path)))["catalogue"]
    assert (check.status, "never read" in check.found) == ("warning", True)


HOLD = """
import sys
from pathlib import Path
from retrieval.index import index_lock
with index_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_page_is_seen_and_not_touched(indexed):
    plan, folder = indexed
    assert "No process" in who_holds(folder)
    page = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert page.stdout.readline() == "held\n"
        found = index_checks(plan)["index lock"]
        assert found.status == "ok"
        assert f"Process {page.pid} " in found.found
        with pytest.raises(IndexLockedError), index_lock(folder):  # the page has it still
            pass
    finally:
        page.kill()
        page.communicate()
    assert "was killed" in who_holds(folder)


# -- what has to be reached ---------------------------------------------------------------------------------------


@pytest.fixture
def server():
    """An HTTP server that answers what the test says: path -> (status, JSON), and keeps what it was asked."""
    answers, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("authorization")))
            status, body = answers.get(self.path, (404, {}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{running.server_port}", answers=answers, asked=asked)
        running.shutdown()
        thread.join()


def test_a_port_that_is_free_and_one_that_is_not(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        used = port("127.0.0.1", number)
        assert used.status == "failed"
        assert f"--port {number + 1}" in used.do
        monkeypatch.setattr("chatbot.doctor_reach._listener", lambda n: (77, ["python", "/srv/app.py", "--port", str(n)]))
        assert port("127.0.0.1", number).status == "ok"
    assert port("127.0.0.1", number).status == "ok"
    assert port("203.0.113.9", number).status == "failed"


def test_a_model_server(server):
    server.answers["/v1/models"] = (200, {"data": [{"id": "qwen"}, {"id": "other"}]})
    assert model_server(f"{server.url}/v1/", "default", "secret").status == "ok"
    assert server.asked[-1] == ("/v1/models", "Bearer secret")
    assert model_server(f"{server.url}/v1", "qwen", "").status == "ok"
    assert "'llama' is asked for" in model_server(f"{server.url}/v1", "llama", "").found
    assert "/v1" in model_server(server.url, "qwen", "").do
    server.answers["/v1/models"] = (401, {})
    refused = model_server(f"{server.url}/v1", "qwen", "secret")
    assert "ZHIYIN_SERVER_KEY" in refused.do
    assert "secret" not in refused.found
    server.answers["/v1/models"] = (200, {"data": "no list"})
    assert model_server(f"{server.url}/v1", "qwen", "").status == "failed"
    assert model_server("", "qwen", "").status == "failed"
    assert model_server("http://127.0.0.1:1/v1", "qwen", "").status == "failed"


def test_a_chroma_server(server):
    assert chroma(server.url).status == "failed"
    server.answers |= {"/api/v2/heartbeat": (200, {"nanosecond heartbeat": 1}), "/api/v2/version": (200, "1.5.9")}
    found = chroma(f"{server.url}/")
    assert (found.status, "version 1.5.9" in found.found) == ("ok", True)
    assert chroma("http://127.0.0.1:1").status == "failed"
    assert chroma("nowhere").status == "failed"


def test_where_indexes_are_published(tmp_path):
    assert artifacts(f"file://{tmp_path}").status == "ok"
    assert artifacts(str(tmp_path / "later")).status == "warning"
    assert not (tmp_path / "later").exists()
    assert artifacts("nosuch://bucket/x").status == "failed"


def test_a_collector_of_traces(server):
    assert collector(server.url).status == "ok"
    assert collector("http://127.0.0.1:1").status == "warning"
    assert collector("localhost:4317").status == "warning"


# -- all of it ----------------------------------------------------------------------------------------------------


def test_half_of_the_things_are_broken_and_the_rest_is_looked_at(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "zhiyin.db").write_bytes(b"not a database at all, but long enough to look like one")
    settings = Settings(
        home=tmp_path / "none", data=data, engine="openai", server_url="http://127.0.0.1:1/v1", embedder="default",
        domain="no such domain", chroma_url="http://127.0.0.1:1", artifacts="nosuch://x", traces="nowhere",
    )  # fmt: skip
    before = files(data)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        checks = examine(Plan(settings, "0.0.0.0", taken.getsockname()[1]))
    found = by_name(checks)
    failed = {name for name, check in found.items() if check.status == "failed"}
    assert {
        "weights: embedder",
        "embedder",
        "index",
        "user store",
        "port",
        "chroma",
        "model server",
        "artifacts",
        "access",
    } <= failed
    assert {"python", "clock", "memory", "disk"} <= {name for name, check in found.items() if check.status == "ok"}
    assert all(check.found for check in checks)
    assert files(data) == before
    assert not (tmp_path / "none").exists()
