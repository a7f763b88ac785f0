"""Short noun phrases out of a model's answer, each of which rests on the text that it read. Pure functions."""

from __future__ import annotations

import importlib
import re
from typing import Any

from chatbot.types import Language
from retrieval.lexical import tokenize

MAX_WORDS = {"en": 4, "zh": 7}  # words; characters in Chinese
MIN_CHARACTERS = {"en": 4, "zh": 2}
_BETWEEN = re.compile(r"[,，、;；\n。|]|\.(?=\s|$)|\s+and\s+(?=the\b|a\b|an\b)")
_EDGES = " \t-–—*•·\"'“”‘’「」《》()（）:："
_LEADING = re.compile(r"(?:(?:and|about|the|a|an|its|his|her|their)\s+)+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_ZH = re.compile(r"[了着过被把]|^[的和与]|[的和与]$")  # a clause and no name of a thing
_SENTENCE_EN = re.compile(r"\b(?:is|are|was|were|has|have|had|who|that|which|he|she|they|it|to)\b", re.IGNORECASE)


def phrases_of(answer: str, text: str, language: Language, *, whole: bool = True) -> tuple[str, ...]:
    """Return the usable phrases of a list that a model wrote, in its order, each once.

    Dropped are sentences, names, numbers, what is too long, and what shares no content word with the text.

    Args:
        answer: what the model said.
        text: what it read.
        language: of both.
        whole: False while the last phrase may go on.
    """
    pieces = _BETWEEN.split(answer)
    known = set(tokenize(text))
    spelled = set(_WORD.findall(text))
    found: dict[str, frozenset[str]] = {}
    for piece in pieces if whole else pieces[:-1]:
        phrase = _LEADING.sub("", piece.strip(_EDGES), count=1) if language == "en" else piece.strip(_EDGES)
        tokens = frozenset(token for token in tokenize(phrase) if language == "en" or len(token) > 1)
        if not tokens & known or not _is_short_noun(phrase, language) or _is_name(phrase, spelled, language):
            continue
        if not any(tokens <= earlier or tokens >= earlier for earlier in found.values()):
            found[phrase.lower() if language == "en" else phrase] = tokens
    return tuple(found)


def _is_short_noun(phrase: str, language: Language) -> bool:
    if len(phrase) < MIN_CHARACTERS[language] or phrase[0].isdigit():
        return False
    if language == "zh":
        return len(phrase) <= MAX_WORDS["zh"] and not _SENTENCE_ZH.search(phrase)
    return len(phrase.split()) <= MAX_WORDS["en"] and not _SENTENCE_EN.search(phrase)


def _is_name(phrase: str, spelled: set[str], language: Language) -> bool:
    """Whether a phrase ends in somebody's or some place's name ("psychologist Kris Kelvin"); "French dinner" does not."""
    if language == "zh":
        words: list[tuple[str, str]] = _tagger().tag(phrase, True)
        return words[-1][1].startswith(("nr", "ns", "nz"))
    last = _WORD.findall(phrase)[-1]
    return last[0].isupper() and last.lower() not in spelled


def _tagger() -> Any:
    return importlib.import_module("rjieba")
