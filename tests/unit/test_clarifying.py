"""Which question tells most: gains worked out by hand, and what is offered."""

from __future__ import annotations

from math import log2

import pytest

from chatbot.clarifying import MAX_OPTIONS, MIN_GAIN, MIN_POOL, clarify, information_gain, options_of, shares
from retrieval.types import Candidate, Constraint, Item


def item(n, **facets):
    return Item(f"i{n}", {"en": f"I{n}"}, {}, facets, {})


def pool(values, scores=None):
    """Candidates with the given facets, all scored alike unless scores are given."""
    return [Candidate(item(n, **facets), 1.0 if scores is None else scores[n]) for n, facets in enumerate(values)]


def entropy(*chances):
    return -sum(p * log2(p) for p in chances if p)


# -- the gain ----------------------------------------------------------------------------------------------------------


def test_the_gain_of_one_option_is_the_binary_entropy_of_its_share():
    assert information_gain([0.25] * 4, [[True, False, False, False]]) == pytest.approx(entropy(0.25, 0.75))
    assert information_gain([0.25] * 4, [[True, True, False, False]]) == pytest.approx(1.0)
    assert information_gain([0.25] * 4, [[True] * 4]) == pytest.approx(0.0)


def test_the_gain_of_options_that_exclude_each_other_is_the_entropy_of_the_facet():
    keeps = [[True, False, False, False], [False, True, True, False]]
    assert information_gain([0.25] * 4, keeps) == pytest.approx(entropy(0.25, 0.5, 0.25))


def test_scores_weigh():
    assert information_gain([0.7, 0.1, 0.1, 0.1], [[True, False, False, False]]) == pytest.approx(entropy(0.7, 0.3))


def test_an_item_that_keeps_two_options_tells_less():
    # two of four keep both options and answer with either: H(A) = H(1/2, 1/2) = 1, H(A|C) = 1/2
    both = [[True, True, True, False], [True, True, False, True]]
    assert information_gain([0.25] * 4, both) == pytest.approx(1.0 - 0.5)


def test_two_options_that_mean_the_same_tell_nothing_more_than_one():
    one = information_gain([0.25] * 4, [[True, True, False, False]])
    two = information_gain([0.25] * 4, [[True, True, False, False]] * 2)
    assert two == pytest.approx(one)


def test_shares_are_of_the_scores_or_all_alike():
    assert shares(pool([{}] * 2, [3.0, 1.0])) == [0.75, 0.25]
    assert shares(pool([{}] * 4, [0.0] * 4)) == [0.25] * 4
    assert shares(pool([{}] * 2, [-1.0, 2.0])) == [0.0, 1.0]


# -- the options --------------------------------------------------------------------------------------------------------


def offered(movies, name, values, scores=None):
    candidates = pool(values, scores)
    return options_of(name, movies.domain, candidates, shares(candidates))


def test_a_list_offers_the_values_that_are_there_and_have_words(movies):
    values = [{"genres": ("comedy", "unheard-of")}, {"genres": ("drama",)}, {}]
    assert offered(movies, "genres", values) == [
        (Constraint("genres", "includes", "comedy"),),
        (Constraint("genres", "includes", "drama"),),
    ]


def test_a_word_that_means_something_else_first_is_not_offered(movies):
    values = [{"languages": ("Spanish",)}, {"languages": ("English",)}]
    assert offered(movies, "languages", values) == [(Constraint("languages", "includes", "English"),)]


def test_a_year_offers_decades(movies):
    assert offered(movies, "year", [{"year": 1994}, {"year": 1999}, {"year": 2003}, {}]) == [
        (Constraint("year", "min", 1990), Constraint("year", "max", 1999)),
        (Constraint("year", "min", 2000), Constraint("year", "max", 2009)),
    ]


def test_a_number_offers_less_or_more_than_its_middle(movies):
    values = [{"runtime": n} for n in (85, 95, 105, 125, 140)]
    assert offered(movies, "runtime", values) == [
        (Constraint("runtime", "max", 100),),
        (Constraint("runtime", "min", 100),),
    ]
    assert offered(movies, "runtime", [{"runtime": 100}] * 5) == []
    assert offered(movies, "runtime", [{}]) == []


def test_facets_without_words_are_not_asked_about(movies):
    values = [{"directors": ("A",), "themes": ("sea",), "age": 12}, {"directors": ("B",), "themes": ("war",), "age": 6}]
    assert [offered(movies, name, values) for name in ("directors", "themes", "age")] == [[], [], []]


# -- the question -------------------------------------------------------------------------------------------------------


def test_the_facet_that_cuts_most_is_asked_about(movies):
    names = ("comedy", "drama", "horror", "war", "western")
    values = [{"genres": (names[n % 5],), "moods": ("quiet",) if n < 6 else ()} for n in range(20)]
    found = clarify(pool(values), movies.domain)
    assert found.about == "genres"
    assert found.gain == pytest.approx(log2(5))  # four options, and the fifth is "none of these"
    assert [option[0].value for option in found.options] == ["comedy", "drama", "horror", "war"]


def test_what_a_choice_is_made_by_comes_before_what_cuts_a_little_more(movies):
    values = [{"genres": (("comedy", "drama")[n % 2],), "year": 1960 + 10 * (n % 4)} for n in range(16)]
    assert clarify(pool(values), movies.domain).about == "genres"
    assert clarify(pool(values), movies.domain, {"genres"}).about == "year"


def test_the_same_facet_is_never_asked_about_twice(movies):
    asked = []
    candidates = [Candidate(item, 0.0) for item in list(movies.items.values())[::7]][:60]
    while found := clarify(candidates, movies.domain, asked):
        asked.append(found.about)
    assert len(set(asked)) == len(asked)
    assert set(asked) >= {"genres", "moods", "year", "countries"}


def test_two_to_four_options_and_none_that_adds_nothing(movies):
    candidates = [Candidate(item, 0.0) for item in movies.items.values()][:60]
    for asked in ((), ("moods",), ("moods", "genres")):
        found = clarify(candidates, movies.domain, asked)
        assert 2 <= len(found.options) <= MAX_OPTIONS
        assert found.gain >= MIN_GAIN
    # drama is a synonym of comedy here: offering it beside comedy would tell nothing
    values = [{"genres": ("comedy", "drama") if n % 2 else ("war",)} for n in range(16)]
    assert len(clarify(pool(values), movies.domain).options) == 2


def test_no_question_where_it_would_tell_little(movies):
    alike = [{"genres": ("comedy",), "year": 1999}] * 20
    assert clarify(pool(alike), movies.domain) is None
    few = [{"genres": (("comedy", "war")[n % 2],)} for n in range(MIN_POOL - 1)]
    assert clarify(pool(few), movies.domain) is None
    assert clarify(pool([*few, few[0]]), movies.domain) is not None
    assert clarify([], movies.domain) is None


def test_a_facet_that_almost_nobody_has_is_not_worth_a_question(movies):
    values = [{"genres": ("comedy",) if n == 0 else ("war",) if n == 1 else ()} for n in range(40)]
    assert clarify(pool(values), movies.domain) is None
