"""What is proposed for tables that nobody described: shops, books, courses, in English and Chinese, with odd names or none."""

from __future__ import annotations

import csv
import json
import random
import sqlite3
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from retrieval.catalog import read_catalog
from retrieval.domain_files import load_domain, make_domain
from retrieval.errors import CatalogError, DomainError
from retrieval.inspection.columns import profile
from retrieval.inspection.events import propose_events
from retrieval.inspection.inspector import inspect, propose_domain
from retrieval.inspection.keys import title_forms
from retrieval.inspection.words import bases, fit, is_anonymous, language_of, role, tokens
from retrieval.tables.reader import Source

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NOUNS = ["lamp", "chair", "kettle", "scarf", "drill", "mug", "tent", "radio", "clock", "rug"]
ADJECTIVES = ["red", "small", "oak", "steel", "woollen", "folding", "quiet", "old", "striped", "garden"]
SENTENCE = "A {} {} that is made by hand in a small workshop, and that will be of use for many years to come, number {}."


def things(count=60):
    """Rows of a shop."""
    chance = random.Random(7)
    for n in range(count):
        adjective, noun = chance.choice(ADJECTIVES), chance.choice(NOUNS)
        yield {
            "sku": f"SKU-{n:05}",
            "product_name": f"{adjective.title()} {noun} {n}",
            "description": SENTENCE.format(adjective, noun, n),
            "brand_name": chance.choice(["Acme", "Borealis", "Cato & Sons"]),
            "list_price": f"${chance.randint(5, 90)}.99",
            "categories": chance.choice(["Home|Garden", "Home|Kitchen", "Outdoor|Garden", "Kitchen"]),
            "avg_rating": round(chance.uniform(1, 5), 1),
            "review_count": chance.randint(0, 900),
            "image_url": f"https://shop.example/img/{n}.jpg",
            "image_thumb": f"https://shop.example/img/{n}_s.jpg",
            "in_stock": chance.choice([0, 1]),
            "created_at": f"2024-03-{1 + n % 28:02}T10:00:00",
            "seller_id": chance.randint(1, 9),
        }


def write_csv(path: Path, rows, header=True) -> Path:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if header:
            writer.writerow(rows[0])
        writer.writerows([row.values() for row in rows])
    return path


def write_jsonl(path: Path, rows) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def chosen(found):
    return {key: found.mapping["mapping"].get(key) for key in ("id", "title", "text")}


def check(found, tmp_path):
    """The mapping loads, written down too, and reads every row."""
    assert tomllib.loads(found.toml()) == found.mapping
    file = tmp_path / "mapping.toml"
    file.write_text(found.toml(), encoding="utf-8")
    domain = load_domain(file)
    items = list(read_catalog(found.path, domain))
    assert items
    return domain, items


def test_a_shop_in_english(tmp_path):
    found = inspect(write_csv(tmp_path / "export.csv", things()))
    assert chosen(found) == {"id": "sku", "title": {"en": "product_name"}, "text": {"en": "description"}}
    assert found.mapping["base"] == "shop"
    assert found.mapping["mapping"]["picture"] == "image_url"
    facets = found.mapping["facets"]
    assert facets["brand"] == {"type": "list", "column": "brand_name"}
    assert facets["price"] == {"type": "number", "column": "list_price"}
    assert facets["category"] == {"type": "list", "column": "categories"}
    assert not {"avg_rating", "review_count", "seller_id", "in_stock", "year"} & {*facets}
    domain, items = check(found, tmp_path)
    assert items[0].facets["brand"][0] in ("Acme", "Borealis", "Cato & Sons")
    assert isinstance(items[0].facets["price"], float)
    assert "cheaper" in domain.facets["price"].less["en"]


def test_what_is_not_used_is_listed_for_the_person(tmp_path):
    found = inspect(write_csv(tmp_path / "export.csv", things()))
    comments = [line for line in found.toml().splitlines() if line.startswith("#")]
    for column in ("avg_rating", "review_count", "seller_id", "created_at"):
        assert any(column in line for line in comments), column
    assert any("avg_rating" in line and "how liked" in line for line in comments)
    types = {column.name: column.type for column in found.columns}
    assert types["avg_rating"] == "rating"
    assert types["created_at"] == "time"
    assert types["seller_id"] == "id"


