"""Titles and people found in messages of both languages, and nothing found in ordinary sentences."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.titles import NameIndex, fold
from retrieval.types import Item


@pytest.fixture(scope="module")
def names(items, movies_domain):
    return NameIndex(items.values(), movies_domain)


FOUND = [
    # capitals, quotation marks, lower case where the words are rare
    ("I loved Interstellar and Arrival; something quieter", ["interstellar-2014", "arrival-2016"]),
    ("i loved interstellar", ["interstellar-2014"]),
    ("I loved To Live", ["to-live-1994"]),
    ('I loved "to live"', ["to-live-1994"]),
    ("something like 'Up'?", ["up-2009"]),
    ("something like “up”?", ["up-2009"]),
    ("*Up* was good", ["up-2009"]),
    ("I watched Hero and Her last week", ["hero-2002", "her-2013"]),
    ("In the Mood for Love", ["in-the-mood-for-love-2000"]),
    ("crouching tiger hidden dragon please", ["crouching-tiger-hidden-dragon-2000"]),
    ("Crouching Tiger, Hidden Dragon please", ["crouching-tiger-hidden-dragon-2000"]),
    # accents, apostrophes, punctuation
    ("Something like Amélie", ["amelie-2001"]),
    ("Something like Amelie", ["amelie-2001"]),
    (unicodedata.normalize("NFD", "Something like Amélie"), ["amelie-2001"]),
    ("It’s a Wonderful Life", ["its-a-wonderful-life-1946"]),
    ("it's a wonderful life", ["its-a-wonderful-life-1946"]),
    ("i loved schindlers list", ["schindlers-list-1993"]),
    ("Good Bye Lenin", ["good-bye-lenin-2003"]),
    # articles and subtitles
    ("the matrix", ["the-matrix-1999"]),
    ("I like Matrix", ["the-matrix-1999"]),
    ("The Lord of the Rings again", ["the-lord-of-the-rings-the-fellowship-of-the-ring-2001"]),
    ("have you got Fellowship of the Ring", ["the-lord-of-the-rings-the-fellowship-of-the-ring-2001"]),
    # the longest wins
    ("2001: A Space Odyssey", ["2001-a-space-odyssey-1968"]),
    ("Spider-Man: Into the Spider-Verse", ["spider-man-into-the-spider-verse-2018"]),
    ("I saw Aliens, not Alien", ["aliens-1986", "alien-1979"]),
    ("异形2比异形好，我说的是《异形》", ["aliens-1986", "alien-1979"]),
    # the original title
    ("Das Leben der Anderen", ["the-lives-of-others-2006"]),
    ("Le Fabuleux Destin d'Amélie Poulain", ["amelie-2001"]),
    # Chinese, with and without 《》
    ("我喜欢《活着》", ["to-live-1994"]),
    ("我喜欢“活着”", ["to-live-1994"]),
    ("类似千与千寻的电影", ["spirited-away-2001"]),
    ("我看过霸王别姬和花样年华", ["farewell-my-concubine-1993", "in-the-mood-for-love-2000"]),
    ("想看像Interstellar那样的", ["interstellar-2014"]),
    # people
    ("films by Wong Kar-wai", ["Wong Kar-wai"]),
    ("films by wong kar wai", ["Wong Kar-wai"]),
    ("something with tony leung chiu-wai", ["Tony Leung Chiu-wai"]),
    ("王家卫的电影", ["Wong Kar-wai"]),
    ("想看像Up那样的", ["up-2009"]),
    ("I like Amélie's mood", ["amelie-2001"]),
    ("Christopher Nolan's Inception", ["Christopher Nolan", "inception-2010"]),
]


@pytest.mark.parametrize(("text", "targets"), FOUND)
def test_names_are_found_where_they_stand(names, text, targets):
    mentions = names.find(text)
    assert [mention.target for mention in mentions] == targets
    assert all(0 <= mention.start < mention.end <= len(text) for mention in mentions)


ORDINARY = [
    "I want to live in peace",
    "up for anything",
    "Up to you",
    "It was once a dream.",
    "Once I saw a film by the sea",
    "a quiet film about a hero who comes home",
    "something with a host of stars",
    "Her story should be sad",
    "no, not that one. No!",
    "I am in the mood for love",
    "a film about a ring, a hunt and a shower",
    "Hero. Something about one.",
    "THIS IS ONCE AGAIN NOT WHAT I WANT, HERO",
    "something short, 90 minutes, after 2001",
    "m",
    "",
    "🎬🎬🎬",
    "他活着就好",
    "我想看英雄的故事",
    "一一列举给我",
    "有没有关于功夫的片子",
    "她一个人在月球上",
    "花样的年华",
    "给我推荐一部燃烧青春的电影",
]

ORDINARY_BUT_RARE_HERE = [
    "a film about an election",
    "a breathless thriller",
    "关于毕业生的电影",
    "想看讲黑社会的电影",
    "关于艺术家的纪录片",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_nothing_is_found_in_ordinary_sentences(names, text):
    assert names.find(text) == []


@pytest.mark.parametrize("text", ORDINARY_BUT_RARE_HERE)
def test_nothing_is_found_in_ordinary_sentences_with_long_words(names, text):
    assert names.find(text) == []


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("to live", "to-live-1994"),
        ("up", "up-2009"),
        ("活着", "to-live-1994"),
        ("amelie", "amelie-2001"),
        ("hero", "hero-2002"),
    ],
)
def test_lenient_search_takes_ordinary_words_for_titles(names, text, target):
    assert target not in [mention.target for mention in names.find(text)]
    assert [mention.target for mention in names.find(text, lenient=True)] == [target]


def test_a_mention_covers_exactly_its_words(names):
    text = "Well, I saw Spirited Away, then 《千与千寻》."
    spans = [text[mention.start : mention.end] for mention in names.find(text)]
    assert spans == ["Spirited Away", "千与千寻"]


def test_every_title_of_the_catalogue_is_found_in_quotation_marks(names, items):
    lost = []
    for item in items.values():
        for text, title in ((f'I liked "{item.titles["en"]}"', "en"), (f"我喜欢《{item.titles['zh']}》", "zh")):
            if item.id not in [mention.target for mention in names.find(text)]:
                lost.append((item.id, title))
    assert lost == []


def test_a_title_that_two_films_share_names_both(movies_domain):
    films = [Item(f"solaris-{year}", {"en": "Solaris"}, {}, {}, {}) for year in (1972, 2002)]
    found = NameIndex(films, movies_domain).find("I liked Solaris")
    assert [(mention.target, mention.start, mention.end) for mention in found] == [
        ("solaris-1972", 8, 15),
        ("solaris-2002", 8, 15),
    ]


def test_people_come_back_under_their_canonical_name_in_either_language(movies_domain):
    film = Item("a", {"en": "A Film"}, {}, {"directors": ("Ann Hui",)}, {"directors": {"en": ("Ann Hui",), "zh": ("许鞍华",)}})
    names = NameIndex([film], movies_domain)
    for text in ("ann hui", "许鞍华的片子"):
        assert [(mention.kind, mention.target) for mention in names.find(text)] == [("people", "Ann Hui")]


def test_an_index_of_nothing_finds_nothing(movies_domain):
    assert NameIndex([], movies_domain).find("The Matrix 《活着》") == []


@given(st.text(max_size=80))
def test_mentions_of_any_text_lie_inside_it_in_order_without_overlap(names, text):
    for lenient in (False, True):
        mentions = names.find(text, lenient=lenient)
        assert all(0 <= mention.start < mention.end <= len(text) for mention in mentions)
        spans = sorted({(mention.start, mention.end) for mention in mentions})
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
        assert [mention.start for mention in mentions] == sorted(mention.start for mention in mentions)


@given(
    st.sampled_from(["Interstellar", "Spirited Away", "《活着》", "千与千寻", "The Godfather"]),
    st.text(" ,.!?。，abc", max_size=15),
)
def test_a_title_is_found_whatever_harmless_text_is_around_it(names, title, around):
    found = names.find(f"{around} {title} {around}")
    assert len(found) == 1


@pytest.mark.parametrize(("text", "folded"), [("Amélie", "amelie"), ("DON’T", "don't"), ("Ñandú", "nandu"), ("活着", "活着")])
def test_folding_drops_case_and_accents(text, folded):
    assert fold(text) == folded
