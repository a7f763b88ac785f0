"""The interests in words: what each line says, rests on and takes back, in both languages."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from chatbot.interests import Interest, Taste
from chatbot.types import Conversation
from retrieval.events import Event

NOW = time.time()
HORROR = ("the-shining-1980", "psycho-1960", "get-out-2017", "hereditary-2018")


def liked(*items, days=0.0, **context):
    return [Event("ann", "liked", item, at=NOW - days * 86400, context=context) for item in items]


@pytest.fixture
def people(make_pipeline):
    def of(*events):
        pipeline = make_pipeline()
        pipeline.learn(*events)
        return pipeline.people

    return of


def texts(people, language="en"):
    return [line.text for line in people.portrait("ann", language)]


def test_nothing_is_said_of_nobody(people):
    assert people().portrait("ann", "en") == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_line_rests_on_something_of_this_person(people, language, movies):
    asked = Event("ann", "wished", text="western", id="w1", context={"facet": "genres", "value": "western", "op": "includes"})
    never = Event("ann", "corrected", text="no war", id="n1", context={"op": "never", "facet": "genres", "value": "war"})
    known = people(*liked(*HORROR), asked, never)
    for line in known.portrait("ann", language):
        assert line.sources
        names = [source.partition(".")[2] for source in line.sources]
        assert all(name in HORROR or name in ("w1", "n1") for name in names)
        assert line.takes_back
        assert not line.text.startswith(("{", " "))
        assert "  " not in line.text


def test_values_titles_and_days_are_said(people):
    told = " ".join(texts(people(*liked(*HORROR), *liked("spirited-away-2001", days=1))))
    assert "Get Out" in told
    assert "horror" in told
    never = Event("ann", "corrected", id="n", at=NOW, context={"op": "never", "facet": "genres", "value": "musical"})
    assert texts(people(never)) == ["No musical any more: you said so today."]
    assert texts(people(never), "zh") == ["不再推歌舞：今天说的。"]
    old = Event(
        "ann", "corrected", id="n", at=1_000_000_000.0, context={"op": "never", "facet": "people", "value": "Tom Hanks"}
    )
    assert "September 2001" in texts(people(old))[0]
    assert "2001年9月" in texts(people(old), "zh")[0]


def test_a_line_that_is_taken_back_is_gone_and_the_others_stay(people):
    known = people(*liked(*HORROR), *liked("spirited-away-2001"))
    lines = known.portrait("ann", "en")
    for line in lines:
        after = people(*liked(*HORROR), *liked("spirited-away-2001"))
        after.store.append(*(Event("ann", "corrected", item, context=context) for item, context in line.takes_back))
        assert line.key not in {other.key for other in after.portrait("ann", "en")}
    assert [line.key for line in known.portrait("ann", "zh")] == [line.key for line in lines]


@pytest.mark.parametrize(("language", "words"), [("en", "two people"), ("zh", "两个人")])
def test_two_people_in_one_account_are_told_of(people, language, words):
    known = people(*liked(*HORROR), *liked("la-la-land-2016", "singin-in-the-rain-1952"))
    horror, musical = (read_tastes_of(known, kind) for kind in ("horror", "musical"))
    found = replace(known.interests("ann"), interests=(horror, musical), apart=True)
    [line] = [line for line in known.painter.paint(found, [], language, NOW) if line.kind == "apart"]
    assert words in line.text


def read_tastes_of(people, kind):
    return Interest(HORROR[:1], 0.5, NOW, (Taste("genres", kind, 0.9, 0.99, 0.1, HORROR[:2]),))


def test_a_message_becomes_events_and_the_state_of_earlier_ones_is_not_told_again(make_pipeline):
    pipeline = make_pipeline()

    def wished():
        return [(e.context["value"], e.context["op"]) for e in pipeline.store.events("ann") if e.kind == "wished"]

    pipeline.complete("a western, no horror", Conversation("c", "ann"), pipeline.profile("ann"), items_only=True)
    assert sorted(wished()) == [("horror", "excludes"), ("western", "includes")]
    pipeline.complete("something slow", pipeline.store.load("c", "ann"), pipeline.profile("ann"), items_only=True)
    assert sorted(wished()) == [("horror", "excludes"), ("slow", "includes"), ("western", "includes")]


def test_a_recommendation_that_is_taken_is_accepted_and_not_offered_again(make_pipeline):
    pipeline = make_pipeline()
    first = pipeline.complete("a western", Conversation("c", "ann"), pipeline.profile("ann"), items_only=True)
    pipeline.complete("I'll watch the first one", pipeline.store.load("c", "ann"), pipeline.profile("ann"), items_only=True)
    taken = [e.item for e in pipeline.store.events("ann") if e.kind == "accepted"]
    assert taken == [first.items[0].item.id]
    again = pipeline.complete("a western", Conversation("d", "ann"), pipeline.profile("ann"), items_only=True)
    assert taken[0] not in [i.item.id for i in again.items]