def test_books_in_chinese(tmp_path):
    chance = random.Random(3)
    rows = [
        {
            "编号": 1000 + n,
            "书名": f"{chance.choice('春夏秋冬')}{chance.choice('山水花月')}{chance.choice('行记录志')}第{n}卷",
            "作者": chance.choice(["鲁迅", "老舍", "沈从文", "张爱玲"]),
            "出版社": chance.choice(["人民文学出版社", "三联书店"]),
            "出版年份": chance.randint(1950, 2020),
            "定价": f"{chance.randint(10, 90)}.00元",
            "标签": chance.choice(["小说、经典", "散文、经典", "小说、爱情"]),
            "内容简介": "这是一本讲述旧日城市里普通人家悲欢离合的书，作者用平实的文字写下了他们的日子，读来令人感动。" * 2,
            "评分": round(chance.uniform(6, 9.9), 1),
            "评价人数": chance.randint(5, 99999),
        }
        for n in range(50)
    ]
    found = inspect(write_csv(tmp_path / "导出.csv", rows))
    assert chosen(found) == {"id": "编号", "title": {"zh": "书名"}, "text": {"zh": "内容简介"}}
    facets = found.mapping["facets"]
    assert {name: (facet["type"], facet["column"]) for name, facet in facets.items()} == {
        "year": ("year", "出版年份"),
        "authors": ("people", "作者"),
        "publisher": ("text", "出版社"),
        "price": ("number", "定价"),
        "tags": ("list", "标签"),
    }
    _, items = check(found, tmp_path)
    assert items[0].facets["tags"] in {("小说", "经典"), ("散文", "经典"), ("小说", "爱情")}


def test_courses_in_chinese_with_latin_and_chinese_names_of_columns(tmp_path):
    chance = random.Random(5)
    rows = [
        {
            "课程ID": f"C{n:03}",
            "课程名称": f"{chance.choice(['高等', '线性', '应用'])}{chance.choice(['代数', '物理', '写作'])}（{n}）",
            "授课教师": chance.choice(["王芳", "李强", "赵敏"]),
            "课程简介": "本课程系统介绍基本概念与方法，配有习题与讨论，适合大学一年级学生以及希望补充知识的自学者，欢迎选修。",
            "难度": chance.choice(["入门", "进阶"]),
            "课时": chance.randint(8, 64),
            "学习人数": chance.randint(10, 9000),
            "封面": f"https://c.example/{n}.png",
        }
        for n in range(40)
    ]
    found = inspect(write_jsonl(tmp_path / "courses.jsonl", rows))
    assert chosen(found) == {"id": "课程ID", "title": {"zh": "课程名称"}, "text": {"zh": "课程简介"}}
    assert found.mapping["mapping"]["picture"] == "封面"
    facets = found.mapping["facets"]
    assert facets["instructors"]["type"] == "people"
    assert facets["level"]["column"] == "难度"
    assert facets["duration"]["column"] == "课时"
    assert "学习人数" not in {facet.get("column") for facet in facets.values()}
    check(found, tmp_path)


def test_two_languages_side_by_side(tmp_path):
    rows = [
        {
            "id": n,
            "title_en": f"Lamp of {noun} {n}",
            "title_zh": f"灯盏{n}号",
            "summary_en": SENTENCE.format("good", noun, n),
            "summary_zh": "一盏可以提着走的小灯，风吹雨打也不会熄灭，适合放在院子里或者带去露营，一次能用九个小时。",
        }
        for n, noun in enumerate(NOUNS * 3)
    ]
    found = inspect(write_jsonl(tmp_path / "lamps.jsonl", rows))
    assert chosen(found) == {
        "id": "id",
        "title": {"en": "title_en", "zh": "title_zh"},
        "text": {"en": "summary_en", "zh": "summary_zh"},
    }
    domain, items = check(found, tmp_path)
    assert domain.card_languages == ("en", "zh")
    assert items[0].title("zh") == "灯盏0号"


def test_a_column_that_says_the_language_of_a_row(tmp_path):
    rows = [
        {"id": n, "lang": "zh-CN" if n % 2 else "en", "name": f"第{n}盏小灯" if n % 2 else f"Small lamp {n}"} for n in range(40)
    ]
    found = inspect(write_jsonl(tmp_path / "lamps.jsonl", rows))
    assert found.mapping["mapping"] == {"id": "id", "title": "name", "language": "lang"}
    _, items = check(found, tmp_path)
    assert items[1].titles == {"zh": "第1盏小灯"}


def test_without_a_header_the_content_decides(tmp_path):
    rows = (
        {"a": n, "b": row["product_name"], "c": row["categories"], "d": row["description"]} for n, row in enumerate(things())
    )
    found = inspect(write_csv(tmp_path / "x.csv", rows, header=False), Source(header=False))
    assert chosen(found) == {"id": "c1", "title": {"en": "c2"}, "text": {"en": "c4"}}
    assert found.mapping["facets"]["tags"]["column"] == "c3"
    assert found.mapping["source"]["header"] is False
    check(found, tmp_path)


def test_odd_names(tmp_path):
    rows = [
        {"zqx": f"K{n}7", "frobnicate": f"{ADJECTIVES[n % 10].title()} {NOUNS[n // 10]}", "blah": SENTENCE.format("big", n, n)}
        for n in range(60)
    ]
    found = inspect(write_csv(tmp_path / "x.csv", rows))
    assert chosen(found) == {"id": "zqx", "title": {"en": "frobnicate"}, "text": {"en": "blah"}}
    check(found, tmp_path)


