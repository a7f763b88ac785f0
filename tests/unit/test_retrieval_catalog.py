"""The catalogue reader: what it reads, and that every error names file, line and field."""

from __future__ import annotations

import json

import pytest

from retrieval.catalog import read_catalog
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
    ("not json", '{"id": ', 2, None, "not valid JSON"),
    ("no object", "[1, 2]", 2, None, "must hold one JSON object"),
    ("no id", lines(without("id")), 2, "id", "is missing"),
    ("blank id", lines({**GOOD, "id": "  "}), 2, "id", "is missing"),
    ("no title", lines({"id": "x", "year": 1994}), 2, "title_en", "is missing"),
    ("title is a list", lines({**GOOD, "id": "x", "title_en": ["To Live"]}), 2, "title_en", "must be text, not list"),
    ("id is true", lines({**GOOD, "id": True}), 2, "id", "must be text, not bool"),
    ("summary is an object", lines({**GOOD, "id": "x", "summary_en": {}}), 2, "summary_en", "must be text, not dict"),
    ("year is words", lines({**GOOD, "id": "x", "year": "about 1994"}), 2, "year", "must be a number, not 'about 1994'"),
    ("year is true", lines({**GOOD, "id": "x", "year": True}), 2, "year", "must be a number"),
    ("year is a list", lines({**GOOD, "id": "x", "year": [1994]}), 2, "year", "must be a number"),
    ("year too early", lines({**GOOD, "id": "x", "year": 94}), 2, "year", "must be a year between 1000 and 2200, not 94"),
    ("year too late", lines({**GOOD, "id": "x", "year": 2201}), 2, "year", "must be a year between 1000 and 2200"),
    ("year and a half", lines({**GOOD, "id": "x", "year": 1994.5}), 2, "year", "must be a year"),
    ("length is NaN", lines({**GOOD, "id": "x", "runtime": float("nan")}), 2, "runtime", "must be a number"),
    ("length without end", lines({**GOOD, "id": "x", "runtime": float("inf")}), 2, "runtime", "must be a number"),
    ("length is words", lines({**GOOD, "id": "x", "runtime": "nan"}), 2, "runtime", "must be a number"),
    ("genres are a number", lines({**GOOD, "id": "x", "genres": 3}), 2, "genres", "must be a list of texts"),
    ("genres hold a number", lines({**GOOD, "id": "x", "genres": ["drama", 3]}), 2, "genres", "must be a list of texts"),
    (
        "lists of two lengths",
        lines({**GOOD, "id": "x", "directors": ["A", "B"]}),
        2,
        "directors and directors_zh",
        "lists of the same length",
    ),
    ("the id again", lines(GOOD), 2, "id", "'to-live-1994' stands already on line 1"),
    ("half a surrogate pair", '{"id": "x", "title_en": "\\ud83c"}', 2, None, "broken character"),
]


