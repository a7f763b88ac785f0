"""Strengths of a log, and the neighbours learned from them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import retrieval.collaborative as collaborative
from retrieval.collaborative import NEIGHBOURS, SHRINKAGE, ItemItemIndex, strength_matrix
from retrieval.event_import import import_events
from retrieval.interactions import InteractionLog
from retrieval.mapping import EventMapping

KINDS = {
    "rate": "rating",
    "review": "review",
    "like": "like",
    "hate": "dislike",
    "play": "play",
    "save": "save",
    "show": "shown",
}
MAPPING = EventMapping(
    user="user", item="item", kind="kind", kinds=KINDS, value="value", scale=(0, 10), time="time", text="text", off=()
)


@pytest.fixture
def learn(tmp_path):
    """Import (user, item, kind, value) in the order of time and return the log."""

    def run(*rows):
        path = tmp_path / "log.jsonl"
        names = ("user", "item", "kind", "value", "time", "text")
        path.write_text(
            "".join(json.dumps(dict(zip(names, (*row, 1.5e9 + n, "x"), strict=True))) + "\n" for n, row in enumerate(rows))
        )
        import_events(path, MAPPING, tmp_path / "log", None, {})
        return InteractionLog(tmp_path / "log")

    return run


class Strengths:
    """A log that holds strengths alone."""

    def __init__(self, pairs, batch=3):
        self.pairs, self.batch = sorted(pairs), batch

    def strengths(self):
        for start in range(0, len(self.pairs), self.batch):
            users, items, values = zip(*self.pairs[start : start + self.batch], strict=True)
            yield np.array(users, object), np.array(items, object), np.array(values)


def strengths(log, batch=100_000):
    return {
        (u, i): round(v, 6)
        for users, items, values in log.strengths(batch)
        for u, i, v in zip(users, items, values, strict=True)
    }


# -- strengths --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acts", "strength"),
    [
        ([("rate", 10)], 1),
        ([("rate", 5)], 0.5),
        ([("rate", 4)], None),
        ([("rate", 2), ("rate", 9)], 0.9),
        ([("rate", 9), ("rate", 2)], None),
        ([("like", None)], 1),
        ([("like", None), ("hate", None)], None),
        ([("review", 8)], 0.8),
        ([("review", None)], 0.5),
        ([("save", None)], 0.5),
        ([("show", None)], None),
        ([("play", 1)], 0.5),
        ([("play", None)], 0.5),
        ([("play", 1), ("play", 1)], 0.75),
        ([("play", 1), ("save", None), ("rate", 6)], 0.9),
        ([("play", 100), ("rate", 1)], None),
    ],
)
def test_the_strength_of_a_pair_is_its_last_opinion_and_its_acts(learn, acts, strength):
    log = learn(("bob", "b", "like", None), *(("ann", "a", *act) for act in acts))
    assert strengths(log).get(("ann", "a")) == (strength and pytest.approx(strength, abs=2e-6))


def test_strengths_come_sorted_in_batches_of_the_size_asked_for(learn):
    log = learn(*((f"u{n % 3}", f"i{n % 5}", "play", n + 1) for n in range(15)))
    batches = list(log.strengths(4))
    assert [len(users) for users, _, _ in batches] == [4, 4, 4, 3]
    pairs = [pair for users, items, _ in batches for pair in zip(users, items, strict=True)]
    assert pairs == sorted(set(pairs))
    assert strengths(log, 4) == strengths(log)


# -- neighbours -------------------------------------------------------------------------------------------------------

PAIRS = st.dictionaries(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("pqrstuvwx")),
    st.floats(1 / 64, 1, width=32),
    min_size=1,
    max_size=60,
)
IDS = list("wvutsrqp")  # x is not in the catalogue


def plain(pairs, ids):
    """The definition, item by item."""
    users = sorted({u for u, _ in pairs})
    vectors = {i: np.array([pairs.get((u, i), 0) for u in users]) for i in ids}
    found = {}
    for i in ids:
        for j in ids:
            if i != j and vectors[i] @ vectors[j] > 0:
                norm = np.linalg.norm(vectors[i]) * np.linalg.norm(vectors[j])
                found[i, j] = vectors[i] @ vectors[j] / (norm + SHRINKAGE)
    return found


def build(ids, log):
    """The neighbours of the items with events, as an index build makes them."""
    wanted, present = strength_matrix(ids, log)
    return ItemItemIndex.from_matrix([ids[position] for position in present], wanted)


@given(PAIRS)
def test_neighbours_are_those_of_the_definition(pairs):
    index = build(IDS, Strengths([(u, i, v) for (u, i), v in pairs.items()]))
    expected = plain(pairs, IDS)
    assert set(index.ids) == {i for _, i in pairs} & set(IDS)
    for i in IDS:
        found = index.scores([i])
        assert found == {j: pytest.approx(s, rel=1e-4) for (a, j), s in expected.items() if a == i}


@given(PAIRS, st.integers(1, 40))
def test_blocks_and_batches_change_nothing(pairs, cells):
    rows = [(u, i, v) for (u, i), v in pairs.items()]
    whole = build(IDS, Strengths(rows, batch=100))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collaborative, "_CELLS", cells)
        parts = build(IDS, Strengths(rows, batch=1))
    assert parts.ids == whole.ids
    assert np.array_equal(parts.neighbours, whole.neighbours)
    assert np.array_equal(parts.weights, whole.weights)


def test_only_the_nearest_are_kept_and_equal_ones_in_the_order_of_the_catalogue():
    ids = [f"i{n:03}" for n in range(NEIGHBOURS + 20)]
    rows = [("ann", i, 1.0) for i in ids] + [("bob", ids[0], 1.0), ("bob", ids[-1], 1.0)]
    index = build(ids, Strengths(rows))
    near = index.scores([ids[0]])
    assert len(near) == NEIGHBOURS
    assert next(iter(near)) == ids[-1]
    assert list(near)[1:] == ids[1:NEIGHBOURS]


def test_scores_add_up_leave_out_what_is_liked_or_excluded_and_ignore_strangers():
    rows = [(u, i, 1.0) for u, items in {"1": "ab", "2": "abc", "3": "bcd"}.items() for i in items]
    index = build(list("abcde"), Strengths(rows))
    one, other, both = index.scores(["a"]), index.scores(["b"]), index.scores(["a", "b", "b", "zz", "e"])
    assert both == {"c": pytest.approx(one["c"] + other["c"]), "d": pytest.approx(other["d"])}
    assert index.scores(["a", "b"], exclude=["c"]).keys() == {"d"}
    assert index.scores([]) == index.scores(["e"]) == {}
    assert len(index) == 4


def test_a_saved_index_says_the_same(tmp_path, learn):
    log = learn(*((f"u{n % 7}", f"i{n % 5}", "play", n + 1) for n in range(30)))
    built = build([f"i{n}" for n in range(9)], log)
    built.save(tmp_path / "index")
    loaded = ItemItemIndex.load(tmp_path / "index")
    assert loaded.ids == built.ids == [f"i{n}" for n in range(5)]
    assert np.array_equal(loaded.neighbours, built.neighbours)
    assert loaded.scores(["i1"]) == built.scores(["i1"]) != {}


@pytest.mark.parametrize("rows", [[], [("ann", "x", 1.0)], [("ann", "p", 1.0)]])
def test_a_log_without_two_items_has_no_neighbours(tmp_path, rows):
    index = build(IDS, Strengths(rows))
    assert len(index) == (rows[0][1] in IDS if rows else 0)
    assert index.scores(["p"]) == {}
    index.save(tmp_path)
    assert ItemItemIndex.load(tmp_path).scores(["p"]) == {}
    assert len(build(IDS, InteractionLog(tmp_path / "nowhere"))) == 0
