"""The map: inside its square, the same each time, likeness kept, regions named by what is typical, kept as a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from chatbot.embedding import build_embedder
from chatbot.llm.weights import fetch
from chatbot.settings import Settings
from retrieval import projection
from retrieval.embedder import HashingEmbedder, unit_rows
from retrieval.index import CatalogIndex, build_in_memory
from retrieval.projection import load_map, project
from retrieval.types import Item
from retrieval.vector_store import InMemoryVectorStore

GENRES = ("western", "horror", "musical")


def catalogue(domain, rows, genres=()):
    """An index over given vectors; item n has the n-th tuple of genres."""
    genres = genres or [()] * len(rows)
    items = {f"i{n}": Item(f"i{n}", {"en": f"T{n}"}, {}, {"genres": g} if g else {}, {}) for n, g in enumerate(genres)}
    rows = unit_rows(np.asarray(rows, np.float32))
    return CatalogIndex(domain, items, InMemoryVectorStore(), None, HashingEmbedder(), rows={"en": rows, "zh": rows})


def clusters(n, of=3, d=20, seed=0):
    """(n, d) vectors in as many clusters, row by row in turn."""
    chance = np.random.default_rng(seed)
    return unit_rows((4 * np.eye(d)[np.arange(n) % of] + chance.normal(size=(n, d))).astype(np.float32))


@pytest.fixture(scope="module")
def three(movies):
    """Ninety items in three clusters, each of its own genre; all are dramas besides."""
    return catalogue(movies.domain, clusters(90), [(GENRES[n % 3], "drama") for n in range(90)])


# -- the plane ----------------------------------------------------------------------------------------------------------


@given(
    n=st.sampled_from([1, 2, 3, 5, 9, 10, 12]), d=st.sampled_from([1, 2, 7]), limit=st.integers(1, 15), seed=st.integers(0, 9)
)
def test_a_map_fills_its_square_and_is_centred(movies_domain, n, d, limit, seed):
    rows = np.random.default_rng(seed).normal(size=(n, d))
    made = project(catalogue(movies_domain, rows), "en", limit=limit)
    assert made.ids == tuple(f"i{i}" for i in range(n))
    assert made.xy.shape == (n, 2)
    assert made.xy.dtype == np.float32
    np.testing.assert_allclose(made.xy.min(axis=0) + made.xy.max(axis=0), 1, atol=1e-5)
    assert np.ptp(made.xy, axis=0).max() == pytest.approx(1, abs=1e-5) or (made.xy == 0.5).all()


@pytest.mark.parametrize("n", [2, 5, 40])
def test_items_without_any_difference_lie_in_the_middle(movies, n):
    made = project(catalogue(movies.domain, np.ones((n, 8))), "en")
    assert (made.xy == 0.5).all()
    assert made.regions == ()


def test_many_equal_items_beside_others_do_no_harm(movies):
    rows = clusters(60)
    rows[20:] = rows[0]
    made = project(catalogue(movies.domain, rows), "en")
    assert np.isfinite(made.xy).all()
    assert np.ptp(made.xy[20:], axis=0).max() < 0.3


def test_the_same_catalogue_has_the_same_map(three):
    one, other = project(three, "en"), project(three, "en")
    np.testing.assert_array_equal(one.xy, other.xy)
    assert one.regions == other.regions


@pytest.mark.parametrize("limit", [5000, 45])
def test_what_is_alike_lies_together(three, limit):
    xy = project(three, "en", limit=limit).xy
    distances = np.linalg.norm(xy[:, None] - xy[None], axis=2) + 9 * np.eye(len(xy))
    assert np.mean(distances.argmin(axis=1) % 3 == np.arange(len(xy)) % 3) > 0.95


def test_an_item_beyond_the_limit_lies_where_its_like_does(movies, monkeypatch):
    monkeypatch.setattr(projection, "_CHUNK", 7)
    index = catalogue(movies.domain, np.repeat(clusters(40), 2, axis=0))
    made = project(index, "en", limit=50)
    drawn = index.columns.shuffled_ranks < 50
    pairs = [n for n in range(0, 80, 2) if drawn[n] != drawn[n + 1]]
    assert len(pairs) > 5
    for n in pairs:
        np.testing.assert_allclose(made.xy[n], made.xy[n + 1], atol=1e-3)


# -- regions ------------------------------------------------------------------------------------------------------------


def test_regions_are_named_by_what_is_typical_and_not_by_what_is_common(three):
    made = project(three, "en")
    assert {region.value for region in made.regions} == set(GENRES)
    for region in made.regions:
        own = made.xy[GENRES.index(region.value) :: 3]
        assert np.linalg.norm(own - [region.x, region.y], axis=1).min() < np.linalg.norm(own - own.mean(axis=0), axis=1).max()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_regions_of_the_films_have_one_name(movies, language):
    made = project(movies, language)
    assert len(made.regions) >= 8
    assert len({region.value for region in made.regions}) == len({region.label for region in made.regions}) == len(made.regions)
    assert sum(region.size for region in made.regions) <= len(movies.items)
    for region in made.regions:
        assert region.facet in movies.domain.ballot
        assert any(region.value in item.values(region.facet) for item in movies.items.values())
        assert region.label.isascii() == (language == "en")


# -- on disk ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch):
    """The calls of project by load_map."""
    calls = []

    def counting(index, language):
        calls.append(language)
        return project(index, language)

    monkeypatch.setattr(projection, "project", counting)
    return calls


def same(one, other):
    return one.ids == other.ids and np.array_equal(one.xy, other.xy) and one.regions == other.regions


def test_a_map_is_computed_once_for_each_language(three, counted, tmp_path):
    folder = tmp_path / "maps"
    first = load_map(three, folder, "en")
    assert same(load_map(three, folder, "en"), first)
    load_map(three, folder, "zh")
    assert counted == ["en", "zh"]
    assert sorted(path.name for path in folder.iterdir()) == ["map-en.npz", "map-zh.npz"]


@pytest.mark.parametrize("damage", [lambda raw: b"", lambda raw: b"broken", lambda raw: raw[: len(raw) // 2]])
def test_a_broken_file_is_computed_anew(three, counted, tmp_path, damage):
    first = load_map(three, tmp_path, "en")
    path = tmp_path / "map-en.npz"
    path.write_bytes(damage(path.read_bytes()))
    assert same(load_map(three, tmp_path, "en"), first)
    load_map(three, tmp_path, "en")
    assert counted == ["en", "en"]


def test_a_map_of_other_contents_or_vectors_is_outdated(three, counted, tmp_path):
    load_map(three, tmp_path, "en")
    changed = {**three.items, "i0": replace(three.items["i0"], hash="new")}
    load_map(replace(three, items=changed), tmp_path, "en")
    load_map(replace(three, rows={"en": three.rows["en"][::-1]}), tmp_path, "en")
    assert len(counted) == 3


def test_without_a_folder_or_a_writable_one_a_map_is_only_computed(three, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert same(load_map(three, tmp_path / "file" / "maps", "en"), load_map(three, None, "en"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# -- quality ------------------------------------------------------------------------------------------------------------


@pytest.mark.model
def test_the_map_of_the_films_keeps_more_neighbourhoods_than_two_components(movies, weights_folder):
    fetch("use-multilingual-v3", weights_folder)
    index = build_in_memory(movies.domain, movies.items.values(), build_embedder(Settings()), InMemoryVectorStore())
    for language in ("en", "zh"):
        rows = index.vectors_of(list(index.items), language)
        ours = trustworthiness(rows, project(index, language).xy, n_neighbors=10)
        flat = trustworthiness(rows, PCA(2, svd_solver="full").fit_transform(rows), n_neighbors=10)
        print(f"trustworthiness at 10, {language}: t-SNE {ours:.3f}, two components {flat:.3f}")
        assert ours > flat + 0.1
