"""The films catalogue that ships: complete, well typed, without repeats, written in our own words."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict

import pytest

from retrieval.domain_files import DOMAINS

CHINESE = {"Mandarin", "Cantonese", "Hokkien", "Hakka", "Shanghainese", "Sichuanese", "Jin Chinese", "Teochew", "Tibetan"}
TEXTS = ["id", "title_en", "title_zh", "title_original", "summary_en", "summary_zh"]
LISTS = ["genres", "directors", "directors_zh", "cast", "cast_zh", "countries", "languages", "moods", "themes_en", "themes_zh"]
NUMBERS = ["year", "runtime", "age"]
NO_CAST = {"flow-2024"}  # animals without voices
NAMESAKES = {"Zhang Lei"}  # 张垒 of Kekexili, 张磊 who voices the Monkey King
AGES = {0, 3, 6, 8, 10, 12, 13, 14, 15, 16, 18}


@pytest.fixture(scope="module")
def films():
    with (DOMAINS / "movies" / "catalogue.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def han(text):
    return re.findall(r"[\u3400-\u9fff]", text)


def test_there_are_enough_films_of_every_kind(films):
    assert len(films) >= 300
    assert sum(film["languages"][0] != "English" for film in films) >= len(films) / 3
    chinese = [film for film in films if film["languages"][0] in CHINESE]
    assert len(chinese) >= 60
    for place in ("China", "Hong Kong", "Taiwan"):
        assert sum(place in film["countries"] for film in chinese) >= 10


def test_years_run_from_1920_to_2025_and_every_decade_is_there(films):
    years = [film["year"] for film in films]
    assert min(years) == 1920
    assert max(years) == 2025
    assert {year // 10 for year in years} == set(range(192, 203))


def test_every_film_has_every_field_of_its_type_and_no_other(films):
    faults = []
    for film in films:
        faults += [(film.get("id"), "fields", sorted(film.keys() ^ {*TEXTS, *LISTS, *NUMBERS}))] if len(film) != 19 else []
        faults += [(film["id"], f) for f in TEXTS if not isinstance(film[f], str) or not film[f] or film[f] != film[f].strip()]
        faults += [(film["id"], f) for f in NUMBERS if type(film[f]) is not int]
        for field in LISTS:
            values = film[field]
            well = isinstance(values, list) and all(isinstance(v, str) and v and v == v.strip() for v in values)
            empty = not values and not (field.startswith("cast") and film["id"] in NO_CAST)
            if not well or empty or len(set(values)) != len(values):
                faults.append((film["id"], field, values))
    assert faults == []


def test_lengths_and_ages_are_sensible(films):
    assert [film["id"] for film in films if not 40 <= film["runtime"] <= 460] == []
    assert [(film["id"], film["age"]) for film in films if film["age"] not in AGES] == []


def test_ids_are_unique_plain_and_end_with_the_year(films):
    counts = Counter(film["id"] for film in films)
    assert [name for name, count in counts.items() if count > 1] == []
    wrong = [film["id"] for film in films if not re.fullmatch(rf"[a-z0-9]+(-[a-z0-9]+)*-{film['year']}", film["id"])]
    assert wrong == []


@pytest.mark.parametrize("field", ["title_en", "title_zh", "title_original"])
def test_no_two_films_share_title_and_year(films, field):
    counts = Counter((film[field].casefold(), film["year"]) for film in films)
    assert [key for key, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("field", ["directors", "cast", "themes_en"])
def test_lists_of_both_languages_are_parallel(films, field):
    other = field.replace("_en", "") + "_zh"
    assert [film["id"] for film in films if len(film[field]) != len(film[other])] == []


def test_one_person_has_one_name_in_each_language(films):
    chinese, english = defaultdict(set), defaultdict(set)
    for film in films:
        for one, other in zip(film["directors"] + film["cast"], film["directors_zh"] + film["cast_zh"], strict=True):
            chinese[one].add(other)
            english[other].add(one)
    assert {name: others for name, others in chinese.items() if len(others) > 1 and name not in NAMESAKES} == {}
    assert {name: others for name, others in english.items() if len(others) > 1} == {}


def test_chinese_fields_are_written_in_chinese(films):
    plain = {"RRR"}  # shown under this name in China too
    faults = [(film["id"], film["title_zh"]) for film in films if not han(film["title_zh"]) and film["title_zh"] not in plain]
    for film in films:
        for field in ("directors_zh", "cast_zh", "themes_zh"):
            faults += [(film["id"], field, value) for value in film[field] if not han(value)]
        for field in ("directors", "cast", "themes_en", "title_en", "summary_en"):
            values = film[field] if isinstance(film[field], list) else [film[field]]
            faults += [(film["id"], field, value) for value in values if han(value)]
    assert faults == []


@pytest.mark.parametrize("facet", ["genres", "moods", "countries", "languages"])
def test_every_value_has_words_in_both_languages(films, movies_domain, facet):
    values = {value for film in films for value in film[facet]}
    assert sorted(values - movies_domain.facets[facet].values.keys()) == []
    for value in values:
        assert han(movies_domain.value_label(facet, value, "zh")), value
        assert not han(movies_domain.value_label(facet, value, "en")), value


def test_english_summaries_have_40_to_80_words(films):
    assert [(film["id"], n) for film in films if not 40 <= (n := len(film["summary_en"].split())) <= 80] == []


def test_chinese_summaries_have_60_to_150_characters(films):
    assert [(film["id"], n) for film in films if not 60 <= (n := len(han(film["summary_zh"]))) <= 150] == []


def test_summaries_end_with_a_full_stop(films):
    assert [film["id"] for film in films if film["summary_en"][-1] not in ".?!\"”'"] == []
    assert [film["id"] for film in films if film["summary_zh"][-1] not in "。？！”…"] == []


def test_chinese_summaries_use_full_width_signs(films):
    # half-width signs may stand inside Latin names and numbers alone ("T. S. Eliot", "3.5")
    half = re.compile(r"[\u3400-\u9fff][,;:!?()\"'.]|[,;:!?()\"'][\u3400-\u9fff]|[\u3400-\u9fff] +[\u3400-\u9fff]| $")
    assert [(film["id"], half.findall(film["summary_zh"])) for film in films if half.search(film["summary_zh"])] == []


def test_english_summaries_use_no_full_width_signs(films):
    wide = re.compile(r"[\u3000-\u303f\uff00-\uffef]|  ")
    assert [film["id"] for film in films if wide.search(film["summary_en"])] == []


def runs(text, size, language):
    pieces = re.findall(r"[a-z0-9']+", text.lower().replace("’", "'")) if language == "en" else re.findall(r"\w", text)
    return {tuple(pieces[n : n + size]) for n in range(len(pieces) - size + 1)}


@pytest.mark.parametrize(("language", "size"), [("en", 8), ("zh", 14)])
def test_no_summary_repeats_a_stretch_of_another(films, language, size):
    seen: dict[tuple[str, ...], str] = {}
    repeated = []
    for film in films:
        for run in runs(film[f"summary_{language}"], size, language):
            if run in seen:
                repeated.append((seen[run], film["id"], (" " if language == "en" else "").join(run)))
            seen[run] = film["id"]
    assert repeated == []


def test_a_repeated_stretch_would_be_seen():
    text = "A showman brings a strange act to the fair of the town."
    assert runs(text, 8, "en") & runs("Then a SHOWMAN brings a strange act to the fair!", 8, "en")
    assert runs("小镇霍尔斯滕瓦尔办起集市，卡里加里", 14, "zh") & runs("在小镇霍尔斯滕瓦尔办起集市，卡里", 14, "zh")


def test_summaries_tell_the_story_and_do_not_speak_of_the_film(films):
    words = re.compile(
        r"\b(?:this|the) (?:film|movie) (?:is|was|tells|follows)\b|directed by|starring|本片|该片|影片讲述|执导", re.I
    )
    found = [(film["id"], words.findall(film["summary_en"] + film["summary_zh"])) for film in films]
    assert [(name, hits) for name, hits in found if hits] == []
