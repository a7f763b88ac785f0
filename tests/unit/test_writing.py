"""Reasons: the model's sentence where it is proved, one from the card where it is not, and what code adds."""

from __future__ import annotations

import re
import threading

import pytest

from chatbot.answers import Speaker
from chatbot.grounding import Grounder
from chatbot.lexicon import Lexicon
from chatbot.llm.scripted import ScriptedModel
from chatbot.types import Profile, Request
from chatbot.writing import MAX_WISH, Writer, by_nearness, description_sentences
from retrieval.errors import EngineError
from retrieval.titles import NameIndex
from retrieval.types import Item, Wish

GOOD = "Sam Bell has spent almost three years alone on the far side of the Moon."
GOOD_ZH = "山姆独自在月球背面值守了将近三年。"
QUIET = Request("recommend", "en", "something quiet, alone on the Moon", "something quiet, alone on the Moon")
QUIET_ZH = Request("recommend", "zh", "想看独自在月球值守的", "独自在月球值守的")
NOBODY = Profile("ann")


@pytest.fixture
def writer(movies):
    def make(script=(), **options):
        grounder = Grounder(
            movies.domain, NameIndex(movies.items.values(), movies.domain), Lexicon(movies.domain, movies.items.values())
        )
        model = (
            script
            if not isinstance(script, (str, tuple, list))
            else ScriptedModel([script] if isinstance(script, str) else script)
        )
        return Writer(model, movies.domain, movies.items, grounder, Speaker(movies.domain, movies.items))

    return make


@pytest.fixture
def moon(movies):
    return movies.items["moon-2009"]


@pytest.mark.parametrize(("request_", "sentence"), [(QUIET, GOOD), (QUIET_ZH, GOOD_ZH)])
def test_a_proved_sentence_of_the_model_is_taken_as_it_is(writer, moon, request_, sentence):
    [reason] = writer(sentence).write(moon, request_, NOBODY)
    assert (reason.text, reason.written_by) == (sentence, "model")
    assert reason.sources[0] == "card.summary"


@pytest.mark.parametrize(
    "answer",
    [
        GOOD + " You will love it.",
        GOOD + "\nInterstellar is better.",
        GOOD + " " + "and so on " * 200,
        "  " + GOOD,
    ],
)
def test_one_sentence_is_taken_and_no_more(writer, moon, answer):
    [reason] = writer(answer).write(moon, QUIET, NOBODY)
    assert reason.text == GOOD
    assert reason.written_by == "model"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "\n",
        "no full stop on the far side of the Moon",
        "Interstellar is the better film.",
        "A masterpiece, alone on the far side of the Moon.",
        "Is Sam Bell alone on the far side of the Moon?",
        "**Sam Bell** is alone on the far side of the Moon.",
        "山姆独自在月球背面值守了将近三年。",
        "Sam Bell fights dragons in a castle of ice and fire.",
        "word " * 500,
        "🙂🙂🙂.",
    ],
)
def test_a_sentence_that_is_not_proved_gives_place_to_one_of_the_card(writer, moon, answer):
    [reason] = writer(answer).write(moon, QUIET, NOBODY)
    assert reason.written_by == "template"
    assert reason.text in moon.text("en")
    assert reason.text.endswith(".")
    assert reason.sources == ("card.summary",)


def test_a_model_that_fails_gives_place_to_the_card(writer, moon):
    class Broken(ScriptedModel):
        def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
            yield "Sam Bell "
            raise EngineError("out of memory")

    [reason] = writer(Broken()).write(moon, QUIET, NOBODY)
    assert reason.written_by == "template"
    assert reason.text in moon.text("en")


def test_a_sentence_that_opens_like_another_of_the_reply_is_not_taken(writer, moon):
    [reason] = writer(GOOD).write(moon, QUIET, NOBODY, said=["Sam Bell goes home."])
    assert reason.written_by == "template"
    [reason] = writer(GOOD_ZH).write(moon, QUIET_ZH, NOBODY, said=["山姆独自回家。"])
    assert reason.written_by == "template"
    [reason] = writer(GOOD).write(moon, QUIET, NOBODY, said=["Sammy Bellows goes home."])
    assert reason.written_by == "model"


