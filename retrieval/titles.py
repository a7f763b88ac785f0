"""Finds titles and people of the catalogue in a text, in either language."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from retrieval.domain import PEOPLE, Domain
from retrieval.fuzzy_titles import Typos
from retrieval.name_keys import HAN, WORD, fold, han_keys, number_word, word_keys
from retrieval.name_parts import PeopleParts
from retrieval.sounds import Sounds
from retrieval.title_evidence import Evidence, in_marks, right_years, year_beside
from retrieval.types import Item
from retrieval.words import english

__all__ = ["Mention", "NameIndex", "fold"]

_MAX_TYPED = 8  # words of a mistyped name
_NAME_LETTERS = 9  # of a name with capitals in which a slip may have made another word ("Tokyo Storey")


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of text that names an item or a person. ``target`` is an item id, or the canonical name of a person."""

    kind: str
    target: str
    start: int
    end: int


_Table = dict[str, list[tuple[str, str]]]
_PART = 2  # the place of the table of titles' parts


class _Token(NamedTuple):
    start: int
    end: int
    word: str
    number: str


def _look_up(tables: tuple[_Table, ...], key: str) -> tuple[list[tuple[str, str]], int]:
    """What a key names, and the rank of the table that knows it: "Alien" is not "The Alien", nor "Alien: Covenant"."""
    for rank, table in enumerate(tables):
        if named := table.get(key):
            return named, rank
    return [], _PART


def _token(match: re.Match[str]) -> _Token:
    word = fold(match[0]).replace("'", "")
    return _Token(match.start(), match.end(), word, number_word(word))


