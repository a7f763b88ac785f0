"""What every VectorStore must do, wherever it keeps its records."""

from __future__ import annotations

import http.server
import importlib
import subprocess
import sys
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks import servers
from retrieval.errors import SettingsError, VectorServerError
from retrieval.vector_store import ChromaVectorStore, InMemoryVectorStore

DIMENSION = 8


def unit(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def axis(position: int) -> np.ndarray:
    return np.eye(DIMENSION, dtype=np.float32)[position]


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory):
    """A Chroma server of its own on a free loopback port."""
    with servers.chroma(tmp_path_factory.mktemp("chroma-server")) as url:
        yield url


@pytest.fixture(params=["memory", "disk", "server"])
def store(request, tmp_path):
    if request.param == "memory":
        yield InMemoryVectorStore()
        return
    if request.param == "disk":
        yield ChromaVectorStore.on_disk(tmp_path / "chroma", "cards")
        return
    store = ChromaVectorStore.on_server(request.getfixturevalue("chroma_url"), f"cards-{uuid.uuid4().hex}")
    yield store
    store.close()


@pytest.fixture
def disk(tmp_path):
    return ChromaVectorStore.on_disk(tmp_path / "chroma", "cards")


def test_an_empty_store_counts_nothing_and_finds_nothing(store):
    assert store.count() == 0
    assert store.search(axis(0), 5) == []
    assert store.search(axis(0), 5, {"language": "en"}) == []
    assert store.get([]) == {}
    assert store.get(["nobody"]) == {}


def test_writing_and_removing_nothing_is_allowed(store):
    store.upsert([], np.zeros((0, DIMENSION), dtype=np.float32), [])
    store.delete([])
    assert store.count() == 0


def test_a_unit_vector_is_its_own_nearest_with_similarity_one(store):
    rows = unit(20)
    store.upsert([f"r{n}" for n in range(20)], rows, [{"n": n} for n in range(20)])
    for n in (0, 7, 19):
        (name, score), *_ = store.search(rows[n], 3)
        assert name == f"r{n}"
        assert score == pytest.approx(1.0, abs=1e-5)


def test_search_gives_cosines_best_first(store):
    rows = unit(50)
    store.upsert([f"r{n:02}" for n in range(50)], rows, [{"n": n} for n in range(50)])
    query = unit(1, seed=9)[0]
    found = store.search(query, 50)
    expected = dict(zip([f"r{n:02}" for n in range(50)], rows @ query, strict=True))
    assert [name for name, _ in found] == sorted(expected, key=lambda name: -expected[name])
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    for name, score in found:
        assert score == pytest.approx(float(expected[name]), abs=1e-5)


def test_opposite_vectors_have_similarity_minus_one(store):
    store.upsert(["there"], -axis(0)[None], [{"n": 1}])
    assert store.search(axis(0), 1)[0][1] == pytest.approx(-1.0, abs=1e-5)


def test_equal_scores_come_in_the_order_of_the_id(store):
    store.upsert(["c", "a", "b"], np.stack([axis(0)] * 3), [{"n": 1}] * 3)
    assert [name for name, _ in store.search(axis(0), 3)] == ["a", "b", "c"]


def test_a_row_vector_and_a_flat_vector_ask_the_same(store):
    store.upsert(["a", "b"], unit(2), [{"n": 1}] * 2)
    query = unit(1, seed=3)
    assert store.search(query, 2) == store.search(query[0], 2)


def test_k_limits_and_a_larger_k_returns_what_is_there(store):
    store.upsert(["a", "b", "c"], unit(3), [{"n": 1}] * 3)
    assert len(store.search(axis(0), 2)) == 2
    assert len(store.search(axis(0), 1000)) == 3
    assert store.search(axis(0), 0) == []


def test_where_keeps_only_records_whose_metadata_are_equal(store):
    names = [f"{n}|{language}" for n in range(6) for language in ("en", "zh")]
    metadata = [{"item": name.split("|")[0], "language": name.split("|")[1], "even": int(name[0]) % 2} for name in names]
    store.upsert(names, unit(12), metadata)
    chinese = store.search(axis(0), 100, {"language": "zh"})
    assert {name for name, _ in chinese} == {name for name in names if name.endswith("zh")}
    both = store.search(axis(0), 100, {"language": "zh", "even": 0})
    assert {name for name, _ in both} == {"0|zh", "2|zh", "4|zh"}
    assert [name for name, _ in store.search(axis(0), 1, {"language": "zh", "item": "3"})] == ["3|zh"]
    assert store.search(axis(0), 100, {"language": "fr"}) == []
    assert store.search(axis(0), 100, {"no such key": "zh"}) == []


def test_an_empty_where_means_everything(store):
    store.upsert(["a", "b"], unit(2), [{"n": 1}, {"n": 2}])
    assert len(store.search(axis(0), 10, {})) == 2


