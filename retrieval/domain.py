"""A domain: how rows become items, how items are written on cards, and the words for their facets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field

from retrieval.mapping import ORIGINAL, Cleaning, EventMapping, ItemMapping, Model, as_columns
from retrieval.tables.base import Source
from retrieval.types import Item

PEOPLE = "people"
LANGUAGES = ("en", "zh")
FacetType: TypeAlias = Literal["year", "number", "date", "list", "people", "text"]
_JOIN = {"zh": "、"}
_INFERRED = {"zh": "（推断）"}
_VARIABLE = re.compile(r"\{(\w+)\}")
_VALUE = "\ue000"  # stands for a known value while a card's signs are tidied


class Bound(Model):
    """Phrases that set a numeric bound by themselves, such as "for kids".

    ``not_*`` do so under a negation alone, ``before_*`` where a word for a facet's value follows: "old westerns".
    """

    op: Literal["min", "max"]
    value: float
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()
    not_en: tuple[str, ...] = ()
    not_zh: tuple[str, ...] = ()
    before_en: tuple[str, ...] = ()
    before_zh: tuple[str, ...] = ()

    @property
    def says_itself(self) -> bool:
        """Whether it has phrases that need no negation: then "older", of nothing in particular, means it."""
        return bool(self.en or self.zh)


class Words(Model):
    """The phrases that mean a facet value. ``name`` is the word to show, else the first phrase of a language.

    ``attributive`` is the word before a noun, where that is another one ("Korean"): it should be among the phrases.
    ``not_*`` count under a negation alone. ``wanted_*`` count only where they are wished for: words for a narrower subject
    ("mafia"), which is all that a refusal then means, and not the whole genre.
    """

    name: Mapping[str, str] = Field(default_factory=dict)
    attributive: Mapping[str, str] = Field(default_factory=dict)

    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()
    not_en: tuple[str, ...] = ()
    not_zh: tuple[str, ...] = ()
    wanted_en: tuple[str, ...] = ()
    wanted_zh: tuple[str, ...] = ()

    def label(self, language: str) -> str | None:
        """Return the word to show in a language."""
        words: tuple[str, ...] = getattr(self, language, ())
        return self.name.get(language) or (words[0] if words else None)


class Group(Model):
    """Phrases that mean any of several values of a facet, such as "European"."""

    values: tuple[str, ...]
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


class Facet(Model):
    """One facet: where it comes from, what type it has, and the words for it.

    Attributes:
        type: ``year`` and ``number`` are numbers, ``date`` is ISO text (also "1961" or "1993-02"), ``list`` and ``people``
            are several texts, ``text`` is one.
        column: where it stands.
        columns: the same in several languages, one column beside the other.
        parts: several columns that hold one value each.
        flags: column -> value, for columns that hold 0 or 1.
        separator: between the values of a list; None: the first of ``|``, ``;``, `` / ``, ``、`` and ``,`` that occurs.
        key: of the value, in a list of objects.
        pattern: a regular expression whose first group is the value.
        unknown: values that mean that nothing is known, such as "0" or "N/A".
        aliases: another spelling in the table -> the value.
        range: lowest and highest number that can be true.
        less, more: words for a smaller or a larger number than that of what was shown ("shorter").
        least, most: words for the smallest and the largest number among what was shown ("the shortest").
        open: words that name the facet where a person says that it does not matter ("any year").
        infer: the language model may fill it from the text (retrieval.inferred) when no column does.
    """

    type: FacetType
    column: str | None = None
    columns: Mapping[str, str] = Field(default_factory=dict)
    parts: tuple[str, ...] = ()
    flags: Mapping[str, str] = Field(default_factory=dict)
    separator: str | None = None
    key: str = "name"
    pattern: str | None = None
    unknown: tuple[str, ...] = ()
    aliases: Mapping[str, str] = Field(default_factory=dict)
    range: tuple[float, float] | None = None
    infer: bool = False
    label: Mapping[str, str]
    unit: Mapping[str, str] = Field(default_factory=dict)
    match: Literal["hard", "soft"] = "hard"
    values: Mapping[str, Words] = Field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    bounds: tuple[Bound, ...] = ()
    less: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    more: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    least: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    most: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    open: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    step: float = 1
    measures: Literal["duration", "age"] | None = None
    say_max: Mapping[str, str] = Field(default_factory=dict)
    say_min: Mapping[str, str] = Field(default_factory=dict)
    ask: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def sources(self) -> tuple[str, ...]:
        """Every column that it reads."""
        return (*as_columns(self.column), *self.columns.values(), *self.parts, *self.flags)

    @cached_property
    def canonical(self) -> dict[str, str]:
        """Lower-cased phrase -> canonical value, so that "Science Fiction" in a table is "science-fiction" in a wish."""
        values = list(reversed(list(self.values.items())))
        narrower = {w.lower(): v for v, words in values for w in (*words.wanted_zh, *words.wanted_en)}
        phrases = {**narrower, **{w.lower(): v for v, words in values for w in (*words.zh, *words.en)}}
        named = {word.lower(): v for v, words in self.values.items() for word in words.name.values()}
        aliases = {spelling.lower(): value for spelling, value in self.aliases.items()}
        return {**phrases, **named, **{value.lower(): value for value in self.values}, **aliases}


class Noun(Model):
    """What the domain's things are called; ``measure`` stands between a number and the noun where the language wants it."""

    one: str
    many: str
    measure: str = ""
    other: tuple[str, ...] = ()


class Retold(Model):
    """Lines of a description, and one sentence that retells them in their own words and order."""

    text: str
    reason: str


