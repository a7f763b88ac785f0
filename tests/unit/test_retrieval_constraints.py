"""Constraints: each operator against a plain re-implementation, and what is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.constraints import satisfies, satisfies_all
from retrieval.types import Constraint, Item

GENRES = ["comedy", "drama", "horror", "war"]
PEOPLE = ["Ann Hui", "Tony Leung", "Agnès Varda"]


def film(**facets):
    return Item(id="f", titles={"en": "F"}, texts={}, facets=facets, labels={})


some = st.lists(st.sampled_from(GENRES), unique=True, min_size=1, max_size=3).map(tuple)
people = st.lists(st.sampled_from(PEOPLE), unique=True, min_size=1, max_size=2).map(tuple)
films = st.fixed_dictionaries(
    {}, optional={"genres": some, "year": st.integers(1920, 2025), "directors": people, "cast": people}
).map(lambda facets: film(**facets))
constraints = st.one_of(
    st.builds(
        Constraint,
        st.just("genres"),
        st.sampled_from(["includes", "excludes", "any_of"]),
        st.one_of(some, st.sampled_from(GENRES)),
    ),
    st.builds(Constraint, st.just("people"), st.sampled_from(["includes", "excludes", "any_of"]), st.sampled_from(PEOPLE)),
    st.builds(Constraint, st.just("year"), st.sampled_from(["min", "max"]), st.integers(1920, 2025)),
    st.builds(Constraint, st.just("year"), st.sampled_from(["includes", "excludes"]), st.integers(1920, 2025)),
)


def plainly(item, constraint):
    """The same in other words: what is written in the module's docstring."""
    facets = item.facets
    if constraint.field == "people":
        known = {*facets.get("directors", ()), *facets.get("cast", ())}
    else:
        value = facets.get(constraint.field, ())
        known = set(value) if isinstance(value, tuple) else {value}
    wanted = set(constraint.value) if isinstance(constraint.value, tuple) else {constraint.value}
    match constraint.op:
        case "excludes":
            return known.isdisjoint(wanted)
        case "includes":
            return bool(known) and wanted <= known
        case "any_of":
            return not known.isdisjoint(wanted)
        case "min":
            return bool(known) and min(known) >= constraint.value
        case "max":
            return bool(known) and max(known) <= constraint.value


@given(films, constraints)
def test_an_item_keeps_a_constraint_exactly_when_plain_words_say_so(movies_domain, item, constraint):
    assert satisfies(item, constraint, movies_domain) == plainly(item, constraint)


@given(films, st.sampled_from(GENRES))
def test_of_a_known_facet_includes_and_excludes_are_opposites(movies_domain, item, genre):
    included = satisfies(item, Constraint("genres", "includes", genre), movies_domain)
    excluded = satisfies(item, Constraint("genres", "excludes", genre), movies_domain)
    assert included != excluded if "genres" in item.facets else (included, excluded) == (False, True)


@pytest.mark.parametrize(
    ("constraint", "kept"),
    [
        (Constraint("genres", "excludes", "horror"), True),
        (Constraint("genres", "includes", "horror"), False),
        (Constraint("genres", "includes", ()), False),
        (Constraint("genres", "any_of", ("horror", "war")), False),
        (Constraint("people", "excludes", "Ann Hui"), True),
        (Constraint("people", "includes", "Ann Hui"), False),
        (Constraint("year", "min", 1900), False),
        (Constraint("year", "max", 2100), False),
    ],
)
def test_an_unknown_facet_keeps_an_exclusion_and_nothing_else(movies_domain, constraint, kept):
    assert satisfies(film(), constraint, movies_domain) is kept


@pytest.mark.parametrize(
    ("op", "year", "kept"), [("min", 2000, True), ("min", 2001, False), ("max", 2000, True), ("max", 1999, False)]
)
def test_bounds_count_themselves(movies_domain, op, year, kept):
    assert satisfies(film(year=2000), Constraint("year", op, year), movies_domain) is kept


def test_people_means_directors_and_cast(movies_domain):
    item = film(directors=("Ann Hui",), cast=("Tony Leung",))
    for name in ("Ann Hui", "Tony Leung"):
        assert satisfies(item, Constraint("people", "includes", name), movies_domain)
        assert not satisfies(item, Constraint("people", "excludes", name), movies_domain)
    assert not satisfies(item, Constraint("directors", "includes", "Tony Leung"), movies_domain)
    assert satisfies(item, Constraint("people", "includes", ("Ann Hui", "Tony Leung")), movies_domain)


def test_includes_wants_every_value_and_any_of_wants_one(movies_domain):
    item = film(genres=("comedy", "drama"))
    assert satisfies(item, Constraint("genres", "includes", ("comedy", "drama")), movies_domain)
    assert not satisfies(item, Constraint("genres", "includes", ("comedy", "war")), movies_domain)
    assert satisfies(item, Constraint("genres", "any_of", ("comedy", "war")), movies_domain)
    assert not satisfies(item, Constraint("genres", "excludes", ("comedy", "war")), movies_domain)


def test_a_bound_on_words_is_kept_by_nothing(movies_domain):
    assert not satisfies(film(genres=("comedy",)), Constraint("genres", "min", 3), movies_domain)
    assert not satisfies(film(year=2000), Constraint("year", "min", "2000"), movies_domain)


def test_no_constraint_is_kept_by_all(movies_domain):
    assert satisfies_all(film(), (), movies_domain)