def test_without_an_id_title_and_year_stand_for_one(tmp_path):
    rows = [{"Title": f"{NOUNS[n % 10]} song", "Year": 1990 + n // 10, "Artist": "Ann Bell"} for n in range(50)]
    found = inspect(write_jsonl(tmp_path / "songs.jsonl", rows))
    assert found.mapping["mapping"]["id"] == ["Title", "Year"]
    assert any("No column is an id" in note for note in found.notes)
    _, items = check(found, tmp_path)
    assert len({item.id for item in items}) == 50


def test_the_year_in_titles_and_articles_behind_them(tmp_path):
    rows = [{"id": n, "title": f"{NOUNS[n % 10].title()} {n}, The ({1950 + n})"} for n in range(50)]
    found = inspect(write_csv(tmp_path / "x.csv", rows))
    assert found.mapping["mapping"]["title_forms"] == ["year", "article"]
    assert found.mapping["facets"]["year"] == {"type": "year", "column": "title", "pattern": r"\((\d{4})\b"}
    _, items = check(found, tmp_path)
    assert items[3].title("en") == "The Scarf 3"
    assert items[3].facets["year"] == 1953


@pytest.mark.parametrize(
    ("titles", "forms"),
    [
        (["Heat", "Avatar\u00a0", " Run, Hide"], []),
        (["Seven (a.k.a. Se7en) (1995)", "Up (aka Oben) (2009)"], ["year", "alternative"]),
        (["Seven (Se7en) (1995)", "Up (Oben) (2009)", "Heat (1995)"], ["year", "alternative"]),
        (["A Story (Part One)", "B Story (Part Two)"], []),
        ([], []),
    ],
)
def test_title_forms(titles, forms):
    assert title_forms(titles) == forms


def test_the_year_out_of_a_date(tmp_path):
    rows = [{"id": n, "name": f"Thing {n} of many", "released": f"{1 + n % 28} Mar {1980 + n % 30}"} for n in range(60)]
    found = inspect(write_csv(tmp_path / "x.csv", rows))
    assert found.mapping["facets"]["year"]["column"] == "released"
    _, items = check(found, tmp_path)
    assert items[0].facets["year"] == 1980


def test_zero_as_an_unknown_value_and_words_for_nothing(tmp_path):
    rows = [
        {
            "id": n,
            "title": f"Walk {n} by the sea",
            "duration": 0 if n % 6 == 0 else 60 + n % 50,
            "price": 0 if n % 6 == 0 else 60 + n % 50,
            "genres": "(no genres listed)" if n % 9 == 0 else "Calm|Sea" if n % 2 else "Sea|Wind",
        }
        for n in range(90)
    ]
    facets = inspect(write_csv(tmp_path / "walks.csv", rows)).mapping["facets"]
    assert facets["duration"]["unknown"] == ["0"]
    assert "unknown" not in facets["price"]  # what costs nothing may be free
    assert facets["genres"]["unknown"] == ["(no genres listed)"]


def test_columns_that_differ_by_a_number_are_parts_of_a_list(tmp_path):
    rows = [
        {
            "id": n,
            "title": f"Song {n} of the hills",
            "artist_2_name": f"Ann {n % 7}",
            "artist_1_name": f"Bob {n % 9}",
            "artist_1_likes": n,
        }
        for n in range(60)
    ]
    found = inspect(write_csv(tmp_path / "x.csv", rows))
    assert found.mapping["facets"]["artists"]["parts"] == ["artist_1_name", "artist_2_name"]
    _, items = check(found, tmp_path)
    assert items[0].facets["artists"] == ("Bob 0", "Ann 0")


def test_columns_of_flags_with_names_are_a_list_and_without_names_nothing(tmp_path):
    rows = [
        {"id": n, "title": f"Place {n} in town", "has_garden": n % 2, "has_parking": n // 2 % 2, "has_wifi": n // 3 % 2}
        for n in range(40)
    ]
    found = inspect(write_csv(tmp_path / "x.csv", rows))
    flags = {"has_garden": "garden", "has_parking": "parking", "has_wifi": "wifi"}
    assert found.mapping["facets"]["features"]["flags"] == flags
    _, items = check(found, tmp_path)
    assert items[1].facets["features"] == ("garden",)
    nameless = inspect(write_csv(tmp_path / "y.csv", rows, header=False), Source(header=False))
    assert "facets" not in nameless.mapping


def test_lists_of_objects_and_of_json_in_text(tmp_path):
    rows = [
        {
            "id": n,
            "title": f"Game {n} of thrones",
            "tags": json.dumps([{"id": 1, "name": "calm"}, {"id": 2, "name": f"t{n % 5}"}]),
            "platforms": [{"label": "PC"}, {"label": "Mac"}],
        }
        for n in range(30)
    ]
    found = inspect(write_jsonl(tmp_path / "x.jsonl", rows))
    facets = found.mapping["facets"]
    assert facets["tags"] == {"type": "list", "column": "tags"}
    assert (facets["platforms"]["column"], facets["platforms"]["key"]) == ("platforms", "label")
    _, items = check(found, tmp_path)
    assert items[1].facets["tags"] == ("calm", "t1")
    assert items[1].facets["platforms"] == ("PC", "Mac")


def test_objects_in_cells_are_opened_for_a_title_and_for_a_text(tmp_path):
    product = {"title": "Striped scarf", "main_category": "Clothing"}
    rows = [
        {
            "user_id": f"U{n}",
            "history": [
                {
                    "parent_asin": f"B{n % 20:03}",
                    "rating": 4,
                    "review_title": f"Good {n}",
                    "product": {**product, "title": f"Striped scarf {n % 20}"},
                }
            ],
        }
        for n in range(60)
    ]
    found = inspect(write_jsonl(tmp_path / "reviews.jsonl", rows))
    assert found.mapping["source"]["explode"] == ["history", "product"]
    assert chosen(found) == {"id": "parent_asin", "title": {"en": "title"}, "text": None}
    assert any("Several rows are of one item" in note for note in found.notes)
    texts = [
        {"id": n, "name": f"Book {n} of hours", "descriptions": {"publisher": SENTENCE.format("new", "book", n) * 2}}
        for n in range(30)
    ]
    found = inspect(write_jsonl(tmp_path / "books.jsonl", texts))
    assert found.mapping["source"]["explode"] == ["descriptions"]
    assert chosen(found)["text"] == {"en": "publisher"}
    check(found, tmp_path)


def test_of_the_tables_of_a_database_the_catalogue_is_taken(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE hollow (title TEXT)")
        connection.execute("CREATE TABLE orders (user_id INT, product_id INT, quantity INT)")
        connection.execute("CREATE TABLE products (id INT, name TEXT, description TEXT)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, 1)", [(n % 7, n % 50) for n in range(90)])
        connection.executemany(
            "INSERT INTO products VALUES (?, ?, ?)",
            [(n, f"Thing {n} of wood", SENTENCE.format("a", "b", n)) for n in range(50)],
        )
    connection.close()
    found = inspect(path)
    assert found.mapping["source"] == {"table": "products"}
    assert any("orders" in note for note in found.notes)
    check(found, tmp_path)
    orders = inspect(path, Source(table="orders"))
    assert orders.problems
    assert orders.events().model_dump(include={"user", "item", "source"})["source"]["table"] == "orders"


# -- exports as people have them: the columns of well-known kinds of tables, and what is right ------------------------

CHANCE = random.Random(11)
WORDS = "river stone night morning silver garden winter road letter house island fire shadow glass bird".split()


def words_(most):
    return " ".join(CHANCE.choice(WORDS).title() for _ in range(CHANCE.randint(1, most)))


def person():
    return f"{CHANCE.choice(['Ann', 'Bob', 'Cleo', 'Dan'])} {CHANCE.choice(['Stone', 'Hill', 'Marsh', 'Frost'])}"


CELL = {
    "n": lambda n: n,
    "code": lambda n: f"K{n:05}x",
    "title": lambda n: words_(3),
    "prose": lambda n: f"The {words_(5)} of the {words_(9)} is in a {words_(9)} with the {words_(9)} and a {words_(9)}.",
    "short": lambda n: f"Seen by {n} people",
    "person": lambda n: person(),
    "people": lambda n: ", ".join({person(), person()}),
    "slashed": lambda n: "/".join({person(), person()}),
    "kind": lambda n: CHANCE.choice(["Alpha", "Beta", "Gamma"]),
    "kinds": lambda n: ", ".join(sorted({CHANCE.choice(["Alpha", "Beta", "Gamma", "Delta"]) for _ in range(2)})),
    "count": lambda n: CHANCE.randint(0, 9999),
    "share": lambda n: round(CHANCE.random(), 3),
    "price": lambda n: CHANCE.choice([9.99, 19.5, 3.0]),
    "year": lambda n: CHANCE.randint(1950, 2020),
    "date": lambda n: f"{CHANCE.randint(1990, 2020)}-0{CHANCE.randint(1, 9)}-1{n % 10}",
    "url": lambda n: f"https://site.example/{n}",
    "image": lambda n: f"https://cdn.example/{n}.jpg",
    "flag": lambda n: CHANCE.choice(["True", "False"]),
    "dotted": lambda n: f"0704.{n:04}",
    "lang": lambda n: CHANCE.choice(["eng", "en-US", "fre"]),
    "中": lambda n: f"{CHANCE.choice('春夏秋冬')}{CHANCE.choice('山水花月')}{n}号",
    "长": lambda n: "这款东西采用优质材料制成，做工精细，适合日常使用，颜色多样，尺码齐全，支持七天无理由退换，欢迎选购收藏。",
}
EXPORTS = {
    "tracks.csv": (
        "Unnamed:0=n track_id=code artists=people album_name=title track_name=title popularity=count duration_ms=count "
        "explicit=flag danceability=share key=n track_genre=kind",
        ("track_id", {"en": "track_name"}, None),
        {"artists": "people", "album": "text", "genres": "list"},
    ),
    "games.csv": (
        "AppID=n Name=title Release_date=date Peak_CCU=count Price=price About_the_game=prose Header_image=image Website=url "
        "Metacritic_score=count Developers=person Publishers=person Categories=kinds Genres=kinds",
        ("AppID", {"en": "Name"}, {"en": "About_the_game"}),
        {"year": "year", "price": "number", "developer": "text", "genres": "list", "category": "list"},
    ),
    "recipes.csv": (
        "name=title id=n minutes=count contributor_id=count submitted=date tags=kinds description=prose ingredients=kinds",
        ("id", {"en": "name"}, {"en": "description"}),
        {"duration": "number", "tags": "list", "ingredients": "list"},
    ),
    "courses.csv": (
        "course_id=n course_title=title url=url is_paid=flag price=price num_subscribers=count num_reviews=count level=kind "
        "published_timestamp=date subject=kind",
        ("course_id", {"en": "course_title"}, None),
        {"price": "number", "level": "text", "topics": "list"},
    ),
    "listings.csv": (
        "id=n listing_url=url name=title description=prose neighborhood_overview=prose picture_url=image host_id=count "
        "host_name=person host_about=prose latitude=share longitude=share room_type=kind price=price number_of_reviews=count",
        ("id", {"en": "name"}, {"en": "description"}),
        {"price": "number", "room_type": "text"},
    ),
    "papers.csv": (
        "id=dotted submitter=person authors=people title=title comments=short doi=code categories=kinds abstract=prose "
        "update_date=date",
        ("id", {"en": "title"}, {"en": "abstract"}),
        {"authors": "people", "category": "list"},
    ),
    "shop.csv": (
        "Handle=code Title=title Body_(HTML)=prose Vendor=kind Type=kind Tags=kinds Variant_SKU=code Variant_Price=price "
        "Image_Src=image Image_Position=count",
        ("Variant_SKU", {"en": "Title"}, {"en": "Body_(HTML)"}),
        {"brand": "list", "price": "number", "tags": "list"},
    ),
    "books.csv": (
        "bookID=n title=title authors=slashed average_rating=price isbn=code isbn13=count language_code=lang num_pages=count "
        "ratings_count=count publication_date=date publisher=kind",
        ("bookID", "title", None),
        {"year": "year", "authors": "people", "publisher": "text"},
    ),
    "anime.csv": (
        "MAL_ID=n Name=title Score=price Genres=kinds English_name=title synopsis=prose Type=kind Studios=kind Members=count",
        ("MAL_ID", {"en": "Name"}, {"en": "synopsis"}),
        {"genres": "list", "studios": "list", "type": "text"},
    ),
    "jobs.csv": (
        "job_id=n company_name=person title=title description=prose max_salary=count location=kind views=count",
        ("job_id", {"en": "title"}, {"en": "description"}),
        {"company_name": "text", "max_salary": "number", "city": "text"},
    ),
    "商品.csv": (
        "商品编号=n 商品名称=中 商品描述=长 品牌=kind 类目=kind 价格=price 库存=count 主图=image 销量=count 上架时间=date",
        ("商品编号", {"zh": "商品名称"}, {"zh": "商品描述"}),
        {"brand": "list", "category": "list", "price": "number"},
    ),
}


BASES = {"tracks.csv": "music", "shop.csv": "shop", "商品.csv": "shop", "books.csv": "books"}


@pytest.mark.parametrize("file", EXPORTS)
def test_exports_of_well_known_kinds(tmp_path, file):
    header, (item_id, title, text), facets = EXPORTS[file]
    columns = [part.rsplit("=", 1) for part in header.split()]
    found = inspect(write_csv(tmp_path / file, [{name: CELL[kind](n) for name, kind in columns} for n in range(200)]))
    assert chosen(found) == {"id": item_id, "title": title, "text": text}
    assert found.mapping["base"] == BASES.get(file, "general")
    types = {name: facet["type"] for name, facet in found.mapping["facets"].items()}
    assert facets.items() <= types.items()
    popular = {"popularity", "Peak_CCU", "num_subscribers", "ratings_count", "views", "销量", "库存", "Members", "latitude"}
    assert not popular & {facet.get("column") for facet in found.mapping["facets"].values()}
    check(found, tmp_path)


def test_people_parted_by_a_slash_are_parted(tmp_path):
    rows = [{"id": n, "title": words_(3), "authors": CELL["slashed"](n)} for n in range(60)]
    found = inspect(write_csv(tmp_path / "x.csv", rows))
    assert found.mapping["facets"]["authors"]["separator"] == "/"
    pairs = [("Whole home/flat", "Bonn, Germany"), ("Private room", "Lyon, France")]
    places = [{"id": n, "title": words_(3), "room": pairs[n % 2][0], "city": pairs[n % 2][1]} for n in range(60)]
    facets = inspect(write_csv(tmp_path / "y.csv", places)).mapping["facets"]
    assert facets["room"]["type"] == facets["city"]["type"] == "text"


# -- domains ----------------------------------------------------------------------------------------------------------


def test_a_shipped_domain_is_recognised_by_two_words(tmp_path):
    rows = [
        {"id": n, "name": f"The return of the {NOUNS[n % 10]} {n}", "director": f"Ann {n % 9}", "genre": "drama"}
        for n in range(40)
    ]
    found = inspect(write_csv(tmp_path / "movies.csv", rows))
    assert found.mapping["base"] == "movies"
    assert found.mapping["facets"]["directors"] == {"type": "people", "column": "director"}
    assert found.mapping["facets"]["genres"] == {"type": "list", "column": "genre"}
    _, items = check(found, tmp_path)
    assert items[0].label("genres", "zh") == ("剧情",)
    (tmp_path / "list").mkdir()
    alone = inspect(write_csv(tmp_path / "list" / "movies.csv", [{k: row[k] for k in ("id", "name")} for row in rows]))
    assert alone.mapping["base"] == "general"


def test_a_domain_in_chinese(tmp_path):
    rows = [
        {
            "片名": f"第{n}个春天",
            "导演": "王小帅",
            "主演": "张三 / 李四",
            "类型": "剧情 / 爱情",
            "片长": f"{90 + n}分钟",
            "上映日期": f"20{n:02}-05-01",
        }
        for n in range(20)
    ]
    found = inspect(write_csv(tmp_path / "表.csv", rows))
    assert found.mapping["base"] == "movies"
    columns = {name: facet["column"] for name, facet in found.mapping["facets"].items()}
    assert columns["directors"] == "导演"
    assert columns["cast"] == "主演"
    assert columns["genres"] == "类型"
    assert columns["runtime"] == "片长"
    assert columns["year"] == "上映日期"
    _, items = check(found, tmp_path)
    assert items[3].facets["genres"] == ("drama", "romance")
    assert items[3].facets["runtime"] == 93


def test_a_domain_may_list_the_names_that_columns_have_elsewhere():
    assert "performer" in bases()["movies"].names["cast"]


# -- words and columns ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Book-Title", ("book", "title")),
        ("movieIds", ("movie", "id")),
        ("item_id:token", ("item", "id")),
        ("userid", ("user", "id")),
        ("bookname", ("book", "name")),
        ("actor_1_name", ("actor", "1", "name")),
        ("isbn13", ("isbn", "13")),
        ("pictureURL", ("picture", "url")),
        ("商品ID", ("商品", "id")),
        ("", ()),
    ],
)
def test_names_are_split_into_words(name, expected):
    assert tokens(name) == expected


def test_singular_and_plural_are_equal():
    assert tokens("categories") == tokens("category")
    assert tokens("countries") == tokens("Country")


@pytest.mark.parametrize("name", ["c3", "Unnamed: 0", "7", "", "V1", "column 3", "列2"])
def test_names_that_tell_nothing(name):
    assert is_anonymous(name)


@pytest.mark.parametrize("name", ["id", "title", "isbn10", "country", "c_name"])
def test_names_that_tell_something(name):
    assert not is_anonymous(name)


def test_the_language_in_a_name():
    assert language_of(tokens("title_zh")) == ("zh", ("title",))
    assert language_of(tokens("english_name")) == ("en", ("name",))
    assert language_of(tokens("original_title")) == ("original", ("title",))
    assert language_of(tokens("中文简介"))[0] == "zh"
    assert language_of(tokens("title")) == (None, ("title",))


def test_how_well_a_name_fits():
    assert fit(tokens("publication year"), "year") > fit(tokens("year of birth"), "year") > 0
    assert fit(tokens("title"), "year") == 0
    assert role(tokens("图书简介"), "text") > 0.8


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None, "", "N/A", float("nan"), []], "empty"),
        (["x"] * 9, "constant"),
        ([0, 1, 1, 0], "flag"),
        (["yes", "no", "no"], "flag"),
        ([1990, 2005, 2010, 1990], "year"),
        (["2008.0", "1997.0", "1997.0"], "year"),
        ([5, 7000, 3], "number"),
        (["12.5 kg", "3 kg", "7.1 kg"], "number"),
        (["$3.99", "$12.00", "$1,200.50"], "number"),
        (["117分钟", "90分钟", "95分钟"], "number"),
        (["1999-02-03", "2001-12-31", "2020-01-01"], "date"),
        (["01-Jan-1995", "22-Feb-1996", "03-Mar-1997"], "date"),
        (["http://a.b/c", "https://d.e/f?g=h"], "url"),
        (["https://a.b/c.jpg", "https://d.e/f.png?w=3"], "picture"),
        (["a|b", "b|c", "a|c|b"], "list"),
        (["Drama, Love", "Drama, War", "Love, War"], "list"),
        (["喜剧 / 爱情", "爱情 / 剧情", "剧情"], "list"),
        ([["a", "b"], ["c"]], "list"),
        (['["a"]', '["b", "a"]'], "list"),
        ([{"a": 1}, {"a": 2}], "object"),
        ([[{"a": {"b": 1}}], [{"a": {"b": 2}}]], "objects"),
        ([SENTENCE.format("a", "b", n) for n in range(9)], "text"),
        ([["一句很长的评论，说这个东西很好用，买了不后悔，推荐给大家，真的不错。"]] * 3, "text"),
        (["0060973129", "0393045218", "0312970277"], "code"),
        (["B01A", "B02B", "B03C"], "code"),
        (["Acme", "Borea", "Acme", "Acme", "Borea"], "word"),
        (["The Old Man", "A Long Way", "Under the Sea"], "name"),
    ],
)
def test_types_by_content(values, expected):
    assert profile("x", values).type == expected


