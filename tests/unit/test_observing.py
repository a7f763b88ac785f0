"""Logs, metrics and traces: what they say of turns and requests, and that no person's words or names are in them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import anyio
import anyio.to_thread
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from structlog.contextvars import bound_contextvars

from chatbot.llm.scripted import ScriptedModel
from chatbot.observing import metrics as counted
from chatbot.observing.logs import configure_logs
from chatbot.observing.metrics import Metrics
from chatbot.observing.middleware import Observed
from chatbot.observing.observer import Observer
from chatbot.observing.traces import Tracer, stages
from chatbot.settings import Settings
from chatbot.types import Conversation, Intent, Language
from retrieval.errors import EngineError, SettingsError

ROOT = Path(__file__).resolve().parents[2]
WISH = {"en": "a quiet film about space, no horror, zanzibarquux", "zh": "想看安静的太空片，不要恐怖片，甪直珊瑚礁"}
SECRET = {"en": "zanzibarquux", "zh": "甪直珊瑚礁"}


class Broken(ScriptedModel):
    """A model that fails wherever it is asked."""

    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        raise EngineError("out of memory")
        yield ""

    def score(self, prompt, labels):
        raise EngineError("out of memory")


def turn_of(pipeline, message, user="ann-the-person", conversation="c", **options):
    talk = pipeline.store.load(conversation, user)
    return pipeline.complete(message, talk, pipeline.profile(user), **options)


# -- logs ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def logs(capsys):
    """Set up the logs as a process does, read what they print, and put everything back."""
    root = logging.getLogger()
    names = ("zhiyin", "chatbot", "retrieval", "bm25s", "chromadb", "httpx", "uvicorn.access")
    before = root.level, {name: logging.getLogger(name).level for name in names}, threading.excepthook
    made = []

    def start(kind="json", verbose=False):
        root.handlers = []  # pytest's of this phase: a process begins without any
        configure_logs(Settings(log=kind), verbose)
        made.extend(root.handlers)
        return lambda: capsys.readouterr().err

    yield start
    logging.captureWarnings(False)
    root.handlers = [handler for handler in root.handlers if handler not in made]
    root.level, levels, threading.excepthook = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_every_logger_writes_one_json_object_a_line(logs):
    read = logs()
    with bound_contextvars(request_id="r-1", caller="shop"):
        logging.getLogger("chatbot.pipeline").info("turn %s: %d items\nand more, 中文", "abc", 3)
        logging.getLogger("retrieval.index").warning("old")
        logging.getLogger("uvicorn.error").warning("cut", extra={"color_message": "\x1b[31mcut"})
        logging.getLogger("zhiyin.audit").info('{"route": "/v1/chat", "status": 200}')
    logging.getLogger("uvicorn.access").info("GET /v1/conversations?words=secret")
    logging.getLogger("httpx").warning("GET http://model/")
    logging.getLogger("chatbot.writing").debug("not shown")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", UserWarning, stacklevel=1)
    found = lines(read())
    assert [(line["logger"], line["level"]) for line in found] == [
        ("chatbot.pipeline", "info"),
        ("retrieval.index", "warning"),
        ("uvicorn.error", "warning"),
        ("zhiyin.audit", "info"),
        ("py.warnings", "warning"),
    ]
    assert list(found[0])[:4] == ["time", "level", "logger", "event"]
    assert found[0]["event"] == "turn abc: 3 items\nand more, 中文"
    assert all(line["time"].endswith("+00:00") for line in found)
    assert all((line["request_id"], line["caller"]) == ("r-1", "shop") for line in found[:4])
    assert "request_id" not in found[4]
    assert found[3]["audit"] == {"route": "/v1/chat", "status": 200}
    assert "color_message" not in found[2]


def test_an_exception_is_a_structure_without_local_variables(logs):
    read = logs()

    def fail(word):
        hidden = {"words": word * 2}
        try:
            hidden["title"]
        except KeyError as error:
            raise ValueError("no good") from error

    try:
        fail("localword")
    except ValueError:
        logging.getLogger("chatbot.api").exception("a request failed")
    text = read()
    (line,) = lines(text)
    assert [(e["exc_type"], e["exc_value"]) for e in line["exception"]] == [("ValueError", "no good"), ("KeyError", "'title'")]
    assert line["exception"][0]["frames"][-1]["name"] == "fail"
    assert "localword" not in text
    assert "exc_info" not in line


def test_what_ends_a_thread_is_logged(logs):
    read = logs()
    thread = threading.Thread(target=lambda: 1 / 0, name="worker-7")
    thread.start()
    thread.join()
    (line,) = lines(read())
    assert (line["level"], line["event"]) == ("error", "the thread worker-7 ended")
    assert line["exception"][0]["exc_type"] == "ZeroDivisionError"


def _fail_with_input(word):
    """Raise what the store and the wire models raise, which quote their input, each through a log line."""
    import pydantic
    from sqlalchemy import create_engine, text

    class Asked(pydantic.BaseModel):
        count: int

    def insert():
        with create_engine("sqlite://").connect() as connection:
            connection.execute(text("INSERT INTO nowhere VALUES (:said)"), {"said": f"{word}\nand '{word}'"})

    for fails in (insert, lambda: Asked(count=f"{word}\n{word}")):
        try:
            fails()
        except Exception as error:
            logging.getLogger("chatbot.store").error("it failed: %s", error, exc_info=True)


@pytest.mark.parametrize("kind", ["json", "text"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_words_of_a_person_are_in_no_line_but_debug(logs, make_pipeline, kind, language):
    read = logs(kind)
    for model in (ScriptedModel(lambda prompt: f"It is {SECRET[language]}."), Broken()):
        turn = turn_of(make_pipeline(model=model), WISH[language])
        assert SECRET[language] in turn.request.text
    _fail_with_input(SECRET[language])
    written = read()
    assert "turn " in written
    assert "no such table: nowhere" in written
    assert "int_parsing" in written
    assert (
        SECRET[language] not in "".join(json.dumps(line, ensure_ascii=False) for line in lines(written))
        if kind == "json"
        else written
    )
    assert "ann-the-person" not in written


def test_debug_shows_what_was_not_shown(logs, make_pipeline):
    read = logs("json", verbose=True)
    turn_of(make_pipeline(model=ScriptedModel(lambda prompt: "It is zanzibarquux.")), WISH["en"])
    _fail_with_input("zanzibarquux")
    found = lines(read())
    assert any(line["level"] == "debug" and "zanzibarquux" in line["event"] for line in found)
    assert any("zanzibarquux" in line["event"] for line in found if line["level"] == "error")


def test_text_lines_are_as_people_know_them(logs):
    read = logs("text")
    logging.getLogger("chatbot.pipeline").info("turn abc")
    logging.getLogger("somebody.else").info("not shown")
    (line,) = read().splitlines()
    assert line.endswith(" chatbot.pipeline INFO turn abc")


def test_worker_threads_know_the_request(logs):
    read = logs()

    async def work(name):
        with bound_contextvars(request_id=name):
            await anyio.to_thread.run_sync(logging.getLogger("chatbot.api").info, f"of {name}")

    async def all_at_once():
        async with anyio.create_task_group() as group:
            for n in range(8):
                group.start_soon(work, f"r-{n}")

    anyio.run(all_at_once)
    found = lines(read())
    assert sorted(line["event"] for line in found) == [f"of r-{n}" for n in range(8)]
    assert all(line["event"] == f"of {line['request_id']}" for line in found)


# -- metrics ------------------------------------------------------------------------------------------------------


def samples(metrics):
    """Return what Prometheus would read: (name, labels) -> value."""
    text = metrics.render()[0].decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics, name, **labels):
    return samples(metrics).get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_turn_is_counted_by_what_its_record_says(make_pipeline, language):
    metrics = Metrics()
    turn = turn_of(make_pipeline(observe=metrics.turn), WISH[language])
    assert value(metrics, "zhiyin_turns_total", intent="recommend", language=language, outcome="answered") == 1
    for stage, milliseconds in turn.timings_ms.items():
        count = value(metrics, "zhiyin_turn_stage_seconds_count", stage=stage)
        assert count == (1 if milliseconds else 0), stage
        assert value(metrics, "zhiyin_turn_stage_seconds_sum", stage=stage) == pytest.approx(milliseconds / 1000)
    assert turn.items
    assert value(metrics, "zhiyin_fallbacks_total", kind="template_sentence") == len(turn.items)
    assert value(metrics, "zhiyin_fallbacks_total", kind="model_unavailable") == 0


def test_a_model_that_fails_and_a_wish_that_is_relaxed_are_counted(make_pipeline):
    metrics = Metrics()
    turn = turn_of(make_pipeline(model=Broken(), observe=metrics.turn), "a musical from before 1930")
    assert [note for note in turn.notes if note.startswith("relaxed: ")]
    assert value(metrics, "zhiyin_fallbacks_total", kind="no_vote") == 1
    unavailable = sum(note.startswith("no sentence by the model") for note in turn.notes)
    assert value(metrics, "zhiyin_fallbacks_total", kind="model_unavailable") == unavailable > 0
    assert value(metrics, "zhiyin_relaxations_total") == sum(note.startswith("relaxed") for note in turn.notes)


def test_sentences_are_counted_by_who_wrote_them(make_pipeline):
    turn = turn_of(make_pipeline(), WISH["en"])
    first, *rest = turn.items
    told = replace(first, reasons=tuple(replace(reason, written_by="model") for reason in first.reasons))
    half = replace(turn, items=(told, *rest))
    metrics = Metrics()
    metrics.turn(half)
    assert value(metrics, "zhiyin_sentences_total", written_by="model") == 1
    assert value(metrics, "zhiyin_sentences_total", written_by="template") == len(rest)
    metrics.turn(replace(half, notes=("stopped",)))  # those that were not reached are no fallback
    assert value(metrics, "zhiyin_sentences_total", written_by="model") == 2
    assert value(metrics, "zhiyin_sentences_total", written_by="template") == len(rest)


def test_the_outcomes_of_turns(make_pipeline):
    metrics = Metrics()
    pipeline = make_pipeline(observe=metrics.turn)
    cancel = threading.Event()
    cancel.set()
    asked = turn_of(pipeline, "recommend something", conversation="asked")
    list(pipeline.respond(WISH["en"], Conversation("cut", "bob"), pipeline.profile("bob"), cancel=cancel))
    turn_of(pipeline, "something sad", conversation="short", items_only=True)
    assert asked.question
    assert value(metrics, "zhiyin_turns_total", intent="recommend", language="en", outcome="asked") == 1
    assert value(metrics, "zhiyin_turns_total", intent="recommend", language="en", outcome="stopped") == 1
    assert value(metrics, "zhiyin_turns_total", intent="recommend", language="en", outcome="answered") == 1
    assert value(metrics, "zhiyin_fallbacks_total", kind="template_sentence") == 0
    metrics.turn(replace(asked, question=None, notes=("failed: error_internal",)))
    assert value(metrics, "zhiyin_turns_total", intent="recommend", language="en", outcome="failed") == 1


anything = st.text(max_size=30)


@given(st.lists(st.tuples(anything, anything, st.integers()), max_size=20))
def test_no_label_says_what_somebody_made_up(calls):
    metrics = Metrics()
    turn = _TURN[0]
    for first, second, number in calls:
        request = replace(turn.request, intent=first, language=second, text=first)
        metrics.turn(replace(turn, request=request, user=second, notes=(first, f"failed: {second}"), timings_ms={first: 5.0}))
        metrics.cache(first, bool(number % 2))
        metrics.fallback(second)
        metrics.model_failed(first)
        metrics.request("/v1/items/{id}", second, number, 0.1)
    closed = {
        "intent": {*get_args(Intent), "other"},
        "language": {*get_args(Language), "other"},
        "outcome": set(get_args(counted.Outcome)),
        "stage": set(get_args(counted.Stage)),
        "written_by": {"model", "template"},
        "call": {"stream", "score", "fill", "other"},
        "kind": {*get_args(counted.Fallback), "other"},
        "cache": {*get_args(counted.Cache), "other"},
        "result": {"hit", "miss"},
        "route": {"/v1/items/{id}"},
        "method": {*counted.METHODS, "other"},
        "status": {*map(str, range(100, 600)), "other"},
    }
    for _, labels in samples(metrics):
        for name, said in labels:
            assert name in ("le", "version", "python") or said in closed[name], (name, said)


_TURN: list = []


@pytest.fixture(autouse=True, scope="module")
def _a_turn(make_pipeline):
    _TURN[:] = [turn_of(make_pipeline(), WISH["en"])]


def test_the_routes_that_are_counted_have_an_end():
    metrics = Metrics()
    for n in range(2 * counted.MAX_ROUTES):
        metrics.request(f"/u/{n}", "GET", 200, 0.1)
    routes = {dict(labels)["route"] for name, labels in samples(metrics) if name == "zhiyin_http_requests_total"}
    assert len(routes) == counted.MAX_ROUTES + 1
    assert value(metrics, "zhiyin_http_requests_total", route="other", method="GET", status="200") == counted.MAX_ROUTES


def test_many_threads_count_right():
    metrics = Metrics()
    with ThreadPoolExecutor(8) as pool:
        for n in range(8):
            pool.submit(
                lambda n=n: [(metrics.turn(_TURN[0]), metrics.request(f"/{n % 3}", "GET", 200, 0.1)) for _ in range(250)]
            )
    counts = samples(metrics)
    assert sum(v for (name, _), v in counts.items() if name == "zhiyin_turns_total") == 2000
    assert sum(v for (name, _), v in counts.items() if name == "zhiyin_http_requests_total") == 2000


def test_the_rest_of_the_metrics_and_a_registry_of_their_own():
    first, second = Metrics(), Metrics()
    first.tokens(7)
    first.model_failed("score")
    first.queue(waiting=3, running=4)
    first.cache("query_vectors", hit=True)
    second.watch_queue(lambda: (5, 2))
    assert value(first, "zhiyin_model_tokens_total") == 7
    assert value(second, "zhiyin_model_tokens_total") == 0
    assert value(first, "zhiyin_model_failures_total", call="score") == 1
    assert (value(first, "zhiyin_turns_waiting"), value(first, "zhiyin_turns_running")) == (3, 4)
    assert (value(second, "zhiyin_turns_waiting"), value(second, "zhiyin_turns_running")) == (5, 2)
    assert value(first, "zhiyin_cache_requests_total", cache="query_vectors", result="hit") == 1
    names = {name for name, _ in samples(first)}
    assert "zhiyin_build_info" in names
    assert "process_resident_memory_bytes" in names
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("zhiyin")]
    body, kind = first.render("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert first.render()[1].startswith("text/plain")


def test_the_line_in_front_of_the_model_and_what_the_model_does_are_seen(make_pipeline, tmp_path):
    from chatbot.llm.guarded import GuardedModel

    observer, seen = Observer(Metrics()), []
    telling = ScriptedModel(lambda prompt: seen.append(value(observer.metrics, "zhiyin_turns_running")) or "A tale of two.")
    pipeline = make_pipeline(model=GuardedModel(telling, 10, **observer.of_model), observe=observer.turn)
    observer.metrics.watch_queue(lambda: pipeline.turnstile.load)
    turn_of(pipeline, WISH["en"])
    assert set(seen) == {1.0}
    assert value(observer.metrics, "zhiyin_turns_running") == 0
    assert value(observer.metrics, "zhiyin_model_tokens_total") >= len(seen)
    turn_of(make_pipeline(model=GuardedModel(Broken(), 10, **observer.of_model)), WISH["en"])
    assert value(observer.metrics, "zhiyin_model_failures_total", call="score") == 1
    assert value(observer.metrics, "zhiyin_model_failures_total", call="stream") > 0


def test_what_watches_never_breaks_what_it_watches(make_pipeline, caplog):
    class Bad:
        def turn(self, turn):
            raise RuntimeError("full")

    exporter = InMemorySpanExporter()
    tracer = Tracer(exporter)
    observer = Observer(Bad(), tracer)
    turn = turn_of(make_pipeline(observe=observer.turn), WISH["en"])
    observer.close()
    assert turn.items
    assert "turn" in {span.name for span in exporter.get_finished_spans()}
    assert "a turn could not be noted" in caplog.text


# -- requests -----------------------------------------------------------------------------------------------------


def make_app():
    app, router, other = FastAPI(), APIRouter(prefix="/v1"), APIRouter()

    @router.get("/users/{user}/profile")
    def profile(user: str):
        logging.getLogger("chatbot.api").info("asked")
        return user

    @other.get("/items/{item}")
    async def item(item: str):
        return item

    @other.get("/broken")
    def broken():
        raise RuntimeError("inside")

    @other.get("/stream")
    def stream():
        def pieces():
            for n in range(3):
                logging.getLogger("chatbot.api").info("piece %d", n)
                yield str(n)

        return StreamingResponse(pieces())

    app.include_router(router)
    app.include_router(other, prefix="/v1")
    inner = Starlette(routes=[Route("/", lambda request: PlainTextResponse("tools"), methods=["POST"])])
    app.router.routes.append(Mount("/mcp", inner))
    return app


def ask(app, *requests):
    """Send requests to an ASGI application and return its answers."""

    async def run():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [await client.request(method, path, headers=headers) for method, path, headers in requests]

    return anyio.run(run)


def test_requests_are_counted_by_the_template_of_their_route():
    metrics = Metrics()
    paths = [
        ("GET", "/v1/users/ann/profile", 200),
        ("GET", "/v1/users/bob/profile?words=sad", 200),
        ("GET", "/v1/items/tt1", 200),
        ("PUT", "/v1/items/tt1", 405),
        ("GET", "/v1/broken", 500),
        ("POST", "/mcp/", 200),
        ("GET", "/wp-admin/ann.php", 404),
        ("GET", "/mcp/ann", 404),
        ("FROBNICATE", "/v1/items/ann", 405),
    ]
    answers = ask(Observed(make_app(), metrics), *((method, path, {}) for method, path, _ in paths))
    assert [answer.status_code for answer in answers] == [status for *_, status in paths]
    counts = {
        tuple(dict(labels)[name] for name in ("method", "route", "status")): v
        for (name, labels), v in samples(metrics).items()
        if name == "zhiyin_http_requests_total"
    }
    assert counts == {
        ("GET", "/v1/users/{user}/profile", "200"): 2,
        ("GET", "/v1/items/{item}", "200"): 1,
        ("PUT", "/v1/items/{item}", "405"): 1,
        ("GET", "/v1/broken", "500"): 1,
        ("POST", "/mcp/", "200"): 1,
        ("GET", "other", "404"): 2,
        ("other", "/v1/items/{item}", "405"): 1,
    }
    assert value(metrics, "zhiyin_http_request_seconds_count", method="GET", route="/v1/users/{user}/profile") == 2
    assert b"ann" not in metrics.render()[0]


def test_every_line_of_a_request_has_its_id_also_while_the_answer_streams(logs):
    read = logs()
    app = Observed(make_app(), Metrics())
    asked = [
        ("GET", "/v1/users/ann/profile", {"x-request-id": "from-the-caller-1"}),
        ("GET", "/v1/stream", {"x-request-id": 'bad"\n id'.replace("\n", "")}),
    ]
    first, second = ask(app, *asked)
    assert first.headers["x-request-id"] == "from-the-caller-1"
    made = second.headers["x-request-id"]
    assert len(made) == 32
    assert second.text == "012"
    assert [(line["event"], line["request_id"]) for line in lines(read())] == [
        ("asked", "from-the-caller-1"),
        *((f"piece {n}", made) for n in range(3)),
    ]


def test_a_caller_that_leaves_is_counted_and_other_traffic_passes():
    metrics = Metrics()
    began, passed = anyio.Event(), []

    async def app(scope, receive, send):
        passed.append(scope["type"])
        if scope["type"] == "http":
            began.set()
            await anyio.sleep_forever()

    async def leave():
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        async with anyio.create_task_group() as group:
            group.start_soon(Observed(app, metrics), scope, None, None)
            await began.wait()
            group.cancel_scope.cancel()
        await Observed(app, metrics)({"type": "lifespan"}, None, None)

    anyio.run(leave)
    assert passed == ["http", "lifespan"]
    assert value(metrics, "zhiyin_http_requests_total", route="other", method="GET", status="499") == 1


# -- traces -------------------------------------------------------------------------------------------------------

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def traced_app(pipeline):
    app = FastAPI()

    @app.get("/v1/chat/{user}")
    def chat(user: str, words: str):
        return turn_of(pipeline, words, user).reply

    @app.get("/v1/broken")
    def broken():
        raise RuntimeError("ann said it")

    return app


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_spans_of_a_request_and_its_turn(make_pipeline, language):
    exporter = InMemorySpanExporter()
    observer = Observer(Metrics(), Tracer(exporter))
    pipeline = make_pipeline(observe=observer.turn)
    app = Observed(traced_app(pipeline), observer.metrics, observer.tracer)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    path = str(httpx.URL("/v1/chat/ann-the-person", params={"words": WISH[language]}))
    assert ask(app, ("GET", path, headers), ("GET", "/v1/broken", {}))[0].status_code == 200
    observer.close()
    spans = exporter.get_finished_spans()
    by_name = {span.name: span for span in spans}
    request, turn = by_name["GET /v1/chat/{user}"], by_name["turn"]
    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == PARENT
    assert turn.parent.span_id == request.context.span_id
    assert dict(request.attributes) == {
        "http.request.method": "GET",
        "http.route": "/v1/chat/{user}",
        "http.response.status_code": 200,
    }
    children = {span.name: span for span in spans if span.parent and span.parent.span_id == turn.context.span_id}
    assert set(children) == {"understand", "retrieve", "rerank", "write"}
    timings = pipeline.store.load("c", "ann-the-person").turns[-1].record["timings_ms"]
    for name, span in children.items():
        assert turn.start_time <= span.start_time <= span.end_time <= turn.end_time
        if name in timings:
            assert (span.end_time - span.start_time) / 1e6 == pytest.approx(timings[name], abs=0.06)
    assert children["understand"].end_time <= children["retrieve"].start_time
    assert children["retrieve"].end_time <= children["rerank"].start_time <= children["write"].start_time
    assert (turn.end_time - turn.start_time) / 1e6 == pytest.approx(timings["total"], abs=0.06)
    assert request.start_time - 2e9 < turn.start_time < request.end_time + 2e9
    assert [event.name for event in turn.events] == ["first_card", "first_token", "first_sentence"]
    assert turn.attributes["zhiyin.intent"] == "recommend"
    assert turn.attributes["zhiyin.language"] == language
    broken = by_name["GET /v1/broken"]
    assert broken.status.status_code.name == "ERROR"
    assert broken.parent is None
    written = "".join(span.to_json() for span in spans).encode().decode("unicode_escape", "ignore")
    everything = written + json.dumps([json.loads(span.to_json()) for span in spans], ensure_ascii=False)
    for word in (SECRET[language], "ann-the-person", "ann said it", WISH[language]):
        assert word not in everything


def test_the_stages_of_a_turn_that_only_asks_or_was_cut_short():
    assert stages({"understand": 3.0, "retrieve": 10.0, "total": 20.0}) == [("understand", 0.0, 3.0), ("retrieve", 10.0, 20.0)]
    assert stages({"understand": 3.0, "total": 3.5}) == [("understand", 0.0, 3.0)]
    assert stages({}) == []
    whole = {"understand": 3.0, "retrieve": 10.0, "first_card": 15.0, "rerank": 80.0, "first_token": 100.0, "total": 400.0}
    assert stages(whole)[-1] == ("rerank", 20.0, 100.0)
    assert stages({**whole, "first_sentence": 200.0})[-1] == ("write", 100.0, 400.0)


def test_a_real_collector_gets_the_spans():
    from concurrent import futures

    import grpc
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service

    received = []

    class Collector(service.TraceServiceServicer):
        def Export(self, request, context):
            received.append(request)
            return messages.ExportTraceServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(2))
    service.add_TraceServiceServicer_to_server(Collector(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        observer = Observer.of(Settings(traces=f"http://127.0.0.1:{port}"))
        observer.turn(_TURN[0])
        observer.close()
    finally:
        server.stop(None).wait()
    (resource,) = received[0].resource_spans
    assert {span.name for span in resource.scope_spans[0].spans} >= {"turn", "understand", "retrieve"}
    assert any(a.key == "service.name" and a.value.string_value == "zhiyin" for a in resource.resource.attributes)
    assert b"zanzibarquux" not in received[0].SerializeToString()


def test_a_url_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="ZHIYIN_TRACES"):
        Observer.of(Settings(traces="localhost:4317"))


def test_without_the_setting_opentelemetry_is_not_even_imported():
    code = (
        "import sys; from chatbot.observing.observer import Observer; from chatbot.observing.middleware import Observed; "
        "from chatbot.settings import Settings; assert Observer.of(Settings(traces='')).tracer is None; "
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('opentelemetry', 'grpc')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
