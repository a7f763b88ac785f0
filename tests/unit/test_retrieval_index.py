"""The index on disk: what is embedded again, what is refused, one process at a time, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import retrieval.index as index_module
import retrieval.index_build as build_module
from retrieval.domain import Domain
from retrieval.domain_files import load_domain, make_domain
from retrieval.embedder import HashingEmbedder
from retrieval.errors import CatalogError, IndexLockedError, IndexMismatchError, IndexMissingError
from retrieval.index import CHUNK, index_lock, open_index, record_id, search_text
from retrieval.index_build import build_index, update_index
from retrieval.inferred import INFERRED, append_inferred, text_key
from retrieval.vector_file import VectorFile

ROOT = Path(__file__).resolve().parents[2]
REBUILD = "python app.py index"


class CountingEmbedder(HashingEmbedder):
    """Remembers every card it embeds."""

    def __init__(self, dimension=64):
        super().__init__(dimension)
        self.cards: list[str] = []

    def embed_items(self, texts):
        self.cards += texts
        return super().embed_items(texts)


def rows(count=4):
    return [
        {
            "id": f"film-{n}",
            "title_en": f"Film {n}",
            "title_zh": f"电影{n}",
            "year": 1990 + n % 30,
            "summary_en": f"A wordnumber{n} tale.",
        }
        for n in range(count)
    ]


@pytest.fixture
def domain():
    return load_domain("movies")


@pytest.fixture
def embedder():
    return CountingEmbedder()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "index"


@pytest.fixture
def write(tmp_path):
    def write(films):
        path = tmp_path / "films.jsonl"
        path.write_text("\n".join(json.dumps(film, ensure_ascii=False) for film in films), encoding="utf-8")
        return path

    return write


def versions(folder):
    return sorted(path.name for path in folder.glob("v-*"))


def current(folder):
    return json.loads((folder / "current.json").read_text(encoding="utf-8"))


def test_a_build_embeds_every_card_of_every_language_and_opens(domain, embedder, folder, write):
    told = []
    report = build_index(domain, write(rows()), embedder, folder, lambda stage, fraction: told.append((stage, fraction)))
    assert (report.items, report.embedded, report.reused, report.removed, report.unchanged) == (4, 8, 0, 0, False)
    assert list(dict.fromkeys(stage for stage, _ in told)) == ["reading", "embedding", "words"]
    assert ("embedding", 1.0) in told
    assert (report.rows.rows, report.rows.kept) == (4, 4)
    index = open_index(domain, embedder, folder, REBUILD)
    assert list(index.items) == ["film-0", "film-1", "film-2", "film-3"]
    assert index.vectors.count() == 8
    assert index.items["film-2"].facets == {"year": 1992}
    assert index.items["film-2"].titles == {"en": "Film 2", "zh": "电影2"}
    assert list(index.lexical.scores("wordnumber3")) == ["film-3"]


def test_what_is_read_back_equals_what_was_read(domain, embedder, folder, items):
    build_index(domain, domain.catalogue_path, embedder, folder)
    assert open_index(domain, embedder, folder, REBUILD).items == items


def test_vectors_of_gives_the_rows_of_the_cards_in_the_order_asked(domain, embedder, folder, write):
    build_index(domain, write(rows()), embedder, folder)
    index = open_index(domain, embedder, folder, REBUILD)
    found = index.vectors_of(["film-3", "film-0"], "zh")
    cards = [domain.write_card(index.items[name], "zh") for name in ("film-3", "film-0")]
    np.testing.assert_allclose(found, HashingEmbedder(64).embed_items(cards), atol=1e-6)


def test_an_unchanged_catalogue_does_nothing(domain, embedder, folder, write):
    path = write(rows())
    build_index(domain, path, embedder, folder)
    before, embedder.cards[:] = versions(folder), []
    report = build_index(domain, path, embedder, folder)
    assert report.unchanged
    assert (report.items, report.embedded) == (4, 0)
    assert embedder.cards == []
    assert versions(folder) == before


def test_one_changed_row_embeds_only_its_cards(domain, embedder, folder, write):
    films = rows()
    build_index(domain, write(films), embedder, folder)
    embedder.cards.clear()
    films[2]["summary_en"] = "An altogether newword story."
    report = build_index(domain, write(films), embedder, folder)
    assert (report.items, report.embedded, report.reused, report.removed) == (4, 2, 6, 0)
    assert len(embedder.cards) == 2
    assert all("newword" in card for card in embedder.cards)
    index = open_index(domain, embedder, folder, REBUILD)
    card = domain.write_card(index.items["film-2"], "en")
    np.testing.assert_allclose(index.vectors_of(["film-2"], "en"), embedder.embed_items([card]), atol=1e-6)
    assert list(index.lexical.scores("newword")) == ["film-2"]
    assert index.lexical.scores("wordnumber2") == {}


def test_a_new_row_embeds_only_its_cards(domain, embedder, folder, write):
    build_index(domain, write(rows(4)), embedder, folder)
    report = build_index(domain, write(rows(5)), embedder, folder)
    assert (report.items, report.embedded, report.reused) == (5, 2, 8)


def test_a_removed_row_is_gone_from_every_channel(domain, embedder, folder, write):
    build_index(domain, write(rows()), embedder, folder)
    report = build_index(domain, write(rows()[1:]), embedder, folder)
    assert (report.items, report.embedded, report.reused, report.removed) == (3, 0, 6, 1)
    index = open_index(domain, embedder, folder, REBUILD)
    assert "film-0" not in index.items
    assert index.vectors.count() == 6
    assert index.vectors.get([record_id("film-0", "en"), record_id("film-0", "zh")]) == {}
    assert index.lexical.scores("wordnumber0") == {}


def test_only_the_version_in_use_stays_on_disk(domain, embedder, folder, write):
    build_index(domain, write(rows(3)), embedder, folder)
    (folder / "v-leftover-of-a-kill").mkdir()
    build_index(domain, write(rows(4)), embedder, folder)
    assert versions(folder) == [current(folder)["version"]]


def test_another_embedder_is_refused_with_both_names_and_the_command(domain, embedder, folder, write):
    build_index(domain, write(rows()), embedder, folder)
    with pytest.raises(IndexMismatchError) as caught:
        open_index(domain, HashingEmbedder(128), folder, REBUILD)
    for words in ("hashing/v1/64/unit", "hashing/v1/128/unit", REBUILD, str(folder), "embedder"):
        assert words in str(caught.value)
    assert caught.value.key == "error_mismatch"


def test_another_embedder_builds_everything_anew(domain, embedder, folder, write):
    path = write(rows())
    build_index(domain, path, embedder, folder)
    other = CountingEmbedder(128)
    report = build_index(domain, path, other, folder)
    assert (report.embedded, report.reused) == (8, 0)
    assert open_index(domain, other, folder, REBUILD).vectors_of(["film-0"], "en").shape == (1, 128)


def test_another_card_template_is_refused_and_builds_everything_anew(domain, embedder, folder, write):
    path = write(rows())
    build_index(domain, path, embedder, folder)
    changed = Domain.model_validate({**domain.model_dump(), "card": {**domain.card, "en": "{title}, {year}"}})
    with pytest.raises(IndexMismatchError, match="card template") as caught:
        open_index(changed, embedder, folder, REBUILD)
    assert REBUILD in str(caught.value)
    report = build_index(changed, path, embedder, folder)
    assert (report.embedded, report.reused, report.unchanged) == (8, 0, False)
    open_index(changed, embedder, folder, REBUILD)


def test_another_code_version_is_refused_and_builds_everything_anew(domain, embedder, folder, write, monkeypatch):
    path = write(rows())
    build_index(domain, path, embedder, folder)
    monkeypatch.setattr(index_module, "CODE_VERSION", 999)
    with pytest.raises(IndexMismatchError, match="index version"):
        open_index(domain, embedder, folder, REBUILD)
    assert build_index(domain, path, embedder, folder).embedded == 8


@pytest.mark.parametrize("content", [None, "", "{broken", '{"version": "v-gone"}'])
def test_without_a_usable_version_the_error_says_how_to_build(domain, embedder, folder, content):
    folder.mkdir()
    if content is not None:
        (folder / "current.json").write_text(content)
    with pytest.raises(IndexMissingError) as caught:
        open_index(domain, embedder, folder, REBUILD)
    assert str(folder) in str(caught.value)
    assert REBUILD in str(caught.value)


def test_a_lost_version_is_built_again(domain, embedder, folder, write):
    path = write(rows())
    folder.mkdir()
    (folder / "current.json").write_text('{"version": "v-gone"}')
    assert build_index(domain, path, embedder, folder).embedded == 8
    open_index(domain, embedder, folder, REBUILD)


def test_an_update_follows_the_catalogue_and_never_replaces_another_embedders_index(domain, embedder, folder, write):
    path = write(rows())
    assert update_index(domain, path, embedder, folder, REBUILD).items == 4
    assert update_index(domain, path, embedder, folder, REBUILD).unchanged
    before = current(folder)
    write(rows(5))
    with pytest.raises(IndexMismatchError, match=REBUILD):
        update_index(domain, path, HashingEmbedder(128), folder, REBUILD)
    assert current(folder) == before
    assert update_index(domain, path, embedder, folder, REBUILD).items == 5


def test_a_catalogue_without_an_item_raises_and_changes_nothing(domain, embedder, folder, write):
    path = write(rows())
    build_index(domain, path, embedder, folder)
    before = current(folder), versions(folder)
    write([{"id": "film-4"}, {"id": "film-5"}])
    with pytest.raises(CatalogError, match="line 1"):
        build_index(domain, path, embedder, folder)
    assert current(folder) == before[0]
    assert len(open_index(domain, embedder, folder, REBUILD).items) == 4
    write(rows(5))
    assert build_index(domain, path, embedder, folder).items == 5
    assert versions(folder) == [current(folder)["version"]]


def test_a_broken_row_is_set_aside_and_the_rest_is_built(domain, embedder, folder, write):
    report = build_index(domain, write([*rows(), {"id": "film-4"}]), embedder, folder)
    assert (report.items, report.rows.rejected, dict(report.rows.rules)) == (4, 1, {"no_title": 1})
    again = build_index(domain, write([*rows(), {"id": "film-4"}]), embedder, folder)
    assert (again.unchanged, again.rows.rejected) == (True, 1)


@pytest.mark.parametrize(
    "where", ["embed_chunk", "import_catalog", "shutil.copytree", "LexicalIndex.build", "LexicalIndex.save", "os.replace"]
)
def test_a_build_that_fails_anywhere_leaves_the_old_version_in_use(domain, embedder, folder, write, monkeypatch, where):
    path = write(rows())
    build_index(domain, path, embedder, folder)
    before = current(folder)

    def fail(*args, **kwargs):
        raise OSError("the disk is full")

    owner, _, name = where.rpartition(".")
    with monkeypatch.context() as patch:
        patch.setattr(getattr(build_module, owner) if owner else build_module, name, fail)
        with pytest.raises(OSError, match="disk is full"):
            build_index(domain, write(rows(6)), embedder, folder)
    assert current(folder) == before
    assert list(open_index(domain, embedder, folder, REBUILD).items) == [f"film-{n}" for n in range(4)]
    assert build_index(domain, path, embedder, folder).items == 6
    assert versions(folder) == [current(folder)["version"]]


def test_the_new_version_is_complete_before_it_is_named(domain, embedder, folder, write, monkeypatch):
    build_index(domain, write(rows(3)), embedder, folder)
    seen = []
    replace = os.replace

    def watch(source, target):
        if Path(target).name == "current.json":
            named = folder / json.loads(Path(source).read_text())["version"]
            seen.append({path.name for path in named.iterdir()})
            assert (folder / current(folder)["version"]).is_dir()  # the old one is still there
        replace(source, target)
        assert (folder / current(folder)["version"]).is_dir()

    monkeypatch.setattr(index_module.os, "replace", watch)
    build_index(domain, write(rows(4)), embedder, folder)
    assert seen == [{"chroma", "rows", "bm25", "items.jsonl", "rejected.jsonl", "merged.jsonl", "report.json"}]


BUILD = """
import json, os, sys, time
from pathlib import Path
from retrieval.domain_files import load_domain, make_domain
from retrieval.embedder import HashingEmbedder
from retrieval.index import index_lock
from retrieval.index_build import build_index