def test_the_sentence_of_the_card_is_the_nearest_to_the_wish(writer, moon):
    wish = "a rover crash makes him doubt his memory"
    [reason] = writer().write(moon, Request("recommend", "en", wish, wish), NOBODY)
    assert "rover crash" in reason.text


def test_the_sentence_of_the_card_does_not_open_like_another_of_the_reply(writer, moon):
    said = [moon.text("en").split(". ")[0] + "."]
    [reason] = writer().write(moon, QUIET, NOBODY, said=said)
    assert reason.text.split()[:2] != said[0].split()[:2]


def test_an_item_without_a_description_is_told_by_its_facts(writer, moon):
    bare = Item("bare", {"en": "Bare"}, {}, moon.facets, moon.labels)
    [reason] = writer("").write(bare, QUIET, NOBODY)
    assert "Bare" in reason.text
    assert "2009" in reason.text
    assert "card.year" in reason.sources
    assert "card.summary" not in reason.sources


def test_an_item_of_which_only_the_title_is_known_still_has_a_reason(writer):
    [reason] = writer("").write(Item("bare", {"en": "Bare"}, {}, {}, {}), QUIET, NOBODY)
    assert "Bare" in reason.text
    assert reason.sources == ("card.title",)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_granted_wishes_are_said_by_code_with_their_sources(writer, moon, language):
    wishes = (Wish("moods", "quiet", "quiet"), Wish("moods", "funny", "funny"), Wish("themes", "loneliness", "loneliness"))
    request = Request("recommend", language, "x", "x", wishes=wishes)
    _, fit = writer().write(moon, request, NOBODY)
    assert {"en": "quiet", "zh": "安静"}[language] in fit.text
    assert {"en": "funny", "zh": "好笑"}[language] not in fit.text
    assert fit.sources == ("card.moods", "user.message")
    assert fit.written_by == "template"


def test_granted_wishes_are_said_differently_for_each_item(writer, moon):
    request = Request("recommend", "en", "x", "x", wishes=(Wish("moods", "quiet", "quiet"),))
    texts = [list(writer().write(moon, request, NOBODY, said=["a."] * n))[1].text for n in range(3)]
    assert len(set(texts)) == 3


def test_wishes_that_the_item_does_not_grant_are_not_mentioned(writer, moon):
    request = Request("recommend", "en", "x", "x", wishes=(Wish("moods", "funny", "funny"),))
    assert len(list(writer().write(moon, request, NOBODY))) == 1


def test_what_it_shares_with_an_item_the_person_named_rests_on_their_message(writer, moon):
    request = Request("recommend", "en", "like Her", "x", liked=("her-2013",))
    _, fit = writer().write(moon, request, Profile("ann", liked=("solaris-1972",)))
    assert "Her" in fit.text
    assert "loneliness" in fit.text
    assert fit.sources == ("card.themes", "user.message")


@pytest.mark.parametrize(("language", "title", "theme"), [("en", "Her", "loneliness"), ("zh", "《她》", "孤独")])
def test_what_it_shares_with_an_item_liked_before_rests_on_the_history(writer, moon, language, title, theme):
    request = Request("recommend", language, "x", "x")
    _, fit = writer().write(moon, request, Profile("ann", liked=("her-2013",)))
    assert title in fit.text
    assert theme in fit.text
    assert fit.sources == ("card.themes", "history.her-2013")


def test_people_may_be_what_two_items_share(writer, movies):
    request = Request("recommend", "en", "x", "x", liked=("raise-the-red-lantern-1991",))
    _, fit = writer().write(movies.items["hero-2002"], request, NOBODY)
    assert "Zhang Yimou" in fit.text


def test_the_latest_like_is_told_first_and_unknown_ones_are_passed_over(writer, moon):
    request = Request("recommend", "en", "x", "x")
    _, fit = writer().write(moon, request, Profile("ann", liked=("solaris-1972", "her-2013", "gone-1900", "moon-2009")))
    assert fit.sources[1] == "history.her-2013"


