"""The engine that asks a server, and a server that fails in every way it may."""

from __future__ import annotations

import gc
import json
import select
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from chatbot.llm import factory
from chatbot.llm.base import Prompt
from chatbot.llm.openai_api import OpenAIModel
from chatbot.settings import Settings
from retrieval.errors import EngineError, SettingsError

KEY = "sk-very-secret"
HELLO = Prompt("You are brief.", "Say hello.")
PREFIXED = Prompt("", "Name three colours.", prefix="The colours are: red,")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOO_MANY = "Requested sample logprobs of 100, which is greater than max allowed: 20"
HURRY = {"retry-after-ms": "1"}  # to the client's attempts
LONG = 30.0  # seconds that a stalled server takes
SOON = 5.0  # seconds within which a call ends that does not wait for it


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers), None))
        if callable(self.server.models):
            self.server.models(self)
        else:
            self.reply({"object": "list", "data": [{"id": name, "object": "model"} for name in self.server.models]})

    def do_POST(self):
        self.body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, dict(self.headers), self.body))
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def reply(self, body, code=200, kind="application/json", headers=()):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def send(self, text):
        self.wfile.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())

    def event(self, text=None, finish=None):
        delta = {} if text is None else {"content": text}
        self.send(f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n")

    def end(self):
        self.wfile.write(b"0\r\n\r\n")

    def stall(self):
        """Wait long, and note it if the client goes away."""
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline and not self.server.closing.is_set():
            if select.select([self.connection], [], [], 0.02)[0] and not self.connection.recv(1):
                self.server.left.set()
                break
        self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.models = ["first", "second"]
        self.answers, self.asked = [say("hello", " there", ".")], []
        self.left, self.closing = threading.Event(), threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def bodies(self):
        return [body for _, _, body in self.asked if body is not None]


def say(*pieces, finish="stop", done=True):
    def answer(handler):
        handler.begin()
        handler.send('data: {"choices": []}\n\n')
        for piece in pieces:
            handler.event(piece)
        if finish:
            handler.event(finish=finish)
        if done:
            handler.send("data: [DONE]\n\n")
        handler.end()

    return answer


def refuse(code, message="no", headers=HURRY):
    return lambda handler: handler.reply({"error": {"message": message, "code": code}}, code, headers=headers)


def tokens(*entries):
    top = [{"token": token, "logprob": value, "bytes": None} for token, value in entries]
    content = [{**top[0], "top_logprobs": top}]
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "length"}
    return lambda handler: handler.reply({"choices": [{**choice, "logprobs": {"content": content}}]})


def only(*allowed):
    """Refuse every field but these and those that every server knows, as transformers serve does."""
    known = {"model", "messages", "temperature", "frequency_penalty", "max_tokens", "stream", "stop", *allowed}

    def answer(handler):
        unknown = handler.body.keys() - known
        if unknown:
            handler.reply({"detail": f"Unexpected fields in the request: {unknown}"}, 422)
        else:
            say("hello")(handler)

    return answer


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def make(server):
    def build(model="default", **options):
        return OpenAIModel(server.url, model, **{"timeout": 20.0, **options})

    return build


def text_of(model, prompt=HELLO, **options):
    return "".join(model.stream(prompt, **{"max_tokens": 9, **options}))


@contextmanager
def soon():
    since = time.monotonic()
    yield
    assert time.monotonic() - since < SOON


