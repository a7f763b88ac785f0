"""How old somebody says that they are, in English and Chinese. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from chatbot import numbers_en, numbers_zh

OwnAge: TypeAlias = "tuple[int, int, int]"  # years, start, end
_OLDEST = 120
_ENGLISH = re.compile(
    rf"\b(?:i['’]m|i am|im|we['’]re|we are)\s+(?:both |already |nearly |over |above )*({numbers_en.NUMBER})"
    r"(?:[\s-]*(?:years?|yrs?)(?:[\s-]*olds?)?|\s*yo\b)?(?=\s*(?:$|[,.!?;)]|and\b|so\b|now\b|but\b))",
    re.IGNORECASE,
)
_CHINESE = re.compile(rf"(?:我|我们|本人)(?:都|今年|已经|已|现在|刚|马上)*(?:满|过)?({numbers_zh.NUM})(?:周)?岁(?:了|多)?")


def find(text: str) -> Iterator[OwnAge]:
    """Yield the ages that the writer of a text claims."""
    for pattern, read in ((_ENGLISH, numbers_en.large), (_CHINESE, numbers_zh.read)):
        for match in pattern.finditer(text):
            age = round(read(match[1]))
            if 0 < age < _OLDEST:
                yield age, match.start(), match.end()
