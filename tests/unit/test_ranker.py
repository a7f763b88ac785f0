import numpy as np
import pytest

from retrieval.item_table import ItemTable
from retrieval.rank_features import RankFeatures, RankInput
from retrieval.ranker import LearnedRanker
from retrieval.types import Item


def film(item_id, title, **facets):
    return Item(item_id, {"en": title}, {}, facets, {})


@pytest.fixture
def features(movies_domain):
    items = [
        film("a", "Alien", year=1979, genres=("horror", "science-fiction"), directors=("Ridley Scott",)),
        film("b", "Aliens", year=1986, genres=("action", "science-fiction")),
        film("c", "Heat", genres=("crime",)),
        film("d", "Blade Runner", year=1982, genres=("science-fiction",), directors=("Ridley Scott",)),
    ]
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], np.float32)
    return RankFeatures(ItemTable(items, movies_domain), ("dense",), {"vectors": vectors}, {"popularity": np.arange(4.0)})


def test_features_by_hand(features):
    query = RankInput({"dense": np.array([0.1, np.nan, 0.3, 0.2])}, np.array([1, 0], np.int32), [("genres", "crime")], 2)
    rows = features.matrix(query, np.array([1, 2, 3], np.int32))
    column = dict(zip(features.names, rows.T, strict=True))
    assert np.allclose(column["dense.score"], [np.nan, 0.3, 0.2], equal_nan=True)
    assert np.allclose(column["dense.rank"], [np.nan, 0, np.log(2)], equal_nan=True)
    assert np.allclose(column["vectors.last"], [0.8, 0, 0.6])
    assert np.allclose(column["vectors.max"], [1, 0.6, 0.96])
    assert np.allclose(column["vectors.mean"], [(0.8 * 1 + 0.8) / 1.8, 0.8 * 0.6 / 1.8, (0.8 * 0.96 + 0.6) / 1.8])
    assert column["genres.last"].tolist() == [1, 0, 1]
    assert column["directors.max"].tolist() == [0, 0, 1]
    assert column["genres.wished"].tolist() == [0, 1, 0]
    assert np.allclose(column["year.mean"], [3.5, np.nan, 0.5], equal_nan=True)
    assert np.allclose(column["year.last"], [7, np.nan, 3], equal_nan=True)
    assert column["popularity"].tolist() == [1, 2, 3]
    assert column["popularity.liked"].tolist() == [0.5] * 3
    assert (column["liked"][0], column["wishes"][0], column["turns"][0]) == (2, 1, 2)


def test_nothing_liked_and_absent_channels_are_unknown(features):
    rows = features.matrix(RankInput({}, np.array([], np.int32)), np.array([0, 2], np.int32))
    column = dict(zip(features.names, rows.T, strict=True))
    assert rows.shape == (2, len(features.names))
    assert np.isnan([column["dense.score"], column["vectors.max"], column["genres.last"], column["year.mean"]]).all()


def training_data(queries=80):
    random = np.random.default_rng(3)
    features = [random.normal(size=(20, 3)).astype(np.float32) for _ in range(queries)]
    return features, [rows[:, 1] == rows[:, 1].max() for rows in features]


def test_it_learns_says_why_and_survives_the_disk(tmp_path):
    features, relevant = training_data()
    ranker = LearnedRanker.fit(["noise", "signal", "other"], features, relevant, rounds=40)
    right = [rows[ranker.scores(rows).argmax(), 1] >= np.sort(rows[:, 1])[-3] for rows in training_data(20)[0]]
    assert np.mean(right) > 0.9
    assert next(iter(ranker.importance())) == "signal"
    assert sum(ranker.importance().values()) == pytest.approx(1)
    why = ranker.contributions(features[0])
    gap = ranker.scores(features[0]) - np.array([sum(c.values()) for c in why])
    assert np.allclose(gap, gap[0], atol=1e-4)  # all but the constant is explained
    ranker.save(tmp_path)
    assert np.array_equal(LearnedRanker.load(tmp_path).scores(features[0]), ranker.scores(features[0]))
    again = LearnedRanker.fit(["noise", "signal", "other"], features, relevant, rounds=40)
    assert np.array_equal(again.scores(features[0]), ranker.scores(features[0]))