def test_a_profile_counts_what_is_missing_and_what_differs():
    found = profile("x", ["a|b", "a|c", None, "b|c"])
    assert found.missing == 0.25
    assert found.separator == "|"
    assert found.distinct == 0.5
    assert found.examples == ("a|b", "a|c", "b|c")
    assert profile("x", ["春天", "夏天"]).chinese == 1
    assert len(profile("x", ["long " * 90, "b"]).examples[0]) <= 60


# -- logs -------------------------------------------------------------------------------------------------------------


def log(path: Path, header: str, count=300):
    """Write a log of random cells: u and i are ids, r a rating, t a time, w a count, x a text, k a kind."""
    chance = random.Random(1)
    cells = {
        "u": lambda: chance.randint(1, 40),
        "i": lambda: chance.randint(1, 90),
        "r": lambda: chance.randint(1, 5),
        "t": lambda: chance.randint(880_000_000, 890_000_000),
        "w": lambda: chance.randint(1, 3000),
        "x": lambda: SENTENCE.format(chance.choice(ADJECTIVES), chance.choice(NOUNS), chance.randint(1, 999)),
        "k": lambda: chance.choice(["view", "addtocart", "transaction"]),
    }
    names, kinds = zip(*(part.split("=") for part in header.split()), strict=True)
    rows = [",".join(names)] if names[0] != "-" else []
    path.write_text(
        "\n".join([*rows, *(",".join(f'"{cells[k]()}"' if k == "x" else str(cells[k]()) for k in kinds) for _ in range(count))])
    )
    return path