def test_after_cancel_nothing_is_added(writer, moon):
    cancel = threading.Event()
    cancel.set()
    request = Request("recommend", "en", "x", "x", wishes=(Wish("moods", "quiet", "quiet"),))
    reasons = list(writer(GOOD).write(moon, request, NOBODY, cancel=cancel))
    assert len(reasons) <= 1
    assert all(reason.written_by == "template" for reason in reasons)


# -- the prompt ------------------------------------------------------------------------------------------------------


def test_the_prompt_is_the_same_up_to_the_card(writer, movies, moon):
    a = writer().prompt(moon, QUIET)
    b = writer().prompt(movies.items["her-2013"], Request("recommend", "en", "y", "y"))
    assert (a.system, a.examples) == (b.system, b.examples)
    assert a.user != b.user
    assert len(a.examples) == 1


def test_the_prompt_holds_the_card_the_wish_and_the_wish_before(writer, moon):
    request = Request("refine", "en", "shorter", "shorter", context=("about space", "quiet"))
    user = writer().prompt(moon, request).user
    assert "Moon" in user
    assert "2009" in user
    assert "quiet; about space; shorter" in user


def test_the_prompt_of_a_long_message_stays_short(writer, moon):
    user = writer().prompt(moon, Request("recommend", "en", "w" * 4000, "w" * 4000)).user
    assert "w" * MAX_WISH in user
    assert "w" * (MAX_WISH + 1) not in user


def test_a_message_without_a_wish_is_given_as_it_is(writer, moon):
    assert "I loved Her" in writer().prompt(moon, Request("react", "en", "I loved Her")).user


def test_the_model_reads_the_nearest_lines_alone(writer, movies):
    item = movies.items["the-cabinet-of-dr-caligari-1920"]
    card = writer().short_card(item, Request("recommend", "en", "the woman both friends love", "the woman both friends love"))
    head, body = card.split("\n")
    assert head.startswith("The Cabinet of Dr. Caligari")
    assert "woman both friends love" in body
    assert len(body) < len(item.text("en"))


# -- sentences -------------------------------------------------------------------------------------------------------


def nearest(text, wish, language="en", **more):
    sentences = description_sentences(text, language)
    return [sentences[n] for n in by_nearness(sentences, wish, language, **more)]


def test_the_nearest_sentence_comes_first_and_the_first_on_a_tie():
    text = "A cat sleeps. A dog runs. A bird sings at dawn."
    assert nearest(text, "dawn") == ["A bird sings at dawn.", "A cat sleeps.", "A dog runs."]
    assert nearest(text, "")[0] == "A cat sleeps."
    assert nearest("猫在睡觉。狗在奔跑。鸟在清晨歌唱。", "清晨", "zh")[0] == "鸟在清晨歌唱。"


def test_what_every_item_is_makes_no_sentence_nearer():
    text = "A cook serves an old family. Only Roger, a film producer, is left in town."
    assert nearest(text, "a film about food")[0].startswith("Only Roger")
    assert nearest(text, "a film about food", ignore="film films")[0].startswith("A cook")


def test_a_sentence_that_may_point_at_nobody_comes_later():
    text = "A cook serves an old family. Roger lives with her in the city."
    assert nearest(text, "city")[0].startswith("A cook")
    assert nearest(text, "city lives")[0].startswith("Roger")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_text_without_a_full_stop_is_one_sentence(language):
    assert description_sentences("no end", language) == ["no end"]
    assert description_sentences("", language) == []


def test_a_title_or_an_initial_ends_no_sentence():
    text = "A man named Dr. Caligari comes to the fair. He meets Mr. J. Smith and Mrs. Jones of St. Louis."
    assert description_sentences(text, "en") == [
        "A man named Dr. Caligari comes to the fair.",
        "He meets Mr. J. Smith and Mrs. Jones of St. Louis.",
    ]


def test_every_sentence_of_the_catalogue_is_whole(movies):
    """A sentence that ends within a name would be shown as a reason."""
    cut = re.compile(r"^[^A-Z0-9\"'“‘]|\b(?:Dr|Mr|Mrs|Ms|St|Jr|[A-Z])\.$")
    sentences = [(i, s) for i, item in movies.items.items() for s in description_sentences(item.text("en"), "en")]
    broken = [(i, s) for i, s in sentences if cut.search(s)]
    assert broken == []
