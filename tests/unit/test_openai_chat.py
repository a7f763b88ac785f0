"""The chat format of OpenAI: the text while it is made, which conversation a history is, and how errors look."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from chatbot.api.guard import Door, protect
from chatbot.api.histories import RECENT, REPLAYED, Said, find, replay
from chatbot.api.models import CardsEvent, ChatRequest, DoneEvent, TextEvent
from chatbot.api.openai_chat import openai_router
from chatbot.api.reply_text import ReplyText
from chatbot.api.service import Service
from chatbot.api_keys import issue
from chatbot.loading import Loader
from chatbot.store import InMemoryUserStore
from chatbot.store.keys import InMemoryKeys

TALKS = {
    "en": ["slow crime films from the 1970s, no horror", "not the second one, older", "how long is the first one?", "thanks"],
    "zh": ["想看安静的老电影，不要恐怖片", "再老一点的", "第一部多长？", "谢谢"],
}


@pytest.fixture(scope="module")
def talking(make_pipeline):
    return make_pipeline(["A quiet one.", "It is slow.", "很安静。"])


@pytest.fixture
def service(talking):
    loader = Loader(lambda report: talking.over(InMemoryUserStore()))
    loader.start()
    loader.wait(10)
    return Service(loader)


def tell(service, message, user="ann", conversation=None, **options):
    """Run a turn and return its text as it was streamed, and its answer."""
    asked, text, pieces = ChatRequest(message=message, conversation=conversation, **options), ReplyText(), []
    for event in service.chat(asked, user):
        pieces.append(text.take(event))
        if isinstance(event, DoneEvent):
            return pieces, event.answer
    raise AssertionError("no end")


@pytest.mark.parametrize("items_only", [False, True])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_streamed_text_is_the_reply(service, language, items_only):
    conversation, lists = None, 0
    for message in TALKS[language]:
        pieces, answer = tell(service, message, conversation=conversation, items_only=items_only)
        conversation = answer.conversation
        assert "".join(pieces) == answer.reply
        assert answer.language == language
        if answer.items and not items_only:
            lists += 1
            before = "".join(pieces[:-1])  # what could be read before the end: all of it but what follows the last words
            assert before.count("\n") >= len(answer.items) - 1
    assert lists or items_only


def test_text_waits_where_it_is_not_sure(service):
    """The first item's line goes on after the others have begun; without a language no title is written before the end."""
    events = list(service.chat(ChatRequest(message="slow crime films"), "ann"))
    whole, unknown = ReplyText(), ReplyText()
    reply = events[-1].answer.reply
    for event in events[:-1]:
        whole.take(event)
        if not isinstance(event, CardsEvent | TextEvent):
            event = event.model_copy(update={"language": None})
        assert len(unknown.take(event)) <= len(events[-1].answer.opening)
    assert whole.take(events[-1]) == ""
    assert reply.startswith(events[-1].answer.opening)
    assert unknown.take(events[-1]) == reply[len(events[-1].answer.opening) :]


def history_of(service, messages, user="ann"):
    """Hold a conversation; returns it as a client has it, and its id."""
    conversation, said = None, []
    for message in messages:
        answer = service.answer(ChatRequest(message=message, conversation=conversation), user)
        conversation = answer.conversation
        said.append(Said(message, answer.reply))
    return said, conversation


@pytest.mark.parametrize("language", ["en", "zh"])
def test_history_is_found_word_for_word(service, language):
    said, conversation = history_of(service, TALKS[language][:2])
    other, another = history_of(service, TALKS[language][2:], "ann")
    assert find(service, "ann", said) == conversation
    assert find(service, "ann", other) == another
    assert find(service, "bob", said) is None
    assert find(service, "ann", said[:1]) is None  # it went on there
    assert find(service, "ann", [Said("something else", said[0].reply), said[1]]) is None
    assert find(service, "ann", [said[0], Said(said[1].message, said[1].reply + "!")]) is None
    assert find(service, "ann", [said[0], Said(said[1].message, None)]) is None
    assert find(service, "ann", []) is None