def test_upsert_replaces_vector_and_metadata_whole(store):
    store.upsert(["a", "b"], np.stack([axis(0), axis(1)]), [{"old": "yes", "language": "en"}, {"old": "yes", "language": "en"}])
    store.upsert(["a"], axis(2)[None], [{"language": "zh"}])
    assert store.count() == 2
    np.testing.assert_allclose(store.get(["a"])["a"], axis(2), atol=1e-6)
    assert [name for name, _ in store.search(axis(2), 10, {"old": "yes"})] == ["b"]
    assert [name for name, _ in store.search(axis(2), 10, {"language": "zh"})] == ["a"]
    assert [name for name, _ in store.search(axis(2), 10, {"language": "en"})] == ["b"]


def test_metadata_can_be_replaced_by_none_at_all(store):
    store.upsert(["a"], axis(0)[None], [{"language": "en"}])
    store.upsert(["a"], axis(0)[None], [{}])
    assert store.search(axis(0), 10, {"language": "en"}) == []
    assert store.count() == 1


def test_of_repeated_ids_in_one_call_the_last_counts(store):
    store.upsert(["a", "b", "a"], np.stack([axis(0), axis(1), axis(2)]), [{"n": 1}, {"n": 2}, {"n": 3}])
    assert store.count() == 2
    np.testing.assert_allclose(store.get(["a"])["a"], axis(2), atol=1e-6)
    assert [name for name, _ in store.search(axis(2), 5, {"n": 3})] == ["a"]
    assert store.search(axis(2), 5, {"n": 1}) == []


def test_get_returns_the_known_ones_as_float32_once_each(store):
    rows = unit(3)
    store.upsert(["a", "b", "c"], rows, [{"n": 1}] * 3)
    found = store.get(["c", "nobody", "a", "c"])
    assert set(found) == {"a", "c"}
    for name, position in (("a", 0), ("c", 2)):
        assert found[name].dtype == np.float32
        assert found[name].shape == (DIMENSION,)
        np.testing.assert_allclose(found[name], rows[position], atol=1e-6)


def test_delete_removes_and_ignores_unknown_and_repeated_ids(store):
    store.upsert(["a", "b", "c"], unit(3), [{"n": 1}] * 3)
    store.delete(["a", "nobody", "a"])
    store.delete(["nobody either"])
    assert store.count() == 2
    assert store.get(["a"]) == {}
    assert {name for name, _ in store.search(axis(0), 10)} == {"b", "c"}


def test_a_deleted_record_can_come_back_without_its_old_metadata(store):
    store.upsert(["a"], axis(0)[None], [{"old": "yes"}])
    store.delete(["a"])
    store.upsert(["a"], axis(1)[None], [{"new": "yes"}])
    assert store.search(axis(1), 5, {"old": "yes"}) == []
    assert [name for name, _ in store.search(axis(1), 5, {"new": "yes"})] == ["a"]


def test_ids_and_metadata_may_hold_any_script(store):
    store.upsert(["活着|zh", "naïve 🎬"], unit(2), [{"language": "中文"}, {"language": "en"}])
    assert [name for name, _ in store.search(axis(0), 5, {"language": "中文"})] == ["活着|zh"]
    assert set(store.get(["naïve 🎬"])) == {"naïve 🎬"}


def test_lists_of_different_length_are_refused(store):
    with pytest.raises((ValueError, IndexError)):
        store.upsert(["a", "b"], unit(1), [{"n": 1}])


class SmallBatches:
    """A Chroma client that takes three records a call and remembers the size of every call."""

    def __init__(self, client):
        self._client, self.sizes = client, []

    def get_max_batch_size(self) -> int:
        return 3

    def get_or_create_collection(self, *args, **kwargs):
        collection, sizes = self._client.get_or_create_collection(*args, **kwargs), self.sizes

        class Watched:
            def __getattr__(self, name):
                method = getattr(collection, name)
                if name not in ("upsert", "delete"):
                    return method

                def call(**kw):
                    sizes.append(len(kw["ids"]))
                    return method(**kw)

                return call

        return Watched()


def test_chroma_gets_batches_no_larger_than_it_takes(tmp_path):
    chromadb = importlib.import_module("chromadb")
    client = SmallBatches(chromadb.PersistentClient(path=str(tmp_path / "chroma")))
    store = ChromaVectorStore(client, "cards")
    names, rows = [f"r{n}" for n in range(10)], unit(10)
    store.upsert(names, rows, [{"n": n} for n in range(10)])
    store.upsert(names, rows, [{"m": n} for n in range(10)])  # replacing in batches drops the old metadata too
    assert client.sizes == [3, 3, 3, 1] * 2
    assert store.count() == 10
    assert store.search(rows[0], 20, {"n": 0}) == []
    for name, row in zip(names, rows, strict=True):
        np.testing.assert_allclose(store.get([name])[name], row, atol=1e-6)
    store.delete(names[:7])
    assert client.sizes[8:] == [3, 3, 1]
    assert {name for name, _ in store.search(axis(0), 20)} == {"r7", "r8", "r9"}


def test_more_records_than_chroma_takes_in_one_call_are_all_stored(disk):
    count = disk._batch + 10
    rows = unit(count)
    disk.upsert([f"r{n}" for n in range(count)], rows, [{"n": n} for n in range(count)])
    assert disk.count() == count
    assert len(disk.get([f"r{n}" for n in range(count)])) == count
    assert disk.search(rows[-1], 1)[0][0] == f"r{count - 1}"


