"""Every shipped domain: its catalogue is whole, its words are read in both languages, and what it promises holds on every item.

``tests/domains/NAME.jsonl`` holds messages, each with exactly the constraints that an honest reader takes from it.
"""

import json
import re
from collections import Counter
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from chatbot.keeper import Keeper
from chatbot.llm.scripted import ScriptedModel
from chatbot.offering import offer
from chatbot.pipeline import RecommendationPipeline
from chatbot.store import InMemoryUserStore
from retrieval.catalog import read_catalog
from retrieval.domain_files import DOMAINS, load_domain, shipped_domains
from retrieval.embedder import HashingEmbedder
from retrieval.index import build_in_memory
from retrieval.samples import SamplePeople
from retrieval.vector_store import InMemoryVectorStore

MESSAGES = Path(__file__).parent.parent / "domains"
PACKS = [name for name in shipped_domains() if name != "movies"]
CAREFUL = {"health", "finance"}
LEAST = 40  # items of a careful domain; the others have at least 150


def messages(name, what=""):
    path = MESSAGES / f"{name}{what}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines if line.strip()]


CASES = [(name, case) for name in PACKS for case in messages(name)]


@cache
def domain_of(name):
    return load_domain(name)


@cache
def index_of(name):
    domain = domain_of(name)
    items = read_catalog(domain.catalogue_path, domain)
    return build_in_memory(domain, items, HashingEmbedder(), InMemoryVectorStore())


@cache
def pipeline_of(name):
    store = InMemoryUserStore()
    return RecommendationPipeline(index_of(name), ScriptedModel(), store, keeper=Keeper(store))


def keeps(item, facet, op, value, domain):
    """Whether an item keeps a constraint, written a second time, by the data alone."""
    names = domain.people_facets if facet == "people" else (facet,)
    own = tuple(v for name in names for v in item.values(name))
    if op == "excludes":
        return value not in own
    if op == "includes":
        return value in own
    if op == "any_of":
        return any(v in own for v in value)
    return bool(own) and all(v >= value if op == "min" else v <= value for v in own)


def expected(case, name):
    """The constraints of a case, days that count from the catalogue's today written out."""
    today = index_of(name).columns.today()
    found = []
    for facet, op, value in case["holds"]:
        if isinstance(value, str) and re.fullmatch(r"-\d+d", value):
            value = (today - timedelta(days=int(value[1:-1]))).isoformat()
        found.append((facet, op, tuple(value) if isinstance(value, list) else value))
    return found


def read(constraints):
    return [(c.field, c.op, tuple(sorted(c.value)) if isinstance(c.value, tuple) else c.value) for c in constraints]


@pytest.mark.parametrize("name", PACKS)
def test_the_catalogue_is_whole(name):
    """Enough items, titles and descriptions of their own in both languages, and values that the domain has words for."""
    domain, items = domain_of(name), index_of(name).items
    assert len(items) >= (LEAST if name in CAREFUL else 150)
    for item in items.values():
        assert item.titles.get("en"), item.id
        assert re.search(r"[\u4e00-\u9fff]", item.texts["zh"]), item.id
        assert len(item.texts["en"].split()) >= 15, item.id
        assert item.texts["en"] != item.texts["zh"], item.id
        for facet, spec in domain.facets.items():
            if spec.values and spec.type == "list":
                assert {*item.values(facet)} <= {*spec.values}, (item.id, facet)
    for language in ("en", "zh"):
        counted = Counter(item.texts[language] for item in items.values())
        assert max(counted.values()) == 1, language


@pytest.mark.parametrize("name", PACKS)
def test_every_word_of_a_facet_is_there_in_both_languages(name):
    for facet, spec in domain_of(name).facets.items():
        for value, words in spec.values.items():
            for language in ("en", "zh"):
                assert words.label(language), (facet, value, language)


