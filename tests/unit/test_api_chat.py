"""Messages over HTTP: whole and as events, once for each key, and what happens when something fails."""

from __future__ import annotations

import threading

import pytest
from api_server import FailingModel, WaitingModel, events, serve, somebody

from chatbot.api.models import EVENTS, ChatAnswer
from chatbot.hosting import end_turns
from retrieval.errors import EngineError, StoreError

SAID = {"en": "a quiet film about space, no horror", "zh": "想看安静的太空片，不要恐怖片"}
GO_ON = {"en": "something shorter", "zh": "再短一点的"}


@pytest.fixture(scope="module")
def shared(make_pipeline):
    return serve(make_pipeline(["A quiet one."]))


@pytest.fixture
def api(shared):
    return somebody(shared)


def say(api, message, key="", **more):
    headers = {"Idempotency-Key": key} if key else {}
    return api.client.post("/v1/chat", json={"message": message, "user": api.user, **more}, headers=headers)


def stream(api, message, key="", **more):
    answer = say(api, message, key, stream=True, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer, [event for event in events(answer.text.splitlines()) if event[0] != "ping"]


def problem(answer, status, code):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    return answer.json()["error"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_conversation_goes_on_and_is_stored(api, language):
    first = say(api, SAID[language], count=2).json()
    assert first["language"] == language
    assert len(first["items"]) == 2
    assert first["intent"] == "recommend"
    assert all(entry["reasons"] and entry["item"]["summary"] for entry in first["items"])
    horror = {value for entry in first["items"] for value in entry["item"]["facets"]["genres"]}
    assert "horror" not in horror
    second = say(api, GO_ON[language], conversation=first["conversation"]).json()
    assert second["conversation"] == first["conversation"]
    assert second["held"][:1] == first["held"][:1]  # it still holds to what was said before
    stored = api.pipeline.store.load(first["conversation"], api.user).turns
    assert [turn.id for turn in stored] == [first["turn"], second["turn"]]
    assert stored[0].record["reply"] == first["reply"]


def test_the_language_of_a_message_that_shows_none_is_the_one_asked_for(api):
    assert say(api, "2001", language="zh").json()["language"] == "zh"


def test_items_only_has_no_sentences(api):
    answer = say(api, SAID["en"], items_only=True).json()
    assert answer["items"]
    assert not any(entry["reasons"] for entry in answer["items"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_events_come_in_their_order_and_add_up_to_the_answer(api, language):
    answer, told = stream(api, SAID[language])
    names = [name for name, _ in told]
    parsed = [EVENTS[name].model_validate(data) for name, data in told]
    assert names[0] == "state"
    assert names[-1] == "done"
    assert names.count("done") == 1
    assert names.index("cards") < names.index("text") < names.index("sources")
    assert [data["settled"] for name, data in told if name == "cards"] == [False, True]
    whole = ChatAnswer.model_validate(told[-1][1]["answer"])
    for entry in whole.items:
        texts = "".join(e.delta for n, e in zip(names, parsed, strict=True) if n == "text" and e.item == entry.item.id)
        assert texts == ("" if language == "zh" else " ").join(reason.text for reason in entry.reasons)
        proved = [e for n, e in zip(names, parsed, strict=True) if n == "sources" and e.item == entry.item.id]
        assert [(e.text, e.sources, e.written_by) for e in proved] == [
            (reason.text, reason.sources, reason.written_by) for reason in entry.reasons
        ]
    assert answer.headers["x-accel-buffering"] == "no"


def test_a_reply_without_items_is_text(api):
    _, told = stream(api, "hello")
    assert "cards" not in [name for name, _ in told]
    assert "".join(data["delta"] for name, data in told if name == "text") == told[-1][1]["answer"]["reply"]


def test_who_accepts_events_gets_them(api):
    headers = {"Accept": "application/json;q=0.5, text/event-stream"}
    answer = api.client.post("/v1/chat", json={"message": "hello", "user": api.user}, headers=headers)
    assert [name for name, _ in events(answer.text.splitlines())][-1] == "done"


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        ({"message": "", "user": "ann"}, "field", "message"),
        ({"message": "  \n", "user": "ann"}, "error_empty", ""),
        ({"message": "x" * 4001, "user": "ann"}, "field", "message"),
        ({"message": "hello"}, "no_user", "user"),
        ({"message": "hello", "user": "a\nb"}, "field", "user"),
        ({"message": "hello", "user": "ann", "count": 11}, "field", "count"),
        ({"message": "hello", "user": "ann", "colour": "red"}, "field", "colour"),
        ({"message": "hello", "user": "ann", "language": "fr"}, "field", "language"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_wrong_request_is_refused_before_anything_begins(api, body, code, where, streamed):
    answer = api.client.post("/v1/chat", json={**body, "stream": streamed})
    assert problem(answer, 422, code)["where"] == where
    assert not api.pipeline.store.conversations(body.get("user", ""))
    assert api.service.running == 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_conversation_of_another_is_as_one_that_is_not_there(api, streamed):
    talk = say(api, "hello").json()["conversation"]
    error = problem(say(somebody(api), "hello", conversation=talk, stream=streamed), 404, "no_conversation")
    assert api.user not in error["message"]
    assert len(api.pipeline.store.load(talk, api.user).turns) == 1
    assert api.service.running == 0


# -- the same message twice ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_key_that_comes_again_brings_the_same_turn(api, language):
    first = say(api, SAID[language], key="k1")
    again = say(api, SAID[language], key="k1")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    # the record rounds times and scores; everything else is the same
    assert again.json() == first.json()
    assert len(api.pipeline.store.load(first.json()["conversation"], api.user).turns) == 1
    answer, told = stream(api, SAID[language], key="k1", conversation=first.json()["conversation"])
    assert answer.headers["idempotency-replayed"] == "true"
    assert told[0][0] == "cards"
    assert told[-1][1]["answer"] == first.json()
    texts = "".join(
        data["delta"] for name, data in told if name == "text" and data["item"] == told[0][1]["items"][0]["item"]["id"]
    )
    assert texts in first.json()["reply"]


def test_the_key_of_another_user_is_another_key(api):
    ann, bo = say(api, "hello", key="k1").json(), say(somebody(api), "hello", key="k1").json()
    assert ann["turn"] != bo["turn"]
    assert ann["conversation"] != bo["conversation"]


def test_a_key_is_of_one_message(api):
    say(api, SAID["en"], key="k1")
    assert "Idempotency-Key" in problem(say(api, SAID["zh"], key="k1"), 422, "key_reused")["where"]


def test_a_message_that_was_deidentified_is_told_again_too(api):
    message = "something quiet, mail me at ann@example.org"
    assert "taken out" in " ".join(say(api, message, key="k1").json()["notes"])
    assert say(api, message, key="k1").headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_cannot_be_is_refused(api, key):
    answer = api.client.post("/v1/chat", json={"message": "hello", "user": api.user}, headers={"Idempotency-Key": key})
    assert "idempotency-key" in problem(answer, 422, "field")["where"].lower()
    assert not api.pipeline.store.conversations(api.user)


def test_while_a_turn_runs_its_key_waits(make_pipeline):
    model = WaitingModel()
    api = serve(make_pipeline(model=model))
    cut = []
    thread = threading.Thread(target=lambda: cut.append(say(api, SAID["en"], key="k1").json()))
    thread.start()
    assert model.waiting.wait(20)
    refused = say(api, SAID["en"], key="k1")
    problem(refused, 409, "running")
    assert int(refused.headers["retry-after"]) >= 1
    assert api.service.running == 1
    assert end_turns(0, [api.service]) == 1  # called off, and waited for
    thread.join(20)
    assert "stopped" in cut[0]["notes"]
    assert api.service.running == 0
    drained = say(api, "hello")
    problem(drained, 503, "draining")
    assert "retry-after" in drained.headers


def test_a_turn_that_was_cut_is_run_again_in_its_place(make_pipeline):
    model = WaitingModel()
    pipeline = make_pipeline(model=model)
    api = serve(pipeline)
    thread = threading.Thread(target=lambda: say(api, SAID["en"], key="k1", conversation="c1"))
    thread.start()
    assert model.waiting.wait(20)
    end_turns(0, [api.service])
    thread.join(20)
    (cut,) = pipeline.store.load("c1", "ann").turns
    assert "stopped" in cut.record["notes"]

    api = serve(make_pipeline(["A quiet one."], store=pipeline.store))  # the next start
    whole = say(api, SAID["en"], key="k1", conversation="c1")
    assert "idempotency-replayed" not in whole.headers
    (kept,) = pipeline.store.load("c1", "ann").turns
    assert kept.id == cut.id == whole.json()["turn"]
    assert "stopped" not in kept.record["notes"]
    assert say(api, SAID["en"], key="k1", conversation="c1").headers["idempotency-replayed"] == "true"
    said = [event for event in pipeline.store.events("ann") if event.kind == "typed"]
    assert len(said) == 1


# -- faults -------------------------------------------------------------------------------------------------------------------


def test_without_a_model_there_are_reasons_from_the_cards(make_pipeline):
    api = serve(make_pipeline(model=FailingModel()))
    answer = say(api, SAID["en"]).json()
    assert answer["items"]
    assert answer["notes"]
    assert all(reason["written_by"] == "template" for entry in answer["items"] for reason in entry["reasons"])


def test_a_failure_on_the_way_is_the_last_event_and_can_be_tried_again(make_pipeline):
    model = FailingModel()
    model.broken = RuntimeError("a secret of the inside")
    api = serve(make_pipeline(model=model))
    _, told = stream(api, SAID["zh"], key="k1", conversation="c1")
    assert told[-1][0] == "error"
    assert "secret" not in str(told)
    failed = say(api, SAID["zh"], key="k1", conversation="c1")
    assert failed.status_code == 500
    assert "secret" not in failed.text
    model.broken = None
    _, told = stream(api, SAID["zh"], key="k1", conversation="c1")
    assert told[-1][0] == "done"
    assert len(api.pipeline.store.load("c1", "ann").turns) == 1
    assert api.service.running == 0


@pytest.mark.parametrize("error", [StoreError("The disk is full."), EngineError("away")])
def test_what_fails_before_the_first_event_has_a_status(api, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(api.pipeline.store, "load", fail)
    for streamed in (False, True):
        assert say(api, "hello", stream=streamed).status_code == 503
    assert api.service.running == 0
