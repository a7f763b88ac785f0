"""Pictures: from the catalogue's folder and no other, from the network only with consent, small and without metadata."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from chatbot import pictures as module
from chatbot.pictures import MAX_BYTES, PictureError, Pictures, fetch, is_public, make_small
from retrieval.types import Item


def drawn(kind="JPEG", size=(900, 1200), mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, size, "teal").save(out, kind, **options)
    return out.getvalue()


def item(picture, item_id="i1"):
    return Item(item_id, {"en": "T"}, {}, {}, {}, picture=picture)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "catalogue"
    (made / "covers").mkdir(parents=True)
    (made / "covers" / "图.jpg").write_bytes(drawn())
    (tmp_path / "secret.jpg").write_bytes(drawn())
    (made / "up").symlink_to(tmp_path)
    return made


@pytest.fixture
def kept(folder, tmp_path):
    return Pictures(folder, tmp_path / "cache")


@pytest.fixture
def web():
    """A server on this machine; ``web.answers[path] = (status, headers, body)``, ``web.asked`` lists the paths."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            web.asked.append(self.path)
            time.sleep(web.delay)
            status, headers, body = web.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.asked, web.answers, web.delay = [], {}, 0.0
    web.root = f"http://127.0.0.1:{web.server_port}"
    web.answers["/a.jpg"] = (200, {"Content-Type": "image/jpeg"}, drawn())
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield web
    web.shutdown()
    thread.join()
    web.server_close()


def local(_address):
    return True


@pytest.mark.parametrize("absolute", [False, True])
def test_a_picture_in_the_folder_is_made_small(kept, folder, absolute):
    path = folder / "covers" / "图.jpg"
    wanted = item(str(path) if absolute else "covers/图.jpg", "a/b 电影?")
    assert kept.url(wanted) == "/pictures/a%2Fb%20%E7%94%B5%E5%BD%B1%3F"
    small = kept.file(wanted)
    with Image.open(small) as image:
        assert (image.format, image.size) == ("WEBP", (300, 400))
    assert kept.file(wanted) == small
    os.utime(path, (1, 1))  # another picture under the same name
    assert kept.file(wanted) not in (None, small)


def test_nothing_outside_the_folder_is_read(kept, folder, tmp_path):
    secret = tmp_path / "secret.jpg"
    (folder / "link.jpg").symlink_to(secret)
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    hostile = ["../secret.jpg", str(secret), "link.jpg", "up/secret.jpg", "loop.jpg", "covers/../../secret.jpg", "pipe.jpg"]
    hostile += ["/etc/passwd", "covers", ".", "..", "a\0b.jpg", "x" * 5000, f"file://{secret}", "~/x.jpg", "\udcff.jpg", ""]
    for picture in hostile:
        assert kept.url(item(picture)) is None, picture
        assert kept.file(item(picture)) is None, picture


@given(parts=st.lists(st.sampled_from(["..", ".", "covers", "/", "secret.jpg", "图.jpg", "up", "//", "\0"]), max_size=6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_leads_to_a_file_leads_to_one_inside(kept, folder, parts):
    found = kept._inside("/".join(parts))
    assert found is None or found.is_relative_to(folder)


def test_metadata_is_dropped_and_a_turned_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "taken at home"
    content = drawn(size=(1200, 900), exif=exif, icc_profile=b"profile of a camera")
    assert b"taken at home" in content
    small = make_small(content)
    assert b"taken at home" not in small
    assert b"profile of a camera" not in small
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (300, 400)
        assert not image.getexif()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("PNG", "I;16"), ("GIF", "P"), ("JPEG", "CMYK"), ("WEBP", "RGB")],
)
def test_every_kind_of_picture_is_read(kind, mode):
    image = Image.new(mode, (30, 40))
    out = io.BytesIO()
    image.save(out, kind)
    with Image.open(io.BytesIO(make_small(out.getvalue()))) as small:
        assert small.size == (30, 40)


def bomb(side):
    """A PNG of ``side * side`` pixels in a few bytes that says so and holds nothing."""

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        drawn()[:600],
        bomb(7000),
        bomb(12_000),
        bomb(60_000),
    ],
    ids=["empty", "text", "svg", "eps", "cut", "49 MP", "144 MP", "3600 MP"],
)
def test_what_is_no_picture_or_a_bomb_is_refused(content, kept, folder):
    with pytest.raises(PictureError):
        make_small(content)
    (folder / "bad.png").write_bytes(content)
    wanted = item("bad.png")
    assert kept.url(wanted) is not None
    assert kept.file(wanted) is None
    assert kept.url(wanted) is None  # by now it is known


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_garbage_ends_in_a_picture_error(garbage):
    for head in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x10\x00\x00\x00WEBP", b"BM"):
        with pytest.raises(PictureError):
            make_small(head + garbage)


