"""The retriever on the whole catalogue with hashed words: what holds for every query."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrieval.channels as channels
from retrieval.calibration import miscalibration, shares
from retrieval.channels import Search
from retrieval.collaborative import ItemItemIndex
from retrieval.constraints import satisfies, satisfies_all
from retrieval.embedder import HashingEmbedder
from retrieval.facet_columns import FacetColumns
from retrieval.fusion import RRF_K, ranking
from retrieval.index import build_in_memory
from retrieval.retriever import DEFAULT_WEIGHTS, Retriever
from retrieval.types import Candidate, Constraint, Item, Query, Wish
from retrieval.vector_store import InMemoryVectorStore

GENRES = ["comedy", "drama", "horror", "war", "science-fiction", "romance", "animation", "western"]
PEOPLE = ["Wong Kar-wai", "Zhang Yimou", "Christopher Nolan", "Tony Leung Chiu-wai", "Nobody At All"]
COUNTRIES = ["China", "Hong Kong", "Japan", "France", "United States", "Atlantis"]
CONSTRAINTS = st.lists(
    st.one_of(
        st.builds(Constraint, st.just("genres"), st.sampled_from(["includes", "excludes"]), st.sampled_from(GENRES)),
        st.builds(
            Constraint, st.just("countries"), st.just("any_of"), st.lists(st.sampled_from(COUNTRIES), min_size=1).map(tuple)
        ),
        st.builds(Constraint, st.just("people"), st.sampled_from(["includes", "excludes"]), st.sampled_from(PEOPLE)),
        st.builds(Constraint, st.just("year"), st.sampled_from(["min", "max"]), st.integers(1900, 2030)),
        st.builds(Constraint, st.just("runtime"), st.sampled_from(["min", "max"]), st.integers(30, 300)),
    ),
    max_size=4,
).map(tuple)
TEXTS = st.sampled_from(
    [
        "",
        "a quiet film about growing old",
        "安静的海边故事",
        "funny robbers in space",
        "🎬",
        "香港 警察 卧底",
        "zzz",
        "war " * 50,
    ]
)
WISHES = st.lists(
    st.builds(Wish, st.just("moods"), st.sampled_from(["quiet", "funny", "tender", "no such mood"])), max_size=2
).map(tuple)


@st.composite
def queries(draw, ids):
    some = st.lists(st.sampled_from(ids), max_size=4, unique=True)
    return Query(
        text=draw(TEXTS),
        language=draw(st.sampled_from(["en", "zh"])),
        context=tuple(draw(st.lists(TEXTS, max_size=2))),
        constraints=draw(CONSTRAINTS),
        wishes=draw(WISHES),
        liked=(*draw(some), *draw(st.sampled_from([(), ("no-such-film",)]))),
        disliked=tuple(draw(some)),
        exclude=frozenset(draw(st.lists(st.sampled_from(ids), max_size=40))),
        k=draw(st.integers(1, 15)),
    )


@pytest.fixture(scope="module")
def retriever(movies):
    return Retriever(movies)


@settings(max_examples=80)
@given(data=st.data())
def test_every_candidate_keeps_every_kept_constraint_and_none_is_excluded(retriever, movies_domain, items, data):
    query = data.draw(queries(list(items)))
    found = retriever.retrieve(query)
    kept = [constraint for constraint in query.constraints if constraint not in found.relaxed]
    names = [candidate.item.id for candidate in found.candidates]
    for candidate in found.candidates:
        assert satisfies_all(candidate.item, kept, movies_domain)
    assert not set(names) & query.exclude
    assert len(names) == len(set(names))
    assert all(constraint.op != "excludes" for constraint in found.relaxed)
    assert set(found.relaxed) <= set(query.constraints)
    possible = [item for item in items.values() if item.id not in query.exclude and satisfies_all(item, kept, movies_domain)]
    assert len(names) == min(query.k, len(possible))  # as many as were asked for, where there are as many


@settings(max_examples=25)
@given(data=st.data())
def test_the_same_query_gives_the_same_answer(retriever, items, data):
    query = data.draw(queries(list(items)))
    assert retriever.retrieve(query) == retriever.retrieve(query)


@settings(max_examples=40)
@given(data=st.data())
def test_ranks_of_every_channel_count_from_one_among_what_is_allowed(retriever, items, data):
    query = data.draw(queries(list(items)))
    for candidate in retriever.retrieve(query).candidates:
        assert set(candidate.channels) <= {"dense", "bm25", "history", "facets"}
        assert all(1 <= entry.rank <= channels.CHANNEL_LIMIT for entry in candidate.channels.values())
        assert candidate.score >= 0


@settings(max_examples=40)
@given(data=st.data())
def test_the_shares_of_a_candidate_are_its_parts_of_the_fused_score(retriever, items, data):
    for candidate in retriever.retrieve(data.draw(queries(list(items)))).candidates:
        assert candidate.shares.keys() == candidate.channels.keys()
        for name, share in candidate.shares.items():
            part = DEFAULT_WEIGHTS[name] / (RRF_K + candidate.channels[name].rank)
            assert share == pytest.approx(part / candidate.score)
        assert sum(candidate.shares.values()) == pytest.approx(1 if candidate.channels else 0)


def test_a_channel_without_weight_has_no_share(retriever):
    alone = Retriever(retriever.index, {"dense": 1.0, "bm25": 0.0})
    for candidate in alone.retrieve(Query("a quiet film", k=5)).candidates:
        assert "bm25" not in candidate.shares


def test_neighbours_from_a_log_are_a_channel_of_their_own(movies, retriever):
    ids = sorted(movies.items)
    neighbours, weights = (
        np.array([[1, 2], [0, -1], [0, 3], [2, -1]], np.int32),
        np.array([[0.5, 0.4], [0.5, 0], [0.4, 0.3], [0.3, 0]]),
    )
    log = ItemItemIndex(ids[:4], neighbours, weights.astype(np.float32))
    taught = Retriever(dataclasses.replace(movies, collaborative=log))
    query = Query("something", liked=(ids[0],), exclude=frozenset([ids[0]]), k=10)
    found = {c.item.id: c for c in taught.retrieve(query).candidates}
    assert {i: c.channels["collaborative"].rank for i, c in found.items() if "collaborative" in c.channels} == {
        ids[1]: 1,
        ids[2]: 2,
    }
    for silent in (dataclasses.replace(query, liked=()), dataclasses.replace(query, liked=(ids[9],))):
        assert taught.retrieve(silent) == retriever.retrieve(silent)
    without = dataclasses.replace(query, exclude=frozenset(ids[:2]))
    assert ids[1] not in names(taught.retrieve(without))


def names(found):
    return [candidate.item.id for candidate in found.candidates]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Spirited Away", "en", "spirited-away-2001"),
        ("千与千寻", "zh", "spirited-away-2001"),
        ("clownfish ocean son", "en", "finding-nemo-2003"),
    ],
)
def test_words_of_a_card_bring_the_item_to_the_top(retriever, text, language, expected):
    assert expected in names(retriever.retrieve(Query(text, language, k=5)))[:3]


def test_excluded_items_do_not_come_back(retriever):
    first = names(retriever.retrieve(Query("a quiet film by the sea", k=10)))
    second = names(retriever.retrieve(Query("a quiet film by the sea", k=10, exclude=frozenset(first))))
    assert not set(first) & set(second)


def test_constraints_are_relaxed_with_a_note_when_nothing_keeps_them(retriever, movies_domain):
    impossible = Constraint("people", "includes", "Nobody At All", "by Nobody")
    possible = Constraint("genres", "includes", "comedy", "a comedy")
    found = retriever.retrieve(Query("funny", constraints=(possible, impossible), k=5))
    assert found.relaxed == (impossible,)
    assert len(found.candidates) == 5
    assert all(satisfies(candidate.item, possible, movies_domain) for candidate in found.candidates)


def test_nothing_comes_back_when_everything_is_excluded(retriever, items):
    everything = Query("anything", exclude=frozenset(items))
    assert retriever.retrieve(everything).candidates == ()
    assert retriever.retrieve(everything).relaxed == ()


def test_exclusions_that_leave_nothing_leave_nothing(retriever, items):
    genres = sorted({str(genre) for item in items.values() for genre in item.values("genres")})
    found = retriever.retrieve(
        Query("anything", constraints=tuple(Constraint("genres", "excludes", genre) for genre in genres))
    )
    assert found.candidates == ()
    assert found.relaxed == ()


def test_one_director_comes_once_unless_people_were_asked_for(retriever):
    query = Query("films by Hayao Miyazaki, animation, flying and forests", k=5)
    directors = Counter(name for c in retriever.retrieve(query).candidates for name in c.item.values("directors"))
    assert max(directors.values()) == 1
    miyazaki = Constraint("people", "includes", "Hayao Miyazaki")
    asked = retriever.retrieve(Query("animation", constraints=(miyazaki,), k=4))
    assert all("Hayao Miyazaki" in candidate.item.values("directors") for candidate in asked.candidates)
    assert len(asked.candidates) == 4


def test_an_excluded_person_is_no_request_for_people(retriever):
    no_nolan = Constraint("people", "excludes", "Christopher Nolan")
    found = retriever.retrieve(Query("science fiction in space", constraints=(no_nolan,), k=8))
    directors = Counter(name for c in found.candidates for name in c.item.values("directors"))
    assert max(directors.values()) == 1


def test_liked_items_pull_and_their_channel_ranks_them_first(retriever):
    liked = "spirited-away-2001"
    found = retriever.retrieve(Query("", liked=(liked,), k=10))
    by_history = {candidate.item.id: candidate.channels["history"].rank for candidate in found.candidates}
    assert by_history[liked] == 1
    assert all("dense" not in candidate.channels for candidate in found.candidates)  # no words were said


def test_unknown_liked_and_disliked_ids_are_ignored(retriever):
    plain = retriever.retrieve(Query("quiet sea", k=5))
    odd = retriever.retrieve(Query("quiet sea", liked=("no-such-film",), disliked=("no-such-film",), k=5))
    assert odd == plain


def test_a_disliked_item_moves_away(retriever, items):
    liked, disliked = "spirited-away-2001", "princess-mononoke-1997"
    cartoons = (Constraint("genres", "includes", "animation"),)
    by_history = Retriever(retriever.index, {"history": 1.0}, trade_off=1.0)
    plain = names(by_history.retrieve(Query("", liked=(liked,), constraints=cartoons, k=len(items))))
    pushed = names(by_history.retrieve(Query("", liked=(liked,), disliked=(disliked,), constraints=cartoons, k=len(items))))
    assert pushed.index(disliked) > plain.index(disliked)


def test_soft_wishes_move_the_order_and_exclude_nothing(retriever, items):
    wish = Wish("moods", "scary")
    only = Retriever(retriever.index, {"dense": 0.0, "bm25": 0.0, "facets": 1.0}, trade_off=1.0)
    found = only.retrieve(Query("film", wishes=(wish,), k=5))
    assert all("scary" in candidate.item.values("moods") for candidate in found.candidates)
    holders = sum("scary" in item.values("moods") for item in items.values())
    assert len(retriever.retrieve(Query("film", wishes=(wish,), k=holders + 20)).candidates) == holders + 20


def test_a_rare_wish_counts_more_than_a_common_one(retriever, items):
    counts = Counter(str(mood) for item in items.values() for mood in item.values("moods"))
    (common, _), *_, (rare, _) = counts.most_common()
    both = {name: item for name, item in items.items() if common in item.values("moods") or rare in item.values("moods")}
    query = Query("", wishes=(Wish("moods", common), Wish("moods", rare)))
    search = channels.Search(retriever.index, query, np.array([name in both for name in items]))
    positions, found = channels.facets(search)
    scores = {list(items)[position]: score for position, score in zip(positions, found, strict=True)}
    just_common = [n for n, i in both.items() if common in i.values("moods") and rare not in i.values("moods")]
    just_rare = [n for n, i in both.items() if rare in i.values("moods") and common not in i.values("moods")]
    assert just_common
    assert just_rare
    assert scores[just_rare[0]] > scores[just_common[0]]


def test_earlier_wishes_count_less_than_the_last(retriever):
    now, before = "clownfish ocean son", "samurai village bandits"
    found = names(retriever.retrieve(Query(now, context=(before,), k=10)))
    assert found.index("finding-nemo-2003") < found.index("seven-samurai-1954")


def test_the_language_of_the_query_chooses_the_cards(retriever):
    watched = Watched(retriever.index.vectors)
    Retriever(dataclasses.replace(retriever.index, vectors=watched)).retrieve(Query("海边", "zh", k=3))
    assert [where for _, where in watched.asked] == [{"language": "zh"}]


def test_a_large_catalogue_is_searched_over_all_allowed_items(retriever, monkeypatch, items):
    query = Query("a quiet film by the sea", constraints=(Constraint("genres", "includes", "drama"),), k=10)
    expected = retriever.retrieve(query)
    monkeypatch.setattr(channels, "FETCH", len(items) - 1)  # a larger catalogue than is asked whole of the vector store
    exact = retriever.retrieve(query)
    assert names(exact) == names(expected)
    for a, b in zip(exact.candidates, expected.candidates, strict=True):
        assert a.channels["dense"].score == pytest.approx(b.channels["dense"].score, abs=1e-6)


def test_choosing_from_nothing_is_nothing(retriever):
    assert retriever.choose([], Query("", k=5)) == []


def test_choosing_by_relevance_alone_keeps_the_order_within_the_cap(retriever, items):
    films = [items[name] for name in ("spirited-away-2001", "my-neighbor-totoro-1988", "to-live-1994")]
    pool = [Candidate(film, score) for film, score in zip(films, (3.0, 2.0, 1.0), strict=True)]
    chosen = Retriever(retriever.index, trade_off=1.0).choose(pool, Query("", k=3))
    assert [c.item.id for c in chosen] == ["spirited-away-2001", "to-live-1994", "my-neighbor-totoro-1988"]


def test_a_catalogue_of_one_item_answers(movies_domain):
    film = Item("only", {"en": "Only"}, {"en": "The only film."}, {}, {})
    index = build_in_memory(movies_domain, [film], HashingEmbedder(), InMemoryVectorStore())
    found = Retriever(index).retrieve(Query("anything at all", k=3))
    assert names(found) == ["only"]
    assert np.isfinite(found.candidates[0].score)


class Watched:
    """A vector store that notes how it is asked."""

    def __init__(self, store):
        self._store, self.asked = store, []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def search(self, vector, k, where=None):
        self.asked.append((k, where))
        return self._store.search(vector, k, where)


@pytest.fixture
def large(retriever, monkeypatch):
    """The films as if they were too many to be compared one by one or asked of the vector store whole."""
    monkeypatch.setattr(channels, "EXACT_LIMIT", 0)
    monkeypatch.setattr(channels, "SCARCE_LIMIT", 0)
    monkeypatch.setattr(channels, "FETCH", 30)
    monkeypatch.setattr(channels, "CHANNEL_LIMIT", 10)
    return Retriever(dataclasses.replace(retriever.index, vectors=Watched(retriever.index.vectors)))


def test_more_is_fetched_once_when_constraints_leave_too_few_neighbours(large, items):
    query = Query("a quiet film by the sea", constraints=(Constraint("genres", "includes", "western"),), k=3)
    large.retrieve(query)
    assert [k for k, _ in large.index.vectors.asked] == [30, 120]
    large.index.vectors.asked.clear()
    found = large.retrieve(dataclasses.replace(query, constraints=()))
    assert [k for k, _ in large.index.vectors.asked] == [30]
    assert all("dense" not in c.channels or c.channels["dense"].rank <= 10 for c in found.candidates)


def test_where_few_are_allowed_all_of_them_are_compared(large, retriever, monkeypatch):
    query = Query("a quiet film by the sea", constraints=(Constraint("genres", "includes", "western"),), k=3)
    monkeypatch.setattr(channels, "SCARCE_LIMIT", 100)
    found = large.retrieve(query)
    assert large.index.vectors.asked == []
    assert found.candidates
    monkeypatch.setattr(channels, "FETCH", 10**6)
    assert names(found) == names(retriever.retrieve(query))


def test_a_large_catalogue_is_not_filtered_by_the_vector_store(large, retriever, monkeypatch):
    query = Query("海边", "zh", k=3)
    expected = retriever.retrieve(query)
    monkeypatch.setattr(channels, "WHERE_LIMIT", 0)
    monkeypatch.setattr(channels, "FETCH", 10**6)
    found = large.retrieve(query)
    assert [where for _, where in large.index.vectors.asked] == [None]
    assert found == expected


@given(
    st.lists(st.tuples(st.text(max_size=3), st.sampled_from([0.0, 0.25, 0.5, 1.0])), unique_by=lambda pair: pair[0]),
    st.integers(1, 12),
)
def test_the_best_are_those_that_a_ranking_of_all_begins_with(movies_domain, pairs, limit):
    ids = [name for name, _ in pairs]
    ranks = FacetColumns({name: Item(name, {}, {}, {}, {}) for name in ids}, movies_domain).id_ranks
    scores = np.array([score for _, score in pairs])
    positions, kept = channels.best(np.arange(len(ids), dtype=np.int32), scores, ranks, limit)
    expected = ranking(dict(pairs), limit)
    assert [(ids[n], score) for n, score in zip(positions, kept, strict=True)] == [(i, e.score) for i, e in expected.items()]


def test_an_item_that_breaks_a_promise_is_not_shown_whatever_the_masks_say(movies):
    class Broken(FacetColumns):
        def mask(self, constraint):
            return np.ones(len(self), dtype=bool)

    index = dataclasses.replace(movies)
    object.__setattr__(index, "columns", Broken(movies.items, movies.domain))
    no_drama = Constraint("genres", "excludes", "drama")
    for candidate in Retriever(index).retrieve(Query("a sad family drama", constraints=(no_drama,), k=10)).candidates:
        assert satisfies(candidate.item, no_drama, movies.domain)


def test_rows_of_vectors_answer_as_the_store_does(movies, retriever, monkeypatch):
    ids = list(movies.items)
    rows = {language: movies.vectors_of(ids, language) for language in movies.domain.card_languages}
    monkeypatch.setattr(channels, "FETCH", 10)
    query = Query("a quiet film by the sea", liked=(ids[3],), constraints=(Constraint("year", "min", 1990),), k=8)
    with_rows = Retriever(dataclasses.replace(movies, rows=rows)).retrieve(query)
    assert names(with_rows) == names(retriever.retrieve(query))


HORROR, MUSICAL = ("psycho-1960", "the-shining-1980"), ("la-la-land-2016", "singin-in-the-rain-1952")


def test_several_interests_each_have_their_places_where_nothing_is_asked_for(retriever):
    liked = (*HORROR, *MUSICAL)
    both = Query("", liked=liked, exclude=frozenset(liked), interests=(HORROR, MUSICAL), k=4)
    search = Search(retriever.index, both, retriever.index.columns.without(liked))
    assert search.tastes.shape[0] == 2
    means = np.stack([retriever.index.vectors_of(group, "en").mean(axis=0) for group in (HORROR, MUSICAL)])
    found = retriever.retrieve(both).candidates
    nearest = (retriever.index.vectors_of([c.item.id for c in found], "en") @ means.T).argmax(axis=1).tolist()
    assert sorted(nearest) == [0, 0, 1, 1]
    wished = replace(both, text="a scary film")
    assert Search(retriever.index, wished, search.allowed).tastes.shape[0] == 1  # a wish attends to what it is like


def test_of_what_there_was_much_of_lately_a_reply_has_one(retriever, items):
    query = Query("scary horror", k=5)
    usual = retriever.retrieve(query).candidates
    assert sum("horror" in c.item.values("genres") for c in usual) > 1
    found = retriever.retrieve(replace(query, sated=(("genres", "horror"),))).candidates
    assert sum("horror" in c.item.values("genres") for c in found) <= 1


def test_a_portrait_is_searched_by_where_nothing_was_said(retriever):
    assert not retriever.retrieve(Query("", k=3)).candidates[0].channels
    found = retriever.retrieve(Query("", portrait="scary, horror", k=3)).candidates
    assert {"dense", "bm25"} & set(found[0].channels)
    same = retriever.retrieve(Query("a quiet film", portrait="scary, horror", k=3))
    assert same == retriever.retrieve(Query("a quiet film", k=3))


def test_calibrated_lists_follow_the_kinds_that_are_liked(retriever):
    liked = (*HORROR, *MUSICAL)
    query = Query("", liked=liked, exclude=frozenset(liked), k=8)
    wanted = shares([retriever.index.items[i].values("genres") for i in liked])

    def distance(weight):
        found = replace(retriever, calibration=weight).retrieve(query).candidates
        return miscalibration(wanted, shares([c.item.values("genres") for c in found]))

    assert distance(0.9) < distance(0.0)
