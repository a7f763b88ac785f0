"""The vectors of a store as a plain file: the same rows, written once, never half."""

from __future__ import annotations

import numpy as np
import pytest

import retrieval.vector_rows as vector_rows
from retrieval.errors import IndexMissingError
from retrieval.vector_rows import open_rows
from retrieval.vector_store import InMemoryVectorStore

NAMES = [f"film-{n}|en" for n in range(7)]
ROWS = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)


class Counting(InMemoryVectorStore):
    asked = 0

    def get(self, ids):
        self.asked += 1
        return super().get(ids)


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(vector_rows, "_BATCH", 3)
    store = Counting()
    store.upsert(NAMES[::-1], ROWS[::-1], [{} for _ in NAMES])
    return store


def test_rows_stand_in_the_order_asked_and_are_written_once(store, tmp_path):
    path = tmp_path / "rows" / "en.npy"
    np.testing.assert_array_equal(open_rows(path, NAMES, store, "rebuild"), ROWS)
    assert store.asked == 3
    np.testing.assert_array_equal(open_rows(path, NAMES, store, "rebuild"), ROWS)
    assert store.asked == 3
    assert [file.name for file in path.parent.iterdir()] == ["en.npy"]


def test_what_a_kill_left_half_written_is_written_again(store, tmp_path):
    path = tmp_path / "rows" / "en.npy"
    path.parent.mkdir()
    path.with_name("en.npy.new").write_bytes(b"half")
    np.testing.assert_array_equal(open_rows(path, NAMES, store, "rebuild"), ROWS)


def test_a_store_that_lacks_a_record_is_named_with_what_to_do(store, tmp_path):
    path = tmp_path / "rows" / "en.npy"
    store.delete([NAMES[4]])
    with pytest.raises(IndexMissingError, match=r"lacks the vectors of 1 or more records\. Rebuild it: rebuild"):
        open_rows(path, NAMES, store, "rebuild")
    assert not path.exists()
