"""A person's data taken along, erased and taken in again; and erased from every file."""

from __future__ import annotations

import json
import logging

import pytest

from chatbot.erasing import erase_person, find_traces
from chatbot.keeper import Keeper
from chatbot.portable import import_person, pseudonym, write_document
from chatbot.store import ForgettingUserStore, InMemoryUserStore, SqlUserStore
from retrieval.errors import IndexLockedError, ProfileError, StoreError
from retrieval.event_import import import_events
from retrieval.event_log import current_file
from retrieval.events import Event
from retrieval.index import index_lock
from retrieval.interactions import InteractionLog
from retrieval.mapping import EventMapping
from retrieval.sequence_learning import learn_sequence
from retrieval.sequence_store import load_sequence

SECRET = "the melancholy dragon of Wuppertal"
ITEMS = ("moon-2009", "arrival-2016", "solaris-1972", "psycho-1960", "up-2009")


@pytest.fixture
def store(tmp_path):
    store = SqlUserStore(f"sqlite:///{tmp_path / 'zhiyin.db'}")
    yield store
    store.close()


@pytest.fixture
def log(tmp_path):
    """An imported log of ann and bob beside the store."""
    folder = tmp_path / "index" / "movies" / "interactions"
    rows = "".join(
        f"{user},{item},{rating}\n" for user in ("ann", "bob") for item, rating in zip(ITEMS, (5, 4, 5, 1, 3), strict=True)
    )
    path = tmp_path / "ratings.csv"
    path.write_text(f"user,item,rating\n{rows}ann,no-such-film,5\nbob,no-such-film,5\n", encoding="utf-8")
    mapping = EventMapping(user="user", item=("item",), value="rating", kind="rated", scale=(1, 5))
    import_events(path, mapping, folder, set(ITEMS), {}, lambda _: None)
    path.unlink()
    return InteractionLog(folder)


@pytest.fixture
def pipeline(make_pipeline, store, log):
    return make_pipeline(store=store, log=log.events)


def talk(pipeline, user, *messages, conversation="c"):
    turns = []
    for message in messages:
        known = pipeline.store.load(f"{conversation}-{user}", user)
        turns.append(pipeline.complete(message, known, pipeline.profile(user), items_only=True))
    return turns


def lists_of(pipeline, user):
    wishes = ("recommend me something", "a slow science fiction film", "推荐点好看的")
    return [
        [i.item.id for i in talk(pipeline, user, wish, conversation=f"probe-{n}")[0].items] for n, wish in enumerate(wishes)
    ]


def test_export_erase_import_gives_the_same_recommendations(pipeline, store, log, tmp_path):
    talk(pipeline, "ann", "I loved Interstellar and Her, no horror please", "I hate musicals", "something slow")
    private = pipeline.over(ForgettingUserStore(store))  # asking must not change what is asked of
    before, profile = lists_of(private, "ann"), pipeline.profile("ann")
    portrait = [line.text for line in pipeline.people.portrait("ann", "en")]
    document = json.dumps(Keeper(store, tmp_path, log=log.events).export("ann"))
    done = erase_person(store, "ann", tmp_path)
    assert (done.turns, done.logged) == (3, 5)
    assert pipeline.profile("ann").liked == ()
    assert lists_of(pipeline.over(ForgettingUserStore(store)), "ann") != before
    new, turns = import_person(store, "ann", document)
    assert new == done.events + done.logged
    assert turns == 3
    assert pipeline.profile("ann") == profile
    assert lists_of(pipeline.over(ForgettingUserStore(store)), "ann") == before
    assert [line.text for line in pipeline.people.portrait("ann", "en")] == portrait
    assert import_person(store, "ann", document)[0] == 0  # twice is once


def test_an_export_names_nobody(pipeline, store, log, tmp_path):
    talk(pipeline, "Ann Lee-Wuppertal", "something slow")
    document = json.dumps(Keeper(store, tmp_path, log=log.events).export("Ann Lee-Wuppertal"))
    assert "Ann Lee-Wuppertal" not in document.replace("c-Ann Lee-Wuppertal", "")  # the conversation is called so here
    assert json.loads(document)["person"] == pseudonym(tmp_path, "Ann Lee-Wuppertal")
    assert (tmp_path / "pseudonyms.key").stat().st_mode & 0o077 == 0


def test_pseudonyms_are_the_same_each_time_and_differ_from_installation_to_installation(tmp_path):
    (other := tmp_path / "other").mkdir()
    assert pseudonym(tmp_path, "ann") == pseudonym(tmp_path, "ann") != pseudonym(tmp_path, "bob")
    assert pseudonym(tmp_path, "ann") != pseudonym(other, "ann")


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"format": "zhiyin-profile", "version": 2}',
    '{"format": "zhiyin-profile", "version": 1, "events": [{"id": "e", "kind": "sold"}]}',
    '{"format": "zhiyin-profile", "version": 1, "events": [{"id": "e", "kind": "rated", "value": 7}]}',
    '{"format": "zhiyin-profile", "version": 1, "surprise": true}'])  # fmt: skip
