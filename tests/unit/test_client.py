"""The typed client: what it sends, what it tries again, and what becomes of everything that is no success."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import httpx2
import pytest

from chatbot import client_wire
from chatbot.api.models import EVENTS, CardsEvent, DoneEvent, StateEvent, TextEvent, problem
from chatbot.api.models_people import EventIn, ProfilePatch
from chatbot.client import (
    ApiError,
    BusyError,
    Client,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    ServerError,
    UnreachableError,
)

ANSWER = {
    "turn": "t1",
    "conversation": "c1",
    "user": "ann",
    "language": "zh",
    "intent": "recommend",
    "opening": "好。",
    "items": [],
    "reply": "好。",
    "a field of a later server": {"is": "left out"},
}


@pytest.fixture
def waits(monkeypatch):
    """How long the client would have waited; it does not wait."""
    waited: list[float] = []
    monkeypatch.setattr(client_wire.time, "sleep", waited.append)
    return waited


class Script:
    """Answers requests in turn, the last answer again and again, and keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = answers, []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        status, body, *headers = answer
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx2.Response(status, content=content, headers=headers[0] if headers else {})


def client(*answers, **options):
    script = Script(*answers)
    return Client("http://server/base", "zy_key", transport=httpx2.MockTransport(script), **options), script


def sse(*events):
    text = "".join(f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n" for name, data in events)
    return 200, text.encode(), {"Content-Type": "text/event-stream; charset=utf-8"}


def test_importing_it_imports_nothing_heavy():
    heavy = "torch", "transformers", "chromadb", "gradio", "sqlalchemy", "fastapi", "numpy", "mcp", "chatbot.pipeline"
    code = f"import sys, chatbot.client; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_what_is_sent():
    zhiyin, script = client((200, ANSWER), user="安娜", language="zh")
    assert zhiyin.chat("想看安静的", conversation="c1", count=2).reply == "好。"
    (request,) = script.asked
    assert (request.method, str(request.url)) == ("POST", "http://server/base/v1/chat")
    assert request.headers["Authorization"] == "Bearer zy_key"
    body = {"message": "想看安静的", "user": "安娜", "conversation": "c1", "language": "zh", "count": 2}
    assert body.items() <= json.loads(request.content).items()
    assert len(request.headers["Idempotency-Key"]) == 32


def test_names_in_paths_are_escaped():
    zhiyin, script = client((200, {"user": "u", "liked": [], "disliked": [], "seen": [], "answered": [], "saved": []}))
    zhiyin.profile(user="安/娜?#")
    assert script.asked[0].url.raw_path == b"/base/v1/users/%E5%AE%89%2F%E5%A8%9C%3F%23/profile"
    with pytest.raises(ValueError, match="user="):
        zhiyin.profile()


def test_unknown_options_are_refused_before_anything_is_sent():
    zhiyin, script = client((200, ANSWER))
    with pytest.raises(ValueError, match="colour"):
        zhiyin.chat("hi", colour="red")
    assert not script.asked


def test_lists_are_read():
    card = {"id": "b1", "title": "One"}
    zhiyin, script = client((200, [{"item": card, "shared": ["slow"]}]))
    assert zhiyin.similar("b/1")[0].shared == ["slow"]
    assert script.asked[0].url.raw_path == b"/base/v1/items/b%2F1/similar?count=6"
    zhiyin, script = client((200, [{"id": "c", "title": "", "said": "hi", "turns": 1, "used": 1.5}]), user="ann")
    assert zhiyin.conversations("hi")[0].said == "hi"
    assert script.asked[0].url.query == b"q=hi"


# -- tried again --------------------------------------------------------------------------------------------------


def test_tries_again_with_the_same_key(waits):
    busy = (503, problem("busy", "Wait."), {"Retry-After": "3"})
    zhiyin, script = client(httpx2.ConnectError("no"), busy, (200, ANSWER), user="ann")
    assert zhiyin.chat("hi").turn == "t1"
    assert len({request.headers["Idempotency-Key"] for request in script.asked}) == 1
    assert len(script.asked) == 3
    assert waits[0] < 1
    assert waits[1] == 3
    zhiyin.chat("hi", once="mine")
    assert script.asked[3].headers["Idempotency-Key"] == "mine"
    zhiyin.chat("hi")
    assert script.asked[4].headers["Idempotency-Key"] not in ("mine", script.asked[0].headers["Idempotency-Key"])


def test_waits_for_a_turn_that_runs(waits):
    """Its answer was lost on the way; however long it takes, it is not said twice."""
    running = (409, problem("running", "Wait."), {"Retry-After": "1"})
    zhiyin, _ = client(*[running] * 20, (200, ANSWER), user="ann")
    assert zhiyin.chat("hi").turn == "t1"
    assert len(waits) == 20


def test_events_are_sent_again_under_the_same_ids(waits):
    zhiyin, script = client(httpx2.ReadError("cut"), (200, {"received": 2, "new": 2}), user="ann")
    noted = zhiyin.events(EventIn(kind="liked", item="b1"), EventIn(kind="seen", item="b2", user="bob", id="mine"))
    assert noted.new == 2
    first, second = (json.loads(request.content)["events"] for request in script.asked)
    assert first == second
    assert [event["user"] for event in first] == ["ann", "bob"]
    assert first[0]["id"]
    assert first[1]["id"] == "mine"


def test_gives_up(waits):
    zhiyin, script = client((429, problem("error_rate", "Wait."), {"Retry-After": "2"}))
    with pytest.raises(BusyError) as raised:
        zhiyin.item("b1")
    assert raised.value.retry_after == 2
    assert len(script.asked) == 3
    zhiyin, script = client(httpx2.ConnectError("no route"), retries=0)
    with pytest.raises(UnreachableError, match=r"http://server/base/v1/health cannot be reached.*no route"):
        zhiyin.health()
    assert len(script.asked) == 1


def test_long_pauses_are_left_to_the_caller(waits):
    later = format_datetime(datetime.now(timezone.utc) + timedelta(hours=1), usegmt=True)
    for header in ("3600", later):
        zhiyin, script = client((503, problem("error_loading", "Loading."), {"Retry-After": header}))
        with pytest.raises(BusyError) as raised:
            zhiyin.item("b1")
        assert 3500 < raised.value.retry_after <= 3600
        assert len(script.asked) == 1
    assert not waits


def test_tokens_and_wrong_requests_are_not_sent_twice(waits):
    zhiyin, script = client(httpx2.ReadError("cut"), user="ann")
    with pytest.raises(UnreachableError):
        zhiyin.token()
    assert len(script.asked) == 1
    zhiyin, script = client((500, problem("internal", "It failed.")))
    with pytest.raises(ServerError):
        zhiyin.recommend("slow")
    assert len(script.asked) == 1
    assert not waits


# -- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotAllowedError),
        (403, NotAllowedError),
        (404, NotFoundError),
        (409, InvalidError),
        (413, InvalidError),
        (422, InvalidError),
        (500, ServerError),
        (502, ServerError),
    ],
)
def test_kinds_of_errors(status, kind):
    zhiyin, _ = client((status, problem("code", "Say it so.", ("events", 0, "item")), {"X-Request-ID": "r1"}), user="ann")
    with pytest.raises(kind) as raised:
        zhiyin.change_profile(ProfilePatch(clear=["b1"]))
    error = raised.value
    assert isinstance(error, ApiError)
    assert (error.code, error.message, error.status) == ("code", "Say it so.", status)
    assert (error.where, error.request_id, error.retry_after) == ("events.0.item", "r1", None)
    assert str(error) == f"Say it so. (code, HTTP {status}, events.0.item)"


