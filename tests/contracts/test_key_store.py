"""What every KeyStore must do, wherever it keeps keys."""

from __future__ import annotations

import re
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.api_keys import SCOPES, KeyStore, digest, issue
from chatbot.store import InMemoryUserStore, SqlUserStore
from chatbot.types import StoredTurn
from retrieval.errors import SettingsError
from retrieval.events import Event

FORM = re.compile(r"zy_[0-9a-f]{16}_[A-Za-z0-9_-]{43}")
KEY = "correct horse battery staple"
examples = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["sql", "encrypted", "postgres", "memory"])
def store(request, tmp_path):
    if request.param == "memory":
        yield InMemoryUserStore()
        return
    address = request.getfixturevalue("postgres") if request.param == "postgres" else f"sqlite:///{tmp_path / 'users.db'}"
    store = SqlUserStore(address, "" if request.param == "sql" else KEY)
    yield store
    store.close()


@pytest.fixture
def keys(store) -> KeyStore:
    return store.keys


def test_a_key_is_found_by_its_secret_alone_and_comes_back_whole(keys):
    before = time.time()
    until = before + 1000.5
    secret, made = issue(
        keys, "店 shop", ["chat", "items"], user="ann", expires=until, per_minute=7, concurrent=0, issuer="abc"
    )
    assert FORM.fullmatch(secret)
    assert secret.split("_")[1] == made.id
    assert keys.find(secret) == made
    assert (made.name, made.scopes, made.user, made.expires) == ("店 shop", {"chat", "items"}, "ann", until)
    assert (made.per_minute, made.concurrent, made.issuer, made.revoked) == (7, 0, "abc", None)
    assert before <= made.created <= time.time()
    plain_secret, plain = issue(keys, "other", SCOPES)
    assert keys.find(plain_secret) == plain
    assert (plain.user, plain.expires, plain.per_minute, plain.concurrent) == ("", None, None, None)
    assert list(keys.list()) == [made, plain]


@pytest.mark.parametrize(
    "change", [str.upper, str.swapcase, lambda s: s + "=", lambda s: f" {s}", lambda s: s[:-1], lambda s: s[3:]]
)
def test_what_is_not_the_secret_finds_nothing(keys, change):
    secret, _ = issue(keys, "a", ["chat"])
    assert keys.find(secret)
    assert keys.find(change(secret)) is None


def test_the_secret_of_one_key_does_not_open_another(keys):
    (one, first), (other, second) = issue(keys, "a", ["chat"]), issue(keys, "b", ["chat"])
    assert first.id != second.id
    assert keys.find(one[:20] + other[20:]) is None
    assert keys.find(f"zy_{'0' * 16}_{one[20:]}") is None


@examples
@given(text=st.text(max_size=80))
def test_any_text_is_looked_for_without_an_error(keys, text):
    assert keys.find(text) is None
    assert keys.find(f"zy_{text}") is None


def test_a_revoked_key_and_the_tokens_it_issued_are_not_found_but_listed(keys):
    secret, key = issue(keys, "shop", ["chat", "tokens"])
    token, issued = issue(keys, "shop", ["chat"], user="ann", expires=time.time() + 60, issuer=key.id)
    other, kept = issue(keys, "other", ["chat"])
    before = time.time()
    revoked = keys.revoke(key.id)
    assert revoked
    assert before <= revoked.revoked <= time.time()
    assert keys.find(secret) is keys.find(token) is None
    assert keys.find(other) == kept
    listed = {k.id: k for k in keys.list()}
    assert listed[key.id] == revoked
    assert listed[issued.id].revoked is not None
    assert keys.revoke(key.id) == revoked  # when it was taken back stays
    assert keys.revoke("nobody's") is None
    assert keys.revoke("") is None  # every key that is no token has an empty issuer
    assert keys.find(other) == kept


def test_a_token_is_revoked_alone(keys):
    secret, key = issue(keys, "shop", ["chat", "tokens"])
    token, issued = issue(keys, "shop", ["chat"], user="ann", issuer=key.id)
    keys.revoke(issued.id)
    assert keys.find(token) is None
    assert keys.find(secret) == key


