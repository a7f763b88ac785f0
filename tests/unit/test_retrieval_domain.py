"""A domain.toml: what is read, what is refused and how, and how a card is written."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from retrieval.domain_files import DOMAINS, load_domain, make_domain, ready_mappings
from retrieval.errors import DomainError
from retrieval.types import Item

TOML = """
name = "books"
catalogue = "books.jsonl"
languages = ["en", "zh"]
headline = ["year"]
[noun]
en = { one = "book", many = "books" }
zh = { one = "书", many = "书" }
[example.en]
card = "c"
wish = "w"
reason = "r"
[example.zh]
card = "c"
wish = "w"
reason = "r"
[mapping]
id = "id"
title = { en = "title", zh = "title_zh" }
text = { en = "text", zh = "text_zh" }
[card]
en = \"\"\"
{title} ({year})
{genres}. {pages}.
{authors}; {editors}
{text}
\"\"\"
zh = \"\"\"
《{title}》({year})
{genres}。{pages}。
{authors}；{editors}
{text}
\"\"\"
[facets.year]
type = "year"
column = "year"
label = { en = "year", zh = "年份" }
[facets.pages]
type = "number"
column = "pages"
label = { en = "pages", zh = "页数" }
unit = { en = "pages", zh = "页" }
[facets.genres]
type = "list"
column = "genres"
label = { en = "genres", zh = "类型" }
[facets.genres.values]
crime = { name = { en = "crime" }, en = ["crime novel"], zh = ["犯罪"] }
[facets.authors]
type = "people"
column = "authors"
label = { en = "author", zh = "作者" }
[facets.editors]
type = "people"
column = "editors"
label = { en = "editor", zh = "编者" }
"""


@pytest.fixture
def write(tmp_path):
    def write(text=TOML):
        (tmp_path / "domain.toml").write_text(text, encoding="utf-8")
        return load_domain(tmp_path)

    return write


def book(**facets):
    labels = {"genres": {"en": ("crime",), "zh": ("犯罪",)}} if "genres" in facets else {}
    return Item(
        id="b", titles={"en": "Dusk", "zh": "暮"}, texts={"en": "It rains.", "zh": "下雨。"}, facets=facets, labels=labels
    )


def test_a_domain_loads_by_its_shipped_name_and_by_folder():
    by_name, by_folder = load_domain("movies"), load_domain(DOMAINS / "movies")
    assert by_name.catalogue_path == DOMAINS / "movies" / "catalogue.jsonl"
    assert by_name.card_fingerprint == by_folder.card_fingerprint


def test_an_unknown_domain_names_the_shipped_ones():
    with pytest.raises(DomainError, match=r"no domain 'nonsense'.*movies.*domain\.toml"):
        load_domain("nonsense")


def test_broken_toml_names_the_file(write, tmp_path):
    with pytest.raises(DomainError, match=r"domain\.toml: not valid TOML"):
        write("name = ")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "books"', "", "'name'"),
        ('type = "year"', 'type = "colour"', "facets.year.type"),
        ('catalogue = "books.jsonl"', 'catalogue = "books.jsonl"\nsurprise = 1', "surprise"),
        ("zh = { one", "fr = { one", "[noun] has no entry for language 'zh'"),
        ('title = { en = "title", zh = "title_zh" }', "", "mapping.title"),
        ('title = { en = "title", zh = "title_zh" }', "title = {}", "[mapping] title names no column"),
        ('column = "pages"', 'column = "pages"\npattern = "(\\\\d+"', "facets.pages.pattern"),
        ('column = "pages"', 'column = "pages"\npattern = "x"', "facets.pages.pattern': has no group"),
        ('name = "books"', 'name = "books"\nbase = "nonsense"', "no shipped domain 'nonsense'"),
        ("[example.zh]", "[example.fr]", "[example] has no entry for language 'zh'"),
        ("{genres}。", "{colour}。", "the zh card names '{colour}', which is no facet"),
        ('headline = ["year"]', 'headline = ["size"]', "headline names 'size'"),
        ('headline = ["year"]', 'ballot = ["size"]', "ballot names 'size'"),
        ('column = "pages"', "", "facet 'pages' names no column"),
    ],
)
def test_a_wrong_key_is_named_with_the_file(write, old, new, words):
    assert old in TOML
    with pytest.raises(DomainError) as caught:
        write(TOML.replace(old, new, 1))
    assert "domain.toml: " in str(caught.value)
    assert words in str(caught.value)


def test_people_facets_are_those_of_type_people(write):
    assert write().people_facets == ("authors", "editors")


def test_a_card_with_everything_known_holds_everything_once(write):
    item = book(year=1999, pages=320, genres=("crime",), authors=("A. One", "B. Two Jr."), editors=("C. Three",))
    domain = write()
    assert domain.write_card(item, "en") == "Dusk (1999)\ncrime. 320 pages.\nA. One, B. Two Jr.; C. Three\nIt rains."
    assert domain.write_card(item, "zh") == "《暮》(1999)\n犯罪。320页。\nA. One、B. Two Jr.；C. Three\n下雨。"


@pytest.mark.parametrize(
    ("facets", "card"),
    [
        ({}, "Dusk\nIt rains."),
        ({"year": 1999}, "Dusk (1999)\nIt rains."),
        ({"genres": ("crime",)}, "Dusk\ncrime.\nIt rains."),
        ({"pages": 320}, "Dusk\n320 pages.\nIt rains."),
        ({"authors": ("A. One",)}, "Dusk\nA. One\nIt rains."),
        ({"editors": ("C. Three",)}, "Dusk\nC. Three\nIt rains."),
    ],
)
def test_what_is_unknown_leaves_no_empty_signs(write, facets, card):
    assert write().write_card(book(**facets), "en") == card


def test_signs_inside_a_title_or_text_stay(write):
    item = Item("b", {"en": "Wait..."}, {"en": "Well... (a) ends; , so. . ()"}, {"authors": ("B. Two Jr.",)}, {})
    assert write().write_card(item, "en") == "Wait...\nB. Two Jr.\nWell... (a) ends; , so. . ()"


def test_a_missing_language_falls_back_to_another(write):
    item = Item("b", {"original": "Dämmerung"}, {"zh": "下雨。"}, {}, {})
    assert write().write_card(item, "en") == "Dämmerung\n下雨。"


def test_the_label_of_a_value_is_its_name_then_its_first_phrase_then_itself(write):
    domain = write()
    assert domain.value_label("genres", "crime", "en") == "crime"
    assert domain.value_label("genres", "crime", "zh") == "犯罪"
    assert domain.value_label("genres", "romance", "zh") == "romance"
    assert domain.value_label("nonsense", 1999, "en") == "1999"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{title} ({year})", "{title}, {year}"),
        ('zh = ["犯罪"]', 'zh = ["罪案"]'),
        ('unit = { en = "pages"', 'unit = { en = "p."'),
        ('column = "pages"', 'column = "length"'),
        ('text = { en = "text"', 'text = { en = "blurb"'),
    ],
)
def test_whatever_changes_a_card_changes_its_fingerprint(write, old, new):
    assert old in TOML
    before = write().card_fingerprint
    assert write(TOML.replace(old, new, 1)).card_fingerprint != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('headline = ["year"]', "headline = []"),
        ('en = ["crime novel"]', 'en = ["crime novel", "whodunit"]'),
        ('"books"', '"book shop"'),
    ],
)
def test_what_changes_no_card_keeps_the_fingerprint(write, old, new):
    assert old in TOML
    before = write().card_fingerprint
    assert write(TOML.replace(old, new, 1)).card_fingerprint == before


def test_the_fingerprint_is_the_same_wherever_the_folder_lies(tmp_path):
    shutil.copy(DOMAINS / "movies" / "domain.toml", tmp_path / "domain.toml")
    assert load_domain(tmp_path).card_fingerprint == load_domain("movies").card_fingerprint


def test_every_error_of_the_tree_carries_a_key_and_its_message():
    error = DomainError("wrong", key="error_domain", path="x")
    assert (str(error), error.key, error.values) == ("wrong", "error_domain", {"message": "wrong", "path": "x"})


# -- mappings that build on a base ---------------------------------------------------------------------------------------


def mapping(tmp_path, **more):
    data = {"name": "mine", "base": "movies", "mapping": {"id": "id", "title": {"en": "name"}}, **more}
    return make_domain(data, tmp_path / "mine.toml")


def test_a_mapping_takes_over_the_words_of_its_base_and_only_the_facets_it_names(tmp_path):
    domain = mapping(tmp_path, facets={"genres": {"column": "genre"}, "studio": {"type": "text", "column": "studio"}})
    assert list(domain.facets) == ["genres", "studio"]
    assert domain.facets["genres"].canonical["science fiction"] == "science-fiction"
    assert domain.facets["studio"].label == {"en": "studio", "zh": "studio"}
    assert domain.noun["zh"].one == load_domain("movies").noun["zh"].one
    assert domain.headline == ("genres",)
    assert "directors" not in domain.card["en"]
    assert "{studio}" in domain.card["en"]


def test_a_card_of_a_mapping_is_written_from_what_is_there(tmp_path):
    domain = mapping(tmp_path, facets={"year": {"column": "y"}, "studio": {"type": "text", "column": "studio"}})
    item = Item("1", {"en": "Dusk"}, {"en": "It rains."}, {"studio": "Acme"}, {})
    assert domain.write_card(item, "en") == "Dusk\nAcme\nIt rains."
    assert domain.write_card(item, "zh") == "《Dusk》\nAcme\nIt rains."


def test_card_languages_are_those_of_the_texts(tmp_path):
    assert mapping(tmp_path).card_languages == ("en",)
    assert mapping(tmp_path, mapping={"id": "id", "title": {"zh": "t"}}).card_languages == ("zh",)
    assert mapping(tmp_path, mapping={"id": "id", "title": "t"}).card_languages == ("en",)
    assert mapping(tmp_path, mapping={"id": "id", "title": {"zh": "t"}}).card_language("en") == "zh"
    assert load_domain("movies").card_languages == ("en", "zh")


def test_an_alias_wins_over_the_words(tmp_path):
    facet = {"column": "genre", "aliases": {"Children": "family", "Drama": "theatre"}}
    canonical = mapping(tmp_path, facets={"genres": facet}).facets["genres"].canonical
    assert (canonical["children"], canonical["drama"], canonical["dramas"]) == ("family", "theatre", "drama")


def test_a_mapping_file_needs_no_more_than_its_columns(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text('[mapping]\nid = "sku"\ntitle = "name"\n[facets.brand]\ncolumn = "brand"\n', encoding="utf-8")
    domain = load_domain(path)
    assert (domain.name, domain.base, domain.mapping.titles) == ("shop", "general", {"original": "name"})
    assert domain.facets["brand"].label["zh"] == "品牌"
    assert domain.headline == ("brand",)


def test_every_ready_mapping_loads_and_speaks_both_languages():
    for name in ready_mappings():
        domain = load_domain(name)
        assert set(domain.noun) == {"en", "zh"}
        assert all(facet.label["en"] and facet.label["zh"] for facet in domain.facets.values())


@pytest.mark.parametrize(
    ("facets", "words"),
    [
        ({"studio": {"column": "s"}}, "facets.studio.type"),
        ({"studio": "text"}, "facet 'studio'"),
        ({"studio": {"type": "text"}}, "facet 'studio' names no column"),
        ({"studio": {"type": "text", "column": "s", "colour": 1}}, "facets.studio.colour"),
    ],
)
def test_a_wrong_facet_of_a_mapping_is_named(tmp_path, facets, words):
    with pytest.raises(DomainError) as caught:
        mapping(tmp_path, facets=facets)
    assert words in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_an_absent_mapping_file_says_how_to_get_one(tmp_path):
    with pytest.raises(DomainError, match="inspect"):
        load_domain(tmp_path / "gone.toml")


def test_what_was_inferred_is_marked_where_a_person_reads_it(write):
    item = replace(book(genres=("crime",)), inferred=("genres",))
    domain = write()
    assert domain.facet_text(item, "genres", "en") == "crime (inferred)"
    assert domain.facet_text(item, "genres", "zh") == "犯罪（推断）"
    assert "inferred" not in domain.write_card(item, "en")  # the embedder reads no marks