def test_answers_of_something_else():
    zhiyin, _ = client((502, b"<html>Bad gateway</html>"))
    with pytest.raises(ServerError, match="answered 502"):
        zhiyin.item("b1")
    zhiyin, _ = client((200, b"<html>Welcome</html>", {"X-Request-ID": "r2"}))
    with pytest.raises(ServerError, match="Is this a Zhiyin server") as raised:
        zhiyin.item("b1")
    assert raised.value.request_id == "r2"


def test_not_ready_is_an_answer(waits):
    zhiyin, _ = client((503, {"ready": False, "stage": "model", "fraction": 0.5}))
    assert zhiyin.ready().stage == "model"
    assert not waits


# -- streams ------------------------------------------------------------------------------------------------------


def test_stream_gives_typed_events():
    zhiyin, script = client(
        sse(
            ("state", {"stage": "looking", "place": 0, "language": "zh"}),
            ("of a later server", {"anything": 1}),
            ("cards", {"items": [], "settled": True, "opening": "好。"}),
            ("text", {"delta": "安静\u2028的", "item": "b1"}),
            ("done", {"answer": ANSWER}),
        ),
        user="ann",
    )
    state, cards, text, done = zhiyin.stream("想看安静的")
    assert isinstance(state, StateEvent)
    assert isinstance(cards, CardsEvent)
    assert isinstance(text, TextEvent)
    assert isinstance(done, DoneEvent)
    assert text.delta == "安静\u2028的"
    assert done.answer.reply == "好。"
    assert json.loads(script.asked[0].content)["stream"] is True
    assert set(EVENTS) == {"state", "cards", "text", "sources", "done", "error"}


def test_stream_that_fails_or_ends_early():
    begun = ("state", {"stage": "looking"})
    zhiyin, _ = client(sse(begun, ("error", problem("error_engine", "The model is gone."))))
    events = zhiyin.stream("hi", user="ann")
    assert isinstance(next(events), StateEvent)
    with pytest.raises(ServerError, match="The model is gone") as raised:
        next(events)
    assert (raised.value.code, raised.value.status) == ("error_engine", 0)
    for cut in (sse(begun), (200, b"no events", {"Content-Type": "text/plain"})):
        zhiyin, _ = client(cut)
        with pytest.raises(UnreachableError):
            list(zhiyin.stream("hi", user="ann"))
    zhiyin, _ = client(sse(("cards", {"items": 1})))
    with pytest.raises(ServerError, match="cards"):
        list(zhiyin.stream("hi", user="ann"))


def test_stream_is_begun_again_until_it_begins(waits):
    zhiyin, script = client(httpx2.ConnectError("no"), (503, problem("busy", "Wait.")), sse(("done", {"answer": ANSWER})))
    assert len(list(zhiyin.stream("hi", user="ann"))) == 1
    assert len({request.headers["Idempotency-Key"] for request in script.asked}) == 1
    zhiyin, _ = client((422, problem("error_long", "Too long.")))
    with pytest.raises(InvalidError):
        next(zhiyin.stream("hi", user="ann"))


def test_stream_closed_early_closes_the_connection():
    class Endless(httpx2.SyncByteStream):
        closed = False

        def __iter__(self):
            while True:
                yield b'event: state\ndata: {"stage": "looking"}\n\n'

        def close(self):
            self.closed = True

    endless = Endless()
    answer = httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, stream=endless)
    with Client(transport=httpx2.MockTransport(lambda _request: answer), user="ann") as zhiyin:
        events = zhiyin.stream("hi")
        next(events)
        events.close()
        assert endless.closed