def test_what_is_no_profile_is_refused_and_nothing_is_taken_in(text):
    store = InMemoryUserStore()
    with pytest.raises(ProfileError, match="profile export"):
        import_person(store, "ann", text)
    assert list(store.events("ann")) == []


def test_a_conversation_of_somebody_else_is_not_taken_over(pipeline, store):
    talk(pipeline, "ann", "something slow")
    document = json.dumps(Keeper(store).export("ann"))
    with pytest.raises(StoreError, match="another user"):
        import_person(store, "eve", document)
    assert list(store.events("eve")) == []


def test_titles_are_taken_along_and_restored(pipeline, store, tmp_path):
    talk(pipeline, "ann", "something slow")
    talk(pipeline, "ann", "来部喜剧", conversation="d")
    store.rename("c-ann", "ann", "雨夜 🙂")
    before, document = store.headings("ann"), Keeper(store, tmp_path).export("ann")
    store.erase("ann")
    import_person(store, "ann", json.dumps(document))
    assert store.headings("ann") == before
    assert {h.title for h in before} == {"雨夜 🙂", ""}


def test_a_document_from_before_there_were_titles_takes_none_away(pipeline, store):
    talk(pipeline, "ann", "something slow")
    document = Keeper(store).export("ann")
    for conversation in document["conversations"]:
        del conversation["title"]
    store.rename("c-ann", "ann", "mine")
    assert import_person(store, "ann", json.dumps(document)) == (0, 1)
    assert [(h.title, h.said) for h in store.headings("ann")] == [("mine", "something slow")]


def test_a_conversation_without_turns_is_no_conversation_whatever_its_title():
    store = InMemoryUserStore()
    document = {"format": "zhiyin-profile", "version": 1, "conversations": [{"id": "c", "title": "empty", "turns": []}]}
    assert import_person(store, "ann", json.dumps(document)) == (0, 0)
    document["conversations"][0]["title"] = "x" * 121
    with pytest.raises(ProfileError, match="title"):
        import_person(store, "ann", json.dumps(document))


def test_nothing_of_an_erased_person_is_left_in_any_file(pipeline, store, log, tmp_path):
    user = "ann"
    store.append(Event(user, "typed", text=SECRET), Event("bob", "liked", "up-2009", text="bob keeps this sentence of his"))
    talk(pipeline, user, f"something about {SECRET}")
    talk(pipeline, "bob", "a film for bob and his brother")
    assert list(find_traces(tmp_path, [SECRET]))
    old = current_file(log.folder)
    done = erase_person(store, user, tmp_path)
    assert done.traces == ()
    assert not list(find_traces(tmp_path, [SECRET]))
    store.close()
    assert SECRET.encode() not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert not old.exists()
    assert log.events(user) == []
    assert len(log.events("bob")) == 5
    assert '"ann"' not in (log.folder / "rejected.jsonl").read_text()
    assert '"bob"' in (log.folder / "rejected.jsonl").read_text()
    again = SqlUserStore(f"sqlite:///{tmp_path / 'zhiyin.db'}")
    assert [e.text for e in again.events("bob") if e.kind == "liked"] == ["bob keeps this sentence of his"]
    assert len(again.load("c-bob", "bob").turns) == 1
    again.close()


def test_a_trace_that_is_left_is_reported(store, tmp_path):
    store.append(Event("ann", "typed", text=SECRET))
    (tmp_path / "somebodys.log").write_text(json.dumps({"said": SECRET}))
    assert erase_person(store, "ann", tmp_path).traces == (tmp_path / "somebodys.log",)


def test_a_private_conversation_leaves_no_trace_and_knows_what_was_known(pipeline, store, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    talk(pipeline, "ann", "I loved Interstellar")
    before = store.events("ann")
    private = pipeline.over(ForgettingUserStore(store))
    [turn] = talk(private, "ann", f"something about {SECRET}, I loved Moon", conversation="secret")
    assert turn.items
    assert "interstellar-2014" in private.profile("ann").liked
    assert "moon-2009" in private.profile("ann").liked
    assert len(private.store.load("secret-ann", "ann").turns) == 1
    assert store.events("ann") == before
    assert store.load("secret-ann", "ann").turns == ()
    assert not list(find_traces(tmp_path, [SECRET]))
    assert SECRET not in caplog.text


def test_a_document_is_written_whole_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "me.json"
    write_document(path, {"a": "中文"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "中文"}
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(TypeError):
        write_document(path, {"a": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "中文"}


def test_what_was_learned_with_an_erased_person_is_marked_and_says_so(pipeline, store, log, tmp_path, caplog):
    folder = log.folder.parent
    learn_sequence(ITEMS, log, folder, lambda *_: None, width=8, epochs=1)
    before = load_sequence(folder)
    assert not caplog.records
    erase_person(store, "ann", tmp_path)
    assert (load_sequence(folder) is None) == (before is None)  # it serves until it is learned again
    assert "train-sequence" in caplog.text


def test_where_an_index_is_held_nothing_is_erased(pipeline, store, log, tmp_path):
    talk(pipeline, "ann", "something slow")
    with index_lock(log.folder.parent), pytest.raises(IndexLockedError):
        erase_person(store, "ann", tmp_path)
    assert store.events("ann")
    assert log.events("ann")
