"""What every Embedder must do: words hashed, a sentence-transformers folder, the default ONNX file, and each remembered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from chatbot.llm.weights import resolve
from retrieval.embedder import HashingEmbedder, SentenceTransformerEmbedder
from retrieval.embedding_cache import CachedEmbedder

TEXTS = [
    "A quiet film about an old man who plants a garden by the sea.",
    "一部安静的电影：老人在海边种下一片花园。",
    "A gang robs a bank and everything goes wrong.",
    "",
    "🎬🍿 films",
    "Amélie, 千与千寻 and Schindler's List in one wish",
]
VOCABULARY = (
    "a quiet film about an old man who plants garden by the sea gang robs bank and everything goes wrong films in one wish"
)


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory):
    """A sentence-transformers folder made here: a word table of 16 random dimensions."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    torch.manual_seed(0)
    words = {word: n for n, word in enumerate(["[UNK]", *dict.fromkeys(VOCABULARY.split())])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    folder = tmp_path_factory.mktemp("embedders") / "tiny"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=16)], device="cpu").save(str(folder))
    return folder


@pytest.fixture(scope="session")
def hashing():
    return HashingEmbedder()


@pytest.fixture(scope="session")
def small(small_folder):
    return SentenceTransformerEmbedder(small_folder)


@pytest.fixture(scope="session")
def default(weights_folder):
    return SentenceTransformerEmbedder(resolve("default", "embedder", weights_folder), name="use-multilingual-v3")


REAL = ["hashing", "small", pytest.param("default", marks=pytest.mark.model)]


@pytest.fixture(params=REAL)
def wrapped(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["as it is", "remembered"])
def embedder(request, wrapped):
    return wrapped if request.param == "as it is" else CachedEmbedder(wrapped, size=4)


@pytest.fixture(params=["embed_queries", "embed_items"])
def embed(request, embedder):
    return getattr(embedder, request.param)


@pytest.mark.parametrize("count", [0, 1, len(TEXTS)])
def test_rows_are_float32_one_a_text_and_of_unit_length(embed, count):
    rows = embed(TEXTS[:count])
    width = embed(["a"]).shape[1]
    assert rows.dtype == np.float32
    assert rows.shape == (count, width)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_queries_and_items_have_one_dimension(embedder):
    assert embedder.embed_queries(["sea"]).shape[1] == embedder.embed_items(["sea"]).shape[1]


def test_the_same_texts_give_the_same_rows(embed):
    np.testing.assert_array_equal(embed(TEXTS), embed(TEXTS))


def test_a_query_is_the_same_to_the_bit_alone_and_beside_others(embedder):
    together = embedder.embed_queries(TEXTS * 2)
    for row, text in zip(together, TEXTS * 2, strict=True):
        np.testing.assert_array_equal(embedder.embed_queries([text])[0], row)


def test_what_is_remembered_is_what_the_embedder_gives_to_the_bit(wrapped):
    told: list[bool] = []
    cached = CachedEmbedder(wrapped, told.append, size=4)
    alone = {text: wrapped.embed_queries([text])[0] for text in TEXTS}
    for asked in (TEXTS[:2], TEXTS[:2], TEXTS, TEXTS[::-1], [TEXTS[0]], TEXTS[:2]):
        rows = cached.embed_queries(asked)
        np.testing.assert_array_equal(rows, np.stack([alone[text] for text in asked]))
        rows[:] = 7  # who gets rows may change them
        assert len(cached) <= 4
    assert told[:4] == [False, False, True, True]
    assert len(told) == 2 + 2 + 6 + 6 + 1 + 2
    np.testing.assert_array_equal(cached.embed_items(TEXTS), wrapped.embed_items(TEXTS))
    assert cached.fingerprint == wrapped.fingerprint