def test_a_folder_opened_again_holds_the_same_records(tmp_path):
    script = (
        "import sys, numpy as np; from pathlib import Path; from retrieval.vector_store import ChromaVectorStore\n"
        "store = ChromaVectorStore.on_disk(Path(sys.argv[1]), 'cards')\n"
        f"store.upsert(['a', 'b'], np.eye({DIMENSION}, dtype=np.float32)[:2], [{{'language': 'en'}}, {{'language': 'zh'}}])\n"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "chroma")], check=True, cwd=root)  # another process wrote
    store = ChromaVectorStore.on_disk(tmp_path / "chroma", "cards")
    assert store.count() == 2
    assert [name for name, _ in store.search(axis(1), 5, {"language": "zh"})] == ["b"]
    np.testing.assert_allclose(store.get(["a"])["a"], axis(0), atol=1e-6)


def test_searching_all_of_a_filtered_collection_misses_nothing(disk):
    rows = unit(1200)
    names = [f"r{n:04}" for n in range(1200)]
    disk.upsert(names, rows, [{"language": ("en", "zh")[n % 2]} for n in range(1200)])
    query = unit(1, seed=5)[0]
    found = disk.search(query, 1200, {"language": "zh"})
    assert [name for name, _ in found] == sorted(names[1::2], key=lambda name: -float(rows[int(name[1:])] @ query))


# -- the server ------------------------------------------------------------------------------------------------------


def test_what_one_process_stored_on_a_server_another_finds(chroma_url):
    name = f"cards-{uuid.uuid4().hex}"
    script = (
        "import sys, numpy as np; from retrieval.vector_store import ChromaVectorStore\n"
        "store = ChromaVectorStore.on_server(sys.argv[1], sys.argv[2])\n"
        f"store.upsert(['a', 'b'], np.eye({DIMENSION}, dtype=np.float32)[:2], [{{'language': 'en'}}, {{'language': 'zh'}}])\n"
        "store.close()\n"
    )
    root = Path(__file__).resolve().parents[2]
    with closing(ChromaVectorStore.on_server(chroma_url, name)) as store:
        subprocess.run([sys.executable, "-c", script, chroma_url, name], check=True, cwd=root)
        assert store.count() == 2
        assert [found for found, _ in store.search(axis(1), 5, {"language": "zh"})] == ["b"]


@pytest.mark.parametrize("url", ["", "chroma:8000", "ftp://host:21", "http://", "http://host:8000/api", "s3://bucket"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(SettingsError, match="ZHIYIN_CHROMA_URL"):
        ChromaVectorStore.on_server(url, "cards")


def test_where_nothing_listens_the_error_says_what_to_do():
    with pytest.raises(VectorServerError, match=r"127\.0\.0\.1.*chroma run.*ZHIYIN_CHROMA_URL") as caught:
        ChromaVectorStore.on_server(f"http://127.0.0.1:{servers.free_port()}", "cards")
    assert caught.value.key == "error_vectors"


class Web(http.server.BaseHTTPRequestHandler):
    """Some web server that is no Chroma."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *_):
        pass


def test_a_server_that_is_not_chroma_is_named():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        with pytest.raises(VectorServerError, match=f":{web.server_port} cannot be used"):
            ChromaVectorStore.on_server(f"http://127.0.0.1:{web.server_port}", "cards")
        web.shutdown()


def suspend(process):
    """Stop a process and wait until each of its threads stands still: the signal alone leaves them a moment to answer in."""
    process.suspend()
    until = time.monotonic() + 30
    while any(psutil.Process(thread.id).status() != psutil.STATUS_STOPPED for thread in process.threads()):
        assert time.monotonic() < until, "the process goes on after SIGSTOP"
        time.sleep(0.01)


def test_a_server_that_stops_or_hangs_is_an_error_in_time_and_one_that_is_back_is_used_again(tmp_path, monkeypatch):
    port = servers.free_port()
    with servers.chroma(tmp_path, port) as url:
        store = ChromaVectorStore.on_server(url, "cards", seconds=0.5)
        store.upsert(["a", "b"], unit(2), [{"n": 1}] * 2)
        process = next(p for p in psutil.process_iter(["cmdline"]) if str(tmp_path / "data") in (p.info["cmdline"] or []))
        suspend(process)
        with pytest.raises(VectorServerError, match="timed out"):
            store.search(axis(0), 2)
        process.resume()
        with pytest.raises(VectorServerError, match="timed out"):  # it rests a while
            store.search(axis(0), 2)
        monkeypatch.setattr("retrieval.vector_store.REST_SECONDS", 0.0)
        store._rests = 0.0
        assert len(store.search(axis(0), 2)) == 2
    with pytest.raises(VectorServerError, match="cannot be used"):
        store.search(axis(0), 2)
    with pytest.raises(VectorServerError):
        store.upsert(["c"], unit(1), [{"n": 1}])
    with servers.chroma(tmp_path, port):
        assert len(store.search(axis(0), 2)) == 2
    store.close()