def test_without_consent_no_host_is_asked(folder, tmp_path, web):
    silent = Pictures(folder, tmp_path / "cache", allowed=local)
    wanted = item(f"{web.root}/a.jpg")
    assert (silent.url(wanted), silent.file(wanted), web.asked) == (None, None, [])


def test_with_consent_it_is_fetched_once_and_kept(folder, tmp_path, web):
    web.delay = 0.1
    open_ = Pictures(folder, tmp_path / "cache", fetch=True, allowed=local)
    wanted = item(f"{web.root}/a.jpg")
    assert open_.url(wanted) == "/pictures/i1"
    assert web.asked == []
    with ThreadPoolExecutor(8) as pool:
        files = set(pool.map(lambda _: open_.file(wanted), range(8)))
    assert len(files) == 1
    assert None not in files
    again = Pictures(folder, tmp_path / "cache", fetch=True, allowed=local)
    assert again.file(wanted) in files
    assert web.asked == ["/a.jpg"]


def test_a_failure_is_remembered_for_a_day(folder, tmp_path, web, monkeypatch):
    open_ = Pictures(folder, tmp_path / "cache", fetch=True, allowed=local)
    wanted = item(f"{web.root}/later.jpg")
    assert open_.file(wanted) is None
    web.answers["/later.jpg"] = web.answers["/a.jpg"]
    assert (open_.url(wanted), open_.file(wanted), web.asked) == (None, None, ["/later.jpg"])
    a_day_on = time.time() + module.FORGIVE_SECONDS + 1
    monkeypatch.setattr(module.time, "time", lambda: a_day_on)
    assert open_.file(wanted) is not None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/html"}, drawn()),
        ({}, drawn()),
        ({"Content-Type": "image/svg+xml"}, b"<svg/>"),
        ({"Content-Type": "image/png"}, b"\0" * (MAX_BYTES + 1)),
    ],
    ids=["html", "no type", "svg", "too large"],
)
def test_an_answer_that_is_no_small_picture_is_refused(web, headers, body):
    web.answers["/x"] = (200, headers, body)
    with pytest.raises(PictureError):
        fetch(f"{web.root}/x", local)


def test_a_slow_server_is_given_up(web, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.2)
    web.delay = 1.0
    started = time.monotonic()
    with pytest.raises(PictureError):
        fetch(f"{web.root}/a.jpg", local)
    assert time.monotonic() - started < 0.9


def test_a_server_that_drips_is_given_up(web, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as dripping:

        def drip():
            with dripping.accept()[0] as connection, contextlib.suppress(OSError):
                for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
                    connection.sendall(bytes([letter]))
                    time.sleep(0.02)

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        with pytest.raises(PictureError):
            fetch(f"http://127.0.0.1:{dripping.getsockname()[1]}/", local)
        assert time.monotonic() - started < 1
        thread.join()


def test_redirects_are_followed_a_little_and_checked_each(web):
    web.answers["/once"] = (302, {"Location": "a.jpg"}, b"")
    web.answers["/round"] = (302, {"Location": "/round"}, b"")
    web.answers["/file"] = (302, {"Location": "file:///etc/passwd"}, b"")
    web.answers["/away"] = (302, {"Location": web.root.replace("127.0.0.1", "127.0.0.2") + "/a.jpg"}, b"")
    assert fetch(f"{web.root}/once", local) == drawn()
    for path in ("/round", "/file", "/away"):
        with pytest.raises(PictureError):
            fetch(web.root + path, lambda address: address == "127.0.0.1")
    assert web.asked.count("/round") == 4


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_asked_by_any_of_its_names(web, host):
    with pytest.raises(PictureError, match="public network"):
        fetch(f"http://{host}:{web.server_port}/a.jpg")
    assert web.asked == []


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a b/", "https://\udcff/", "http://x:99999999/"])
def test_an_address_that_cannot_be_read_is_refused(url):
    with pytest.raises(PictureError):
        fetch(url, lambda _: False)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d70e", True),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(address) is public