class TestWhichModelAndServer:
    def test_the_first_one_is_the_default(self, make):
        assert dict(make().description) == {"engine": "openai", "name": "first"}

    def test_another_one_by_name(self, make, server):
        assert make("second").description["name"] == "second"
        text_of(make("second"))
        assert server.bodies[0]["model"] == "second"

    def test_a_path_of_the_server_is_not_recorded(self, make, server):
        server.models = ["/srv/models/small.Q4.gguf"]
        model = make()
        assert model.description["name"] == "small.Q4.gguf"
        text_of(model)
        assert server.bodies[0]["model"] == "/srv/models/small.Q4.gguf"

    def test_an_unknown_one(self, make):
        with pytest.raises(SettingsError, match=r"no model 'third'. It has: first, second\."):
            make("third")

    def test_a_server_that_lists_none(self, make, server):
        server.models = []
        assert make("any").description["name"] == "any"
        with pytest.raises(SettingsError, match="--model"):
            make()

    @pytest.mark.parametrize("url", ["", "  "])
    def test_no_url(self, url):
        with pytest.raises(SettingsError, match="ZHIYIN_SERVER_URL"):
            OpenAIModel(url)

    @pytest.mark.parametrize(
        "url", ["localhost:8000/v1", "127.0.0.1/v1", "ftp://a/v1", "http://", "http://a:b/v1", "http://a/v1?b=c"]
    )
    def test_a_malformed_url(self, url):
        with pytest.raises(SettingsError, match="no URL of a server") as caught:
            OpenAIModel(url)
        assert url in str(caught.value)

    @pytest.mark.parametrize("url", ["http://me:sesame@127.0.0.1/v1", "me:sesame@127.0.0.1", "http://me:sesame@[1/v1"])
    def test_a_password_in_the_url_is_refused_and_not_shown(self, url):
        with pytest.raises(SettingsError, match="ZHIYIN_SERVER_KEY") as caught:
            OpenAIModel(url)
        assert "sesame" not in str(caught.value)

    def test_a_server_that_is_not_there(self, server):
        url = server.url
        server.server_close()
        with pytest.raises(EngineError, match="cannot be reached") as caught:
            OpenAIModel(url)
        assert url in str(caught.value)
        assert "ZHIYIN_SERVER_URL" in str(caught.value)
        assert caught.value.key == "error_engine"

    def test_a_wrong_address(self, make, server):
        server.models = refuse(404, "File Not Found")
        with pytest.raises(EngineError, match="end in /v1"):
            make()

    def test_what_is_no_such_server(self, make, server):
        server.models = lambda handler: handler.reply("<html>It works!</html>", kind="text/html")
        with pytest.raises(EngineError, match="no answer of the OpenAI API"):
            make()

    def test_a_redirect_is_not_followed(self, make, server):
        server.models = lambda handler: handler.reply("", 307, headers={"location": "/elsewhere"})
        with pytest.raises(EngineError, match="307"):
            make()
        assert {path for path, _, _ in server.asked} == {"/v1/models"}

    def test_the_last_slash_does_not_matter(self, server):
        OpenAIModel(f" {server.url}/ ")
        assert server.asked[0][0] == "/v1/models"

    def test_its_thread_ends_with_the_model(self, make):
        before = {thread for thread in threading.enumerate() if thread.name == "openai-loop"}
        model = make()
        text_of(model)
        (thread,) = {thread for thread in threading.enumerate() if thread.name == "openai-loop"} - before
        del model
        gc.collect()
        thread.join(timeout=SOON)
        assert not thread.is_alive()


class TestWhatIsSent:
    def test_nothing_but_the_request_and_the_key(self, make, server, monkeypatch):
        for name in ("API_KEY", "ORG_ID", "PROJECT_ID", "ADMIN_KEY", "BASE_URL"):
            monkeypatch.setenv(f"OPENAI_{name}", "http://127.0.0.1:1/of-another-service")
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Other: of-another-service\nAuthorization: of-another-service")
        text_of(make(key=SecretStr(f"{KEY}\n")))
        text_of(make())
        assert "of-another-service" not in repr(server.asked)
        assert "python" not in repr([headers for _, headers, _ in server.asked]).lower()
        names = {name.lower() for _, headers, _ in server.asked for name in headers}
        plain = {"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host"}
        assert names == {*plain, "user-agent"}
        given = [headers.get("authorization") for _, headers, _ in server.asked]
        assert given == [f"Bearer {KEY}", f"Bearer {KEY}", None, None]

    @pytest.mark.parametrize("key", ["sk\nsecret", "sk-sécret"])
    def test_a_key_that_no_header_can_carry_is_not_shown(self, make, key):
        with pytest.raises(SettingsError, match="ZHIYIN_SERVER_KEY") as caught:
            make(key=SecretStr(key))
        assert "cret" not in str(caught.value)

    def test_greedy_decoding(self, make, server):
        assert text_of(make(), stop=["\n"]) == "hello there."
        (body,) = server.bodies
        assert body["messages"] == HELLO.messages()
        assert (body["temperature"], body["frequency_penalty"], body["repetition_penalty"]) == (0, 0, 1)
        assert (body["max_tokens"], body["stop"], body["stream"]) == (9, ["\n"], True)
        assert body["chat_template_kwargs"] == {"enable_thinking": False}
        assert not {"continue_final_message", "add_generation_prompt"} & body.keys()

    def test_no_tokens_no_request(self, make, server):
        assert text_of(make(), max_tokens=0) == ""
        assert server.bodies == []

    def test_a_prefix_is_the_last_message_to_be_continued(self, make, server):
        server.answers = [say(" green")]
        assert text_of(make(), PREFIXED) == " green"
        (body,) = server.bodies
        assert body["messages"][-1] == {"role": "assistant", "content": PREFIXED.prefix}
        assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)

    @pytest.mark.parametrize(
        ("pieces", "text"),
        [
            (["The colours", " are: red,", " green."], " green."),
            ([" The colours are: red, green."], " green."),
            (["The colours are: red,"], ""),
            (["The colours", " of it"], "The colours of it"),
            (["The col"], "The col"),
            ([" blue,", " The colours are: red,"], " blue, The colours are: red,"),
            ([], ""),
        ],
    )
    def test_a_repeated_prefix_is_left_out(self, make, server, pieces, text):
        server.answers = [say(*pieces)]
        assert text_of(make(), PREFIXED) == text

    def test_a_stop_text_that_the_server_sends_is_cut_off(self, make, server):
        server.answers = [say("one", " tw", "o three")]
        assert text_of(make(), stop=["two"]) == "one "


