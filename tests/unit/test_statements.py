"""Sentences as statements: where they part, what mixes two lines, what tells a plan as a fact."""

from __future__ import annotations

import pytest

from chatbot.statements import beginnings, mixed, repeats, split, unqualified
from chatbot.statements_en import another_subject, as_told, headless, unlike, with_articles

LINES = [
    "Paddington lives with the Browns in London and takes odd jobs to buy a book.",
    "An actor steals it, and he is sent to prison for the theft.",
]
LINES_ZH = [
    "柯景腾上课捣蛋，被老师调到沈佳宜前面坐。",
    "毕业后两个人隔着长途电话，谁也不肯先讲明白。",
    "她想卖掉房子，逃往台湾。",
]


@pytest.mark.parametrize(
    ("sentence", "language", "count"),
    [
        ("A man leaves home, but his dog stays behind.", "en", 2),
        ("A man leaves home while his dog stays.", "en", 2),
        ("A tall, quiet man leaves home.", "en", 1),
        ("他走了，狗留下；雨一直下。", "zh", 3),
        ("", "en", 0),
    ],
)
def test_a_sentence_is_its_statements_joined(sentence, language, count):
    parts = split(sentence, language)
    assert len(parts) == count
    assert "".join(parts) == sentence


def test_what_is_left_of_a_sentence_can_stand_and_ends_like_one():
    sentence = "A man leaves the house in the rain, but his dog stays, while the cat sleeps."
    assert beginnings(sentence, "en") == [
        "A man leaves the house in the rain, but his dog stays.",
        "A man leaves the house in the rain.",
    ]
    assert beginnings("Angel arrests so many criminals in the big city, and his superiors transfer him.", "en") == []
    assert beginnings("Danger is an American film noir directed, produced, and written by Henry Kesler.", "en") == []
    assert beginnings("He left, and it rained all night long in the village.", "en") == []
    assert beginnings("那个高大的男人离开了家，狗留在家里，雨一直下。", "zh") == [
        "那个高大的男人离开了家，狗留在家里。",
        "那个高大的男人离开了家。",
    ]


def test_saying_a_thing_twice_is_found_unless_the_text_does_so_too():
    twice = "The boxer trusts no man, the boxer trusts no man."
    assert repeats(twice, "The boxer trusts no man.", ())
    assert not repeats(twice, twice, ())
    assert not repeats("The boxer trusts no man.", "", ())


def test_a_statement_that_mixes_two_lines_is_found():
    assert mixed("Paddington steals a book in London.", LINES, (), "en")
    assert not mixed("Paddington takes odd jobs to buy a book, and an actor steals it.", LINES, (), "en")


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("A cook robs a bank in Rome, runs off to Paris.", True),  # a stranger does
        ("A cook robs a bank in Rome, a stranger runs off to Paris.", False),
        ("A cook robs a bank in Rome, then sleeps all day.", False),
        ("A cook robs a bank, outside the window.", True),
    ],
)
def test_a_statement_of_another_line_says_who_does_it_unless_that_line_means_the_same(sentence, found):
    lines = [
        "A cook robs a bank in Rome.",
        "A stranger runs off to Paris.",
        "He sleeps all day.",
        "Outside the window it rains.",
    ]
    assert bool(mixed(sentence, lines, (), "en")) == found


def test_a_chinese_statement_of_another_line_begins_as_that_line_does():
    lines = ["常满嫌弃老婆程大嫂，不懂打扮。", "程大嫂在家服侍公婆，深得常骚的喜爱。", "他后来搬到上海。"]
    assert mixed("常满嫌弃老婆程大嫂，深得常骚的喜爱。", lines, (), "zh")
    assert not mixed("常满嫌弃老婆程大嫂，程大嫂深得常骚的喜爱。", lines, (), "zh")
    assert not mixed("常满嫌弃老婆程大嫂，后来搬到上海。", lines, (), "zh")


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Will Munny, a pig farmer, robs a bank.", "a pig farmer Will Munny robs a bank."),
        ("Will Munny, a killer, robs a bank.", "Will Munny, a killer, robs a bank."),  # not right there
        ("Nameless, a minor official, waits.", "a minor official Nameless waits."),
        ("Joe, of Rome, waits.", "Joe, of Rome, waits."),
    ],
)
def test_what_stands_before_a_name_may_follow_it(sentence, told):
    text = "A killer shot the widowed pig farmer Will Munny. A minor official called Nameless waits for Joe, of Rome."
    assert as_told(sentence, text) == told


