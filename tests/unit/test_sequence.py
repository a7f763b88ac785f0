"""The sequence model: what it learns, that NumPy answers what PyTorch would, and that a killed training goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from retrieval.collaborative import ItemItemIndex
from retrieval.errors import TrainingError
from retrieval.event_import import import_events
from retrieval.following import follow, following_index
from retrieval.interactions import InteractionLog
from retrieval.mapping import EventMapping
from retrieval.retriever import Retriever
from retrieval.sequence import LENGTH, SequenceModel
from retrieval.sequence_learning import learn_sequence
from retrieval.sequence_store import load_sequence, save_sequence
from retrieval.sequence_training import SelfAttention, SequenceSettings, SequenceTrainer
from retrieval.types import Query

N = 40
QUICK = SequenceSettings(width=16, blocks=2, dropout=0.1, rate=5e-3, epochs=12, patience=12, batch=32)


def walks(count=120, seed=0):
    """People who go round a circle of items, each from a start of their own: only the order says what comes next."""
    chance = np.random.default_rng(seed)
    return [((np.arange(chance.integers(5, 12)) + chance.integers(N)) % N).astype(np.int32) for _ in range(count)]


IDS = [f"item-{n}" for n in range(N)]


@pytest.fixture(scope="module")
def trained():
    return SequenceTrainer(IDS, walks(), QUICK).train()


def test_it_learns_what_comes_next(trained):
    model, quality = trained
    assert quality > 0.8
    for start in range(0, N, 7):
        rows = ((np.arange(5) + start) % N).astype(np.int32)
        scores = model.scores(rows)
        scores[rows] = -np.inf
        assert scores.argmax() == (start + 5) % N


def test_numpy_answers_what_pytorch_does(trained):
    model, _ = trained
    network = SelfAttention(N, QUICK)
    names = {f"{n}.weight" if n.rsplit(".", 1)[-1] in ("query", "key", "value") else n: w for n, w in model.weights.items()}
    network.load_state_dict({name: torch.from_numpy(w) for name, w in names.items()})
    network.eval()
    for length in (1, 2, 7, LENGTH, LENGTH + 5):
        rows = np.arange(length, dtype=np.int32) % N
        kept = torch.from_numpy(rows[-LENGTH:].astype(np.int64))[None]
        with torch.no_grad():
            expected = (network(kept, torch.ones_like(kept, dtype=torch.bool))[0, -1] @ network.items.T).numpy()
        assert np.allclose(model.scores(rows), expected, atol=1e-4)


def test_what_stands_beside_a_person_in_a_batch_changes_nothing():
    network = SelfAttention(N, QUICK).eval()
    rows = torch.tensor([[0, 0, 3, 4], [5, 6, 7, 8]])
    there = torch.tensor([[False, False, True, True], [True, True, True, True]])
    with torch.no_grad():
        alone = network(rows[:1, 2:], there[:1, 2:])[0, -1]
        assert torch.allclose(network(rows, there)[0, -1], alone, atol=1e-5)


def test_the_same_seed_gives_the_same_model_and_a_killed_training_goes_on_to_it(tmp_path):
    settings = replace(QUICK, epochs=5)
    whole, quality = SequenceTrainer(IDS, walks(), settings).train()
    path = tmp_path / "folder" / "checkpoint.pt"

    def kill(epoch, _quality):
        if epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SequenceTrainer(IDS, walks(), settings).train(path, kill)
    assert path.exists()
    seen = []
    model, again = SequenceTrainer(IDS, walks(), settings).train(path, lambda epoch, _: seen.append(epoch))
    assert seen == [4, 5]
    assert again == quality
    assert all(np.array_equal(model.weights[name], w) for name, w in whole.weights.items())
    assert not path.exists()


def test_a_checkpoint_of_other_data_is_not_gone_on_with(tmp_path):
    path = tmp_path / "checkpoint.pt"

    def kill(_epoch, _quality):
        raise KeyboardInterrupt

    trainer = SequenceTrainer(IDS, walks(), replace(QUICK, epochs=3))
    with pytest.raises(KeyboardInterrupt):
        trainer.train(path, lambda epoch, quality: kill(epoch, quality) if epoch == 2 else None)
    seen = []
    SequenceTrainer(IDS, walks(seed=1), replace(QUICK, epochs=3)).train(path, lambda epoch, _: seen.append(epoch))
    assert seen == [1, 2, 3]


def test_sampled_negatives_teach_too():
    _, quality = SequenceTrainer(IDS, walks(), replace(QUICK, negatives=8)).train()
    assert quality > 0.5


def test_it_stops_when_nothing_gets_better():
    chance = np.random.default_rng(0)
    noise = [chance.choice(N, 6, replace=False).astype(np.int32) for _ in range(60)]
    seen = []
    SequenceTrainer(IDS, noise, replace(QUICK, epochs=50, patience=2)).train(progress=lambda epoch, _: seen.append(epoch))
    assert len(seen) < 50


def test_it_comes_back_as_it_was(trained, tmp_path):
    model, _ = trained
    model.save(tmp_path)
    again = SequenceModel.load(tmp_path)
    rows = again.rows(["item-3", "unknown", "item-4"])
    assert rows.tolist() == [3, 4]
    assert np.array_equal(again.scores(rows), model.scores(rows))


@pytest.fixture
def chain(tmp_path, movies):
    """A log in which people go through forty films in one order, each from a start of their own."""
    ids = list(movies.items)[:N]
    rows = ["user,item,rating,time"]
    for n, walk in enumerate(walks(150)):
        rows += [f"u{n},{ids[item]},5,{1_000_000_000 + 86400 * day}" for day, item in enumerate(walk.tolist())]
    (tmp_path / "log.csv").write_text("\n".join(rows), encoding="utf-8")
    mapping = EventMapping(user="user", item=("item",), value="rating", kind="rated", scale=(1, 5), time="time")
    import_events(tmp_path / "log.csv", mapping, tmp_path / "interactions", set(ids), {}, lambda _: None)
    return tmp_path, ids


def test_where_order_says_more_what_helps_is_kept_and_becomes_a_channel(chain, movies):
    folder, ids = chain
    report = learn_sequence(
        ids, InteractionLog(folder / "interactions"), folder, lambda *_: None, width=16, epochs=10, rate=5e-3
    )
    assert min(report.quality["sequence"], report.quality["following"]) > report.quality["item-item"]
    best = report.used[0]
    assert report.quality[f"fused with {best}"] > report.quality["fused without"]
    model, following = load_sequence(folder)
    assert [p.name for p in folder.glob("training/*")] == []
    assert {"sequence": model, "following": following}[best] is not None
    kept = next(folder.glob("sequence-*"))
    save_sequence(SequenceModel.load(kept), ItemItemIndex.load(kept / "following"), folder, {}, ["following", "sequence"])
    model, following = load_sequence(folder)
    index = replace(movies, sequence=model, following=following)
    query = Query("", recent=tuple(ids[3:8]), exclude=frozenset(ids[3:8]), k=3)
    found = Retriever(index).retrieve(query).candidates
    assert found[0].item.id == ids[8]
    assert found[0].channels["sequence"].rank == found[0].channels["following"].rank == 1
    nobody = Query("", recent=("unknown",))
    channels = {c for r in Retriever(index).retrieve(nobody).candidates for c in r.channels}
    assert not {"sequence", "following"} & channels


def test_what_follows_is_counted_by_hand():
    people = [np.array([0, 1, 2], np.int32), np.array([0, 1], np.int32)]
    index = following_index(["a", "b", "c"], people)
    both, once = 1 / np.sqrt((2 + 10) * (2 + 10)), 1 / np.sqrt((2 + 10) * (1 + 10))
    assert index.scores(["a"]) == pytest.approx({"b": 2 * both, "c": once / 2})
    assert index.scores(["b"]) == pytest.approx({"a": 2 * both / 2, "c": once})  # what comes before counts half
    assert follow(index, ["a", "b"], ["a", "b"]) == pytest.approx({"c": once + once / 2 / 2})  # the last one counts most
    assert follow(index, ["nothing"]) == {}
    assert following_index([], []).scores(["a"]) == {}


def test_what_does_not_help_is_not_used(tmp_path, movies):
    ids = list(movies.items)[:N]
    chance = np.random.default_rng(0)
    rows = ["user,item,rating,time"]
    for n in range(60):
        rows += [
            f"u{n},{item},5,{1_000_000_000 + 86400 * day}" for day, item in enumerate(chance.choice(ids, 6, replace=False))
        ]
    (tmp_path / "log.csv").write_text("\n".join(rows), encoding="utf-8")
    mapping = EventMapping(user="user", item=("item",), value="rating", kind="rated", scale=(1, 5), time="time")
    import_events(tmp_path / "log.csv", mapping, tmp_path / "interactions", set(ids), {}, lambda _: None)
    report = learn_sequence(ids, InteractionLog(tmp_path / "interactions"), tmp_path, lambda *_: None, width=8, epochs=2)
    assert report.used == ()
    assert load_sequence(tmp_path) == (None, None)
    with pytest.raises(TrainingError, match="4 items"):
        learn_sequence(ids, InteractionLog(tmp_path / "absent"), tmp_path, lambda *_: None)


def test_sequences_leave_out_what_was_not_wanted(tmp_path):
    day = 1_000_000_000
    rows = "".join(f"u,{item},{rating},{day + n}\n" for n, (item, rating) in enumerate(("a5", "b1", "c4", "c5", "a5")))
    rows += f"v,b,4,{day}\n"
    (tmp_path / "log.csv").write_text(f"user,item,rating,time\n{rows}", encoding="utf-8")
    mapping = EventMapping(user="user", item=("item",), value="rating", kind="rated", scale=(1, 5), time="time")
    import_events(tmp_path / "log.csv", mapping, tmp_path / "i", {"a", "b", "c"}, {}, lambda _: None)
    assert list(InteractionLog(tmp_path / "i").sequences(batch=2)) == [("u", ["a", "c", "a"]), ("v", ["b"])]
