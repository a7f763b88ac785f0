"""Items beside each other, from their cards alone."""

from __future__ import annotations

import pytest

from chatbot.answers import Speaker
from chatbot.comparing import Comparison, measure_asked
from retrieval.types import Item, Wish

HEAT, HER, MOON = "heat-1995", "her-2013", "moon-2009"


@pytest.fixture
def beside(movies):
    """Ask about films: beside(language, text, ids, facets, asked) -> (text, sources)."""

    def ask(language, text, ids=(HEAT, HER), facets=(), asked=(), more=()):
        items = [*(movies.items[i] for i in ids), *more]
        return Comparison(items, movies.domain, Speaker(movies.domain, movies.items), language).answer(text, facets, asked)

    return ask


BARE = Item("bare", {"en": "Bare", "zh": "空"}, {}, {"year": 1990}, {})


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("en", "which is longer, Heat or Her?", "Heat is longer: Heat 170 min, Her 126 min."),
        ("en", "which one is shorter?", "Her is shorter: Heat 170 min, Her 126 min."),
        ("en", "which is newer?", "Her is newer: Heat 1995, Her 2013."),
        ("en", "which is the oldest", "Heat is the oldest: Heat 1995, Her 2013."),
        ("zh", "《盗火线》和《她》哪个更长？", "《盗火线》更长：《盗火线》170分钟，《她》126分钟。"),
        ("zh", "哪个长？", "《盗火线》更长：《盗火线》170分钟，《她》126分钟。"),
        ("zh", "哪部最新", "《她》最新：《盗火线》1995，《她》2013。"),
    ],
)
def test_a_number_is_answered_with_every_value(movies, beside, language, text, said):
    told, sources = beside(language, text)
    assert told == said.replace("《盗火线》", f"《{movies.items[HEAT].title('zh')}》")
    assert sources in (("card.runtime",), ("card.year",))


@pytest.mark.parametrize(
    "text", ["how do Heat and Her differ?", "《盗火线》和《她》有什么不同", "长片和短片", "which one should I take"]
)
def test_what_compares_no_number_is_not_read_as_one(movies, text):
    assert measure_asked(text, "zh" if "有" in text or "长" in text else "en", movies.domain) is None


def test_equal_numbers_are_called_alike(movies, beside):
    twin = Item("twin", {"en": "Twin"}, {}, {"runtime": 170}, {})
    assert beside("en", "which is longer?", (HEAT,), more=(twin,))[0] == "There they are alike: length 170 min."
    told, _ = beside("en", "which is the longest?", (HEAT, HER), more=(twin,))
    assert told == "Length: Heat 170 min, Her 126 min, Twin 170 min."


def test_an_unknown_value_is_said_to_be_unknown_and_decides_nothing(beside):
    told, _ = beside("en", "which is longer?", (HEAT,), more=(BARE,))
    assert told == "Length: Heat 170 min. The card of Bare doesn't give the length."
    told, _ = beside("zh", "哪个更长", (HEAT, HER), more=(BARE,))
    assert "《空》的卡片上没有写片长。" in told
    assert "更长：" in told
    told, _ = beside("en", "which is longer?", (), more=(BARE, BARE))
    assert told == "The card of Bare doesn't give the length."


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("tense", "Of these, the card of Heat lists tense."),
        ("melancholic", "The cards of Heat and Her list melancholic."),
        ("funny", "None of these cards lists funny."),
    ],
)
def test_a_mood_is_answered_from_what_each_card_lists(beside, value, said):
    told, sources = beside("en", "which is more so?", asked=(Wish("moods", value, "x"),))
    first, second = told.split("\n")
    assert first == said
    assert second.startswith("Moods: Heat: tense, ")
    assert "; Her: romantic, " in second
    assert sources == ("card.moods",)


def test_a_mood_in_chinese(beside):
    told, _ = beside("zh", "哪个更紧张", asked=(Wish("moods", "tense", "紧张"),))
    assert "的卡片上写着紧张。\n氛围：" in told


def test_a_facet_is_answered_with_what_each_card_has(beside):
    assert beside("en", "who directed them?", facets=("directors",)) == (
        "Director: Heat Michael Mann, Her Spike Jonze.",
        ("card.directors",),
    )
    assert beside("en", "compare their moods", facets=("moods",))[0].startswith("Moods: Heat: ")
    assert "导演：" in beside("zh", "导演分别是谁", facets=("directors",))[0]


def test_vague_words_for_a_mood_ask_for_the_difference(beside):
    assert "What they share" in beside("en", "how is Heat different from Her?", facets=("moods",))[0]


def test_what_they_are_about_is_told_of_each(beside):
    told, sources = beside("en", "what are they about?", facets=("text",))
    assert [line.split(":")[0] for line in told.split("\n")] == ["Heat", "Her"]
    assert sources == ("card.summary",)


@pytest.mark.parametrize(("language", "shared"), [("en", "What they share: "), ("zh", "相同的是：")])
def test_the_difference_is_at_most_four_clauses_an_item_and_what_is_shared(beside, movies, language, shared):
    told, sources = beside(language, "how do they differ?")
    first, second, last = told.split("\n")
    for line, item in ((first, HEAT), (second, HER)):
        assert movies.items[item].title(language) in line
        assert len(line.split("；" if language == "zh" else "; ")) <= 4
    assert last.startswith(shared)
    assert {"card.year", "card.runtime", "card.genres", "card.moods"} <= set(sources)


def test_what_is_shared_is_not_told_as_a_difference(beside, movies):
    told, _ = beside("en", "how do they differ?")
    first, second, last = told.split("\n")
    for value in set(movies.items[HEAT].values("genres")) & set(movies.items[HER].values("genres")):
        assert value in last
        assert value not in first + second


def test_a_difference_in_what_is_not_known_says_so(beside):
    told, _ = beside("en", "how do they differ?", (HEAT,), more=(BARE,))
    assert "length unknown" in told
    assert "片长不详" in beside("zh", "有什么不同", (HEAT,), more=(BARE,))[0]


def test_the_same_card_twice_has_nothing_to_tell_apart(beside):
    told, _ = beside("en", "how do they differ?", (HEAT, HEAT))
    assert told.startswith("Going by their cards")
    assert "What they share: 1995; 170 min" in told


def test_more_than_four_are_not_held_apart(beside, movies):
    told, _ = beside("en", "which is the longest?", tuple(movies.items)[:7])
    assert told.count(" min") == 4
