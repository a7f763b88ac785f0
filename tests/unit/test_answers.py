"""What code says by itself: openings, answers from a card, small talk."""

from __future__ import annotations

import pytest

from chatbot.answers import Speaker
from chatbot.types import Profile, Request
from chatbot.written import join, write_count, write_title
from retrieval.types import Constraint, Item, Wish

NOBODY = Profile("ann")
HORROR = Constraint("genres", "excludes", "horror", "horror")
CHINESE = Constraint("countries", "any_of", ("China", "Hong Kong", "Taiwan"), "Chinese")


@pytest.fixture
def speaker(movies):
    return Speaker(movies.domain, movies.items)


def request(language="en", **values):
    return Request("recommend", language, values.pop("text", "x"), values.pop("query", ""), **values)


def opening(speaker, asked, *, profile=NOBODY, relaxed=(), found=3):
    kept = [c for c in asked.constraints if c not in relaxed]
    return speaker.opening(asked, profile, kept, relaxed, found)


# -- small pieces ----------------------------------------------------------------------------------------------------


def test_titles_are_written_as_the_language_does(movies):
    moon = movies.items["moon-2009"]
    assert write_title(moon, "en") == "Moon"
    assert write_title(moon, "zh") == "《月球》"


@pytest.mark.parametrize(
    ("words", "language", "last", "said"),
    [
        ([], "en", "and", ""),
        (["a"], "en", "and", "a"),
        (["a", "b"], "en", "and", "a and b"),
        (["a", "b", "c"], "en", "or", "a, b or c"),
        (["a", "b"], "en", "", "a, b"),
        (["a", "", "a", "b"], "en", "and", "a and b"),
        (["安静", "温暖"], "zh", "and", "安静、温暖"),
        (["《月球》", "《她》"], "zh", "", "《月球》《她》"),
        ([], "zh", "", ""),
    ],
)
def test_lists_of_words(words, language, last, said):
    assert join(words, language, last) == said


@pytest.mark.parametrize("n", range(11))
def test_every_count_that_a_reply_can_have_is_a_word(n):
    assert write_count(n, "en").isalpha()
    assert write_count(n, "zh") in "零一两三四五六七八九十"


# -- constraints in words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "english", "chinese"),
    [
        (HORROR, "no horror", "恐怖"),
        (Constraint("genres", "includes", "comedy"), "comedy", "喜剧"),
        (Constraint("genres", "any_of", ("comedy", "romance")), "comedy or romance", "喜剧"),
        (Constraint("year", "min", 1990), "1990", "1990年"),
        (Constraint("year", "max", 1999), "1999", "1999年"),
        (Constraint("runtime", "max", 120), "120 min", "120分钟"),
        (Constraint("runtime", "min", 90), "90 min", "90分钟"),
        (Constraint("people", "includes", "Zhang Yimou"), "Zhang Yimou", "张艺谋"),
        (Constraint("people", "excludes", "Tom Hanks"), "no Tom Hanks", "汤姆·汉克斯"),
        (Constraint("directors", "includes", "Wong Kar-wai"), "Wong Kar-wai", "王家卫"),
        (CHINESE, "Chinese", "Chinese"),
        (Constraint("themes", "excludes", "loneliness", "loneliness"), "no loneliness", "孤独"),
        (Constraint("age", "max", 6), "6", "6"),
    ],
)
def test_a_constraint_is_said_in_both_languages(speaker, constraint, english, chinese):
    assert english in speaker.describe_constraint(constraint, "en")
    assert chinese in speaker.describe_constraint(constraint, "zh")


def test_an_unknown_value_or_facet_is_said_as_it_is(speaker):
    assert "martian" in speaker.describe_constraint(Constraint("countries", "includes", "martian"), "en")
    assert "blue" in speaker.describe_constraint(Constraint("colour", "includes", "blue"), "en")
    assert speaker.value_label("people", "Nobody At All", "zh") == "Nobody At All"


# -- openings --------------------------------------------------------------------------------------------------------


def test_the_opening_counts_and_says_what_was_asked(speaker):
    asked = request(
        constraints=(HORROR, Constraint("year", "min", 1990), Constraint("year", "max", 1999)),
        wishes=(Wish("moods", "quiet", "quiet"),),
        liked=("interstellar-2014",),
    )
    said = opening(speaker, asked)
    assert said.startswith("Three films")
    for words in ("quiet", "1990–1999", "no horror", "Interstellar"):
        assert said.count(words) == 1
    assert said.endswith(".")


def test_the_opening_in_chinese(speaker):
    asked = request(
        "zh",
        constraints=(
            HORROR,
            Constraint("genres", "includes", "comedy"),
            Constraint("year", "min", 1990),
            Constraint("year", "max", 1999),
        ),
        wishes=(Wish("moods", "quiet", "安静"),),
        liked=("interstellar-2014",),
    )
    said = opening(speaker, asked)
    assert said.startswith("三部电影")
    for words in ("安静", "喜剧", "1990—1999年", "恐怖", "《星际穿越》"):
        assert said.count(words) == 1
    assert said.endswith("。")


def test_one_year_is_said_once(speaker):
    asked = request(constraints=(Constraint("year", "min", 1994), Constraint("year", "max", 1994)))
    assert opening(speaker, asked).count("1994") == 1


