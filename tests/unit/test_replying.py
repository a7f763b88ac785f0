"""What is said without a model, in both languages."""

from __future__ import annotations

import pytest

from chatbot.answers import Speaker
from chatbot.clarifying import Clarification
from chatbot.replying import Replier, forgettable
from chatbot.types import Profile, Request
from retrieval.types import Constraint

NOBODY = Profile("ann")
SHOWN = ("heat-1995", "her-2013", "moon-2009")
HAN = range(0x4E00, 0xA000)


@pytest.fixture
def replier(movies):
    return Replier(movies.domain, movies.items, Speaker(movies.domain, movies.items))


def request(intent, language="en", **values):
    return Request(intent, language, values.pop("text", "x"), **values)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("action", "opening"),
    [
        *(("chat", name) for name in ("greeting", "thanks", "bye", "help", "ok", "")),
        *(("out_of_scope", name) for name in ("other", "instructions", "")),
        *(("unsafe", name) for name in ("self_harm", "harm", "")),
        *(("profile", name) for name in ("show", "forget", "erase", "")),
    ],
)
def test_every_reply_is_plain_short_and_in_its_language(replier, language, action, opening):
    reply = replier.reply(action, request(action, language, opening=opening), NOBODY)
    assert 0 < len(reply.text) < 330
    assert len(reply.text.split("\n")) <= 3
    assert not set("!！{}") & set(reply.text)
    assert any(ord(c) in HAN for c in reply.text) == (language == "zh")
    assert reply.question is None


@pytest.mark.parametrize(
    ("language", "text", "options"),
    [
        ("en", "Which do you mean: Heat, Her or Moon?", ("Heat", "Her", "Moon")),
        ("zh", "你说的是《盗火线》、《她》还是《月球》？", ("《盗火线》", "《她》", "《月球》")),
    ],
)
def test_which_item_is_meant_is_asked_with_their_titles(movies, replier, language, text, options):
    heat = movies.items["heat-1995"].title("zh")
    reply = replier.reply("which", request("ask_item", language, ambiguous=SHOWN), NOBODY)
    assert reply.text == text.replace("盗火线", heat)
    assert reply.question.about == "reference"
    assert reply.question.options == tuple(option.replace("盗火线", heat) for option in options)
    assert reply.question.values == SHOWN


def test_no_more_than_four_items_are_named(movies, replier):
    reply = replier.reply("which", request("ask_item", ambiguous=tuple(movies.items)[:9]), NOBODY)
    assert len(reply.question.options) == 4


def decade(year):
    return (Constraint("year", "min", year), Constraint("year", "max", year + 9))


@pytest.mark.parametrize(
    ("about", "options", "english", "chinese", "values"),
    [
        (
            "moods",
            tuple((Constraint("moods", "includes", value),) for value in ("quiet", "funny", "tense")),
            ("quiet", "funny", "tense"),
            ("安静", "好笑", "紧张"),
            ("quiet", "funny", "tense"),
        ),
        ("year", (decade(1990), decade(2010)), ("1990s", "2010s"), ("1990年代", "2010年代"), (1990, 2010)),
        (
            "runtime",
            ((Constraint("runtime", "max", 110),), (Constraint("runtime", "min", 110),)),
            ("at most 110 min", "at least 110 min"),
            ("不超过110分钟", "至少110分钟"),
            (110, 110),
        ),
    ],
)
def test_a_question_about_a_facet_offers_its_options(replier, about, options, english, chinese, values):
    found = Clarification(about, options, 1.5)
    for language, labels, word in (("en", english, " or "), ("zh", chinese, "还是")):
        reply = replier.clarify(found, language)
        assert reply.question.about == about
        assert reply.question.options == labels
        assert reply.question.values == values
        assert all(label in reply.text for label in labels)
        assert f"{word}{labels[-1]}" in reply.text
        assert "1.50 bits" in reply.note


