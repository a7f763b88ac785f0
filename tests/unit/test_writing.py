"""Reasons: the model's sentence where it is proved, one from the card where it is not, and what code adds."""

from __future__ import annotations

import re
import threading

import pytest

from chatbot.grounding import Grounder
from chatbot.lexicon import Lexicon
from chatbot.llm.scripted import ScriptedModel
from chatbot.statements import description_sentences
from chatbot.types import Request
from chatbot.writing import Writer, by_nearness, understood
from retrieval.errors import EngineError
from retrieval.titles import NameIndex
from retrieval.types import Item

GOOD = "Sam Bell has spent almost three years alone on the far side of the Moon."
GOOD_ZH = "山姆独自在月球背面值守了将近三年。"
QUIET = Request("recommend", "en", "something quiet, alone on the Moon", "something quiet, alone on the Moon")
QUIET_ZH = Request("recommend", "zh", "想看独自在月球值守的", "独自在月球值守的")


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
        return Writer(model, movies.domain, grounder)

    return make


@pytest.fixture
def moon(movies):
    return movies.items["moon-2009"]


@pytest.mark.parametrize(("request_", "sentence"), [(QUIET, GOOD), (QUIET_ZH, GOOD_ZH)])
def test_a_proved_sentence_of_the_model_is_taken_as_it_is(writer, moon, request_, sentence):
    reason = writer(sentence).describe(moon, request_)
    assert (reason.text, reason.written_by) == (sentence, "model")
    assert reason.sources[0] == "card.summary"


@pytest.mark.parametrize(
    "answer",
    [
        GOOD + " You will love it.",
        GOOD + "\nInterstellar is better.",
        GOOD + " " + "And so on. " * 200,
        "  " + GOOD,
    ],
)
def test_one_sentence_is_taken_and_no_more(writer, moon, answer):
    reason = writer(answer).describe(moon, QUIET)
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
    reason = writer(answer).describe(moon, QUIET)
    assert reason.written_by == "template"
    assert reason.text in moon.text("en")
    assert reason.text.endswith(".")
    assert reason.sources == ("card.summary",)


def test_a_model_that_fails_gives_place_to_the_card(writer, moon):
    class Broken(ScriptedModel):
        def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
            yield "Sam Bell "
            raise EngineError("out of memory")

    reason = writer(Broken()).describe(moon, QUIET)
    assert reason.written_by == "template"
    assert reason.text in moon.text("en")


def test_a_sentence_that_opens_like_another_of_the_reply_is_not_taken(writer, moon):
    reason = writer(GOOD).describe(moon, QUIET, said=["Sam Bell goes home."])
    assert reason.written_by == "template"
    reason = writer(GOOD_ZH).describe(moon, QUIET_ZH, said=["山姆独自回家。"])
    assert reason.written_by == "template"
    reason = writer(GOOD).describe(moon, QUIET, said=["Sammy Bellows goes home."])
    assert reason.written_by == "model"


def test_the_sentence_of_the_card_is_the_nearest_to_the_wish(writer, moon):
    wish = "a rover crash makes him doubt his memory"
    reason = writer().describe(moon, Request("recommend", "en", wish, wish))
    assert "rover crash" in reason.text


def test_the_sentence_of_the_card_does_not_open_like_another_of_the_reply(writer, moon):
    said = [moon.text("en").split(". ")[0] + "."]
    reason = writer().describe(moon, QUIET, said=said)
    assert reason.text.split()[:2] != said[0].split()[:2]


def test_an_item_without_a_description_is_told_by_its_facts(writer, moon):
    bare = Item("bare", {"en": "Bare"}, {}, moon.facets, moon.labels)
    reason = writer("").describe(bare, QUIET)
    assert "2009" in reason.text  # the title stands beside it already
    assert "card.year" in reason.sources
    assert "card.summary" not in reason.sources


def test_an_item_of_which_only_the_title_is_known_still_has_a_reason(writer):
    reason = writer("").describe(Item("bare", {"en": "Bare"}, {}, {}, {}), QUIET)
    assert reason.text == "Its card says no more than its title."
    assert reason.sources == ("card.title",)


def test_after_cancel_the_model_is_not_believed(writer, moon):
    cancel = threading.Event()
    cancel.set()
    assert writer(GOOD).describe(moon, QUIET, cancel=cancel).written_by == "template"


# -- the prompt ------------------------------------------------------------------------------------------------------


