"""Which sentences of the model's may be shown, and what they rest on."""

from __future__ import annotations

import pytest

from chatbot.grounding import WORDS, Evidence, Grounder, in_order
from chatbot.lexicon import Lexicon
from chatbot.types import Request
from retrieval.lexical import tokenize
from retrieval.titles import NameIndex

MOON, CHIHIRO, LUNCHBOX = "moon-2009", "spirited-away-2001", "the-lunchbox-2013"


@pytest.fixture(scope="module")
def grounder(movies):
    return Grounder(
        movies.domain, NameIndex(movies.items.values(), movies.domain), Lexicon(movies.domain, movies.items.values())
    )


@pytest.fixture
def judge(movies, grounder):
    """Judge a sentence about an item: judge(item, sentence, wish), with the whole description as the lines read."""

    def check(item_id, sentence, wish="something quiet", language="en", **more):
        item = movies.items[item_id]
        request = Request("recommend", language, wish, **more)
        evidence = Evidence.of(item, request, movies.domain, item.text(language))
        return grounder.check(sentence, evidence, language)

    return check


SUPPORTED = [
    (MOON, "Sam Bell has spent almost three years alone on the far side of the Moon.", "en"),
    (MOON, "Alone on the far side of the Moon, overseeing machines that harvest helium-3 for Earth.", "en"),
    (MOON, "With two weeks of his contract left, a crash makes him doubt his memory and who he really is.", "en"),
    (MOON, "His only company is a soft-spoken computer and recorded messages from his wife.", "en"),
    (CHIHIRO, "Chihiro takes a job at the bathhouse of the witch Yubaba, who steals her name.", "en"),
    (CHIHIRO, "Chihiro is alone among gods and monsters.", "en"),
    (LUNCHBOX, "A lunch tin goes to the wrong desk, and a widowed accountant begins sending notes back with the food.", "en"),
    (MOON, "山姆独自在月球背面值守了将近三年，陪他说话的只有电脑和妻子寄来的录像。", "zh"),
    (MOON, "合同就满，他却在外出时出了事故，醒来后发现基地里处处不对劲。", "zh"),
    (CHIHIRO, "千寻被夺走名字，一边擦地干活，一边寻找救回父母的办法。", "zh"),
    (LUNCHBOX, "饭盒错送到陌生人桌上，两人借着饭盒传起字条。", "zh"),
]
REFUSED = [
    # another title
    (MOON, "Like Interstellar, a man is alone on the far side of the Moon with machines that harvest helium-3.", "en"),
    (MOON, "Sam Bell is alone on the Moon like the man in The Martian, with machines and a computer.", "en"),
    (MOON, "和《火星救援》一样，山姆独自在月球背面值守了三年，照看开采的机器。", "zh"),
    (MOON, "山姆独自在月球背面值守，让人想起星际穿越里的电脑和录像。", "zh"),
    (MOON, "像《没有这部电影》一样，山姆独自在月球背面值守了将近三年，照看机器。", "zh"),
    # another person
    (MOON, "Tom Hanks is alone on the far side of the Moon with machines that harvest helium-3.", "en"),
    (MOON, "In this work by Ridley Scott, Sam Bell spends almost three years alone on the far side of the Moon.", "en"),
    (MOON, "王家卫让山姆独自在月球背面值守了将近三年，照看开采的机器。", "zh"),
    # a number that stands nowhere
    (MOON, "Sam Bell has spent almost 12 years alone on the far side of the Moon with machines.", "en"),
    (MOON, "Sam Bell has spent 1095 days alone on the far side of the Moon with a computer.", "en"),
    (CHIHIRO, "12岁的千寻和父母误入空无一人的街市，在澡堂干活，寻找救回父母的办法。", "zh"),
    # an invented name
    (MOON, "Sam Bell is alone on the far side of the Moon with Jennifer, the computer that harvests helium-3.", "en"),
    (MOON, "On the far side of the Moon, Sam Bell oversees machines from Houston with a soft-spoken computer.", "en"),
    # praise
    (MOON, "A stunning story of Sam Bell, alone on the far side of the Moon with machines.", "en"),
    (MOON, "You will love how Sam Bell is alone on the far side of the Moon with machines.", "en"),
    (MOON, "An unforgettable man is alone on the far side of the Moon with a computer.", "en"),
    (MOON, "精彩的故事：山姆独自在月球背面值守了将近三年，照看开采的机器。", "zh"),
    (MOON, "山姆独自在月球背面值守了将近三年，绝对不容错过。", "zh"),
    # a question, an exclamation, markup
    (MOON, "What does Sam Bell find, alone on the far side of the Moon with machines?", "en"),
    (MOON, "Sam Bell is alone on the far side of the Moon with machines that harvest helium-3!", "en"),
    (MOON, "山姆独自在月球背面值守了将近三年，醒来后会发现什么？", "zh"),
    (MOON, "山姆独自在月球背面值守了将近三年，照看开采的机器！", "zh"),
    (MOON, "**Sam Bell** is alone on the far side of the Moon with machines that harvest helium-3.", "en"),
    (MOON, "Sam Bell is alone on the far side of the Moon: https://moon.example with machines.", "en"),
    (MOON, "Sam Bell is alone on the far side of the Moon <b>with machines</b> that harvest.", "en"),
    # the wrong language
    (MOON, "山姆独自在月球背面值守了将近三年，照看开采的机器。", "en"),
    (MOON, "Sam Bell has spent almost three years alone on the far side of the Moon.", "zh"),
    (MOON, "Sam Bell 独自 has spent almost three years alone on the far side of the Moon.", "en"),
    # moods and genres that the description does not hold
    (MOON, "Sam Bell is alone on the far side of the Moon in a hilarious life with machines and a computer.", "en"),
    (MOON, "A heartwarming life of Sam Bell, alone on the far side of the Moon with machines and a computer.", "en"),
    (MOON, "A horror of machines: Sam Bell is alone on the far side of the Moon with a computer.", "en"),
    (MOON, "山姆独自在月球背面值守了将近三年，照看机器，十分搞笑。", "zh"),
    (MOON, "山姆独自在月球背面值守了将近三年，是一个温馨的爱情故事。", "zh"),
    # invented claims
    (MOON, "Sam Bell fights pirates and dragons on a volcano while the Moon explodes around his castle.", "en"),
    (MOON, "Sam Bell meets a beautiful singer on the Moon and opens a restaurant with her sister.", "en"),
    (MOON, "A soldier trains horses on a farm and wins the village race in summer.", "en"),
    (MOON, "山姆在海边开了一家餐厅，与邻居家的歌手结婚，生了三个孩子。", "zh"),
    (MOON, "山姆带领士兵攻占城堡，从国王手里夺回了宝剑和公主。", "zh"),
    # who does what to whom, and how things hang together
    (CHIHIRO, "A witch takes a job at the bathhouse of the girl who steals her name.", "en"),
    (MOON, "She has spent almost three years alone on the far side of the Moon.", "en"),
    (MOON, "Sam Bell has never spent three years alone on the far side of the Moon.", "en"),
    (MOON, "Sam Bell is alone on the far side of the Moon without machines that harvest helium-3.", "en"),
    (MOON, "她独自在月球背面值守了将近三年，照看开采的机器。", "zh"),
    (CHIHIRO, "十岁的千寻没被夺走名字，在澡堂擦地干活。", "zh"),
    # facet words alone
    (MOON, "A quiet, mysterious, melancholic, thoughtful and slow film.", "en"),
    (MOON, "Science fiction, drama and mystery from the United Kingdom.", "en"),
    (MOON, "安静、神秘、忧伤、引人深思的科幻剧情片。", "zh"),
    # nothing
    (MOON, "", "en"),
    (MOON, ".", "en"),
    (MOON, "It is a story about a man.", "en"),
    (MOON, "这是一个人的故事。", "zh"),
]