class TestRefusals:
    def test_fields_that_the_server_does_not_know_are_left_off(self, make, server):
        server.answers = [only("chat_template_kwargs")]
        assert text_of(make(), PREFIXED) == "hello"
        fields = [("continue_final_message" in body, "repetition_penalty" in body) for body in server.bodies]
        assert fields == [(True, True), (False, False)]
        assert all("chat_template_kwargs" in body for body in server.bodies)

    def test_those_that_it_knows_are_kept(self, make, server):
        server.answers = [only("response_format")]
        assert make().fill(HELLO, SCHEMA, max_tokens=9) == "hello"
        assert ["response_format" in body for body in server.bodies] == [True, True]

    def test_a_server_that_knows_none_of_them(self, make, server):
        server.answers = [only()]
        assert text_of(make(), PREFIXED) == "hello"
        assert server.bodies[-1].keys() == {"model", "messages", "temperature", "frequency_penalty", "max_tokens", "stream"}

    def test_what_is_wrong_anyway_is_reported(self, make, server):
        server.answers = [refuse(400, "3000 tokens are too many")]
        with pytest.raises(EngineError, match="answers 400: 3000 tokens are too many"):
            text_of(make())
        assert len(server.bodies) == 3

    @pytest.mark.parametrize("code", [401, 403])
    def test_a_refused_key(self, make, server, code):
        server.answers = [refuse(code, f"Incorrect API key provided: {KEY}")]
        model = make(key=SecretStr(KEY))
        with pytest.raises(EngineError, match=f"refuses the key \\({code}\\). Set ZHIYIN_SERVER_KEY") as caught:
            text_of(model)
        assert KEY not in str(caught.value)
        server.models = server.answers[0]
        with pytest.raises(EngineError, match="refuses the key"):
            make(key=SecretStr(KEY))

    def test_the_key_is_not_repeated(self, make, server):
        server.answers = [refuse(402, f"{'x ' * 145}{KEY} has no credit left")]
        with pytest.raises(EngineError, match="answers 402") as caught:
            text_of(make(key=SecretStr(KEY)))
        assert KEY[:8] not in str(caught.value)

    def test_too_many_requests_are_tried_again(self, make, server):
        server.answers = [refuse(429), refuse(503), say("hello")]
        assert text_of(make()) == "hello"
        assert len(server.bodies) == 3

    @pytest.mark.parametrize("code", [429, 500])
    def test_two_more_attempts_and_no_more(self, make, server, code):
        server.answers = [refuse(code, "out of memory")]
        with pytest.raises(EngineError, match=f"answers {code}: out of memory"):
            make().score(HELLO, "AB")
        assert len(server.bodies) == 3


class TestBrokenAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            lambda handler: handler.reply("<html>It works!</html>", kind="text/html"),
            lambda handler: handler.reply("{]"),
            lambda handler: handler.reply({"choices": "none"}),
            lambda handler: handler.reply([1]),
            lambda handler: handler.reply("data: {]\n\n", kind="text/event-stream"),
            lambda handler: handler.reply('data: "text"\n\n', kind="text/event-stream"),
            lambda handler: handler.reply('data: {"choices": [7]}\n\n', kind="text/event-stream"),
        ],
    )
    def test_garbage(self, make, server, answer):
        server.answers = [answer]
        model = make()
        with pytest.raises(EngineError, match="The server at"):
            text_of(model)
        with pytest.raises(EngineError, match="The server at"):
            model.score(HELLO, "AB")

    def test_a_connection_that_breaks_in_the_middle(self, make, server):
        def answer(handler):
            handler.begin()
            handler.event("half")
            handler.close_connection = True

        server.answers = [answer]
        pieces = make().stream(HELLO, max_tokens=9)
        assert next(pieces) == "half"
        with pytest.raises(EngineError, match="broke off"):
            next(pieces)
        assert len(server.bodies) == 1

    def test_an_answer_without_an_end(self, make, server):
        server.answers = [say("half", finish=None, done=False)]
        with pytest.raises(EngineError, match="broke off"):
            text_of(make())

    @pytest.mark.parametrize("error", [{"message": "out of memory"}, "out of memory"])
    def test_an_error_in_the_middle(self, make, server, error):
        def answer(handler):
            handler.begin()
            handler.event("half")
            handler.send(f"data: {json.dumps({'error': error})}\n\n")
            handler.end()

        server.answers = [answer]
        with pytest.raises(EngineError, match="failed: out of memory"):
            text_of(make())


class TestPatience:
    @pytest.mark.parametrize("life", [False, True])
    def test_a_server_that_says_nothing(self, make, server, life):
        def answer(handler):
            if life:
                handler.begin()
                for _ in range(int(LONG / 0.05)):
                    if handler.server.closing.wait(0.05):
                        break
                    handler.send(": alive\n\n")
            handler.stall()

        server.answers = [answer]
        model = make(timeout=1.5)
        with soon(), pytest.raises(EngineError, match=r"within 1\.5 s.*ZHIYIN_SERVER_TIMEOUT"):
            text_of(model)

    def test_a_vote_that_does_not_come(self, make, server):
        server.answers = [Handler.stall]
        model = make(timeout=1.5)
        with soon(), pytest.raises(EngineError, match="ZHIYIN_SERVER_TIMEOUT"):
            model.score(HELLO, "AB")

    def test_a_list_of_models_that_does_not_come(self, make, server):
        server.models = Handler.stall
        with soon(), pytest.raises(EngineError, match="ZHIYIN_SERVER_TIMEOUT"):
            make(timeout=1.5)

    def test_a_slow_answer_is_waited_for(self, make, server):
        def answer(handler):
            handler.begin()
            for piece in "abcd":
                time.sleep(0.6)
                handler.event(piece)
            handler.event(finish="stop")
            handler.end()

        server.answers = [answer]
        assert text_of(make(timeout=2.0)) == "abcd"  # in more than two seconds

    @pytest.mark.parametrize("begun", [False, True])
    def test_cancel_while_nothing_comes(self, make, server, begun):
        def answer(handler):
            if begun:
                handler.begin()
                handler.event("once")
            handler.stall()

        server.answers = [answer]
        cancel = threading.Event()
        pieces = make().stream(HELLO, max_tokens=9, cancel=cancel)
        threading.Timer(0.3, cancel.set).start()
        with soon():
            assert list(pieces) == (["once"] if begun else [])
            assert server.left.wait(SOON)

    def test_cancel_in_a_form(self, make, server):
        server.answers = [Handler.stall]
        cancel = threading.Event()
        threading.Timer(0.2, cancel.set).start()
        with soon():
            assert make().fill(HELLO, {}, max_tokens=9, cancel=cancel) == ""
            assert server.left.wait(SOON)

    def test_closing_drops_the_connection(self, make, server):
        def answer(handler):
            handler.begin()
            handler.event("once")
            handler.stall()

        server.answers = [answer]
        pieces = make().stream(HELLO, max_tokens=9)
        with soon():
            assert next(pieces) == "once"
            pieces.close()
            assert server.left.wait(SOON)

    def test_cancelled_before_it_begins(self, make, server):
        cancel = threading.Event()
        cancel.set()
        assert text_of(make(), cancel=cancel) == ""
        assert server.bodies == []

    def test_the_connection_serves_the_next_call_after_one_that_was_dropped(self, make):
        model = make()
        for _ in range(20):
            assert next(model.stream(HELLO, max_tokens=9)) == "hello"
        assert text_of(model) == "hello there."


