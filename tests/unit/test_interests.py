"""Events to interests: weights, groups, tastes, corrections, satiety, habits."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.interests import CatalogueView, build_interests
from chatbot.interests.tastes import values_of
from chatbot.interests.weights import FLOOR, HALF_LIFE, age_weight, weigh
from chatbot.personal import catalogue_of
from retrieval.events import Event

NOW, DAY = 1_700_000_000.0, 86400.0
HORROR = ("the-shining-1980", "psycho-1960", "get-out-2017", "hereditary-2018")
MUSICALS = ("singin-in-the-rain-1952", "la-la-land-2016", "the-sound-of-music-1965", "the-umbrellas-of-cherbourg-1964")


def event(kind: str, item: str | None = None, *, days: float = 1.0, rate=None, text="", name="", **context) -> Event:
    return Event("ann", kind, item, text, rate, NOW - days * DAY, {k: str(v) for k, v in context.items()}, name)


@pytest.fixture(scope="session")
def catalogue(movies) -> CatalogueView:
    """The films, with vectors that say which of two kinds a film is, and a little of which film."""
    rows = {}
    for n, item in enumerate(movies.items):
        kind = 1.0 if item in HORROR else -1.0 if item in MUSICALS else 0.0
        rows[item] = np.array([kind, 1.0, 0.02 * (n % 7)], np.float32)
    return CatalogueView(
        movies.domain,
        movies.items,
        lambda ids: np.stack([rows[item] for item in ids]),
        np.array([0.0, 1.0, 0.06], np.float32),
        (known := catalogue_of(movies)).share,
        known.values_of,
    )


def build(catalogue, *events):
    return build_interests(events, catalogue, NOW)


# -- weights ------------------------------------------------------------------------------------------------------------


def test_half_is_left_of_what_can_fade_after_a_half_life_and_something_always():
    assert age_weight(NOW, NOW) == 1.0
    assert age_weight(NOW - HALF_LIFE * DAY, NOW) == pytest.approx(FLOOR + (1 - FLOOR) / 2)
    assert age_weight(0.0, NOW) == pytest.approx(FLOOR)
    assert age_weight(NOW + DAY, NOW) == 1.0  # of a clock that is ahead


@given(st.floats(0, 5000), st.floats(0, 5000))
def test_older_never_weighs_more(one, other):
    older, newer = max(one, other), min(one, other)
    assert FLOOR <= age_weight(NOW - older * DAY, NOW) <= age_weight(NOW - newer * DAY, NOW) <= 1


def test_an_opinion_wins_over_what_was_done_and_the_last_one_over_those_before():
    stands = weigh([event("purchased", "a"), event("disliked", "a"), event("played", "a", rate=0.9)], NOW)
    assert stands["a"].strength < -0.9
    stands = weigh([event("disliked", "a"), event("liked", "a")], NOW)
    assert stands["a"].strength > 0.9
    assert weigh([event("rated", "a", rate=0.5)], NOW) == {}  # the middle says neither
    assert weigh([event("rated", "a", rate=0.0)], NOW)["a"].strength < -0.9


def test_a_closer_look_says_little_and_never_that_it_is_liked(catalogue):
    looked = weigh([event("opened", "a")], NOW)["a"]
    assert 0 < looked.strength < 0.2
    assert not looked.wanted
    assert weigh([event("opened", "a"), event("liked", "a")], NOW)["a"].wanted
    taken_back = [event("opened", "a"), event("liked", "a"), event("cleared", "a", text="liked")]
    assert not weigh(taken_back, NOW)["a"].wanted
    assert weigh([event("viewed", "a"), event("opened", "a")], NOW)["a"].wanted
    item = next(iter(catalogue.items))
    assert build(catalogue, event("opened", item)).interests == ()


def test_what_is_done_again_says_more_and_never_all():
    once = weigh([event("viewed", "a")], NOW)["a"].strength
    often = weigh([event("viewed", "a")] * 30, NOW)["a"].strength
    assert 0 < once < often < 1
    assert weigh([event("dismissed", "a")], NOW)["a"].strength < 0
    assert weigh([event("shown", "a"), event("typed"), event("seen", "a")], NOW) == {}


def test_cleared_and_undone_take_back(catalogue):
    assert weigh([event("liked", "a"), event("cleared", "a", text="liked")], NOW) == {}
    assert build(catalogue, event("liked", HORROR[0], name="e1"), event("undone", text="e1")).stands == {}


# -- interests ----------------------------------------------------------------------------------------------------------


def test_two_loves_are_two_interests_and_not_their_average(catalogue):
    found = build(catalogue, *(event("liked", item) for item in (*HORROR, *MUSICALS[:2])))
    assert [set(i.items) for i in found.interests] == [set(HORROR), set(MUSICALS[:2])]
    assert sum(i.share for i in found.interests) == pytest.approx(1)
    assert found.interests[0].share > found.interests[1].share
    first = {(t.field, t.value) for t in found.interests[0].tastes if t.confidence > 0.9}
    second = {(t.field, t.value) for t in found.interests[1].tastes if t.confidence > 0.9}
    assert ("genres", "horror") in first - second
    assert ("genres", "musical") in second - first


def test_nothing_is_known_of_nobody_and_items_of_another_catalogue_say_nothing(catalogue):
    assert build(catalogue) == build(catalogue, event("liked", "no-such-item"))
    assert build(catalogue).interests == ()


def test_interests_that_never_meet_in_a_session_may_be_two_people(catalogue):
    apart = [event("liked", item, session=f"h{n}") for n, item in enumerate(HORROR)]
    apart += [event("liked", item, session=f"m{n}") for n, item in enumerate(MUSICALS)]
    assert build(catalogue, *apart).apart
    together = [event("liked", item, session=f"s{n % 4}") for n, item in enumerate((*HORROR, *MUSICALS))]
    assert not build(catalogue, *together).apart
    assert not build(catalogue, *apart[:2], *apart[4:6]).apart  # too few to tell


# -- tastes -------------------------------------------------------------------------------------------------------------


def taste(found, field, value):
    return next((t for t in found.tastes if (t.field, t.value) == (field, value)), None)


def test_a_taste_is_what_they_share_more_often_than_chance(catalogue):
    found = build(catalogue, *(event("liked", item) for item in HORROR))
    horror = taste(found, "genres", "horror")
    assert horror.telling
    assert set(horror.items) == set(HORROR)
    assert horror.confidence > 0.99
    english = taste(found, "languages", "en")
    assert english is None or not english.telling  # most of the catalogue is


def test_one_item_makes_no_taste(catalogue):
    found = build(catalogue, event("liked", HORROR[0]))
    assert found.tastes == ()


def test_dislikes_are_tastes_too_and_likes_are_not_counted_in_them(catalogue):
    found = build(catalogue, *(event("disliked", item) for item in HORROR), *(event("liked", item) for item in MUSICALS))
    assert taste(found, "genres", "horror").strength < 0
    assert taste(found, "genres", "musical").strength > 0


def test_what_is_asked_for_in_two_conversations_is_a_taste_and_in_one_is_not(catalogue):
    asked = [event("wished", facet="genres", value="western", op="includes", conversation=c, name=c) for c in ("a", "a", "b")]
    assert taste(build(catalogue, *asked[:2]), "genres", "western") is None
    found = taste(build(catalogue, *asked), "genres", "western")
    assert found.telling
    assert found.said == ("a", "b")
    refused = [event("wished", facet="genres", value="western", op="excludes", conversation=c, name=c) for c in "ab"]
    assert taste(build(catalogue, *refused), "genres", "western").strength < 0


@given(st.lists(st.tuples(st.sampled_from(["liked", "disliked", "viewed", "dismissed"]), st.integers(0, 60)), max_size=12))
def test_strengths_and_confidences_keep_their_bounds(catalogue, said):
    items = list(catalogue.items)
    found = build(catalogue, *(event(kind, items[n]) for kind, n in said))
    assert all(-1 <= t.strength <= 1 and 0 <= t.confidence <= 1 and 0 < t.common < 1 for t in found.tastes)
    assert all(-1 <= s.strength <= 1 for s in found.stands.values())
    assert sum(i.share for i in found.interests) == pytest.approx(1 if found.interests else 0)


# -- corrections --------------------------------------------------------------------------------------------------------


def test_never_excludes_until_it_is_wanted_again_and_wins_over_what_was_liked(catalogue):
    liked = [event("liked", item, days=3) for item in MUSICALS]
    never = event("corrected", days=2, op="never", facet="genres", value="musical", name="n")
    found = build(catalogue, *liked, never)
    assert found.excluded == {("genres", "musical"): "n"}
    assert taste(found, "genres", "musical") is None
    again = event("corrected", days=1, op="again", facet="genres", value="musical")
    assert build(catalogue, *liked, never, again).excluded == {}


def test_a_dropped_taste_is_gone_and_later_likes_can_bring_it_back(catalogue):
    liked = [event("liked", item, days=3) for item in HORROR]
    drop = event("corrected", days=2, op="drop", facet="genres", value="horror")
    assert taste(build(catalogue, *liked, drop), "genres", "horror") is None
    later = [event("liked", item, days=1) for item in HORROR]
    assert taste(build(catalogue, *liked, drop, *later), "genres", "horror").telling


def test_a_dropped_item_says_nothing_any_more(catalogue):
    found = build(
        catalogue,
        event("liked", HORROR[0], days=2),
        event("liked", HORROR[1], days=2),
        event("corrected", HORROR[0], op="drop"),
    )
    assert list(found.stands) == [HORROR[1]]


# -- satiety and habits -------------------------------------------------------------------------------------------------


def test_three_of_a_kind_in_a_row_are_enough_of_it(catalogue):
    seen = [event("seen", item, days=n) for n, item in zip((5, 4, 3), HORROR, strict=False)]
    assert ("genres", "horror", 3) in build(catalogue, *seen).sated
    assert not build(catalogue, *seen[:2]).sated
    between = event("seen", MUSICALS[0], days=2)
    assert ("genres", "horror", 3) not in build(catalogue, *seen, between).sated
    assert not build(catalogue, *(event("seen", item, days=100 + n) for n, item in enumerate(HORROR))).sated
    assert not build(catalogue, *(event("liked", item) for item in HORROR)).sated  # naming favourites is no evening


def test_habits_need_enough_to_be_seen_in(catalogue):
    evening = time.mktime((2023, 11, 1, 20, 0, 0, 0, 0, -1))
    items = list(catalogue.items)
    watched = [Event("ann", "played", items[n], "", 0.8, evening + 7 * DAY * n / 2, {}, "") for n in range(12)]
    watched = [
        e if n % 2 == 0 else Event("ann", "played", e.item, "", 0.8, evening + 7 * DAY * (n // 2), {})
        for n, e in enumerate(watched)
    ]
    habits = build(catalogue, *watched).habits
    assert habits.part == "evening"
    assert habits.weekly == pytest.approx(12 / 5, rel=0.2)
    assert habits.completion == pytest.approx(0.8)
    assert build(catalogue, *watched[:3]).habits.part is None


def test_values_are_lists_people_and_decades(catalogue):
    film = catalogue.items["the-shining-1980"]
    found = values_of(film, catalogue.domain)
    assert ("year", 1980) in found
    assert ("genres", "horror") in found
    assert ("directors", film.values("directors")[0]) in found
    assert not [v for f, v in found if f == "runtime"]


def test_a_dropped_decade_and_a_value_that_looks_like_a_year_are_each_dropped(catalogue):
    eighties = [i.id for i in catalogue.items.values() if i.values("year") and 1980 <= i.values("year")[0] < 1990][:4]
    liked = [event("liked", item, days=3) for item in eighties]
    assert taste(build(catalogue, *liked), "year", 1980)
    assert (
        taste(build(catalogue, *liked, event("corrected", days=2, op="drop", facet="year", value=1980)), "year", 1980) is None
    )
    never = event("corrected", op="never", facet="themes", value="1984", name="n")
    assert build(catalogue, never).excluded == {("themes", "1984"): "n"}
