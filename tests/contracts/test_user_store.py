"""What every UserStore must do, wherever it keeps things."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.event import listen

from chatbot.profile import build_profile
from chatbot.store import ForgettingUserStore, InMemoryUserStore, SqlUserStore
from chatbot.types import Conversation, Heading, StoredTurn
from retrieval.errors import StoreError
from retrieval.events import Event, EventKind

KINDS = get_args(EventKind)
CONTEXT = {"conversation": "c", "turn": "t1", "session": "夜 🙂", "raw": "4.5"}


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path / 'users.db'}"


@pytest.fixture(params=["sql", "encrypted", "postgres", "memory", "forgetting"])
def store(request, database):
    if request.param in ("memory", "forgetting"):
        yield InMemoryUserStore() if request.param == "memory" else ForgettingUserStore(InMemoryUserStore())
        return
    if request.param == "postgres":
        database = request.getfixturevalue("postgres")
    store = SqlUserStore(database, "" if request.param == "sql" else "correct horse battery staple")
    yield store
    store.close()


@pytest.fixture
def sql(database):
    store = SqlUserStore(database)
    yield store
    store.close()


def turn(name: str, at: float, message: str = "hello", **record) -> StoredTurn:
    return StoredTurn(name, at, message, {"items": [], "notes": [], **record})


def test_a_user_without_a_past_has_nothing(store):
    assert list(store.events("ann")) == []
    assert list(store.conversations("ann")) == []
    assert store.load("c", "ann") == Conversation("c", "ann", ())


def test_events_come_back_whole_in_the_order_they_were_added_whatever_their_times(store):
    events = [Event("ann", kind, f"film-{n}", f"text {n}", n / 16, 100.0 - n, CONTEXT) for n, kind in enumerate(KINDS)]
    for event in events:
        store.append(event)
    assert list(store.events("ann")) == events


def test_an_event_keeps_what_it_leaves_open(store):
    store.append(Event("ann", "typed", text="hello", at=1.5))
    assert list(store.events("ann")) == [Event("ann", "typed", None, "hello", None, 1.5, {})]


def test_an_event_without_a_time_gets_the_present_one(store):
    before = time.time()
    store.append(Event("ann", "liked", "moon-2009"))
    [event] = store.events("ann")
    assert before <= event.at <= time.time()


def test_an_event_counts_from_the_next_read_on(store):
    first = store.events("ann")
    store.append(Event("ann", "liked", "moon-2009"))
    assert len(list(first)) == 0
    assert len(list(store.events("ann"))) == 1


def test_events_belong_to_their_user(store):
    store.append(Event("ann", "liked", "moon-2009"))
    store.append(Event("bob", "disliked", "her-2013"))
    store.append(Event("Ann", "seen", "up-2009"))
    assert [e.item for e in store.events("ann")] == ["moon-2009"]
    assert [e.item for e in store.events("bob")] == ["her-2013"]
    assert [e.item for e in store.events("Ann")] == ["up-2009"]


def test_a_conversation_gives_back_its_turns_as_they_were(store):
    record = {"language": "zh", "items": [{"id": "moon-2009", "score": 0.25, "channels": {}}], "request": {"count": 3}}
    turns = [turn("t1", 1.0, "第一句", **record), turn("t2", 2.0, "the second")]
    for one in turns:
        store.save("c", "ann", one)
    assert store.load("c", "ann") == Conversation("c", "ann", tuple(turns))


def test_saving_the_last_turn_again_replaces_it(store):
    store.save("c", "ann", turn("t1", 1.0))
    store.save("c", "ann", turn("t2", 2.0, reply="half"))
    store.save("c", "ann", turn("t2", 2.0, reply="whole"))
    assert [(t.id, t.record.get("reply")) for t in store.load("c", "ann").turns] == [("t1", None), ("t2", "whole")]


def test_saving_an_earlier_turn_again_keeps_its_place(store):
    store.save("c", "ann", turn("t1", 1.0))
    store.save("c", "ann", turn("t2", 2.0))
    store.save("c", "ann", turn("t1", 1.0, reply="changed"))
    assert [t.id for t in store.load("c", "ann").turns] == ["t1", "t2"]
    assert store.load("c", "ann").turns[0].record["reply"] == "changed"


def test_turns_of_the_same_moment_keep_the_order_they_were_saved_in(store):
    for name in ("z", "m", "a"):
        store.save("c", "ann", turn(name, 1.0))
    assert [t.id for t in store.load("c", "ann").turns] == ["z", "m", "a"]


def test_what_was_loaded_is_not_the_store_itself(store):
    store.save("c", "ann", turn("t1", 1.0))
    before = store.load("c", "ann")
    store.save("c", "ann", turn("t2", 2.0))
    assert len(before.turns) == 1


def test_conversations_come_the_one_used_last_first(store):
    for at, name in enumerate(("one", "two", "three", "one")):
        store.save(name, "ann", turn(f"t{at}", float(at)))
    store.save("other", "bob", turn("tb", 9.0))
    assert list(store.conversations("ann")) == ["one", "three", "two"]


def test_loading_makes_no_conversation(store):
    store.load("c", "ann")
    assert list(store.conversations("ann")) == []
    store.save("c", "bob", turn("t1", 1.0))
    assert list(store.conversations("bob")) == ["c"]


def test_another_users_conversation_is_neither_read_nor_written(store):
    store.save("c", "ann", turn("t1", 1.0, "secret"))
    with pytest.raises(StoreError, match="another user") as refused:
        store.load("c", "bob")
    assert refused.value.key == "error_conversation"
    with pytest.raises(StoreError, match="another user"):
        store.save("c", "bob", turn("t2", 2.0))
    assert [t.id for t in store.load("c", "ann").turns] == ["t1"]
    assert list(store.conversations("bob")) == []


def test_a_turn_of_another_users_conversation_is_not_taken_over(store):
    store.save("mine", "ann", turn("t1", 1.0, "secret"))
    try:
        store.save("theirs", "bob", turn("t1", 2.0, "not secret"))
    except StoreError:
        pass
    assert [(t.id, t.message) for t in store.load("mine", "ann").turns] == [("t1", "secret")]


def test_erase_removes_everything_of_one_user_and_nothing_of_another(store):
    for user in ("ann", "bob"):
        store.append(Event(user, "liked", "moon-2009"))
        store.save(f"c-{user}", user, turn(f"t-{user}", 1.0))
    store.erase("ann")
    assert list(store.events("ann")) == []
    assert list(store.conversations("ann")) == []
    assert store.load("c-ann", "ann").turns == ()
    assert [e.item for e in store.events("bob")] == ["moon-2009"]
    assert list(store.conversations("bob")) == ["c-bob"]
    assert len(store.load("c-bob", "bob").turns) == 1


def test_an_erased_user_can_begin_again_and_the_name_of_the_conversation_is_free(store):
    store.save("c", "ann", turn("t1", 1.0))
    store.erase("ann")
    store.erase("ann")
    store.save("c", "bob", turn("t2", 2.0))
    store.append(Event("ann", "liked", "up-2009"))
    assert [t.id for t in store.load("c", "bob").turns] == ["t2"]
    assert [e.item for e in store.events("ann")] == ["up-2009"]


@pytest.mark.parametrize("name", ["小明", "🙂👩‍👩‍👧", "Zoë O'Hara; DROP TABLE users", "a b\tc", "ñ" * 60, "%_'\"\\"])
def test_any_name_and_any_text_are_kept_as_they_are(store, name):
    message = f"我喜欢《月球》 🙂 {name} \n 'quoted' \\ \u0000 end"
    store.append(Event(name, "typed", text=message, context={"conversation": name, "turn": name[:60]}))
    store.save(name, name, turn("t1", 1.0, message, reply=message))
    [event] = store.events(name)
    assert (event.user, event.text, event.context) == (name, message, {"conversation": name, "turn": name[:60]})
    [stored] = store.load(name, name).turns
    assert (stored.message, stored.record["reply"]) == (message, message)
    assert list(store.conversations(name)) == [name]
    store.erase(name)
    assert list(store.events(name)) == []


def test_two_threads_lose_no_event_and_keep_their_own_order(store):
    failed: list[BaseException] = []

    def work(user: str) -> None:
        try:
            for n in range(200):
                store.append(Event(user, "typed", text=str(n)))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(user,)) for user in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for user in ("ann", "bob"):
        assert [e.text for e in store.events(user)] == [str(n) for n in range(200)]


def test_two_threads_of_one_new_user_lose_no_event(store):
    failed: list[BaseException] = []
    start = threading.Barrier(4)

    def work(name: int) -> None:
        try:
            start.wait()
            for n in range(25):
                store.append(Event("ann", "typed", text=f"{name}-{n}"))
                store.save(f"c{name}", "ann", turn(f"t{name}-{n}", float(n)))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(e.text for e in store.events("ann")) == sorted(f"{name}-{n}" for name in range(4) for n in range(25))
    assert all(len(store.load(f"c{name}", "ann").turns) == 25 for name in range(4))


def test_an_event_that_comes_twice_counts_once(store):
    events = [Event("ann", "liked", "moon-2009", at=5.0, id="e1"), Event("ann", "seen", "up-2009", at=6.0, id="e2")]
    assert store.append(*events) == 2
    assert store.append(*events, Event("ann", "seen", "her-2013", id="e3")) == 1
    assert store.append(Event("bob", "liked", "moon-2009", id="e1")) == 1  # ids are of a person
    assert [e.id for e in store.events("ann")] == ["e1", "e2", "e3"]
    assert store.append() == 0


def test_every_event_gets_an_id_of_its_own(store):
    store.append(*(Event("ann", "shown", f"film-{n}") for n in range(5)))
    ids = [e.id for e in store.events("ann")]
    assert all(ids)
    assert len(set(ids)) == 5


def test_a_clock_that_is_ahead_is_set_back_to_the_arrival_and_one_that_is_behind_is_believed(store):
    store.append(Event("ann", "liked", "moon-2009", at=time.time() + 86400), Event("ann", "disliked", "moon-2009", at=12.5))
    ahead, behind = store.events("ann")
    assert ahead.at <= time.time()
    assert behind.at == 12.5
    assert build_profile("ann", store.events("ann")).disliked == ("moon-2009",)  # the order of arrival says which is the last


def test_what_is_older_than_it_may_be_goes_and_the_rest_stays(store):
    store.append(Event("ann", "liked", "old-1950", at=10.0), Event("ann", "liked", "new-2020", at=1000.0))
    store.append(Event("bob", "liked", "old-1950", at=10.0))
    store.save("c", "ann", turn("t1", 10.0))
    store.save("c", "ann", turn("t2", 1000.0))
    store.save("old", "ann", turn("t3", 10.0))
    assert store.expire(before=100.0) == 4
    assert [e.item for e in store.events("ann")] == ["new-2020"]
    assert [t.id for t in store.load("c", "ann").turns] == ["t2"]
    assert list(store.conversations("ann")) == ["c"]
    assert list(store.events("bob")) == []
    assert store.expire(before=100.0) == 0


# -- past conversations -----------------------------------------------------------------------------------------------

# a store is made once for all examples, which use users and conversations of their own
examples = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOSTILE = [
    "'); DROP TABLE conversations; --",
    "<script>alert(1)</script>",
    "sealed:",
    "sealed:text:片",
    '%_\\"\n{x}',
    "夜 🙂👩‍👩‍👧",
]


def ids(headings) -> list[str]:
    return [heading.id for heading in headings]


def test_a_heading_says_when_what_first_and_how_many_turns(store):
    for at, name in enumerate(("one", "two", "one", "one")):
        store.save(name, "ann", turn(f"t{at}", float(at), f"message {at}"))
    store.save("three", "bob", turn("tb", 9.0))
    assert list(store.headings("ann")) == [Heading("one", 3.0, "", "message 0", 3), Heading("two", 1.0, "", "message 1", 1)]
    assert ids(store.headings("bob")) == ["three"]
    assert list(store.headings("eve")) == []


def test_a_title_is_given_changed_and_taken_away_and_stays_when_the_talk_goes_on(store):
    store.save("c", "ann", turn("t1", 1.0))
    store.rename("c", "ann", "  Rainy evenings ")
    store.save("c", "ann", turn("t2", 2.0))
    assert store.headings("ann")[0].title == "Rainy evenings"
    store.rename("c", "ann", "雨夜")
    assert store.headings("ann")[0].title == "雨夜"
    store.rename("c", "ann", " \n ")
    assert store.headings("ann")[0].title == ""
    assert ids(store.headings("ann")) == ["c"]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_title_and_a_message_of_any_characters_are_kept_and_found(store, title):
    store.save("c", "ann", turn("t1", 1.0, title))
    store.save("d", "ann", turn("t2", 2.0))
    store.rename("c", "ann", title)
    assert list(store.headings("ann", title)) == [Heading("c", 1.0, title, title, 1)]
    assert store.load("c", "ann").turns[0].message == title


def test_a_title_of_120_characters_is_kept_and_a_longer_one_is_refused(store):
    store.save("c", "ann", turn("t1", 1.0))
    store.rename("c", "ann", "长" * 120 + " ")
    with pytest.raises(StoreError, match="121 characters") as refused:
        store.rename("c", "ann", "x" * 121)
    assert (refused.value.key, refused.value.values["length"], refused.value.values["limit"]) == ("error_title", 121, 120)
    assert store.headings("ann")[0].title == "长" * 120


def test_what_does_not_exist_is_not_renamed_and_otherwise_nothing_to_do(store):
    with pytest.raises(StoreError) as refused:
        store.rename("c", "ann", "x")
    assert refused.value.key == "error_no_conversation"
    store.remove("c", "ann")
    store.withdraw("c", "ann", "t1")
    store.save("c", "ann", turn("t1", 1.0))
    store.save("d", "ann", turn("t2", 2.0))
    store.withdraw("c", "ann", "t2")  # of another conversation
    assert ids(store.headings("ann")) == ["d", "c"]


@pytest.mark.parametrize("act", ["rename", "withdraw", "remove"])
def test_another_users_conversation_is_neither_renamed_nor_shortened_nor_removed(store, act):
    store.save("c", "ann", turn("t1", 1.0, "secret"))
    with pytest.raises(StoreError) as refused:
        store.remove("c", "bob") if act == "remove" else getattr(store, act)("c", "bob", "t1")
    assert refused.value.key == "error_conversation"
    assert list(store.headings("ann")) == [Heading("c", 1.0, "", "secret", 1)]
    assert list(store.headings("bob", "secret")) == []


def test_a_removed_conversation_is_gone_its_events_stay_and_its_name_is_free(store):
    store.append(Event("ann", "liked", "moon-2009", context={"conversation": "c", "turn": "t1"}))
    for name in ("c", "d"):
        store.save(name, "ann", turn(f"t-{name}", 1.0))
    store.rename("c", "ann", "gone")
    store.remove("c", "ann")
    assert (ids(store.headings("ann")), list(store.conversations("ann"))) == (["d"], ["d"])
    assert store.load("c", "ann").turns == ()
    assert [e.item for e in store.events("ann")] == ["moon-2009"]
    store.save("c", "bob", turn("t-c", 1.0))
    assert store.headings("bob")[0].title == ""


def test_a_withdrawn_turn_is_gone_and_a_conversation_without_turns_is_not_listed(store):
    store.save("c", "ann", turn("t1", 1.0, "first"))
    store.save("c", "ann", turn("t2", 2.0, "second"))
    store.rename("c", "ann", "mine")
    store.withdraw("c", "ann", "t1")
    assert list(store.headings("ann")) == [Heading("c", 2.0, "mine", "second", 1)]
    store.withdraw("c", "ann", "t2")
    assert (list(store.headings("ann")), list(store.conversations("ann"))) == ([], [])
    store.save("c", "ann", turn("t3", 3.0, "instead"))
    assert list(store.headings("ann")) == [Heading("c", 3.0, "mine", "instead", 1)]


FOUND = turn(
    "f1", 1.0, "来一部安静的科幻片", items=[{"title": "Ｍｏｏｎ (2009)"}], opening="好的，一部：", reply="关于孤独的故事"
)


@pytest.mark.parametrize(
    "words", ["科幻", "安静的科幻 孤独", "moon", "ＭＯＯＮ", "雨夜 SF 2009", "一部：", "second", "  ", "Straße", "STRASSE"]
)
def test_words_are_looked_for_in_titles_messages_and_answers_whatever_their_case_and_width(store, words):
    store.save("c", "ann", FOUND)
    store.save("c", "ann", turn("f2", 2.0, "the SECOND one, straße"))
    store.rename("c", "ann", "雨夜 sf")
    assert ids(store.headings("ann", words)) == ["c"]
    assert ids(store.headings("bob", words)) == []


@pytest.mark.parametrize("words", ["科幻 horror", "items", "jazz", "notes", "moon2009"])
def test_every_word_must_be_there_and_nothing_but_what_was_said_and_shown_counts(store, words):
    store.save("c", "ann", FOUND)
    assert ids(store.headings("ann", words)) == []


@examples
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40))
def test_the_words_of_a_message_find_it_in_any_order_and_one_word_more_does_not(store, text):
    name, user = uuid.uuid4().hex, uuid.uuid4().hex
    store.save(name, user, turn(name, 1.0, text))
    words = " ".join(reversed(text.split()))
    assert ids(store.headings(user, words)) == [name]
    assert ids(store.headings(user, f"{words} {name}")) == []
    assert ids(store.headings(name, words)) == []


ACTS = st.tuples(
    st.sampled_from(["save", "save", "rename", "withdraw", "remove"]), st.integers(0, 1), st.integers(0, 2), st.integers(0, 3)
)


@examples
@given(acts=st.lists(ACTS, max_size=14))
def test_the_list_says_what_was_done_whatever_the_order(store, acts):
    """Two users, three conversations and four turns each, against the plainest model of what the list should be."""
    run = uuid.uuid4().hex
    users = (f"ann-{run}", f"bob-{run}")
    talks: dict[str, dict] = {}
    for at, (act, who, which, number) in enumerate(acts):
        user, name, part = users[who], f"{which}-{run}", f"{which}-{number}-{run[:20]}"
        talk = talks.get(name, {"user": user})
        foreign = talk["user"] != user
        try:
            if act == "save":
                store.save(name, user, turn(part, float(at), f"said {at}"))
            elif act == "remove":
                store.remove(name, user)
            else:
                getattr(store, act)(name, user, part)
        except StoreError:
            assert foreign or (act == "rename" and name not in talks)
            continue
        assert not foreign
        if act == "save":
            talks.setdefault(name, {"user": user, "title": "", "turns": {}})
            talks[name]["turns"].pop(part, None)  # the store puts it where its time says: at the end
            talks[name]["turns"][part] = f"said {at}"
            talks[name]["used"] = float(at)
        elif act == "remove":
            talks.pop(name, None)
        elif act == "rename":
            talks[name]["title"] = part
        elif name in talks:
            talks[name]["turns"].pop(part, None)
    for user in users:
        mine = [(name, talk) for name, talk in talks.items() if talk["user"] == user and talk["turns"]]
        mine.sort(key=lambda entry: -entry[1]["used"])
        assert [(h.id, h.used, h.title, h.turns) for h in store.headings(user)] == [
            (name, talk["used"], talk["title"], len(talk["turns"])) for name, talk in mine
        ]
        assert list(store.conversations(user)) == [name for name, _ in mine]


def test_postgres_keeps_titles_and_messages_sealed(postgres):
    store = SqlUserStore(postgres, "correct horse battery staple")
    store.save("c", "ann", turn("t1", 1.0, "the melancholy dragon", reply="of Wuppertal"))
    store.rename("c", "ann", "dragons of Wuppertal")
    with store._engine.connect() as connection:
        raw = str(
            connection.exec_driver_sql("SELECT c.*, t.* FROM conversations c JOIN turns t ON t.conversation = c.id").all()
        )
    assert "'c'" in raw
    assert "dragon" not in raw
    assert "Wuppertal" not in raw
    assert list(store.headings("ann", "DRAGONS melancholy wuppertal")) == [
        Heading("c", 1.0, "dragons of Wuppertal", "the melancholy dragon", 1)
    ]
    store.close()
    locked = SqlUserStore(postgres)
    with pytest.raises(StoreError, match="not with this key"):
        locked.headings("ann")
    locked.close()


# -- SQLite alone ---------------------------------------------------------------------------------------------------


def test_what_was_stored_survives_reopening(database):
    first = SqlUserStore(database)
    first.append(Event("ann", "liked", "moon-2009"))
    first.save("c", "ann", turn("t1", 1.0, "你好", reply="🙂"))
    events, conversation = first.events("ann"), first.load("c", "ann")
    first.close()
    second = SqlUserStore(database)
    assert second.events("ann") == events
    assert second.load("c", "ann") == conversation
    assert list(second.conversations("ann")) == ["c"]
    with pytest.raises(StoreError):
        second.load("c", "bob")
    second.close()


def test_two_open_stores_see_each_other(database, sql):
    other = SqlUserStore(database)
    sql.append(Event("ann", "liked", "moon-2009"))
    other.append(Event("ann", "seen", "up-2009"))
    assert [e.kind for e in sql.events("ann")] == [e.kind for e in other.events("ann")] == ["liked", "seen"]
    other.close()


OLD_TABLES = """
CREATE TABLE users (id VARCHAR(200) NOT NULL, created FLOAT NOT NULL, PRIMARY KEY (id));
CREATE TABLE events (number INTEGER NOT NULL, user VARCHAR(200) NOT NULL, kind VARCHAR(20) NOT NULL, item VARCHAR(400),
    text TEXT NOT NULL, conversation VARCHAR(200), turn VARCHAR(64), at FLOAT NOT NULL, PRIMARY KEY (number),
    FOREIGN KEY(user) REFERENCES users (id));
