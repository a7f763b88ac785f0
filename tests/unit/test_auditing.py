"""The audit on a made-up log in which one group is served worse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chatbot.auditing.measures import METRICS, Measures, Served, exposure
from chatbot.auditing.people import read_groups
from chatbot.auditing.report import write_report
from chatbot.auditing.run import SMALLEST, audit
from chatbot.learning import log_moments
from retrieval.errors import SettingsError
from retrieval.event_import import import_events
from retrieval.interactions import InteractionLog
from retrieval.mapping import EventMapping


@pytest.fixture(scope="module")
def log(tmp_path_factory, movies):
    """Thirty people who like horror in the same order, and thirty who like anything by chance."""
    folder = tmp_path_factory.mktemp("log")
    horror = [i.id for i in movies.items.values() if "horror" in i.values("genres")][:12]
    chance = np.random.default_rng(0)
    rows = ["user,item,rating,time"]
    for n in range(30):
        rows += [f"fan-{n},{item},5,{1_000_000_000 + 86400 * day}" for day, item in enumerate(chance.permutation(horror))]
        anything = chance.choice(list(movies.items), 12, replace=False)
        rows += [f"other-{n},{item},5,{1_000_000_000 + 86400 * day}" for day, item in enumerate(anything)]
    (folder / "log.csv").write_text("\n".join(rows), encoding="utf-8")
    mapping = EventMapping(user="user", item=("item",), value="rating", kind="rated", scale=(1, 5), time="time")
    import_events(folder / "log.csv", mapping, folder / "interactions", set(movies.items), {}, lambda _: None)
    return InteractionLog(folder / "interactions")


@pytest.fixture(scope="module")
def found(movies, log):
    groups = {"kind": {user: user.split("-")[0] for user in log.users()}, "few": {"fan-0": "a", "fan-1": "b"}}
    return audit(log_moments(movies, log), log, groups, lambda _: None)


def test_the_group_that_is_served_worse_is_found(found):
    rows = {(row.group, row.metric): row for row in found.rows}
    assert {row.column for row in found.rows} == {"kind"}  # the other grouping has too few people
    assert rows["fan", "recall"].low > rows["other", "recall"].high
    assert rows["fan", "recall"].people == 30 >= SMALLEST
    gap = next(g for g in found.gaps if g.metric == "recall")
    assert gap.low > 0
    assert gap.difference == pytest.approx(rows["fan", "recall"].mean - rows["other", "recall"].mean)
    assert all(row.low <= row.mean <= row.high for row in found.rows)


def test_calibration_lowers_what_it_should_the_more_it_weighs(found):
    changes = [kl.mean for _, kl in found.calibration.values()]
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] < 0


def test_exposures_are_shares(found):
    for groups in found.exposure.values():
        for n in range(3):
            assert sum(shares[n] for shares in groups.values()) == pytest.approx(1)


def test_the_report_has_every_table_and_its_plots(found, tmp_path):
    path = write_report(found, tmp_path / "out", "An audit", "python app.py audit")
    text = path.read_text(encoding="utf-8")
    assert "## By kind" in text
    assert "## Calibration" in text
    assert all(label in text for label in METRICS.values())
    assert (tmp_path / "out" / "by-kind.png").stat().st_size > 1000


def test_nobody_in_the_log_is_said(movies, log):
    with pytest.raises(SettingsError, match="Nobody of the table"):
        audit(log_moments(movies, log), log, {"kind": {"stranger": "a"}}, lambda _: None)


def test_measures_of_one_list():
    measures = Measures({"a": 3, "b": 2, "c": 1}, lambda item: [item])
    values = measures.of(Served("ann", ("a",), "b", ("a", "b")))
    assert values["ndcg"] == pytest.approx(1 / math.log2(3))
    assert values["recall"] == 1
    assert values["tail"] == 0
    assert measures.of(Served("ann", ("a",), "z", ()))["ndcg"] == 0


def test_exposure_counts_the_first_place_most():
    shown = exposure([Served("ann", (), "", ("a", "b"))], lambda item: [item])
    assert shown["a"] > shown["b"]
    assert sum(shown.values()) == pytest.approx(1)


def test_groups_are_read_from_a_table_and_numbers_become_bands(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("who,sex,age\n" + "".join(f"u{n},{'FM'[n % 2]},{n + 10}\n" for n in range(40)), encoding="utf-8")
    groups = read_groups(path, "who", {"gender": "sex", "age": "age"})
    assert groups["gender"]["u1"] == "M"
    bands = list(groups["age"].values())
    assert {bands.count(band) for band in set(bands)} == {10}
    with pytest.raises(SettingsError, match="no column 'x'"):
        read_groups(path, "who", {"x": "x"})