def test_an_expired_key_is_not_found_and_expired_tokens_are_swept_with_the_next_one(keys):
    past = time.time() - 1
    expired, key = issue(keys, "old", ["chat"], expires=past)
    token, issued = issue(keys, "old", ["chat"], user="ann", expires=past)
    assert keys.find(expired) is keys.find(token) is None
    assert {k.id for k in keys.list()} == {key.id, issued.id}
    issue(keys, "new", ["chat"])  # no token: nothing is swept
    assert issued.id in {k.id for k in keys.list()}
    good, fresh = issue(keys, "new", ["chat"], user="bob", expires=time.time() + 60)
    assert issued.id not in {k.id for k in keys.list()}
    assert key.id in {k.id for k in keys.list()}  # an owner's key stays in the list
    assert keys.find(good) == fresh


def test_there_are_keys_from_the_first_on_until_all_are_cleared(keys):
    assert not keys.any()
    assert keys.clear() == 0
    _, key = issue(keys, "a", ["chat"], expires=time.time() - 1)
    keys.revoke(key.id)
    assert keys.any()  # a key that is no longer good does not open the door to everybody
    issue(keys, "b", ["chat"])
    assert keys.clear() == 2
    assert not keys.any()
    assert list(keys.list()) == []


def test_who_is_erased_has_no_token_left_and_nobody_else_loses_theirs(store):
    keys = store.keys
    tokens = {user: issue(keys, "shop", ["chat"], user=user)[0] for user in ("ann", "Ann", "bob")}
    secret, key = issue(keys, "shop", ["chat"])
    store.append(Event("ann", "liked", "moon-2009"))
    store.save("c", "ann", StoredTurn("t1", 1.0, "hello", {"items": [], "notes": []}))
    store.erase("ann")
    assert {user for user, token in tokens.items() if store.keys.find(token)} == {"Ann", "bob"}
    assert "ann" not in {k.user for k in keys.list()}
    store.erase("")  # nobody: keys for everybody are nobody's
    assert keys.find(secret) == key
    store.erase("bob")  # of whom nothing but a token is known
    assert {k.user for k in keys.list()} == {"Ann", ""}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scopes": ["chat", "everything"]}, "no scope 'everything'"),
        ({"scopes": []}, "without a scope"),
        ({"name": ""}, "1 to 100"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "x" * 101}, "1 to 100"),
        ({"user": "u" * 201}, "at most 200"),
        ({"user": "a\0b"}, "printable"),
        ({"per_minute": -1}, "limit is -1"),
        ({"concurrent": -2}, "limit is -2"),
        ({"expires": float("nan")}, "nan"),
        ({"expires": float("inf")}, "inf"),
    ],
)
def test_what_cannot_be_a_key_is_refused_and_nothing_is_made(keys, wrong, message):
    with pytest.raises(SettingsError, match=message):
        issue(keys, **{"name": "a", "scopes": ["chat"], **wrong})
    assert not keys.any()


def test_keys_are_issued_and_found_by_several_threads_at_once(keys):
    failed: list[BaseException] = []
    made: list[str] = []

    def work(number: int) -> None:
        try:
            for n in range(5):
                secret, key = issue(keys, f"{number}-{n}", ["chat"], user=f"u{number}", expires=time.time() + 60)
                assert keys.find(secret) == key
                made.append(key.id)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(made) == sorted(k.id for k in keys.list())


def test_the_file_holds_a_digest_and_never_the_secret_and_two_processes_share_it(tmp_path):
    address = f"sqlite:///{tmp_path / 'users.db'}"
    first, second = SqlUserStore(address), SqlUserStore(address)
    secret, key = issue(first.keys, "shop", ["chat"])
    assert second.keys.find(secret) == key
    second.keys.revoke(key.id)
    assert first.keys.find(secret) is None
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert digest(secret).encode() in raw  # so the search finds what is there
    assert secret.encode() not in raw
    assert secret.split("_", 2)[2].encode() not in raw
    first.close()
    second.close()
