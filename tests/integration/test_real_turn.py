"""Turns with the real embedder and the real Qwen, in both languages."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack

import pytest

import app
from chatbot.records import turn_record
from chatbot.reranking import Poll, rerank
from chatbot.settings import Settings
from chatbot.types import Cards, Text
from retrieval.events import Event
from retrieval.titles import NameIndex

pytestmark = [pytest.mark.model, pytest.mark.slow]

ENGLISH = "I loved Interstellar and Arrival; something quieter and thoughtful, no horror"
CHINESE = "很喜欢《星际穿越》和《降临》，想看安静一点、有思考的，不要恐怖片"
NAMED = {"interstellar-2014", "arrival-2016"}


@pytest.fixture(scope="session")
def real(real_data, qwen_path, tmp_path_factory):
    """The pipeline with the default parts; loaded once a session."""
    data = tmp_path_factory.mktemp("turns") / "data"
    shutil.copytree(real_data, data)
    settings = Settings(data=data)
    with ExitStack() as stack:
        yield stack.enter_context(app.open_pipeline(settings, app.find_catalogue(settings, None)))


def say(pipeline, message, user, conversation=None):
    talk = pipeline.store.load(conversation or user, user)
    return list(pipeline.respond(message, talk, pipeline.profile(user)))


def han(text: str) -> int:
    return len(re.findall(r"[\u3400-\u9fff]", text))


@pytest.fixture(scope="session")
def english(real):
    return say(real, ENGLISH, "english")


@pytest.fixture(scope="session")
def chinese(real):
    return say(real, CHINESE, "chinese")


@pytest.fixture(params=["english", "chinese"])
def events(request):
    return request.getfixturevalue(request.param)


def test_the_models_are_the_real_ones(real, english):
    assert english[-1].turn.model["engine"] in ("llama_cpp", "transformers")
    assert "qwen" in english[-1].turn.model["name"].lower()
    assert real.index.embedder.fingerprint.startswith("sentence-transformers/")


def test_three_films_none_of_them_horror_and_none_of_those_named(real, events):
    turn = events[-1].turn
    assert len(turn.items) == 3
    for recommendation in turn.items:
        assert recommendation.item.id in real.index.items
        assert "horror" not in recommendation.item.values("genres")
        assert recommendation.item.id not in NAMED
    assert set(turn.request.liked) == NAMED


def test_the_films_are_quiet_or_thoughtful_or_akin_to_those_liked(events):
    for recommendation in events[-1].turn.items:
        wished = {"quiet", "thoughtful"} & set(recommendation.item.values("moods"))
        assert wished or "science-fiction" in recommendation.item.values("genres")


def test_each_film_has_a_reason_in_the_right_language_with_sources(events):
    turn = events[-1].turn
    for recommendation in turn.items:
        assert recommendation.reasons
        for reason in recommendation.reasons:
            assert (han(reason.text) > 0) == (turn.request.language == "zh"), reason.text
            assert reason.sources
            assert all(re.fullmatch(r"card\.\w+|user\.message|history\.[\w-]+", source) for source in reason.sources)
            assert not set("!！?？*#") & set(reason.text)


def test_no_two_films_open_alike(events):
    turn = events[-1].turn
    texts = [[reason.text for reason in r.reasons] for r in turn.items]
    for said in ([first for first, *_ in texts], [last for *_, last in texts]):
        openings = [text[:4] if turn.request.language == "zh" else text.split()[:2] for text in said]
        assert len({str(opening) for opening in openings}) == 3


def test_no_other_film_is_named_in_the_reply(real, events):
    turn = events[-1].turn
    names = NameIndex(real.index.items.values(), real.index.domain)
    allowed = {*NAMED, *(r.item.id for r in turn.items)}
    assert {m.target for m in names.find(turn.reply) if m.kind == "item"} <= allowed


def test_the_vote_is_the_models(real, events):
    turn = events[-1].turn
    voted = rerank(real.model, turn.request, turn.candidates, real.index.domain, Poll(0.5))
    votes = [c.channels["vote"] for c in voted if "vote" in c.channels]
    assert sorted(v.rank for v in votes) == list(range(1, 11))
    assert len({round(v.score, 4) for v in votes}) > 5


def test_no_vote_is_asked_for_where_none_was_learned_to_help(events):
    turn = events[-1].turn
    assert turn.timings_ms["rerank"] == 0
    assert not any("vote" in c.channels for c in turn.candidates)


def test_cards_come_before_words_and_words_are_streamed(events):
    kinds = [type(event) for event in events]
    assert kinds.index(Cards) < kinds.index(Text)
    assert kinds.count(Text) >= 3
    timings = events[-1].turn.timings_ms
    assert timings["first_card"] < timings["first_token"] < timings["total"]


def test_the_record_of_a_real_turn_keeps_the_contract(events):
    record = turn_record(events[-1].turn)
    assert record["language"] in ("en", "zh")
    assert {"field": "genres", "op": "excludes", "value": "horror"}.items() <= record["request"]["constraints"][0].items()
    assert all({"dense", "bm25", "history"} & item["channels"].keys() for item in record["items"])


def test_a_liked_film_changes_the_next_turn(real, english):
    first = english[-1].turn
    liked = first.items[0].item.id
    before = [r.item.id for r in say(real, "something for tonight", "fresh")[-1].turn.items]
    real.learn(Event("english", "liked", liked))
    turn = say(real, "something for tonight", "english", "another")[-1].turn
    after = [r.item.id for r in turn.items]
    assert after != before
    assert liked not in after
    assert all("history" in r.channels for r in turn.items)


@pytest.mark.parametrize(
    ("message", "titles"),
    [
        ("a man alone on the far side of the Moon", {"moon-2009"}),
        ("独自在月球背面值守的人", {"moon-2009"}),
        ("a love story between two neighbours in 1960s Hong Kong", {"in-the-mood-for-love-2000"}),
        ("一个女孩误入神灵的澡堂工作", {"spirited-away-2001"}),
    ],
)
def test_a_described_film_is_found(real, message, titles):
    talk = real.store.load(message, "finder")
    turn = real.complete(message, talk, real.profile("finder"), items_only=True)
    assert titles & {r.item.id for r in turn.items}
