"""A list for a person without text: what it holds to, what it never does."""

from __future__ import annotations

import random

import pytest

from chatbot.offering import check, offer
from chatbot.store import InMemoryUserStore
from retrieval.constraints import satisfies_all
from retrieval.errors import IndexError_, MessageError
from retrieval.events import Event
from retrieval.types import Constraint

SAID = {"en": "a quiet drama, no horror, after 1990", "zh": "安静的剧情片，不要恐怖片，1990年以后的"}


def ids(offered):
    return [candidate.item.id for candidate in offered.candidates]


@pytest.fixture
def known(make_pipeline, items):
    """A pipeline on whose store ann loves animation and never wants horror, and bob has told nothing."""
    store = InMemoryUserStore()
    animated = [i for i, item in items.items() if "animation" in item.values("genres")][:6]
    store.append(*(Event("ann", "liked", i, at=1.7e9 + n, id=f"e{n}") for n, i in enumerate(animated)))
    store.append(Event("ann", "corrected", None, context={"op": "never", "facet": "genres", "value": "horror"}, at=1.7e9))
    return make_pipeline(store=store)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_message_is_understood_as_in_a_turn(pipeline, movies_domain, language):
    # The words decide the language, not the setting, and what they demand holds for every item.
    found = offer(pipeline, message=SAID[language], language="zh" if language == "en" else "en", count=30)
    assert found.language == language
    assert len(found.candidates) == 30
    assert Constraint("genres", "excludes", "horror") in [Constraint(c.field, c.op, c.value) for c in found.demands]
    for candidate in found.candidates:
        assert satisfies_all(candidate.item, found.demands, movies_domain)
        assert "horror" not in candidate.item.values("genres")
        assert all(int(year) >= 1990 for year in candidate.item.values("year"))


def test_the_list_is_that_of_a_turn(known):
    # What a conversation would show first, a program gets: same order, same diversity.
    asked = "a warm comedy for the whole family"
    turn = known.complete(asked, known.store.load("c1", "ann"), known.profile("ann"), items_only=True, count=5)
    assert ids(offer(known, "ann", asked, count=5)) == [item.item.id for item in turn.items]


def test_nothing_is_stored(known):
    before = list(known.store.events("ann")), list(known.store.conversations("ann"))
    offer(known, "ann", "I love Spirited Away and never want musicals again; 3 films")
    offer(known, "newcomer", "安静一点的")
    assert (list(known.store.events("ann")), list(known.store.conversations("ann"))) == before
    assert not known.store.events("newcomer")


def test_a_person_gets_a_list_of_their_own(known, items):
    mine, nobodys = offer(known, "ann"), offer(known)
    liked = {event.item for event in known.store.events("ann") if event.kind == "liked"}
    assert ids(offer(known, "bob")) == ids(nobodys) != ids(mine)
    assert not liked.intersection(ids(mine))
    share = [sum("animation" in items[i].values("genres") for i in ids(found)) for found in (mine, nobodys)]
    assert share[0] > share[1]


@pytest.mark.parametrize(
    ("message", "back"), [("", False), ("something scary", False), ("horror is fine again", True), ("恐怖片又可以看了", True)]
)
def test_what_somebody_never_wants_stays_away(known, message, back):
    found = offer(known, "ann", message, count=50)
    excluded = any(c.op == "excludes" and c.value == "horror" for c in found.demands)
    assert found.candidates
    assert excluded is not back
    if excluded:
        assert not any("horror" in c.item.values("genres") for c in found.candidates)


def test_a_program_may_ask_for_what_somebody_never_wants(known):
    found = offer(known, "ann", constraints=[Constraint("genres", "includes", "horror")])
    assert found.candidates
    assert all("horror" in c.item.values("genres") for c in found.candidates)


def test_liked_items_pull_and_do_not_come_back(pipeline, movies, items):
    animated = [i for i, item in items.items() if "animation" in item.values("genres")][:3]
    liked, near, usual = (
        movies.vectors_of(chosen, "en")
        for chosen in (animated, ids(offer(pipeline, like=animated, count=10)), ids(offer(pipeline, count=10)))
    )
    assert (near @ liked.T).max(axis=1).mean() > 1.3 * (usual @ liked.T).max(axis=1).mean()
    assert not set(animated).intersection(ids(offer(pipeline, like=animated, count=50)))


def test_excluded_items_never_come_back(pipeline, items):
    # Page by page through the whole catalogue: no item twice, none left out.
    seen: list[str] = []
    while page := ids(offer(pipeline, exclude=[*seen, "unknown"], count=50)):
        seen += page
    assert len(seen) == len(set(seen)) == len(items)


