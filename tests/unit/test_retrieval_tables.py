"""The reader of tables: every format, what it detects, and that a broken row or file is told and never an exception."""

from __future__ import annotations

import csv
import datetime
import decimal
import gc
import gzip
import io
import json
import math
import os
import random
import re
import sqlite3
import sys
import tempfile
import tracemalloc
from collections import Counter
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retrieval.errors import CatalogError
from retrieval.tables import bytes as tables_bytes
from retrieval.tables.reader import BadRow, Source, open_table

ROWS = [
    {"id": "1", "name": "Ångström", "note": "says “no”"},
    {"id": "2", "name": "卧虎藏龙", "note": 'a, b; c|d "e"'},
    {"id": "3", "name": "", "note": "two\nlines"},
]


@pytest.fixture
def save(tmp_path):
    def save(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return save


@pytest.fixture
def table(save):
    def table(content, name="t.csv", **source):
        return open_table(save(name, content), Source(**source))

    return table


def rows_of(table):
    """The rows without their numbers; a broken one is its rule."""
    return [row.rule if isinstance(row, BadRow) else row for _, row in table]


def numbers_of(table):
    return [number for number, _ in table]


# -- every format, plain and packed ------------------------------------------------------------------------------------


def as_csv(rows, **options):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), **options)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_json(rows):
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


def as_parquet(rows):
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out, row_group_size=2)
    return out.getvalue()


def as_sqlite(rows, tables=("things",)):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        connection = sqlite3.connect(path)
        for name in tables:
            quoted = name.replace('"', '""')
            connection.execute(f'CREATE TABLE "{quoted}" ({", ".join(rows[0])})')
            marks = ", ".join(f":{column}" for column in rows[0])
            connection.executemany(f'INSERT INTO "{quoted}" VALUES ({marks})', rows)
        connection.execute("PRAGMA user_version = 1")  # so that the file is written, also without tables
        connection.commit()
        connection.close()
        return path.read_bytes()


