"""BM25: tokens of both languages, scores, saving and loading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.lexical import LexicalIndex, tokenize

DOCUMENTS = {
    "sea": "An old man plants a garden by the sea. 老人在海边种花。",
    "bank": "A gang robs a bank in Hong Kong. 黑帮在香港抢劫银行。",
    "garden": "Children run through gardens. 孩子们在花园里奔跑。",
}


@pytest.fixture
def index():
    return LexicalIndex.build(list(DOCUMENTS), list(DOCUMENTS.values()))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Running gardens", ["run", "garden"]),
        ("Café Amélie", ["cafe", "ameli"]),
        ("ＡＢＣ ２００１", ["abc", "2001"]),
        ("I want some more like the ones I loved", ["one"]),
        ("我想看一部", []),
        ("海边的老人", ["海边", "老人"]),
        ("看Interstellar那样的科幻", ["interstellar", "科幻"]),
        ("🎬 ... !?", []),
        ("", []),
    ],
)
def test_tokens_are_folded_stemmed_and_without_words_that_carry_no_wish(text, tokens):
    assert tokenize(text) == tokens


def test_long_chinese_words_are_also_found_by_their_parts():
    assert {"花样", "年华", "花样年华"} <= set(tokenize("花样年华"))


@given(st.text(max_size=60))
def test_tokens_of_any_text_are_words_without_spaces(text):
    assert all(token and not token.isspace() and " " not in token for token in tokenize(text))


@pytest.mark.parametrize(
    ("text", "best"), [("gardens by the sea", "sea"), ("银行 抢劫", "bank"), ("花园", "garden"), ("HONG KONG", "bank")]
)
def test_the_document_with_the_words_is_best(index, text, best):
    scores = index.scores(text)
    assert max(scores, key=lambda name: scores[name]) == best
    assert all(score > 0 for score in scores.values())


def test_only_documents_that_share_a_word_are_scored(index):
    assert set(index.scores("garden")) == {"sea", "garden"}
    assert set(index.scores("bank")) == {"bank"}


@pytest.mark.parametrize("text", ["", "the and of", "zzzunknown", "的", "🎬", "word " * 4000])
def test_a_text_without_a_known_word_scores_nothing(index, text):
    assert index.scores(text) == {}


def test_unknown_words_beside_known_ones_change_nothing(index):
    assert index.scores("bank zzzunknown") == pytest.approx(index.scores("bank"))


def test_a_document_without_a_word_is_indexed_and_never_found():
    index = LexicalIndex.build(["empty", "full"], ["", "garden"])
    assert list(index.scores("garden")) == ["full"]


def test_what_is_saved_and_loaded_scores_the_same_and_prints_nothing(index, tmp_path, capfd):
    index.save(tmp_path / "bm25")
    loaded = LexicalIndex.load(tmp_path / "bm25")
    for text in ("garden sea", "香港 银行", "nothing known", ""):
        assert loaded.scores(text) == pytest.approx(index.scores(text))
    assert capfd.readouterr() == ("", "")


def test_ids_of_any_script_survive_saving(tmp_path):
    LexicalIndex.build(["活着-1994 🎬"], ["garden"]).save(tmp_path / "bm25")
    assert list(LexicalIndex.load(tmp_path / "bm25").scores("garden")) == ["活着-1994 🎬"]
