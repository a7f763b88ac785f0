"""Events to profile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.profile import build_profile
from chatbot.types import Event, Profile


def fold(*events: tuple) -> Profile:
    return build_profile("ann", [Event("ann", kind, item, *text) for kind, item, *text in events])


def test_without_events_the_profile_is_empty():
    assert build_profile("ann", []) == Profile("ann")


def test_ids_stand_in_the_order_of_the_last_word_on_them():
    assert fold(("liked", "a"), ("liked", "b"), ("liked", "c")).liked == ("a", "b", "c")
    assert fold(("liked", "a"), ("liked", "b"), ("liked", "a")).liked == ("b", "a")


def test_the_last_word_on_an_item_wins():
    assert fold(("liked", "a"), ("disliked", "a")) == Profile("ann", disliked=("a",))
    assert fold(("disliked", "a"), ("liked", "a")) == Profile("ann", liked=("a",))


def test_seen_says_nothing_against_a_like():
    assert fold(("liked", "a"), ("seen", "a")) == Profile("ann", liked=("a",), seen=("a",))


@pytest.mark.parametrize(
    ("cleared", "left"),
    [
        ("liked", Profile("ann", seen=("a",))),
        ("seen", Profile("ann", liked=("a",))),
        ("disliked", Profile("ann", liked=("a",), seen=("a",))),
        ("", Profile("ann")),
    ],
)
def test_cleared_takes_back_the_kind_it_names_or_all(cleared, left):
    assert fold(("liked", "a"), ("seen", "a"), ("cleared", "a", cleared)) == left


def test_cleared_takes_back_what_was_never_said():
    assert fold(("cleared", "a"), ("cleared", "b", "liked")) == Profile("ann")


def test_after_cleared_it_may_be_said_again():
    assert fold(("liked", "a"), ("cleared", "a", "liked"), ("liked", "a")).liked == ("a",)


def test_shown_and_typed_say_nothing():
    assert fold(("shown", "a"), ("typed", None, "I loved it")) == Profile("ann")


def test_another_persons_events_do_not_count():
    assert build_profile("ann", [Event("bob", "liked", "a"), Event("ann", "seen", "b")]) == Profile("ann", seen=("b",))


EVENTS = st.lists(
    st.builds(
        Event,
        user=st.sampled_from(["ann", "bob"]),
        kind=st.sampled_from(["shown", "liked", "disliked", "seen", "typed", "cleared"]),
        item=st.sampled_from([None, "a", "b", "c"]),
        text=st.sampled_from(["", "liked", "disliked", "seen", "words"]),
    ),
    max_size=40,
)


@given(EVENTS)
def test_no_item_is_both_liked_and_disliked_nor_twice_in_a_list(events):
    profile = build_profile("ann", events)
    assert not set(profile.liked) & set(profile.disliked)
    for ids in (profile.liked, profile.disliked, profile.seen):
        assert len(ids) == len(set(ids))
    assert profile == build_profile("ann", [e for e in events if e.user == "ann"])