class Slow(HashingEmbedder):
    calls = 0
    def embed_items(self, texts):
        Slow.calls += 1
        if Slow.calls == 3:
            (Path(sys.argv[2]) / "third-chunk").touch()
            time.sleep(120)
        return super().embed_items(texts)

folder = Path(sys.argv[2])
with index_lock(folder):
    build_index(load_domain("movies"), Path(sys.argv[1]), Slow(64), folder)
"""


def wait_for(path, process, seconds=60):
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, "the other process ended too early"
        assert time.monotonic() < end, f"{path} did not appear in {seconds} s"
        time.sleep(0.02)


@pytest.fixture
def start():
    started = []

    def start(script, *arguments):
        process = subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(20)


def test_a_killed_build_leaves_the_old_version_and_the_next_build_completes(domain, embedder, folder, write, start):
    path = write(rows(3))
    with index_lock(folder):
        build_index(domain, path, embedder, folder)
    before = current(folder)
    write(rows(600))  # 1194 new cards: three chunks, killed in the third
    process = start(BUILD, path, folder)
    wait_for(folder / "third-chunk", process)
    with pytest.raises(IndexLockedError, match=f"pid {process.pid}"), index_lock(folder):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    with index_lock(folder):  # the lock went with the process
        assert current(folder) == before
        assert len(versions(folder)) == 2  # the half-built one lies beside it, unused
        assert list(open_index(domain, embedder, folder, REBUILD).items) == ["film-0", "film-1", "film-2"]
        embedder.cards.clear()
        report = build_index(domain, path, embedder, folder)
        assert (report.items, report.embedded, report.reused) == (600, 1194, 6)
        assert len(embedder.cards) in (1194 - CHUNK, 1194 - 2 * CHUNK)  # a chunk that was stored is not done again
        assert open_index(domain, embedder, folder, REBUILD).vectors.count() == 1200
    assert versions(folder) == [current(folder)["version"]]


LOCK = """
import sys, time
from pathlib import Path
from retrieval.errors import IndexLockedError
from retrieval.index import index_lock
try:
    with index_lock(Path(sys.argv[1])):
        print("held")