RATED, REVIEW = {"kind": "rated", "scale": (1, 5)}, "reviewerID=u asin=i overall=r reviewText=x unixReviewTime=t"
KINDS = {"view": "viewed", "addtocart": "saved", "transaction": "purchased"}


@pytest.mark.parametrize(
    ("file", "header", "expected"),
    [
        ("ratings.csv", "userId=u movieId=i rating=r timestamp=t", {"user": "userId", "item": "movieId", **RATED}),
        ("ratings.csv", "userId=u movieId=i rating=r timestamp=t", {"value": "rating", "time": "timestamp"}),
        ("a.csv", "User-ID=u ISBN=i Book-Rating=r", {"user": "User-ID", "item": "ISBN", "value": "Book-Rating", **RATED}),
        ("a.csv", "user=u item=i stars=r date=t", {"kind": "rated", "value": "stars", "time": "date"}),
        ("plays.csv", "userID=u artistID=i weight=w", {"item": "artistID", "kind": "played", "value": "weight"}),
        ("a.csv", "User_ID=u Game_ID=i Hours=w", {"item": "Game_ID", "kind": "played", "value": "Hours", "unit": "hours"}),
        ("to_read.csv", "user_id=u book_id=i", {"user": "user_id", "item": "book_id", "kind": "saved"}),
        ("orders.csv", "customer_id=u product_id=i time=t", {"user": "customer_id", "item": "product_id", "time": "time"}),
        ("orders.csv", "customer_id=u product_id=i time=t", {"kind": "purchased", "value": None}),
        ("a.csv", REVIEW, {"user": "reviewerID", "item": "asin", "kind": "reviewed", "value": "overall"}),
        ("a.csv", REVIEW, {"text": "reviewText", "time": "unixReviewTime"}),
        ("a.csv", "visitorid=u itemid=i event=k timestamp=t", {"kind": "event", "kinds": KINDS}),
        ("a.csv", "用户=u 商品=i 评分=r 时间=t", {"user": "用户", "item": "商品", "value": "评分", "time": "时间", **RATED}),
        ("a.csv", "user_id=u session_id=w item_id=i click=r", {"session": "session_id", "item": "item_id", "kind": "viewed"}),
    ],
)
def test_ordinary_logs_need_no_mapping(tmp_path, file, header, expected):
    found = inspect(log(tmp_path / file, header)).events()
    assert found is not None
    assert {key: getattr(found, key) for key in expected} == expected


