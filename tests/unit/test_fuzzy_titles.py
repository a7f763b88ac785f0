"""Names as people type them: slips, lower case, numbers, parts of names, other characters of the same sound, pinyin."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fuzzy_titles import Nearest, allowed
from retrieval.name_keys import han_keys, number_word, word_keys
from retrieval.titles import NameIndex
from retrieval.types import Item
from retrieval.words import english


@pytest.fixture(scope="module")
def names(items, movies_domain):
    return NameIndex(items.values(), movies_domain)


def targets(names, text, **options):
    return [mention.target for mention in names.find(text, fuzzy=True, **options)]


FOUND = [
    # slips of the hand
    ("i loved intersteller", ["interstellar-2014"]),
    ("I liked Incpetion", ["inception-2010"]),
    ("have you seen the shawshenk redemption", ["the-shawshank-redemption-1994"]),
    ("something like crouching tiger hiden dragon", ["crouching-tiger-hidden-dragon-2000"]),
    ("the dark knigth", ["the-dark-knight-2008"]),
    ("spirited awya", ["spirited-away-2001"]),
    ("toy storry", ["toy-story-1995"]),
    ("rear windw", ["rear-window-1954"]),
    ("das leben der andern", ["the-lives-of-others-2006"]),
    # run together
    ("spiderman into the spiderverse", ["spider-man-into-the-spider-verse-2018"]),
    # lower case, where the words or what stands around them say that it is a title
    ("lost in translation is great", ["lost-in-translation-2003"]),
    ("i loved dune", ["dune-2021"]),
    ("parasite", ["parasite-2019"]),
    # numbers
    ("se7en", ["se7en-1995"]),
    ("7 samurai", ["seven-samurai-1954"]),
    # a surname alone
    ("films by Tarantino", ["Quentin Tarantino"]),
    ("Like Nolan, but shorter", ["Christopher Nolan"]),
    ("Kubrick's films", ["Stanley Kubrick"]),
    ("昆汀的电影", ["Quentin Tarantino"]),
    ("诺兰的片子", ["Christopher Nolan"]),
    ("塔可夫斯基的风格", ["Andrei Tarkovsky"]),
    # the same sound, written otherwise
    ("我喜欢星际穿跃", ["interstellar-2014"]),
    ("类似霸王别鸡的", ["farewell-my-concubine-1993"]),
    ("《千于千寻》", ["spirited-away-2001"]),
    ("xingji chuanyue", ["interstellar-2014"]),
    ("xing ji chuan yue", ["interstellar-2014"]),
    ("我想看 xingji chuanyue 那样的", ["interstellar-2014"]),
    ("寄生虫看过了", ["parasite-2019"]),
]

NOT_FOUND = [
    "can you hear it",
    "hear me out, heet is fine",
    "a film from 2001",
    "have you seen the others",
    "do you have others",
    "give me something, get out of here",
    "i am lost in translation of this text",
    "i hate parasites in films",
    "It was good. Them, I enjoyed.",
    "Great choice, have a great weekend",
    "Jonathan Nolan",
    "a drama about a marriage story that is sad",
    "They are Up for it",
    "men can long for women",
    "我想活着",
    "人生很美丽",
    "美丽的人生",
    "一个美丽的夜晚",
    "给我推荐一部燃烧青春的电影",
]


@pytest.mark.parametrize(("text", "wanted"), FOUND)
def test_names_are_found_as_people_type_them(names, text, wanted):
    assert targets(names, text) == wanted


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_like_a_name_is_none(names, text):
    assert targets(names, text) == []


@pytest.mark.parametrize(
    "text", ["i loved intersteller", "我喜欢星际穿跃", "xingji chuanyue", "films by Tarantino", "昆汀的电影"]
)
def test_sentences_written_with_care_are_read_as_they_stand(names, text):
    assert names.find(text) == []


def test_the_exact_title_comes_before_one_with_an_article_and_before_a_part(movies_domain):
    films = [Item(title, {"en": title}, {}, {}, {}) for title in ("Alien", "The Alien", "Alien: Covenant")]
    index = NameIndex(films, movies_domain)
    assert targets(index, "I liked Alien") == ["Alien"]
    assert targets(index, "I liked The Alien") == ["The Alien"]
    assert targets(index, "I liked Alien: Covenant") == ["Alien: Covenant"]


@pytest.mark.parametrize(
    "text",
    [
        "I liked Solaris (2002)",
        "I liked Solaris, 2002",
        "the 2002 Solaris",
        "I liked Solaris from 2002",
        "2002年版的《Solaris》",
    ],
)
def test_a_year_chooses_among_items_of_one_title(movies_domain, text):
    films = [Item(f"solaris-{year}", {"en": "Solaris"}, {}, {"year": year}, {}) for year in (1972, 2002)]
    assert targets(NameIndex(films, movies_domain), text) == ["solaris-2002"]


def test_a_year_in_brackets_that_no_item_has_means_another_item(movies_domain):
    film = Item("it-1990", {"en": "It"}, {}, {"year": 1990}, {})
    index = NameIndex([film], movies_domain)
    assert targets(index, "I saw It (2017)") == []
    assert targets(index, "I saw It (1991)") == ["it-1990"]  # years of release differ by one from table to table


def test_a_year_in_brackets_is_no_title(movies_domain):
    index = NameIndex([Item("2012", {"en": "2012"}, {}, {"year": 2009}, {})], movies_domain)
    assert targets(index, "I liked The Avengers (2012)") == []
    assert targets(index, "2012", lenient=True) == ["2012"]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Ocean's Eleven", "I liked oceans 11"),
        ("Rocky II", "I liked Rocky 2"),
        ("Lilo & Stitch", "I liked Lilo and Stitch"),
        ("Pride and Prejudice", "I liked Pride & Prejudice"),
        ("异形2", "我喜欢《异形二》"),
        ("色，戒", "我喜欢《色戒》"),
        ("如果·爱", "推荐你看如国·爱"),
        ("暗战", "看看电影暗战吧"),
    ],
)
def test_other_forms_of_a_title_name_it(movies_domain, title, text):
    language = "en" if title.isascii() else "zh"
    assert targets(NameIndex([Item("a", {language: title}, {}, {}, {})], movies_domain), text) == ["a"]


def test_a_part_of_a_longer_title_between_marks_is_not_that_title(movies_domain):
    index = NameIndex([Item("a", {"zh": "有一天"}, {}, {}, {})], movies_domain)
    assert targets(index, "我想听《如果真的有一天》") == []
    assert targets(index, "我想看《有一天》") == ["a"]


def test_a_surname_of_two_people_means_neither(movies_domain):
    films = [
        Item(name, {"en": f"Film of {name}"}, {}, {"directors": (name,)}, {"directors": {"en": (name,)}})
        for name in ("Sofia Coppola", "Francis Coppola")
    ]
    assert targets(NameIndex(films, movies_domain), "something by Coppola") == []


@pytest.mark.parametrize(("letters", "edits"), [(4, 0), (5, 1), (9, 1), (10, 2), (40, 2)])
def test_longer_names_forgive_more(letters, edits):
    assert allowed(letters) == edits


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("matirx", ["matrix"]),
        ("amtrix", ["matrix"]),
        ("natrix", []),
        ("matrix", ["matrix"]),
        ("mtrx", []),
        ("inceptoin", ["inception"]),
    ],
)
def test_the_first_letter_is_right_or_swapped_with_the_second(typed, found):
    assert Nearest(["matrix", "inception"]).find(typed)[0] == found


@pytest.mark.parametrize(("word", "number"), [("eleven", "11"), ("ii", "2"), ("se7en", "seven"), ("i", "i")])
def test_numbers_have_one_form(word, number):
    assert number_word(word) == number


def test_keys_of_a_name_are_told_apart_by_how_sure_they_are():
    assert word_keys("The Thing: A Long Story", title=True) == (
        ["the thing a long story"],
        ["thing a long story"],
        ["the thing", "a long story", "thing", "long story"],
    )
    assert han_keys("指环王：护戒使者", title=True)[2] == ["指环王", "护戒使者"]


def test_words_of_english_are_known_and_slips_are_not():
    words = english()
    assert "hear" in words.basic
    assert words.knows("paris")
    assert words.knows("dont")
    assert not words.knows("intersteller")


@given(st.text(max_size=80))
def test_mentions_of_any_text_lie_inside_it_and_do_not_overlap(names, text):
    for lenient in (False, True):
        mentions = names.find(text, lenient=lenient, fuzzy=True)
        assert all(0 <= mention.start < mention.end <= len(text) for mention in mentions)
        spans = sorted({(mention.start, mention.end) for mention in mentions})
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