def test_the_prompt_is_the_same_up_to_the_lines(writer):
    a, b = writer().prompt("One.", "en"), writer().prompt("Two.", "en")
    assert (a.system, a.examples) == (b.system, b.examples)
    assert (a.user, b.user) == ("One.", "Two.")
    assert len(a.examples) == 2
    assert not any("·" in text for example in a.examples for text in example)  # the headline is no part of a description


def test_the_model_reads_the_lines_that_are_nearest_to_all_that_was_wished(writer, movies):
    item = movies.items["the-cabinet-of-dr-caligari-1920"]
    wish = "the woman both friends love"
    for request in (
        Request("recommend", "en", wish, wish),
        Request("refine", "en", "shorter", "shorter", context=(wish,)),
        Request("react", "en", wish),
    ):
        model = ScriptedModel()
        writer(model).describe(item, request)
        lines = model.prompts[0].user
        assert "woman both friends love" in lines
        assert len(lines) < len(item.text("en"))


def test_a_sentence_that_is_not_proved_is_tried_again_with_one_line(writer, moon):
    model = ScriptedModel(["Sam Bell fights dragons in a castle of ice and fire.", GOOD])
    reason = writer(model).describe(moon, QUIET)
    assert (reason.text, reason.written_by) == (GOOD, "model")
    two, one = (prompt.user for prompt in model.prompts)
    assert one in two
    assert len(description_sentences(one, "en")) == 1


def test_what_is_not_proved_at_the_end_of_a_sentence_is_cut(writer, moon):
    reason = writer(GOOD[:-1] + ", and he befriends a dragon.").describe(moon, QUIET)
    assert (reason.text, reason.written_by) == (GOOD, "model")
    reason = writer(GOOD_ZH[:-1] + "，还交了一个龙朋友。").describe(moon, QUIET_ZH)
    assert (reason.text, reason.written_by) == (GOOD_ZH, "model")


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
    whole = "Zero Hour! is a film of Warner Bros. about Lt. Hart and Yale vs. Harvard."
    assert description_sentences(whole + " It ran.", "en") == [whole, "It ran."]


def test_every_sentence_of_the_catalogue_is_whole(movies):
    """A sentence that ends within a name would be shown as a reason."""
    cut = re.compile(r"^[^A-Z0-9\"'“‘]|\b(?:Dr|Mr|Mrs|Ms|St|Jr|[A-Z])\.$")
    sentences = [(i, s) for i, item in movies.items.items() for s in description_sentences(item.text("en"), "en")]
    broken = [(i, s) for i, s in sentences if cut.search(s)]
    assert broken == []


@pytest.mark.parametrize(
    ("order", "count", "chosen"),
    [([2, 0, 1], 2, [1, 2]), ([2, 0, 1], 1, [0]), ([0, 2, 1], 2, [0, 1]), ([1], 1, [1]), ([2], 1, [2]), ([], 2, [])],
)
def test_no_sentence_is_read_without_the_one_it_points_at(order, count, chosen):
    sentences = ["A cook serves a family.", "Roger owns the house.", "He leaves for Rome."]
    assert understood(sentences, order, "en", count) == chosen


def test_no_sentence_is_read_from_the_middle_of_a_chain_of_pronouns():
    chain = ["Fleur loves Chen.", "She waits for him.", "In 1987 her ghost comes back.", "A couple takes Fleur in."]
    assert understood(chain, [2, 1, 3, 0], "en", 2) == [0, 1]
    assert understood(chain, [2, 1, 3, 0], "en", 3) == [0, 1, 2]
    assert understood(["如花等他。", "她苦等多年。", "她回到阳世。"], [2], "zh", 3) == [0, 1, 2]


@pytest.mark.parametrize(
    ("request_", "answer", "never"),
    [
        (QUIET, "Sam Bell is alone with a dragon on the far side of the Moon.", "far"),
        (QUIET_ZH, "山姆养了一条龙，独自在月球背面。", "独"),
    ],
)
def test_the_model_is_not_listened_to_beyond_a_word_that_nothing_proves(writer, moon, request_, answer, never):
    heard = []

    class Heard(ScriptedModel):
        def stream(self, prompt, **options):
            for piece in answer.split(" ") if request_.language == "en" else answer:
                heard.append(piece)
                yield f" {piece}" if request_.language == "en" else piece

    assert writer(Heard()).describe(moon, request_).written_by == "template"
    assert heard
    assert never not in heard
