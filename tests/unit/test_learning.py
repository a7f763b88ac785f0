import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from chatbot.learning import dialogue_examples, log_examples, query_of, read_moments, train
from chatbot.lexicon import Lexicon
from retrieval.channels import Search, as_arrays, find_all
from retrieval.constraints import satisfies_all
from retrieval.dialogues import Dialogue, import_dialogues
from retrieval.errors import TrainingError
from retrieval.event_import import import_events
from retrieval.following import following_index
from retrieval.interactions import InteractionLog
from retrieval.learned_store import NAME, load_learned
from retrieval.mapping import EventMapping
from retrieval.retriever import Retriever
from retrieval.training import Example, Trainer, fold_of
from retrieval.types import Constraint, Query, Wish

TALKS = 120


def dialogues(ids):
    """In every dialogue who likes item 2n is recommended item 2n + 1, and then item 2n + 2."""
    for n in range(TALKS):
        k = 2 * (n % 30)
        yield {
            "id": str(n),
            "messages": [
                {"speaker": "user", "text": "I liked this one, a comedy please", "items": [ids[k]]},
                {"speaker": "assistant", "text": "Then see this.", "items": [ids[k + 1]]},
                {"speaker": "user", "text": "And another?"},
                {"speaker": "assistant", "text": "Yes.", "items": [ids[k + 2]]},
            ],
        }


