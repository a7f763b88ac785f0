"""Rows to items: what is read, what is repaired, what is unknown, and what can be no item."""

from __future__ import annotations

import json

import pytest

from retrieval.catalog import ItemReader, read_catalog
from retrieval.cells import RefusedRow, plain_id, shorten_id
from retrieval.cleaning import Rules
from retrieval.domain_files import make_domain
from retrieval.errors import CatalogError

GOOD = {
    "id": "to-live-1994",
    "title_en": "To Live",
    "title_zh": "活着",
    "year": 1994,
    "genres": ["drama", "war"],
    "directors": ["Zhang Yimou"],
    "directors_zh": ["张艺谋"],
    "runtime": 132,
    "summary_en": "A gambler loses everything.",
}


@pytest.fixture
def read(tmp_path, movies_domain):
    def read(content, name="films.jsonl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_catalog(path, movies_domain))

    return read


@pytest.fixture
def shop(tmp_path):
    """A reader of a shop's rows: shop(row, **facets) -> (item, counts of the rules)."""

    def read(row, *, off=(), mapping=None, **facets):
        data = {
            "name": "shop",
            "base": "general",
            "mapping": {"id": "id", "title": "title", "text": "text", **(mapping or {})},
            "facets": facets,
        }
        rules = Rules(off)
        item = ItemReader(make_domain(data, tmp_path / "shop.toml"), rules).read({"id": 1, "title": "Lamp", **row})
        return item, rules.counts

    return read


def lines(*rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def without(field):
    return {key: value for key, value in GOOD.items() if key != field}


def test_a_row_becomes_an_item(read):
    (item,) = read(lines(GOOD))
    assert item.id == "to-live-1994"
    assert item.titles == {"en": "To Live", "zh": "活着"}
    assert item.texts == {"en": "A gambler loses everything."}
    assert item.facets == {"year": 1994, "runtime": 132, "directors": ("Zhang Yimou",), "genres": ("drama", "war")}
    assert item.labels["directors"] == {"en": ("Zhang Yimou",), "zh": ("张艺谋",)}
    assert item.labels["genres"]["zh"] == ("剧情", "战争")
    assert isinstance(item.facets["year"], int)


BROKEN = [
    ("not json", '{"id": ', None, "JSON"),
    ("no object", "[1, 2]", None, "object"),
    ("no id", lines(without("id")), "id", "is missing"),
    ("blank id", lines({**GOOD, "id": "  "}), "id", "is missing"),
    ("id is true", lines({**GOOD, "id": True}), "id", "is missing"),
    ("no title", lines({"id": "x", "year": 1994}), "title_en", "is missing"),
    ("year is a word", lines({**GOOD, "id": "x", "year": "Dan Brown"}), "year", "must be a year, not 'Dan Brown'"),
    ("year is true", lines({**GOOD, "id": "x", "year": True}), "year", "must be a year"),
    (
        "lists of two lengths",
        lines({**GOOD, "id": "x", "directors": ["A", "B"]}),
        "directors and directors_zh",
        "lists of the same length",
    ),
    ("the id again", lines(GOOD), "id", "'to-live-1994' stands already on line 1"),
    ("half a surrogate pair", '{"id": "x", "title_en": "\\ud83c"}', None, "surrogate"),
]


@pytest.mark.parametrize(("second", "field", "problem"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_row_names_file_line_field_and_problem(read, tmp_path, second, field, problem):
    with pytest.raises(CatalogError) as caught:
        read(lines(GOOD) + "\n" + second + "\n")
    error = caught.value
    assert (error.path, error.line) == (tmp_path / "films.jsonl", 2)
    assert field is None or error.field == field
    assert str(error).startswith(f"{tmp_path / 'films.jsonl'}, line 2")
    assert problem in str(error)
    assert error.key == "error_catalog"


def test_rows_before_the_broken_one_are_read(tmp_path, movies_domain):
    path = tmp_path / "films.jsonl"
    path.write_text(lines(GOOD) + "\n{", encoding="utf-8")
    rows = read_catalog(path, movies_domain)
    assert next(rows).id == "to-live-1994"
    with pytest.raises(CatalogError, match="line 2"):
        next(rows)


@pytest.mark.parametrize("content", ["", "\n\n  \n", "\ufeff", "id,title_en\n"])
@pytest.mark.parametrize("name", ["films.jsonl", "films.csv"])
def test_a_file_without_items_is_refused_by_name(read, content, name):
    with pytest.raises(CatalogError, match=r"films\.(jsonl|csv)"):
        read(content, name)


def test_an_absent_file_is_refused_by_name(tmp_path, movies_domain):
    with pytest.raises(CatalogError, match=r"gone\.jsonl"):
        list(read_catalog(tmp_path / "gone.jsonl", movies_domain))


def test_csv_lists_are_parted_by_what_parts_them(read):
    text = (
        "id,title_en,year,genres,directors,directors_zh,runtime\n"
        "a,One,1994,drama | war,Zhang Yimou|Ann Hui,张艺谋|许鞍华,132\n"
        "b,Two,,comedy;family,,,\n"
        'c,Three,1994.0,"crime, Drama",Zhang Yimou,,90.5\n'
        'd,Four,,,"Sammy Davis, Jr., Peter Lawford",,\n'
    )
    one, two, three, four = read(text, "films.csv")
    assert one.facets["genres"] == ("drama", "war")
    assert one.labels["directors"]["zh"] == ("张艺谋", "许鞍华")
    assert two.facets == {"genres": ("comedy", "family")}
    assert three.facets["genres"] == ("crime", "drama")
    assert (three.facets["year"], three.facets["runtime"]) == (1994, 90.5)
    assert four.facets["directors"] == ("Sammy Davis, Jr.", "Peter Lawford")


def test_unknown_values_are_absent_and_one_language_is_enough(read):
    (item,) = read(lines({"id": "x", "title_zh": "活着", "year": None, "genres": [], "directors": ["A"], "directors_zh": None}))
    assert item.titles == {"zh": "活着"}
    assert item.facets == {"directors": ("A",)}
    assert item.texts == {}


def test_numbers_serve_as_id_and_title(read):
    (item,) = read(lines({"id": 7, "title_en": 1917}))
    assert (item.id, item.titles["en"]) == ("7", "1917")


def test_the_hash_changes_with_the_content_and_not_with_the_order_of_its_columns(read):
    (first,), (turned,) = read(lines(GOOD)), read(lines(dict(reversed(GOOD.items()))))
    (changed,) = read(lines({**GOOD, "summary_en": "Another."}))
    (other_column,) = read(lines({**GOOD, "budget": 7}))
    assert first.hash == turned.hash == other_column.hash != changed.hash


def test_a_value_without_words_shows_itself(read):
    (item,) = read(lines({**GOOD, "genres": ["drama", "mumblecore"]}))
    assert item.labels["genres"]["zh"] == ("剧情", "mumblecore")


def test_a_value_in_other_words_is_the_canonical_one(read):
    (item,) = read(lines({**GOOD, "genres": ["Science Fiction", "剧情", "SCI-FI", "Drama"]}))
    assert item.facets["genres"] == ("science-fiction", "drama")


# -- facets of every type ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facet", "value", "known", "rule"),
    [
        ({"type": "number"}, "117 min", 117, "number_in_text"),
        ({"type": "number"}, "1,234.50", 1234.5, "number_in_text"),
        ({"type": "number"}, float("nan"), None, None),
        ({"type": "number"}, "inf", None, "bad_number"),
        ({"type": "number"}, "call us", None, "bad_number"),
        ({"type": "number"}, [3], 3, "number_in_text"),
        ({"type": "number", "unknown": ["0"]}, 0, None, "unknown_value"),
        ({"type": "number", "unknown": ["0"]}, "0.0", None, "unknown_value"),
        ({"type": "number", "range": [1, 10]}, 11, None, "out_of_range"),
        ({"type": "number"}, "N/A", None, "nan_text"),
        ({"type": "year"}, "c. 1850", 1850, "year_in_date"),
        ({"type": "year"}, -750, -750, None),
        ({"type": "year"}, 2500, None, "out_of_range"),
        ({"type": "year"}, 1994.5, None, "bad_number"),
        ({"type": "year", "pattern": r"\((\d{4})\)"}, "1984 (1949)", 1949, None),
        ({"type": "year", "pattern": r"\((\d{4})\)"}, "1984", None, None),
        ({"type": "date"}, "1993-02", "1993-02", None),
        ({"type": "date"}, "Jun 12 1998", "1998-06-12", None),
        ({"type": "date"}, "soon", None, "bad_date"),
        ({"type": "date"}, "2999-01-01", None, "out_of_range"),
        ({"type": "text"}, " W. W. Norton &amp", "W. W. Norton &", "html_entities"),
        ({"type": "text"}, "null", None, "nan_text"),
        ({"type": "list"}, "a; b ;a", ("a", "b"), "repeated_value"),
        ({"type": "list"}, ["a", ".", ")"], ("a",), "junk_value"),
        ({"type": "list"}, '[{"id": 1, "name": "Action"}, {"id": 2, "name": "Fantasy"}]', ("Action", "Fantasy"), None),
        ({"type": "list"}, "['a', 'b']", ("a", "b"), None),
        ({"type": "list"}, "[not a list", ("[not a list",), None),
        ({"type": "list"}, 3, ("3",), None),
        ({"type": "list", "separator": "/"}, "汉语/ 英语", ("汉语", "英语"), None),
        ({"type": "list"}, "喜剧、爱情", ("喜剧", "爱情"), None),
        ({"type": "list", "separator": ""}, "Smith, John", ("Smith, John",), None),
        ({"type": "list"}, "10,000 steps", ("10,000 steps",), None),
        ({"type": "list"}, "R&amp;B; Soul", ("R&B", "Soul"), "html_entities"),
        ({"type": "list", "unknown": ["(none listed)"]}, "(none listed)", None, "unknown_value"),
        ({"type": "list", "aliases": {"SF": "science fiction"}}, "sf|crime", ("science fiction", "crime"), None),
        ({"type": "list", "pattern": r"#(\w+)"}, "so #good and #cheap", ("good", "cheap"), None),
    ],
)  # fmt: skip
def test_a_facet_of_every_type(shop, facet, value, known, rule):
    item, counts = shop({"f": value, "text": "t"}, f={**facet, "column": "f"})
    assert item.facets.get("f") == known
    assert set(counts) - {"whitespace"} == ({rule} if rule else set())


def test_flags_and_parts_make_lists(shop):
    item, _ = shop({"War": 1, "Drama": "0", "Noir": "true"}, kinds={"type": "list", "flags": {"War": "war", "Noir": "noir"}})
    assert item.facets["kinds"] == ("war", "noir")
    item, _ = shop({"a1": "Ann", "a2": None, "a3": "Bob"}, cast={"type": "people", "parts": ["a1", "a2", "a3"]})
    assert item.facets["cast"] == ("Ann", "Bob")


def test_texts_of_several_columns_are_joined_and_lists_are_read_out(shop):
    item, _ = shop({"a": "One.", "b": ["Two.", "Three."]}, mapping={"text": ["a", "b"]})
    assert item.text("en") == "One. Two. Three."


def test_the_language_column_says_which_language_a_text_is_in(shop):
    item, _ = shop({"title": "灯", "text": "亮", "lang": "zh-CN"}, mapping={"language": "lang"})
    assert (item.titles, item.texts) == ({"zh": "灯"}, {"zh": "亮"})
    item, _ = shop({"lang": "eng"}, mapping={"language": "lang"})
    assert item.titles == {"en": "Lamp"}
    item, _ = shop({"lang": "fr"}, mapping={"language": "lang"})
    assert item.titles == {"original": "Lamp"}


def test_a_description_of_something_else_goes(tmp_path):
    data = {
        "base": "general", "name": "n", "mapping": {"id": "id", "title": "title", "text": "text"},
        "cleaning": {"text_about": "lamp", "text_not_about": "is a song"},
    }  # fmt: skip
    reader = ItemReader(make_domain(data, tmp_path / "n.toml"), rules := Rules())
    row = {"id": 1, "title": "Glow"}
    assert reader.read({**row, "text": "A lamp."}).texts
    assert not reader.read({**row, "text": "Glow is a song about a lamp."}).texts
    assert not reader.read({**row, "text": "A city in France."}).texts
    assert rules.counts["foreign_text"] == 2


def test_ids_of_several_columns_and_long_ones(shop):
    item, _ = shop({"year": 1999.0}, mapping={"id": ["title", "year"]})
    assert item.id == "Lamp|1999"
    item, _ = shop({"id": "x" * 5000})
    assert len(item.id) == 300
    assert shorten_id("x" * 5000) != shorten_id("x" * 5001)
    assert [plain_id(v) for v in (7, 7.0, "7.0", " 7 ", "07", 7.5, None, float("nan"), "7.0.0")] == [
        "7", "7", "7", "7", "07", "7.5", "", "", "7.0.0",
    ]  # fmt: skip


def test_a_refused_row_says_by_which_rule(shop):
    with pytest.raises(RefusedRow) as caught:
        shop({"title": "NaN"})
    assert (caught.value.rule, caught.value.field) == ("no_title", "title")
    with pytest.raises(RefusedRow) as caught:
        shop({"year": "unheard of"}, year={"type": "year", "column": "year"})
    assert caught.value.rule == "wrong_column"
    item, _ = shop({"year": "unheard of"}, off=["wrong_column"], year={"type": "year", "column": "year"})
    assert "year" not in item.facets
