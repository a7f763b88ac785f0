"""Finds titles and people of the catalogue in a text, in either language."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from retrieval.domain import PEOPLE, Domain
from retrieval.types import Item

# A word ends where Chinese begins ("想看像Interstellar那样的"); an accent may be a character of its own.
_WORD = re.compile(r"(?:[^\W_\u3400-\u9fff]|[\u0300-\u036f])+(?:['’][^\W_\u3400-\u9fff]+)?")
_HAN = re.compile(r"[\u3400-\u9fff]")
_SENTENCE_START = re.compile(r"(?:^|[.!?;:\n。！？；：]\s*)$")
_YEAR_AFTER = re.compile(r"\s{0,2}[(（](?:18|19|20)\d\d[)）]")  # "It (2017)"
_OPEN, _CLOSE = "《“\"'‘*_「『", "》”\"'’*_」』"
_ARTICLES = ("the ", "a ", "an ")


def fold(text: str) -> str:
    """Lower-case, unaccented, one form a character; keeps the length of ordinary text."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("’", "'")


def _key(text: str) -> str:
    return " ".join(_WORD.findall(fold(text))).replace("'", "")  # people type "schindlers list"


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of text that names an item or a person. ``target`` is an item id, or the canonical name of a person."""

    kind: str
    target: str
    start: int
    end: int


class NameIndex:
    """Titles and people of a catalogue, to be found in messages and in the model's sentences."""

    def __init__(self, items: Iterable[Item], domain: Domain) -> None:
        """Collect every title and every person, and how common each title's words are in the catalogue's texts."""
        self._words: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._han: dict[str, list[tuple[str, str]]] = defaultdict(list)
        frequency: dict[str, int] = defaultdict(int)
        for item in items:
            for title in set(item.titles.values()):
                self._add(title, "item", item.id)
            for facet in domain.people_facets:
                canonical = [str(value) for value in item.values(facet)]
                for language in domain.languages:
                    for name, target in zip(item.label(facet, language), canonical, strict=True):
                        self._add(name, PEOPLE, target)
            for word in set(_key(" ".join(item.texts.values())).split()):
                frequency[word] += 1
        self._frequency = dict(frequency)
        self._ordinary = frozenset(title.lower() for title in domain.ordinary_titles)
        self._longest = max((len(key.split()) for key in self._words), default=1)
        self._lengths = sorted({len(key) for key in self._han}, reverse=True)

    def _add(self, name: str, kind: str, target: str) -> None:
        if _HAN.search(name):
            table, keys = self._han, [re.sub(r"\s", "", name)]
        else:
            table = self._words
            short, *subtitle = (_key(part) for part in re.split(r"\s*[:：(（]", name, maxsplit=1)) if kind == "item" else ("",)
            keys = [_key(name), *([short] if " " in short else []), *(key for key in subtitle if key.count(" ") > 1)]
            keys += [key.removeprefix(article) for key in keys for article in _ARTICLES if key.startswith(article)]
        for key in keys:
            if key and (kind, target) not in table[key]:
                table[key].append((kind, target))

    def find(self, text: str, *, lenient: bool = False) -> list[Mention]:
        """Return the names in a text, longest first where they overlap, in the order of the text.

        A title made of ordinary words ("To Live", 《活着》) counts only where it is written as a title: with capitals, in
        quotation marks or in 《》. ``lenient`` drops that demand, for text that is known to name titles.
        """
        mentions = [*self._find_words(text, lenient), *self._find_han(text, lenient)]
        taken: list[Mention] = []
        for mention in sorted(mentions, key=lambda m: (m.start - m.end, m.start, m.kind)):
            if all(mention.end <= t.start or mention.start >= t.end or _same_span(mention, t) for t in taken):
                taken.append(mention)
        return sorted(taken, key=lambda m: (m.start, m.kind, m.target))

    def _find_words(self, text: str, lenient: bool) -> list[Mention]:
        spans = [(m.start(), m.end(), fold(m[0])) for m in _WORD.finditer(text)]
        found: list[Mention] = []
        for i in range(len(spans)):
            for j in range(min(len(spans), i + self._longest), i, -1):
                words = " ".join(word for _, _, word in spans[i:j])
                start, end = spans[i][0], spans[j - 1][1]
                readings = [(words, end), (words[:-2], end - 2)] if words.endswith("'s") else [(words, end)]
                for key, stop in ((reading.replace("'", ""), stop) for reading, stop in readings):
                    for kind, target in self._words.get(key, ()):
                        if (kind == PEOPLE and " " in key) or lenient or self._looks_like_title(text, start, stop, key):
                            found.append(Mention(kind, target, start, stop))
        return found

    def _looks_like_title(self, text: str, start: int, end: int, key: str) -> bool:
        if text[start - 1 : start] in tuple(_OPEN) and text[end : end + 1] in tuple(_CLOSE):
            return True
        if _YEAR_AFTER.match(text, end):
            return True
        words = key.split()
        rare = any(self._frequency.get(word, 0) < 2 and len(word) > 4 for word in words)
        if key not in self._ordinary and rare and (len(words) > 1 or len(key) > 7):
            return True
        capital = text[start].isupper() or text[start].isdigit()
        first = bool(_SENTENCE_START.search(text[:start]))
        shout = text.isupper()
        if len(words) == 1 and re.search(r"\b(?:the|a|an)\s$", text[:start], re.IGNORECASE):
            return False  # "the Moon" is no title
        if len(words) == 1:
            return capital and not first and not shout and (len(key) > 2 or not key.isdigit())
        small = ("the", "a", "an", "of", "and", "in", "to", "for", "my", "by", "with", "is", "on", "from", "or", "at", "its")
        parts = [w for w in _WORD.findall(text[start:end]) if w.lower() not in small]
        return capital and not shout and bool(parts) and all(w[0].isupper() or w[0].isdigit() for w in parts)

    def _find_han(self, text: str, lenient: bool) -> list[Mention]:
        found: list[Mention] = []
        for length in self._lengths:
            for start in range(len(text) - length + 1):
                piece = text[start : start + length]
                for kind, target in self._han.get(piece, ()):
                    around = text[start - 1 : start] + text[start + length : start + length + 1]
                    plain = length > 2 and piece not in self._ordinary
                    if around in ("《》", "“”", "「」") or lenient or kind == PEOPLE or plain:
                        found.append(Mention(kind, target, start, start + length))
        return found


def _same_span(a: Mention, b: Mention) -> bool:
    return (a.start, a.end) == (b.start, b.end)
