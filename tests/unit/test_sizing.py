"""The arithmetic of machines: what follows from what, and that the document says what was worked out."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from benchmarks.machines import BEGIN, END, Assumed, put_into, text_of, work_out

ROOT = Path(__file__).resolve().parents[2]
FIGURES = {
    "list_cpu_s": 0.02,
    "turn_cpu_s": 0.1,
    "model_cpu_s": 10.0,
    "tokens_read": 300.0,
    "tokens_written": 100.0,
    "kept_bytes": 4000.0,
    "process_mb": 700.0,
    "embedder_mb": 450.0,
    "process_mb_per_10k": 150.0,
    "chroma_mb": 150.0,
    "chroma_mb_per_10k": 50.0,
}
USUAL = Assumed(people=864_000, active=0.1, turns=10, lists=20, peak=5, busy=0.5, cores=8, memory_gb=16, items=20_000)


def worked(assumed=USUAL, **figures):
    return {what: number for what, _, number, _ in work_out({**FIGURES, **figures}, assumed)}


def test_the_steps_by_hand():
    found = worked()
    assert found["people on a day"] == pytest.approx(86_400)
    assert found["turns at the peak"] == pytest.approx(50)
    assert found["lists without text at the peak"] == pytest.approx(100)
    assert found["cores for the app"] == pytest.approx(50 * 0.1 + 100 * 0.02)
    assert found["app processes, of one core each"] == 15  # 7 / 0.5 = 14, and one to spare
    assert found["memory of an app process"] == pytest.approx(1.0)
    assert found["app machines"] == 3  # 15 of 8 cores: 2; 15 GB of 8: 2; and one to spare
    assert found["tokens read at the peak"] == pytest.approx(15_000)
    assert found["GPUs for the model"] == 8  # (0.75 + 2.5) / 0.5 = 6.5, and one to spare
    assert found["or machines without a GPU, the model measured here"] == 126  # 500 cores of 4, and one to spare
    assert found["turns kept in PostgreSQL"] == pytest.approx(86_400 * 10 * 365 * 4000 / 1e9)


def test_a_large_catalogue_is_bound_by_memory():
    large = worked(replace(USUAL, items=200_000))
    assert large["memory of an app process"] == pytest.approx(3.7)
    assert large["app machines"] == 8  # 15 processes of 3.7 GB in 8 GB each machine: 7, and one to spare


@pytest.mark.parametrize("name", [field.name for field in fields(Assumed)])
def test_every_assumption_counts(name):
    large = replace(USUAL, items=200_000)
    assert worked(replace(large, **{name: getattr(USUAL, name) / 2})) != worked(large)


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - {"embedder_mb"}))
def test_every_figure_counts(name):
    assert worked(**{name: FIGURES[name] * 3}) != worked()


def test_the_part_between_the_marks_is_replaced_and_nothing_else():
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = put_into(document, f"{BEGIN}\nnew\n{END}")
    assert once == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="no part"):
        put_into("no marks", "x")


def test_the_document_says_what_follows_from_the_figures_that_are_kept():
    result = json.loads((ROOT / "benchmarks" / "results" / "sizing.json").read_text(encoding="utf-8"))
    document = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert text_of(result, Assumed(**result["assumed"])) in document
    assert put_into(document, text_of(result, Assumed(**result["assumed"]))) == document


def test_the_document_names_settings_that_exist():
    from chatbot.settings import Settings

    document = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    names = {name.lower() for name in re.findall(r"ZHIYIN_([A-Z_]+)", document)}
    assert names <= Settings.model_fields.keys()
