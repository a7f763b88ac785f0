"""An index whose vectors are on a Chroma server: who builds it, who serves it, and what becomes of older versions."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

import retrieval.index_build as build_module
from benchmarks import servers
from retrieval.channels import Search, nearest
from retrieval.chroma_server import connect, disconnect
from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.errors import IndexMissingError, VectorServerError
from retrieval.index import index_lock, open_index, store_chunk
from retrieval.index_build import RETIRED, build_index, outdated
from retrieval.types import Query
from retrieval.vector_places import VectorFolders, VectorServer, collection_name

ROOT = Path(__file__).resolve().parents[2]
REBUILD = "python app.py index"


class CountingEmbedder(HashingEmbedder):
    """Remembers every card it embeds."""

    def __init__(self):
        super().__init__(64)
        self.cards: list[str] = []

    def embed_items(self, texts):
        self.cards += texts
        return super().embed_items(texts)


@pytest.fixture(scope="module")
def server_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("chroma-server")


@pytest.fixture(scope="module")
def url(server_folder):
    with servers.chroma(server_folder) as url:
        yield url


@pytest.fixture
def domain():
    return load_domain("movies")


@pytest.fixture
def embedder():
    return CountingEmbedder()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / f"目录 {tmp_path.name}"  # another name a test: the server is one


@pytest.fixture
def write(tmp_path):
    """Write a catalogue with the items of some numbers."""

    def write(numbers, words="tale"):
        rows = [
            {"id": f"film-{n}", "title_en": f"Film {n}", "title_zh": f"电影{n}", "year": 1990, "summary_en": f"A {n} {words}."}
            for n in numbers
        ]
        path = tmp_path / "films.jsonl"
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
        return path

    return write


def current(folder):
    return json.loads((folder / "current.json").read_text(encoding="utf-8"))


def collections(url, folder):
    client = connect(url)
    try:
        prefix = collection_name(folder.name, "")
        return {c.name.removeprefix(prefix) for c in client.list_collections() if c.name.startswith(prefix)}
    finally:
        disconnect(client)


def test_a_build_fills_a_collection_and_no_folder_and_finds_what_a_folder_would(domain, embedder, folder, write, url, tmp_path):
    path, place = write(range(30)), VectorServer(url)
    assert build_index(domain, path, embedder, folder, place=place).embedded == 60
    version = current(folder)["version"]
    assert collections(url, folder) == {version}
    assert not list(folder.rglob("chroma*"))
    build_index(domain, path, embedder, tmp_path / "own")
    own = open_index(domain, embedder, tmp_path / "own", REBUILD)
    with closing(open_index(domain, embedder, folder, REBUILD, place).vectors) as shared:
        assert shared.count() == 60
        for text in ("A 7 tale", "电影12"):
            vector = embedder.embed_queries([text])[0]
            mine, theirs = dict(own.vectors.search(vector, 60)), dict(shared.search(vector, 60))
            assert mine.keys() == theirs.keys()
            np.testing.assert_allclose([mine[name] for name in theirs], list(theirs.values()), atol=1e-5)
    assert build_index(domain, path, embedder, folder, place=place).unchanged
    assert current(folder)["version"] == version


def test_a_new_version_takes_over_what_did_not_change_and_the_old_one_serves_for_its_grace(
    domain, embedder, folder, write, url
):
    build_index(domain, write(range(20)), embedder, folder, place=VectorServer(url))
    first = current(folder)["version"]
    old = open_index(domain, embedder, folder, REBUILD, VectorServer(url))
    embedder.cards.clear()
    report = build_index(domain, write(range(5, 25)), embedder, folder, place=VectorServer(url))
    assert (report.embedded, report.reused, report.removed) == (10, 30, 5)
    assert len(embedder.cards) == 10
    second = current(folder)["version"]
    assert collections(url, folder) == {first, second}
    vector = embedder.embed_queries(["A 2 tale"])[0]
    assert any(name.startswith("film-2|") for name, _ in old.vectors.search(vector, 10))  # who has it open goes on
    assert (folder / first / "items.jsonl").is_file()
    new = open_index(domain, embedder, folder, REBUILD, VectorServer(url))
    assert new.vectors.count() == 40
    assert not any(name.startswith("film-2|") for name, _ in new.vectors.search(vector, 40))
    np.testing.assert_allclose(
        new.vectors.get(["film-7|zh"])["film-7|zh"], old.vectors.get(["film-7|zh"])["film-7|zh"], atol=1e-6
    )
    with closing(old.vectors), closing(new.vectors):
        build_index(domain, write(range(5, 25)), embedder, folder, place=VectorServer(url))  # within the grace: both stay
        assert collections(url, folder) == {first, second}
        build_index(domain, write(range(5, 25)), embedder, folder, place=VectorServer(url, grace=0))
    assert collections(url, folder) == {second}
    assert not (folder / first).exists()
    assert json.loads((folder / RETIRED).read_text()) == {}


def test_another_catalogue_or_deployment_on_the_same_server_is_left_alone(domain, embedder, tmp_path, write, url):
    place = VectorServer(url, grace=0)
    one, two = tmp_path / "a" / "movies", tmp_path / "b" / "movies"  # two deployments, one name
    build_index(domain, write(range(3)), embedder, one, place=place)
    build_index(domain, write(range(4)), embedder, two, place=place)
    build_index(domain, write(range(5)), embedder, two, place=place)
    for folder, count in ((one, 6), (two, 10)):
        with closing(open_index(domain, embedder, folder, REBUILD, place).vectors) as vectors:
            assert vectors.count() == count


def test_an_index_moves_between_a_folder_and_a_server_without_embedding_anything(domain, embedder, folder, write, url):
    path = write(range(10))
    build_index(domain, path, embedder, folder)
    with pytest.raises(IndexMissingError, match=f"{url}.*{REBUILD}"):
        open_index(domain, embedder, folder, REBUILD, VectorServer(url))
    embedder.cards.clear()
    report = build_index(domain, path, embedder, folder, place=VectorServer(url))
    assert (report.embedded, report.reused) == (0, 20)
    with pytest.raises(IndexMissingError, match="ZHIYIN_CHROMA_URL"):
        open_index(domain, embedder, folder, REBUILD)
    with closing(open_index(domain, embedder, folder, REBUILD, VectorServer(url)).vectors) as vectors:
        assert vectors.count() == 20
    report = build_index(domain, path, embedder, folder, place=VectorFolders())
    assert (report.embedded, report.reused) == (0, 20)
    assert open_index(domain, embedder, folder, REBUILD).vectors.count() == 20
    assert embedder.cards == []


def test_a_server_that_lost_its_collection_gets_it_again_without_embedding(domain, embedder, folder, write, url):
    path, place = write(range(10)), VectorServer(url)
    build_index(domain, path, embedder, folder, place=place)
    place.remove(folder, current(folder)["version"])
    with pytest.raises(IndexMissingError, match=url):
        open_index(domain, embedder, folder, REBUILD, place)
    report = build_index(domain, path, embedder, folder, place=place)
    assert (report.embedded, report.reused, report.unchanged) == (0, 20, False)


def test_a_build_that_ends_early_leaves_the_old_version_and_the_next_one_goes_on(
    domain, embedder, folder, write, url, monkeypatch
):
    def stop(*arguments):
        store_chunk(*arguments)
        raise KeyboardInterrupt

    def build_until_stopped(path):
        with monkeypatch.context() as patch:
            patch.setattr(build_module, "store_chunk", stop)
            with pytest.raises(KeyboardInterrupt):
                build_index(domain, path, embedder, folder, place=place)

    place = VectorServer(url)
    build_index(domain, write(range(8)), embedder, folder, place=place)
    old = current(folder)
    path = write(range(8), "story")
    build_until_stopped(path)
    assert current(folder) == old
    assert len(collections(url, folder)) == 2
    embedder.cards.clear()
    report = build_index(domain, path, embedder, folder, place=place)
    assert report.items == 8
    assert embedder.cards == []  # what the first one made was kept
    assert len(collections(url, folder)) == 2  # the old version and the new one
    with closing(open_index(domain, embedder, folder, REBUILD, place).vectors) as vectors:
        assert vectors.count() == 16
    build_until_stopped(write(range(9)))
    build_index(domain, write(range(7)), embedder, folder, place=VectorServer(url, grace=0))  # what was begun is of no use
    assert collections(url, folder) == {current(folder)["version"]}


def test_any_number_of_processes_serve_an_index_while_one_builds(domain, embedder, folder, write, url):
    path = write(range(10))
    build_index(domain, path, embedder, folder, place=VectorServer(url))
    script = (
        "import sys; from pathlib import Path; from retrieval.index import open_index\n"
        "from retrieval.domain_files import load_domain; from retrieval.embedder import HashingEmbedder\n"
        "from retrieval.vector_places import VectorServer\n"
        "e = HashingEmbedder(64)\n"
        "index = open_index(load_domain('movies'), e, Path(sys.argv[1]), '', VectorServer(sys.argv[2]))\n"
        "print(index.vectors.search(e.embed_queries(['A 3 tale'])[0], 1)[0][0])\n"
    )
    with index_lock(folder):
        own = [open_index(domain, embedder, folder, REBUILD, VectorServer(url)).vectors for _ in range(2)]
        command = [sys.executable, "-c", script, folder, url]
        other = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
        assert other.stdout.startswith("film-3|")
        for vectors in own:
            with closing(vectors):
                assert vectors.count() == 20


def test_what_is_out_of_date_is_named(domain, embedder, folder, write, url):
    path = write(range(4))
    build_index(domain, path, embedder, folder, place=VectorServer(url))
    assert outdated(domain, embedder, path, folder) == []
    write(range(5))
    assert outdated(domain, embedder, path, folder) == ["catalogue"]
    path.unlink()
    assert outdated(domain, embedder, path, folder) == []


def test_without_the_server_every_vector_is_compared_here_and_an_open_index_goes_on(domain, embedder, folder, write, tmp_path):
    port = servers.free_port()
    with servers.chroma(tmp_path / "server", port) as url:
        build_index(domain, write(range(40)), embedder, folder, place=VectorServer(url))
        index = open_index(domain, embedder, folder, REBUILD, VectorServer(url))
        search = Search(index, Query(text="A 7 tale", language="en", k=5), np.ones(40, dtype=bool))
        before = dict(zip(*(part.tolist() for part in nearest(search, search.wish)[0]), strict=True))
    after = dict(zip(*(part.tolist() for part in nearest(search, search.wish)[0]), strict=True))
    assert set(before) <= set(after)
    assert len(after) == 40
    assert [after[n] for n in before] == pytest.approx(list(before.values()), abs=1e-5)
    with pytest.raises(VectorServerError):
        nearest(dataclasses.replace(search, index=dataclasses.replace(index, rows={})), search.wish)
    with pytest.raises(VectorServerError, match=url):
        build_index(domain, write(range(41)), embedder, folder, place=VectorServer(url))
    assert current(folder)["items"] == 40
    index.vectors.close()


def test_nothing_but_the_server_is_connected(domain, embedder, folder, write, url):
    place = VectorServer(url)
    build_index(domain, write(range(4)), embedder, folder, place=place)
    with closing(open_index(domain, embedder, folder, REBUILD, place).vectors) as vectors:
        vectors.search(embedder.embed_queries(["x"])[0], 2)
        there = {c.raddr.ip for c in psutil.Process(os.getpid()).net_connections("inet") if c.raddr}
    assert there <= {"127.0.0.1"}


@pytest.mark.parametrize("key", ["movies", "movies-1a2b", "书店-1a2b3c4d", "a" * 300, "..", "x y", "_"])
def test_a_collection_has_a_name_that_chroma_takes_and_its_own(key, url):
    name = collection_name(key, "v-0123456789ab")
    assert name != collection_name(key + "2", "v-0123456789ab")
    client = connect(url)
    try:
        client.get_or_create_collection(name, embedding_function=None)
        client.delete_collection(name)
    finally:
        disconnect(client)
