"""Short phrases out of what a model said, each held against the text that it should come from. Pure."""

from __future__ import annotations

import re

from chatbot.types import Language
from retrieval.lexical import tokenize

_PARTS = re.compile(r"[,，、;；\n]|\.(?=\s|$)|。")
_LONGEST = {"en": 45, "zh": 14}  # characters; what is longer is a sentence
_EDGES = " \t\"'“”‘’《》*-·:：."


def phrases_of(said: str, text: str, language: Language, *, whole: bool = True) -> tuple[str, ...]:
    """Return the phrases of a list whose words mostly stand in a text, in their order, each once.

    Args:
        said: phrases, parted by commas or their like.
        text: that they must come from: at least two thirds of a phrase's content words stand in it, by their stems.
        language: of both.
        whole: whether the last phrase is said to its end.
    """
    parts = _PARTS.split(said)
    known = set(tokenize(text))
    found: dict[str, str] = {}
    for part in parts if whole else parts[:-1]:
        phrase = part.strip(_EDGES)
        words = tokenize(phrase)
        if not words or len(phrase) > _LONGEST[language]:
            continue
        if 3 * sum(word in known for word in words) >= 2 * len(words):
            found.setdefault(phrase.lower(), phrase)
    return tuple(found.values())
