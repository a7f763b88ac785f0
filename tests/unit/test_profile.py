"""Events to profile."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.profile import build_profile
from chatbot.types import Profile
from retrieval.events import Event, EventKind


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


@pytest.mark.parametrize("kind", ["rated", "reviewed"])
@pytest.mark.parametrize(
    ("value", "liked", "disliked"),
    [
        (1.0, True, False),
        (0.7, True, False),
        (0.69, False, False),
        (0.31, False, False),
        (0.3, False, True),
        (None, False, False),
    ],
)
def test_a_rating_says_liked_or_disliked_by_its_place_on_the_scale_and_always_seen(kind, value, liked, disliked):
    profile = build_profile("ann", [Event("ann", kind, "a", value=value)])
    assert (profile.liked, profile.disliked, profile.seen) == (("a",) * liked, ("a",) * disliked, ("a",))


@pytest.mark.parametrize(("kind", "value", "liked"), [("played", 0.7, True), ("played", 0.69, False), ("played", None, False),
    ("viewed", 0.99, False), ("purchased", 0.99, False)])  # fmt: skip
def test_what_was_used_was_seen_and_only_what_was_played_much_is_liked(kind, value, liked):
    profile = build_profile("ann", [Event("ann", kind, "a", value=value)])
    assert (profile.liked, profile.disliked, profile.seen) == (("a",) * liked, (), ("a",))


@pytest.mark.parametrize("kind", ["tagged", "shown"])
def test_what_was_tagged_or_shown_says_nothing_yet(kind):
    assert build_profile("ann", [Event("ann", kind, "a", "later", 1.0)]) == Profile("ann")


def test_what_was_saved_stays_so_until_it_is_cleared_and_may_be_offered_again():
    events = [Event("ann", "saved", "a"), Event("ann", "saved", "b"), Event("ann", "liked", "a"), Event("ann", "saved", "a")]
    profile = build_profile("ann", events)
    assert profile.saved == ("b", "a")
    assert profile.known == {"a"}  # it is liked
    profile = build_profile("ann", [*events, Event("ann", "cleared", "a", "saved")])
    assert (profile.saved, profile.liked) == (("b",), ("a",))
    assert build_profile("ann", [*events, Event("ann", "cleared", "b")]).saved == ("a",)


def test_a_later_rating_changes_the_opinion_and_a_middling_one_takes_it_back():
    def rate(*values):
        return build_profile("ann", [Event("ann", "rated", "a", value=v) for v in values])

    assert rate(1.0, 0.0) == Profile("ann", disliked=("a",), seen=("a",))
    assert rate(0.0, 0.5) == Profile("ann", seen=("a",))
    assert rate(1.0, None).liked == ("a",)


def test_words_in_the_chat_count_more_than_the_ratings_before_them():
    events = [Event("ann", "rated", "a", value=1.0), Event("ann", "cleared", "a", "liked"), Event("ann", "disliked", "a")]
    assert build_profile("ann", events) == Profile("ann", disliked=("a",), seen=("a",))


EVENTS = st.lists(
    st.builds(
        Event,
        user=st.sampled_from(["ann", "bob"]),
        kind=st.sampled_from(get_args(EventKind)),
        item=st.sampled_from([None, "a", "b", "c"]),
        text=st.sampled_from(["", "liked", "disliked", "seen", "words"]),
        value=st.one_of(st.none(), st.floats(0, 1)),
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