@pytest.fixture(scope="module")
def folder(movies, tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    path = folder / "talks.jsonl"
    path.write_text("".join(json.dumps(d) + "\n" for d in dialogues(list(movies.items))), encoding="utf-8")
    import_dialogues(path, folder, set(movies.items))
    return folder


@pytest.fixture(scope="module")
def training(movies, folder):
    return train(read_moments(movies, folder), folder, lambda _stage, _fraction: None)


@pytest.fixture(scope="module")
def taught(movies, folder, training):
    return replace(movies, learned=load_learned(movies, folder))


def test_a_dialogue_gives_an_example_for_every_new_item(movies):
    ids = list(movies.items)
    lexicon = Lexicon(movies.domain, movies.items.values())
    found = list(dialogue_examples([Dialogue.model_validate(next(dialogues(ids)))], lexicon))
    assert [(e.query.liked, e.targets, e.ranked) for e in found] == [
        ((), (ids[0],), False),
        ((ids[0],), (ids[1],), True),
        ((ids[0], ids[1]), (ids[2],), True),
    ]
    assert found[2].query.text == "And another?"
    assert found[2].query.context[0] == "Then see this."
    assert Wish("genres", "comedy") in found[2].query.wishes


def test_wishes_are_read_in_both_languages(movies):
    lexicon = Lexicon(movies.domain, movies.items.values())
    assert Wish("genres", "comedy") in query_of(["来一部喜剧"], (), lexicon).wishes
    assert query_of(["来一部喜剧"], (), lexicon).language == "zh"
    assert query_of([], (), lexicon).text == ""


def test_it_learns_what_the_dialogues_teach(movies, taught, training):
    assert training.source == "dialogues"
    assert training.ranked
    assert sum(training.importance.values()) == pytest.approx(1)
    ids = list(movies.items)
    lexicon = Lexicon(movies.domain, movies.items.values())
    places, before = [], []
    for k in range(0, 60, 6):
        query = query_of(["I liked this one, a comedy please"], [ids[k]], lexicon)
        query = replace(query, k=20)
        for index, found in ((taught, places), (movies, before)):
            ranked = [c.item.id for c in Retriever(index, trade_off=1.0).retrieve(query).candidates]
            found.append(ranked.index(ids[k + 1]) if ids[k + 1] in ranked else 20)
    assert np.mean(places) < 5 < np.mean(before)


def test_every_candidate_says_what_moved_it(taught, movies):
    query = Query("a comedy", liked=(next(iter(movies.items)),), k=5)
    first = Retriever(taught).retrieve(query).candidates
    assert all(c.contributions for c in first)
    assert {"interest", "comention", "popularity"} <= {name for c in first for name in c.channels}
    again = Retriever(taught).retrieve(query).candidates
    assert [(c.item.id, c.score) for c in first] == [(c.item.id, c.score) for c in again]


def test_a_share_is_for_items_that_nobody_used_yet(taught, movies):
    ids = list(movies.items)
    query = Query("a comedy", liked=(ids[0],), constraints=(Constraint("genres", "excludes", "horror"),), k=10)
    proved = Retriever(taught, explore=0.0).retrieve(query).candidates
    shared = Retriever(taught, explore=0.2).retrieve(query).candidates
    unproved = taught.learned.unproved
    assert len(unproved) > 300
    assert sum(c.item.id in unproved for c in shared) >= 2
    assert len({c.item.id for c in shared}) == len(shared) == 10
    assert not any("horror" in c.item.values("genres") for c in shared)
    assert [c.item.id for c in shared][:8] == [c.item.id for c in proved][:8]


def test_what_follows_is_added_to_the_learned_order_where_nothing_is_asked(taught):
    ids = list(taught.items)
    walk = ids[100:108]
    index = replace(taught, following=following_index(ids, [np.arange(100, 108, dtype=np.int32)] * 30))
    query = Query("", recent=tuple(walk[:4]), liked=tuple(walk[:4]), exclude=frozenset(walk[:4]), k=10)

    def places(index, query):
        found = [c.item.id for c in Retriever(index).retrieve(query).candidates]
        return [found.index(item) if item in found else 99 for item in walk[4:6]]

    assert sum(places(index, query)) < sum(places(taught, query))
    assert min(places(index, query)) < 3
    asked = replace(query, text="a comedy from the forties")
    assert sum(places(index, asked)) > sum(places(index, query))  # a wish is answered by the learned order alone


@pytest.mark.parametrize("text", ["a comedy", "一部喜剧", ""])
def test_constraints_hold_under_the_learned_order(taught, movies, text):
    ids = list(movies.items)
    constraints = (Constraint("genres", "excludes", "comedy"), Constraint("year", "min", 1990))
    query = Query(text, liked=(ids[0], ids[2]), constraints=constraints, exclude=frozenset(ids[:50]), k=30)
    found = Retriever(taught).retrieve(query)
    assert len(found.candidates) == 30
    assert not found.relaxed
    assert all(satisfies_all(c.item, constraints, movies.domain) for c in found.candidates)
    assert not {c.item.id for c in found.candidates} & query.exclude


def test_what_was_learned_serves_a_catalogue_that_grew(movies, folder, training):
    items = dict(list(movies.items.items())[5:])
    fresh = replace(next(iter(items.values())), id="fresh")
    smaller = replace(movies, items={"fresh": fresh, **items}, rows={"en": movies.vectors_of([fresh_id(items), *items], "en")})
    learned = load_learned(smaller, folder)
    search = Search(smaller, Query("a comedy"), smaller.columns.without(()), learned)
    scores = as_arrays(find_all(search), len(smaller.items))["interest"]
    assert np.isfinite(scores).all()


def fresh_id(items):
    return next(iter(items))


def test_another_embedder_is_refused(movies, folder, training, caplog):
    meta = json.loads((folder / f"{NAME}.json").read_text())
    other = folder.parent / "other"
    shutil.copytree(folder, other)
    (other / f"{NAME}.json").write_text(json.dumps({**meta, "embedder": "another"}))
    assert load_learned(movies, other) is None
    assert "train-ranker" in caplog.text


def test_learning_again_replaces_and_leaves_one_folder(movies, folder, training):
    train(read_moments(movies, folder), folder, lambda _stage, _fraction: None)
    assert len(list(folder.glob(f"{NAME}-*"))) == 1
    assert load_learned(movies, folder) is not None


def test_nothing_to_learn_from_is_said(movies, tmp_path):
    with pytest.raises(TrainingError, match="import-dialogues"):
        train(read_moments(movies, tmp_path), tmp_path, lambda _stage, _fraction: None)


def test_few_dialogues_teach_channels_but_no_order(movies):
    ids = list(movies.items)
    examples = [Example("a", Query("hi", liked=(ids[0],)), (ids[1],))]
    learned = Trainer(movies).train(examples)
    assert learned.ranker is None
    assert learned.popularity.sum() == 1


def test_a_log_alone_teaches_the_order(movies, tmp_path):
    ids = list(movies.items)
    rows = ["user,item,rating,time"]
    for person in range(220):
        k = 3 * (person % 40)
        rows += [f"p{person},{ids[k + n]},5,{person * 10 + n}" for n in (0, 1, 2)]
    log = tmp_path / "ratings.csv"
    log.write_text("\n".join(rows) + "\n", encoding="utf-8")
    spec = EventMapping(user="user", item="item", kind="rated", value="rating", time="time", scale=(1, 5))
    import_events(log, spec, tmp_path / "interactions", set(ids), {}, lambda _f: None, spec.off)
    examples = list(log_examples(InteractionLog(tmp_path / "interactions"), "en"))
    assert len(examples) == 220
    first = next(e for e in examples if e.group == "p1")
    assert (first.query.liked, first.targets) == ((ids[3], ids[4]), (ids[5],))
    done = train(read_moments(movies, tmp_path), tmp_path, lambda _stage, _fraction: None)
    assert (done.source, done.ranked) == ("log", True)


def test_a_group_is_in_one_fold_only():
    assert {fold_of(str(n), 4) for n in range(50)} == {0, 1, 2, 3}
    assert fold_of("a", 4) == fold_of("a", 4)
