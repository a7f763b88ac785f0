"""The record of a turn as JSON: the contract of ``ask --json``. Fields are added, never renamed or dropped."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.records import constraint_record, held_parts, turn_record
from chatbot.types import Check, Conversation, Held, Profile, Question, Reason, Recommendation, Request, Turn
from retrieval.types import ChannelScore, Constraint, Item, Wish

TURN = {
    "turn_id",
    "user",
    "conversation",
    "language",
    "request",
    "items",
    "opening",
    "question",
    "held",
    "suggestions",
    "reply",
    "timings_ms",
    "model",
    "notes",
}
REQUEST = {"intent", "query", "constraints", "wishes", "liked", "disliked", "refers", "ambiguous", "stated", "count", "opening"}
ITEM = {"id", "title", "rank", "score", "channels", "reasons", "shares", "checks"}
TIMINGS = {"understand", "retrieve", "rerank", "first_token", "total"}


@pytest.fixture
def turn(movies):
    request = Request(
        "refine",
        "zh",
        "安静一点",
        "安静",
        constraints=(
            Constraint("genres", "excludes", "horror", "恐怖片", turn=1, certainty=0.5),
            Constraint("countries", "any_of", ("China", "Taiwan")),
        ),
        wishes=(Wish("moods", "quiet", "安静"),),
        liked=("arrival-2016",),
        disliked=("her-2013",),
        seen=("up-2009",),
        named=("arrival-2016", "her-2013", "up-2009"),
        context=("太空",),
    )
    reason = Reason("山姆独自在月球背面。", ("card.summary", "user.message"), "model")
    item = Recommendation(movies.items["moon-2009"], 1, 1 / 3, {"dense": ChannelScore(2, 2 / 3)}, (reason,))
    timings = {"understand": 1.23456, "retrieve": 2.0, "rerank": 0.0, "first_card": 3.0, "first_token": 4.0, "total": 5.0}
    return Turn("t1", "ann", "c1", request, (item,), "一部电影。", timings, {"engine": "scripted", "name": "x"}, ("stopped",))


def test_the_record_has_every_key_of_the_contract(turn):
    record = turn_record(turn)
    assert record.keys() >= TURN
    assert record["request"].keys() >= REQUEST
    assert record["items"][0].keys() >= ITEM
    assert record["timings_ms"].keys() >= TIMINGS
    assert record["model"].keys() >= {"engine", "name"}
    assert record["request"]["constraints"][0].keys() >= {"field", "op", "value"}
    assert record["items"][0]["reasons"][0].keys() >= {"text", "sources"}
    assert record["items"][0]["channels"]["dense"].keys() == {"rank", "score"}


def test_the_record_holds_the_turns_values(turn):
    record = turn_record(turn)
    assert (record["turn_id"], record["user"], record["conversation"], record["language"]) == ("t1", "ann", "c1", "zh")
    request = record["request"]
    assert (request["intent"], request["query"]) == ("refine", "安静")
    assert request["constraints"] == [
        {"field": "genres", "op": "excludes", "value": "horror", "words": "恐怖片", "turn": 1, "certainty": 0.5},
        {"field": "countries", "op": "any_of", "value": ["China", "Taiwan"], "words": "", "turn": 0, "certainty": 1.0},
    ]
    assert (request["liked"], request["disliked"], request["seen"]) == (["arrival-2016"], ["her-2013"], ["up-2009"])
    assert request["wishes"] == [{"field": "moods", "value": "quiet", "words": "安静", "turn": 0, "certainty": 1.0}]
    assert request["context"] == ["太空"]
    [item] = record["items"]
    assert (item["id"], item["title"], item["rank"]) == ("moon-2009", "月球", 1)
    assert item["score"] == pytest.approx(1 / 3, abs=1e-6)
    assert item["channels"]["dense"] == {"rank": 2, "score": pytest.approx(2 / 3, abs=1e-6)}
    assert item["reasons"][0]["text"] == "山姆独自在月球背面。"
    assert item["reasons"][0]["sources"] == ["card.summary", "user.message"]
    assert (record["reply"], record["notes"]) == ("一部电影。", ["stopped"])
    assert record["timings_ms"]["understand"] == 1.2


def test_the_record_survives_json(turn):
    record = turn_record(turn)
    assert json.loads(json.dumps(record, ensure_ascii=False)) == record


def test_a_question_and_what_is_held_are_in_the_record_and_can_be_read_back(turn):
    parts = (*turn.request.constraints, *turn.request.wishes)
    request = replace(
        turn.request,
        refers=("moon-2009",),
        ambiguous=("her-2013", "up-2009"),
        stated=(("moon-2009", "seen"),),
        count=5,
        opening="ok",
    )
    asked = Question("year", ("1980s", "1990s"), (1980, 1990))
    record = json.loads(json.dumps(turn_record(replace(turn, request=request, question=asked, held=(Held("x", parts),)))))
    assert record["question"] == {"about": "year", "options": ["1980s", "1990s"], "values": [1980, 1990]}
    assert record["held"][0]["label"] == "x"
    assert [(p.field, p.value) for p in held_parts(record["held"][0])] == [(p.field, p.value) for p in parts]
    assert [getattr(p, "op", "") for p in held_parts(record["held"][0])] == ["excludes", "any_of", ""]
    assert record["request"]["refers"] == ["moon-2009"]
    assert record["request"]["ambiguous"] == ["her-2013", "up-2009"]
    assert record["request"]["stated"] == [["moon-2009", "seen"]]
    assert (record["request"]["count"], record["request"]["opening"]) == (5, "ok")
    assert turn_record(turn)["question"] is None


def test_why_an_item_is_there_is_in_the_record_and_what_does_not_apply_is_absent(turn):
    plain = turn_record(turn)["items"][0]
    assert (plain["shares"], plain["checks"]) == ({}, [])
    assert not {"features", "before_vote"} & plain.keys()
    item = replace(
        turn.items[0],
        shares={"dense": 1 / 3, "bm25": 1 / 3, "history": 1 / 3},
        features={"dense.score": 0.12345},
        before_vote=4,
        checks=(Check("不要恐怖", "科幻", True),),
    )
    record = turn_record(replace(turn, items=(item,), suggestions=("换一批",)))
    [why] = record["items"]
    assert sorted(why["shares"].values()) == [0.333, 0.333, 0.334]
    assert (why["features"], why["before_vote"]) == ({"dense.score": 0.123}, 4)
    assert why["checks"] == [{"label": "不要恐怖", "values": "科幻", "ok": True}]
    assert record["suggestions"] == ["换一批"]


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=10))
def test_the_shares_of_a_record_add_up_to_one(parts):
    shares = {f"c{n}": part / sum(parts) for n, part in enumerate(parts)}
    item = Recommendation(Item("i", {"en": "I"}, {}, {}, {}), 1, 0.0, {}, shares=shares)
    record = turn_record(Turn("t", "ann", "c", Request("recommend", "en", "x"), (item,), "", {}, {}))["items"][0]["shares"]
    assert sum(record.values()) == pytest.approx(1, abs=1e-9)
    assert all(record[name] == pytest.approx(share, abs=0.006) for name, share in shares.items())


def test_the_title_is_in_the_language_of_the_request(turn):
    assert turn_record(turn)["items"][0]["title"] == "月球"


def test_a_turn_without_items_is_a_whole_record():
    turn = Turn("t", "ann", "c", Request("chat", "en", "hi", opening="greeting"), (), "Hello.", {}, {})
    record = turn_record(turn)
    assert record.keys() >= TURN
    assert record["items"] == []
    assert record["notes"] == []


@pytest.mark.parametrize("value", ["horror", 1990, 97.5, ("a", "b")])
def test_a_constraints_value_is_plain_json(value):
    record = constraint_record(Constraint("x", "includes", value))
    assert json.loads(json.dumps(record))["value"] == (list(value) if isinstance(value, tuple) else value)


def test_every_kind_of_turn_of_the_pipeline_keeps_the_contract(pipeline):
    messages = [
        "a quiet film, no horror",
        "喜剧，九十年代的",
        "hi",
        "who directed Moon?",
        "I loved Interstellar",
        "Icelandic westerns",
        "recommend something",
        "which is longer, Heat or Moon?",
        "what do you know about me?",
    ]
    for message in messages:
        turn = pipeline.complete(message, Conversation(f"rec-{message}", "records"), Profile("records"))
        record = json.loads(json.dumps(turn_record(turn), ensure_ascii=False))
        assert record.keys() >= TURN
        assert record["request"].keys() >= REQUEST
        assert record["timings_ms"].keys() >= TIMINGS
        assert record["language"] in ("en", "zh")
        for n, item in enumerate(record["items"], 1):
            assert item.keys() >= ITEM
            assert item["rank"] == n
            assert isinstance(item["channels"], dict)
            for reason in item["reasons"]:
                assert reason["sources"]
                for source in reason["sources"]:
                    kind, _, name = source.partition(".")
                    assert kind in ("card", "user", "history")
                    assert name
                    assert kind != "user" or name == "message"
                    assert kind != "history" or name in pipeline.index.items
                    assert kind != "card" or name == "summary" or name == "title" or name in pipeline.index.domain.facets


@pytest.mark.parametrize(
    ("message", "labels", "values"),
    [
        ("a quiet film, no horror, at most 2 hours, from the 1990s", ["no horror", "at most 120 min", "1990–1999"], "min"),
        ("安静的电影，不要恐怖片，两小时以内，九十年代的", ["不要恐怖", "不超过120分钟", "1990—1999年"], "分钟"),
    ],
)
def test_every_demand_is_checked_on_every_item_in_words(pipeline, message, labels, values):
    turn = pipeline.complete(message, Conversation(f"check-{message}", "checks"), Profile("checks"))
    record = turn_record(turn)
    assert len(record["items"]) == 3
    for item in record["items"]:
        assert sorted(check["label"] for check in item["checks"]) == sorted(labels)
        assert all(check["ok"] and check["values"] for check in item["checks"])
        runtime = next(check for check in item["checks"] if "120" in check["label"])
        assert runtime["values"].endswith(values)
        assert sum(item["shares"].values()) == pytest.approx(1)
        assert item["shares"].keys() <= item["channels"].keys() - {"vote"}
    added = [{name: item[name] for name in ("shares", "before_vote", "checks")} for item in record["items"]]
    more = json.dumps([added, record["suggestions"]], ensure_ascii=False).encode()
    assert len(more) < 1500  # bytes: every turn is kept


def test_a_demand_that_was_relaxed_is_a_check_that_failed(pipeline):
    turn = pipeline.complete("a Japanese western", Conversation("relaxed", "checks"), Profile("checks"))
    relaxed = [note for note in turn.notes if note.startswith("relaxed: ")]
    assert relaxed
    for item in turn_record(turn)["items"]:
        failed = [check["label"] for check in item["checks"] if not check["ok"]]
        assert [f"relaxed: {label}" for label in failed] == relaxed
