"""Thread counts are measured once a machine and kept beside the weights."""

from __future__ import annotations

import subprocess

import pytest

from chatbot.llm import probe
from chatbot.llm.probe import Rates


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Pretend eight processors, of which four threads are fastest; returns what was measured."""
    asked = []

    def apart(path, threads):
        asked.append(threads)
        return Rates(100.0, {8: 5.0, 4: 9.0, 7: 6.0}[threads])

    monkeypatch.setattr(probe, "cores", lambda: 8)
    monkeypatch.setattr(probe, "measure_apart", apart)
    return asked


def test_the_fastest_is_kept_and_not_measured_again(measured, tmp_path):
    path = tmp_path / "model.gguf"
    assert probe.threads_for(path, tmp_path) == 0
    assert probe.probe(path, tmp_path) == 4
    assert sorted(measured) == [4, 7, 8]
    assert probe.probe(path, tmp_path) == probe.threads_for(path, tmp_path) == 4
    assert len(measured) == 3


def test_other_weights_and_another_machine_are_measured_anew(measured, tmp_path, monkeypatch):
    probe.probe(tmp_path / "model.gguf", tmp_path)
    assert probe.threads_for(tmp_path / "other.gguf", tmp_path) == 0
    monkeypatch.setattr(probe, "cores", lambda: 16)
    assert probe.threads_for(tmp_path / "model.gguf", tmp_path) == 0


@pytest.mark.parametrize(("processors", "counts"), [(1, [1]), (2, [2]), (4, [4, 2, 3]), (16, [16, 8, 15])])
def test_where_there_is_nothing_to_choose_nothing_is_measured(monkeypatch, processors, counts):
    monkeypatch.setattr(probe, "cores", lambda: processors)
    assert probe.candidates() == counts


def test_a_machine_that_cannot_be_measured_uses_every_processor(monkeypatch, tmp_path):
    def fails(path, threads):
        raise subprocess.CalledProcessError(1, "probe")

    monkeypatch.setattr(probe, "cores", lambda: 8)
    monkeypatch.setattr(probe, "measure_apart", fails)
    assert probe.probe(tmp_path / "model.gguf", tmp_path) == 8
    assert probe.threads_for(tmp_path / "model.gguf", tmp_path) == 0


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"x": "y"}'])
def test_a_broken_file_counts_as_none(tmp_path, content):
    (tmp_path / probe.FILE).write_text(content, encoding="utf-8")
    assert probe.threads_for(tmp_path / "model.gguf", tmp_path) == 0


@pytest.mark.model
def test_the_real_engine_is_measured(smollm_path):
    rates = probe.measure_apart(smollm_path, 1)
    assert rates.read > rates.written > 0
    assert rates.seconds == pytest.approx(probe.PROMPT_WORDS / rates.read + probe.ANSWER_TOKENS / rates.written)
