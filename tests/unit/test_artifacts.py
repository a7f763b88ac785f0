"""An index that is published and taken: whole or not at all, verified, resumed, and by no more bytes than changed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import uuid
from pathlib import Path

import fsspec
import pytest

import retrieval.artifacts as artifacts_module
from retrieval.artifacts import KEPT, publish, take
from retrieval.beside import find_beside, write_beside
from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.errors import ArtifactError, IndexMissingError, SettingsError
from retrieval.index import index_lock, open_index
from retrieval.index_build import build_index

REBUILD = "python app.py index"


@pytest.fixture
def domain():
    return load_domain("movies")


@pytest.fixture
def embedder():
    return HashingEmbedder(64)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "built" / "movies"


@pytest.fixture
def build(domain, embedder, folder, tmp_path):
    """Build the index of some items."""

    def build(numbers):
        path = tmp_path / "films.jsonl"
        rows = [{"id": f"film-{n}", "title_en": f"Film {n}", "summary_en": f"Tale {n}."} for n in numbers]
        path.write_text("\n".join(map(json.dumps, [*rows, {"id": "", "title_en": "set aside"}])), encoding="utf-8")
        build_index(domain, path, embedder, folder)

    return build


@pytest.fixture(params=["file", "memory"])
def url(request, tmp_path):
    return f"file://{tmp_path}/share/zhiyin" if request.param == "file" else f"memory://{uuid.uuid4().hex}/zhiyin"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def ids(domain, embedder, path):
    with index_lock(path):
        index = open_index(domain, embedder, path, REBUILD)
        assert index.vectors.count() == 2 * len(index.items)
        index.vectors.close()
    return list(index.items)


def stored(url, key="movies"):
    """Every file of the storage: name to size."""
    fs, root = fsspec.core.url_to_fs(f"{url}/{key}")
    fs.invalidate_cache()
    return {name.removeprefix(root).lstrip("/"): info["size"] for name, info in fs.find(root, detail=True).items()}


def change(url, name, content):
    """Write a file of the storage anew; None removes it."""
    fs, root = fsspec.core.url_to_fs(f"{url}/movies")
    if content is None:
        fs.rm_file(f"{root}/{name}")
    else:
        fs.pipe_file(f"{root}/{name}", content)


def entry(url, end):
    """The sha256 of a published file, by the end of its path."""
    fs, root = fsspec.core.url_to_fs(f"{url}/movies")
    manifest = json.loads(fs.cat_file(f"{root}/current.json"))["manifest"]
    files = json.loads(fs.cat_file(f"{root}/manifests/{manifest}.json"))["files"]
    return next(file["sha256"] for file in files if file["path"].endswith(end))


def test_what_is_taken_serves_as_what_was_published(domain, embedder, folder, build, url, cache):
    build(range(5))
    (folder / "vote.json").write_text("{}")
    (folder / "dialogues.jsonl").write_text("who said what\n")
    write_beside(folder, "learned", lambda path: (path.mkdir(), (path / "weights").write_bytes(b"123")), {"embedder": "x"})
    done = publish(folder, url, "movies", REBUILD, ("vote.json", "mapping.toml"))
    assert done.sent == sum(name.startswith("files/") for name in stored(url))
    path = take(url, "movies", cache)
    assert path.parent == cache
    assert ids(domain, embedder, path) == ids(domain, embedder, folder)
    assert (path / "vote.json").is_file()
    note, learned = find_beside(path, "learned", "train-ranker")
    assert (note["embedder"], (learned / "weights").read_bytes()) == ("x", b"123")
    names = {file.name for file in path.rglob("*") if file.is_file()}
    assert not names & {"dialogues.jsonl", "rejected.jsonl", "merged.jsonl", "mapping.toml"}
    assert next(folder.glob("v-*/rejected.jsonl")).read_text().count("\n") == 1
    assert take(url, "movies", cache) == path


def test_only_what_changed_is_sent_and_fetched(domain, embedder, folder, build, url, cache, monkeypatch):
    build(range(5))
    write_beside(folder, "learned", lambda path: (path.mkdir(), (path / "weights").write_bytes(os.urandom(1000))), {})
    publish(folder, url, "movies", REBUILD)
    first = take(url, "movies", cache)
    again = publish(folder, url, "movies", REBUILD)
    assert (again.sent, again.bytes_sent) == (0, 0)
    assert publish(folder, url, "movies", REBUILD, again=True).sent == again.files
    build(range(6))
    changed = publish(folder, url, "movies", REBUILD)
    assert 0 < changed.sent < changed.files
    fetched, fetch = [], artifacts_module.Storage.fetch
    monkeypatch.setattr(
        artifacts_module.Storage, "fetch", lambda self, entry, path: (fetched.append(entry.path), fetch(self, entry, path))
    )
    second = take(url, "movies", cache)
    assert second != first
    assert not any(name.endswith("weights") for name in fetched)
    assert any(name.endswith("items.jsonl") for name in fetched)
    assert len(ids(domain, embedder, second)) == 6
    assert len(ids(domain, embedder, first)) == 5  # a process may have begun with it


def test_old_versions_go_on_both_sides(domain, embedder, folder, build, url, cache):
    for count in range(2, 7):
        build(range(count))
        publish(folder, url, "movies", REBUILD)
        path = take(url, "movies", cache)
    names = stored(url)
    assert sum(name.startswith("manifests/") for name in names) == KEPT
    assert len(list(cache.glob("p-*"))) == 2
    assert len(ids(domain, embedder, path)) == 6
    assert not [name for name in names if name.endswith(".part")]
    named = set()
    fs, root = fsspec.core.url_to_fs(f"{url}/movies")
    for name in names:
        if name.startswith("manifests/"):
            named |= {f"files/{file['sha256']}" for file in json.loads(fs.cat_file(f"{root}/{name}"))["files"]}
    assert named == {name for name in names if name.startswith("files/")}


def test_a_catalogue_has_a_place_of_its_own(domain, embedder, folder, build, url, cache):
    build(range(2))
    publish(folder, url, "movies", REBUILD)
    build(range(3))
    publish(folder, url, "书店-1a2b", REBUILD)
    assert len(ids(domain, embedder, take(url, "movies", cache / "a"))) == 2
    assert len(ids(domain, embedder, take(url, "书店-1a2b", cache / "b"))) == 3
    with pytest.raises(ArtifactError, match=r"games.*nothing is published.*python app.py publish"):
        take(url, "games", cache / "c")


def test_a_fetch_that_was_killed_goes_on_where_it_stopped(domain, embedder, folder, build, url, cache, monkeypatch):
    build(range(5))
    publish(folder, url, "movies", REBUILD)
    old = take(url, "movies", cache)
    build(range(7))
    publish(folder, url, "movies", REBUILD)
    fetched, fetch = [], artifacts_module.Storage.fetch

    def until(most):
        def fetch_some(self, entry, path):
            if len(fetched) == most:
                path.write_bytes(b"half of it")
                raise KeyboardInterrupt
            fetch(self, entry, path)
            fetched.append(entry.path)

        return fetch_some

    monkeypatch.setattr(artifacts_module.Storage, "fetch", until(2))
    with pytest.raises(KeyboardInterrupt):
        take(url, "movies", cache)
    assert len(ids(domain, embedder, old)) == 5
    monkeypatch.setattr(artifacts_module.Storage, "fetch", until(10**6))
    path = take(url, "movies", cache)
    assert len(fetched) == len(set(fetched))  # none was fetched twice
    assert len(ids(domain, embedder, path)) == 7


def test_a_publication_that_was_killed_is_not_seen_and_is_gone_on_with(
    domain, embedder, folder, build, url, cache, monkeypatch
):
    build(range(5))
    publish(folder, url, "movies", REBUILD)
    build(range(6))
    sent, put = [], artifacts_module.Storage.put

    def put_three(self, path, name):
        if len(sent) == 3:
            raise KeyboardInterrupt
        put(self, path, name)
        sent.append(name)

    with monkeypatch.context() as patch:
        patch.setattr(artifacts_module.Storage, "put", put_three)
        with pytest.raises(KeyboardInterrupt):
            publish(folder, url, "movies", REBUILD)
    assert len(ids(domain, embedder, take(url, "movies", cache))) == 5
    done = publish(folder, url, "movies", REBUILD)
    assert 0 < done.sent < done.files - 3 + 1
    assert len(ids(domain, embedder, take(url, "movies", cache))) == 6


def test_what_is_broken_is_named_never_served_and_mended_by_sending_it_again(domain, embedder, folder, build, url, cache):
    build(range(5))
    publish(folder, url, "movies", REBUILD)
    old = take(url, "movies", cache)
    build(range(6))
    publish(folder, url, "movies", REBUILD)
    items = f"files/{entry(url, 'items.jsonl')}"
    size = stored(url)[items]
    for content, said in ((b"x" * size, "sha256"), (b"half", "sha256"), (None, "is not there")):
        change(url, items, content)
        with pytest.raises(ArtifactError, match=rf"items\.jsonl.*{said}.*python app.py publish --again") as caught:
            take(url, "movies", cache)
        assert caught.value.key == "error_artifacts"
        assert len(ids(domain, embedder, old)) == 5
        assert len(list(cache.glob("p-*"))) == 2  # the old one, and what was fetched of the new one
        publish(folder, url, "movies", REBUILD, again=True)
    assert len(ids(domain, embedder, take(url, "movies", cache))) == 6


@pytest.mark.parametrize("what", ["pointer", "manifest", "manifest gone", "manifest of another"])
def test_a_broken_pointer_or_manifest_is_named(folder, build, url, cache, what):
    build(range(2))
    publish(folder, url, "movies", REBUILD)
    manifest = next(name for name in stored(url) if name.startswith("manifests/"))
    match what:
        case "pointer":
            change(url, "current.json", b'{"format": 1, "manifest": "../../etc/passwd"}')
        case "manifest":
            change(url, manifest, b"{}")
        case "manifest gone":
            change(url, manifest, None)
        case "manifest of another":
            change(url, "current.json", json.dumps({"format": 1, "manifest": "0" * 64}).encode())
    with pytest.raises(ArtifactError, match=r"current\.json|manifest"):
        take(url, "movies", cache)
    publish(folder, url, "movies", REBUILD)
    assert take(url, "movies", cache).is_dir()


def test_a_manifest_cannot_name_a_file_outside(folder, build, url, cache, tmp_path):
    build(range(2))
    publish(folder, url, "movies", REBUILD)
    for path in ("../../evil", "v/../../evil", "..", "/etc/evil"):
        text = json.dumps(
            {"format": 1, "version": "v", "files": [{"path": path, "size": 1, "sha256": entry(url, "items.jsonl")}]}
        ).encode()
        name = hashlib.sha256(text).hexdigest()
        change(url, f"manifests/{name}.json", text)
        before = json.dumps({"format": 1, "manifest": name}).encode()
        good = fsspec.core.url_to_fs(url)[0].cat_file(fsspec.core.url_to_fs(f"{url}/movies")[1] + "/current.json")
        change(url, "current.json", before)
        with pytest.raises(ArtifactError, match=r"outside|another release"):
            take(url, "movies", cache)
        change(url, "current.json", good)
    assert not list(tmp_path.rglob("evil"))


def test_without_the_storage_what_was_taken_last_serves(folder, build, tmp_path, cache, caplog):
    build(range(3))
    share = tmp_path / "share"
    publish(folder, f"file://{share}", "movies", REBUILD)
    path = take(f"file://{share}", "movies", cache)
    share.rename(tmp_path / "gone")
    share.write_text("no folder any more")  # what a lost mount looks like
    with caplog.at_level(logging.WARNING):
        assert take(f"file://{share}", "movies", cache) == path
    assert "was taken last serves" in caplog.text
    with pytest.raises(ArtifactError, match="cannot be read or written"):
        take(f"file://{share}", "movies", tmp_path / "new cache")
    with pytest.raises(ArtifactError, match="cannot be read or written"):
        publish(folder, f"file://{share}", "movies", REBUILD)


@pytest.mark.parametrize("url", ["nonsense://x/y", "wandb-not-here://bucket"])
def test_an_address_that_cannot_be_used_names_the_setting(folder, build, cache, url):
    build(range(2))
    with pytest.raises(SettingsError, match="ZHIYIN_ARTIFACTS"):
        publish(folder, url, "movies", REBUILD)
    with pytest.raises(SettingsError, match="ZHIYIN_ARTIFACTS"):
        take(url, "movies", cache)


def test_without_an_index_nothing_is_published(folder, url):
    folder.mkdir(parents=True)
    with pytest.raises(IndexMissingError, match=REBUILD):
        publish(folder, url, "movies", REBUILD)
    assert stored(url) == {}


def test_two_processes_that_take_at_once_get_the_same(domain, embedder, folder, build, url, cache):
    build(range(5))
    publish(folder, url, "movies", REBUILD)
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(take(url, "movies", cache))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(ids(domain, embedder, found[0])) == 5
