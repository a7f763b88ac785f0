import numpy as np

from retrieval.item_table import ItemTable
from retrieval.types import Item


def item(item_id, title, **facets):
    return Item(item_id, {"en": title}, {}, facets, {})


def test_rows_hold_facets_numbers_and_titles(movies_domain):
    items = [
        item("a", "The Matrix", year=1999, genres=("action", "science-fiction")),
        item("b", "The Matrix Reloaded", year=2003, genres=("action",), directors=("Lana Wachowski",)),
        item("c", "Heat", genres=("crime",)),
    ]
    table = ItemTable(items, movies_domain)
    assert table.ids == ["a", "b", "c"]
    genres = table.lists["genres"].toarray()
    assert (genres @ genres.T).tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert table.lists["directors"].toarray().sum(axis=1).tolist() == [0, 1, 0]
    assert table.numbers["year"][:2].tolist() == [1999, 2003]
    assert np.isnan(table.numbers["year"][2])
    titles = (table.titles @ table.titles.T).toarray()
    assert np.allclose(np.diag(titles), 1)
    assert titles[0, 1] > 0.5 > titles[0, 2] == 0
    assert table.rows(["c", "unknown", "a"]).tolist() == [2, 0]