class NameIndex:
    """Titles and people of a catalogue, to be found in messages and in the model's sentences."""

    def __init__(self, items: Iterable[Item], domain: Domain) -> None:
        """Collect every title and every person, and how common each title's words are in the catalogue's texts."""
        # names as they are, in other forms, and parts of titles: where a key is in several tables, the first counts
        self._words: tuple[_Table, ...] = ({}, {}, {})
        self._han: tuple[_Table, ...] = ({}, {}, {})
        self._years: dict[str, int] = {}
        people: dict[str, set[str]] = {}  # name in any language -> canonical names
        made: dict[str, int] = defaultdict(int)
        year = next((name for name, facet in domain.facets.items() if facet.type == "year"), "")
        self._evidence = Evidence(domain)
        for item in items:
            for title in set(item.titles.values()):
                self._add(title, "item", item.id)
            makers: list[str] = []
            for facet in domain.people_facets:
                canonical = [str(value) for value in item.values(facet)]
                for target in canonical:
                    made[target] += 1
                for language in domain.languages:
                    for name, target in zip(item.label(facet, language), canonical, strict=True):
                        self._add(name, PEOPLE, target)
                        makers.append(name)
                        people.setdefault(name, set()).add(target)
            if isinstance(number := item.facets.get(year), int):
                self._years[item.id] = number
            self._evidence.read(item.texts.values(), makers)
        self._people = PeopleParts(people, made, self._evidence)
        self._longest = max((key.count(" ") + 1 for table in self._words for key in table), default=1)
        self._lengths = sorted({len(key) for table in self._han for key in table}, reverse=True)

    def _add(self, name: str, kind: str, target: str) -> None:
        han = HAN.search(name)
        keys_of, tables = (han_keys, self._han) if han else (word_keys, self._words)
        for table, keys in zip(tables, keys_of(name, title=kind == "item"), strict=True):
            for key in keys:
                named = table.setdefault(key, [])
                if (kind, target) not in named:
                    named.append((kind, target))

    def plain(self, text: str) -> tuple[str, ...]:
        """Return the items that a text names, also by titles of ordinary words: for a message that must mean one."""
        return tuple(dict.fromkeys(m.target for m in self.find(text, lenient=True) if m.kind == "item"))

    def find(self, text: str, *, lenient: bool = False, fuzzy: bool = False) -> list[Mention]:
        """Return the names in a text, longest first where they overlap, in the order of the text.

        A title made of ordinary words ("To Live", 《活着》) counts only where it is written as a title: with capitals, in
        quotation marks or in 《》. Of several items with one title, a year in the text chooses.

        Args:
            text: a message or a sentence.
            lenient: drop that demand, for text that is known to name titles.
            fuzzy: read it as people type: titles in lower case that are no common phrase, slips of the hand, characters of the
                same sound, pinyin, a surname for a person. Not for text that was written with care: a chance likeness is then
                likelier than a slip.
        """
        tokens = [_token(match) for match in WORD.finditer(text)]
        mentions = [*self._find_words(text, tokens, lenient, fuzzy), *self._find_han(text, lenient, fuzzy)]
        if fuzzy:
            mentions += [
                Mention(PEOPLE, who, *span)
                for who, *span in self._people.find(text, [(t.start, t.end, t.word) for t in tokens])
                if not any(kind == "item" for kind, _ in _look_up(self._words, fold(text[span[0] : span[1]]))[0])
            ]
        taken = _longest([m for m in mentions if right_years(text, m, self._years)])
        if fuzzy:
            rest = [*self._find_typed(text, tokens, taken, lenient), *self._find_sounds(text, tokens, lenient)]
            taken = _longest([*taken, *(m for m in rest if right_years(text, m, self._years))])
        return sorted(self._one_year(text, taken), key=lambda m: (m.start, m.kind, m.target))

    def _find_words(self, text: str, tokens: list[_Token], lenient: bool, fuzzy: bool) -> Iterator[Mention]:
        for i in range(len(tokens)):
            words = numbers = ""
            for token in tokens[i : i + self._longest]:
                gap = " " if words else ""
                words, numbers = words + gap + token.word, numbers + gap + token.number
                start, end = tokens[i].start, token.end
                for key in (words, numbers) if words != numbers else (words,):
                    yield from self._read(text, start, end, key, lenient, fuzzy)
                if text[end - 2 : end] in ("'s", "’s"):
                    yield from self._read(text, start, end - 2, words[:-1], lenient, fuzzy)

    def _read(self, text: str, start: int, end: int, key: str, lenient: bool, fuzzy: bool) -> Iterator[Mention]:
        named, rank = _look_up(self._words, key)
        for kind, target in named:
            sure = kind == PEOPLE and " " in key
            if sure or self._evidence.is_title(text, start, end, key, lenient=lenient, fuzzy=fuzzy, part=rank == _PART):
                yield Mention(kind, target, start, end)

    def _find_han(self, text: str, lenient: bool, fuzzy: bool) -> Iterator[Mention]:
        low = text.lower() if len(text.lower()) == len(text) else text
        if not HAN.search(text):
            return
        for length in self._lengths:
            for start in range(len(text) - length + 1):
                piece = text[start : start + length]
                named = _look_up(self._han, piece)[0] or _look_up(self._han, low[start : start + length])[0]
                for kind, target in named:
                    marked = in_marks(text, start, start + length)
                    if lenient or kind == PEOPLE or marked or self._evidence.is_han_title(text, start, piece, fuzzy=fuzzy):
                        yield Mention(kind, target, start, start + length)

    def says_little(self, words: str) -> bool:
        """Whether words are those that carry any sentence, and no title unless much else says so."""
        return self._evidence.says_little(words)

    # -- as people type -----------------------------------------------------------------------------------------------

    @cached_property
    def _typos(self) -> Typos:
        return Typos([*self._words[0], *self._words[1]], self._words[_PART], self._evidence)

    @cached_property
    def _sounds(self) -> Sounds:
        return Sounds([*self._han[0], *self._han[1]])

    def _find_typed(self, text: str, tokens: list[_Token], taken: list[Mention], lenient: bool) -> Iterator[Mention]:
        """Names with slips, in what is not yet read as a name: at least one word must be no English word."""
        strange = [not self._evidence.knows(token.word) for token in tokens]
        for i, first in enumerate(tokens):
            for j in range(i + 1, min(len(tokens), i + _MAX_TYPED) + 1):
                start, end = first.start, tokens[j - 1].end
                words = [token.word for token in tokens[i:j]]
                if text[end - 2 : end] in ("'s", "’s"):
                    words[-1], end = words[-1][:-1], end - 2
                if any(m.start <= start and end <= m.end for m in taken):
                    continue
                marked = in_marks(text, start, end) or self._as_name(text, tokens[i:j])
                for key in self._typos.near(words, strange[i:j], marked=marked):
                    for mention in self._read(text, start, end, key, lenient, True):
                        if mention.kind == "item" or " " in key:
                            yield mention

    @staticmethod
    def _as_name(text: str, tokens: Sequence[_Token]) -> bool:
        """Whether words are written as names are, and so long that one slip makes no other name."""
        letters = sum(len(token.word) for token in tokens)
        return (
            len(tokens) > 1 and letters >= _NAME_LETTERS and all(text[t.start].isupper() for t in tokens) and not text.isupper()
        )

    def _find_sounds(self, text: str, tokens: list[_Token], lenient: bool) -> Iterator[Mention]:
        """Chinese names written with other characters of the same sound, or in pinyin."""
        if HAN.search(text):
            for start, end, key in self._sounds.homophones(text, lenient=lenient):
                for kind, target in _look_up(self._han, key)[0]:
                    yield Mention(kind, target, start, end)
        strange = [not english().knows(token.word) for token in tokens]
        for i, j, key in self._sounds.pinyin([token.word for token in tokens], strange, lenient=lenient):
            for kind, target in _look_up(self._han, key)[0]:
                yield Mention(kind, target, tokens[i].start, tokens[j - 1].end)

    # -- several items with one title ---------------------------------------------------------------------------------

    def _one_year(self, text: str, taken: list[Mention]) -> list[Mention]:
        """Of several items with one title, those whose year the text gives, if it gives one."""
        spans: dict[tuple[int, int], list[Mention]] = defaultdict(list)
        for mention in taken:
            spans[mention.start, mention.end].append(mention)
        kept: list[Mention] = []
        for (start, end), mentions in spans.items():
            year = year_beside(text, start, end) if len(mentions) > 1 else None
            right = [m for m in mentions if year is not None and self._years.get(m.target) == year]
            kept += right or mentions
        return kept


def _span(mention: Mention) -> tuple[int, int]:
    return mention.start, mention.end


def _longest(mentions: Iterable[Mention], taken: Iterable[Mention] = ()) -> list[Mention]:
    """The longest of those that overlap; several with one span stay together."""
    kept = list(taken)
    for mention in sorted(dict.fromkeys(mentions), key=lambda m: (m.start - m.end, m.start, m.kind)):
        if all(mention.end <= t.start or mention.start >= t.end or _span(mention) == _span(t) for t in kept):
            kept.append(mention)
    return kept
