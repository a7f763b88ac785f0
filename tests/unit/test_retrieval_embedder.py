"""Embedders: what goes wrong when loading, and the arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.embedder import HashingEmbedder, SentenceTransformerEmbedder, unit_rows
from retrieval.errors import WeightsError


def test_a_missing_onnx_file_says_where_it_should_be_and_the_command(tmp_path):
    with pytest.raises(WeightsError) as caught:
        SentenceTransformerEmbedder(tmp_path / "gone.onnx")
    assert str(tmp_path / "gone.onnx") in str(caught.value)
    assert "python app.py weights" in str(caught.value)
    assert caught.value.key == "error_weights"


def test_a_file_that_is_no_onnx_graph_is_refused_by_name(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(WeightsError, match=r"broken\.onnx"):
        SentenceTransformerEmbedder(path)


def test_a_folder_without_a_model_is_refused_by_name(tmp_path):
    folder = tmp_path / "nonsense"
    folder.mkdir()
    (folder / "readme.txt").write_text("no model here")
    with pytest.raises(WeightsError, match="nonsense"):
        SentenceTransformerEmbedder(folder)


def test_a_hub_id_that_was_never_fetched_is_refused_without_a_download(monkeypatch):
    import socket

    def no_network(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    with pytest.raises(WeightsError, match="nobody/no-such-model"):
        SentenceTransformerEmbedder("nobody/no-such-model")


def test_a_zero_row_becomes_the_first_axis():
    rows = unit_rows(np.array([[0, 0, 0], [0, 3, 4]], dtype=np.float32))
    np.testing.assert_allclose(rows, [[1, 0, 0], [0, 0.6, 0.8]], atol=1e-6)
    assert rows.dtype == np.float32


@given(st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4), max_size=6))
def test_unit_rows_have_length_one_and_keep_their_direction(values):
    rows = np.array(values, dtype=np.float32).reshape(-1, 4)
    scaled = unit_rows(rows)
    assert scaled.shape == rows.shape
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1.0, atol=1e-3)
    for before, after in zip(rows.astype(np.float64), scaled.astype(np.float64), strict=True):
        length = np.linalg.norm(before)
        if length > 1e-3:
            assert before @ after == pytest.approx(length, rel=1e-3)


def test_hashing_ignores_case_and_punctuation_and_reads_chinese_pairs():
    embed = HashingEmbedder().embed_items
    np.testing.assert_array_equal(embed(["The Sea, the sea!"]), embed(["the sea the sea"]))
    sea, same, other = embed(["海边的老人", "海边的老人", "银行劫案"])
    assert sea @ same == pytest.approx(1.0, abs=1e-6)
    assert sea @ other < 0.5


@given(st.text(max_size=60))
def test_hashing_gives_every_text_a_direction(text):
    row = HashingEmbedder(32).embed_queries([text])
    assert row.shape == (1, 32)
    assert float(np.linalg.norm(row)) == pytest.approx(1.0, abs=1e-5)
