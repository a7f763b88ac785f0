"""Why an item is for this person, and where it falls short: every word from the card, their message or their history."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.answers import Speaker
from chatbot.fitting import Fitting
from chatbot.interests import build_interests
from chatbot.personal import catalogue_of
from chatbot.types import Profile, Request
from retrieval.events import Event
from retrieval.types import Constraint, Wish

NOBODY = Profile("ann")
QUIET = Wish("moods", "quiet", "quieter")
FUNNY = Wish("moods", "funny", "funny")


@pytest.fixture(scope="module")
def fitting(movies):
    return Fitting(movies.domain, movies.items, Speaker(movies.domain, movies.items))


@pytest.fixture
def moon(movies):
    return movies.items["moon-2009"]


def request(language="en", **options):
    return Request("recommend", language, "x", "x", **options)


@pytest.mark.parametrize(("language", "quiet"), [("en", "quiet"), ("zh", "安静")])
def test_granted_wishes_are_said_with_their_sources(fitting, moon, language, quiet):
    wishes = (QUIET, Wish("themes", "loneliness", "loneliness"))  # free values make no sentence of their own
    fit = fitting.fits(moon, request(language, wishes=wishes), NOBODY)
    assert quiet in fit.text.lower()
    assert fit.sources == ("card.moods", "user.message")
    assert fit.written_by == "template"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_place_has_its_own_phrase(fitting, moon, language):
    for asked in (
        request(language, wishes=(QUIET,)),
        request(language, liked=("her-2013",)),
        request(language, constraints=(Constraint("runtime", "max", 120),)),
    ):
        texts = [fitting.fits(moon, asked, NOBODY, place).text for place in range(4)]
        assert len(set(texts)) == 4


HORROR = ("the-shining-1980", "psycho-1960", "get-out-2017", "hereditary-2018")


@pytest.fixture(scope="module")
def drawn(movies):
    """The interests of somebody who liked four horror films."""
    events = [Event("ann", "liked", item, at=1e9) for item in HORROR]
    return build_interests(events, catalogue_of(movies), 1e9)


@pytest.mark.parametrize(("language", "horror"), [("en", "horror film"), ("zh", "恐怖")])
def test_where_nothing_else_is_to_be_said_an_interest_is_the_reason(fitting, movies, drawn, language, horror):
    film = movies.items["the-babadook-2014"]
    fits = [fitting.fits(film, request(language), NOBODY, place, drawn) for place in range(4)]
    assert len({fit.text for fit in fits}) == 4
    for fit in fits:
        assert horror in fit.text
        *fields, model = fit.sources
        assert {"card.genres"} <= set(fields) <= {"card.genres", "card.moods"}
        named = movies.items[model.removeprefix("history.")]
        assert named.id in HORROR
        assert named.title(language) in fit.text
        assert "horror" in named.values("genres")
    assert len({fit.sources[-1] for fit in fits}) > 1  # not always the same one
    asked = request(language, wishes=(Wish("genres", "drama", "drama"),))
    assert "user.message" in fitting.fits(film, asked, NOBODY, 0, drawn).sources  # their words come first
    assert fitting.fits(movies.items["paddington-2-2017"], request(language), NOBODY, 0, drawn) is None


@pytest.mark.parametrize(("language", "funny"), [("en", "funny"), ("zh", "好笑")])
def test_a_wish_that_is_not_granted_is_owned_up_to_beside_one_that_is(fitting, moon, language, funny):
    said = [fitting.fits(moon, request(language, wishes=(QUIET, FUNNY)), NOBODY, place).text for place in range(5)]
    assert all(funny in text for text in said)
    assert all({"en": "not", "zh": "没"}[language] in text for text in said)


def test_one_phrase_that_means_several_values_is_granted_by_one_of_them(fitting, moon):
    light = tuple(Wish("moods", value, "easy") for value in ("quiet", "funny"))
    assert "funny" not in fitting.fits(moon, request(wishes=light), NOBODY).text


def test_nothing_is_said_where_nothing_is_granted(fitting, moon):
    assert fitting.fits(moon, request(wishes=(FUNNY,)), NOBODY) is None
    assert fitting.fits(moon, request(), NOBODY) is None


def test_what_it_shares_with_an_item_the_person_named_rests_on_their_message(fitting, moon):
    fit = fitting.fits(moon, request(liked=("her-2013",)), Profile("ann", liked=("solaris-1972",)))
    assert "Her" in fit.text
    assert "loneliness" in fit.text
    assert fit.sources == ("card.themes", "user.message")


@pytest.mark.parametrize(("language", "title", "theme"), [("en", "Her", "loneliness"), ("zh", "《她》", "孤独")])
def test_what_it_shares_with_an_item_liked_before_rests_on_the_history(fitting, moon, language, title, theme):
    fit = fitting.fits(moon, request(language), Profile("ann", liked=("her-2013",)))
    assert title in fit.text
    assert theme in fit.text
    assert fit.sources == ("card.themes", "history.her-2013")


def test_a_granted_wish_and_what_is_shared_make_one_sentence(fitting, moon):
    fit = fitting.fits(moon, request(wishes=(QUIET,), liked=("her-2013",)), NOBODY)
    assert fit.text == "Quiet, as you asked; it shares loneliness and artificial intelligence with Her."
    assert fit.sources == ("card.moods", "user.message", "card.themes")


def test_people_may_be_what_two_items_share(fitting, movies):
    fit = fitting.fits(movies.items["hero-2002"], request(liked=("raise-the-red-lantern-1991",)), NOBODY)
    assert "Zhang Yimou" in fit.text


def test_the_latest_like_is_told_first_and_unknown_ones_are_passed_over(fitting, moon):
    fit = fitting.fits(moon, request(), Profile("ann", liked=("solaris-1972", "her-2013", "gone-1900", "moon-2009")))
    assert fit.sources[1] == "history.her-2013"


@pytest.mark.parametrize(("language", "minutes"), [("en", "97 min"), ("zh", "97分钟")])
def test_a_number_inside_its_bounds_is_said(fitting, moon, language, minutes):
    fit = fitting.fits(moon, request(language, constraints=(Constraint("runtime", "max", 120),)), NOBODY)
    assert minutes in fit.text
    assert fit.sources == ("card.runtime", "user.message")


def test_a_kind_that_was_asked_for_is_said(fitting, moon):
    fit = fitting.fits(moon, request(constraints=(Constraint("genres", "includes", "drama"),)), NOBODY)
    assert fit.text == "Drama, as you asked."
    fit = fitting.fits(moon, request(constraints=(Constraint("people", "includes", "Duncan Jones"),)), NOBODY)
    assert (fit.text, fit.sources) == ("Duncan Jones, as you asked.", ("card.directors", "user.message"))


@pytest.mark.parametrize(("language", "minutes"), [("en", "97 min"), ("zh", "97分钟")])
def test_a_relaxed_bound_that_an_item_breaks_is_owned_up_to(fitting, moon, language, minutes):
    bound = Constraint("runtime", "max", 90)
    short = fitting.falls_short(moon, request(language, constraints=(bound,)), [bound])
    assert minutes in short.text
    assert short.sources == ("card.runtime", "user.message")


def test_a_relaxed_kind_that_an_item_lacks_is_owned_up_to(fitting, moon):
    kind = Constraint("genres", "includes", "western")
    assert "western" in fitting.falls_short(moon, request(constraints=(kind,)), [kind]).text
    actor = Constraint("people", "includes", "Nobody Atall")
    assert "Nobody Atall" in fitting.falls_short(moon, request(constraints=(actor,)), [actor]).text


def test_what_is_kept_is_not_said_to_fall_short(fitting, moon):
    bound = Constraint("runtime", "max", 120)
    assert fitting.falls_short(moon, request(constraints=(bound,)), [bound]) is None
    assert fitting.falls_short(moon, request(constraints=(bound,)), []) is None


def test_facts_that_the_card_lacks_are_not_said(fitting, moon):
    bare = replace(moon, facets={}, labels={})
    bound = Constraint("runtime", "max", 90)
    assert fitting.fits(bare, request(wishes=(QUIET,), constraints=(bound,)), NOBODY) is None
    assert "120" not in fitting.falls_short(bare, request(), [bound]).text


@pytest.mark.parametrize(("language", "words", "said"), [("zh", "华语", "华语"), ("en", "华语", "Hong Kong")])
def test_a_demand_that_means_several_values_is_granted_in_the_persons_own_word(fitting, movies, language, words, said):
    chinese = Constraint("countries", "any_of", ("China", "Hong Kong", "Taiwan"), words)
    film = next(f for f in movies.items.values() if f.values("countries") == ("Hong Kong",))
    fit = fitting.fits(film, request(language, constraints=(chinese,)), NOBODY)
    assert said in fit.text
    assert fit.sources == ("card.countries", "user.message")