@pytest.mark.parametrize(
    ("second", "line", "field", "problem"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_a_broken_row_names_file_line_field_and_problem(read, tmp_path, second, line, field, problem):
    with pytest.raises(CatalogError) as caught:
        read(lines(GOOD) + "\n" + second + "\n")
    error = caught.value
    assert (error.path, error.line, error.field) == (tmp_path / "films.jsonl", line, field)
    assert str(error).startswith(f"{tmp_path / 'films.jsonl'}, line {line}")
    assert f"field '{field}'" in str(error) or field is None
    assert problem in str(error)
    assert error.key == "error_catalog"


def test_rows_before_the_broken_one_are_read(tmp_path, movies_domain):
    path = tmp_path / "films.jsonl"
    path.write_text(lines(GOOD) + "\n{", encoding="utf-8")
    rows = read_catalog(path, movies_domain)
    assert next(rows).id == "to-live-1994"
    with pytest.raises(CatalogError, match="line 2"):
        next(rows)


@pytest.mark.parametrize("content", ["", "\n\n  \n", "\ufeff"])
def test_an_empty_file_is_refused_by_name(read, content):
    with pytest.raises(CatalogError, match=r"films\.jsonl: holds no items"):
        read(content)


def test_a_csv_of_a_header_alone_is_refused(read):
    with pytest.raises(CatalogError, match=r"films\.csv: holds no items"):
        read("id,title_en\n", "films.csv")


def test_an_absent_file_is_refused_by_name(tmp_path, movies_domain):
    with pytest.raises(CatalogError, match=r"gone\.jsonl: there is no such file"):
        list(read_catalog(tmp_path / "gone.jsonl", movies_domain))


@pytest.mark.parametrize("name", ["films.xlsx", "films.json", "films"])
def test_an_unknown_kind_of_file_names_the_kinds_that_are_read(read, name):
    with pytest.raises(CatalogError, match=r"\.jsonl or \.csv"):
        read(lines(GOOD), name)


@pytest.mark.parametrize("name", ["films.jsonl", "films.csv"])
def test_bytes_that_are_not_utf8_name_their_line(read, name):
    good = "id,title_en\na,Film\n" if name.endswith("csv") else json.dumps({"id": "a", "title_en": "F"}) + "\n"
    filler = good + "".join(
        f"b{n},Film\n" if name.endswith("csv") else json.dumps({"id": f"b{n}", "title_en": "F"}) + "\n" for n in range(3000)
    )
    number = filler.count("\n") + 1
    with pytest.raises(CatalogError) as caught:
        read(filler.encode() + "c,《活着》\n".encode("gb18030"), name)
    assert caught.value.line == number
    assert "not UTF-8" in str(caught.value)


def test_a_byte_order_mark_is_not_part_of_the_first_column(read):
    (item,) = read("\ufeffid,title_en,year\nx,Film,1994\n", "films.csv")
    assert (item.id, item.facets["year"]) == ("x", 1994)
    (item,) = read("\ufeff" + lines(GOOD))
    assert item.id == "to-live-1994"


def test_csv_lists_are_parted_by_bars_or_semicolons(read):
    text = (
        "id,title_en,year,genres,directors,directors_zh,runtime\n"
        "a,One,1994,drama | war,Zhang Yimou|Ann Hui,张艺谋|许鞍华,132\n"
        "b,Two,,comedy;family,,,\n"
        'c,Three,1994.0,"crime, really",Zhang Yimou,,90.5\n'
    )
    one, two, three = read(text, "films.csv")
    assert one.facets["genres"] == ("drama", "war")
    assert one.labels["directors"]["zh"] == ("张艺谋", "许鞍华")
    assert two.facets == {"genres": ("comedy", "family")}
    assert three.facets["genres"] == ("crime, really",)
    assert (three.facets["year"], three.facets["runtime"]) == (1994, 90.5)


def test_csv_errors_name_the_line_where_the_row_ends(read):
    text = 'id,title_en,year\na,"Two\nlines",1994\nb,Film,soon\n'
    with pytest.raises(CatalogError) as caught:
        read(text, "films.csv")
    assert (caught.value.line, caught.value.field) == (4, "year")


def test_a_csv_row_with_more_fields_than_the_header_is_refused(read):
    with pytest.raises(CatalogError, match=r"line 3: has more fields than the header"):
        read("id,title_en\na,Film\nb,Crime, Passion and Rain\n", "films.csv")
    assert len(read("id,title_en\na,Film,,\n", "films.csv")) == 1  # empty ones hold nothing


def test_a_csv_field_too_long_to_read_is_a_catalogue_error(read):
    with pytest.raises(CatalogError, match="not readable as CSV"):
        read("id,title_en\na," + "x" * 200_000 + "\n", "films.csv")


def test_unknown_values_are_absent_and_one_language_is_enough(read):
    (item,) = read(lines({"id": "x", "title_zh": "活着", "year": None, "genres": [], "directors": ["A"], "directors_zh": None}))
    assert item.titles == {"zh": "活着"}
    assert item.facets == {"directors": ("A",)}
    assert item.texts == {}


def test_numbers_serve_as_id_and_title(read):
    (item,) = read(lines({"id": 7, "title_en": 1917}))
    assert (item.id, item.titles["en"]) == ("7", "1917")


def test_the_hash_changes_with_the_row_and_not_with_the_order_of_its_columns(read):
    (first,), (turned,) = read(lines(GOOD)), read(lines(dict(reversed(GOOD.items()))))
    (changed,) = read(lines({**GOOD, "summary_en": "Another."}))
    assert first.hash == turned.hash != changed.hash


def test_a_value_without_words_shows_itself(read):
    (item,) = read(lines({**GOOD, "genres": ["drama", "mumblecore"]}))
    assert item.labels["genres"]["zh"] == ("剧情", "mumblecore")
