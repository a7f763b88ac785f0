"""A message that is taken back leaves no opinion, wish or promise behind; what was pressed stays."""

from __future__ import annotations

import pytest

from chatbot.interests import build_interests
from chatbot.revising import withdraw
from chatbot.store import ForgettingUserStore, InMemoryUserStore
from chatbot.types import StoredTurn
from retrieval.errors import StoreError
from retrieval.events import Event

NOW = 4_000_000_000.0  # later than every event
SAID = [
    ("I loved Interstellar, and never show me horror again", "something tense"),
    ("我喜欢《星际穿越》，以后都不想看恐怖片了", "来点紧张的"),
    ("I hate musicals, something slow", "recommend me something"),
]


@pytest.fixture
def ann(make_pipeline):
    return Person(make_pipeline())


class Person:
    """Talks to a pipeline, and sees what is known of her."""

    def __init__(self, pipeline) -> None:
        self.pipeline, self.store = pipeline, pipeline.store

    def say(self, message: str, conversation: str = "c"):
        known = self.store.load(conversation, "ann")
        return self.pipeline.complete(message, known, self.pipeline.profile("ann"), items_only=True)

    def press(self, kind: str, item: str, turn: str, words: str = "") -> None:
        self.pipeline.learn(Event("ann", kind, item, words, context={"conversation": "c", "turn": turn}))

    def known(self):
        """Profile, interests and lasting constraints, all at one moment; and the portrait, without the ids it rests on."""
        people = self.pipeline.people
        interests = build_interests(people.events("ann"), people.catalogue, NOW)
        return people.profile("ann"), interests, [line.text for line in people.portrait("ann", "en")]

    def last(self) -> StoredTurn:
        return self.store.load("c", "ann").turns[-1]

    def withdraw(self, turn: StoredTurn | None = None) -> None:
        withdraw(self.store, "c", "ann", turn or self.last())


@pytest.mark.parametrize("earlier", [(), ("I loved Her, nothing sad from now on", "我喜欢《月球》")])
@pytest.mark.parametrize(("message", "after"), SAID)
def test_a_message_that_is_taken_back_was_never_said(ann, make_pipeline, earlier, message, after):
    for n, word in enumerate(earlier):
        ann.say(word, f"earlier-{n}")
    before = ann.known()
    ann.say(message)
    assert ann.known() != before
    ann.withdraw()
    assert ann.known() == before
    assert ann.store.load("c", "ann").turns == ()
    other = Person(make_pipeline())  # who never said it
    for n, word in enumerate(earlier):
        other.say(word, f"earlier-{n}")
    assert [i.item.id for i in ann.say(after).items] == [i.item.id for i in other.say(after).items]


def test_what_it_took_back_stands_again(ann):
    ann.say("I loved Interstellar and I hate horror", "before")
    before = ann.known()
    assert "interstellar-2014" in before[0].liked
    ann.say("I hate Interstellar, and horror is fine again")
    assert "interstellar-2014" in ann.pipeline.profile("ann").disliked
    assert ann.pipeline.people.interests("ann").excluded == {}
    ann.withdraw()
    assert ann.known() == before


@pytest.mark.parametrize("words", ["forget that I like Interstellar", "别记着我喜欢《星际穿越》"])
def test_a_message_that_made_forget_is_taken_back_too(ann, words):
    ann.say("I loved Interstellar", "before")
    before = ann.known()
    ann.say(words)
    assert [e.kind for e in ann.store.events("ann") if e.kind == "cleared"], "the words are not read as they are meant here"
    ann.withdraw()
    assert ann.known() == before


def test_what_was_pressed_on_its_cards_shown_and_looked_at_stays(ann):
    turn = ann.say("I loved Interstellar, something slow")
    one, two, three = (i.item.id for i in turn.items)
    ann.press("liked", one, turn.id)
    ann.press("seen", two, turn.id)
    ann.press("cleared", two, turn.id, "seen")
    ann.press("disliked", two, turn.id)
    ann.press("opened", three, turn.id)
    ann.withdraw()
    profile, interests, _ = ann.known()
    assert (profile.liked, profile.disliked, profile.seen) == ((one,), (two,), ())
    assert three in interests.stands
    assert [e.item for e in ann.store.events("ann") if e.kind == "shown"] == [one, two, three]


def test_other_turns_stay_and_taking_back_twice_adds_nothing(ann):
    ann.say("I loved Her")
    ann.say("I loved Interstellar")
    last = ann.last()
    ann.withdraw(last)
    once = list(ann.store.events("ann"))
    ann.withdraw(last)
    assert list(ann.store.events("ann")) == once
    assert {e.kind for e in once if e.context["turn"] == last.id} >= {"typed", "liked", "undone"}
    assert [t.message for t in ann.store.load("c", "ann").turns] == ["I loved Her"]
    assert ann.pipeline.profile("ann").liked == ("her-2013",)


def test_it_goes_on_where_it_was_stopped(ann, monkeypatch):
    ann.say("I loved Interstellar")
    last = ann.last()
    with monkeypatch.context() as broken:
        broken.setattr(ann.store, "withdraw", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
        with pytest.raises(OSError, match="full"):
            ann.withdraw()
    once = list(ann.store.events("ann"))
    assert ann.last() == last
    ann.withdraw()
    assert list(ann.store.events("ann")) == once
    assert ann.store.load("c", "ann").turns == ()


def test_nobody_takes_back_what_another_said(ann):
    ann.say("I loved Interstellar")
    before = list(ann.store.events("ann"))
    with pytest.raises(StoreError, match="another user"):
        withdraw(ann.store, "c", "bob", ann.last())
    assert list(ann.store.events("ann")) == before
    assert list(ann.store.events("bob")) == []
    assert len(ann.store.load("c", "ann").turns) == 1


def test_in_a_private_conversation_nothing_is_written_outside_it(make_pipeline):
    outside = InMemoryUserStore()
    Person(make_pipeline(store=outside)).say("I loved Her", "before")
    events = list(outside.events("ann"))
    inside = Person(make_pipeline(store=ForgettingUserStore(outside)))
    before = inside.known()
    inside.say("I loved Interstellar")
    inside.withdraw()
    assert inside.known() == before
    assert list(outside.events("ann")) == events
