"""The commands about a person and about the store, in processes of their own, without weights."""

from __future__ import annotations

import json
import sqlite3

import pytest
from test_app import App

KEY, OTHER = "correct horse battery staple", "another, longer key"
LIKES = "I loved Interstellar, Arrival and Moon. I hate musicals"


def ok(app, *arguments):
    done = app.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def app(tmp_path):
    return App(tmp_path)


def items_of(app, message="recommend me something", conversation="probe"):
    return [item["id"] for item in app.turn("--user", "ann", "--items-only", "--conversation", conversation, message)["items"]]


def test_a_person_is_shown_taken_along_erased_and_taken_in(app, tmp_path):
    app.turn("--user", "ann", LIKES)
    shown = ok(app, "profile", "show", "ann", "--offline-demo").stdout
    assert "No musical any more" in shown
    assert "Interstellar" in shown
    assert "《星际穿越》" in ok(app, "profile", "show", "ann", "--offline-demo", "--language", "zh").stdout
    out = tmp_path / "out" / "ann.json"
    out.parent.mkdir()
    ok(app, "profile", "export", "ann", "-o", out)
    text = out.read_text(encoding="utf-8")
    out.unlink()  # so that no file of the data folder's tree may hold the words
    before = items_of(app)
    refused = app.run("profile", "erase", "ann")  # without a yes, and nobody to ask
    assert refused.returncode != 0
    erased = ok(app, "profile", "erase", "ann", "--yes")
    assert "No file in" in erased.stderr
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"I hate musicals" in p.read_bytes()]
    assert "Nothing is known of ann" in app.run("profile", "show", "ann", "--offline-demo").stderr
    out.write_text(text, encoding="utf-8")
    ok(app, "profile", "import", "ann", out)
    assert items_of(app) == before
    assert ok(app, "profile", "show", "ann", "--offline-demo").stdout == shown


def test_a_person_says_whether_words_count_in_every_catalogue(app):
    assert "only in the catalogue" in ok(app, "profile", "share", "ann").stderr
    assert "in every catalogue" in ok(app, "profile", "share", "ann", "on").stderr
    assert "in every catalogue" in ok(app, "profile", "share", "ann").stderr
    assert "only in the catalogue" in ok(app, "profile", "share", "ann", "off").stderr
    assert "'maybe' is neither on nor off" in app.run("profile", "share", "ann", "maybe").stderr


def test_what_cannot_be_done_is_said_in_a_line(app, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    for arguments, words in (
        (("profile", "import", "ann", tmp_path / "x.json"), "no profile that Zhiyin exported"),
        (("profile", "import", "ann", tmp_path / "absent.json"), "cannot be read"),
        (("profile", "show", "ann", "--language", "fr"), "no language 'fr'"),
    ):
        done = app.run(*arguments)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_the_store_is_encrypted_rekeyed_and_opened_with_its_key_alone(tmp_path):
    plain = App(tmp_path)
    plain.turn("--user", "ann", LIKES)
    shown = ok(plain, "profile", "show", "ann", "--offline-demo").stdout
    ok(App(tmp_path, ZHIYIN_KEY=KEY), "store", "encrypt")
    assert LIKES.encode() not in (tmp_path / "zhiyin.db").read_bytes()
    for app in (plain, App(tmp_path, ZHIYIN_KEY=OTHER)):
        done = app.run("profile", "show", "ann", "--offline-demo")
        assert done.returncode == 1
        assert "ZHIYIN_KEY" in done.stderr
        assert "Traceback" not in done.stderr
    ok(App(tmp_path, ZHIYIN_KEY=KEY, ZHIYIN_NEW_KEY=OTHER), "store", "rekey")
    keyed = App(tmp_path, ZHIYIN_KEY=OTHER)
    assert ok(keyed, "profile", "show", "ann", "--offline-demo").stdout == shown
    ok(keyed, "store", "decrypt")
    assert json.loads(ok(plain, "profile", "export", "ann").stdout)["events"]


def test_what_is_too_old_is_erased_at_the_start(tmp_path):
    app = App(tmp_path)
    app.turn("--user", "ann", LIKES)
    kept = ok(App(tmp_path, ZHIYIN_KEEP_DAYS="1"), "profile", "export", "ann").stdout
    assert json.loads(kept)["events"]
    with sqlite3.connect(tmp_path / "zhiyin.db") as connection:
        connection.execute("UPDATE events SET at = at - 3 * 86400")
    connection.close()
    old = ok(App(tmp_path, ZHIYIN_KEEP_DAYS="2"), "profile", "export", "ann").stdout
    assert json.loads(old)["events"] == []