@pytest.mark.parametrize(("item", "sentence", "language"), SUPPORTED)
def test_a_sentence_that_retells_the_card_is_supported_by_its_description(judge, item, sentence, language):
    verdict = judge(item, sentence, language=language)
    assert verdict.problem == ""
    assert verdict.supported
    assert verdict.sources[0] == "card.summary"


@pytest.mark.parametrize(("item", "sentence", "language"), REFUSED)
def test_what_the_card_does_not_say_is_refused_with_its_problem(judge, item, sentence, language):
    verdict = judge(item, sentence, language=language)
    assert not verdict.supported
    assert verdict.problem
    assert verdict.sources == ()


@pytest.mark.parametrize(
    ("sentence", "language", "problem"),
    [
        (REFUSED[0][1], "en", "another title: Interstellar"),
        ("和《火星救援》一样，山姆独自在月球背面值守了三年。", "zh", "another title: 火星救援"),
        ("Tom Hanks is alone on the far side of the Moon with machines.", "en", "not on the card: Tom Hanks"),
        ("Sam Bell has spent almost 14 years alone on the far side of the Moon.", "en", "number without a source: 14"),
        ("Sam Bell is alone with Jennifer on the far side of the Moon.", "en", "name without a source: Jennifer"),
        ("A stunning man is alone on the far side of the Moon.", "en", "praise: stunning"),
        ("Who is alone on the far side of the Moon?", "en", "a question"),
        ("*Sam* is alone on the far side of the Moon.", "en", "markup"),
        ("一个人独自在月球背面。", "en", "not in the language"),
        ("A hilarious man is alone on the far side of the Moon.", "en", "not in the description: hilarious"),
    ],
)
def test_the_problem_names_what_was_wrong(judge, sentence, language, problem):
    assert problem in judge(MOON, sentence, language=language).problem


