"""What a domain wants of every list: standing bounds, the order of series, purchases, freshness; and relations."""

from dataclasses import replace
from datetime import date

import pytest

from chatbot.bounds import BoundReader
from chatbot.house_rules import HouseRules
from chatbot.profile import build_profile
from chatbot.relations import read_relation
from chatbot.types import Profile, Request
from retrieval.companions import with_companions_named
from retrieval.constraints import satisfies
from retrieval.days import as_day, day_span
from retrieval.domain_files import make_domain
from retrieval.errors import DomainError
from retrieval.events import DAY, Event
from retrieval.freshness import calendar_of, freshness
from retrieval.series import SeriesTable
from retrieval.types import Constraint, Item, Query

NOW = 1e9
FACETS = {
    "kind": {"type": "list", "column": "kind"},
    "stock": {"type": "number", "column": "stock"},
    "added": {"type": "date", "column": "added"},
    "saga": {"type": "list", "column": "saga"},
    "part": {"type": "number", "column": "part"},
    "goes_with": {"type": "list", "column": "goes_with"},
}
ABILITIES = {
    "freshness": {"facet": "added", "half_life_days": 10, "today": "newest"},
    "standing": [{"facet": "stock", "op": "min", "value": 1}],
    "series": {"facet": "saga", "number": "part", "next": {"en": ["next one", "sequel"], "zh": ["下一本", "续集"]}},
    "companions": {"facet": "goes_with", "ask": {"en": ["goes with", "go with"], "zh": ["配什么"]}},
    "repeat": {"facet": "kind", "values": ["coffee"], "days": 20},
    "once": {"facet": "kind", "values": ["sofa"], "days": 1000},
    "behaviour": {"positive": ["purchased", "viewed"], "liked_from": 0.8},
}


def make(path, **changes):
    mapping = {"id": "id", "title": "title"}
    return make_domain({"name": "n", "base": "general", "mapping": mapping, "facets": FACETS, **ABILITIES, **changes}, path)


@pytest.fixture
def domain(tmp_path):
    return make(tmp_path / "n.toml")


def item(name, **facets):
    return Item(name, {"en": name}, {}, facets, {})


ITEMS = {
    i.id: i
    for i in (
        item("one", saga=("s",), part=1, stock=3),
        item("two", saga=("s",), part=2, stock=3),
        item("three", saga=("s",), part=3, stock=3),
        item("beans", kind=("coffee",), stock=5, added="2026-11-20"),
        item("red sofa", kind=("sofa",), stock=1, added="2026-11-10", goes_with=("beans",)),
        item("blue sofa", kind=("sofa",), stock=0),
    )
}


@pytest.fixture
def rules(domain):
    return HouseRules(domain, ITEMS, SeriesTable.of(ITEMS.values(), domain))


def keep(rules, profile=None, constraints=(), exclude=(), **request):
    query = Query("", constraints=tuple(constraints), exclude=frozenset(exclude))
    return rules.keep(query, Request("recommend", "en", "", **request), profile or Profile("ann"), NOW)


def test_a_standing_bound_holds_until_something_else_is_said_of_its_facet(rules, domain):
    [bound] = keep(rules).constraints
    assert (bound.field, bound.op, bound.value, bound.relaxable) == ("stock", "min", 1, False)
    assert not satisfies(ITEMS["blue sofa"], bound, domain)
    any_stock = Constraint("stock", "min", 0)
    assert keep(rules, constraints=[any_stock]).constraints == (any_stock,)


def test_a_value_may_stand_refused(tmp_path):
    domain = make(tmp_path / "n.toml", standing=[{"facet": "kind", "op": "excludes", "value": "sofa"}])
    rules = HouseRules(domain, ITEMS, SeriesTable.of(ITEMS.values(), domain))
    [kept] = keep(rules).constraints
    assert [i for i in ITEMS if not satisfies(ITEMS[i], kept, domain)] == ["red sofa", "blue sofa"]
    assert [c.op for c in keep(rules, constraints=[Constraint("kind", "includes", "sofa")]).constraints] == ["includes"]


@pytest.mark.parametrize(
    ("known", "early"),
    [
        ((), {"two", "three"}),
        (("one",), {"three"}),
        (("one", "two"), set()),
        (("two",), {"two"}),
        (("beans",), {"two", "three"}),
    ],
)
def test_a_later_volume_waits_for_the_one_before(domain, known, early):
    assert {*SeriesTable.of(ITEMS.values(), domain).too_early(known)} == early


def test_a_later_volume_comes_where_the_one_before_is_not_what_is_asked_for(rules):
    assert "two" in keep(rules, constraints=[Constraint("saga", "includes", "s")]).exclude
    assert "two" not in keep(rules, constraints=[Constraint("kind", "includes", "coffee")]).exclude


def test_a_volume_that_is_named_counts_as_known(rules):
    assert not {"two", "three"} & keep(rules, named=("two",)).exclude - {"three"}
    assert "three" not in keep(rules, named=("two",)).exclude


def test_what_comes_next_of_what_was_begun(rules):
    asked = Request("recommend", "en", "", continues=True)
    known = Profile("ann", liked=("one",))
    request = rules.continued(asked, known)
    assert request.constraints == (Constraint("saga", "any_of", ("s",)),)
    query = keep(rules, known, request.constraints)
    assert "two" not in query.exclude
    assert "three" in query.exclude
    assert rules.continued(asked, Profile("ann", liked=("one", "two", "three"))) == asked
    assert rules.continued(Request("recommend", "en", ""), known).constraints == ()


def bought(name, days_ago):
    return build_profile("ann", [Event("ann", "purchased", name, at=NOW - days_ago * DAY)])