CREATE INDEX ix_events_user ON events (user);
CREATE TABLE conversations (id VARCHAR(200) NOT NULL, user VARCHAR(200) NOT NULL, used FLOAT NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(user) REFERENCES users (id));
CREATE INDEX ix_conversations_user ON conversations (user);
CREATE TABLE turns (id VARCHAR(64) NOT NULL, conversation VARCHAR(200) NOT NULL, at FLOAT NOT NULL, message TEXT NOT NULL,
    record JSON NOT NULL, PRIMARY KEY (id), FOREIGN KEY(conversation) REFERENCES conversations (id));
CREATE INDEX ix_turns_conversation ON turns (conversation);
INSERT INTO users VALUES ('ann', 1.0);
INSERT INTO events VALUES (1, 'ann', 'typed', NULL, '你好', 'c', 't1', 1.5);
INSERT INTO events VALUES (2, 'ann', 'liked', 'moon-2009', '', NULL, NULL, 2.5);
"""


def test_a_database_made_before_values_and_context_is_upgraded_in_place(database, tmp_path):
    connection = sqlite3.connect(tmp_path / "users.db")
    connection.executescript(OLD_TABLES)
    connection.close()
    old = [
        Event("ann", "typed", None, "你好", None, 1.5, {"conversation": "c", "turn": "t1"}),
        Event("ann", "liked", "moon-2009", at=2.5),
    ]
    new = Event("ann", "rated", "up-2009", value=0.75, at=3.5, context=CONTEXT)
    for _ in range(2):  # the second time nothing is left to be done
        store = SqlUserStore(database)
        assert store.events("ann") == old
        store.close()
    store, other = SqlUserStore(database), SqlUserStore(database)
    store.append(new)
    assert other.events("ann") == [*old, new]
    store.erase("ann")
    assert other.events("ann") == []
    store.close()
    other.close()


def test_two_processes_that_upgrade_at_once_both_succeed(database, tmp_path):
    connection = sqlite3.connect(tmp_path / "users.db")
    connection.executescript(OLD_TABLES)
    connection.close()
    failed: list[BaseException] = []
    start = threading.Barrier(4)

    def work() -> None:
        try:
            start.wait()
            store = SqlUserStore(database)
            assert len(store.events("ann")) == 2
            store.close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize(
    "content", [b"this is no database, it is a text of some length" * 40, b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_a_broken_file_is_refused_with_its_name_and_kept(tmp_path, content):
    path = tmp_path / "broken.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"broken\.db.*ZHIYIN_DATA") as refused:
        SqlUserStore(f"sqlite:///{path}")
    assert refused.value.key == "error_store"
    assert path.read_bytes() == content


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        SqlUserStore(f"sqlite:///{tmp_path / 'nowhere' / 'users.db'}")


def test_the_write_ahead_log_and_foreign_keys_are_on(sql, tmp_path):
    with sqlite3.connect(tmp_path / "users.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    with sql._engine.connect() as open_:
        assert open_.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert open_.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10000


def test_erase_leaves_no_row(sql, tmp_path):
    sql.append(Event("ann", "typed", text="a secret"))
    sql.save("c", "ann", turn("t1", 1.0, "a secret"))
    sql.erase("ann")
    connection = sqlite3.connect(tmp_path / "users.db")
    counts = {
        t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("users", "events", "turns", "conversations")
    }
    connection.close()
    assert set(counts.values()) == {0}


def test_without_words_no_record_is_read(sql):
    for n in range(3):
        sql.save("c", "ann", turn(f"t{n}", float(n), reply="long"))
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        asked.append(statement)

    listen(sql._engine, "before_cursor_execute", note)
    assert len(sql.headings("ann")) == 1
    assert len(asked) == 1
    assert "record" not in asked[0]
    assert len(sql.headings("ann", "long")) == 1
    assert "record" in asked[-1]
