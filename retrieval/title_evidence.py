"""Whether a stretch of text that could be a title is meant as one: capitals, marks, years, rare words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Protocol

import rjieba

from retrieval.domain import Domain
from retrieval.name_keys import DOT, HAN, WORD, word_key
from retrieval.title_context import FUNCTION, Context
from retrieval.words import english

_SENTENCE_START = re.compile(r"(?:^|[.!?;:\n。！？；：]\s*)$")
_YEAR_AFTER = re.compile(r"\s{0,2}[(（]((?:18|19|20)\d\d)[)）]")  # "It (2017)"
_YEAR_NEAR = re.compile(r"\s{0,2},?\s{0,2}(?:from\s|of\s)?((?:18|19|20)\d\d)\b(?![\d%]|\s*(?:minutes|people))")
_YEAR_BEFORE = re.compile(r"(?<!\d)((?:18|19|20)\d\d)\s?(?:年?版?的?|年)?\s?[《“\"'‘]?$")
_ARTICLE_BEFORE = re.compile(r"\b(?:the|a|an)\s$", re.IGNORECASE)
_OPEN, _CLOSE = "《“\"'‘*_「『", "》”\"'’*_」』"
_YEAR_ITSELF = re.compile(r"(?:18|19|20)\d\d")
_MARKED = re.compile(r"《([^》]*)》|『([^』]*)』")
_MOST_OF = 0.6  # of a title between marks: the rest may be a number or a subtitle
_SAMPLE = 5000  # Chinese texts that are searched for the names of characters
_SMALL = frozenset("the a an of and in to for my by with is on from or at its".split())


class _Named(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def in_marks(text: str, start: int, end: int) -> bool:
    """Whether marks of a title stand around a stretch."""
    return text[start - 1 : start] in tuple(_OPEN) and text[end : end + 1] in tuple(_CLOSE)


def part_of_marked(text: str, start: int, end: int) -> bool:
    """Whether a stretch is a small part of what stands between the marks of a title."""
    around = next((m for m in _MARKED.finditer(text) if m.start() < start and end < m.end()), None)
    return around is not None and end - start <= _MOST_OF * (around.end() - around.start() - 2)


@lru_cache(maxsize=4096)
def is_han_word(piece: str) -> bool:
    """Whether a Chinese dictionary has these characters as one word."""
    return list(rjieba.cut(piece, False)) == [piece]  # by its list alone: its model of new words joins any name


def year_beside(text: str, start: int, end: int) -> int | None:
    """The year that stands with a title: "It (2017)", "It, 2017", "the 2017 It", 2017年版《…》; None without one."""
    end += text[end : end + 1] in tuple(_CLOSE) and bool(text[end : end + 1])
    found = _YEAR_AFTER.match(text, end) or _YEAR_NEAR.match(text, end) or _YEAR_BEFORE.search(text[:start])
    return int(found[1]) if found else None


def right_years(text: str, mention: _Named, years: Mapping[str, int]) -> bool:
    """False where a year in brackets after a title says that another item is meant; years of release differ by one at times."""
    end = mention.end
    end += text[end : end + 1] in tuple(_CLOSE) and bool(text[end : end + 1])
    found = _YEAR_AFTER.match(text, end)
    return not found or mention.target not in years or abs(years[mention.target] - int(found[1])) <= 1


class Evidence:
    """Knows how common words and phrases are: in English, in the domain's facets, in the catalogue's own texts."""

    def __init__(self, domain: Domain) -> None:
        """Collect what the domain says is no title."""
        self._frequency: dict[str, int] = defaultdict(int)
        self._han_texts: list[str] = []
        self._ordinary = frozenset(title.lower() for title in domain.ordinary_titles)
        phrases = {word_key(phrase) for facet in domain.facets.values() for phrase in facet.canonical}
        nouns = set(domain.noun_words.lower().split())
        self._facets = frozenset(phrases | nouns | {word + "s" for word in nouns})
        labels = [name for facet in domain.facets.values() for name in facet.label.values()]
        self._context = Context(nouns, labels)

    def read(self, texts: Collection[str], makers: Collection[str] = ()) -> None:
        """Count the words of an item's texts; the names of who made it tell nothing of other people."""
        told = " ".join(texts)
        for word in set(word_key(told).split()).difference(*(word_key(name).split() for name in makers)):
            self._frequency[word] += 1
        if HAN.search(told):
            parts = [part for name in makers if HAN.search(name) for part in DOT.split(name) if len(part) > 1]
            own = re.compile("|".join(map(re.escape, parts)) or "(?!)")
            self._han_texts += [own.sub(" ", text) for text in texts if HAN.search(text)]

    def frequency(self, word: str) -> int:
        """In how many items' texts a word stands."""
        return self._frequency.get(word, 0)

    def told(self, pieces: Collection[str]) -> set[str]:
        """Those of some Chinese words that stand in the items' texts, where they are characters; a sample of them is read."""
        lengths = {len(piece) for piece in pieces}
        sample = self._han_texts[:: len(self._han_texts) // _SAMPLE + 1]
        return {
            piece
            for text in sample
            for length in lengths
            for start in range(len(text) - length + 1)
            if (piece := text[start : start + length]) in pieces
        }

    def knows(self, word: str) -> bool:
        """Whether a word is English, a name or common in the catalogue, and so no slip."""
        return english().knows(word) or word in self._facets or self.frequency(word) > 2

    def is_title(
        self, text: str, start: int, end: int, key: str, *, lenient: bool = False, fuzzy: bool = False, part: bool = False
    ) -> bool:
        """Whether words that could be a title are written as one. ``part``: they are only a part of a title."""
        if text[start - 1 : start] in ("(", "（") and _YEAR_ITSELF.fullmatch(key):
            return False
        if in_marks(text, start, end) or _YEAR_AFTER.match(text, end):
            return True
        words = key.split()
        if _YEAR_ITSELF.fullmatch(key) or (part and len(words) == 1):
            return lenient
        if lenient:
            return True
        if fuzzy:
            return self._is_typed(text, start, end, key)
        rare = any(self.frequency(word) < 2 and len(word) > 4 for word in words)
        if key not in self._ordinary and rare and (len(words) > 1 or len(key) > 7):
            return True
        return self._capitals(text, start, end, key)

    def _is_typed(self, text: str, start: int, end: int, key: str) -> bool:
        """The same for a message: capitals say less, what stands around says more."""
        words, known = key.split(), english()
        if key in self._facets or len(key) < 2:
            return False
        if self.is_specific(key):
            return True
        strength = self._context.strength(text, start, end)
        content = [word for word in words if word not in FUNCTION]
        if not content:
            written = text[start].isupper() and not text[start : start + 2].isupper() and len(key) > 1
            return written and (strength == 3 or (len(words) > 1 and strength > 0 and self._capitals(text, start, end, key)))
        if len(words) == 1:
            if key not in known.basic:
                alone = not text[:start].strip() and not text[end:].strip(" .!?")
                telling = alone or (strength > 0 and len(key) > 7 and self.frequency(key) < 2)
                return strength > 1 or (telling and key not in self._ordinary) or self._capitals(text, start, end, key)
            return strength == 3 or (strength > 0 and self._capitals(text, start, end, key) and not text[start:end].isupper())
        if len(content) > 1:
            return strength > 0 or self._capitals(text, start, end, key)
        telling = content[0] not in known.basic
        plain = strength > 1 or (strength > 0 and telling and self._context.follows_verb(text, end))
        return plain or self._capitals(text, start, end, key)

    def says_little(self, words: str) -> bool:
        """Whether words are but those that carry a sentence ("the one"), or a single one of every day ("choice")."""
        parts = word_key(words).split()
        every_day = len(parts) == 1 and parts[0] in english().basic
        return every_day or (bool(parts) and all(word in FUNCTION for word in parts))

    def is_specific(self, key: str) -> bool:
        """Whether words in lower case can hardly mean anything but the title."""
        if key in self._ordinary or key in self._facets:
            return False
        words, known = key.split(), english()
        strange = [w for w in words if not known.knows(w) and len(w) > 3 and self.frequency(w) < 4]
        if len(words) == 1:
            return bool(strange) and len(key) > 4
        if strange:
            return True
        telling = [w for w in words if w not in known.basic or w.isdigit()]
        return (bool(telling) and len(words) > 2) or len(telling) > 1

    def is_han_title(self, text: str, start: int, piece: str, *, fuzzy: bool) -> bool:
        """Whether a Chinese title may stand without marks.

        Three characters are enough. ``fuzzy``: two where the noun or a verb says so; three or more not where they are a word or
        a saying of their own, or a part of a longer title between marks.
        """
        end = start + len(piece)
        if not fuzzy:
            return len(piece) > 2 and piece not in self._ordinary
        if part_of_marked(text, start, end):
            return False
        strength = self._context.han_strength(text, start, end) if len(piece) > 1 else 0
        if piece in self._ordinary or len(piece) < 3:
            return strength > (1 if is_han_word(piece) else 0)
        return not (len(piece) == 3 and is_han_word(piece)) or strength > 0

    def _capitals(self, text: str, start: int, end: int, key: str) -> bool:
        words = key.split()
        capital = text[start].isupper() or text[start].isdigit()
        first = bool(_SENTENCE_START.search(text[:start]))
        shout = text.isupper()
        if len(words) == 1 and _ARTICLE_BEFORE.search(text[:start]):
            return False  # "the Moon" is no title
        if len(words) == 1:
            return capital and not first and not shout and (len(key) > 2 or not key.isdigit())
        parts = [w for w in WORD.findall(text[start:end]) if w.lower() not in _SMALL]
        return capital and not shout and bool(parts) and all(w[0].isupper() or w[0].isdigit() for w in parts)
