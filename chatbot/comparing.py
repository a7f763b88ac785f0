"""Two or more items beside each other, from their cards alone: which is longer, what each lists, how they differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chatbot.answers import Speaker
from chatbot.types import Language
from chatbot.written import join, write_title
from prompts import load_phrases
from retrieval.days import as_number
from retrieval.domain import Domain
from retrieval.types import FacetValue, Item, Wish

Answer: TypeAlias = "tuple[str, tuple[str, ...]]"  # what is said, and the sources that it rests on

MAX_ITEMS = 4  # as many as a sentence can hold apart
MAX_FACETS = 4  # clauses that say how items differ
MAX_VALUES = 3  # of a list in such a clause
_WHICH = r"(?:哪|谁|比较|相比|和.*比).{0,4}?"  # before a bare adjective: "哪个长"


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that a question compares: the facet, the person's word for it, and where that word points."""

    facet: str
    word: str
    largest: bool
    superlative: bool


def measure_asked(text: str, language: Language, domain: Domain) -> Measure | None:
    """Return which number a question compares ("which is longer", 哪个更长), if it compares one."""
    lowered = text.lower()
    for name, facet in domain.facets.items():
        for words, largest, superlative in (
            (facet.most, True, True),
            (facet.least, False, True),
            (facet.more, True, False),
            (facet.less, False, False),
        ):
            for word in words.get(language, ()):
                if re.search(rf"\b{re.escape(word)}\b" if language == "en" else re.escape(word), lowered):
                    return Measure(name, word, largest, superlative)
                bare = word.removeprefix("更")
                if bare != word and re.search(_WHICH + re.escape(bare), lowered):
                    return Measure(name, word, largest, superlative)
    return None


def named_soft(text: str, language: Language, domain: Domain) -> tuple[str, ...]:
    """Return the soft facets that a text names by their label; those that ask of one item ("how is") are too vague."""
    labels = {name: facet.label.get(language, name).lower() for name, facet in domain.facets.items() if facet.match == "soft"}
    return tuple(name for name, label in labels.items() if label.removesuffix("s") in text.lower())


