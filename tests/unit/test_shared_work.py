"""What is done once for many people, or for several vectors, gives what doing it each time gives."""

from __future__ import annotations

import dataclasses
import random
import subprocess
import sys

import numpy as np
import pytest

from chatbot import people as people_module
from chatbot.interests import build_interests
from chatbot.store import InMemoryUserStore
from retrieval.diversity import maximal_marginal_relevance
from retrieval.events import Event

NOW = 1.75e9
KINDS = ["liked", "disliked", "rated", "seen", "saved", "opened", "viewed"]


def history(items, count, seed):
    rng = random.Random(seed)
    chosen = rng.choices(sorted(items), k=count)
    return [
        Event("ann", rng.choice(KINDS), item, value=rng.choice([None, 0.2, 0.9]), at=NOW - 3600 * (count - n), id=f"e{n}")
        for n, item in enumerate(chosen)
    ]


@pytest.fixture
def people(make_pipeline, items, monkeypatch):
    """The people of a pipeline at a moment, in whose store ann has a history."""
    store = InMemoryUserStore()
    store.append(*history(items, 80, 1))
    made = make_pipeline(store=store).people
    monkeypatch.setattr(people_module.time, "time", lambda: NOW)
    return made


def test_what_is_known_is_read_once_as_long_as_nothing_happens(people):
    known = people.known("ann")
    assert people.known("ann") is known
    assert known.profile == people.profile("ann")
    # all that lists are made by is as in a turn of that minute
    whole = build_interests(people.events("ann"), people.catalogue, known.minute)
    assert NOW - 60 < known.minute <= NOW
    bare = dataclasses.replace(whole, interests=tuple(dataclasses.replace(i, tastes=()) for i in whole.interests))
    assert known.interests == bare
    assert any(i.tastes for i in whole.interests)


def test_an_event_counts_at_once_whoever_stored_it(people, items):
    before = people.known("ann")
    people.store.append(Event("ann", "liked", sorted(items)[5], id="late"))  # as another process would
    assert sorted(items)[5] in people.known("ann").profile.liked
    people.store.append(Event("ann", "undone", None, text="late"))
    assert people.known("ann").profile == before.profile
    people.store.erase("ann")
    assert people.known("ann").profile.known == frozenset()


def test_what_is_kept_of_people_ends(people, items, monkeypatch):
    monkeypatch.setattr(people_module, "MOST_KEPT", 5)
    for n in range(9):
        people.store.append(Event(f"user-{n}", "liked", sorted(items)[n]))
        assert people.known(f"user-{n}").profile.liked == (sorted(items)[n],)
    assert len(people._kept._known) == 5
    monkeypatch.setattr(people_module.time, "time", lambda: NOW + 121)
    people.known("bob")
    assert list(people._kept._known) == ["bob"]  # the minute of the others is over


def test_nothing_known_goes_to_another_store(people, make_pipeline):
    pipeline = make_pipeline(store=people.store)
    pipeline.people.known("ann")
    other = pipeline.over(InMemoryUserStore())
    assert not other.people._kept._known
    assert other.people.known("ann").profile.liked == ()


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("with_rows", [True, False])
def test_cosines_together_are_those_of_each(movies, count, share, with_rows):
    rng = np.random.default_rng(3)
    everything = movies.vectors_of(list(movies.items), "zh")
    index = dataclasses.replace(movies, rows={"zh": everything} if with_rows else {})
    positions = np.sort(rng.choice(len(everything), int(share * len(everything)), replace=False)).astype(np.int32)
    vectors = rng.normal(size=(count, everything.shape[1])).astype(np.float32)
    found = index.cosines(positions, "zh", vectors)
    np.testing.assert_allclose(found, (everything[positions].astype(float) @ vectors.T.astype(float)).T, atol=1e-5)
    np.testing.assert_allclose(index.similarities(positions, "zh", vectors[0]), found[0], atol=1e-5)
    if with_rows:
        assert index.cosines(positions[:0], "zh", vectors).shape == (count, 0)


def slow_choice(relevance, vectors, k, trade_off, groups, per_group):
    """Maximal marginal relevance as it is written in the paper, item by item."""
    scores = np.asarray(relevance, dtype=np.float64)
    spread = scores.max() - scores.min()
    scores = (scores - scores.min()) / spread if spread > 0 else np.ones(len(scores))
    similarity = np.clip(vectors @ vectors.T, 0.0, 1.0)
    chosen, used, left = [], {}, list(range(len(scores)))
    while left and len(chosen) < k:
        free = [i for i in left if all(used.get(g, 0) < per_group for g in groups[i])] or left
        cost = {i: max((float(similarity[i, j]) for j in chosen), default=0.0) for i in free}
        best = max(free, key=lambda i: (trade_off * scores[i] - (1 - trade_off) * cost[i], -i))
        chosen.append(best)
        left.remove(best)
        for group in groups[best]:
            used[group] = used.get(group, 0) + 1
    return chosen


@pytest.mark.parametrize("seed", range(40))
def test_the_choice_of_a_list_is_that_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 60)), int(rng.integers(1, 70))
    vectors = rng.normal(size=(n, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance = rng.integers(0, 5, n).tolist()  # with ties
    groups = [{int(g) for g in rng.integers(0, 6, rng.integers(0, 3))} for _ in range(n)]
    per_group, trade_off = int(rng.integers(1, 3)), float(rng.choice([0.0, 0.5, 0.8, 1.0]))
    found = maximal_marginal_relevance(relevance, vectors, k, trade_off=trade_off, groups=groups, per_group=per_group)
    assert found == slow_choice(relevance, vectors, k, trade_off, groups, per_group)


def test_blas_leaves_the_cores_to_the_threads_of_people():
    code = (
        "import numpy, scipy.linalg\n"
        "from threadpoolctl import threadpool_info\n"
        "from chatbot.threads import settle_threads\n"
        "settle_threads()\n"
        "print([i['num_threads'] for i in threadpool_info() if i['user_api'] == 'blas'])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert set(said.strip(" []\n").split(", ")) == {"1"}