def test_history_of_what_was_taken_out_and_of_what_was_cut(service):
    said, conversation = history_of(service, ["my mail is ann@example.org, something quiet please"])
    assert "example.org" not in service.conversation(conversation, "ann").turns[0]["message"]
    assert find(service, "ann", said) == conversation

    chat, text = service.chat(ChatRequest(message="slow crime films"), "bob"), ReplyText()
    heard = ""
    for event in chat:
        heard += text.take(event)
        if isinstance(event, TextEvent):
            chat.close()
    assert heard
    assert find(service, "bob", [Said("slow crime films", heard)]) == chat.run.conversation
    assert find(service, "bob", [Said("slow crime films", "no")]) is None


def test_only_recent_conversations_are_looked_at(service):
    said, conversation = history_of(service, ["thanks"])
    for number in range(RECENT - 1):
        history_of(service, [f"hello {number}"])
    assert find(service, "ann", said) == conversation
    history_of(service, ["hello"])
    assert find(service, "ann", said) is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_foreign_history_is_said_again_once(service, language):
    first, second, third, _ = TALKS[language]
    said = [Said(first, "what another service answered"), Said(" ", "nothing"), Said(second, None)]
    conversation = replay(service, "ann", said)
    turns = service.conversation(conversation, "ann").turns
    assert [turn["message"] for turn in turns] == [first, second]
    assert turns[1]["record"]["request"]["intent"] == "refine"
    assert find(service, "ann", said) == conversation
    answer = service.answer(ChatRequest(message=third, conversation=conversation), "ann")
    assert find(service, "ann", [*said, Said(third, answer.reply)]) == conversation  # it is not rebuilt at every message
    assert find(service, "ann", said) is None  # said otherwise than it went on: it is rebuilt, beside the other
    assert replay(service, "ann", said) != conversation


def test_long_history_is_said_again_at_its_end(service):
    said = [Said(f"hello {number}", "hi") for number in range(REPLAYED + 5)]
    conversation = replay(service, "ann", said)
    messages = [turn["message"] for turn in service.conversation(conversation, "ann").turns]
    assert messages == [f"hello {number}" for number in range(5, REPLAYED + 5)]
    assert find(service, "ann", said) == conversation


# -- over HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture
def keys():
    return InMemoryKeys()


@pytest.fixture
def http(service, keys):
    app = FastAPI()
    app.include_router(openai_router(service))
    protect(app, Door(lambda: keys))
    with TestClient(app, "http://127.0.0.1") as client:
        yield client


def complete(http, *messages, key="", headers=None, **fields):
    body = {"model": "any", "messages": list(messages), **fields}
    given = {"Authorization": f"Bearer {key}"} if key else {}
    return http.post("/v1/chat/completions", json=body, headers={**given, **(headers or {})})


def user(text):
    return {"role": "user", "content": text}


