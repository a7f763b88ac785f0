"""Turns and the clients that wait for them, on a real server: a client that leaves stops its turn, and silence is filled."""

from __future__ import annotations

import json
import threading
import time
from http.client import HTTPConnection

import pytest
from api_server import WaitingModel, events, listening, serve

from chatbot.api import streaming
from chatbot.api.runs import Runs
from chatbot.hosting import end_turns
from chatbot.reranking import Poll
from chatbot.turnstile import Turnstile

SAID = {"message": "a quiet film about space, no horror", "user": "ann", "conversation": "c1"}


def until(holds, seconds=20):
    """Wait for something that must become true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


@pytest.mark.parametrize("streamed", [True, False])
def test_who_leaves_stops_the_turn_while_the_model_works(make_pipeline, streamed):
    model = WaitingModel()
    api = serve(make_pipeline(model=model))
    with listening(api.app) as client:
        if streamed:
            with client.stream("POST", "/v1/chat", json={**SAID, "stream": True}, headers=api.key()) as answer:
                told = events(answer.iter_lines())  # held: who drops it has left
                assert any(name == "state" and data["stage"] == "writing" for name, data in told)
                assert model.waiting.wait(20)
        else:
            leaving = HTTPConnection(client.base_url.host, client.base_url.port)
            leaving.request("POST", "/v1/chat", json.dumps(SAID), {**api.key(), "Content-Type": "application/json"})
            assert model.waiting.wait(20)
            leaving.close()
        assert model.let_go.wait(20)  # the model hears of it while it works
        until(lambda: api.service.running == 0)
    (turn,) = api.pipeline.store.load("c1", "ann").turns
    assert "stopped" in turn.record["notes"]
    assert turn.record["items"]  # as far as it came


def test_who_leaves_the_line_lets_the_next_one_through(make_pipeline):
    model = WaitingModel()
    api = serve(make_pipeline(model=model, line=Turnstile(1), poll=Poll(0.0)))
    with listening(api.app) as client:
        first = {**SAID, "conversation": "c0", "stream": True}
        with client.stream("POST", "/v1/chat", json=first, headers=api.key()):
            assert model.waiting.wait(20)
            with client.stream("POST", "/v1/chat", json={**SAID, "stream": True}, headers=api.key()) as answer:
                told = events(answer.iter_lines())
                queued = next(data for name, data in told if name == "state" and data["place"])
                assert (queued["stage"], queued["place"]) == ("queued", 1)
                assert api.service.running == 2
            until(lambda: api.service.running == 1)  # the first one still runs
            assert not model.let_go.is_set()
            (turn,) = api.pipeline.store.load("c1", "ann").turns
            assert "stopped" in turn.record["notes"]
        assert model.let_go.wait(20)
        until(lambda: api.service.running == 0)


def test_silence_is_filled_and_other_routes_answer_meanwhile(make_pipeline, monkeypatch):
    monkeypatch.setattr(streaming, "PING_SECONDS", 0.02)
    model = WaitingModel()
    api = serve(make_pipeline(model=model, line=Turnstile(100)))
    with listening(api.app) as client:
        # more turns than the server has threads for its other routes
        open_ = [
            client.stream("POST", "/v1/chat", json={**SAID, "conversation": f"c{n}", "stream": True}, headers=api.key())
            for n in range(41)
        ]
        answers = [stream.__enter__() for stream in open_]
        until(lambda: api.service.running == 41)
        told = events(answers[0].iter_lines())
        pings = (name for name, _ in told if name == "ping")
        assert [next(pings) for _ in range(3)] == ["ping"] * 3
        assert client.get("/v1/items?limit=1", headers=api.key()).status_code == 200
        assert end_turns(0, [api.service]) == 41
        assert client.get("/v1/ready", headers=api.key()).status_code == 503
        for stream in open_:
            stream.__exit__(None, None, None)
    assert all(len(api.pipeline.store.load(f"c{n}", "ann").turns) == 1 for n in range(41))


def test_drain_waits_for_what_ends_in_time():
    runs = Runs()
    run = runs.begin("ann", "c", "t")
    threading.Timer(0.1, runs.end, [run]).start()
    assert end_turns(20, [runs]) == 0
    assert not run.cancel.is_set()
    assert len(runs) == 0


def test_there_is_an_end_to_how_many_turns_run():
    runs = Runs(most=1)
    run = runs.begin("ann", "c", "t")
    with pytest.raises(Exception, match="Too many") as refused:
        runs.begin("bo", "d", "u")
    assert refused.value.status_code == 503
    runs.end(run)
    runs.end(run)
    runs.begin("bo", "d", "u")


def test_while_a_person_is_erased_no_turn_of_theirs_begins(make_pipeline, monkeypatch):
    api = serve(make_pipeline(["A quiet one."]))
    api.client.post("/v1/chat", json=SAID)
    erase, seen = api.pipeline.store.erase, []

    def slowly(user):
        seen.append(api.client.post("/v1/chat", json=SAID).status_code)
        seen.append(api.client.post("/v1/chat", json={**SAID, "user": "bo", "conversation": "c2"}).status_code)
        erase(user)

    monkeypatch.setattr(api.pipeline.store, "erase", slowly)
    assert api.client.delete("/v1/users/ann/profile").status_code == 200
    assert seen == [409, 200]
    assert not api.pipeline.store.events("ann")
    assert api.pipeline.store.events("bo")


@pytest.mark.parametrize("path", ["/v1/users/ann/profile", "/v1/users/ann/conversations/c1"])
def test_what_is_removed_ends_its_turn_first(make_pipeline, path):
    model = WaitingModel()
    api = serve(make_pipeline(model=model))
    thread = threading.Thread(target=api.client.post, args=("/v1/chat",), kwargs={"json": SAID})
    thread.start()
    assert model.waiting.wait(20)
    assert api.client.delete(path).status_code < 300
    thread.join(20)
    assert not api.pipeline.store.load("c1", "ann").turns
