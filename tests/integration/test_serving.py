"""How the page is served: by whom it can be reached, as whom, what else is served beside it, and how it ends."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import anyio
import gradio as gr
import httpx
import pytest
from PIL import Image
from pydantic import SecretStr
from starlette.routing import Mount
from starlette.testclient import TestClient

from chatbot.pictures import Pictures
from chatbot.ui.access import COOKIE, TRIES_PER_MINUTE, Access, Gate
from chatbot.ui.serving import launch, make_app, picture_route
from chatbot.ui.texts import text
from retrieval.errors import SettingsError, ZhiyinError
from retrieval.types import Item

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "芝麻开门 open sesame"
LOCAL = "http://127.0.0.1"


@pytest.fixture(autouse=True)
def loops(monkeypatch):
    """Gradio makes itself an event loop wherever there is none, and leaves it open."""
    made, make = [], asyncio.new_event_loop

    def new_event_loop():
        made.append(make())
        return made[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", new_event_loop)
    yield
    asyncio.set_event_loop(None)
    for loop in made:
        if not loop.is_running():
            loop.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def small_page(access, running=None):
    """A page that says who is there, and one event that goes on for long."""

    def who(request: gr.Request):
        return access.fixed_user(request) or "whoever the page says"

    def long():
        for number in range(600):
            if running:
                running.set()
            yield str(number)
            time.sleep(0.1)

    with gr.Blocks(analytics_enabled=False) as page:
        out = gr.Textbox()
        gr.Button("who").click(who, None, out, queue=False, api_name="who")
        gr.Button("long").click(long, None, out, api_name="long")
    return page


def client(access, *routes, base=LOCAL, **options):
    return TestClient(make_app(small_page(access), "127.0.0.1", 1, access, routes), base_url=base, **options)


def sign_in(guest, name="李雷", password=PASSWORD, **options):
    return guest.post("/login", data={"name": name, "password": password}, follow_redirects=False, **options)


def who(guest):
    answer = guest.post("/gradio_api/run/who", json={"data": [], "session_hash": "s"})
    return answer.json()["data"][0] if answer.status_code == 200 else answer.status_code


@pytest.fixture
def guarded():
    return Access(SecretStr(PASSWORD))


@pytest.fixture
def pictures(tmp_path):
    Image.new("RGB", (90, 120), "teal").save(tmp_path / "a.png")
    items = {"a/1": Item("a/1", {"en": "A"}, {}, {}, {}, picture="a.png"), "b": Item("b", {"en": "B"}, {}, {}, {})}
    made = Pictures(tmp_path, tmp_path / "cache")
    return made, items, picture_route(made, items.get)


def every_route(routes, prefix=""):
    for route in routes:
        if isinstance(route, Mount):
            yield from every_route(route.routes, prefix + route.path)
        elif hasattr(route, "original_router"):  # how newer versions of FastAPI keep a router that was included
            yield from every_route(route.original_router.routes, prefix)
        else:
            path = re.sub(r"\{[^}]*\}", "x", route.path)
            yield from ((method, prefix + path) for method in sorted(route.methods or {"GET"}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "localhost.evil.example", ""])
def test_without_a_password_the_page_is_for_this_machine_alone(host):
    with pytest.raises(SettingsError, match=r"ZHIYIN_PASSWORD.*127\.0\.0\.1") as caught:
        launch(None, host, 1)
    assert caught.value.key == "error_open"
    Access(SecretStr("x")).check_host(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_this_machine_has_many_names(host):
    Access().check_host(host)


def test_with_a_password_every_route_wants_it(guarded, pictures):
    guest = client(guarded, pictures[2])
    routes = list(every_route(guest.app.routes))
    assert len(routes) > 60
    assert ("GET", "/pictures/x") in routes
    for method, path in routes:
        answer = guest.request(method, path, follow_redirects=False)
        if path == "/" and method == "GET":
            assert (answer.status_code, answer.headers["location"]) == (303, "./login")
        elif path == "/login":
            assert answer.status_code in (200, 403), method
        else:
            assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize("path", ["//login", "/login/", "/login/../config", "/x/../login", "/login//config", "", "/LOGIN"])
def test_no_way_of_writing_a_path_goes_round_the_gate(guarded, path):
    answers = []

    async def behind(scope, receive, send):
        raise AssertionError(scope["path"])

    async def send(message):
        answers.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "server": ("127.0.0.1", 1)}
    anyio.run(Gate(behind, guarded), scope, None, send)
    assert answers[0]["status"] == 401


def test_who_signs_in_is_who_they_said(guarded):
    one, two = client(guarded), client(guarded)
    assert who(one) == 401
    answer = sign_in(one)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(COOKIE)
    assert {"httponly", "samesite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie
    assert PASSWORD not in cookie
    assert sign_in(two, "Ann").status_code == 303
    assert (who(one), who(two)) == ("李雷", "Ann")
    assert one.get("/").status_code == 200
    two.cookies.clear()
    two.cookies.set(COOKIE, one.cookies[COOKIE][:-1] + "x")
    assert who(two) == 401


def test_behind_tls_the_cookie_goes_over_tls_alone(guarded):
    answer = sign_in(client(guarded, base="https://example.com"))
    assert "secure" in answer.headers["set-cookie"].lower()


def test_signing_out_ends_it_on_the_server_too(guarded):
    guest = client(guarded)
    sign_in(guest)
    token = guest.cookies[COOKIE]
    assert guest.get("/logout", follow_redirects=False).status_code != 200
    assert who(guest) == "李雷"  # a link cannot sign anybody out
    guest.post("/logout", follow_redirects=False)
    guest.cookies.clear()
    guest.cookies.set(COOKIE, token)
    assert who(guest) == 401


def test_signing_in_ends_after_its_days(guarded, monkeypatch):
    guest = client(guarded)
    sign_in(guest)
    later = time.time() + 31 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert who(guest) == 401


@pytest.mark.parametrize(("accepted", "language"), [("en", "en"), ("zh-CN,zh;q=0.9", "zh"), ("fr", "en")])
def test_the_form_speaks_the_browsers_language(guarded, accepted, language):
    guest = client(guarded, headers={"accept-language": accepted})
    form, wrong = guest.get("/login").text, text(language, "login_wrong")
    assert text(language, "login_enter") in form
    assert 'name="name"' in form
    assert "http://" not in form
    assert wrong not in form
    assert wrong in sign_in(guest, password="x").text


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_name_is_needed_and_is_short(guarded, name):
    assert sign_in(client(guarded), name).status_code == 403


@pytest.mark.parametrize("password", ["", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), "\0", "x" * 10_000])
def test_only_the_password_itself_opens(guarded, password):
    answer = sign_in(client(guarded), password=password)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_who_guesses_is_slowed_down_and_others_are_not(guarded):
    app = make_app(small_page(guarded), "127.0.0.1", 1, guarded)
    guesser, other = (TestClient(app, client=(address, 1)) for address in ("10.0.0.1", "10.0.0.2"))
    for _ in range(TRIES_PER_MINUTE):
        assert sign_in(guesser, password="guess").status_code == 403
    late = sign_in(guesser)  # the right one, by now too late
    assert late.status_code == 429
    assert 1 <= int(late.headers["retry-after"]) <= 61
    assert sign_in(other).status_code == 303


def test_a_single_user_needs_no_name():
    access = Access(SecretStr(PASSWORD), single_user=True, default_user="me")
    guest = client(access)
    assert 'name="name"' not in guest.get("/login").text
    sign_in(guest, "somebody else")
    assert who(guest) == "me"
    alone = Access(single_user=True, default_user="我")
    assert who(client(alone)) == "我"
    assert who(client(Access())) == "whoever the page says"


def test_the_password_is_not_shown(guarded):
    assert PASSWORD not in repr(guarded)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5"])
def test_a_name_that_was_pointed_at_this_machine_is_refused(host):
    guest = client(Access())
    assert guest.get("/config", headers={"host": host}).status_code == 421
    for name in ("127.0.0.1:7860", "localhost:7860", "[::1]:7860"):
        assert guest.get("/config", headers={"host": name}).status_code == 200


@pytest.mark.parametrize("guard", [Access(), Access(SecretStr(PASSWORD))])
def test_another_site_can_neither_say_nor_read_something_here(guard):
    guest = client(guard)
    if guard.guarded:
        sign_in(guest)
    said = guest.post("/gradio_api/run/who", json={"data": []}, headers={"sec-fetch-site": "cross-site"})
    assert said.status_code == 403
    read = guest.get("/config", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in read.headers


def test_a_browser_is_told_to_ask_no_other_host():
    answer = client(Access()).get("/")
    assert answer.headers["content-security-policy"].startswith("default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert '"footer_links":[]' in answer.text.replace(" ", "")


def test_a_picture_is_served_small_and_once(pictures):
    made, items, route = pictures
    guest = client(Access(), route)
    answer = guest.get(made.url(items["a/1"]))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert "max-age" in answer.headers["cache-control"]
    tag = answer.headers["etag"]
    again = guest.get(made.url(items["a/1"]), headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for missing in ("b", "unheard-of", "..%2Fa.png", "a.png"):
        assert guest.get(f"/pictures/{missing}").status_code == 404


def test_while_nothing_is_loaded_there_is_no_picture_yet(pictures):
    def find(_item_id):
        raise ZhiyinError("still loading", key="error_loading")

    assert client(Access(), picture_route(pictures[0], find)).get("/pictures/b").status_code == 503


def test_pictures_are_behind_the_password_too(guarded, pictures):
    made, items, route = pictures
    guest = client(guarded, route)
    assert guest.get(made.url(items["a/1"])).status_code == 401
    sign_in(guest)
    assert guest.get(made.url(items["a/1"])).status_code == 200


def test_a_page_ends_quickly_in_the_middle_of_an_event_with_open_streams():
    port, running = free_port(), threading.Event()
    served = launch(small_page(Access(), running), "127.0.0.1", port, block=False)
    address = f"{LOCAL}:{port}"
    config = httpx.get(f"{address}/config").json()
    (long,) = [event["id"] for event in config["dependencies"] if event["api_name"] == "long"]
    body = {"data": [], "fn_index": long, "session_hash": "s"}
    with streaming(f"{address}/gradio_api/heartbeat/s"):
        assert httpx.post(f"{address}/gradio_api/queue/join", json=body).status_code == 200
        with streaming(f"{address}/gradio_api/queue/data?session_hash=s"):
            assert running.wait(10)
            started = time.monotonic()
            served.close()
            assert time.monotonic() - started < 6
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port), 1):
        pass
    launch(small_page(Access()), "127.0.0.1", port, block=False).close()  # the port is free again


@contextmanager
def streaming(address):
    """An open stream of events, until the block ends or the server cuts it."""
    with httpx.stream("GET", address, timeout=30) as answer:
        next(answer.iter_raw())
        yield


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_goodbye_and_closes_its_store(tmp_path, sent):
    port = free_port()
    command = [sys.executable, ROOT / "app.py", "--offline-demo", "--port", str(port)]
    with (tmp_path / "log").open("w+") as log:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ZHIYIN_DATA": str(tmp_path / "data")}
        # a shell that starts the tests in the background has them ignore Ctrl-C, and what they start
        heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        process = subprocess.Popen(command, stderr=log, env=environment, preexec_fn=heard)
        try:
            until = time.monotonic() + 60
            while "loading: ready" not in (said := (tmp_path / "log").read_text()):
                assert process.poll() is None, said
                assert time.monotonic() < until, said
                time.sleep(0.1)
            with streaming(f"{LOCAL}:{port}/gradio_api/heartbeat/s"):
                process.send_signal(sent)
                assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    said = (tmp_path / "log").read_text()
    assert "Goodbye" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "data").glob("*.db-wal"))  # SQLite puts its log away when the last connection closes
