"""The commands about keys, in processes of their own, and what a server that runs makes of them."""

from __future__ import annotations

import json
import time

import pytest
from test_app import App

from chatbot.api_keys import SCOPES, issue
from chatbot.store import SqlUserStore


@pytest.fixture
def app(tmp_path):
    return App(tmp_path)


def ok(app, *arguments):
    done = app.run("keys", *arguments)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_key_is_made_listed_and_revoked_and_its_secret_is_shown_once(app, tmp_path):
    before = time.time()
    options = ("--scope", "chat", "--scope", "tokens", "--user", "ann", "--days", "2", "--per-minute", "7", "--concurrent", "0")
    made = ok(app, "add", "店 shop", *options)
    secret = made.stdout.strip()
    assert made.stdout == f"{secret}\n"  # so that a script can take it
    assert secret not in made.stderr
    store = SqlUserStore(f"sqlite:///{tmp_path / 'zhiyin.db'}")
    key = store.keys.find(secret)
    assert (key.name, key.scopes, key.user, key.per_minute, key.concurrent) == ("店 shop", {"chat", "tokens"}, "ann", 7, 0)
    assert 0 <= key.expires - before - 2 * 86400 < 100
    issued, token = issue(store.keys, "店 shop", ["chat"], user="bob", issuer=key.id)
    expired = ok(app, "add", "short", "--scope", "chat", "--days", "0").stdout.strip()
    assert store.keys.find(expired) is None

    assert "good for nothing" in ok(app, "revoke", key.id).stderr  # while the store is open elsewhere
    assert store.keys.find(secret) is store.keys.find(issued) is None
    other, good = issue(store.keys, "monitor", ["monitor"])
    text, lines = ok(app, "list").stdout, ok(app, "list", "--json").stdout
    for part in (key.id, "店 shop", "[chat tokens]", "user ann", "7 a minute", "0 at once", f"token of {key.id}", " expired "):
        assert part in text
    assert len(text.splitlines()) == 4
    shown = {line["id"]: line for line in map(json.loads, lines.splitlines())}
    states = {key.id: "revoked", token.id: "revoked", expired.split("_")[1]: "expired", good.id: "good"}
    assert {name: line["state"] for name, line in shown.items()} == states
    assert shown[key.id]["scopes"] == ["chat", "tokens"]
    for hidden in (secret, issued, expired, other):
        assert hidden[20:] not in text + lines

    assert app.run("keys", "clear").returncode != 0  # without a yes, and nobody to ask
    assert store.keys.any()
    assert "4 keys" in ok(app, "clear", "--yes").stderr
    assert not store.keys.any()
    store.close()


def test_what_cannot_be_done_is_said_in_a_line_and_makes_no_key(app):
    for arguments, words in (
        (("add", "x"), "--scope chat"),
        (("add", "x", "--scope", "everything"), f"Scopes: {', '.join(SCOPES)}"),
        (("revoke", "nobody"), "There is no key 'nobody'"),
    ):
        done = app.run("keys", *arguments)
        assert done.returncode == 1, arguments
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith("zhiyin: ")
        assert words in done.stderr.splitlines()[-1]
    empty = ok(app, "list")
    assert empty.stdout == ""
    assert "There is no key" in empty.stderr
