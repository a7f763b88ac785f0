"""Names of conversations, and how conversations are found by words. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from chatbot.store.base import too_long
from chatbot.types import MAX_TITLE


def read_title(title: str) -> str:
    """Return a title as it is kept: without white space around it.

    Raises:
        StoreError: it is longer than :data:`MAX_TITLE`.
    """
    title = title.strip()
    if len(title) > MAX_TITLE:
        raise too_long(len(title), MAX_TITLE)
    return title


def fold(text: str) -> str:
    """Return a text as it is compared: NFKC and case-folded, which makes full-width letters and capitals alike."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def split_words(words: str) -> frozenset[str]:
    """Return the folded words of a search; Chinese has no spaces, so there a word may be a whole clause."""
    return frozenset(fold(words).split())


def lacking(words: Iterable[str], *texts: str) -> frozenset[str]:
    """Return those of some folded words that stand in none of the texts; part of a text's word is enough."""
    folded = [fold(text) for text in texts]
    return frozenset(word for word in words if not any(word in text for text in folded))


def shown_texts(record: Mapping[str, Any]) -> list[str]:
    """Return what a turn's record says that the person saw: titles of items, the opening, the reply."""
    parts = [record.get("opening"), record.get("reply"), *(item.get("title") for item in record.get("items") or ())]
    return [str(part) for part in parts if part]