def test_every_option_is_understood_when_it_is_sent_back(movies, pipeline):
    """The buttons send their words as a message: the words must mean what they offer."""
    from chatbot.clarifying import clarify
    from chatbot.types import Conversation
    from retrieval.types import Candidate

    candidates = [Candidate(item, 0.0) for item in movies.items.values()][::6][:60]
    replier = pipeline._replier
    asked = []
    while found := clarify(candidates, movies.domain, asked):
        asked.append(found.about)
        for language in ("en", "zh"):
            question = replier.clarify(found, language).question
            for label, option in zip(question.options, found.options, strict=True):
                read = pipeline._understanding.read(label, Conversation("c", "ann"), language)
                got = {(c.field, c.op, c.value) for c in read.constraints} | {
                    (w.field, "includes", w.value) for w in read.wishes
                }
                assert {(c.field, c.op, c.value) for c in option} <= got, (label, got)
    assert len(asked) >= 4


# -- questions about items ------------------------------------------------------------------------------------------------


def test_a_question_about_one_item_and_about_two(replier):
    one = replier.reply("answer", request("ask_item", text="how long is Heat?", named=("heat-1995",)), NOBODY)
    assert "170 min" in one.text
    assert one.note == "answered from heat-1995: card.runtime"
    two = replier.reply("compare", request("compare", text="which is longer?", named=("heat-1995", "her-2013")), NOBODY)
    assert two.text == "Heat is longer: Heat 170 min, Her 126 min."
    assert two.note == "compared heat-1995, her-2013: card.runtime"


def test_after_two_questions_the_first_that_could_be_meant_is_answered_about(replier):
    reply = replier.reply("answer", request("ask_item", text="how long is it?", ambiguous=SHOWN), NOBODY)
    assert "Heat" in reply.text


@pytest.mark.parametrize(("language", "words"), [("en", "Which film"), ("zh", "哪部电影")])
def test_a_question_about_nothing_known_asks_for_a_title(replier, language, words):
    assert words in replier.reply("answer", request("ask_item", language), NOBODY).text


@pytest.mark.parametrize(("language", "words"), [("en", "Which films"), ("zh", "哪几部电影")])
def test_a_comparison_of_one_asks_for_the_others(replier, language, words):
    reply = replier.reply("answer", request("compare", language, named=("heat-1995",)), NOBODY)
    assert words in reply.text


# -- what is kept of a person ----------------------------------------------------------------------------------------------

KNOWN = Profile("ann", liked=("heat-1995",), disliked=("her-2013",), seen=("heat-1995", "moon-2009"))


def test_what_is_kept_is_told_in_three_lines(replier):
    told = replier.reply("profile", request("profile", opening="show"), KNOWN).text
    assert told.split("\n") == [
        "You like Heat.",
        "Not for you: Her.",
        "You have seen Moon and Heat. The buttons on each card change this; a second press takes a mark back.",
    ]
    chinese = replier.reply("profile", request("profile", "zh", opening="show"), KNOWN).text
    assert len(chinese.split("\n")) == 3
    assert "《月球》" in chinese
    assert "按钮" in chinese


def test_many_titles_are_counted_not_listed(movies, replier):
    profile = Profile("ann", seen=tuple(movies.items)[:17])
    assert "and 12 more" in replier.reply("profile", request("profile", opening="show"), profile).text
    assert "另有12部" in replier.reply("profile", request("profile", "zh", opening="show"), profile).text


def test_items_that_left_the_catalogue_are_not_told(replier):
    told = replier.reply("profile", request("profile", opening="show"), Profile("ann", liked=("gone",))).text
    assert told.startswith("Nothing yet")


def test_what_is_forgotten_is_confirmed_by_title(replier):
    forget = request("profile", opening="forget", named=("heat-1995",))
    assert forgettable(forget, KNOWN) == ("heat-1995",)
    assert replier.reply("profile", forget, KNOWN).text == "Forgotten: what you said of Heat no longer counts."
    assert replier.reply("profile", forget, NOBODY).text == "Nothing was kept about Heat."
    assert forgettable(forget, NOBODY) == ()
    assert forgettable(request("ask_item", named=("heat-1995",)), KNOWN) == ()


def test_erasing_is_not_done_by_a_sentence_and_says_how_it_is_done(replier):
    for language in ("en", "zh"):
        assert "profile erase" in replier.reply("profile", request("profile", language, opening="erase"), KNOWN).text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_danger_is_met_with_people_who_can_help_and_no_number(replier, language):
    told = replier.reply("unsafe", request("unsafe", language, opening="self_harm"), NOBODY).text
    assert not any(c.isdigit() for c in told)
    assert {"en": "emergency number", "zh": "急救电话"}[language] in told