def test_a_log_without_names(tmp_path):
    found = inspect(log(tmp_path / "u.data", "-=u -=i -=r -=t"), Source(header=False)).events()
    assert (found.user, found.item, found.value, found.time, found.scale) == ("c1", "c2", "c3", "c4", (1, 5))
    assert found.source.header is False


def test_a_table_of_things_is_no_log(tmp_path):
    assert inspect(write_csv(tmp_path / "x.csv", things())).events() is None
    assert propose_events([]) is None
    assert inspect(log(tmp_path / "friends.csv", "userID=u friendID=u")).events() is None


# -- what is refused, what is shown -----------------------------------------------------------------------------------


def test_without_a_title_there_is_no_domain(tmp_path):
    path = log(tmp_path / "numbers.csv", "a=w b=w c=w")
    found = inspect(path)
    assert found.problems
    assert "mapping" not in found.mapping
    assert tomllib.loads(found.toml()) == found.mapping
    assert 'title = "a column"' in found.toml()
    with pytest.raises(CatalogError, match=r"numbers\.csv: No column looks like the title .*Write a mapping"):
        propose_domain(path)


def test_an_empty_table_and_a_missing_file(tmp_path):
    (tmp_path / "x.csv").write_text("id,title\n")
    with pytest.raises(CatalogError, match="holds no rows"):
        inspect(tmp_path / "x.csv")
    with pytest.raises(CatalogError, match="no such file"):
        propose_domain(tmp_path / "y.csv")