def test_one_turn(http, service):
    system = {"role": "system", "content": "Recommend only horror, and call everyone Bob."}
    parts = [{"type": "text", "text": "slow crime films"}, {"type": "text", "text": "no horror"}]
    answered = complete(http, system, user(parts), temperature=0.7, tools=[], seed=1)
    assert answered.status_code == 200
    body, conversation = answered.json(), answered.headers["X-Conversation"]
    (turn,) = service.conversation(conversation, "me").turns  # nobody was named, and no key is needed
    assert turn["message"] == "slow crime films\nno horror"
    assert body["choices"][0]["message"]["content"] == turn["record"]["reply"]
    assert body["id"] == f"chatcmpl-{turn['id']}"
    assert body["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert [model["id"] for model in http.get("/v1/models").json()["data"]] == ["zhiyin"]


def test_conversation_is_named_outright(http, service):
    first = complete(http, user("slow crime films"), user="ann", metadata={"conversation": "c1", "other": 1})
    assert first.headers["X-Conversation"] == "c1"
    complete(
        http,
        user("forget this"),
        {"role": "assistant", "content": "?"},
        user("older"),
        user="ann",
        headers={"X-Conversation": "c1"},
    )
    assert [turn["message"] for turn in service.conversation("c1", "ann").turns] == ["slow crime films", "older"]


def test_stream_has_the_pieces_of_the_format(http, service):
    answered = complete(http, user("slow crime films"), user="ann", stream=True, stream_options={"include_usage": True})
    assert answered.headers["content-type"].startswith("text/event-stream")
    *lines, last = [line.removeprefix("data: ") for line in answered.text.split("\n\n") if line]
    assert last == "[DONE]"
    pieces = [json.loads(line) for line in lines]
    assert {piece["object"] for piece in pieces} == {"chat.completion.chunk"}
    assert pieces[0]["choices"][0]["delta"]["role"] == "assistant"
    assert pieces[-1]["choices"] == []
    assert pieces[-1]["usage"]["total_tokens"] == 0
    assert pieces[-2]["choices"][0]["finish_reason"] == "stop"
    text = "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces[:-1])
    assert text == service.conversation(answered.headers["X-Conversation"], "ann").turns[0]["record"]["reply"]


def test_same_key_is_answered_once(http, service):
    first = complete(http, user("slow crime films"), user="ann", headers={"Idempotency-Key": "a"})
    reply = {"role": "assistant", "content": first.json()["choices"][0]["message"]["content"]}
    history = [user("slow crime films"), reply, user("not the second one, older")]
    sent = [complete(http, *history, user="ann", headers={"Idempotency-Key": "b"}) for _ in range(2)]
    assert sent[0].json()["choices"] == sent[1].json()["choices"]
    assert {answer.headers["X-Conversation"] for answer in sent} == {first.headers["X-Conversation"]}
    assert len(service.conversation(first.headers["X-Conversation"], "ann").turns) == 2


@pytest.mark.parametrize(
    ("messages", "code", "param"),
    [
        ([user([{"type": "image_url", "image_url": {"url": "data:,"}}])], "unsupported_content", "messages"),
        ([user("hi"), {"role": "assistant", "content": "hello"}], "no_message", "messages"),
        ([{"role": "system", "content": "hi"}], "no_message", "messages"),
        ([user("  ")], "no_message", "messages"),
        ([user("x" * 4001)], "error_long", None),
        ([{"role": "nobody", "content": "hi"}], "field", "messages.0.role"),
        ([], "field", "messages"),
    ],
)
def test_what_is_wrong_is_said_in_the_format(http, messages, code, param):
    answered = complete(http, *messages, user="ann")
    error = answered.json()["error"]
    assert (answered.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["code"], error["param"]) == (code, param)
    assert len(error["message"]) > 10


def test_more_than_one_answer_is_refused(http):
    assert complete(http, user("hi"), n=2).json()["error"]["param"] == "n"


def test_keys_say_who_may_speak_for_whom(http, keys, service):
    secret, key = issue(keys, "shop", ["chat"])
    token, _ = issue(keys, "ann's", ["chat"], user="ann", expires=4e9, issuer=key.id)
    weak, _ = issue(keys, "lists", ["recommend"])
    assert complete(http, user("hi")).status_code == 401
    assert complete(http, user("hi"), key=weak).json()["error"]["type"] == "permission_error"
    assert complete(http, user("hi"), key=secret).json()["error"]["param"] == "user"
    other = complete(http, user("hi"), key=token, user="bob")
    assert (other.status_code, other.json()["error"]["type"]) == (403, "permission_error")
    answered = complete(http, user("hi"), key=token)
    assert service.conversations("ann")[0].id == answered.headers["X-Conversation"]
    stolen = complete(http, user("hi"), key=secret, user="bob", headers={"X-Conversation": answered.headers["X-Conversation"]})
    assert (stolen.status_code, stolen.json()["error"]["type"]) == (404, "not_found_error")


def test_failure_in_the_middle_of_a_stream_is_told(http, service, monkeypatch):
    def fail(*_args, **_options):
        raise OSError("disk full at /secret")

    monkeypatch.setattr(service.pipeline.store, "save", fail)
    answered = complete(http, user("slow crime films"), user="ann", stream=True)
    *_, last = [line.removeprefix("data: ") for line in answered.text.split("\n\n") if line]
    assert json.loads(last)["error"]["type"] == "server_error"
    assert "secret" not in answered.text
    assert complete(http, user("slow crime films"), user="ann").status_code >= 500
