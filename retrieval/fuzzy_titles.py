"""Slips of the hand in names: one or two letters wrong, words run together or torn apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

from retrieval.title_evidence import Evidence
from retrieval.words import english

_ONE, _TWO = 5, 10  # letters from which one and two slips are forgiven
_LONGEST = 60
_ALONE = 7  # letters of a single word in which a slip is forgiven without other signs that it is a title


def allowed(letters: int) -> int:
    """How many edits are forgiven in a name of so many letters."""
    return 0 if letters < _ONE else 1 if letters < _TWO else 2


class Nearest:
    """Words by first letter and length, so that each look-up compares with few of them.

    The distance is optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count one each.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Sort the words into drawers."""
        self._drawers: dict[tuple[str, int], list[str]] = defaultdict(list)
        for word in words:
            self._drawers[word[0], len(word)].append(word)

    def find(self, word: str, most: int | None = None) -> tuple[list[str], int]:
        """Return the words at the least distance from a word, and that distance; at most ``most``, else by the length."""
        firsts = [word[0]] if word[0] == word[1:2] else [word[0], word[1:2]]
        found: list[tuple[int, str]] = []
        for length in range(len(word) - 2, len(word) + 3):
            limit = min(allowed(length), most if most is not None else 2)
            if not limit or abs(length - len(word)) > limit:
                continue
            for first in firsts:
                drawer = self._drawers.get((first, length))
                if not drawer:
                    continue
                near = process.extract(word, drawer, scorer=OSA.distance, score_cutoff=limit, limit=None)
                found += [(int(d), other) for other, d, _ in near if first == word[0] or other[1:2] == word[0]]
        least = min((d for d, _ in found), default=0)
        return sorted({other for d, other in found if d == least}), least


class Typos:
    """The names that mistyped words may mean."""

    def __init__(self, whole: Iterable[str], parts: Iterable[str], evidence: Evidence) -> None:
        """Take the keys of names; those that are parts of titles only where they have two words or more."""
        self._evidence = evidence
        self._keys: dict[str, list[str]] = defaultdict(list)
        for key in (*whole, *(part for part in parts if " " in part)):
            letters = key.replace(" ", "")
            if _ONE <= len(letters) <= _LONGEST and key not in self._keys[letters]:
                self._keys[letters].append(key)
        self._nearest = Nearest(key for key in self._keys if key.isalnum())

    @cached_property
    def _common(self) -> Nearest:
        return Nearest(english().common)

    def near(self, words: Sequence[str], strange: Sequence[bool], *, marked: bool) -> list[str]:
        """Return the keys that words may mean.

        Args:
            words: folded, as they stand in a text.
            strange: for each word, whether it is no known word; a known word is no slip.
            marked: they stand between the marks of a title, where a slip may have made another word.
        """
        letters = "".join(words)
        if not _ONE <= len(letters) <= _LONGEST:
            return []
        written = " ".join(words)
        torn = marked or not all(word in english().basic for word in words)  # "a 12 year old boy" is no "Oldboy"
        together = [key for key in self._keys.get(letters, ()) if key != written and (torn or " " in key)]
        if together or not (marked or any(strange)):
            return together
        found, distance = self._nearest.find(letters)
        keys = [key for near in found for key in self._keys[near]]
        keys = [key for key in keys if not _holds(words, key.split())]  # "Kazuo Ishiguro or": the name, and a word beside it
        keys = [key for key in keys if marked or self._is_slip(words, strange, key.split(), distance)]
        return keys if len({*found}) == 1 or len(keys) == 1 else []

    def _is_slip(self, words: Sequence[str], strange: Sequence[bool], meant: Sequence[str], distance: int) -> bool:
        if len(words) == len(meant):
            for word, other, odd in zip(words, meant, strange, strict=True):
                if (
                    word != other
                    and not odd
                    and not (len(words) > 2 and {word, other} == {word.rstrip("s"), f"{other.rstrip('s')}s"})
                ):
                    return False
        elif abs(len(words) - len(meant)) > 1 or any(len(word) < 2 and word not in meant for word in (words[0], words[-1])):
            return False
        if len(words) > 1:
            return True
        if len(words[0]) < _ALONE or self._evidence.knows(meant[0]):
            return len(words[0]) >= _ONE and not self._common.find(words[0], distance)[0]
        return not self._common.find(words[0], distance)[0]


def _holds(words: Sequence[str], name: Sequence[str]) -> bool:
    """Whether a name stands among words as it is written."""
    return any(list(words[n : n + len(name)]) == list(name) for n in range(len(words) - len(name) + 1))