class TestScore:
    def test_the_first_token_that_spells_a_label_counts(self, make, server):
        server.answers = [tokens((" B", -0.1), ("B", -3.0), ("A", -4.0), ("\n", -5.0), (" A", -6.0))]
        assert make().score(HELLO, ["A", "B"]) == {"A": -4.0, "B": -0.1}
        (body,) = server.bodies
        assert (body["max_tokens"], body["logprobs"], body["top_logprobs"], body["temperature"]) == (1, True, 100, 0)

    def test_a_label_with_a_blank(self, make, server):
        server.answers = [tokens((" warm", -0.1), ("cold", -3.0))]
        assert make().score(HELLO, [" warm", " cold"]) == {" warm": -0.1, " cold": -3.0}

    def test_fewer_where_a_hundred_are_refused(self, make, server):
        server.answers = [
            refuse(400, "Requested sample logprobs of 100, which is greater than max allowed: 20"),
            tokens(("A", -1.0)),
        ]
        assert make().score(HELLO, ["A"]) == {"A": -1.0}
        assert [body["top_logprobs"] for body in server.bodies] == [100, 20]
        assert all("repetition_penalty" in body for body in server.bodies)

    def test_a_label_that_is_not_told_gets_the_bound(self, make, server):
        server.answers = [tokens(("A", -0.5), ("The", -2.0), ("x", -7.0))]
        assert make().score(HELLO, ["C", "A", "B"]) == {"C": -7.0, "A": -0.5, "B": -7.0}

    def test_no_label_is_told(self, make, server):
        server.answers = [tokens(("The", -2.0), ("x", -7.0))]
        with pytest.raises(EngineError, match="--max-logprobs"):
            make().score(HELLO, ["A", "B"])

    def test_a_server_that_tells_none(self, make, server):
        message = {"role": "assistant", "content": "A"}
        server.answers = [lambda handler: handler.reply({"choices": [{"index": 0, "message": message}]})]
        with pytest.raises(EngineError, match="no log-probabilities"):
            make().score(HELLO, ["A", "B"])

    def test_what_is_no_log_probability(self, make, server):
        server.answers = [tokens(("A", 0.7), ("B", -0.1))]
        with pytest.raises(EngineError, match="no log-probability for"):
            make().score(HELLO, ["A", "B"])

    @pytest.mark.parametrize("label", ["", " ", "hello there"])
    def test_a_label_that_is_no_token(self, make, server, label):
        with pytest.raises(EngineError, match="one token"):
            make().score(HELLO, ["A", label])
        assert server.bodies == []


class TestFill:
    def test_a_form(self, make, server):
        server.answers = [say('Here: {"a"', ": 1}", " Anything else?")]
        assert make().fill(HELLO, SCHEMA, max_tokens=9) == '{"a": 1}'
        form = server.bodies[0]["response_format"]
        assert form["type"] == "json_schema"
        assert form["json_schema"]["schema"] == SCHEMA

    def test_a_server_that_knows_no_forms(self, make, server):
        server.answers = [refuse(400, "response_format is not supported"), say('{"a": 1}')]
        assert make().fill(HELLO, SCHEMA, max_tokens=9) == '{"a": 1}'
        assert ["response_format" in body for body in server.bodies] == [True, False]

    def test_text_without_an_object(self, make, server):
        server.answers = [say("I ", "cannot.")]
        assert make().fill(HELLO, SCHEMA, max_tokens=9) == "I cannot."


def test_calls_side_by_side(make, server):
    barrier = threading.Barrier(4)

    def answer(handler):
        barrier.wait(SOON)  # none is answered before all have asked
        say(*handler.body["messages"][-1]["content"])(handler)

    server.answers = [answer]
    model, texts = make(), ["abcd", "efgh", "ijkl", "mnop"]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: text_of(model, Prompt("", text)), texts)) == texts


def test_the_factory_builds_it(server, tmp_path):
    done = []
    settings = Settings(engine="openai", server_url=server.url, server_key=KEY, model="second", home=tmp_path)
    model = factory.build_language_model(settings, done.append)
    assert dict(model.description) == {"engine": "openai", "name": "second"}
    assert server.asked[0][1]["authorization"] == f"Bearer {KEY}"
    assert done == [1.0]
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()


def test_without_its_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "openai", None)
    monkeypatch.delitem(sys.modules, "chatbot.llm.openai_api")
    with pytest.raises(SettingsError, match=r"pip install 'zhiyin\[server\]'") as caught:
        factory.build_language_model(Settings(engine="openai", server_url="http://127.0.0.1:1/v1", home=tmp_path))
    assert caught.value.key == "error_settings"