WRITERS = {
    "t.csv": as_csv,
    "t.tsv": lambda rows: as_csv(rows, delimiter="\t"),
    "t.txt": lambda rows: as_csv(rows, delimiter=";"),
    "t.jsonl": as_jsonl,
    "t.ndjson": as_jsonl,
    "t.json": as_json,
    "t.parquet": as_parquet,
    "t.db": as_sqlite,
    "t.sqlite": as_sqlite,
    "t.sqlite3": as_sqlite,
    "no_suffix": as_json,
    "lines.data": as_jsonl,
    "parquet.dat": as_parquet,
    "sqlite.item": as_sqlite,
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(table, name, packed):
    content = WRITERS[name](ROWS)
    found = table(gzip.compress(content), f"{name}.gz") if packed else table(content, name)
    assert [row for _, row in found] == ROWS
    assert found.columns == ("id", "name", "note")
    assert found.fraction == 1.0
    assert [row for _, row in found] == ROWS, "a table can be read again"
    assert found.unit == ("line" if found.source.format in ("csv", "jsonl") else "row")


def test_gzip_is_told_by_its_content(table):
    assert rows_of(table(gzip.compress(as_csv(ROWS)), "t.csv")) == ROWS
    assert rows_of(table(gzip.compress(as_sqlite(ROWS)), "t.db")) == ROWS


@pytest.mark.parametrize("name", ["t.csv", "t.dat"])
def test_content_that_cannot_be_mistaken_wins_over_the_name(table, name):
    assert rows_of(table(as_parquet(ROWS), name)) == ROWS
    assert rows_of(table(as_sqlite(ROWS), name)) == ROWS


@pytest.mark.parametrize("write", [as_sqlite, as_parquet])
def test_what_is_unpacked_is_removed(table, monkeypatch, tmp_path_factory, write):
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    found = table(gzip.compress(write(ROWS)), "t.gz")
    assert rows_of(found) == ROWS
    assert len(os.listdir(folder)) == 1
    del found
    gc.collect()
    assert os.listdir(folder) == []
    with pytest.raises(CatalogError, match="cut off or damaged"):
        table(gzip.compress(write(ROWS) + random.Random(0).randbytes(2_000_000))[:-9], "cut.gz")
    assert os.listdir(folder) == []


# -- encodings ---------------------------------------------------------------------------------------------------------

FRENCH = ["Les Misérables", "À bout de souffle", "La règle du jeu", "C'est arrivé près de chez vous", "plain", "L'été – “fini”"]
SIMPLIFIED = [
    "卧虎藏龙是李安导演的电影",
    "悲情城市",
    "让子弹飞，姜文自导自演",
    "活着",
    "plain ASCII",
    "霸王别姬（1993）",
    "大话西游",
]
TRADITIONAL = ["臥虎藏龍是李安導演的電影", "悲情城市", "一一：楊德昌的作品", "牯嶺街少年殺人事件", "plain", "海角七號與賽德克"]
JAPANESE = [
    "七人の侍",
    "東京物語は小津安二郎の映画",
    "となりのトトロ",
    "plain",
    "ものすごくうるさくて、ありえないほど近い",
    "千と千尋の神隠し",
]
RUSSIAN = ["Иваново детство", "Броненосец Потёмкин", "Летят журавли", "Солярис", "plain"]


@pytest.mark.parametrize(
    ("encoding", "texts", "found"),
    [
        ("utf-8", SIMPLIFIED, "utf-8"),
        ("utf-8-sig", SIMPLIFIED, "utf-8"),
        ("utf-16", SIMPLIFIED, "utf-16"),
        ("utf-32", SIMPLIFIED, "utf-32"),
        ("ascii", ["plain", "text"], "utf-8"),
        ("latin-1", FRENCH[:-1], "cp1252"),
        ("cp1252", FRENCH, "cp1252"),
        ("gbk", SIMPLIFIED, "gb18030"),
        ("gb18030", [*SIMPLIFIED, "𠮷野家"], "gb18030"),
        ("big5", TRADITIONAL, "big5hkscs"),
        ("shift_jis", JAPANESE, "cp932"),
        ("cp1251", RUSSIAN, "cp1251"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.json", "t.jsonl"])
def test_the_encoding_is_told(table, encoding, texts, found, name):
    rows = [{"id": str(i), "title": text, "link": f"https://example.org/{i}"} for i, text in enumerate(texts)]
    if "csv" in name:
        text = as_csv(rows).decode()
    else:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        text = "[" + text.replace("}\n{", "},\n{") + "]" if name == "t.json" else text
    content = text.encode(encoding)
    read = table(gzip.compress(content) if name.endswith(".gz") else content, name)
    assert rows_of(read) == rows
    assert read.source.encoding == found


@pytest.mark.parametrize(
    ("encoding", "line"), [("cp1252", "9,Amélie,é"), ("gb18030", "9,天使爱美丽,女"), ("utf-8", "9,天使,é")]
)
def test_the_encoding_is_told_by_few_lines_late_in_a_long_file(table, encoding, line):
    content = b"id,name,x\n" + b"1,an ordinary line,y\n" * 150_000 + line.encode(encoding) + b"\n" + b"2,b,c\n" * 1000
    rows = rows_of(table(content))
    assert list(rows[150_000].values()) == line.split(",")


def test_a_few_broken_bytes_do_not_make_a_file_another_encoding(table):
    good = "".join(f"{i},宫崎骏的作品第{i}部,é\n" for i in range(300))
    content = b"id,name,x\n" + good.encode() + b"300,\xff\xfe\xe5,x\n" + b"301,caf\xe9,y\n302,\xe4\xbd\xa0,z\n"
    found = table(content)
    assert found.source.encoding == "utf-8"
    *_, first, second, third = found
    assert (first[0], first[1].rule, first[1].raw) == (302, "undecodable", "300,\ufffd\ufffd\ufffd,x")
    assert (second[0], second[1].rule) == (303, "undecodable")
    assert third == (304, {"id": "302", "name": "你", "x": "z"})
    assert Counter(map(str, rows_of(found)))["undecodable"] == 2


def test_a_few_broken_bytes_do_not_hide_a_chinese_encoding(table):
    good = "".join(f"{i},宫崎骏的作品第{i}部\n" for i in range(300))
    found = table(b"id,name\n" + good.encode("gbk") + b"300,\xff\xff\n")
    assert found.source.encoding == "gb18030"
    assert Counter(map(str, rows_of(found)))["undecodable"] == 1


@pytest.mark.parametrize("name", ["t.json", "t.jsonl"])
def test_broken_bytes_in_json_cost_their_row(table, name):
    good = [json.dumps({"name": f"第{i}部"}, ensure_ascii=False).encode() for i in range(100)]
    objects = [*good, b'{"name": "caf\xe9"}', b'{"name": "x"}']
    found = table(b"[" + b",\n".join(objects) + b"]" if name == "t.json" else b"\n".join(objects), name)
    assert rows_of(found)[-2:] == ["undecodable", {"name": "x"}]
    assert list(found)[100][1].raw == '{"name": "caf\ufffd"}'


def test_an_encoding_can_be_given(table):
    assert rows_of(table("id,name\n1,été\n".encode("cp850"), encoding="cp850")) == [{"id": "1", "name": "été"}]
    with pytest.raises(CatalogError, match="'klingon' is no encoding"):
        table("a,b\n1,2\n", encoding="klingon")
    for name in ("hex", "undefined", "idna", "rot13", ""):
        with pytest.raises(CatalogError):
            list(table("a,b\n1,2\n", encoding=name or "x"))


def test_a_survey_is_made_once(save, monkeypatch):
    path = save("t.csv", "a,b\n1,2\n")
    tables_bytes._survey.cache_clear()
    for _ in range(3):
        open_table(path)
    assert tables_bytes._survey.cache_info().misses == 1


# -- delimiters, quotes, header ----------------------------------------------------------------------------------------

PEOPLE = [["7", "Ann Lee", "Paris, France", "4,5"], ["8", "Bo", "Rome, Italy", "3,0"], ["12", "Cy", "Oslo, Norway", "1,5"]]


@pytest.mark.parametrize("name", ["t.txt", "t.dat", "u.user"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("delimiter", ["\t", ";", "|", "::"])
def test_the_delimiter_is_told(table, delimiter, header, name):
    names = ["id", "name", "place", "score"]
    records = [names, *PEOPLE] if header else PEOPLE
    found = table("".join(delimiter.join(record) + "\n" for record in records), name)
    assert found.source.delimiter == delimiter
    assert found.source.header is header
    assert found.columns == (tuple(names) if header else ("c1", "c2", "c3", "c4"))
    assert [list(row.values()) for row in rows_of(found)] == PEOPLE
    assert numbers_of(found) == ([2, 3, 4] if header else [1, 2, 3])


def test_commas_with_other_delimiters_in_the_cells(table):
    found = table("id,title,genres\n1,One,A|B\n2,Two,C|D\n3,Three,E|F\n", "t.txt")
    assert found.source.delimiter == ","
    found = table("1,One,A|B\n2,Two,C|D\n3,Three,E|F\n", "t.txt")
    assert (found.source.delimiter, found.source.header) == (",", False)


def test_a_table_of_one_column(table):
    assert rows_of(table("name\nAnn\nBo, the other\nCy\n", "t.txt")) == [{"name": n} for n in ("Ann", "Bo, the other", "Cy")]
    assert rows_of(table('name\n"Ann, the first"\n""\nCy\n')) == [{"name": n} for n in ("Ann, the first", "", "Cy")]
    assert rows_of(table("name\nAnn\n\n  \nCy\n")) == [{"name": "Ann"}, {"name": "Cy"}]
    found = table("a,b\nc,d\n", delimiter="", header=False)
    assert rows_of(found) == [{"c1": "a,b"}, {"c1": "c,d"}]


def test_a_quote_in_a_text_is_no_quote(table):
    content = 'id\ttitle\n1\t5" disk\n2\t"Weird Al" Yankovic\n3\t"Heroes"\n4\tand 3" more\n'
    for name in ("t.tsv", "t.dat"):
        found = table(content, name)
        assert found.source.quote == ""
        assert [row["title"] for row in rows_of(found)] == ['5" disk', '"Weird Al" Yankovic', '"Heroes"', 'and 3" more']
    assert rows_of(table('id,title\n1,5" disk\n2,7" single\n'))[0]["title"] == '5" disk'


@pytest.mark.parametrize(
    "content",
    [
        'id\ttitle\n1\t"He said ""no"""\n2\tx\n',
        '"id"\t"title"\n"1"\t"He said ""no"""\n"2"\t"x"\n',
        'id|title\n1|"He said ""no"""\n2|x\n',
        'id\ttitle\n1\t"He said ""no"""\n2\t"a\tb"\n',
    ],
)
def test_quotes_are_used_where_they_are_needed(table, content):
    found = table(content, "t.txt")
    assert found.source.quote == '"'
    assert rows_of(found)[0] == {"id": "1", "title": 'He said "no"'}


def test_quotes_escaped_by_a_backslash(table):
    found = table('id,title\n1,"he said \\"a, b\\" twice"\n2,"c, d"\n3,e\n')
    assert [row["title"] for row in rows_of(found)] == ['he said "a, b" twice', "c, d", "e"]
    assert rows_of(table('id,path\n1,"C:\\new, old"\n2,D:\\x\n'))[0]["path"] == "C:\\new, old"


def test_blanks_after_the_delimiter(table):
    assert rows_of(table('id, title, x\n1, "a, b", 2\n2, "c", 3\n'))[0] == {"id": "1", "title": "a, b", "x": "2"}


def test_quotes_can_be_given(table):
    assert rows_of(table("a,b\n'1,2',3\n", quote="'")) == [{"a": "1,2", "b": "3"}]
    assert rows_of(table('a::b\n"1::2"::3\n', "t.dat", delimiter="::", quote='"')) == [{"a": "1::2", "b": "3"}]
    assert rows_of(table('a,b\n"1,2\n', quote="", delimiter=",")) == [{"a": '"1', "b": "2"}]
    assert rows_of(table("a b\n\\1 2\n", delimiter=" ", quote="'")) == [{"a": "\\1", "b": "2"}]


@pytest.mark.parametrize(
    "source",
    [
        {"quote": "''"},
        {"quote": ",", "delimiter": ","},
        {"delimiter": "a\n"},
        {"quote": "\n"},
        {"format": "xml"},
        {"colums": ["a"]},
    ],
)
def test_a_source_that_makes_no_sense(source):
    with pytest.raises(ValidationError):
        Source(**source)


def test_names_are_unique_and_never_empty(table):
    assert table("id,title,,title, id ,\n1,2,3,4,5,6\n").columns == ("id", "title", "c3", "title_2", "id_2", "c6")
    assert table("\ufeffid,\ufefftitle\n1,2\n").columns == ("id", "title")
    assert table(",a,b\n0,x,y\n1,z,w\n").columns == ("c1", "a", "b")


def test_names_can_be_given(table):
    found = table("1,x,5\n2,y,6\n", columns=("id", "name"))
    assert found.columns == ("id", "name", "c3")
    assert rows_of(found)[1] == {"id": "2", "name": "y", "c3": "6"}
    found = table("nr,what\n1,x\n", columns=("id", "name", "more"))
    assert rows_of(found) == [{"id": "1", "name": "x"}]
    assert found.columns == ("id", "name", "more")
    assert table(as_parquet(ROWS), "t.parquet", columns=("key",)).columns == ("key", "name", "note")
    assert table(as_sqlite(ROWS), "t.db", columns=("a", "b", "c", "d")).columns == ("a", "b", "c")


@pytest.mark.parametrize(
    ("content", "header"),
    [
        ("user,item,rating\n1,2,3\n4,5,3\n", True),
        ("1,2,3\n4,5,3\n", False),
        ("ann,x,3\nann,y,4\nbo,x,5\n", False),
        ("name,city\nAnn,Rome\nBo,Oslo\n", True),
        ("male,rome\nfemale,oslo\nmale,oslo\n", False),
        ("A2M1CU2IRZG0K9,0005089549,5.0,1352419200\nAFTUJYISOFHY6,0005089549,4.0,1203119200\n", False),
        ("id,year,1999\n1,2000,3\n", True),
        ("name|score\n", True),
        ("unknown|0\nAction|1\n", False),
        ("x" * 200 + ",b\nc,d\n", False),
    ],
)
def test_the_header_is_told(table, content, header):
    assert table(content, "t.txt").source.header is header


def test_the_header_can_be_given(table):
    assert rows_of(table("1,2\n3,4\n", header=True)) == [{"1": "3", "2": "4"}]
    assert rows_of(table("a,b\n1,2\n", header=False)) == [{"c1": "a", "c2": "b"}, {"c1": "1", "c2": "2"}]


# -- rows that are broken ----------------------------------------------------------------------------------------------


def test_rows_with_more_or_fewer_cells(table):
    found = table("a,b,c,d\n1,2,3,4,,\n1,2,3,4,5,\n1,2,3\n1,2\n1\n\n,,,\n")
    assert list(found) == [
        (2, {"a": "1", "b": "2", "c": "3", "d": "4"}),
        (3, BadRow("wrong_field_count", "has 5 cells, and the table 4 columns", None, ["1", "2", "3", "4", "5", ""])),
        (4, {"a": "1", "b": "2", "c": "3"}),
        (5, {"a": "1", "b": "2"}),
        (6, BadRow("wrong_field_count", "has 1 cell, and the table 4 columns", None, ["1"])),
        (8, {"a": "", "b": "", "c": "", "d": ""}),
    ]


def test_blank_lines_and_the_sign_of_the_end_are_no_rows(table):
    found = table("\n\na,b\n\n1,2\n   \n3,4\n\x1a")
    assert list(found) == [(5, {"a": "1", "b": "2"}), (7, {"a": "3", "b": "4"})]
    assert rows_of(table('{"a": 1}\n\n \n{"a": 2}\n\x1a', "t.jsonl")) == [{"a": 1}, {"a": 2}]
    assert rows_of(table('[{"a": 1}]\n\x1a', "t.json")) == [{"a": 1}]


def test_line_numbers_are_those_where_records_begin(table):
    found = table('a,b\n"1\n\n1",x\n2,y\r\n"3\r\n3","z\n"\n4,w')
    assert list(found) == [
        (2, {"a": "1\n\n1", "b": "x"}),
        (5, {"a": "2", "b": "y"}),
        (6, {"a": "3\r\n3", "b": "z\n"}),
        (9, {"a": "4", "b": "w"}),
    ]


@pytest.mark.parametrize("batch", [10, 1 << 18])
def test_an_open_quote_costs_one_line(table, monkeypatch, batch):
    monkeypatch.setattr("retrieval.tables.records.BATCH", batch)
    lines = [f'{i},"text, {i}"' for i in range(5000)]
    lines[70] = '70,"never closed'
    lines[2000] = '2000,"closed" too early'
    found = list(table("id,text\n" + "\n".join(lines)))
    assert len(found) == 5000
    assert [(number, row.rule, row.raw) for number, row in found if isinstance(row, BadRow)] == [
        (72, "broken_quotes", lines[70]),
        (2002, "broken_quotes", lines[2000]),
    ]
    assert found[-1] == (5001, {"id": "4999", "text": "text, 4999"})


def test_an_open_quote_before_many_lines_without_quotes(table):
    content = "id,text\n1,x\n" + '2,"never closed\n' + "".join(f"{i},some text\n" for i in range(3, 50_000))
    found = list(table(content))
    assert len(found) == 49_999
    assert found[1][1].rule == "broken_quotes"
    assert found[-1] == (50_000, {"id": "49999", "text": "some text"})


def test_a_record_of_too_many_lines(table):
    content = 'id,text\n1,"' + "line\n" * 900 + '"\n2,"' + "line\n" * 1100 + '"\n3,x\n'
    found = list(table(content, delimiter=",", quote='"', header=True))
    assert found[0] == (2, {"id": "1", "text": "line\n" * 900})
    assert (found[1][0], found[1][1].rule) == (903, "broken_quotes")
    assert found[-1][1] == {"id": "3", "text": "x"}


def test_a_cell_of_megabytes(table):
    long = "x, " * 1_300_000
    found = list(table(f'id,text\n1,"{long}"\n2,"{long}{long}"\n3,y\n'))
    assert found[0] == (2, {"id": "1", "text": long})
    assert found[1][1].rule == "broken_quotes"
    assert len(found[1][1].raw) == 2000
    assert found[2] == (4, {"id": "3", "text": "y"})


def test_nul_and_lone_carriage_returns(table):
    assert rows_of(table("a,b\n1,x\0y\n2,z\n"))[1] == {"a": "2", "b": "z"}
    assert rows_of(table("a,b\n1,x\ry\n2,z\n")) == [{"a": "1", "b": "x y"}, {"a": "2", "b": "z"}]
    assert rows_of(table('a,b\n1,"x\ry"\n')) == [{"a": "1", "b": "x\ry"}]
    assert rows_of(table("a,b\r1,2\r3,4\r")) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert rows_of(table('{"a": 1}\r{"a": 2}\r', "t.jsonl")) == [{"a": 1}, {"a": 2}]
    assert rows_of(table("a,b\r\r\n1,2\r\r\n")) == [{"a": "1", "b": "2"}]


def test_a_line_that_would_fill_the_memory(table, monkeypatch):
    monkeypatch.setattr("retrieval.tables.bytes._LONGEST_LINE", 2 << 20)
    with pytest.raises(CatalogError, match="a line of more than 2 MB"):
        table(b"a,b\n" + b"x" * (5 << 20) + b"\n")


# -- JSON --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.jsonl", "t.json", "t.dat"])
def test_json_lines_that_are_broken(table, name):
    lines = [
        '{"a": 1}',
        '{"a": 2}',
        '{"a": ',
        "[3]",
        '"x"',
        '{"a": "\\ud800"}',
        '{"a": "\\ud83d\\ude00"}',
        "",
        '{"a": 4}',
        '{"b": {}}',
    ]
    found = list(table("\n".join(lines), name))
    assert [(number, row.rule if isinstance(row, BadRow) else row) for number, row in found] == [
        (1, {"a": 1}),
        (2, {"a": 2}),
        (3, "invalid_json"),
        (4, "not_an_object"),
        (5, "not_an_object"),
        (6, "undecodable"),
        (7, {"a": "😀"}),
        (9, {"a": 4}),
        (10, {"b": {}}),
    ]
    assert found[2][1].reason == "not valid JSON (Expecting value, column 6)"
    assert found[3][1].reason == "holds a list and no object"


@pytest.mark.parametrize("name", ["t.jsonl", "t.json"])
def test_numbers_of_json(table, name):
    text = '{"a": 123456789012345678901234567890, "b": 18446744073709551616, "c": 1.5, "d": 7, "e": -3, "f": NaN, "g": 1e400}'
    content = f"{text}\n{text}\n" if name == "t.jsonl" else f"[{text},\n{text}]"
    for row in rows_of(table(content, name)):
        assert row["a"] == 123456789012345678901234567890
        assert row["b"] == 18446744073709551616
        assert [type(row[key]) for key in "abcdefg"] == [int, int, float, int, int, float, float]
        assert math.isnan(row["f"])
        assert row["g"] == math.inf
    huge = '{"a": ' + "9" * 5000 + "}"
    assert rows_of(table(f'{{"a": 1}}\n{huge}\n{{"a": 2}}\n', "t.jsonl"))[1] == "invalid_json"
    with pytest.raises(CatalogError, match="after row 1"):
        table(f'[{{"a": 1}}, {huge}]', "t.json")


def test_json_nested_too_deep(table):
    deep = "[" * 100_000
    assert rows_of(table('{"a": 1}\n{"a": 1}\n{"a": ' + deep + "\n", "t.jsonl"))[2] == "invalid_json"
    for content in (deep, f'[{{"a": {deep}', '{"a": ' * 100_000, f'{{"a": {deep}'):
        with pytest.raises(CatalogError):
            list(table(content, "t.json"))


@pytest.mark.parametrize(
    ("content", "rows", "at"),
    [
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}], ""),
        ("[]", [], ""),
        ('{"total": 2, "results": [{"a": 1}, {"a": 2}], "next": null}', [{"a": 1}, {"a": 2}], "results"),
        ('{"meta": {"page": 1}, "links": {"next": ""}, "data": [{"a": 1}]}', [{"a": 1}], "data"),
        ('{"meta": {"tags": [{"t": 1}]}, "data": [{"a": 1}]}', [{"a": 1}], "data"),
        ('{"response": {"n": 1, "docs": [{"a": 1}]}}', [{"a": 1}], "response.docs"),
        ('{"ids": [1, 2], "names": [], "rows": [{"a": 1}]}', [{"a": 1}], "rows"),
        ('{"x": {"a": 1, "b": 2}, "y": {"a": 2, "b": 3}}', [{"id": "x", "a": 1, "b": 2}, {"id": "y", "a": 2, "b": 3}], ""),
        ('{"x": {"a": 1}, "y": {"id": 7, "a": 3}}', [{"id": "x", "a": 1}, {"key": "y", "id": 7, "a": 3}], ""),
        ('{"x": {"l": [{"b": 1}]}, "y": {"l": [{"b": 2}]}}', [{"id": "x", "l": [{"b": 1}]}, {"id": "y", "l": [{"b": 2}]}], ""),
        ('{"data": {"x": {"a": 1}, "y": {"a": 2}}}', [{"id": "x", "a": 1}, {"id": "y", "a": 2}], "data"),
        (
            '{"title": "one thing", "tags": ["a"], "scores": {"x": 1}}',
            [{"title": "one thing", "tags": ["a"], "scores": {"x": 1}}],
            None,
        ),
        ('[{"a": 1}, 2, "x", null, true, [3]]', [{"a": 1}, *["not_an_object"] * 5], ""),
        (json.dumps({str(i): i for i in range(100)}), ["not_an_object"] * 100, ""),
        ("{}", [], ""),
    ],
)
def test_where_the_rows_of_a_document_are(table, content, rows, at):
    for text in (content, json.dumps(json.loads(content), indent=2)):
        found = table(text, "t.json")
        assert rows_of(found) == rows
        assert found.source.rows == at
        assert numbers_of(found) == list(range(1, len(rows) + 1))


def test_where_the_rows_are_can_be_said(table):
    content = '{"a.b": {"c": [{"x": 1}]}, "d": [{"y": 1}], "e": {"k": {"z": 2}}, "f": 3}'
    assert rows_of(table(content, "t.json", rows="a.b.c")) == [{"x": 1}]
    assert rows_of(table(content, "t.json", rows="e")) == [{"id": "k", "z": 2}]
    assert rows_of(table(content, "t.dat", rows="d")) == [{"y": 1}]
    for rows in ("nowhere", "d.y", "a.b.c.x"):
        with pytest.raises(CatalogError, match=f"there is no '{rows}'"):
            table(content, "t.json", rows=rows)
    with pytest.raises(CatalogError, match="rows are in a list or an object"):
        table(content, "t.json", rows="f")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[{"a": 1}, {"a": 2}, {"a": ', "after row 2: the document breaks off"),
        ('[{"a": 1}, {"a": 2}, {"a": "', "after row 2: the document breaks off"),
        ('[{"a": 1}, {"a": 2}', "after row 2: the document breaks off"),
        ('[{"a": 1} {"a": 2}]', "after row 1: here stands '{'"),
        ('[{"a": 1}, {a: 2}, {"a": 3, "b": "a long text"}]', "after row 1: Expecting property name"),
        ('[{"a": 1}] x', "after row 1: 'x' follows its end"),
        ('{"rows": [{"a": 1}, {"a": 2}], "mo', "after row 2: the document breaks off"),
        ('{"deep": {"rows": [{"a": 1}, {"a": 2}, {"', "after row 2: the document breaks off"),
        ('{"x": {"a": 1}, "y": {"a": 2}, "z": {', "after row 2: the document breaks off"),
        ("hello", "here stands 'h'"),
        ('{"a": 1', "breaks off"),
        ("{'a': 1}", "a key is no text"),
    ],
)
def test_a_broken_document(table, content, problem):
    with pytest.raises(CatalogError, match=re.escape(problem)):
        list(table(content, "t.json"))


def test_a_long_document_is_read_in_pieces(table, monkeypatch):
    rows = [{"n": i, "text": "é" * (i % 50), "big": 10**i} for i in range(300)]
    for size in (1, 7, 1 << 18):
        monkeypatch.setattr("retrieval.tables.document._BATCH", size)
        assert rows_of(table(json.dumps({"more": {"rows": rows}}), "t.json")) == rows


def test_a_json_row_that_would_fill_the_memory(table, monkeypatch):
    monkeypatch.setattr("retrieval.tables.document._LARGEST", 1 << 19)
    with pytest.raises(CatalogError, match="after row 1: a row has more than"):
        list(table('[{"a": 1}, {"a": "' + "x" * (3 << 20) + '"}]', "t.json"))


def test_a_document_named_as_lines_and_the_other_way_round(table):
    assert rows_of(table('[\n{"a": 1},\n{"a": 2}\n]', "t.jsonl")) == [{"a": 1}, {"a": 2}]
    assert rows_of(table('{\n"x": [\n{"a": 1}\n]\n}', "t.jsonl")) == [{"a": 1}]
    assert rows_of(table('{"a": {"b": 1}}\n', "t.jsonl")) == [{"a": {"b": 1}}]
    assert rows_of(table('{"a": \n', "t.jsonl")) == ["invalid_json"]
    assert rows_of(table('[\n{"a": 1}\n]', "t.jsonl", format="jsonl")) == ["invalid_json", {"a": 1}, "invalid_json"]


def test_text_that_only_begins_like_json_is_text(table):
    assert table("[1] a note\n[2] another\n", "t.txt").source.format == "csv"
    assert table("{'a': 1}\n", "t.txt").source.format == "csv"
    assert table("[" * 100_000, "t.txt").source.format == "csv"
    assert table('[{"a": "' + "x" * (2 << 20) + '"}]', "t.txt").source.format == "json"


def test_columns_are_the_keys_of_the_first_rows(table):
    found = table(as_jsonl([{"b": 1}, {"a": 2, "b": 3}, *[{"a": 1}] * 5000, {"late": 1}]), "t.jsonl")
    assert found.columns == ("b", "a")


# -- explode -----------------------------------------------------------------------------------------------------------

USERS = [
    {
        "user": "u",
        "seen": [{"item": {"id": 1, "name": "x"}, "stars": 5}, {"item": {"id": 2, "name": "y"}}],
        "next": {"stars": 3},
    },
    {"user": "v", "seen": [], "next": None},
    {"user": "w", "seen": ["plain", {"user": "inner"}]},
]


@pytest.mark.parametrize(("name", "write"), [("t.jsonl", as_jsonl), ("t.json", as_json)])
def test_elements_become_rows(table, name, write):
    found = table(write(USERS), name, explode=("seen", "next", "item"))
    assert list(found) == [
        (1, {"user": "u", "stars": 5, "id": 1, "name": "x"}),
        (1, {"user": "u", "id": 2, "name": "y"}),
        (1, {"user": "u", "stars": 3}),
        (3, {"user": "w", "seen": "plain"}),
        (3, {"user": "inner"}),
    ]
    assert set(found.columns) == {"user", "stars", "id", "name", "seen"}


def test_objects_by_key_become_rows(table):
    row = {"user": "u", "votes": {"i1": {"stars": 1}, "i2": {"stars": 2, "id": "own"}}}
    found = table(as_jsonl([row]), "t.jsonl", explode=("votes",))
    assert rows_of(found) == [{"user": "u", "id": "i1", "stars": 1}, {"user": "u", "key": "i2", "stars": 2, "id": "own"}]


def test_elements_of_parquet_become_rows(table):
    rows = [{"user": "u", "seen": [{"item": 1}, {"item": 2}]}, {"user": "v", "seen": []}]
    found = table(as_parquet(rows), "t.parquet", explode=("seen",))
    assert list(found) == [(1, {"user": "u", "item": 1}), (1, {"user": "u", "item": 2})]
    assert table(as_jsonl([{"a": 1}]), "t.jsonl", explode=("absent",)).columns == ("a",)


def test_broken_rows_stay_broken_when_elements_become_rows(table):
    assert rows_of(table('{"l": [1]}\n{"l": [2]}\n{"l"\n', "t.jsonl", explode=("l",))) == [{"l": 1}, {"l": 2}, "invalid_json"]


# -- SQLite ------------------------------------------------------------------------------------------------------------


def test_the_table_of_several_is_chosen(table):
    content = as_sqlite(ROWS, ("one", 'odd "name', "three"))
    with pytest.raises(CatalogError, match='several tables: one, odd "name, three'):
        table(content, "t.db")
    with pytest.raises(CatalogError, match=r"no table 'four'\. There are: one"):
        table(content, "t.db", table="four")
    assert rows_of(table(content, "t.db", table='odd "name')) == ROWS
    assert rows_of(table(content, "t.db", table="THREE")) == ROWS
    assert table(as_sqlite(ROWS), "t.db").source.table == "things"


def test_views_and_queries(table, tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(as_sqlite(ROWS))
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIEW short AS SELECT id, name FROM things WHERE id < '3'")
    connection.commit()
    connection.close()
    assert rows_of(open_table(path, Source(table="short"))) == [{"id": r["id"], "name": r["name"]} for r in ROWS[:2]]
    found = open_table(path, Source(query="SELECT id, id, name AS Name FROM things ORDER BY id DESC; "))
    assert found.columns == ("id", "id_2", "Name")
    assert next(iter(found)) == (1, {"id": "3", "id_2": "3", "Name": ""})
    assert len(list(open_table(path, Source(query="PRAGMA table_info(things)")))) == 3


@pytest.mark.parametrize(
    "query",
    [
        "SELEC 1",
        "SELECT nothing FROM things",
        "DELETE FROM things",
        "BEGIN",
        "SELECT 1; SELECT 2",
        "ATTACH 'other.db' AS other",
        "SELECT \0",
        "",
        "-- nothing",
    ],
)
def test_a_query_that_cannot_be_run(save, query, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = save("t.db", as_sqlite(ROWS, ("one", "two")))
    before = path.read_bytes()
    with pytest.raises(CatalogError):
        list(open_table(path, Source(query=query)))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["t.db"]


def test_values_of_sqlite(tmp_path):
    path = tmp_path / "odd #1?.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a, b)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, 2.5), (None, "é".encode()), (b"\xff", "x")])
    connection.execute("INSERT INTO t VALUES ('text', CAST(x'ff41' AS TEXT))")
    connection.commit()
    connection.close()
    assert list(open_table(path)) == [
        (1, {"a": 1, "b": 2.5}),
        (2, {"a": None, "b": "é"}),
        (3, BadRow("undecodable", "holds bytes that are no text", "a", "\ufffd")),
        (4, BadRow("undecodable", "holds bytes that are no text", "b", "\ufffdA")),
    ]


def test_sqlite_files_that_are_none(table):
    with pytest.raises(CatalogError, match="no sqlite file"):
        table("hello", "t.db")
    with pytest.raises(CatalogError, match="no readable SQLite file"):
        table(b"SQLite format 3\0" + b"\1" * 5000, "t.db")
    with pytest.raises(CatalogError, match="holds no table"):
        table(as_sqlite(ROWS, ()), "t.db")
    content = bytearray(as_sqlite([{"a": "x" * 3000}] * 200))
    content[8192:-4096] = b"\xee" * (len(content) - 12288)
    with pytest.raises(CatalogError, match="no readable SQLite file"):
        list(table(bytes(content), "t.db"))


# -- Parquet -----------------------------------------------------------------------------------------------------------


def test_values_of_parquet(table):
    moment = datetime.datetime(2020, 1, 2, 3, 4, 5, 678000)
    data = {
        "day": pyarrow.array([moment.date()]),
        "moment": pyarrow.array([moment], pyarrow.timestamp("ms")),
        "nano": pyarrow.array([moment], pyarrow.timestamp("ns")),
        "zone": pyarrow.array([moment], pyarrow.timestamp("us", "UTC")),
        "time": pyarrow.array([moment.time()], pyarrow.time64("us")),
        "span": pyarrow.array([datetime.timedelta(minutes=2)]),
        "decimal": pyarrow.array([decimal.Decimal("12.50")]),
        "list": pyarrow.array([["a", None]]),
        "struct": pyarrow.array([{"x": 1, "day": moment.date()}]),
        "map": pyarrow.array([[("k", decimal.Decimal("1.5"))]], pyarrow.map_(pyarrow.string(), pyarrow.decimal128(3, 1))),
        "bytes": pyarrow.array(["é".encode()]),
        "coded": pyarrow.array(["x"]).dictionary_encode(),
        "flag": pyarrow.array([True]),
        "none": pyarrow.nulls(1),
        "late": pyarrow.array([2**62], pyarrow.timestamp("ms")),
    }
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(data), out)
    (row,) = rows_of(table(out.getvalue(), "t.parquet"))
    assert row.pop("late") == f"<value out of range: {2**62}>"
    assert row == {
        "day": "2020-01-02",
        "moment": "2020-01-02T03:04:05.678000",
        "nano": "2020-01-02T03:04:05.678000",
        "zone": "2020-01-02T03:04:05.678000+00:00",
        "time": "03:04:05.678000",
        "span": 120.0,
        "decimal": 12.5,
        "list": ["a", None],
        "struct": {"x": 1, "day": "2020-01-02"},
        "map": {"k": 1.5},
        "bytes": "é",
        "coded": "x",
        "flag": True,
        "none": None,
    }
    json.dumps(row)


def test_bytes_of_parquet_that_are_no_text(table):
    bad = pyarrow.array([b"ok", b"\xff"])
    data = {
        "text": pyarrow.Array.from_buffers(pyarrow.string(), 2, bad.buffers()),
        "bytes": pyarrow.array([b"\xff", b"ok"]),
        "list": pyarrow.array([[b"ok"], [b"ok"]]),
    }
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(data), out)
    found = list(table(out.getvalue(), "t.parquet"))
    assert [(row.rule, row.field) for _, row in found] == [("undecodable", "bytes"), ("undecodable", "text")]


def test_parquet_files_that_are_none(table, monkeypatch):
    with pytest.raises(CatalogError, match="no parquet file"):
        table("hello", "t.parquet")
    with pytest.raises(CatalogError, match="no readable Parquet file"):
        table(as_parquet(ROWS)[:-20], "t.parquet")
    monkeypatch.setattr("retrieval.tables.stores.importlib.import_module", lambda _: (_ for _ in ()).throw(ImportError()))
    with pytest.raises(CatalogError, match="pip install pyarrow"):
        table(as_parquet(ROWS), "t.parquet")


# -- files that cannot be read -----------------------------------------------------------------------------------------


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(CatalogError, match="there is no such file"):
        open_table(tmp_path / "nothing.csv")
    with pytest.raises(CatalogError, match="is a folder"):
        open_table(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CatalogError, match="no ordinary file"):
        open_table(tmp_path / "pipe")
    with pytest.raises(CatalogError):
        open_table(tmp_path / "nul\0")
    with pytest.raises(CatalogError):
        open_table(tmp_path / "file.csv" / "x")


def test_a_file_that_may_not_be_read(save, monkeypatch):
    path = save("t.csv", "a,b\n1,2\n")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("retrieval.tables.bytes.io.FileIO", refuse)
    with pytest.raises(CatalogError, match="may not be read by this user"):
        open_table(path)


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.jsonl", "t.db", "t.parquet", "t.csv.gz", "t"])
@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf\n", b"\x1a"])
def test_an_empty_file(table, name, content):
    content = gzip.compress(content) if name.endswith(".gz") else content
    with pytest.raises(CatalogError, match=r"is empty|is no (sqlite|parquet) file"):
        table(content, name)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.jsonl.gz", "t.json.gz", "t.db.gz", "t.parquet.gz"])
def test_a_damaged_gzip(table, name):
    content = gzip.compress(
        WRITERS[name[:-3]]([{**row, "noise": random.Random(i).random()} for i in range(3000) for row in ROWS])
    )
    middle = len(content) // 2
    damaged = (content[:-10], content[:middle], content[:middle] + b"\0\1\2\3" * 9 + content[middle:], content + b"garbage")
    for broken in damaged:
        with pytest.raises(CatalogError, match="cut off or damaged"):
            list(table(broken, name))


def test_a_file_that_is_damaged_while_it_is_read(save):
    content = gzip.compress(as_csv([{"a": str(random.Random(i).random()), "b": "x"} for i in range(100_000)]))
    path = save("t.csv.gz", content)
    found = open_table(path)
    path.write_bytes(content[:-1000])
    with pytest.raises(CatalogError, match="cut off or damaged"):
        list(found)
    path.unlink()
    with pytest.raises(CatalogError, match="no such file"):
        list(found)


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"])
def test_an_archive(table, magic):
    with pytest.raises(CatalogError, match="archive"):
        table(magic + b"abc")


# -- how far, how much memory ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.jsonl", "t.jsonl.gz", "t.json", "t.db", "t.parquet", "t.parquet.gz"])
def test_the_fraction_grows_to_one(table, name):
    rows = [{"id": str(i), "text": str(random.Random(i).random()) * 5} for i in range(60_000)]
    content = WRITERS[name.removesuffix(".gz")](rows)
    found = table(gzip.compress(content) if name.endswith(".gz") else content, name)
    assert found.fraction == 0.0
    for _ in range(2):
        seen = [found.fraction for _ in found]
        assert seen == sorted(seen)
        assert seen[0] < 0.7
        assert found.fraction == 1.0
    iterator = iter(found)
    next(iterator)
    assert found.fraction < 0.7
    iterator.close()
    assert found.fraction < 0.7


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.jsonl", "t.json", "t.db", "t.parquet"])
def test_memory_does_not_grow_with_the_file(table, name):
    rows = [{"id": str(i), "text": f"{i} " * 200} for i in range(40_000)]
    content = WRITERS[name.removesuffix(".gz")](rows)
    size = sum(len(row["text"]) for row in rows)
    del rows
    found = table(gzip.compress(content, 1) if name.endswith(".gz") else content, name)
    tracemalloc.start()
    assert sum(1 for _ in found) == 40_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 40_000_000
    assert peak < 12_000_000


# -- any rows come back as they were; any bytes are rows or a CatalogError ----------------------------------------------

ODD = [
    '"',
    '""',
    ",",
    "\n",
    "\r\n",
    "\r",
    "\\",
    '\\"',
    "\t",
    "|",
    "::",
    "\0",
    "\x1a",
    "\ufeff",
    "it's",
    " ",
    "…",
    "宫崎骏",
    "é",
    "😀",
]
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20) | st.sampled_from(ODD)
csv_texts = (
    texts if sys.version_info >= (3, 11) else texts.filter(lambda text: "\0" not in text)
)  # csv.writer refuses NUL there
names = ("id", "first", "second", "third")
text_rows = st.lists(st.fixed_dictionaries(dict.fromkeys(names, csv_texts)), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def folder():
    """A folder whose files have names that never come again, for a survey is remembered by name."""
    with tempfile.TemporaryDirectory() as name:
        numbers = iter(range(10**9))
        yield lambda suffix: Path(name) / f"{next(numbers)}{suffix}"


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@given(rows=text_rows)
@settings(max_examples=60)
@example(rows=[dict.fromkeys(names, "\r")])
@example(rows=[dict.fromkeys(names, '"\n')])
def test_csv_comes_back(folder, delimiter, rows):
    path = folder(".csv")
    path.write_bytes(as_csv(rows, delimiter=delimiter))
    found = open_table(path, Source(delimiter=delimiter, quote='"', header=True, encoding="utf-8"))
    assert [row for _, row in found] == rows
    path.unlink()


@given(rows=text_rows)
@settings(max_examples=60)
def test_csv_comes_back_when_its_dialect_is_told(folder, rows):
    path = folder(".csv")
    ordinary = [{"id": str(i), "first": f"a, {i}", "second": "b", "third": f"c {i}"} for i in range(30)]
    path.write_bytes(as_csv([*ordinary, *rows]))
    assert [row for _, row in open_table(path)] == [*ordinary, *rows]
    path.unlink()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("ascii_only", [True, False])
@given(rows=st.lists(st.dictionaries(texts, values, max_size=4), min_size=1, max_size=6))
@settings(max_examples=60)
def test_json_comes_back(folder, ascii_only, rows):
    document, lines = folder(".json"), folder(".jsonl")
    document.write_text(json.dumps(rows, ensure_ascii=ascii_only), encoding="utf-8")
    lines.write_text("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows), encoding="utf-8", newline="\n")
    assert [row for _, row in open_table(document)] == rows
    assert [row for _, row in open_table(lines, Source(format="jsonl"))] == rows
    document.unlink()
    lines.unlink()


scalars = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | texts


@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(names, scalars)), min_size=1, max_size=6))
@settings(max_examples=40)
def test_sqlite_comes_back(folder, rows):
    path = folder(".db")
    path.write_bytes(as_sqlite(rows))
    assert [row for _, row in open_table(path)] == rows
    path.unlink()


typed = st.fixed_dictionaries(
    {
        "text": st.none() | texts,
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "float": st.none() | st.floats(allow_nan=False),
        "list": st.lists(st.none() | texts, max_size=3),
        "struct": st.fixed_dictionaries({"a": st.none() | texts, "b": st.none() | st.booleans()}),
    }
)


@given(rows=st.lists(typed, min_size=1, max_size=6))
@settings(max_examples=40)
def test_parquet_comes_back(folder, rows):
    path = folder(".parquet")
    path.write_bytes(as_parquet(rows))
    assert [row for _, row in open_table(path)] == rows
    path.unlink()


SEEDS = {
    ".csv": as_csv(ROWS),
    ".tsv": as_csv(ROWS, delimiter="\t").decode().encode("utf-16"),
    ".dat": b"1::a::b\n2::c::d\n",
    ".json": as_json(ROWS),
    ".jsonl": as_jsonl(ROWS),
    ".db": as_sqlite(ROWS),
    ".parquet": as_parquet(ROWS),
    ".gz": gzip.compress(as_csv(ROWS)),
    ".json.gz": gzip.compress(as_json(ROWS)),
    ".db.gz": gzip.compress(as_sqlite(ROWS)),
}
pieces = st.lists(
    st.binary(max_size=30)
    | st.sampled_from(
        [b'"', b'{"a":', b"[", b"{", b"}", b",", b"\n", b"\r", b"\xff\xfe", b"::", b"\t1", b'\\"', b"\\ud800", b"\xe4\xbd"]
    ),
    max_size=25,
).map(b"".join)


def read_or_refuse(path):
    """Read a file and return its rows as text, or what it is refused for: the same each time."""
    found = []
    try:
        for number, row in open_table(path):
            assert number > 0
            assert isinstance(row, (dict, BadRow))
            if isinstance(row, BadRow):
                json.dumps(row.raw, ensure_ascii=False).encode()
            found.append((number, repr(row)))
    except CatalogError as error:
        return str(error)
    return found


@pytest.mark.parametrize("suffix", SEEDS)
@given(content=pieces)
@settings(max_examples=80)
def test_any_bytes_are_rows_or_refused(folder, suffix, content):
    path = folder(suffix)
    path.write_bytes(content)
    assert read_or_refuse(path) == read_or_refuse(path)
    path.unlink()


@pytest.mark.parametrize("suffix", SEEDS)
@given(data=st.data())
@settings(max_examples=80)
def test_damaged_files_are_rows_or_refused(folder, suffix, data):
    content = bytearray(SEEDS[suffix])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        content[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    path = folder(suffix)
    path.write_bytes(content)
    assert read_or_refuse(path) == read_or_refuse(path)
    path.unlink()


# -- public data -------------------------------------------------------------------------------------------------------

_FILE = re.compile(r"^\| (\S+) \| ([\d,]+) (lines|rows|elements|keys) \|", re.M)
# What is no table of objects: lists of numbers, maps from names to numbers, lines that hold a list.
NO_OBJECTS = re.compile(r"entity2id|item_ids|books_dialogs|unicrs/dev")


@pytest.mark.realdata
def test_every_public_file_has_the_rows_that_its_readme_says(shared_data):
    counted = 0
    for readme in sorted(shared_data.glob("*/README.md")):
        for name, count, what in _FILE.findall(readme.read_text(encoding="utf-8")):
            path = readme.parent / name
            found = open_table(path)
            rules = Counter(row.rule if isinstance(row, BadRow) else "good" for _, row in found)
            header = int(bool(found.source.header) and what == "lines")
            assert rules.total() + header == int(count.replace(",", "")), path
            if NO_OBJECTS.search(str(path)):
                assert set(rules) == {"not_an_object"}, path
            elif name == "items_info.dat.gz" and "book_crossing" in str(path):
                assert rules == {"good": 16_411, "wrong_field_count": 973}
            else:
                assert set(rules) <= {"good"}, path
            counted += 1
    assert counted >= 80


@pytest.mark.realdata
def test_the_film_list_in_latin_1(shared_data):
    found = open_table(shared_data / "movielens_100k" / "u.item")
    assert (found.source.encoding, found.source.delimiter, found.source.header) == ("cp1252", "|", False)
    titles = [row["c2"] for _, row in found]
    assert sum(not title.isascii() for title in titles) == 9
    assert titles[542] == "Misérables, Les (1995)"


@pytest.mark.realdata
def test_histories_become_reviews(shared_data):
    path = shared_data / "amazon_2023_sample" / "test.jsonl.gz"
    found = open_table(path, Source(explode=("history", "heldout", "product")))
    rows = [row for _, row in found]
    assert len(rows) == 23 * 5
    assert {"user_id", "parent_asin", "rating", "title", "main_category"} <= set(found.columns)
    assert all(isinstance(row["user_id"], str) and row["rating"] > 0 for row in rows)


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "encoding"), [("gbk", "gb18030"), ("utf-16", "utf-16"), ("gb18030", "gb18030")])
def test_a_chinese_table_in_other_encodings(shared_data, tmp_path, name, encoding):
    source = shared_data / "douban_movies" / "douban_top250_movies.csv"
    rows = [row for _, row in open_table(source)]
    text = source.read_text(encoding="utf-8-sig")
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(name, "ignore"))
    found = open_table(path)
    assert found.source.encoding == encoding
    assert [row["title"] for _, row in found] == [row["title"] for row in rows]
