"""Recall, nDCG and reciprocal rank against values computed by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.quality.report import tell
from benchmarks.quality.scoring import CUTS, METRICS, score


def test_one_target_at_rank_three():
    found = score({"q": ["a", "b", "c", "d"]}, {"q": {"c"}})
    assert found["n"] == 1
    assert [found[f"recall@{cut}"] for cut in CUTS] == [0, 1, 1, 1, 1]
    assert [found[f"ndcg@{cut}"] for cut in CUTS] == pytest.approx([0, 0.5, 0.5, 0.5, 0.5])
    assert [found[f"mrr@{cut}"] for cut in CUTS] == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 1 / 3])
    assert set(found["ci95"].values()) == {0}


def test_two_targets_of_which_one_is_missed():
    found = score({"q": [f"x{n}" for n in range(6)] + ["a"]}, {"q": {"a", "b"}})
    ideal = 1 + 1 / math.log2(3)
    assert found["recall@5"] == 0
    assert found["recall@10"] == 0.5
    assert found["ndcg@10"] == pytest.approx(1 / math.log2(8) / ideal)
    assert found["mrr@10"] == pytest.approx(1 / 7)


def test_the_mean_and_its_interval():
    rankings = {"1": ["a"], "2": ["b", "a"], "3": ["b"], "4": []}
    found = score(rankings, {query: {"a"} for query in "1234"})
    assert found["n"] == 4
    assert found["recall@1"] == 0.25
    assert found["recall@10"] == 0.5
    assert found["mrr@10"] == pytest.approx(0.375)
    # values 1, 0, 0, 0: variance 0.25, standard error 0.25
    assert found["ci95"]["recall@1"] == pytest.approx(1.96 * 0.25, rel=1e-4)
    assert set(found["ci95"]) == set(METRICS)


def test_order_is_the_ranking_and_not_the_id():
    ids = ["9", "10", "b", "a", "Z"]
    for rank, item_id in enumerate(ids, 1):
        assert score({"q": ids}, {"q": {item_id}})["mrr@5"] == pytest.approx(1 / rank)


def test_a_repeated_id_counts_once():
    assert score({"q": ["x", "x", "a"]}, {"q": {"a"}})["mrr@5"] == 0.5
    assert score({"q": ["a", "a"]}, {"q": {"a", "b"}})["recall@5"] == 0.5


def test_queries_without_ranking_find_nothing_and_others_do_not_count():
    found = score({"stray": ["a"], "1": ["a"]}, {"1": {"a"}, "2": {"a"}})
    assert (found["n"], found["recall@1"], found["ndcg@50"]) == (2, 0.5, 0.5)
    assert score({}, {"q": {"a"}})["recall@50"] == 0


def test_a_target_beyond_fifty_is_missed():
    ranking = [str(n) for n in range(60)]
    assert score({"q": ranking}, {"q": {"49"}})["recall@50"] == 1
    assert score({"q": ranking}, {"q": {"50"}})["recall@50"] == 0


def test_nothing_to_score_is_an_error():
    with pytest.raises(ValueError, match="no queries"):
        score({"q": ["a"]}, {})
    with pytest.raises(ValueError, match="'q'"):
        score({"q": ["a"]}, {"q": set()})


def test_json_alone_on_stdout_or_in_a_file(tmp_path, capsys):
    row = {"dataset": "d", "system": "s", **score({"q": ["a"]}, {"q": {"a"}})}
    tell([row], Path("-"))
    assert json.loads(capsys.readouterr().out) == {"rows": [row]}
    tell([row], tmp_path / "new" / "found.json")
    assert json.loads((tmp_path / "new" / "found.json").read_text()) == {"rows": [row]}
    assert "100.0" in capsys.readouterr().out


def test_a_table_for_every_kind_of_rows(capsys):
    found = score({"q": ["a"]}, {"q": {"a"}})
    tell(
        [{"system": f"s{n}", "targets": targets, "entities": "given", **found} for n, targets in enumerate(("new", "all"))],
        None,
    )
    printed = capsys.readouterr().out
    assert "new, given" in printed
    assert "all, given" in printed