def test_what_is_bought_again_and_again_comes_back_after_a_while(rules):
    assert "beans" not in keep(rules, bought("beans", 30), exclude=["beans"]).exclude
    assert "beans" in keep(rules, bought("beans", 3), exclude=["beans"]).exclude
    assert "red sofa" in keep(rules, bought("red sofa", 2000), exclude=["red sofa"]).exclude  # a sofa is not coffee
    disliked = replace(bought("beans", 30), disliked=("beans",))
    assert "beans" in keep(rules, disliked, exclude=["beans"]).exclude


def test_who_has_bought_a_sofa_is_offered_no_other_unless_they_ask(rules):
    assert "blue sofa" in keep(rules, bought("red sofa", 30)).exclude
    assert "blue sofa" not in keep(rules, bought("red sofa", 1500)).exclude
    asked = keep(rules, bought("red sofa", 30), constraints=[Constraint("kind", "includes", "sofa")])
    assert "blue sofa" not in asked.exclude


def test_which_deeds_say_liking_is_the_domains_to_say(domain):
    events = [Event("ann", "purchased", "a"), Event("ann", "viewed", "b", value=0.9), Event("ann", "viewed", "c", value=0.5)]
    assert build_profile("ann", events).liked == ()
    assert build_profile("ann", events, domain.behaviour).liked == ("a", "b")
    refused = [Event("ann", "disliked", "a"), *events]
    assert build_profile("ann", refused, domain.behaviour).disliked == ("a",)


def test_things_grow_old_by_their_half_life(domain):
    today = calendar_of(domain, ITEMS.values())()
    assert today == date(2026, 11, 20)
    new, old, unknown = (freshness(ITEMS[name], domain, today) for name in ("beans", "red sofa", "one"))
    assert new == 1
    assert old == unknown == pytest.approx(0.25 + 0.75 / 2)


def test_a_process_that_runs_for_days_asks_again_what_day_it_is(domain):
    days = iter([date(2026, 11, 20), date(2026, 11, 21)])
    reader = BoundReader(domain, lambda: next(days))
    assert [bound.value for bound in reader.find("what came in today")] == ["2026-11-20"]
    assert [bound.value for bound in reader.find("what came in today")] == ["2026-11-21"]


def test_companions_are_shown_by_their_titles(domain):
    named = with_companions_named(ITEMS, domain)
    titles = {"beans": Item("beans", {"en": "Beans", "zh": "豆子"}, {}, {}, {})}
    assert domain.facet_text(with_companions_named({**ITEMS, **titles}, domain)["red sofa"], "goes_with", "zh") == "豆子"
    assert named["one"] is ITEMS["one"]
    assert named["red sofa"].values("goes_with") == ("beans",)


def test_days_keep_bounds_as_wide_as_they_are_written(domain):
    november, third = item("a", added="2026-11"), item("b", added="2026-11-03")

    def keeps(what, op, value):
        return satisfies(what, Constraint("added", op, value), domain)

    assert keeps(third, "min", "2026-11-03")
    assert keeps(third, "max", "2026-11")
    assert not keeps(third, "min", "2026-11-04")
    assert keeps(november, "min", "2026-11")
    assert not keeps(november, "min", "2026-11-02")  # it may have been the first
    assert not keeps(november, "max", "2026-11-20")
    assert not keeps(item("c"), "max", "2026-11-20")
    assert day_span("soon") is None
    assert as_day("2026-02-30") is None


@pytest.mark.parametrize(
    ("text", "language", "named", "holds", "continues"),
    [
        ("what goes with ￼￼￼", "en", ["beans"], [("goes_with", "includes", "beans")], False),
        ("￼￼配什么好", "zh", ["beans"], [("goes_with", "includes", "beans")], False),
        ("the sequel to ￼￼", "en", ["one"], [("saga", "includes", "s"), ("part", "min", 2), ("part", "max", 2)], True),
        ("￼￼的下一本", "zh", ["two"], [("saga", "includes", "s"), ("part", "min", 3), ("part", "max", 3)], True),
        ("the sequel to ￼￼", "en", ["three"], [], True),
        ("续集", "zh", [], [], True),
        ("a blue one", "en", ["beans"], [], False),
    ],
)
def test_relations_that_a_message_asks_for(domain, text, language, named, holds, continues):
    found = read_relation(text, named, language, domain, SeriesTable.of(ITEMS.values(), domain))
    assert [(c.field, c.op, c.value) for c in found.constraints] == holds
    assert found.continues is continues
    assert found.said is bool(holds or continues)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"series": {"facet": "saga", "number": "kind"}}, r"\[series\] needs a facet 'kind' of type number"),
        ({"freshness": {"facet": "stock", "half_life_days": 3}}, r"\[freshness\] needs a facet 'stock' of type date"),
        ({"companions": {"facet": "nothing"}}, r"\[companions\] needs a facet 'nothing' of type list"),
        (
            {"standing": [{"facet": "kind", "op": "min", "value": 1}]},
            r"\[standing\] needs a facet 'kind' of type number",
        ),
        ({"once": {"facet": "kind", "values": ["a"], "days": 0}}, r"key 'once.days'"),
        ({"questions": ["colour"]}, r"questions names 'colour'"),
        ({"care": {"refer": {"en": "Ask a doctor."}, "note": {}, "advice_en": ["("]}}, r"key 'care.advice_en'"),
    ],
)
def test_an_ability_that_rests_on_nothing_is_refused(tmp_path, change, problem):
    with pytest.raises(DomainError, match=problem):
        make(tmp_path / "n.toml", **change)
