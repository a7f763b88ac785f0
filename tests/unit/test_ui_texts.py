from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import retrieval
from chatbot.ui.texts import choose_language, error_text, languages, load_texts, text
from retrieval.errors import CatalogError, MessageError, ZhiyinError

ROOT = Path(retrieval.__file__).parents[1]


def placeholders(words):
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


def test_every_language_has_the_same_keys_and_placeholders():
    english = load_texts("en")
    assert languages()[0] == "en"
    assert "zh" in languages()
    for language in languages():
        texts = load_texts(language)
        assert set(texts) == set(english)
        assert {key: placeholders(words) for key, words in texts.items()} == {k: placeholders(w) for k, w in english.items()}


def test_every_error_key_of_the_code_has_a_text():
    sources = [path for name in ("chatbot", "retrieval", "prompts") for path in (ROOT / name).rglob("*.py")] + [
        *ROOT.glob("app.py")
    ]
    keys = {key for path in sources for key in re.findall(r'key="(error_\w+)"', path.read_text(encoding="utf-8"))}
    assert keys
    assert keys <= set(load_texts("en"))


@pytest.mark.parametrize(
    ("locale", "language"), [("zh-Hans-CN", "zh"), ("zh_TW", "zh"), ("en-GB", "en"), ("fr-FR", "en"), (None, "en"), ("", "en")]
)
def test_the_language_is_the_nearest(locale, language):
    assert choose_language(locale) == language


@pytest.mark.parametrize("language", ["en", "zh"])
def test_errors_are_said_with_their_values(language):
    error = CatalogError("films.jsonl", 12, "year", "is not a number")
    assert "films.jsonl, line 12, field 'year'" in error_text(language, error)
    assert "5000" in error_text(language, MessageError("…", key="error_long", length=5000, limit=4000))


def test_values_are_not_read_as_placeholders():
    error = ZhiyinError("{message.__class__} {0}", key="error_generic")
    assert "{message.__class__} {0}" in error_text("zh", error)


def test_an_unknown_key_or_a_missing_value_falls_back_to_english():
    assert error_text("zh", ZhiyinError("Plain words.", key="error_unheard_of")) == "Plain words."
    assert error_text("zh", ZhiyinError("Plain words.", key="error_locked")) == "Plain words."


def test_a_missing_text_is_an_error():
    with pytest.raises(KeyError):
        text("en", "no_such_key")
