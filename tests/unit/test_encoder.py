from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse import linalg

from retrieval import encoder
from retrieval.encoder import InterestEncoder
from retrieval.encoder_training import EncoderTrainer, Pair, _Encoder, log_pairs
from retrieval.item_table import ItemTable

WISH = ("genres", "horror")


@pytest.fixture(scope="module")
def table(movies):
    return ItemTable(movies.items.values(), movies.domain)


@pytest.fixture(scope="module")
def vectors(movies, table):
    return movies.vectors_of(table.ids, "en")


def pairs_of(vectors, count=400):
    """Who likes item 2n comes to item 2n + 1; who says what item 5 says comes to item 9."""
    by_liked = [Pair(None, None, np.array([2 * (n % 40)], np.int32), (), 2 * (n % 40) + 1) for n in range(count)]
    by_words = [Pair(vectors[5], vectors[5], np.array([], np.int32), (WISH,), 199) for _ in range(count // 4)]
    return by_liked + by_words


@pytest.fixture(scope="module")
def trained(table, vectors):
    trainer = EncoderTrainer(table, vectors, [WISH])
    encoder, prior = trainer.train(pairs_of(vectors), np.zeros((len(table), 1), np.float32), epochs=8)
    return encoder, prior


def test_it_learns_from_what_is_liked_and_from_what_is_said(trained, table, vectors):
    items = trained[0].over(table, vectors, trained[1])
    none = np.zeros(vectors.shape[1], np.float32)
    for n in (0, 7, 30):
        scores = items.scores(none, none, np.array([2 * n], np.int32))
        scores[2 * n] = -np.inf
        assert scores.argmax() == 2 * n + 1
    assert items.scores(vectors[5], vectors[5], np.array([], np.int32), [WISH]).argmax() == 199


def test_the_answer_in_numpy_is_that_of_the_trained_module(trained, table, vectors):
    encoder, prior = trained
    module = _Encoder(torch.from_numpy(encoder.features.rows(table, vectors)), vectors.shape[1], 1, torch.zeros(len(table), 1))
    state = {f"{name}.weight" if name != "sharpness" else name: torch.from_numpy(w) for name, w in encoder.weights.items()}
    module.load_state_dict({**module.state_dict(), **state})
    module.eval()
    liked = np.array([3, 8, 20], np.int32)
    padded = torch.zeros(1, 10, dtype=torch.long)
    there = torch.zeros(1, 10)
    padded[0, -3:], there[0, -3:] = torch.from_numpy(liked).long(), 1
    message, last = torch.from_numpy(vectors[4:5]), torch.from_numpy(vectors[6:7])
    with torch.no_grad():
        expected = module(message, last, padded, there, torch.ones(1, 1))[0].numpy()
    found = encoder.over(table, vectors).scores(vectors[4], vectors[6], liked, [WISH, ("genres", "unknown")])
    assert np.allclose(found, expected, atol=1e-3)
    likelier = encoder.over(table, vectors, prior).scores(vectors[4], vectors[6], liked, [WISH])
    assert np.allclose(likelier, expected + prior, atol=1e-3)


def test_the_same_pairs_give_the_same_weights(table, vectors):
    def weights():
        trainer = EncoderTrainer(table, vectors, [WISH])
        return trainer.train(pairs_of(vectors, 40), np.zeros((len(table), 1), np.float32), epochs=1)[0].weights

    first, second = weights(), weights()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_it_survives_the_disk(trained, table, vectors, tmp_path):
    trained[0].save(tmp_path)
    loaded = InterestEncoder.load(tmp_path)
    ask = (vectors[4], vectors[6], np.array([3, 8], np.int32), [WISH])
    before, after = trained[0].over(table, vectors).scores(*ask), loaded.over(table, vectors).scores(*ask)
    assert np.allclose(before, after, atol=0.05)
    assert (np.argsort(-before)[:5] == np.argsort(-after)[:5]).all()


def test_it_serves_a_catalogue_it_never_saw(trained, movies):
    items = list(movies.items.values())
    fresh = replace(items[3], id="fresh", facets={**items[3].facets, "directors": ("Nobody Known",)})
    other = ItemTable([items[8], fresh, items[4]], movies.domain)
    cards = movies.embedder.embed_items([movies.domain.write_card(item, "en") for item in (items[8], fresh, items[4])])
    scores = trained[0].over(other, cards).scores(cards[0], cards[0], np.array([0], np.int32))
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()


def test_a_log_gives_pairs_of_one_persons_items():
    log = sparse.csr_matrix(np.array([[1, 1, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1]], np.float32))
    pairs = log_pairs(log, seed=1)
    assert len(pairs) == 2  # one for every three items; the second person has too few
    assert all({*pair.liked.tolist(), pair.target} <= set(range(6)) and pair.target not in pair.liked for pair in pairs)
    again = log_pairs(log, seed=1)
    assert [(p.liked.tolist(), p.target) for p in pairs] == [(p.liked.tolist(), p.target) for p in again]


def test_a_log_that_arpack_gives_up_on_is_decomposed_all_the_same(monkeypatch):
    cells = sparse.block_diag([np.full((8, 6), n + 1.0) for n in range(5)], format="csr")  # of rank five
    rows, columns = encoder._decompose(cells, 5)

    def give_up(*_, **__):
        raise linalg.ArpackNoConvergence("no", np.zeros(0), np.zeros(0))

    monkeypatch.setattr(encoder._LINALG, "svds", give_up)
    other_rows, other_columns = encoder._decompose(cells, 5)
    np.testing.assert_allclose(other_rows @ other_columns.T, rows @ columns.T, atol=1e-3)
