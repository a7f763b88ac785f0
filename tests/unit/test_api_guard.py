"""Who comes in at the door of the API, how often, how many at once, with how much, and what is written down of it."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import anyio
import httpx
import pytest
import structlog
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from chatbot.api import guard
from chatbot.api.audit import Audit
from chatbot.api.guard import Caller, Door, Rules, acting_user, caller_of, issue_token, needs, protect
from chatbot.api.problems import ApiError
from chatbot.api_keys import issue
from chatbot.observing.metrics import Metrics
from chatbot.observing.middleware import Observed
from chatbot.portable import pseudonym
from chatbot.settings import make_settings
from chatbot.store.base import absent, foreign
from chatbot.store.keys import InMemoryKeys
from retrieval.errors import (
    EngineError,
    IndexLockedError,
    MessageError,
    ProfileError,
    SettingsError,
    StoreError,
    WeightsError,
    ZhiyinError,
)

WORDS = "找一部安静的片子 something quiet"
LOCAL = "http://127.0.0.1:7860"
SHOP = "https://shop.example"


class Said(BaseModel):
    message: str
    user: str | None = None


ERRORS: dict[str, tuple[Exception, int, str]] = {
    "rate": (MessageError("Too many.", key="error_rate", seconds=7), 429, "error_rate"),
    "long": (MessageError("Too long.", key="error_long"), 422, "error_long"),
    "profile": (ProfileError("No profile.", key="error_profile"), 422, "error_profile"),
    "foreign": (foreign("c1"), 404, "error_no_conversation"),
    "absent": (absent("c1"), 404, "error_no_conversation"),
    "title": (StoreError("The title has 900 characters.", key="error_title"), 422, "error_title"),
    "gone": (ZhiyinError("There is no item 'x'.", key="error_gone"), 404, "error_gone"),
    "store": (StoreError("/srv/secret/zhiyin.db is locked", key="error_store"), 503, "error_store"),
    "engine": (EngineError("http://10.0.0.9/secret does not answer", key="error_engine"), 503, "error_engine"),
    "locked": (IndexLockedError("/srv/secret/index is locked", key="error_locked"), 503, "error_locked"),
    "loading": (ZhiyinError("Zhiyin is still loading.", key="error_loading"), 503, "error_loading"),
    "weights": (WeightsError("/srv/secret/weights", key="error_weights"), 500, "error_weights"),
    "crash": (RuntimeError("a secret inside"), 500, "internal"),
    "api": (ApiError(418, "teapot", "I am a teapot.", {"X-Pot": "1"}, ("pot", 2)), 418, "teapot"),
}


def make_app(door: Door) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/chat")
    def chat(said: Said, caller: Annotated[Caller, needs("chat")]) -> dict[str, str]:
        return {"user": acting_user(caller, said.user), "name": caller.name}

    @app.get("/v1/users/{user}/profile")
    def profile(user: str, caller: Annotated[Caller, needs("profile")]) -> dict[str, str]:
        return {"user": acting_user(caller, user)}

    @app.get("/v1/items")
    def items(_caller: Annotated[Caller, needs("items")], request: Request) -> dict[str, str]:
        bound = structlog.contextvars.get_contextvars()
        return {"id": request.state.request_id, "logged": bound.get("request_id", "")}

    @app.get("/v1/fail/{which}")
    def fail(which: str, _caller: Annotated[Caller, needs("items")]) -> None:
        raise ERRORS[which][0]

    @app.get("/v1/cut")
    def cut(_caller: Annotated[Caller, needs("items")]) -> StreamingResponse:
        def parts():
            yield b"first"
            raise RuntimeError("in the middle")

        return StreamingResponse(parts())

    async def other(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{caller_of(request.scope).name} {len(await request.body())}")

    app.mount("/mcp", Starlette(routes=[Route("/", other, methods=["GET", "POST"])]))
    protect(app, door)
    return app


def client_of(door: Door, base: str = LOCAL) -> TestClient:
    return TestClient(make_app(door), base, follow_redirects=False)


@pytest.fixture
def keys():
    return InMemoryKeys()


@pytest.fixture
def secret(keys):
    return issue(keys, "shop", ["chat", "items", "profile", "tokens"])[0]


@pytest.fixture
def door(keys, secret):
    return Door(lambda: keys)


@pytest.fixture
def client(door):
    return client_of(door)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def error_of(response) -> dict[str, str]:
    assert set(response.json()) == {"error"}
    return response.json()["error"]


# -- the key ------------------------------------------------------------------------------------------------------------


def test_every_route_and_mount_refuses_whoever_has_no_key(client):
    known = [("POST", "/v1/chat"), ("GET", "/v1/users/ann/profile"), ("GET", "/v1/items"), ("GET", "/mcp/"), ("POST", "/mcp/")]
    for method, path in [*known, ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/nowhere"), ("OPTIONS", "/v1/items")]:
        refused = client.request(method, path)
        assert refused.status_code == 401, path
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert error_of(refused)["code"] == "no_key"


def test_a_key_is_taken_from_either_header_and_opens_what_it_has_a_scope_for(client, keys, secret):
    assert client.get("/v1/items", headers=bearer(secret)).status_code == 200
    assert client.get("/v1/items", headers={"Authorization": f"bEARER  {secret}"}).status_code == 200
    assert client.get("/v1/items", headers={"X-API-Key": secret}).status_code == 200
    assert client.get("/mcp/", headers=bearer(secret)).text == "shop 0"
    narrow, _ = issue(keys, "narrow", ["items"])
    assert client.get("/v1/items", headers=bearer(narrow)).status_code == 200
    refused = client.get("/v1/users/ann/profile", headers=bearer(narrow))
    assert (refused.status_code, error_of(refused)["code"]) == (403, "scope")
    assert "'profile'" in error_of(refused)["message"]


def test_unknown_revoked_and_expired_keys_are_refused_in_the_same_words(client, keys, secret):
    revoked, key = issue(keys, "a", ["items"])
    keys.revoke(key.id)
    expired, _ = issue(keys, "b", ["items"], expires=time.time() - 1)
    wrong = [revoked, expired, f"zy_{'0' * 16}_{'x' * 43}", secret[:-1] + ("A" if secret[-1] != "A" else "B"), "x", "ключ 钥匙"]
    bodies = {client.get("/v1/items", headers=[(b"authorization", f"Bearer {text}".encode())]).text for text in wrong}
    assert len(bodies) == 1
    assert "not known, or no longer good" in bodies.pop()


def test_a_key_is_looked_up_once_in_five_seconds_in_a_thread_of_its_own_and_then_its_revocation_counts(
    keys, secret, monkeypatch
):
    looked = []

    class Watched(InMemoryKeys):
        def find(self, secret):
            with pytest.raises(RuntimeError, match="no running event loop"):
                asyncio.get_running_loop()
            looked.append(secret)
            return keys.find(secret)

        def any(self):
            with pytest.raises(RuntimeError, match="no running event loop"):
                asyncio.get_running_loop()
            return True

    client = client_of(Door(Watched))
    assert guard.FRESH_SECONDS <= 5
    for _ in range(3):
        assert client.get("/v1/items", headers=bearer(secret)).status_code == 200
    assert looked == [secret]
    keys.revoke(secret.split("_")[1])
    assert client.get("/v1/items", headers=bearer(secret)).status_code == 200
    monkeypatch.setattr(guard, "FRESH_SECONDS", 0.0)
    for _ in range(2):
        assert client.get("/v1/items", headers=bearer(secret)).status_code == 401
    assert looked == [secret] * 3  # a refusal is not remembered


def test_a_key_that_expires_while_it_is_remembered_is_refused_at_once(client, keys):
    secret, _ = issue(keys, "short", ["items"], expires=time.time() + 0.2)
    assert client.get("/v1/items", headers=bearer(secret)).status_code == 200
    time.sleep(0.25)
    assert client.get("/v1/items", headers=bearer(secret)).status_code == 401


def test_keys_that_cannot_be_read_let_nobody_in(keys, secret):
    class Broken(InMemoryKeys):
        def find(self, secret):
            raise OSError("/srv/secret: disk")

        def any(self):
            return True

    refused = client_of(Door(Broken)).get("/v1/items", headers=bearer(secret))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "/srv" not in refused.text


def test_wrong_keys_are_limited_by_address_and_a_key_in_use_goes_on(door, keys, secret):
    client = client_of(door)
    assert client.get("/v1/items", headers=bearer(secret)).status_code == 200
    wrong = [client.get("/v1/items", headers=bearer("zy_no")) for _ in range(guard.FAILURES_PER_MINUTE + 1)]
    assert {answer.status_code for answer in wrong[:-1]} == {401}
    assert wrong[-1].status_code == 429
    assert 0 < int(wrong[-1].headers["Retry-After"]) <= 60
    new, _ = issue(keys, "new", ["items"])
    assert client.get("/v1/items", headers=bearer(new)).status_code == 429  # tries are over, right or wrong
    assert client.get("/v1/items", headers=bearer(secret)).status_code == 200
    elsewhere = TestClient(make_app(door), LOCAL, client=("192.0.2.7", 1))
    assert elsewhere.get("/v1/items", headers=bearer(new)).status_code == 200


# -- for whom -----------------------------------------------------------------------------------------------------------


def test_a_users_token_speaks_for_that_user_alone(client, keys, secret):
    key = keys.find(secret)
    token, issued = issue_token(keys, Caller(key), "ann", 60)
    assert issued.scopes == {"chat", "items", "profile"}  # not 'tokens'
    assert (issued.user, issued.issuer) == ("ann", key.id)
    assert 0 < issued.expires - time.time() <= 60
    say = {"message": WORDS}
    assert client.post("/v1/chat", json=say, headers=bearer(token)).json()["user"] == "ann"
    assert client.post("/v1/chat", json={**say, "user": "ann"}, headers=bearer(token)).status_code == 200
    other = client.post("/v1/chat", json={**say, "user": "bob"}, headers=bearer(token))
    assert (other.status_code, error_of(other)["code"], error_of(other)["where"]) == (403, "other_user", "user")
    assert client.get("/v1/users/bob/profile", headers=bearer(token)).status_code == 403
    assert client.get("/v1/users/ann/profile", headers=bearer(token)).status_code == 200
    assert client.post("/v1/chat", json={**say, "user": "bob"}, headers=bearer(secret)).json()["user"] == "bob"
    nobody = client.post("/v1/chat", json=say, headers=bearer(secret))
    assert (nobody.status_code, error_of(nobody)["code"]) == (422, "no_user")


def test_who_may_not_issue_tokens_does_not(keys, secret):
    key = keys.find(secret)
    _, token = issue_token(keys, Caller(key), "ann", 60)
    narrow = keys.find(issue(keys, "narrow", ["chat"])[0])
    monitor = keys.find(issue(keys, "monitor", ["monitor", "tokens"])[0])
    short = keys.find(issue(keys, "short", ["chat", "tokens"], expires=time.time() + 100)[0])
    anns = keys.find(issue(keys, "ann's", ["chat", "tokens"], user="ann")[0])
    issued_by_token = keys.find(issue(keys, "t", ["chat", "tokens"], user="ann", issuer=key.id)[0])
    for caller, user, status in (
        (Caller(None), "ann", 409),
        (Caller(token), "ann", 403),
        (Caller(issued_by_token), "ann", 403),
        (Caller(narrow), "ann", 403),
        (Caller(monitor), "ann", 403),
        (Caller(anns), "bob", 403),
        (Caller(key), "", 422),
    ):
        with pytest.raises(ApiError) as refused:
            issue_token(keys, caller, user, 60)
        assert refused.value.status_code == status
    assert issue_token(keys, Caller(short), "ann", 10_000)[1].expires == short.expires


def test_a_route_that_stands_without_the_guard_lets_nobody_in(keys):
    with pytest.raises(ApiError) as refused:
        caller_of({"type": "http", "state": {}})
    assert refused.value.status_code == 401
    with pytest.raises(ValueError, match="no such scope"):
        needs("everything")


# -- without a key, on this machine -------------------------------------------------------------------------------------


def test_on_loopback_everything_is_open_until_there_is_a_key(keys, monkeypatch):
    client = client_of(Door(lambda: keys))
    said = client.post("/v1/chat", json={"message": WORDS, "user": "ann"}, headers=bearer("sk-whatever"))
    assert said.json() == {"user": "ann", "name": "open"}
    assert client.get("/mcp/").text == "open 0"
    issue(keys, "first", ["chat"])
    monkeypatch.setattr(guard, "FRESH_SECONDS", 0.0)
    assert client.get("/v1/items").status_code == 401


@pytest.mark.parametrize(
    "rules", [Rules(host="0.0.0.0"), Rules(host="192.0.2.1"), Rules(host="shop.example"), Rules(password=True)]
)
def test_beyond_loopback_or_with_a_password_nothing_is_open(keys, rules):
    assert client_of(Door(lambda: keys, rules)).get("/v1/items").status_code == 401


@pytest.mark.parametrize(
    ("host", "status"), [("localhost", 200), ("[::1]:9", 200), ("evil.example", 421), ("[::1", 421), ("", 421)]
)
def test_while_it_is_open_only_this_machines_names_are_answered(keys, host, status):
    assert client_of(Door(lambda: keys)).get("/v1/items", headers={"Host": host}).status_code == status


def test_while_it_is_open_an_address_that_others_reach_and_a_proxy_are_refused(keys):
    door = Door(lambda: keys)
    reached = client_of(door, "http://192.0.2.4").get("/v1/items", headers={"Host": "localhost"})
    assert (reached.status_code, error_of(reached)["code"]) == (421, "loopback")
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        refused = client_of(door).get("/v1/items", headers={name: "203.0.113.9"})
        assert (refused.status_code, error_of(refused)["code"]) == (403, "proxy")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": LOCAL, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": SHOP, "Sec-Fetch-Site": "cross-site"}, 200),  # let in by the rules
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_while_it_is_open_no_other_sites_page_can_make_a_browser_say_something(keys, headers, status):
    client = client_of(Door(lambda: keys, Rules(origins=(SHOP, "*"))))
    assert client.post("/v1/chat", json={"message": WORDS, "user": "ann"}, headers=headers).status_code == status
    assert client.get("/v1/items", headers=headers).status_code == 200  # no script of theirs can read it


def test_beyond_loopback_nothing_is_served_without_a_key_or_a_password(keys):
    for host in ("127.0.0.1", "localhost", "::1"):
        Door(lambda: keys).check_host(host)
    with pytest.raises(SettingsError, match=r"python app\.py keys add"):
        Door(lambda: keys).check_host("0.0.0.0")
    Door(lambda: keys, Rules(password=True)).check_host("0.0.0.0")
    issue(keys, "a", ["chat"])
    Door(lambda: keys).check_host("0.0.0.0")


# -- how much, how often, how many --------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(keys, secret):
    client = client_of(Door(lambda: keys, Rules(max_body=2000)))
    small, large = json.dumps({"message": "x" * 100, "user": "ann"}).encode(), b"y" * 2001
    headers = {**bearer(secret), "Content-Type": "application/json"}

    def in_parts(content: bytes):
        for start in range(0, len(content), 500):
            yield content[start : start + 500]

    assert client.post("/v1/chat", content=small, headers=headers).status_code == 200
    assert client.post("/v1/chat", content=in_parts(small), headers=headers).status_code == 200
    for path in ("/v1/chat", "/mcp/"):
        assert client.post(path, content=large, headers=headers).status_code == 413
        refused = client.post(path, content=in_parts(large), headers=headers)
        assert refused.status_code == 413
    assert error_of(client.post("/v1/chat", content=in_parts(large), headers=headers))["code"]
    assert client.post("/mcp/", content=b"z" * 2000, headers=headers).text == "shop 2000"
    assert client.post("/v1/chat", content=large).status_code == 401  # of a stranger nothing is read


def test_a_key_has_its_requests_of_a_minute_each_for_itself(keys, secret):
    door = Door(lambda: keys, Rules(per_minute=3))
    client = client_of(door)
    answers = [client.get("/v1/items", headers=bearer(secret)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert error_of(answers[-1])["code"] == "error_rate"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    for per_minute, allowed in ((1, 1), (5, 5), (0, 8)):
        own, _ = issue(keys, "own", ["items"], per_minute=per_minute)
        assert [client.get("/v1/items", headers=bearer(own)).status_code for _ in range(8)].count(200) == allowed


def test_a_key_has_so_many_requests_at_once_until_their_answers_have_ended(keys, secret):
    ended, door = [], Door(lambda: keys, Rules(concurrent=2))

    async def scenario() -> None:
        started, go_on = [], anyio.Event()
        app = FastAPI()

        @app.get("/long")
        async def long(_caller: Annotated[Caller, needs("items")]) -> StreamingResponse:
            async def parts() -> AsyncIterator[bytes]:
                started.append(1)
                yield b"a"
                await go_on.wait()
                yield b"b"

            return StreamingResponse(parts())

        protect(app, door)
        other, _ = issue(keys, "other", ["items"])
        wide, _ = issue(keys, "wide", ["items"], concurrent=0)

        @asynccontextmanager
        async def opened():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=LOCAL) as client:
                yield client

        async with opened() as client, anyio.create_task_group() as group:

            async def ask(secret: str) -> None:
                ended.append((await client.get("/long", headers=bearer(secret))).text)

            for name in (secret, secret, other, wide, wide, wide):
                group.start_soon(ask, name)
            while len(started) < 6:
                await anyio.sleep(0.001)
            refused = await client.get("/long", headers=bearer(secret))
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            assert error_of(refused)["code"] == "concurrent"
            go_on.set()
        async with opened() as client:
            assert (await client.get("/long", headers=bearer(secret))).text == "ab"

    anyio.run(scenario)
    assert ended == ["ab"] * 6


# -- browsers -----------------------------------------------------------------------------------------------------------


def ask_first(client, origin, method="POST"):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"}
    return client.options("/v1/chat", headers=asked)


def test_no_origin_may_read_unless_the_settings_let_it(keys, secret, client):
    refused = ask_first(client, SHOP)
    assert refused.status_code == 401
    read = client.get("/v1/items", headers={**bearer(secret), "Origin": SHOP})
    assert not [name for response in (refused, read) for name in response.headers if name.startswith("access-control")]
    rules = Rules.of(make_settings(api_origins=f" {SHOP}/ , http://localhost:3000"), "127.0.0.1")
    assert rules.origins == (SHOP, "http://localhost:3000")
    opened = client_of(Door(lambda: keys, rules))
    let = ask_first(opened, SHOP)
    assert (let.status_code, let.headers["access-control-allow-origin"]) == (200, SHOP)
    assert "access-control-allow-credentials" not in let.headers
    assert "access-control-allow-origin" not in ask_first(opened, "https://evil.example").headers
    unkeyed = opened.get("/v1/items", headers={"Origin": SHOP})  # so that their script can read why
    assert (unkeyed.status_code, unkeyed.headers["access-control-allow-origin"]) == (401, SHOP)
    other = opened.get("/v1/items", headers={**bearer(secret), "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_a_web_socket_is_refused(client, secret):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/chat", headers=bearer(secret)):
        pass


def test_every_answer_has_a_request_id_and_tells_browsers_to_keep_nothing(client, secret):
    for answer in (
        client.get("/v1/items", headers=bearer(secret)),
        client.get("/v1/items"),
        client.get("/nowhere", headers=bearer(secret)),
        client.get("/v1/fail/crash", headers=bearer(secret)),
        client.get("/mcp/", headers=bearer(secret)),
    ):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Request-ID"]
    given = client.get("/v1/items", headers={**bearer(secret), "X-Request-ID": "trace-1.a_B"})
    assert given.headers["X-Request-ID"] == "trace-1.a_B"
    assert given.json() == {"id": "trace-1.a_B", "logged": "trace-1.a_B"}
    for strange in ("x" * 65, "a b", "a\tb", '"}', ""):
        made = client.get("/v1/items", headers={**bearer(secret), "X-Request-ID": strange}).json()
        assert made["id"] == made["logged"] != strange
        assert len(made["id"]) == 32


# -- errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", sorted(ERRORS))
def test_every_error_has_one_shape_and_shows_no_inside(client, secret, which, caplog):
    error, status, code = ERRORS[which]
    with caplog.at_level(logging.ERROR):
        answer = client.get(f"/v1/fail/{which}", headers=bearer(secret))
    told = error_of(answer)
    assert (answer.status_code, told["code"]) == (status, code)
    assert told["message"]
    assert "secret" not in answer.text
    assert (status >= 500 and which != "loading") == bool(caplog.records)
    if "secret" in str(error):
        assert "secret" in caplog.text  # whoever runs the server is told
    if which in ("rate", "loading"):
        assert answer.headers["Retry-After"] == {"rate": "7", "loading": "5"}[which]
    if which == "api":
        assert (told["where"], answer.headers["X-Pot"]) == ("pot.2", "1")


def test_another_users_conversation_is_told_as_one_that_does_not_exist(client, secret):
    told = [client.get(f"/v1/fail/{which}", headers=bearer(secret)).json() for which in ("foreign", "absent")]
    assert told[0] == told[1]


def test_a_request_that_is_wrong_is_told_its_field(client, secret):
    for body, where in (({"message": 7, "user": "ann"}, "message"), ({"user": "ann"}, "message"), ([], "")):
        answer = client.post("/v1/chat", json=body, headers=bearer(secret))
        assert (answer.status_code, error_of(answer)["where"]) == (422, where)
    broken = client.post("/v1/chat", content=b'{"message": ', headers={**bearer(secret), "Content-Type": "application/json"})
    assert (broken.status_code, error_of(broken)["code"]) == (422, "json")
    assert error_of(client.get("/nowhere", headers=bearer(secret)))["code"] == "not_found"
    wrong = client.delete("/v1/chat", headers=bearer(secret))
    assert (wrong.status_code, error_of(wrong)["code"], wrong.headers["Allow"]) == (405, "method_not_allowed", "POST")


def test_an_answer_that_breaks_in_the_middle_is_cut_and_its_place_is_free_again(keys, secret):
    client = client_of(Door(lambda: keys, Rules(concurrent=1)))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="in the middle"):
            client.get("/v1/cut", headers=bearer(secret))
    assert client.get("/v1/items", headers=bearer(secret)).status_code == 200


# -- what is written down -----------------------------------------------------------------------------------------------


def touch(client, secret):
    client.post("/v1/chat?note=wuppertal", json={"message": WORDS, "user": "ann-安"}, headers=bearer(secret))
    client.get("/v1/users/bob-the-user/profile", headers=bearer(secret))
    client.get("/v1/items", headers=bearer(secret))  # nobody's
    client.get("/v1/users/bob-the-user/profile", headers=bearer("zy_wrong"))  # nobody was let in
    client.post("/v1/chat", json={"message": WORDS}, headers=bearer(secret))  # of nobody


def test_the_audit_log_says_who_touched_whom_and_no_word_of_it(keys, secret, tmp_path):
    path = tmp_path / "logs" / "audit.jsonl"
    audit = Audit(tmp_path, str(path))
    touch(client_of(Door(lambda: keys, audit=audit)), secret)
    audit.close()
    text = path.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/chat", 200),
        ("GET", "/v1/users/{user}/profile", 200),
    ]
    assert [line["users"] for line in lines] == [[pseudonym(tmp_path, "ann-安")], [pseudonym(tmp_path, "bob-the-user")]]
    for line in lines:
        assert set(line) == {"time", "request", "key", "key_name", "method", "route", "users", "status", "ms"}
        assert (line["key"], line["key_name"]) == (secret.split("_")[1], "shop")
        assert line["ms"] > 0
        assert len(line["request"]) == 32
    for word in (*WORDS.split(), "ann-", "bob", "安", "wuppertal", secret, secret[20:], "message"):
        assert word not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_file_the_lines_go_to_a_logger_and_without_a_data_folder_nobody_is_named(keys, secret, caplog):
    with caplog.at_level(logging.INFO, logger="zhiyin.audit"):
        touch(client_of(Door(lambda: keys, audit=Audit())), secret)
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "zhiyin.audit"]
    assert [line["users"] for line in lines] == [[], []]
    assert "ann" not in caplog.text
    assert "bob" not in caplog.text


def test_a_key_that_is_called_as_its_user_does_not_give_the_name_away(keys, tmp_path):
    secret, _ = issue(keys, "bob-the-user", ["profile"], user="bob-the-user")
    path = tmp_path / "audit.jsonl"
    audit = Audit(tmp_path, str(path))
    client = client_of(Door(lambda: keys, audit=audit))
    assert client.get("/v1/users/bob-the-user/profile", headers=bearer(secret)).status_code == 200
    audit.close()
    assert "bob" not in path.read_text(encoding="utf-8")


def test_an_audit_log_that_cannot_be_written_breaks_no_answer(keys, secret, tmp_path):
    client = client_of(Door(lambda: keys, audit=Audit(tmp_path / "absent")))  # where no key of pseudonyms can be made
    assert client.get("/v1/users/ann/profile", headers=bearer(secret)).status_code == 200


def test_what_counts_and_traces_requests_before_the_guard_has_the_same_id(keys, secret, tmp_path):
    path, metrics = tmp_path / "audit.jsonl", Metrics()
    audit = Audit(tmp_path, str(path))
    app = make_app(Door(lambda: keys, audit=audit))
    app.add_middleware(Observed, metrics=metrics)
    client = TestClient(app, LOCAL)
    answer = client.get("/v1/items", headers=bearer(secret))
    assert answer.headers["X-Request-ID"] == answer.json()["id"] == answer.json()["logged"]
    answers = [client.get(f"/v1/users/ann/{what}", headers=bearer(secret)) for what in ("profile", "nothing")]
    audit.close()
    [line] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert line["request"] == answers[0].headers["X-Request-ID"]
    client.get("/v1/items")  # what the guard refuses is counted too
    shown = metrics.render()[0].decode()
    assert '"/v1/users/{user}/profile"' in shown
    assert '"401"' in shown
    assert "ann" not in shown
