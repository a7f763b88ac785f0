"""One domain's part of a store: what is whose, and what people allow in common."""

import pytest

from chatbot.catalogues import Catalogue
from chatbot.keeper import Keeper
from chatbot.store import DomainUserStore, ForgettingUserStore, InMemoryUserStore
from chatbot.store.of_domain import SHARE
from chatbot.store_parts import history_of, part_of
from chatbot.types import StoredTurn
from retrieval.domain_files import load_domain
from retrieval.errors import StoreError
from retrieval.events import Event

NEVER = {"op": "never", "facet": "moods", "value": "scary"}


@pytest.fixture
def everything():
    return InMemoryUserStore()


@pytest.fixture
def parts(everything):
    return DomainUserStore(everything, "books"), DomainUserStore(everything, "music")


def allow(store, value):
    store.append(Event("ann", "corrected", context={"op": SHARE, "value": value}))


def turn(name):
    return StoredTurn(name, 1.0, "hello", {"items": [], "notes": []})


def test_what_was_done_with_items_stays_in_its_domain(parts):
    books, music = parts
    books.append(Event("ann", "liked", "emma"))
    assert [event.item for event in books.events("ann")] == ["emma"]
    assert list(music.events("ann")) == []
    allow(music, "on")
    assert [event.item for event in music.events("ann") if event.item] == []


def test_words_count_elsewhere_only_where_the_person_allows_it(parts):
    books, music = parts
    books.append(Event("ann", "corrected", text="never anything scary", context=NEVER))
    books.append(Event("ann", "wished", text="quiet", context={"facet": "moods", "value": "quiet", "op": "includes"}))
    books.append(Event("ann", "typed", text="something quiet"))
    assert list(music.events("ann")) == []
    allow(books, "on")
    assert {event.kind for event in music.events("ann")} == {"corrected", "wished"}
    allow(music, "off")
    assert [event.context.get("op") for event in music.events("ann")] == [SHARE, SHARE]
    assert list(music.events("bob")) == []


def test_what_is_older_than_the_domains_counts_everywhere(everything, parts):
    everything.append(Event("ann", "liked", "emma"))
    assert [[event.item for event in part.events("ann")] for part in parts] == [["emma"], ["emma"]]


def test_conversations_have_names_of_their_own(everything, parts):
    books, music = parts
    home = DomainUserStore(everything, "movies", conversations_apart=False)
    for part in (books, music, home):
        part.save("c", "ann", turn(part.domain))
    assert [part.load("c", "ann").turns[0].id for part in (books, music, home)] == ["books", "music", "movies"]
    assert books.load("c", "ann").id == "c"
    assert [list(part.conversations("ann")) for part in (books, music, home)] == [["c"]] * 3
    books.rename("c", "ann", "Summer")
    assert [[line.title for line in part.headings("ann")] for part in (books, music, home)] == [["Summer"], [""], [""]]
    books.withdraw("c", "ann", "books")
    music.remove("c", "ann")
    assert books.load("c", "ann").turns == ()
    assert list(music.conversations("ann")) == []
    assert list(home.conversations("ann")) == ["c"]
    with pytest.raises(StoreError):
        home.load("c", "bob")


def test_everything_is_erased_and_exported_whatever_the_domain(everything, parts):
    books, music = parts
    books.append(Event("ann", "liked", "emma"))
    music.append(Event("ann", "liked", "blue"))
    music.save("c", "ann", turn("t"))
    exported = Keeper(everything).export("ann")
    assert {"emma", "blue"} <= {event.get("item") for event in exported["events"]}
    books.erase("ann")
    assert list(everything.events("ann")) == []
    assert list(everything.conversations("ann")) == []


def test_a_private_conversation_knows_its_domain_alone(parts):
    books, music = parts
    books.append(Event("ann", "liked", "emma"))
    secret = ForgettingUserStore(books)
    secret.append(Event("ann", "liked", "persuasion"))
    assert [event.item for event in secret.events("ann")] == ["emma", "persuasion"]
    assert [event.item for event in books.events("ann")] == ["emma"]
    assert list(music.events("ann")) == []


def catalogue(name, folder):
    domain = load_domain(name)
    return Catalogue(domain, domain.catalogue_path, folder, "")


def test_a_careful_domain_keeps_nothing(everything, tmp_path):
    part = part_of(everything, catalogue("health", tmp_path))
    part.append(Event("ann", "typed", text="I'm pregnant"))
    part.save("c", "ann", turn("t"))
    assert list(everything.events("ann")) == []
    assert list(everything.conversations("ann")) == []


def test_sample_people_have_their_past_in_their_own_catalogue_alone(tmp_path):
    domain = load_domain("books")
    user = next(iter(domain.people))
    assert len(history_of(catalogue("books", tmp_path))(user)) >= 12
    other = Catalogue(domain, tmp_path / "mine.jsonl", tmp_path, "")
    assert list(history_of(other)(user)) == []
