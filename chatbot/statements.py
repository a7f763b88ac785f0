"""A sentence as statements, each held against the one line that it retells. Pure functions.

A sentence that mixes the words of two lines in one statement says something that neither line says; one that leaves out
"wants to" tells a plan as a fact; one that says a thing twice has lost its way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from chatbot.clauses import HAN
from chatbot.cues import load_cues
from chatbot.statements_en import NAME, appositions, has_subject
from chatbot.types import Language
from retrieval.lexical import tokenize

MIN_LENGTH = {"en": 7, "zh": 10}  # words, Chinese characters: a shorter beginning of a sentence is no sentence
REPEATED = 3  # content words in a row
BORROWED = 2  # names from another line that a pronoun of this one may stand for
_SCOPE_END = {"en": re.compile(r"[.;!?\n]|,\s"), "zh": re.compile(r"[。；！？，的\n]")}  # of a qualification
_DANGLING = re.compile(r"\b(?:so (?:many|much|few|\w+ly)|such an?)\b(?!.*\b(?:that|as)\b)|, \w+\.$")  # the rest was cut
_CLAUSE = re.compile(r"[，。；：、]")
_STOPS = {"en": ".", "zh": "。"}


def description_sentences(text: str, language: Language) -> list[str]:
    """Split a description into its sentences."""
    ends = [0, *(match.end() for match in load_cues(language).sentence.finditer(text)), len(text)]
    return [part for start, end in pairwise(ends) if (part := text[start:end].strip())]


def split(sentence: str, language: Language) -> list[str]:
    """Split a sentence where a new statement begins; the parts, joined, are the sentence."""
    starts = [match.start() for match in load_cues(language).statement.finditer(sentence)]
    return [sentence[a:b] for a, b in pairwise([0, *starts, len(sentence)]) if sentence[a:b].strip(" ,;:，；：.。")]


def beginnings(sentence: str, language: Language) -> list[str]:
    """Return what is left of a sentence when statements are cut from its end, the longest first; none too short to stand."""
    parts = split(sentence, language)
    heads = ("".join(parts[:n]).rstrip(" ,;:，；：") + _STOPS[language] for n in range(len(parts) - 1, 0, -1))
    return [head for head in heads if length(head, language) >= MIN_LENGTH[language] and not _DANGLING.search(head)]


def length(text: str, language: Language) -> int:
    """Words; characters in Chinese."""
    return len(HAN.findall(text)) if language == "zh" else len(text.split())


def repeats(sentence: str, text: str, glue: Iterable[str]) -> bool:
    """Whether a sentence says the same content words in a row twice, which the text that it retells does not."""
    skip = set(glue)
    twice = [{run for run, times in Counter(_runs(words, skip)).items() if times > 1} for words in (sentence, text)]
    return bool(twice[0] - twice[1])


def _runs(text: str, skip: Collection[str]) -> list[tuple[str, ...]]:
    tokens = [token for token in tokenize(text) if token not in skip]
    return [tuple(tokens[n : n + REPEATED]) for n in range(len(tokens) - REPEATED + 1)]


def mixed(sentence: str, lines: Sequence[str], glue: Iterable[str], language: Language) -> str:
    """Return the first statement whose content words stand in no single line, or "".

    Who does it may come from an earlier line where this one has a pronoun that can stand for them: a name in English, the
    first words in Chinese. What an earlier statement said may be taken up again.

    Args:
        sentence: whose words all stand in the lines or elsewhere on the card.
        lines: the sentences of the description that it retells.
        glue: tokens that need no source.
        language: of all of it.
    """
    if language == "en":  # what was found right beside a name belongs to it in every line
        for match in appositions(sentence, " ".join(lines)):
            sentence = sentence.replace(match[0], match["name"], 1)
    told = _Told(lines, frozenset(glue), language)
    for part in split(sentence, language):
        pieces = re.split(r"(?<=,)\s", part) if language == "en" else [part]
        if not told.takes([part]) and not (len(pieces) > 1 and told.takes(pieces)):
            return part.strip(" ,;，；")
    return ""


class _Told:
    """The statements of a sentence, one after the other, against the lines that they retell."""

    def __init__(self, lines: Sequence[str], skip: Collection[str], language: Language) -> None:
        self._lines = lines
        self._language: Language = language
        self._bags = [set(tokenize(line)) - set(skip) for line in lines]
        self._pronoun = load_cues(language).pronoun
        self._before: set[str] = set()
        self._last = -1

    def takes(self, parts: Sequence[str]) -> bool:
        """Whether each of the next statements stands in one line; if not, none of them is taken."""
        before, last = set(self._before), self._last
        for part in parts:
            if not self._stands(part):
                self._before, self._last = before, last
                return False
        return True

    def _stands(self, part: str) -> bool:
        tokens = set(tokenize(part)) & set[str]().union(*self._bags)
        if not tokens:
            return True
        best = min(range(len(self._bags)), key=lambda n: (len(tokens - self._bags[n]), n != self._last))
        line = self._lines[best]
        left = tokens - self._bags[best] - self._before
        earlier = set[str]().union(*self._bags[:best]) if self._pronoun.search(line) else set[str]()
        borrowed = left & earlier & _actors(part, self._language)
        if left - borrowed or len(borrowed) > BORROWED:
            return False
        if best != self._last >= 0 and not self._has_subject(part, line):
            return False
        self._before |= tokens
        self._last = best
        return True

    def _has_subject(self, part: str, line: str) -> bool:
        """Whether a statement that leaves the last line says who does it, as that line does, or it means the same one."""
        if self._language == "en":
            return has_subject(part, line, self._before)
        opening = _CLAUSE.split(line, maxsplit=1)[0]
        word = next(iter(tokenize(part)), "")
        return word in opening or self._pronoun.search(opening) is not None


def _actors(part: str, language: Language) -> set[str]:
    if language == "zh":
        return {token for token in tokenize(part)[:BORROWED]}
    return {token for name in NAME.findall(part) for token in tokenize(name)}


def unqualified(sentence: str, lines: Sequence[str], glue: Iterable[str], language: Language) -> str:
    """Return a qualification of the lines ("wants to", 想) whose matter the sentence tells without it, or ""."""
    modal = load_cues(language).modal
    kept = {_stem(match[0], language) for match in modal.finditer(sentence)}
    told, skip = set(tokenize(sentence)), set(glue)
    if not sentence.rstrip("”").endswith(("?", "？")):
        for line in lines:
            others = set(tokenize(" ".join(other for other in lines if other != line)))
            if line.rstrip("”").endswith(("?", "？")) and (set(tokenize(line)) - others - skip) & told:
                return line[-1]
    text = "\n".join(lines)
    for match in modal.finditer(text):
        if _stem(match[0], language) not in kept:
            end = _SCOPE_END[language].search(text, match.end())
            scope = text[match.end() : end.start() if end else len(text)]
            elsewhere = set(tokenize(text[: match.start()] + "\n" + (text[end.start() :] if end else "")))
            own = {t for t in tokenize(scope) if t not in skip and (language == "en" or len(t) > 1)} - elsewhere
            if own & told:
                return match[0]
    return ""


def _stem(word: str, language: Language) -> str:
    return word if language == "zh" else word.lower()[:3]
