"""What is said for good, in both languages, and how long it holds."""

from __future__ import annotations

import pytest

FOR_GOOD = [
    ("I don't like musicals any more", ("genres", "musical")),
    ("I hate horror", ("genres", "horror")),
    ("Never show me westerns, something funny", ("genres", "western")),
    ("no war films from now on please", ("genres", "war")),
    ("I can't stand Tom Hanks", ("people", "Tom Hanks")),
    ("我以后都不想看恐怖片了", ("genres", "horror")),
    ("我讨厌歌舞片", ("genres", "musical")),
    ("再也不看战争片了", ("genres", "war")),
    ("别再推西部片了", ("genres", "western")),
]
FOR_NOW = [
    "something funny, no horror",
    "no musicals tonight",
    "来部喜剧，不要恐怖片",
    "今晚不想看歌舞片",
    "I've never seen a western",
    "never mind",
]


@pytest.fixture
def say(make_pipeline):
    pipeline = make_pipeline()

    def talk(conversation: str, message: str):
        return pipeline.complete(message, pipeline.store.load(conversation, "ann"), pipeline.profile("ann"), items_only=True)

    talk.pipeline = pipeline
    return talk


@pytest.mark.parametrize(("message", "never"), FOR_GOOD)
def test_what_is_said_for_good_is_kept_as_a_correction(say, message, never):
    turn = say("c", message)
    assert turn.request.never == (never,)
    [event] = [e for e in say.pipeline.store.events("ann") if e.kind == "corrected"]
    assert (event.context["op"], event.context["facet"], event.context["value"]) == ("never", *never)
    assert event.text == message


@pytest.mark.parametrize("message", FOR_NOW)
def test_what_is_said_for_now_is_not(say, message):
    assert say("c", message).request.never == ()
    assert not [e for e in say.pipeline.store.events("ann") if e.kind == "corrected"]


@pytest.mark.parametrize(
    ("never", "anything", "wish"),
    [("I hate horror", "recommend me something", "a horror film, scary"), ("我讨厌恐怖片", "推荐点好看的", "来部恐怖片")],
)
def test_it_holds_in_every_later_conversation_unless_it_is_asked_for(say, movies, never, anything, wish):
    assert ("Got it, no horror" in (opening := say("c", never).opening)) or opening.startswith("好，恐怖片以后都不推了。")
    for n in range(3):
        turn = say(f"later-{n}", anything)
        assert turn.items
        assert not [i for i in turn.items if "horror" in i.item.values("genres")]
    assert all("horror" in i.item.values("genres") for i in say("asked", wish).items)


@pytest.mark.parametrize("again", ["horror is fine again", "恐怖片可以了"])
def test_it_can_be_taken_back_in_words(say, again):
    say("c", "I hate horror")
    say("d", again)
    assert say.pipeline.people.interests("ann").excluded == {}
