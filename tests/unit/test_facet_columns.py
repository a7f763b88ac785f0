"""Masks say of every item what the check of one item says, and relaxation counts with them."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from retrieval.constraints import satisfies, satisfies_all
from retrieval.facet_columns import FacetColumns, left_without, relax
from retrieval.types import Constraint, Item

GENRES = ["comedy", "drama", "horror", "war"]
PEOPLE = ["Ann Hui", "Tony Leung", "Agnès Varda"]
ODD_NUMBERS = [0, 1.0, True, -0.0, 2**53, 2**53 + 1, 10**400, math.inf, -math.inf, math.nan, 1e-320]


def film(name="f", inferred=(), **facets):
    return Item(id=name, titles={"en": "F"}, texts={}, facets=facets, labels={}, inferred=tuple(inferred))


def columns_of(pool, domain):
    return FacetColumns({f"f{n}": film(f"f{n}", item.inferred, **item.facets) for n, item in enumerate(pool)}, domain)


def relaxed(pool, wanted, domain, *, enough):
    kept, dropped, allowed = relax(columns_of(pool, domain), wanted, np.ones(len(pool), dtype=bool), enough=enough)
    assert allowed.tolist() == [satisfies_all(item, kept, domain) for item in pool]
    return kept, dropped


some = st.lists(st.sampled_from(GENRES), unique=True, min_size=1, max_size=3).map(tuple)
people = st.lists(st.sampled_from(PEOPLE), unique=True, min_size=1, max_size=2).map(tuple)
films = st.builds(
    lambda inferred, facets: film("f", inferred, **facets),
    st.lists(st.sampled_from(["genres", "moods"]), max_size=2),
    st.fixed_dictionaries(
        {}, optional={"genres": some, "moods": some, "year": st.integers(1920, 2025), "directors": people, "cast": people}
    ),
)
constraints = st.one_of(
    st.builds(
        Constraint,
        st.sampled_from(["genres", "moods"]),
        st.sampled_from(["includes", "excludes", "any_of"]),
        st.one_of(some, st.sampled_from(GENRES)),
    ),
    st.builds(Constraint, st.just("people"), st.sampled_from(["includes", "excludes", "any_of"]), st.sampled_from(PEOPLE)),
    st.builds(Constraint, st.just("year"), st.sampled_from(["min", "max"]), st.integers(1920, 2025)),
    st.builds(Constraint, st.just("year"), st.sampled_from(["includes", "excludes"]), st.integers(1920, 2025)),
)
plain_values = st.one_of(st.sampled_from(GENRES), st.sampled_from(ODD_NUMBERS), st.integers(-3, 3))
odd_values = st.one_of(plain_values, st.lists(plain_values, max_size=3).map(tuple))
odd_films = st.dictionaries(st.sampled_from(["genres", "year", "directors", "cast", "people", "made_up"]), odd_values).map(
    lambda facets: film(**facets)
)
odd_constraints = st.builds(
    Constraint,
    st.sampled_from(["genres", "year", "directors", "people", "made_up", "nowhere"]),
    st.sampled_from(["includes", "excludes", "any_of", "min", "max"]),
    st.one_of(plain_values, st.lists(plain_values, min_size=1, max_size=3).map(tuple)),
)


@given(st.lists(films, max_size=8), constraints)
def test_a_mask_says_of_every_item_what_the_check_of_one_says(movies_domain, pool, constraint):
    expected = [satisfies(item, constraint, movies_domain) for item in pool]
    assert columns_of(pool, movies_domain).mask(constraint).tolist() == expected


@given(st.lists(odd_films, max_size=6), st.lists(odd_constraints, max_size=4))
@example([film(year=2**53 + 1), film(year=2**53)], [Constraint("year", "min", 2**53 + 1)])
@example([film(year=2**53), film(year=float(2**53))], [Constraint("year", "max", 2**53 - 0.5)])
@example([film(year=(3, math.nan)), film(year=4)], [Constraint("year", "min", 2)])
@example([film(year="2000"), film(year=(1999, "x"))], [Constraint("year", "max", 1999)])
@example([film(genres=())], [Constraint("genres", "includes", ()), Constraint("genres", "any_of", ())])
def test_values_of_any_kind_are_masked_alike(movies_domain, pool, wanted):
    columns = columns_of(pool, movies_domain)
    for constraint in wanted:
        expected = [satisfies(item, constraint, movies_domain) for item in pool]
        assert columns.mask(constraint).tolist() == expected
        assert columns.mask(constraint).tolist() == expected  # of the columns that are there now


def test_masks_of_the_whole_catalogue_are_those_of_its_items(movies, items):
    for constraint in (
        Constraint("genres", "excludes", "horror"),
        Constraint("countries", "any_of", ("Japan", "France")),
        Constraint("people", "includes", "Tony Leung Chiu-wai"),
        Constraint("year", "min", 2000),
        Constraint("runtime", "max", 95),
    ):
        expected = [satisfies(item, constraint, movies.domain) for item in items.values()]
        assert movies.columns.mask(constraint).tolist() == expected
        assert 0 < sum(expected) < len(items)


def test_a_mask_may_be_changed_by_who_asked(movies_domain):
    columns = columns_of([film(genres=("war",)), film()], movies_domain)
    for constraint in (Constraint("genres", "includes", ()), Constraint("genres", "excludes", "horror")):
        first = columns.mask(constraint)
        first[:] = False
        assert columns.mask(constraint).any()


def test_holders_stand_once_in_ascending_order(movies_domain):
    columns = columns_of([film(genres=("war", "war")), film(genres=("drama",)), film(genres=("drama", "war"))], movies_domain)
    assert columns.holders("genres", "war").tolist() == [0, 2]
    assert columns.holders("genres", "no such genre").tolist() == []
    assert columns.holders("nowhere", "war").tolist() == []


def test_places_of_other_lists_are_positions(movies_domain):
    columns = columns_of([film(), film(), film()], movies_domain)
    assert columns.places(["f2", "gone", "f0"]).tolist() == [2, -1, 0]
    assert columns.without(["f1", "gone"]).tolist() == [True, False, True]


@given(st.lists(st.text(max_size=4), unique=True, max_size=9))
def test_ranks_are_the_places_of_sorted_ids(movies_domain, ids):
    columns = FacetColumns({name: film(name) for name in ids}, movies_domain)
    assert [ids[n] for n in np.argsort(columns.id_ranks)] == sorted(ids)
    assert sorted(columns.shuffled_ranks.tolist()) == list(range(len(ids)))


def plainly(items, wanted, domain, enough):
    """Relaxation item by item, as the docstring of ``relax`` says."""
    kept, dropped = list(wanted), []

    def left(some):
        return sum(satisfies_all(item, some, domain) for item in items)

    while left(kept) < min(enough, len(items)) and (loose := [c for c in kept if c.relaxable]):
        remain = {id(c): left([other for other in kept if other is not c]) for c in loose}
        worst = max(loose, key=lambda c: (remain[id(c)] > 0 and c.op in ("min", "max"), remain[id(c)]))
        kept = [c for c in kept if c is not worst]
        dropped.append(worst)
    return tuple(kept), tuple(dropped)


@given(st.lists(films, max_size=8), st.lists(constraints, max_size=5), st.integers(1, 4))
def test_relaxing_with_masks_is_relaxing_item_by_item(movies_domain, pool, wanted, enough):
    assert relaxed(pool, wanted, movies_domain, enough=enough) == plainly(pool, wanted, movies_domain, enough)


def test_items_that_are_not_free_do_not_count(movies_domain):
    columns = columns_of([film(genres=("war",)), film(genres=("drama",))], movies_domain)
    war = Constraint("genres", "includes", "war")
    kept, dropped, allowed = relax(columns, [war], columns.without(["f0"]), enough=1)
    assert (kept, dropped) == ((), (war,))
    assert allowed.tolist() == [False, True]


@given(st.lists(films, max_size=8), st.lists(constraints, max_size=5), st.integers(1, 4))
def test_relaxing_parts_the_constraints_and_never_drops_an_exclusion(movies_domain, pool, wanted, enough):
    kept, dropped = relaxed(pool, wanted, movies_domain, enough=enough)
    assert sorted(map(repr, (*kept, *dropped))) == sorted(map(repr, wanted))
    assert all(constraint.op != "excludes" for constraint in dropped)
    assert list(kept) == [constraint for constraint in wanted if constraint in kept]  # in the order said


@given(st.lists(films, max_size=8), st.lists(constraints, max_size=5), st.integers(1, 4))
def test_relaxing_stops_as_soon_as_enough_are_left(movies_domain, pool, wanted, enough):
    kept, dropped = relaxed(pool, wanted, movies_domain, enough=enough)
    left = sum(satisfies_all(item, kept, movies_domain) for item in pool)
    target = min(enough, len(pool))
    assert left >= target or all(not constraint.relaxable for constraint in kept)
    if dropped:  # the last one dropped was needed
        before = [*kept, dropped[-1]]
        assert sum(satisfies_all(item, before, movies_domain) for item in pool) < target


def test_the_constraint_that_costs_most_is_dropped_first(movies_domain):
    pool = [film(genres=("comedy",), year=year) for year in (1990, 1995, 2001)]
    horror, recent = Constraint("genres", "includes", "horror"), Constraint("year", "min", 2000)
    assert relaxed(pool, [recent, horror], movies_domain, enough=1) == ((recent,), (horror,))


def test_on_a_tie_the_one_said_first_is_dropped(movies_domain):
    pool = [film(genres=("comedy",), year=1990)]
    first, second = Constraint("genres", "includes", "horror"), Constraint("year", "min", 2000)
    assert relaxed(pool, [first, second], movies_domain, enough=1) == ((), (first, second))


def test_exclusions_stay_even_when_nothing_is_left(movies_domain):
    pool = [film(genres=("horror",))]
    no_horror = Constraint("genres", "excludes", "horror")
    assert relaxed(pool, [no_horror], movies_domain, enough=1) == ((no_horror,), ())
    assert relaxed([], [no_horror], movies_domain, enough=1) == ((no_horror,), ())


def test_left_without_counts_what_each_constraint_costs(movies):
    columns = movies.columns
    free = columns.without(())
    constraints = (Constraint("genres", "includes", "comedy"), Constraint("genres", "excludes", "comedy"))
    left = left_without(columns, constraints, free)
    comedies = sum("comedy" in item.values("genres") for item in movies.items.values())
    assert dict(left) == {constraints[1]: comedies, constraints[0]: len(columns) - comedies}
    assert left[0][1] >= left[1][1]
    assert left_without(columns, (*constraints, Constraint("year", "min", 3000)), free) == ()
