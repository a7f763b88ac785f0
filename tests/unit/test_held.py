"""What a conversation holds to, as the page shows it."""

from __future__ import annotations

import pytest

from chatbot.answers import Speaker
from chatbot.held import held_state
from chatbot.types import Request
from retrieval.types import Constraint, Wish

STATE = {
    "constraints": (
        Constraint("genres", "excludes", "horror", "horror"),
        Constraint("moods", "excludes", "violent", "bloody"),
        Constraint("moods", "excludes", "disturbing", "bloody"),
        Constraint("countries", "any_of", ("United Kingdom", "France", "Germany"), "European"),
        Constraint("year", "min", 1990, "nineties"),
        Constraint("year", "max", 1999, "nineties"),
        Constraint("runtime", "max", 120, "under two hours"),
        Constraint("genres", "includes", "romance", "romantic"),
    ),
    "wishes": (
        Wish("moods", "romantic", "romantic"),
        Wish("moods", "warm", "heartwarming"),
        Wish("moods", "uplifting", "heartwarming"),
        Wish("moods", "quiet"),
    ),
}


@pytest.fixture
def held(movies):
    speaker = Speaker(movies.domain, movies.items)
    return lambda language, **state: held_state(Request("refine", language, "x", **state), speaker, language)


def test_each_thing_said_is_one_entry_in_words(held):
    labels = [entry.label for entry in held("en", **STATE)]
    assert labels == [
        "no horror",
        "not bloody",
        "European",
        "1990–1999",
        "at most 120 min",
        "romance",
        "heartwarming",
        "quiet",
    ]


def test_every_part_of_the_state_is_in_one_entry(held):
    parts = [part for entry in held("en", **STATE) for part in entry.parts]
    assert sorted(map(repr, parts)) == sorted(map(repr, (*STATE["constraints"], *STATE["wishes"])))


def test_the_state_is_said_in_the_language_of_the_turn(held):
    labels = [entry.label for entry in held("zh", **STATE)]
    assert "1990—1999年" in labels
    assert "不超过120分钟" in labels
    assert "不要恐怖" in labels
    assert "温暖" in labels or "振奋" in labels
    own = held("zh", wishes=(Wish("moods", "quiet", "静一点"),))
    assert [entry.label for entry in own] == ["静一点"]


def test_nothing_asked_is_nothing_held(held):
    assert held("en") == ()
