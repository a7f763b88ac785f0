"""Request and conversation to action."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.policy import Facts, decide, facts_of
from chatbot.types import Conversation, Profile, Request, StoredTurn
from retrieval.types import Constraint, Wish

BARE = Request("recommend", "en", "recommend something")


def asked(*about):
    """A conversation whose turns asked about these; None for a turn that asked nothing."""
    records = [{"question": {"about": name, "options": ["a", "b"]} if name else None} for name in about]
    turns = tuple(StoredTurn(str(n), float(n), "x", record) for n, record in enumerate(records))
    return facts_of(Conversation("c", "ann", turns), Profile("ann"), 3)


@pytest.mark.parametrize(
    ("intent", "action"),
    [
        ("chat", "chat"),
        ("ask_item", "answer"),
        ("profile", "profile"),
        ("out_of_scope", "out_of_scope"),
        ("unsafe", "unsafe"),
        ("react", "recommend"),
        ("refine", "recommend"),
    ],
)
def test_an_intent_leads_to_its_action(intent, action):
    assert decide(replace(BARE, intent=intent)) == action


def test_two_items_are_compared_and_one_is_answered_about():
    assert decide(replace(BARE, intent="compare", named=("a", "b"))) == "compare"
    assert decide(replace(BARE, intent="compare", named=("a",))) == "answer"


def test_little_to_go_on_is_asked_about():
    assert decide(BARE) == "ask"


@pytest.mark.parametrize(
    "more",
    [
        {"constraints": (Constraint("genres", "excludes", "horror"),)},
        {"wishes": (Wish("moods", "quiet"),)},
        {"liked": ("a",)},
        {"disliked": ("a",)},
        {"seen": ("a",)},
        {"named": ("a",)},
        {"query": "trains in the snow"},
        {"context": ("trains",)},
        {"count": 5},
        {"eager": True},
        {"intent": "refine"},
    ],
)
def test_anything_to_go_on_or_a_wish_for_items_is_recommended_on(more):
    assert decide(replace(BARE, **more)) == "recommend"


def test_a_profile_with_likes_is_enough_to_go_on():
    assert decide(BARE, facts_of(Conversation("c", "ann"), Profile("ann", liked=("a",)), 3)) == "recommend"
    assert decide(BARE, facts_of(Conversation("c", "ann"), Profile("ann", seen=("a",)), 3)) == "ask"


def test_the_usual_count_is_a_setting():
    assert decide(replace(BARE, count=5), Facts(usual_count=5)) == "ask"


def test_who_does_not_answer_a_question_gets_items():
    assert decide(BARE, asked("moods")) == "recommend"
    assert decide(BARE, asked("moods", None)) == "ask"


def test_never_more_than_two_questions_in_a_row():
    which = replace(BARE, ambiguous=("a", "b"))
    assert decide(which, asked()) == "which"
    assert decide(which, asked("reference")) == "which"
    assert decide(which, asked("reference", "reference")) == "recommend"
    assert decide(replace(which, intent="ask_item"), asked("moods", "reference")) == "answer"
    assert decide(which, asked("reference", "reference", None)) == "which"
    assert decide(BARE, asked("moods", "reference")) == "recommend"
    assert decide(BARE, asked(None, "reference")) == "ask"


def test_what_is_clear_is_not_asked_about():
    assert decide(replace(BARE, intent="ask_item", named=("a",), ambiguous=("a", "b"))) == "answer"


def test_facts_are_read_from_the_records_of_any_version():
    turns = (StoredTurn("1", 1.0, "x", {}), StoredTurn("2", 2.0, "x", {"question": {"about": "moods", "options": []}}))
    facts = facts_of(Conversation("c", "ann", turns), Profile("ann"), 3)
    assert (facts.questions, facts.asked, facts.in_a_row) == (("", "moods"), {"moods"}, 1)
    assert asked("reference", "moods").asked == {"moods"}
    assert asked("reference", "moods").in_a_row == 2
    assert asked().in_a_row == 0
