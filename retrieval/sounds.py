"""Chinese names by their sound: other characters that are read alike (星际穿跃), and pinyin ("xingji chuanyue")."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property

from pypinyin import lazy_pinyin
from pypinyin.pinyin_dict import pinyin_dict

from retrieval.name_keys import HAN
from retrieval.title_evidence import in_marks, is_han_word

_HAN_ONLY = re.compile(r"[\u3400-\u9fff]+")
_OFTEN = dict.fromkeys("的地得", "de")  # read otherwise first, but most often so
_SHORTEST = 4  # characters of a title that may be written with others of the same sound
_SHORTEST_NAMED = 3  # the same, where the sentence says that titles follow
_MIN_LETTERS = 8  # of a title in pinyin
_MAX_WORDS = 10


@cache
def _readings() -> dict[int, str]:
    """Character -> its first reading, without tone."""
    return {code: _OFTEN.get(chr(code)) or _toneless(readings.split(",")[0]) for code, readings in pinyin_dict.items()}


def _toneless(reading: str) -> str:
    decomposed = unicodedata.normalize("NFD", reading.replace("ü", "v"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@cache
def _same_sound() -> dict[int, int]:
    """Character -> the one character that stands for its sound; to be used with ``str.translate``."""
    first: dict[str, int] = {}
    return {code: first.setdefault(reading, code) for code, reading in _readings().items() if 0x3400 <= code <= 0x9FFF}


class Sounds:
    """The Chinese names of a catalogue, by sound."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names as they are written; the tables are made when they are first asked for."""
        self._names = [name for name in names if len(HAN.findall(name)) > 1]

    @cached_property
    def _by_sound(self) -> dict[str, list[str]]:
        table = _same_sound()
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            found[name.translate(table)].append(name)
        return dict(found)

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(name) for name in self._by_sound}, reverse=True)

    @cached_property
    def _by_pinyin(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            if _HAN_ONLY.fullmatch(name):
                found["".join(lazy_pinyin(name)).replace("ü", "v")].append(name)
        return dict(found)

    def homophones(self, text: str, *, lenient: bool) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and name for stretches that sound like a name and are written otherwise.

        One character may differ, from six characters on two; between marks all may. A stretch that is a word of its own, such
        as a saying, is no slip.
        """
        sounds = text.translate(_same_sound())
        for length in self._lengths:
            for start in range(len(text) - length + 1):
                for name in self._by_sound.get(sounds[start : start + length], ()):
                    if self._is_slip(text, start, name, lenient):
                        yield start, start + length, name

    @staticmethod
    def _is_slip(text: str, start: int, name: str, lenient: bool) -> bool:
        piece = text[start : start + len(name)]
        wrong = sum(a != b for a, b in zip(piece, name, strict=True))
        if not wrong:
            return False
        if in_marks(text, start, start + len(name)):
            return True
        if len(name) < (_SHORTEST_NAMED if lenient else _SHORTEST) or wrong > (1 if len(name) < 6 else 2):
            return False
        return not is_han_word(piece)

    def pinyin(self, words: Sequence[str], strange: Sequence[bool], *, lenient: bool) -> Iterator[tuple[int, int, str]]:
        """Yield first word, word after the last, and name for words that spell a name in pinyin.

        Three syllables or more and eight letters; two syllables where titles are known to follow. One word at least must be no
        English one ("men", "long" and "can" are syllables too).
        """
        spells = [bool(_SYLLABLES.fullmatch(word)) for word in words]
        for i in range(len(words)):
            letters = ""
            for j in range(i, min(len(words), i + _MAX_WORDS)):
                if not spells[j]:
                    break
                letters += words[j]
                if len(letters) < (5 if lenient else _MIN_LETTERS) or not any(strange[i : j + 1]):
                    continue
                for name in self._by_pinyin.get(letters, ()):
                    if len(name) > 2 or lenient:
                        yield i, j + 1, name


_SYLLABLES = re.compile(
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:iang|iong|uang|ang|eng|ing|ong|iao|ian|uai|uan|van|ai|ei|ui|ao|ou|iu|ie|ve|ue|er|an|en"
    r"|in|un|vn|ia|ua|uo|a|o|e|i|u|v))+"
)
