"""Series that a message names, and which volume of one: "the second book of Earthsea", 三体第二部. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatbot.cues import Cues
from chatbot.lexicon import Lexicon
from chatbot.types import Language
from retrieval.domain import Domain
from retrieval.titles import Mention
from retrieval.types import Constraint, Item

# what a series is called beside its name; with the domain's nouns, "the Earthsea books"
_KINDS_ZH, _KINDS_EN = r"系列|传奇|[三四五六七]部曲|全集|这套", "series|trilogy|cycle|quartet|saga|path"
_NEAR = 40  # characters between a name and its number


@dataclass(frozen=True)
class VolumeReader:
    """Reads the series of one domain.

    Attributes:
        domain: with the series.
        lexicon: with their phrases.
        stems: language -> pattern of their names, without what kind of series each is.
        values: a name in lower case -> the series.
        between: what may stand between a name and a number.
    """

    domain: Domain
    lexicon: Lexicon
    stems: dict[str, re.Pattern[str]]
    values: dict[str, str]
    between: re.Pattern[str]

    @classmethod
    def of(cls, domain: Domain, lexicon: Lexicon, items: Iterable[Item]) -> VolumeReader:
        """Collect the names of the series of a catalogue."""
        stems: dict[str, re.Pattern[str]] = {}
        values: dict[str, str] = {}
        nouns = "|".join(re.escape(word) for word in domain.noun_words.split())
        kinds = rf"{_KINDS_ZH}|\s+(?:{_KINDS_EN}|{nouns})"
        for language in domain.languages if domain.series else ():
            names: set[str] = set()
            for phrase, value in set(_names(domain, items, language)):
                stem = re.sub(rf"(?:{kinds})$|^the\s+", "", phrase.lower())
                names.update((stem, stem.replace("·", "")) if len(stem) > 1 else ())
                values |= {stem: value, stem.replace("·", ""): value}
            edge = "" if language == "zh" else r"\b"
            said = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or "(?!)"
            stems[language] = re.compile(f"{edge}(?:{said}){edge}", re.IGNORECASE)
        between = rf"(?:[\s,，:：》」的里中]|{_KINDS_ZH}|\b(?:of|in|from|the|{_KINDS_EN}|{nouns})\b)*"
        return cls(domain, lexicon, stems, values, re.compile(between, re.IGNORECASE))

    def find(self, text: str, language: Language, cues: Cues) -> tuple[tuple[Constraint, ...], list[tuple[int, int]]]:
        """Return what a text says of a volume, and where; nothing where it names no series beside a number."""
        series = self.domain.series
        if series is None or language not in self.stems:
            return (), []
        for name in self.stems[language].finditer(text):
            for number in cues.volume.finditer(text):
                first, last = sorted((name.span(), number.span()))
                beside = 0 <= last[0] - first[1] <= _NEAR and self.between.fullmatch(text, first[1], last[0])
                if beside and (which := _number(number, cues)):
                    span, words = (first[0], last[1]), re.sub("[《》]", "", text[first[0] : last[1]])
                    bounds = [Constraint(series.number, op, which, words) for op in ("min", "max")]
                    return (Constraint(series.facet, "includes", self.values[name[0].lower()], words), *bounds), [span]
        return (), []

    def without_series(
        self, mentions: list[Mention], text: str, language: Language, volumes: list[tuple[int, int]]
    ) -> list[Mention]:
        """Return mentions without titles that are only a part of what a series or a volume is called: "Wolf Hall trilogy"."""
        spans = [*volumes, *self._phrases(text, language)] if self.domain.series else []
        return [m for m in mentions if not any(a <= m.start and m.end <= b and b - a > m.end - m.start for a, b in spans)]

    def _phrases(self, text: str, language: Language) -> Iterator[tuple[int, int]]:
        for match in self.lexicon.find(text, language):
            if self.domain.series and any(target.facet == self.domain.series.facet for target in match.targets):
                yield match.start, match.end


def _names(domain: Domain, items: Iterable[Item], language: str) -> Iterator[tuple[str, str]]:
    """Yield (name, series) of a language: the phrases of the vocabulary, and what stands in the catalogue."""
    name = domain.series.facet if domain.series else ""
    for value, words in domain.facets[name].values.items():
        yield from ((phrase, value) for phrase in (words.label(language), *getattr(words, language, ())) if phrase)
    for item in items:
        yield from zip(item.label(name, language), map(str, item.values(name)), strict=True)


def _number(found: re.Match[str], cues: Cues) -> int:
    words = next(group for group in found.groups() if group).lower()
    return cues.ordinals.get(words) or int("".join(filter(str.isdigit, words)) or 0)