def test_many_threads_at_one_cache_get_their_own_vectors():
    hits: list[bool] = []
    plain = HashingEmbedder()
    cached = CachedEmbedder(plain, hits.append, size=8)
    texts = [f"wish number {n % 16} 愿望" for n in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda text: cached.embed_queries([text])[0], texts))
    np.testing.assert_array_equal(np.stack(rows), plain.embed_queries(texts))
    assert len(hits) == 2000
    assert len(cached) == 8


def test_the_longest_unused_is_forgotten_first():
    hits: list[bool] = []
    cached = CachedEmbedder(HashingEmbedder(), hits.append, size=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        cached.embed_queries([text])
    assert hits == [False, False, True, False, True, False]
    with pytest.raises(ValueError, match="remember nothing"):
        CachedEmbedder(HashingEmbedder(), size=0)


def test_a_text_alone_and_in_a_batch_points_the_same_way(embed):
    together = embed(TEXTS)
    for row, text in zip(together, TEXTS, strict=True):
        assert float(embed([text])[0] @ row) > 0.98


def test_rows_keep_the_order_of_the_texts(embed):
    # batches are sorted by length inside: long, short and middle must come back in their places
    texts = ["sea", TEXTS[0] * 3, "old man", TEXTS[2]]
    forward, backward = embed(texts), embed(texts[::-1])[::-1]
    assert np.min(np.sum(forward * backward, axis=1)) > 0.98


def test_more_texts_than_one_batch_are_all_embedded(embed):
    texts = [f"film number {n} about the sea" for n in range(70)]
    rows = embed(texts)
    assert len(rows) == 70
    assert float(rows[69] @ embed([texts[69]])[0]) > 0.98


@pytest.mark.parametrize("text", ["", "   ", "🎬🎬🎬", "?!", "\x00", "片" * 20_000, "a quiet film " * 1540])
def test_odd_texts_still_give_one_direction(embed, text):
    rows = embed([text])
    assert np.isfinite(rows).all()
    assert float(np.linalg.norm(rows[0])) == pytest.approx(1.0, abs=1e-5)


def test_a_text_is_nearest_to_itself(embedder):
    texts = [TEXTS[0], TEXTS[2]]
    scores = embedder.embed_queries(texts) @ embedder.embed_items(texts).T
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]


def test_the_fingerprint_names_model_and_dimension_and_stays(embedder):
    parts = embedder.fingerprint.split("/")
    assert str(embedder.embed_items(["a"]).shape[1]) in parts
    assert embedder.fingerprint == embedder.fingerprint


def test_different_models_and_dimensions_have_different_fingerprints(small):
    names = {HashingEmbedder().fingerprint, HashingEmbedder(128).fingerprint, small.fingerprint}
    assert len(names) == 3


def test_the_name_of_a_folder_is_in_its_fingerprint_unless_another_is_given(small, small_folder):
    assert small.fingerprint == "sentence-transformers/tiny/16/unit"
    assert SentenceTransformerEmbedder(small_folder, name="mine").fingerprint == "sentence-transformers/mine/16/unit"


@pytest.mark.model
@pytest.mark.parametrize(
    ("english", "chinese", "unrelated"),
    [
        ("a quiet film about an old man by the sea", "关于海边老人的安静电影", "黑帮抢劫银行，枪战不断"),
        ("funny animated adventure for children", "适合孩子看的搞笑动画冒险片", "沉重的战争纪录片"),
        ("two lovers who meet again after many years", "多年后重逢的恋人", "宇航员在太空站遇到外星生物"),
    ],
)
def test_the_default_puts_a_chinese_and_an_english_wish_of_one_meaning_together(default, english, chinese, unrelated):
    wish, same, other = default.embed_queries([english, chinese, unrelated])
    assert wish @ same > wish @ other + 0.1
    assert same @ wish > same @ other


@pytest.mark.model
def test_the_default_reads_the_first_part_of_a_very_long_text(default):
    long = TEXTS[0] + " " + "x" * 20_000
    np.testing.assert_array_equal(default.embed_items([long]), default.embed_items([long + " and more"]))