def test_promises_hold_for_any_constraints(pipeline, items, movies_domain):
    rng = random.Random(4)
    everything = list(items.values())
    empty = 0
    for _ in range(60):
        chosen = []
        for _ in range(rng.randint(1, 4)):
            field = rng.choice(["genres", "moods", "countries", "year", "runtime", "directors", "people"])
            item = rng.choice(everything)
            values = item.values("directors" if field == "people" else field) or ("nobody",)
            op = rng.choice(["min", "max"] if field in ("year", "runtime") else ["includes", "excludes", "any_of"])
            value = tuple(values[:2]) if op == "any_of" else rng.choice(values)
            if value != "nobody":
                chosen.append(Constraint(field, op, value))
        excluded = rng.sample(list(items), 40)
        found = offer(
            pipeline, message=rng.choice(["", "a thriller", "温馨的"]), exclude=excluded, constraints=chosen, count=20
        )
        assert not set(chosen).intersection(found.relaxed)
        keep = [i for i in everything if satisfies_all(i, chosen, movies_domain) and i.id not in excluded]
        empty += not keep
        assert bool(found.candidates) is bool(keep)
        assert all(c.item in keep for c in found.candidates)
    assert 0 < empty < 60


def test_a_message_is_relaxed_before_a_constraint(pipeline):
    found = offer(pipeline, message="a comedy", constraints=[Constraint("genres", "excludes", "comedy")])
    assert found.candidates
    assert [(c.op, c.value) for c in found.relaxed] == [("includes", "comedy")]
    assert not any("comedy" in c.item.values("genres") for c in found.candidates)
    nothing = offer(pipeline, message="a comedy", constraints=[Constraint("year", "min", 3000)])
    assert nothing.candidates == nothing.relaxed == ()


@pytest.mark.parametrize("value", ["horror", "Horror", "恐怖", " HORROR "])
def test_words_for_a_value_are_understood(movies, value):
    assert [c.value for c in check(Constraint("genres", "includes", value), movies)] == ["horror"]


def test_several_values_are_several_promises(movies):
    both = check(Constraint("genres", "excludes", ("horror", "war", "horror")), movies)
    assert [(c.op, c.value, c.firm) for c in both] == [("excludes", "horror", True), ("excludes", "war", True)]
    (either,) = check(Constraint("genres", "any_of", ("Horror", "war")), movies)
    assert either.value == ("horror", "war")


@pytest.mark.parametrize(
    ("constraint", "told"),
    [
        (Constraint("genre", "includes", "drama"), "Is 'genres' meant?"),
        (Constraint("price", "max", 3), "It has: age, cast, countries"),
        (Constraint("genres", "includes", "romanc"), "Is 'romance' meant?"),
        (Constraint("genres", "includes", 3), "quotation marks"),
        (Constraint("genres", "min", 3), "is no number"),
        (Constraint("people", "max", 3), "is no number"),
        (Constraint("year", "min", "1990"), "'1990' is none"),
        (Constraint("year", "min", True), "'True' is none"),
        (Constraint("year", "includes", "old"), "'old' is none"),
        (Constraint("year", "min", float("nan")), "takes numbers below"),
        (Constraint("year", "max", 10**5000), "takes numbers below"),
        (Constraint("year", "min", (1990, 2000)), "one number, not 2"),
        (Constraint("genres", "any_of", ()), "has no value"),
        (Constraint("genres", "includes", "x" * 100_000), "…"),
    ],
)
def test_what_cannot_be_checked_is_refused(pipeline, constraint, told):
    with pytest.raises(MessageError, match="A constraint cannot be checked") as refused:
        offer(pipeline, constraints=[constraint])
    assert told in str(refused.value)
    assert len(str(refused.value)) < 500
    assert refused.value.key == "error_constraint"


def test_names_that_nobody_has_are_no_error(pipeline):
    assert not offer(pipeline, constraints=[Constraint("directors", "includes", "Nobody At All")]).candidates
    assert len(offer(pipeline, constraints=[Constraint("people", "excludes", "Nobody At All")]).candidates) == 10


def test_what_cannot_be_read_is_refused(pipeline):
    with pytest.raises(IndexError_, match="no item 'gone'"):
        offer(pipeline, like=["gone"])
    with pytest.raises(MessageError):
        offer(pipeline, message="word " * 2000)


@pytest.mark.parametrize(
    ("message", "some"), [("hello", True), ("你好", True), ("I want to kill myself", False), ("我不想活了", False)]
)
def test_a_message_without_a_wish(pipeline, message, some):
    # Small talk asks for nothing, so the list is the usual one; to despair one does not answer with items.
    found = offer(pipeline, message=message)
    assert ids(found) == (ids(offer(pipeline, language=found.language)) if some else [])