class Comparison:
    """Several items of one catalogue beside each other, said in one language."""

    def __init__(self, items: Sequence[Item], domain: Domain, speaker: Speaker, language: Language) -> None:
        """Take the items, at most four of them, in the order in which they were named."""
        self._items, self._domain, self._speaker = tuple(items)[:MAX_ITEMS], domain, speaker
        self._language: Language = language
        self._say = load_phrases(language).say

    def answer(self, text: str, facets: Sequence[str], asked: Sequence[Wish]) -> Answer:
        """Answer a question from the cards and nothing else.

        Args:
            text: the question.
            facets: that it asks for; ``text`` stands for the description.
            asked: values that it asks about ("which is scarier").
        """
        if measure := measure_asked(text, self._language, self._domain):
            return self._number(measure)
        if asked:
            return self._listed(asked)
        hard = [name for name in facets if name != "text" and self._domain.facets[name].match == "hard"]
        if named := [*hard, *named_soft(text, self._language, self._domain)]:
            return self._lines([self._values(name) for name in named[:MAX_FACETS]])
        if "text" in facets and any(item.text(self._language) for item in self._items):
            told = [item for item in self._items if item.text(self._language)]
            lines = [self._say("answer_text", title=self._title(item), text=item.text(self._language)) for item in told]
            return "\n".join(lines), ("card.summary",)
        return self._difference()

    # -- one facet --------------------------------------------------------------------------------------------------

    def _title(self, item: Item) -> str:
        return write_title(item, self._language)

    def _titles(self, items: Iterable[Item]) -> str:
        return join((self._title(item) for item in items), self._language, "and")

    def _lines(self, answers: Iterable[Answer]) -> Answer:
        answers = [*answers]
        sources = dict.fromkeys(source for _, found in answers for source in found)
        return "\n".join(text for text, _ in answers if text), tuple(sources)

    def _label(self, facet: str) -> str:
        return self._domain.facets[facet].label[self._language]

    def _beside(self, items: Sequence[Item], facet: str) -> str:
        gap, comma = ("", "，") if self._language == "zh" else (" ", ", ")
        if any(len(item.values(facet)) > 1 for item in items):
            gap, comma = ("：", "；") if self._language == "zh" else (": ", "; ")
        return comma.join(f"{self._title(i)}{gap}{self._domain.facet_text(i, facet, self._language)}" for i in items)

    def _unknown(self, facet: str) -> str:
        without = [item for item in self._items if not item.values(facet)]
        return self._say("compare_unknown", titles=self._titles(without), label=self._label(facet)) if without else ""

    def _join(self, *sentences: str) -> str:
        return ("" if self._language == "zh" else " ").join(sentence for sentence in sentences if sentence)

    def _number(self, measure: Measure) -> Answer:
        """Say which has more or less of a number, with the numbers."""
        name = measure.facet
        numbers = {n: v for n, i in enumerate(self._items) for own in i.values(name)[:1] if (v := as_number(own)) is not None}
        known = [self._items[n] for n in numbers]
        if len(known) < 2:
            return self._values(name)
        best = (max if measure.largest else min)(numbers.values())
        first = [self._items[n] for n, value in numbers.items() if value == best]
        values = self._beside(known, name)
        if len(first) == len(known):
            value = self._domain.facet_text(known[0], name, self._language)
            said = self._say("compare_equal", label=self._label(name), value=value)
        elif len(first) > 1:
            said = self._say("compare_values", label=self._label(name), values=values)
        else:
            phrase = "compare_most" if measure.superlative else "compare_more"
            said = self._say(phrase, title=self._title(first[0]), word=measure.word, values=values)
        return self._join(said, self._unknown(name)), (f"card.{name}",)

    def _values(self, facet: str) -> Answer:
        """Say what each card has of a facet."""
        known = [item for item in self._items if item.values(facet)]
        said = self._say("compare_values", label=self._label(facet), values=self._beside(known, facet)) if known else ""
        return self._join(said, self._unknown(facet)), (f"card.{facet}",)

    def _listed(self, asked: Sequence[Wish]) -> Answer:
        """Say which cards list the values asked about, and what each lists of that facet."""
        facet = asked[0].field
        wanted = list(dict.fromkeys(wish.value for wish in asked if wish.field == facet))
        words = self._words(facet, wanted, "or")
        having = [item for item in self._items if any(value in wanted for value in item.values(facet))]
        if not having:
            said = self._say("compare_none", values=words)
        else:
            phrase = "compare_all" if len(having) == len(self._items) else "compare_some"
            said = self._say(phrase, titles=self._titles(having), values=words)
        values, sources = self._values(facet)
        return f"{said}\n{values}", sources

    # -- all of it --------------------------------------------------------------------------------------------------

    def _difference(self) -> Answer:
        """Say how they differ, in at most four clauses an item, and what they share."""
        differing = [name for name in self._ordered() if len({frozenset(item.values(name)) for item in self._items}) > 1]
        differing = [name for name in differing if any(self._own(item, name) for item in self._items)][:MAX_FACETS]
        shared = {name: words for name in self._ordered() if (words := self._shared(name))}
        comma = "；" if self._language == "zh" else "; "
        lines: list[str] = []
        for item in self._items if differing else ():
            clauses = [self._own(item, name) for name in differing]
            lines.append(self._say("compare_item", title=self._title(item), facts=comma.join(c for c in clauses if c)))
        if not differing:
            lines.append(self._say("compare_same", titles=self._titles(self._items)))
        if shared:
            lines.append(self._say("compare_shared", values=comma.join(list(shared.values())[:MAX_FACETS])))
        return "\n".join(lines), tuple(f"card.{name}" for name in dict.fromkeys((*differing, *shared)))

    def _ordered(self) -> list[str]:
        """The facets that a difference is told by: numbers with words for more and less, then lists, of the ballot first."""

        def place(name: str) -> int:
            return 1 if name in self._domain.ballot else 2 if self._domain.facets[name].values else 0

        told = [name for name, facet in self._domain.facets.items() if facet.values or (facet.less and facet.more)]
        return sorted(told, key=place)

    def _common(self, facet: str) -> set[FacetValue]:
        first, *others = (set(item.values(facet)) for item in self._items)
        return first.intersection(*others)

    def _words(self, facet: str, values: Sequence[FacetValue], last: str = "") -> str:
        return join((self._speaker.value_label(facet, value, self._language) for value in values), self._language, last)

    def _own(self, item: Item, facet: str) -> str:
        """What an item has of a facet that the others do not all have."""
        if not item.values(facet):
            return self._say("compare_missing", label=self._label(facet))
        if not self._domain.facets[facet].values:
            return self._domain.facet_text(item, facet, self._language)
        own = [value for value in item.values(facet) if value not in self._common(facet)]
        return self._words(facet, own[:MAX_VALUES])

    def _shared(self, facet: str) -> str:
        common = self._common(facet)
        if common and not self._domain.facets[facet].values:
            return self._domain.facet_text(self._items[0], facet, self._language)
        values = [value for value in self._items[0].values(facet) if value in common]
        return self._words(facet, values[:MAX_VALUES])