@pytest.mark.parametrize(
    ("sentence", "what"),
    [
        ("Will, a fighter, has minutes.", "a fighter"),
        ("Will meets Ann, a fighter.", "a fighter"),
        ("Ann, an odd officer in Rome, runs.", ""),
        ("Ann, a captain in Rome, runs.", "a captain in Rome"),
        ("Will, a fighter, and a dog run.", ""),  # a list
        ("Will, who fights, runs.", ""),
        ("Joe, a cook, runs.", ""),
    ],
)
def test_what_is_said_of_a_name_must_be_said_of_it_in_the_text(sentence, what):
    text = "Will meets a fighter and has minutes. Ann, an odd and bookish officer of the king in Rome, runs with the cook Joe."
    assert unlike(sentence, text) == what


@pytest.mark.parametrize(
    ("sentence", "noun"),
    [
        ("A huge spaceship rises.", "spaceship"),
        ("A huge spaceship set rises.", ""),
        ("The old dog raises a pig.", ""),  # slowly or not
        ("A widowed pig runs.", "pig"),
        ("He sees lights.", ""),
    ],
)
def test_a_part_of_a_noun_does_nothing(sentence, noun):
    text = "A huge spaceship set rises and a widowed pig farmer runs. The old dog slowly raises a pig. He sees strange lights."
    assert headless(sentence, text) == noun


def test_what_is_said_of_a_name_belongs_to_it_in_every_line():
    lines = ["Army spokesman Will Cage has never fought.", "He dies within minutes."]
    assert not mixed("Will Cage, an Army spokesman, dies within minutes.", lines, (), "en")


def test_a_pronoun_may_stand_for_a_name_of_another_line_but_for_nothing_else():
    assert not mixed("Paddington is sent to prison for the theft.", LINES, (), "en")
    assert mixed("The book is sent to prison for the theft.", LINES, (), "en")
    assert not mixed("柯景腾和沈佳宜隔着长途电话，谁也不肯先讲明白。", LINES_ZH, (), "zh")


@pytest.mark.parametrize(
    ("sentence", "language", "found"),
    [
        ("Paddington buys a book.", "en", ""),
        ("She sells the house and flees.", "en", "wants"),
        ("She wants to sell the house and flee.", "en", ""),
        ("A dog sleeps.", "en", ""),
        ("She leaves.", "en", "cannot"),
    ],
)
def test_a_plan_that_is_told_as_a_fact_is_found(sentence, language, found):
    lines = ["She wants to sell the house and flee to Taiwan.", "A dog sleeps on the stairs.", "She cannot wait to leave."]
    assert unqualified(sentence, lines, (), language) == found


def test_a_plan_that_is_told_as_a_fact_is_found_in_chinese():
    assert unqualified("她卖掉房子，逃往台湾。", LINES_ZH, (), "zh") == "想"
    assert unqualified("她想卖掉房子，逃往台湾。", LINES_ZH, (), "zh") == ""
    assert unqualified("柯景腾上课捣蛋。", LINES_ZH, (), "zh") == ""
    assert unqualified("你该面对生活。", ["失去记忆后，你该怎样面对生活？"], (), "zh") == "？"


def test_what_somebody_else_does_is_not_told_of_the_last_thing_named():
    lines = ["Angel arrests so many criminals that his superiors transfer him to a village."]
    assert another_subject("Angel arrests many criminals, which transfers him to a village.", lines, ()) == "transfers"
    assert another_subject("Angel arrests many criminals, transferring him to a village.", lines, ()) == "transferring"
    stops = ["Willard travels upriver, and each stop on the way makes the war look mad."]
    assert another_subject("Willard travels upriver, making the war look mad.", stops, ("make", "way")) == "making"
    assert not another_subject("Angel has superiors who transfer him.", lines, ())
    assert not another_subject("Superiors transfer Angel, who arrests so many criminals.", lines, ())


ARTICLES = [
    ("In 1970 a Canadian came to a New York club.", "Canadian came to New York club.", "A Canadian came to a New York club."),
    ("The whisperer opens her throat, and the songs grow.", "Whisperer opens her throat.", "The whisperer opens her throat."),
    ("A cuatro opens, the singer courts.", "Cuatro opens, singer courts.", "A cuatro opens, the singer courts."),
    ("A boy waits, and a girl leaves.", "A boy waits and girl leaves.", "A boy waits and a girl leaves."),
    ("Kate Bush built a studio.", "Kate Bush built a studio.", "Kate Bush built a studio."),
    ("He plays a guitar, and guitar at home.", "He plays guitar.", "He plays guitar."),
    ("Music fills the room, and the music goes on.", "Music fills the room.", "Music fills the room."),
]


@pytest.mark.parametrize(("text", "sentence", "mended"), ARTICLES)
def test_a_noun_gets_the_article_back_that_it_has_in_the_text(text, sentence, mended):
    assert with_articles(sentence, text) == mended
