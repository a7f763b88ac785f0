"""``python app.py doctor`` as a person runs it."""

from __future__ import annotations

import json
import os
import socket

import pytest
from forking import run_app


@pytest.fixture
def run(tmp_path):
    """Run the doctor of a data folder, without weights."""
    data = tmp_path / "data"
    usual = {k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]

    def run_doctor(*arguments, **settings):
        settings = {"DATA": data, "HOME": tmp_path / "home", "ENGINE": "scripted", "EMBEDDER": "hashing", **settings}
        environment = {**usual, **{f"ZHIYIN_{name}": str(value) for name, value in settings.items()}, "COLUMNS": "300"}
        command = ["doctor", *(() if "--port" in arguments else ("--port", str(free))), *arguments]
        done = run_app(list(map(str, command)), environment, tmp_path)
        assert "Traceback" not in done.stderr
        return done

    return run_doctor


def test_a_machine_where_everything_is_well(run, tmp_path):
    done = run()
    assert done.returncode == 0, done.stdout
    assert "0 failed" in done.stdout
    assert "python app.py index" in done.stdout  # no index yet: a warning that says how to build it
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "home").exists()


def test_a_machine_where_some_things_are_broken(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(
            "--json", "--port", port, "--host", "127.0.0.1", EMBEDDER="default", ITEMS="many", CHROMA_URL="http://127.0.0.1:1"
        )
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["ok"] is False
    assert all(set(check) == {"name", "status", "found", "do"} for check in said["checks"])
    failed = {check["name"]: check for check in said["checks"] if check["status"] == "failed"}
    assert set(failed) == {"settings", "weights: embedder", "embedder", "port", "chroma"}
    assert failed["weights: embedder"]["do"] == "python app.py weights"
    assert "ZHIYIN_ITEMS" in failed["settings"]["found"]
    assert f"--port {port + 1}" in failed["port"]["do"]


def test_logs_are_json_when_they_are_set_so(run):
    done = run("--json", LOG="json", ENGINE="openai", SERVER_URL="http://127.0.0.1:1/v1")
    assert [check["name"] for check in json.loads(done.stdout)["checks"] if check["status"] == "failed"] == ["model server"]
    assert all(json.loads(line)["level"] for line in done.stderr.splitlines())