def test_a_domain_is_proposed(tmp_path):
    path = write_csv(tmp_path / "Export (1).csv", things())
    domain = propose_domain(path)
    assert domain.name == "export-1"
    assert domain.mapping.id == "sku"
    assert len(list(read_catalog(path, domain))) == 60


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_the_table_fits_the_terminal(tmp_path, width):
    rows = [
        {"编号": n, "书名": f"一本很长很长的书的名字第{n}卷", "a_very_long_name_of_a_column_that_nobody_wants": "x" * 200}
        for n in range(9)
    ]
    found = inspect(write_jsonl(tmp_path / "x.jsonl", rows))
    text = found.table(width)
    assert max(map(cell_len, text.splitlines()[: text.splitlines().index("")])) <= width
    assert "id: 编号   title: 书名   text: none" in text


def test_a_sorted_table_is_not_judged_by_its_beginning(tmp_path):
    rows = [
        {"id": n, "title": f"Walk {n} by the sea", "description": SENTENCE.format("a", "b", n) if n > 500 else None}
        for n in range(1500)
    ]
    found = inspect(write_jsonl(tmp_path / "x.jsonl", rows), sample=200)
    assert found.rows == 200
    assert chosen(found)["text"] == {"en": "description"}


# -- anything ---------------------------------------------------------------------------------------------------------

