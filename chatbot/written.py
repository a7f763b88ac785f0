"""Titles, lists and small numbers as each language writes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatbot.types import Language
from retrieval.types import Item

_EN_NUMBERS = "no one two three four five six seven eight nine ten".split()
_ZH_NUMBERS = "零一两三四五六七八九十"
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)


def write_title(item: Item, language: Language) -> str:
    """Write a title as the language does: 《》 in Chinese, as it is in English."""
    title = item.title(language)
    return f"《{title}》" if language == "zh" else title


def join(words: Iterable[str], language: Language, last: str = "") -> str:
    """List words in a language."""
    words = list(dict.fromkeys(word for word in words if word))
    if language == "zh":
        if last == "or" and len(words) > 1:
            return "、".join(words[:-1]) + "或" + words[-1]
        return "".join(words) if words and all(w.startswith("《") for w in words) else "、".join(words)
    if last and len(words) > 1:
        return f"{', '.join(words[:-1])} {last} {words[-1]}"
    return ", ".join(words)


def write_count(n: int, language: Language) -> str:
    """Write a small number in words."""
    return _ZH_NUMBERS[n] if language == "zh" else _EN_NUMBERS[n]


def without_article(words: str) -> str:
    """Return words without the article they begin with: "no oven", and not "no an oven"."""
    return _ARTICLE.sub("", words)
