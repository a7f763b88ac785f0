"""The words for facet values, and where they stand in a text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from retrieval.domain import Domain
from retrieval.facet import Facet
from retrieval.name_keys import HAN
from retrieval.types import Item, Op

MIN_ITEMS = 2  # a free value (no vocabulary) becomes a phrase when so many items share it
MIN_LETTERS = 5  # shorter English words ("time", "love") stand in too many sentences that do not mean them


@dataclass(frozen=True, slots=True)
class Target:
    """What a phrase means: values of a facet, or a bound of a number."""

    facet: str
    values: tuple[str, ...] = ()
    bound: tuple[Op, float] | None = None
    step: int = 0  # -1 / +1: less or more of a number than what was shown
    negated_only: bool = False
    wanted_only: bool = False  # a narrower subject: to refuse it is not to refuse the value


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase in a text and everything it means."""

    start: int
    end: int
    targets: tuple[Target, ...]


class Lexicon:
    """Phrases of one domain, by language."""

    def __init__(self, domain: Domain, items: Iterable[Item] = ()) -> None:
        """Collect the domain's phrases, and the values that several items share in soft facets without a vocabulary.

        A phrase for a narrower subject can be such a value besides: "no zombies" then refuses the theme.
        """
        self.languages = domain.languages
        self._worded = {name for name, facet in domain.facets.items() if facet.values or facet.bounds}
        self._targets: dict[str, dict[str, list[Target]]] = {lang: defaultdict(list) for lang in domain.languages}
        self._before: dict[str, list[tuple[str, Target]]] = {lang: [] for lang in domain.languages}
        for name, facet in domain.facets.items():
            for language in domain.languages:
                self._add_facet(name, facet, language)
                self._add_bounds(name, facet, language)
        self._add_free_values(domain, list(items))
        for language in domain.languages:
            for phrase in domain.idle.get(language, ()):
                self._targets[language].setdefault(phrase.lower(), [])
        self._lengths = {language: _lengths_of(table) for language, table in self._targets.items()}

    def _add_facet(self, name: str, facet: Facet, language: str) -> None:
        add = self._targets[language]
        for value, words in facet.values.items():
            for phrase in getattr(words, language, ()):
                add[phrase.lower()].append(Target(name, (value,)))
            for phrase in getattr(words, f"not_{language}", ()):
                add[phrase.lower()].append(Target(name, (value,), negated_only=True))
            for phrase in getattr(words, f"wanted_{language}", ()):
                add[phrase.lower()].append(Target(name, (value,), wanted_only=True))
        for group in facet.groups:
            for phrase in getattr(group, language, ()):
                add[phrase.lower()].append(Target(name, group.values))
        for phrase in facet.less.get(language, ()):
            add[phrase.lower()].append(Target(name, step=-1))
        for phrase in facet.more.get(language, ()):
            add[phrase.lower()].append(Target(name, step=1))

    def _add_bounds(self, name: str, facet: Facet, language: str) -> None:
        add = self._targets[language]
        for bound in facet.bounds:
            target = Target(name, bound=(bound.op, bound.value))
            for phrase in getattr(bound, language, ()):
                add[phrase.lower()].append(target)
            for phrase in getattr(bound, f"not_{language}", ()):
                add[phrase.lower()].append(replace(target, negated_only=True))
            self._before[language] += [(word.lower(), target) for word in getattr(bound, f"before_{language}", ())]

    def _add_free_values(self, domain: Domain, items: list[Item]) -> None:
        for name, facet in domain.facets.items():
            follows = domain.series is not None and domain.series.facet == name  # a series is asked for by its name
            if facet.type != "list" or (facet.match != "soft" and not follows) or facet.values:
                continue
            for language in domain.languages:
                shared: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
                for item in items:
                    for phrase, value in zip(item.label(name, language), item.values(name), strict=True):
                        shared[phrase.lower()][str(value)] += 1
                for phrase, values in shared.items():
                    long_enough = len(phrase) >= 2 if language == "zh" else len(phrase) >= MIN_LETTERS
                    known = any(not target.wanted_only for target in self._targets[language].get(phrase, ()))
                    if long_enough and sum(values.values()) >= MIN_ITEMS and not known:
                        self._targets[language][phrase].append(Target(name, tuple(values)))

    def phrases(self, language: str) -> Collection[str]:
        """Return the phrases of a language, in lower case."""
        return self._targets.get(language, {}).keys()

    def bounds_before(self, text: str, match: Match, language: str) -> list[tuple[str, Target]]:
        """Return the word directly before a phrase for a value that sets a bound, if there is one: "old westerns"."""
        before = text[: match.start].lower().rstrip()
        edge = "" if language == "zh" else r"\b"
        words = self._before.get(language, ()) if any(target.values for target in match.targets) else ()
        return [(word, target) for word, target in words if re.search(rf"{edge}{re.escape(word)}$", before)][:1]

    def places(self, found: Iterable[Match]) -> list[tuple[int, int]]:
        """Return where those of the phrases found stand that the domain's vocabulary has, and mean something undenied."""
        return [(m.start, m.end) for m in found if any(t.facet in self._worded and not t.negated_only for t in m.targets)]

    def speaks_of_values(self, text: str, language: str) -> bool:
        """Whether a text has a phrase that means something without a negation."""
        return any(not target.negated_only for match in self.find(text, language) for target in match.targets)

    def find(self, text: str, language: str) -> list[Match]:
        """Return the phrases of a language in a text, longest first where they overlap, in the order of the text."""
        table, lengths = self._targets.get(language, {}), self._lengths.get(language, {})
        low = text.lower()
        if len(low) != len(text):  # a few letters become two in lower case
            low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        found: list[Match] = []
        start = 0
        while start < len(low):
            for length in lengths.get(low[start], ()):
                end = start + length
                if end <= len(low) and low[start:end] in table and _stands_alone(low, start, end, language):
                    found.append(Match(start, end, tuple(table[low[start:end]])))
                    start = end - 1
                    break
            start += 1
        return found


def _lengths_of(phrases: Iterable[str]) -> dict[str, list[int]]:
    """The lengths of the phrases that begin with a character, the longest first."""
    lengths: dict[str, set[int]] = defaultdict(set)
    for phrase in phrases:
        if phrase:
            lengths[phrase[0]].add(len(phrase))
    return {first: sorted(found, reverse=True) for first, found in lengths.items()}


def _stands_alone(text: str, start: int, end: int, language: str) -> bool:
    """Whether a stretch is no part of a longer word. Chinese words have no edges, but Latin letters among them have."""
    around = (text[start - 1 : start], text[start : start + 1]), (text[end - 1 : end], text[end : end + 1])
    if language == "zh":
        return not any(one.isalpha() and other.isalpha() and not HAN.search(one + other) for one, other in around)
    return not (_joins(around[0][0]) or _joins(around[1][1]))


def _joins(character: str) -> bool:
    return character.isalnum() and not HAN.match(character)