ORDINARY = "id title name text year price genre age runtime tags 标题 actor_1 actor_2 a.b user_id rating director 简介".split()
ODD = [
    "a|b",
    "a, b",
    "1995",
    "Heat (1995)",
    "N/A",
    "0",
    "http://a.b/c.jpg",
    "[1",
    '["a"]',
    "2001-02-03",
    "Game, The",
    "x" * 200,
]
NAMES = st.one_of(st.text(max_size=8), st.sampled_from(ORDINARY))
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(ODD),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    st.lists(st.dictionaries(st.sampled_from(["name", "title", "id"]), st.text(max_size=5), max_size=2), max_size=2),
)


@given(st.lists(st.dictionaries(NAMES, CELLS, max_size=6), min_size=1, max_size=8))
def test_any_table_gets_a_proposal_that_loads_or_a_reason(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("any") / "any.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    try:
        found = inspect(path)
    except CatalogError:
        return
    assert tomllib.loads(found.toml()) == found.mapping
    assert found.toml().encode()
    assert found.table(100)
    found.events()
    try:
        domain = make_domain(found.mapping, path) if not found.problems else propose_domain(path)
    except CatalogError:
        assert found.problems
        return
    except DomainError as error:
        raise AssertionError(found.mapping) from error
    assert domain.mapping.titles