@pytest.mark.parametrize("name", PACKS)
def test_cards_are_written_in_both_languages(name):
    domain = domain_of(name)
    for item in index_of(name).items.values():
        english, chinese = (domain.write_card(item, language) for language in ("en", "zh"))
        assert english
        assert re.search(r"[\u4e00-\u9fff]", chinese), item.id


@pytest.mark.parametrize("name", PACKS)
def test_series_are_whole_and_companions_know_each_other(name):
    domain, items = domain_of(name), index_of(name).items
    if domain.series:
        for entries in pipeline_of(name).rules.series.volumes.values():
            assert [number for number, _ in entries] == list(range(1, len(entries) + 1)), entries
    if domain.companions:
        goes = {item.id: {*item.values(domain.companions.facet)} for item in items.values()}
        for item, others in goes.items():
            for other in others:
                assert item in goes[other], (item, other)


@pytest.mark.parametrize("name", [name for name in PACKS if name not in CAREFUL])
def test_three_people_come_with_a_history(name):
    domain, items = domain_of(name), index_of(name).items
    people = SamplePeople(domain)
    assert len(domain.people) == 3
    for user, person in domain.people.items():
        events = people.events(user)
        assert {"en", "zh"} <= {*person.name} & {*person.about}
        assert len(events) >= 12, user
        assert {event.item for event in events} <= {*items}, user


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_there_are_messages_enough(name, language):
    assert sum(case["language"] == language for case in messages(name)) >= 50


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case['message']}" for name, case in CASES])
def test_a_message_means_what_it_says(name, case):
    """A message sets its constraints and no others, and every item of its list keeps them, and what stands besides."""
    pipeline, language = pipeline_of(name), case["language"]
    wanted = expected(case, name)
    request = pipeline.read(case["message"], language)
    assert request.language == language
    assert sorted(map(str, read(request.constraints))) == sorted(
        str((f, op, tuple(sorted(v)) if isinstance(v, tuple) else v)) for f, op, v in wanted
    )
    standing = [(s.facet, s.op, s.value) for s in domain_of(name).standing if s.facet not in {f for f, _, _ in wanted}]
    possible = [i for i in index_of(name).items.values() if all(keeps(i, *c, domain_of(name)) for c in (*wanted, *standing))]
    found = offer(pipeline, message=case["message"], language=language).candidates
    assert not possible or found
    assert possible, "no item of the catalogue keeps it"
    for candidate in found:
        for constraint in (*wanted, *standing):
            assert keeps(candidate.item, *constraint, domain_of(name)), (candidate.item.id, constraint)


ADVICE = [(name, case) for name in sorted(CAREFUL) for case in messages(name, "_advice")]


@pytest.mark.parametrize(("name", "case"), ADVICE, ids=[f"{name}: {case['message']}" for name, case in ADVICE])
def test_advice_is_never_given(name, case):
    """Who asks for advice is told kindly where to find it; who asks for something to read gets that."""
    care, language = domain_of(name).care, case["language"]
    turn = pipeline_of(name).complete(
        case["message"], pipeline_of(name).store.load("new", "ann"), pipeline_of(name).profile("ann"), turn_id="t"
    )
    pipeline_of(name).store.erase("ann")
    if case.get("advice") is False:
        assert turn.opening not in (care.refer[language], care.urgent.get(language))
        return
    assert turn.items == ()
    assert turn.reply == (care.urgent[language] if case.get("urgent") else care.refer[language])


@pytest.mark.parametrize("name", sorted(CAREFUL))
def test_what_is_written_never_sounds_like_advice(name):
    """No description holds what no sentence may hold, for sentences retell descriptions."""
    care = domain_of(name).care
    for item in index_of(name).items.values():
        for language, text in item.texts.items():
            assert care.finds("never", text, language) is None, item.id


def test_every_pack_says_what_it_is_free_for():
    for name in PACKS:
        assert "CC0" in (DOMAINS / name / "LICENSE").read_text(encoding="utf-8"), name