class Example(Model):
    """A worked example: a card, a wish, and a sentence that retells the card's description; ``also`` holds more of those."""

    card: str
    wish: str
    reason: str
    also: tuple[Retold, ...] = ()

    @property
    def retold(self) -> tuple[Retold, ...]:
        """Every example of retelling; the first line of the card is its headline and no part of the description."""
        return (Retold(text=self.card.strip().partition("\n")[2] or self.card.strip(), reason=self.reason), *self.also)


class Domain(Model):
    """A whole domain. Load one with :func:`retrieval.domain_files.load_domain`.

    Attributes:
        base: the shipped domain whose words, facets and card it builds on.
        recognise: words of column and file names that tell a table of this domain (retrieval.inspection).
        columns: facet -> names that its column has elsewhere (retrieval.inspection).
        per_group: at most one item per value of this facet in a reply.
        headline: facets shown on a card, in this order.
        ballot: facets that the model's vote reads.
        idle: phrases that hold a word of a facet and mean no value of it ("bloody good", 强烈推荐).
    """

    name: str
    base: str | None = None
    catalogue: str = ""
    licence: str = ""
    languages: tuple[str, ...] = LANGUAGES
    recognise: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    per_group: str | None = None
    headline: tuple[str, ...] = ()
    ballot: tuple[str, ...] = ()
    ask: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    ordinary_titles: tuple[str, ...] = ()
    idle: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    noun: Mapping[str, Noun]
    example: Mapping[str, Example]
    source: Source = Source()
    mapping: ItemMapping
    cleaning: Cleaning = Cleaning()
    events: tuple[EventMapping, ...] = ()
    card: Mapping[str, str]
    facets: Mapping[str, Facet]
    folder: Path

    @property
    def catalogue_path(self) -> Path:
        """The catalogue file of the domain."""
        return self.folder / self.catalogue

    @cached_property
    def card_languages(self) -> tuple[str, ...]:
        """The languages in which a card differs by more than labels: each gets a vector of its own."""
        told = {*self.mapping.titles, *self.mapping.texts} - {ORIGINAL}
        return tuple(language for language in self.languages if language in told) or self.languages[:1]

    def card_language(self, language: str) -> str:
        """The language of the card that stands for one in ``language``."""
        return language if language in self.card_languages else self.card_languages[0]

    @cached_property
    def noun_words(self) -> str:
        """Every word for the domain's things: in a wish for one of them they say nothing."""
        return " ".join(word for noun in self.noun.values() for word in (noun.one, noun.many, *noun.other))

    @cached_property
    def people_facets(self) -> tuple[str, ...]:
        """The names of the facets that hold people."""
        return tuple(name for name, facet in self.facets.items() if facet.type == PEOPLE)

    @cached_property
    def kind_facet(self) -> str | None:
        """The facet that says what kind of thing an item is: the first list on the model's ballot that has words."""
        named = (name for name in self.ballot if name in self.facets)
        return next((n for n in named if self.facets[n].type == "list" and self.facets[n].values), None)

    @cached_property
    def card_fingerprint(self) -> str:
        """Changes with whatever changes the text of a card: templates, mapping, units, and the labels of facet values."""
        labels = {
            name: {value: [words.label(lang) for lang in self.languages] for value, words in facet.values.items()}
            for name, facet in self.facets.items()
        }
        words = {
            "label",
            "match",
            "values",
            "groups",
            "bounds",
            "less",
            "more",
            "least",
            "most",
            "open",
            "step",
            "measures",
            "say_max",
            "say_min",
            "ask",
        }
        facets = {name: facet.model_dump(mode="json", exclude=words) for name, facet in self.facets.items()}
        parts = [self.source, self.mapping, self.cleaning]
        text = json.dumps([dict(self.card), labels, facets, [p.model_dump(mode="json") for p in parts]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def facet_text(self, item: Item, facet: str, language: str, *, mark: bool = True) -> str:
        """Write a facet's values in a language, with the unit, and ``mark`` those that were inferred; empty when unknown."""
        spec = self.facets[facet]
        unit = spec.unit.get(language, "")
        gap = "" if language == "zh" else " "
        words = [f"{word}{gap if unit else ''}{unit}" for word in item.label(facet, language)]
        inferred = _INFERRED.get(language, " (inferred)") if mark and words and facet in item.inferred else ""
        return _JOIN.get(language, ", ").join(words) + inferred

    def write_card(self, item: Item, language: str) -> str:
        """Write the card of an item in a language. Lines and clauses whose fields are all unknown are dropped."""
        lines: list[str] = []
        for template in self.card[language].strip().splitlines():
            values: list[str] = []

            def fill(match: re.Match[str], values: list[str] = values) -> str:
                name = match[1]
                if name == "title":
                    value = item.title(language)
                elif name == "text":
                    value = item.text(language)
                else:
                    value = self.facet_text(item, name, language, mark=False)
                if value:
                    values.append(value)
                return _VALUE if value else ""

            line = _VARIABLE.sub(fill, template)
            if values:  # the signs around an unknown value go; those inside a value ("...", "Jr.") stay
                line = re.sub(r"(?:^|(?<=[.;,。；，])) ?[.;,。；，]|\(\)", "", line).strip(" ;,；，")
                rest = iter(values)
                lines.append(re.sub(_VALUE, lambda _, rest=rest: next(rest), line))
        return "\n".join(lines)

    def value_label(self, facet: str, value: object, language: str) -> str:
        """Return the word for one canonical facet value."""
        words = self.facets[facet].values.get(str(value)) if facet in self.facets else None
        return (words.label(language) if words else None) or str(value)