@pytest.mark.parametrize(("language", "noun"), [("en", "One film:"), ("zh", "一部电影")])
def test_one_item_is_said_in_the_singular(speaker, language, noun):
    asked = request(language, count=1, constraints=(HORROR,), query="x")
    assert opening(speaker, asked, found=1).startswith(noun)


def test_a_person_without_a_wish_is_met_by_their_history_or_asked_to_say_more(speaker):
    first = opening(speaker, request())
    known = opening(speaker, request(), profile=Profile("ann", liked=("moon-2009",)))
    assert "liked" in known
    assert first != known
    assert "喜欢" in opening(speaker, request("zh"), profile=Profile("ann", liked=("moon-2009",)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_too_few_items_are_called_few(speaker, language):
    said = opening(speaker, request(language, constraints=(HORROR,)), found=2)
    assert {"en": "Only two", "zh": "只有两部"}[language] in said


def test_too_few_items_of_a_wish_without_constraints_are_still_a_sentence(speaker):
    for language, end in (("en", "."), ("zh", "。")):
        said = opening(speaker, request(language, query="x", count=10), found=2)
        assert said.endswith(end)
        assert ": ." not in said
        assert "：。" not in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_relaxed_constraint_is_said(speaker, language):
    year = Constraint("year", "max", 1930)
    korean = Constraint("countries", "includes", "South Korea")
    said = opening(speaker, request(language, constraints=(korean, year)), relaxed=(year,))
    assert said.count("1930") == 2  # in what was asked, and in what was dropped
    assert {"en": "South Korea", "zh": "韩国"}[language] in said
    assert {"en": "Without", "zh": "放宽"}[language] in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_found_says_so_and_what_was_asked(speaker, language):
    asked = request(language, constraints=(HORROR, Constraint("year", "max", 1900)))
    said = opening(speaker, asked, found=0)
    assert {"en": "Nothing", "zh": "没有"}[language] in said
    assert "1900" in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_found_without_a_constraint_is_still_a_sentence(speaker, language):
    said = opening(speaker, request(language, query="x"), found=0)
    assert "is ." not in said
    assert "“”" not in said


def test_a_phrase_that_means_several_values_is_said_once(speaker):
    wishes = (Wish("moods", "warm", "heartwarming"), Wish("moods", "uplifting", "heartwarming"))
    said = opening(speaker, request(wishes=wishes))
    assert ("warm" in said) + ("uplifting" in said) == 1


# -- small talk ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["greeting", "thanks", "bye", "help"])
def test_small_talk_is_short_plain_and_in_the_language(speaker, language, name):
    said = speaker.chat(name, language)
    assert 0 < len(said) < 250
    assert not set("!！{}") & set(said)
    assert any("\u4e00" <= c <= "\u9fff" for c in said) == (language == "zh")


# -- questions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facets", "asked", "english", "chinese", "source"),
    [
        (("directors",), (), "Duncan Jones", "邓肯·琼斯", "card.directors"),
        (("runtime",), (), "97 min", "97分钟", "card.runtime"),
        (("cast",), (), "Sam Rockwell", "山姆·洛克威尔", "card.cast"),
        (("year",), (), "2009", "2009", "card.year"),
        (("genres",), (), "mystery", "悬疑", "card.genres"),
        (("countries",), (), "United Kingdom", "英国", "card.countries"),
        (("text",), (), "helium-3", "氦-3", "card.summary"),
        (("moods",), ("quiet",), "quiet", "安静", "card.moods"),
        (("moods",), ("sad",), "melancholic", "忧伤", "card.moods"),
        (("moods",), (), "melancholic", "忧伤", "card.moods"),
    ],
)
def test_an_answer_comes_from_the_card(speaker, movies, facets, asked, english, chinese, source):
    for language, words in (("en", english), ("zh", chinese)):
        text, sources = speaker.answer(movies.items["moon-2009"], facets, asked, language)
        assert words in text
        assert write_title(movies.items["moon-2009"], language) in text
        assert sources == (source,)


def test_yes_only_where_the_card_lists_it(speaker, movies):
    moon = movies.items["moon-2009"]
    assert speaker.answer(moon, ("moods",), ("quiet",), "en")[0].startswith("Yes")
    no = speaker.answer(moon, ("moods",), ("sad",), "en")[0]
    assert not no.startswith("Yes")
    assert "doesn't list" in no
    assert "sad" not in no


def test_what_the_card_does_not_hold_is_not_answered(speaker):
    bare = Item("bare", {"en": "Bare", "zh": "空"}, {}, {"year": 1999}, {})
    for facets in (("directors",), ("runtime",), ("text",), ("moods",)):
        text, _ = speaker.answer(bare, facets, (), "en")
        assert "does not say" in text
        assert "1999" in text


def test_an_answer_that_lists_facts_names_the_facts_it_lists_as_sources(speaker):
    bare = Item("bare", {"en": "Bare"}, {}, {"year": 1999}, {})
    _, sources = speaker.answer(bare, ("directors",), (), "en")
    assert sources == ("card.year",)


def test_when_nothing_is_left_the_reply_says_what_to_relax_and_what_that_brings(speaker):
    horror = Constraint("genres", "excludes", "horror")
    for language, said in (("en", "Without “no horror” there are 12"), ("zh", "放宽“不要恐怖”就有12个")):
        asked = request(language, constraints=(horror,))
        assert said in speaker.opening(asked, NOBODY, (horror,), (), 0, [(horror, 12)])
        assert "12" not in speaker.opening(asked, NOBODY, (horror,), (), 0)