def test_the_item_and_its_people_may_be_named(judge):
    assert judge(MOON, "In Moon, Sam Bell has spent almost three years alone on the far side of the Moon.").supported
    assert judge(MOON, "Duncan Jones sets Sam Bell alone on the far side of the Moon.").supported
    assert judge(MOON, "《月球》里，山姆独自在月球背面值守了将近三年。", language="zh").supported


def test_a_number_of_the_card_or_of_the_person_is_proved(judge):
    assert judge(MOON, "In 97 min, Sam Bell is alone on the far side of the Moon with machines.").supported
    sentence = "With under 120 shots, Sam Bell is alone on the far side of the Moon with machines that harvest helium-3."
    assert "number" in judge(MOON, sentence, "short").problem
    assert "number" not in judge(MOON, sentence, "less than 120 minutes").problem
    assert "number" not in judge(MOON, sentence, "funnier", context=("less than 120 minutes",)).problem


def test_the_persons_words_prove_a_name_but_never_a_claim(judge):
    wish = "something with pirates and dragons on a volcano, like Treasure Planet"
    assert not judge(MOON, "Sam Bell fights pirates and dragons on a volcano of the Moon.", wish).supported
    assert not judge(MOON, "Sam Bell is alone on the far side of the Moon in a funny way.", "something funny").supported


def test_a_word_for_a_fact_of_the_card_is_proved_and_cited(judge):
    verdict = judge(MOON, "In this British mystery, Sam Bell is alone on the far side of the Moon.")
    assert verdict.supported
    assert {"card.summary", "card.countries", "card.genres"} <= set(verdict.sources)


def test_a_persons_field_is_cited_where_they_are_named(judge):
    verdict = judge(MOON, "Duncan Jones sets Sam Bell alone on the far side of the Moon.")
    assert "card.directors" in verdict.sources


def test_the_source_with_most_of_the_words_comes_first(judge):
    verdict = judge(CHIHIRO, "Chihiro takes a job at the bathhouse of the witch Yubaba, who steals her name.")
    assert verdict.sources[0] == "card.summary"
    assert "user.message" not in verdict.sources


def test_what_the_model_did_not_read_is_no_evidence_for_its_claims(movies, grounder):
    item = movies.items[MOON]
    first = item.text("en").split(". ")[0] + "."
    evidence = Evidence.of(item, Request("recommend", "en", "quiet"), movies.domain, first)
    assert not grounder.check("A rover crash makes him doubt his employer and his memory.", evidence, "en").supported
    assert grounder.check("Sam Bell has spent almost three years alone on the far side of the Moon.", evidence, "en").supported


@pytest.mark.parametrize(
    ("language", "text"), [("en", "alone on the far side of the Moon with machines "), ("zh", "山姆独自在月球背面值守")]
)
def test_a_sentence_that_goes_on_and_on_is_refused(judge, language, text):
    verdict = judge(MOON, text * WORDS[language][1] + ("." if language == "en" else "。"), language=language)
    assert verdict.problem == "too short or too long"


def test_evidence_holds_the_card_by_field_and_the_persons_words(movies):
    item = movies.items[MOON]
    request = Request("recommend", "zh", "安静的", context=("太空",))
    texts = Evidence.of(item, request, movies.domain, "一行。").texts
    assert texts["card.summary"] == "一行。"
    assert texts["card.directors"] == "邓肯·琼斯"
    assert texts["card.year"] == "2009"
    assert "月球" in texts["card.title"]
    assert "Moon" in texts["card.title"]
    assert texts["user.message"] == "安静的 太空"
    assert texts.keys() == {"card.summary", "card.title", "user.message", *(f"card.{name}" for name in item.facets)}


def test_every_sentence_of_every_description_supports_itself_unless_its_form_is_refused(movies, grounder):
    """The check must not be so strict that the card's own words fail it."""
    forms = ("praise", "a question", "not in the language", "markup", "too long", "says nothing")
    failed: list[str] = []
    total = 0
    for item in list(movies.items.values())[::8]:
        for language, stop in (("en", ". "), ("zh", "。")):
            for sentence in item.text(language).strip(". 。").split(stop):
                evidence = Evidence.of(item, Request("recommend", language, "x"), movies.domain, item.text(language))
                verdict = grounder.check(sentence + stop.strip(), evidence, language)
                total += 1
                if not verdict.supported and not verdict.problem.startswith(forms):
                    failed.append(f"{item.id}: {verdict.problem}: {sentence}")
    assert not failed, failed[:5]
    assert total > 200


@pytest.mark.parametrize(
    ("tokens", "text", "kept"),
    [
        ("witch job", "a job for a witch", False),
        ("job witch", "a job for a witch", True),
        ("job dragon witch", "a job for a witch", True),
        ("dragon", "a job for a witch", True),
        ("job witch parents", "parents find a job for a witch and her parents", True),
    ],
)
def test_words_keep_the_order_of_a_text(tokens, text, kept):
    assert in_order([t for word in tokens.split() for t in tokenize(word)], text) == kept
