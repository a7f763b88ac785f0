"""What is like an item, and the words that say why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrieval.collaborative import ItemItemIndex
from retrieval.embedder import HashingEmbedder, unit_rows
from retrieval.errors import IndexError_
from retrieval.index import CatalogIndex
from retrieval.similar import similar
from retrieval.types import Item
from retrieval.vector_store import InMemoryVectorStore

THEMES = {"space": "太空", "cats": "猫", "rain": "雨"}


def item(n, genres=(), themes=(), directors=()):
    facets = {"genres": genres, "themes": themes, "directors": directors}
    labels = {"themes": {"en": themes, "zh": tuple(THEMES[t] for t in themes)}}
    return Item(f"i{n}", {"en": f"T{n}"}, {}, {k: v for k, v in facets.items() if v}, labels)


@pytest.fixture
def twenty(movies):
    """Twenty items whose cards lie apart, 3 a little nearer to 0; each of the first four shares something with 0."""
    own = [
        item(0, ("drama", "war"), ("space", "cats")),
        item(1, ("drama",), ("space", "cats")),
        item(2, ("drama",), ("cats", "rain")),
        item(3, ("drama", "war"), ("cats",)),
        *(item(n, ("drama",) if n < 18 else ("comedy",)) for n in range(4, 20)),
    ]
    rows = np.eye(20, dtype=np.float32) + 0.1
    rows[3, 0] += 0.2
    rows = unit_rows(rows)
    rows = {"en": rows, "zh": rows}
    return CatalogIndex(movies.domain, {i.id: i for i in own}, InMemoryVectorStore(), None, HashingEmbedder(), rows=rows)


def test_the_rarest_of_what_is_shared_counts_most_and_is_said_first(twenty):
    found = dict(similar(twenty, "i0", "en", 3))
    assert list(found) == ["i1", "i3", "i2"]
    assert found == {"i1": ("space", "cats"), "i3": ("war", "cats"), "i2": ("cats",)}  # most of them are dramas


def test_words_are_in_the_language_asked_for(twenty):
    assert dict(similar(twenty, "i0", "zh"))["i1"] == ("太空", "猫")


def test_the_card_decides_where_facets_say_nothing(twenty):
    rows = twenty.rows["en"].copy()
    rows[7] = rows[12]
    index = replace(twenty, rows={"en": rows})
    assert similar(index, "i12", "en", 1) == [("i7", ())]


@pytest.mark.parametrize("channel", ["collaborative", "ease"])
def test_who_wants_both_counts_where_there_is_a_log(twenty, channel):
    ids = ["gone", "i8", "i9", "i0"]
    log = ItemItemIndex.from_rows(ids, [([], []), ([], []), ([], []), ([2, 0, 1], [0.9, 0.5, -0.4])], 3)
    assert list(dict(similar(twenty, "i0", "en", 4))) == ["i1", "i3", "i2", "i10"]
    order = list(dict(similar(replace(twenty, **{channel: log}), "i0", "en", 99)))
    assert order[:4] == ["i1", "i3", "i2", "i9"]
    assert order.index("i8") == order.index("i7") + 1  # a negative weight brings nothing in


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_film_is_like_itself_or_comes_twice_and_its_words_are_on_both_cards(movies, language):
    for film in list(movies.items.values())[::23]:
        found = similar(movies, film.id, language)
        ids = [other for other, _ in found]
        assert len(set(ids)) == len(ids) == 6
        assert film.id not in ids
        for other, words in found:
            shared = {
                word
                for facet in film.facets
                for value, word in zip(film.values(facet), film.label(facet, language), strict=True)
                if value in movies.items[other].values(facet)
            }
            assert set(words) <= shared
            assert len(set(words)) == len(words)


@pytest.mark.parametrize(("k", "count"), [(0, 0), (-1, 0), (4, 4), (99, 19)])
def test_as_many_as_asked_for_or_all_there_are(twenty, k, count):
    assert len(similar(twenty, "i0", "en", k)) == count


def test_an_only_item_is_like_nothing(movies):
    rows = {"en": np.ones((1, 1), np.float32)}
    index = CatalogIndex(movies.domain, {"i0": item(0, ("drama",))}, InMemoryVectorStore(), None, HashingEmbedder(), rows=rows)
    assert similar(index, "i0", "en") == []


def test_an_unknown_item_is_an_error_that_names_it(twenty):
    with pytest.raises(IndexError_, match="no item 'i77'") as raised:
        similar(twenty, "i77", "en")
    assert raised.value.key == "error_gone"
