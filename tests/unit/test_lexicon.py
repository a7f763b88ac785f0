"""The words for facet values: which count only where they are wished for, or refused, and which never."""

from __future__ import annotations

import pytest

from chatbot.lexicon import Lexicon
from chatbot.types import Conversation
from chatbot.understanding import Understanding
from retrieval.domain import LANGUAGES
from retrieval.facet import Words
from retrieval.types import Constraint

NOBODY = Conversation("c", "ann")
# they mean two values of one facet: a romcom is a comedy and a love story
BOTH = ("rom", "blood and guts", "graphic violence", "sexual violence", "heart", "血腥", "虐杀", "爱情", "浪漫喜剧")


@pytest.fixture(scope="module")
def reader(movies):
    return Understanding(movies.domain, movies.items)


def said(reader, text):
    request = reader.read(text, NOBODY)
    return {f"{c.field} {c.op} {c.value}" for c in request.constraints if c.field != "themes"}


@pytest.mark.parametrize(
    ("wish", "refusal", "value"),
    [
        ("a mafia film", "no mafia", "crime"),
        ("a zombie film", "nothing with zombies", "horror"),
        ("来部僵尸片", "不要僵尸", "horror"),
        ("想看缉毒的", "不要缉毒的", "crime"),
    ],
)
def test_a_word_for_a_narrower_subject_asks_for_the_genre_and_never_refuses_it(reader, wish, refusal, value):
    assert said(reader, wish) == {f"genres includes {value}"}
    assert said(reader, refusal) == set()
    assert said(reader, "no horror" if value == "horror" else "no crime films") == {f"genres excludes {value}"}


def test_refusing_a_narrower_subject_leaves_the_genre_that_was_asked_for(reader):
    assert said(reader, "a crime film, but no mafia") == {"genres includes crime"}


def test_a_narrower_subject_that_is_a_theme_is_refused_as_a_theme(reader):
    assert Constraint("themes", "excludes", "zombies", "zombies") in reader.read("no zombies", NOBODY).constraints


def test_words_that_suggest_a_refusal_count_only_in_one(reader):
    assert said(reader, "nothing gloomy") == {"moods excludes bleak"}
    assert not reader.read("a gloomy day, recommend a comedy", NOBODY).wishes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("with English subtitles, something French", {"countries includes France"}),
        ("post-war Italian cinema", {"countries includes Italy"}),
        ("real quick, a comedy", {"genres includes comedy"}),
        ("强烈推荐一部科幻", {"genres includes science-fiction"}),
        ("别老是美国的", {"countries excludes United States"}),
    ],
)
def test_phrases_that_only_hold_a_word_of_a_facet_mean_nothing(reader, text, expected):
    assert said(reader, text) == expected
    assert not reader.read(text, NOBODY).wishes


def test_an_idle_phrase_never_takes_the_place_of_a_value(movies):
    lexicon = Lexicon(movies.domain, movies.items.values())
    assert [target.facet for match in lexicon.find("成长", "zh") for target in match.targets] == ["themes"]


def test_a_phrase_stands_for_one_value_of_a_facet(movies):
    for name, facet in movies.domain.facets.items():
        for language in LANGUAGES:
            found: dict[str, str] = {}
            for value, words in facet.values.items():
                for phrase in {p.lower() for kind in ("", "not_", "wanted_") for p in getattr(words, f"{kind}{language}")}:
                    if not phrase.startswith(BOTH):
                        assert found.setdefault(phrase, value) == value, (name, phrase)


def test_a_narrower_word_in_a_table_is_the_value(movies):
    assert movies.domain.facets["genres"].canonical["zombie"] == "horror"


def test_a_narrower_word_is_never_shown():
    assert Words(wanted_en=("mafia",)).label("en") is None
