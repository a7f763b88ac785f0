"""Where a process takes its index from: built here, or as it was published; and what the command that publishes says."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from app import cli
from benchmarks.servers import free_port
from chatbot.catalogues import find_catalogue
from chatbot.opening import builds_when_opened, hold_index, open_catalogue, place_of
from chatbot.settings import Settings
from retrieval.embedder import HashingEmbedder
from retrieval.errors import ArtifactError, IndexLockedError, IndexMismatchError, SettingsError, VectorServerError
from retrieval.vector_places import VectorFolders, VectorServer


@pytest.fixture
def embedder():
    return HashingEmbedder(64)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "films.jsonl"


def write(path, count):
    rows = [{"id": f"film-{n}", "title_en": f"Film {n}", "summary_en": f"Tale {n}."} for n in range(count)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def opened(settings, path, embedder):
    """Open as an app process does; returns the ids and the folder they came from."""
    with hold_index(settings, find_catalogue(settings, str(path))) as catalogue:
        index = open_catalogue(settings, catalogue, embedder, lambda _: None)
        index.vectors.close()
        return list(index.items), catalogue.folder


def published(monkeypatch, settings, path):
    """Run the command as the builder would."""
    for name, value in (("DATA", settings.data), ("ARTIFACTS", settings.artifacts)):
        monkeypatch.setenv(f"ZHIYIN_{name}", str(value))
    return CliRunner().invoke(cli, ["publish", "--catalog", str(path)], catch_exceptions=True)


def test_a_process_by_itself_builds_what_is_out_of_date(tmp_path, path, embedder):
    settings = Settings(data=tmp_path / "data", artifacts="", chroma_url="")
    assert isinstance(place_of(settings), VectorFolders)
    for count in (3, 4):
        write(path, count)
        assert len(opened(settings, path, embedder)[0]) == count


def test_a_process_that_takes_builds_nothing_and_follows_what_is_published(tmp_path, path, embedder, monkeypatch):
    builder = Settings(data=tmp_path / "builder")
    share = f"file://{tmp_path}/share"
    app = Settings(data=tmp_path / "app", artifacts=share)
    write(path, 3)
    with pytest.raises(ArtifactError, match="nothing is published"):
        opened(app, path, embedder)
    opened(builder, path, embedder)
    done = published(monkeypatch, builder.model_copy(update={"artifacts": share}), path)
    assert done.exit_code == 0, done.output
    assert "Version v-" in done.output
    ids, folder = opened(app, path, embedder)
    assert len(ids) == 3
    assert (tmp_path / "app" / "taken") in folder.parents
    write(path, 5)
    assert len(opened(app, path, embedder)[0]) == 3  # the builder decides
    opened(builder, path, embedder)
    assert len(opened(app, path, embedder)[0]) == 3
    published(monkeypatch, builder.model_copy(update={"artifacts": share}), path)
    newer, other = opened(app, path, embedder)
    assert len(newer) == 5
    assert other != folder
    with hold_index(app, find_catalogue(app, str(path))), pytest.raises(IndexLockedError):  # its vectors are in the folder
        opened(app, path, embedder)
    with pytest.raises(IndexMismatchError):
        opened(app, path, HashingEmbedder(32))


def test_publishing_needs_to_know_where_to(monkeypatch, tmp_path, path, embedder):
    settings = Settings(data=tmp_path / "data", artifacts="")
    write(path, 2)
    opened(settings, path, embedder)
    done = published(monkeypatch, settings, path)
    assert isinstance(done.exception, SettingsError)
    assert "ZHIYIN_ARTIFACTS" in str(done.exception)


def test_with_a_server_nothing_is_built_or_held_by_who_serves(tmp_path, path, embedder):
    url = f"http://127.0.0.1:{free_port()}"
    alone, shared = Settings(data=tmp_path / "data"), Settings(data=tmp_path / "data", chroma_url=url)
    assert (builds_when_opened(alone), builds_when_opened(shared)) == (True, False)
    assert isinstance(place_of(shared), VectorServer)
    write(path, 2)
    opened(alone, path, embedder)
    with hold_index(shared, find_catalogue(shared, str(path))), hold_index(shared, find_catalogue(shared, str(path))):
        with pytest.raises(VectorServerError, match=url):
            opened(shared, path, embedder)
        assert len(opened(alone, path, embedder)[0]) == 2
