"""What is shown to somebody new: no repeats, apart from each other, well known, and nearer to what was liked."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.embedding import build_embedder
from chatbot.llm.weights import fetch
from chatbot.settings import Settings
from retrieval.collaborative import ItemItemIndex
from retrieval.contrast import contrasting
from retrieval.embedder import HashingEmbedder, unit_rows
from retrieval.index import CatalogIndex, build_in_memory
from retrieval.types import Item
from retrieval.vector_store import InMemoryVectorStore


def catalogue(domain, rows):
    items = {f"i{n}": Item(f"i{n}", {"en": f"T{n}"}, {}, {}, {}) for n in range(len(rows))}
    rows = unit_rows(np.asarray(rows, np.float32))
    return CatalogIndex(domain, items, InMemoryVectorStore(), None, HashingEmbedder(), rows={"en": rows, "zh": rows})


def clusters(n, of, d=20, seed=0, noise=0.3):
    chance = np.random.default_rng(seed)
    return (4 * np.eye(d)[np.arange(n) % of] + noise * chance.normal(size=(n, d))).astype(np.float32)


def mean_cosine(index, ids, language="en"):
    rows = index.vectors_of(ids, language)
    return (rows @ rows.T)[np.triu_indices(len(ids), 1)].mean()


def percentile_of(index, ids, language="en"):
    """The share of 200 random choices of as many that are more alike than these on average."""
    chance, own = np.random.default_rng(0), mean_cosine(index, ids, language)
    draws = [[*chance.choice(list(index.items), len(ids), replace=False)] for _ in range(200)]
    return float(np.mean([mean_cosine(index, draw, language) < own for draw in draws]))


def kinds_of(index, ids):
    return {kind for i in ids for kind in index.items[i].values(index.domain.kind_facet)[:1]}


IDS = st.lists(st.integers(0, 24).map("i{}".format), max_size=12)


@given(n=st.integers(1, 20), copies=st.integers(1, 20), count=st.integers(0, 9), skip=IDS, liked=IDS, disliked=IDS)
def test_nothing_comes_twice_and_nothing_that_was_skipped_or_judged(movies_domain, n, copies, count, skip, liked, disliked):
    rows = np.random.default_rng(n).normal(size=(n, 6))[np.arange(n) % copies]
    index = catalogue(movies_domain, rows)
    found = contrasting(index, "en", count, skip, liked, disliked)
    free = set(index.items) - {*skip, *liked, *disliked}
    assert len(found) == len(set(found)) == min(count, len(free))
    assert set(found) <= free
    assert found == contrasting(index, "en", count, frozenset(skip), liked, disliked)


def test_three_items_are_all_shown(movies):
    assert sorted(contrasting(catalogue(movies.domain, clusters(3, 3)), "en")) == ["i0", "i1", "i2"]


def test_one_comes_from_each_cluster(movies):
    found = contrasting(catalogue(movies.domain, clusters(200, 8)), "en", 8)
    assert {int(i[1:]) % 8 for i in found} == set(range(8))


def test_of_each_cluster_comes_what_is_well_known_by_what_was_learned_or_by_the_log(movies):
    index = catalogue(movies.domain, clusters(200, 4))
    stars = {"i0", "i1", "i2", "i3"}
    prior = np.array([1.0 if i in stars else 0.1 for i in index.items], np.float32)
    learned = replace(index, learned=SimpleNamespace(prior=prior))
    assert set(contrasting(learned, "en", 4)) == stars
    ids = list(reversed(index.items))
    log = ItemItemIndex.from_rows(ids, [([n - 1], [1.0 if i in stars else 0.1]) for n, i in enumerate(ids)], 1)
    assert set(contrasting(replace(index, collaborative=log), "en", 4)) == stars
    assert set(contrasting(index, "en", 4)) != stars


def test_after_reactions_it_comes_from_the_side_of_what_was_liked(movies):
    index = catalogue(movies.domain, clusters(402, 6))
    found = contrasting(index, "en", 6, liked=["i0", "i1"], disliked=["i2"])
    assert {int(i[1:]) % 6 for i in found} == {0, 1}
    without = {int(i[1:]) % 6 for i in contrasting(index, "en", 8, disliked=["i2"])}
    assert 2 not in without
    assert len(without) >= 3


def test_ids_that_the_catalogue_lacks_say_nothing(movies):
    gone = ["no such item"]
    assert contrasting(movies, "en", skip=gone, liked=gone, disliked=gone) == contrasting(movies, "en")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_eight_films_are_of_many_kinds_and_less_alike_than_most_random_ones(movies, language):
    found = contrasting(movies, language)
    assert len(kinds_of(movies, found)) >= 5
    assert percentile_of(movies, found, language) < 0.5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_films_after_reactions_are_nearer_to_the_liked_and_still_not_all_alike(movies, language):
    first = contrasting(movies, language)
    liked, disliked = first[:2], first[2:4]
    then = contrasting(movies, language, skip=first, liked=liked, disliked=disliked)
    assert not set(then) & set(first)
    rows = movies.vectors_of(then, language)
    near, far = ((rows @ movies.vectors_of(ids, language).T).max(axis=1) for ids in (liked, disliked))
    assert (near > far).all()
    assert mean_cosine(movies, then, language) < near.mean()
    assert len(kinds_of(movies, then)) >= 3


@pytest.mark.model
@pytest.mark.parametrize("language", ["en", "zh"])
def test_by_the_real_embedder_nearly_no_random_eight_is_less_alike(movies, weights_folder, language):
    fetch("use-multilingual-v3", weights_folder)
    index = build_in_memory(movies.domain, movies.items.values(), build_embedder(Settings()), InMemoryVectorStore())
    found = contrasting(index, language)
    assert len(kinds_of(index, found)) >= 5
    assert percentile_of(index, found, language) < 0.05
