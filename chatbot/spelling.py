"""Slips of the hand in the words that carry a message ("somthing frnech, sixites"), put right before it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatbot.cues import Cues
from chatbot.lexicon import Lexicon
from chatbot.numbers_en import NUMBER_WORDS
from retrieval.fuzzy_titles import Nearest
from retrieval.titles import Mention
from retrieval.words import english

_WORD = re.compile(r"(?<![\w'’])[A-Za-z]{3,}(?![\w'’])")
_LITERAL = re.compile(r"(?<![\\\w])[a-z]{3,}")
_SWAPPED = 4  # letters up to which only two swapped neighbours are a slip ("teh", "lnog")


class Spelling:
    """Knows the English words that the rules read: of the domain's facets, of the cues, of numbers."""

    def __init__(self, lexicon: Lexicon, cues: Cues) -> None:
        """Collect the words of a domain's facets and of the English cues."""
        words = {word for pattern in cues.patterns() for word in _LITERAL.findall(pattern)}
        words |= {word for phrase in lexicon.phrases("en") for word in _LITERAL.findall(phrase)}
        self._known = words | NUMBER_WORDS
        self._words = self._known & english().usual  # a piece of a pattern, or slang, is no word that a slip is made of
        self._nearest = Nearest(sorted(word for word in self._words if len(word) > _SWAPPED))

    def correct(self, text: str, mentions: Iterable[Mention]) -> str:
        """Put right the words that are none and are one slip away from a single word that the rules read.

        Args:
            text: a message.
            mentions: the names in it, which stay as they are.
        """
        taken = [(m.start, m.end) for m in mentions]

        def put_right(match: re.Match[str]) -> str:
            if any(start < match.end() and match.start() < end for start, end in taken):
                return match[0]
            return self._meant(match[0].lower()) or match[0]

        return _WORD.sub(put_right, text)

    def _meant(self, word: str) -> str | None:
        if english().knows(word) or word in self._known:
            return None
        if len(word) <= _SWAPPED:
            swapped = {word[:k] + word[k + 1] + word[k] + word[k + 2 :] for k in range(len(word) - 1)}
            near = sorted(swapped & self._words)
        else:
            near = self._nearest.find(word)[0]
        if len(near) > 1:  # "somthing" is rather "something" than "soothing"
            near = [other for other in near if other in english().basic]
        return near[0] if len(near) == 1 else None