except IndexLockedError as error:
    print("locked", error.values["pid"], error)
"""


def test_a_second_process_is_refused_with_the_pid_of_the_first(folder):
    command = [sys.executable, "-c", LOCK, str(folder)]
    with index_lock(folder):
        refused = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert refused.startswith(f"locked {os.getpid()} ")
    for words in (str(folder), f"pid {os.getpid()}", "ZHIYIN_DATA"):
        assert words in refused
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout == "held\n"


def test_the_lock_is_free_again_after_an_error_inside(folder):
    with pytest.raises(ValueError, match="inside"), index_lock(folder):
        raise ValueError("inside")
    with index_lock(folder), pytest.raises(IndexLockedError), index_lock(folder):
        pass
    assert not (folder / "owner").exists()


def test_search_text_holds_every_title_twice_and_all_cards(movies_domain, items):
    text = search_text(items["spirited-away-2001"], movies_domain)
    for title in items["spirited-away-2001"].titles.values():
        assert text.count(title) >= 2
    for language in ("en", "zh"):
        assert items["spirited-away-2001"].texts[language] in text


def test_what_was_inferred_is_laid_over_the_items_and_their_cards(embedder, folder, write, tmp_path):
    data = {"base": "movies", "name": "n", "mapping": {"id": "id", "title": {"en": "title_en"}, "text": {"en": "summary_en"}}}
    domain = make_domain({**data, "facets": {"moods": {"infer": True}}}, tmp_path / "n.toml")
    path = write(rows())
    build_index(domain, path, embedder, folder)
    item = open_index(domain, embedder, folder, REBUILD).items["film-1"]
    append_inferred(folder / INFERRED, text_key(item), {"moods": ["quiet"]})
    embedder.cards.clear()
    report = build_index(domain, path, embedder, folder)
    assert (report.embedded, report.unchanged) == (1, False)
    filled = open_index(domain, embedder, folder, REBUILD).items["film-1"]
    assert (filled.facets["moods"], filled.inferred) == (("quiet",), ("moods",))
    assert "quiet" in embedder.cards[0]
    assert build_index(domain, path, embedder, folder).unchanged


def test_rows_of_a_vector_file_that_a_kill_cut_off_count_as_not_written(tmp_path):
    path, rows = tmp_path / "v.f32", np.arange(24, dtype=np.float32).reshape(6, 4)
    first = VectorFile(path, 0, 0)
    assert first.read(3) is None
    first.append(rows[:3])
    first.append(rows[3:])
    assert (first.rows, first.dimension) == (6, 4)
    path.write_bytes(path.read_bytes()[:-5])
    again = VectorFile(path, 4, 6)
    np.testing.assert_array_equal(again.read(3), rows[:3])
    assert again.read(3) is None
    again.append(rows[3:])
    last = VectorFile(path, 4, 6)
    np.testing.assert_array_equal(np.concatenate([last.read(3), last.read(3)]), rows)
    assert last.read(3) is None
