"""People called by a part of their name: "Tarantino", "a Beatles record", 昆汀, 诺兰."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from retrieval.fuzzy_titles import Nearest
from retrieval.name_keys import DOT, HAN, word_key
from retrieval.title_evidence import Evidence
from retrieval.words import english

_MIN_SURNAME = 4
_MIN_STRANGE = 6  # letters of a surname in lower case
_TOLD = 4  # items in whose texts such a surname stands, and is then perhaps a word of its own
_MIN_SLIP = 7  # letters of one with a slip
_OUTWEIGHS = 3  # so many times the items of all others of that name together
_PLACE = re.compile(r"\b(?:in|to|at|near)\s+$", re.IGNORECASE)
_PARTICLE = re.compile(r"\b(de|del|della|di|da|du|la|le|van|von|der|ten|mac|st)\s+$", re.IGNORECASE)
_BEFORE = re.compile(r"([^\W\d_]+)[\s.]+$")


class Part(NamedTuple):
    """A part of a name in a text, and the person whom it means."""

    target: str
    start: int
    end: int


class PeopleParts:
    """Surnames and the parts of transliterated names that can mean but one person of the catalogue."""

    def __init__(self, people: Mapping[str, set[str]], items: Mapping[str, int], evidence: Evidence) -> None:
        """Take names in any language with the people they mean, and how many items each has."""
        self._people, self._items, self._evidence = people, items, evidence

    def find(self, text: str, tokens: Sequence[tuple[int, int, str]]) -> Iterator[Part]:
        """Yield the people called by a part of their name."""
        yield from self._find_doubles(tokens)
        for start, end, word in tokens:
            stop = end - 2 if text[end - 2 : end] in ("'s", "’s") else end
            surname = word if stop == end else word[:-1]
            first = self._particle(text, start, surname)  # "Le Guin", "de niro"
            if text[start].isupper() and not text.isupper():
                target = self._surnames.get(surname) or self._typed(surname)
                start = first if target else start
            else:  # in lower case, where it can be nothing else: "hitchcock", "any kurosawa"
                told = first < start or self._strange(surname)
                target = self._surnames.get(surname) if told and not _PLACE.search(text[:start]) else None
                target, start = target or self._typed(surname), first
            if target and not self._after_a_name(text, start):
                yield Part(target, start, stop)
        if HAN.search(text):
            for length in self._lengths:
                for start in range(len(text) - length + 1):
                    piece = text[start : start + length]
                    if (target := self._han.get(piece)) and not DOT.match(text, start + length):
                        if not DOT.fullmatch(text[start - 1 : start]):
                            yield Part(target, start, start + length)

    def _find_doubles(self, tokens: Sequence[tuple[int, int, str]]) -> Iterator[Part]:
        """Surnames of two words: "García Márquez", "Conan Doyle"."""
        for (start, _, first), (_, end, second) in pairwise(tokens):
            if target := self._doubles.get((first, second)):
                yield Part(target, start, end)

    @cached_property
    def _doubles(self) -> dict[tuple[str, str], str]:
        meant: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name, targets in self._people.items():
            words = word_key(name).split()
            if not HAN.search(name) and len(words) > 2 and all(len(word) >= _MIN_SURNAME for word in words[-2:]):
                meant[words[-2], words[-1]] |= targets
        return {pair: target for pair, targets in meant.items() if (target := self._one(targets))}

    def _strange(self, word: str) -> bool:
        return len(word) >= _MIN_STRANGE and word not in english().usual and self._evidence.frequency(word) < _TOLD

    def _particle(self, text: str, start: int, surname: str) -> int:
        """Where a surname begins with the particle before it, if that is a part of the name."""
        before = _PARTICLE.search(text[:start])
        known = before and (before[1].lower(), surname) in self._particles
        return before.start() if before and known else start

    @cached_property
    def _particles(self) -> set[tuple[str, str]]:
        ends = (word_key(name).split()[-2:] for name in self._people if not HAN.search(name))
        return {(end[0], end[1]) for end in ends if len(end) > 1}

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(name for name in self._surnames if self._strange(name) and len(name) >= _MIN_SLIP)

    def _typed(self, word: str) -> str | None:
        """Whom a word means that is a surname with a slip of the hand ("scorcese") and nothing else."""
        near = self._nearest.find(word)[0] if len(word) >= _MIN_SLIP and self._strange(word) else []
        return self._surnames[near[0]] if len(near) == 1 else None

    @staticmethod
    def _after_a_name(text: str, start: int) -> bool:
        """Whether a capitalised word before it makes it another person's name ("Jonathan Nolan", not "Like Nolan")."""
        before = _BEFORE.search(text[:start])
        usual = bool(before) and (before[1].lower() in english().usual or bool(_PARTICLE.search(f"{before[1]} ")))
        return bool(before) and before[1][0].isupper() and not usual

    @cached_property
    def _surnames(self) -> dict[str, str]:
        meant: dict[str, set[str]] = defaultdict(set)
        other: set[str] = set()
        whole: set[str] = set()  # a name of one word: Bach, The Beatles
        for name, targets in self._people.items():
            words = word_key(name).removeprefix("the ").split()
            if not HAN.search(name) and words:
                meant[words[-1]] |= targets
                whole.update(words if len(words) == 1 else ())
                other.update(words[:-1])
        words_of_english = english().usual
        return {
            surname: target
            for surname, targets in meant.items()
            if len(surname) >= _MIN_SURNAME and surname not in other and surname not in words_of_english
            if (surname in whole or self._evidence.frequency(surname) < 3) and (target := self._one(targets))
        }

    @cached_property
    def _han(self) -> dict[str, str]:
        last: dict[str, set[str]] = defaultdict(set)
        first: dict[str, set[str]] = defaultdict(set)
        for name, targets in self._people.items():
            parts = [part for part in DOT.split(name) if HAN.search(part)]
            if len(parts) > 1:
                last[parts[-1]] |= targets
                for part in parts[:-1]:
                    first[part] |= targets
        found: dict[str, str] = {}
        for part in {*last, *first}:
            target = self._one(last[part] | first[part]) if len(part) > 1 else None
            if target and (part in last or self._items.get(target, 0) > 1):
                found[part] = target
        told = self._evidence.told(found)
        return {part: target for part, target in found.items() if part not in told}

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(part) for part in self._han}, reverse=True)

    def _one(self, targets: set[str]) -> str | None:
        """The one whom a part means: the only one, or whoever made many times what the others made."""
        ranked = sorted(targets, key=lambda t: (-self._items.get(t, 0), t))
        rest = sum(self._items.get(t, 0) for t in ranked[1:])
        return ranked[0] if self._items.get(ranked[0], 0) >= _OUTWEIGHS * rest else None
