"""A whole table into items: what is merged, what is set aside, and an account that adds up."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.catalog_import import ITEMS, MERGED, REJECTED, REPORT, import_catalog, read_aliases, read_items
from retrieval.cleaning import MERGES, REJECTS
from retrieval.domain_files import make_domain
from retrieval.errors import CatalogError
from retrieval.import_report import ImportReport

TEXT = "A lamp of brass and glass that burns for nine hours in wind and rain."


@pytest.fixture
def shop(tmp_path):
    def shop(**more):
        data = {
            "name": "shop",
            "base": "general",
            "mapping": {"id": "id", "title": "title", "text": "text"},
            "facets": {
                "year": {"type": "year", "column": "year"},
                "kinds": {"type": "list", "column": "kinds"},
                "weight": {"type": "number", "column": "weight"},
            },
            **more,
        }
        return make_domain(data, tmp_path / "shop.toml")

    return shop


class Result:
    def __init__(self, report, folder):
        self.report = report
        self.items = list(read_items(folder / ITEMS))
        with (folder / REJECTED).open(encoding="utf-8", newline="\n") as file:
            self.rejected = [json.loads(line) for line in file]
        self.aliases = read_aliases(folder / MERGED)
        assert report.rows == report.kept + report.merged + report.rejected
        assert report.kept == len(self.items)
        assert report.rejected == len(self.rejected) == sum(report.rules.get(rule, 0) for rule in REJECTS)
        assert report.merged == sum(report.rules.get(rule, 0) for rule in MERGES)
        assert ImportReport.read(folder / REPORT) == report
        assert not list(folder.glob("*.part")) + list(folder.glob("*.again"))


@pytest.fixture
def load(tmp_path, shop):
    def load(rows, *, name="shop.jsonl", domain=None):
        path = tmp_path / name
        text = rows if isinstance(rows, str) else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text(text, encoding="utf-8")
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        return Result(import_catalog(path, domain or shop(), folder), folder)

    return load


def lamp(n=1, **more):
    return {"id": n, "title": f"Lamp {n}", **more}


def test_every_row_is_kept_merged_or_set_aside(load):
    found = load([lamp(1), lamp(1), lamp(1, year=1990), {"id": 2}, {"title": "x"}, lamp(3, year="Dan Brown")])
    assert (found.report.rows, found.report.kept, found.report.merged, found.report.rejected) == (6, 1, 1, 4)
    assert [(row["line"], row["rule"], row["field"]) for row in found.rejected] == [
        (3, "duplicate_id", "id"), (4, "no_title", "title"), (5, "no_id", "id"), (6, "wrong_column", "year"),
    ]  # fmt: skip
    assert found.rejected[3]["row"] == lamp(3, year="Dan Brown")
    assert "line 1" in found.rejected[0]["reason"]


def test_rows_that_the_table_cannot_read_are_set_aside_with_their_lines(load):
    found = load("id,title\n1,Lamp\n2,Oil, wick and ring\n3,Ring\n", name="shop.csv")
    assert [(row["line"], row["rule"]) for row in found.rejected] == [(3, "wrong_field_count")]
    assert [item.id for item in found.items] == ["1", "3"]


def test_one_thing_under_two_ids_is_one_item_with_an_alias(load):
    rows = [lamp(1, title="Lámp", year=1990, kinds=["oil"]), lamp(2, title="LAMP", year=1990, kinds=["oil", "brass"])]
    found = load(rows)
    assert [item.id for item in found.items] == ["1"]
    assert found.aliases == {"2": "1"}
    assert found.report.rules["same_item"] == 1


def test_a_merged_row_gives_what_the_first_lacks(load):
    found = load([lamp(1, title="L", year=1990), lamp(2, title="L", year=1990, kinds=["oil"], text=TEXT), lamp(3)])
    assert found.items[0].facets == {"year": 1990, "kinds": ("oil",)}
    assert found.items[0].text("en") == TEXT
    assert [item.id for item in found.items] == ["1", "3"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"year": 1990}, {"year": 1991}),
        ({"year": 1990, "kinds": ["oil"]}, {"year": 1990, "kinds": ["gas"]}),
        ({"year": 1990, "text": TEXT}, {"year": 1990, "text": "A chair for two, of beech, that folds flat under any bed."}),
        ({}, {}),  # the same title alone says too little
        ({"weight": 5}, {"weight": 5}),
    ],
)
def test_what_may_be_two_things_stays_two(load, first, second):
    assert len(load([lamp(1, title="L", **first), lamp(2, title="L", **second)]).items) == 2


def test_merging_can_be_switched_off(load, shop):
    rows = [lamp(1, title="L", year=1990), lamp(2, title="L", year=1990)]
    assert len(load(rows).items) == 1
    assert len(load(rows, domain=shop(cleaning={"off": ["same_item"]})).items) == 2


def test_a_text_under_three_titles_describes_none_of_them(load, shop):
    rows = [lamp(n, text=TEXT) for n in (1, 2, 3)] + [lamp(4, text=TEXT + " Blue."), lamp(5, text="A novel.")]
    found = load(rows)
    assert [item.text("en") for item in found.items] == ["", "", "", TEXT + " Blue.", "A novel."]
    assert (found.report.rules["same_text"], found.report.rules["empty_text"]) == (3, 3)
    assert [item.text("en") for item in load(rows[:2]).items] == [TEXT, TEXT]
    assert all(item.texts for item in load(rows, domain=shop(cleaning={"off": ["same_text"]})).items)


def test_items_are_read_back_as_they_were(load):
    found = load([lamp(1, year=1990, kinds=["oil", "灯"], text="&amp;amp; 亮", weight=1.5), lamp(2)])
    item = found.items[0]
    assert (item.facets, item.text("en")) == ({"year": 1990, "kinds": ("oil", "灯"), "weight": 1.5}, "& 亮")
    assert found.items[0].hash != found.items[1].hash


def test_when_nothing_can_be_kept_the_first_row_says_why(load, tmp_path):
    with pytest.raises(CatalogError) as caught:
        load([{"id": 1, "title": ""}, {"id": 2, "title": None}])
    assert (caught.value.line, caught.value.field) == (1, "title")
    assert "No row could be kept" in str(caught.value)
    assert not (tmp_path / "out" / ITEMS).exists()


def test_a_mapping_for_another_table_says_which_columns_there_are(load):
    with pytest.raises(CatalogError, match=r"shop\.csv, line 1, field 'id'.*name, colour.*inspect"):
        load("name,colour\nLamp,red\n", name="shop.csv")


def test_progress_ends_at_one(tmp_path, shop):
    path = tmp_path / "shop.jsonl"
    path.write_text("".join(json.dumps(lamp(n)) + "\n" for n in range(5000)), encoding="utf-8")
    told: list[float] = []
    import_catalog(path, shop(), tmp_path, told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert 0 < told[0] <= 1


CELL = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.sampled_from(["name", "x"]), st.text(max_size=5), max_size=2),
    st.sampled_from(["NaN", "1990", "&amp;amp;", "Ã©", "a|b", "[1]", "['a']", "(1990)", "\x00", "“", "\ufffd\ufffd"]),
)  # fmt: skip
ROW = st.dictionaries(st.sampled_from(["id", "title", "text", "year", "kinds", "weight", "other"]), CELL, max_size=7)


@settings(max_examples=300)
@given(rows=st.lists(ROW, max_size=12), kind=st.sampled_from(["jsonl", "json", "csv"]))
def test_any_table_imports_with_an_account_or_fails_by_name(rows, kind, tmp_path_factory):
    """Whatever a table holds: the account adds up, or the error names file, line and field; nothing is left half."""
    import csv

    folder = tmp_path_factory.mktemp("any")
    path = folder / f"shop.{kind}"
    if kind == "csv":
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "title", "text", "year", "kinds", "weight"])
            writer.writerows([row.get(key) for key in ("id", "title", "text", "year", "kinds", "weight")] for row in rows)
    elif kind == "json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = {
        "name": "shop", "base": "general", "mapping": {"id": "id", "title": "title", "text": "text", "title_forms": ["year"]},
        "facets": {
            "year": {"type": "year", "column": "year"}, "kinds": {"type": "list", "column": "kinds"},
            "weight": {"type": "number", "column": "weight"},
        },
    }  # fmt: skip
    error = None
    try:
        report = import_catalog(path, make_domain(data, folder / "shop.toml"), folder)
    except CatalogError as caught:
        error = caught
    if error:
        assert error.path == path
        assert error.line is not None or not rows or any(word in str(error) for word in ("column", "empty", "no items"))
        assert not (folder / ITEMS).exists()
        return
    result = Result(report, folder)
    assert report.rows >= len(result.items) > 0
    assert len({item.id for item in result.items}) == len(result.items)
