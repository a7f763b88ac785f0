"""Messages that can be sent with one press: what they say is what the rules read, and what then comes."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from chatbot.answers import Speaker
from chatbot.critiques import critique_bound
from chatbot.lexicon import Lexicon
from chatbot.records import turn_record
from chatbot.store import InMemoryUserStore
from chatbot.suggesting import is_read_as, suggest, wish_text
from chatbot.types import Conversation, Profile, Request, StoredTurn
from retrieval.constraints import satisfies
from retrieval.types import Candidate, Constraint, Item, Wish

FIRST = [
    "a quiet film about space, no horror",
    "想看安静的太空片，不要恐怖片",
    "a Korean thriller",
    "来部喜剧",
    "something funny under 100 minutes",
    "日本动画片",
    "films like Heat",
    "像《重庆森林》那样的",
    "recommend three films for tonight",
    "今晚推荐三部",
]


@pytest.fixture(scope="module")
def talk(make_pipeline):
    """A pipeline with its own store: talk(conversation, message)."""
    pipeline = make_pipeline(store=InMemoryUserStore())

    def say(conversation, message, **options):
        user = f"u-{conversation}"
        return pipeline.complete(message, pipeline.store.load(conversation, user), Profile(user), **options)

    return say


@pytest.fixture(scope="module")
def words(movies):
    return movies.domain, Speaker(movies.domain, movies.items), Lexicon(movies.domain, movies.items.values())


def numbers(turn, facet):
    return [value for r in turn.items for value in r.item.values(facet)]


def middle(turn, facet):
    return statistics.median_high(numbers(turn, facet))


@pytest.mark.parametrize("first", FIRST)
def test_every_suggestion_of_a_turn_does_what_it_says(talk, words, first):
    domain, *_ = words
    before = talk(f"plain-{first}", first)
    assert before.suggestions
    assert len(set(before.suggestions)) == len(before.suggestions) <= 4
    for n, message in enumerate(before.suggestions):
        conversation = f"{n}-{first}"
        assert talk(conversation, first).suggestions == before.suggestions
        then = talk(conversation, message)
        assert then.request.language == before.request.language
        assert then.items
        assert not {r.item.id for r in then.items} & {r.item.id for r in before.items}
        assert set(before.request.constraints) <= set(then.request.constraints)  # what was held still is
        assert set(before.request.wishes) <= set(then.request.wishes)
        new = set(then.request.constraints) | set(then.request.wishes)
        new -= {*before.request.constraints, *before.request.wishes}
        if n == 0:
            assert message == ("换一批" if before.request.language == "zh" else "Show me others")
            assert not new
            continue
        [part] = new
        if isinstance(part, Constraint) and part.op in ("min", "max"):
            word = {("runtime", "max"): "shorter短一点", ("year", "min"): "newer新一点", ("year", "max"): "older老一点"}
            assert message.removesuffix(" ones").removesuffix("的").lower() in word[part.field, part.op]
            for value in numbers(then, part.field):
                assert (value > middle(before, part.field)) if part.op == "min" else (value < middle(before, part.field))
        else:
            assert message == wish_text(part.field, part.value, domain, words[1], before.request.language)
            if isinstance(part, Constraint):
                assert all(satisfies(r.item, part, domain) for r in then.items)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_value_that_could_be_offered_is_read_as_that_value(pipeline, talk, words, language):
    domain, speaker, lexicon = words
    first = talk(f"all-{language}", "something quiet, under three hours" if language == "en" else "安静的，不超过三个小时")
    stored = after(first)
    offered = 0
    for name, facet in domain.facets.items():
        for value in facet.values:
            message = wish_text(name, value, domain, speaker, language)
            if not is_read_as(message, (name, value), lexicon, language):
                continue
            offered += 1
            request = pipeline._understanding.read(message, stored)
            parts = [*request.wishes, *(c for c in request.constraints if c.op == "includes")]
            assert (name, value) in [(part.field, part.value) for part in parts], message
            assert request.intent == "refine", message
            assert {"runtime"} < {part.field for part in (*request.constraints, *request.wishes)}, (
                message
            )  # what was held still is
    assert offered > 60


def after(turn):
    """A conversation that has had one turn."""
    stored = StoredTurn(turn.id, turn.at, turn.request.text, turn_record(turn))
    return Conversation(turn.conversation, turn.user, (stored,))


# -- what the state makes sensible -----------------------------------------------------------------------------------


def item(n, **facets):
    return Item(f"i{n}", {"en": f"I{n}"}, {}, facets, {})


def offer(words, request, shown, rest, **options):
    domain, speaker, lexicon = words
    candidates = [Candidate(i, 1.0) for i in (*shown, *rest)]
    return suggest(request, shown, candidates, domain, speaker, lexicon, **options)


EN = Request("recommend", "en", "x")
SHOWN = [item(n, year=2000 + n, runtime=100 + n, moods=("quiet",), genres=("drama",)) for n in range(3)]


def test_nothing_is_offered_where_nothing_was_shown_or_nothing_is_left(words):
    assert offer(words, EN, [], SHOWN) == ()
    assert offer(words, EN, SHOWN, []) == ()


def test_a_critique_is_offered_only_where_something_left_meets_it(words):
    long = [item(9, runtime=180, moods=("quiet",), genres=("drama",))]
    short = [item(9, runtime=91, moods=("quiet",), genres=("drama",))]
    assert offer(words, EN, SHOWN, long) == ("Show me others",)
    assert offer(words, EN, SHOWN, short) == ("Show me others", "Shorter ones")
    assert offer(words, replace(EN, language="zh"), SHOWN, short) == ("换一批", "短一点的")


def test_a_bound_that_is_held_is_not_moved_again(words):
    bound = Constraint("runtime", "max", 120)
    short = [item(9, runtime=80, moods=("quiet",))]
    assert offer(words, replace(EN, constraints=(bound,)), SHOWN, short) == ("Show me others",)


def test_of_a_year_the_side_is_offered_on_which_more_is_left(words):
    old, new = item(8, year=1950), item(9, year=2020)
    assert offer(words, EN, SHOWN, [old, old, new])[1:] == ("Older ones",)
    assert offer(words, EN, SHOWN, [old, new, new])[1:] == ("Newer ones",)


def test_a_value_that_all_or_none_have_or_that_is_held_is_not_offered(words):
    rest = [item(6, moods=("quiet", "funny")), item(7, moods=("quiet", "funny", "sad")), item(8, moods=("quiet",))]
    rest.append(item(9, moods=("quiet",)))
    assert "Something quiet" not in offer(words, EN, SHOWN, rest)
    assert offer(words, EN, SHOWN, rest)[1:] == ("Something funny",)
    held = replace(EN, wishes=(Wish("moods", "funny"),))
    assert offer(words, held, SHOWN, rest)[1:] == ("Something sad",)


def test_a_kind_comes_after_a_mood_and_not_where_one_is_demanded(words):
    rest = [item(8, moods=("funny",), genres=("drama", "comedy")), item(9, moods=("sad",), genres=("drama",))]
    assert offer(words, EN, SHOWN, rest)[1:] == ("Something funny", "Comedy ones")
    assert offer(words, EN, SHOWN, rest, limit=2) == ("Show me others", "Something funny")
    asked = replace(EN, constraints=(Constraint("genres", "includes", "drama"),))
    assert offer(words, asked, SHOWN, rest)[1:] == ("Something funny",)


def test_after_a_demand_was_relaxed_others_alone_are_offered(words):
    relaxed = replace(EN, constraints=(Constraint("genres", "includes", "western"),))
    rest = [item(9, runtime=80, moods=("funny",)), item(8, moods=("sad",))]
    assert offer(words, relaxed, SHOWN, rest) == ("Show me others",)


@pytest.mark.parametrize("step", [-1, 1])
def test_a_critique_of_one_item_goes_just_beyond_it_and_of_several_a_step(words, step):
    facet = words[0].facets["runtime"]
    assert critique_bound("runtime", facet, step, SHOWN[:1]).value == 100 + step
    assert critique_bound("runtime", facet, step, SHOWN).value == 101 + 10 * step
    assert critique_bound("runtime", facet, step, [item(1)]) is None


@pytest.mark.parametrize("message", ["hi", "recommend something", "给我推荐点什么吧", "who directed Moon?"])
def test_a_turn_without_items_offers_nothing(talk, message):
    turn = talk(f"none-{message}", message)
    assert (turn.items, turn.suggestions) == ((), ())


def test_a_list_that_is_all_that_was_wanted_offers_nothing(talk):
    turn = talk("bare", FIRST[0], items_only=True)
    assert turn.items
    assert turn.suggestions == ()
