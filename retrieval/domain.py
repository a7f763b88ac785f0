"""A domain: how rows become items, how items are written on cards, and the words for their facets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from pydantic import Field

from retrieval.abilities import Behaviour, Care, Companions, Freshness, Icon, Person, Purchases, Series, Standing
from retrieval.facet import Facet
from retrieval.mapping import ORIGINAL, Cleaning, EventMapping, ItemMapping, Model
from retrieval.tables.base import Source
from retrieval.types import Item

PEOPLE = "people"
LANGUAGES = ("en", "zh")
_JOIN = {"zh": "、"}
_INFERRED = {"zh": "（推断）"}
_VARIABLE = re.compile(r"\{(\w+)\}")
_VALUE = "\ue000"  # stands for a known value while a card's signs are tidied


class Noun(Model):
    """What the domain's things are called, and what one does with them.

    Attributes:
        measure: stands between a number and the noun where the language wants it; ``measures`` are others that may.
        other: further nouns that people use.
        verbs: what one does with a thing ("watch", "watching"); in Chinese one character each (看, 读, 听).
        makers: words for the people behind a thing, beside the labels of their facets.
        had: what it is called to have had one ("seen", "read", 看过).
    """

    one: str
    many: str
    measure: str = ""
    other: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    had: str = ""


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
        trade: words, or beginnings of words, that elsewhere are another trade's ("weather", "invest") and here are not.
        columns: facet -> names that its column has elsewhere (retrieval.inspection).
        per_group: at most one item per value of this facet in a reply.
        essence: facets that say what a thing is: where nothing keeps all demands, they are the last to give way.
        headline: facets shown on a card, in this order.
        ballot: facets that the model's vote reads.
        idle: phrases that hold a word of a facet and mean no value of it ("bloody good", 强烈推荐).
        title: what the catalogue is called beside others, by language; without, its things' name.
        starters: messages that the start page offers, by language.
        icon: what stands on a card without a picture.
        questions: facets worth asking about, the most telling first; none: whichever tells most.
        diversity: relevance against diversity in a list, 1 for relevance alone.
        repeat: what is bought again and again; ``once``: what is bought once in a long time.
        people: sample people; their histories are in ``people.jsonl``.
    """

    name: str
    base: str | None = None
    catalogue: str = ""
    licence: str = ""
    languages: tuple[str, ...] = LANGUAGES
    recognise: tuple[str, ...] = ()
    trade: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    per_group: str | None = None
    essence: tuple[str, ...] = ()
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
    title: Mapping[str, str] = Field(default_factory=dict)
    starters: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    icon: Icon = "thing"
    questions: tuple[str, ...] = ()
    diversity: float = Field(default=0.8, ge=0, le=1)
    freshness: Freshness | None = None
    standing: tuple[Standing, ...] = ()
    series: Series | None = None
    companions: Companions | None = None
    repeat: Purchases | None = None
    once: Purchases | None = None
    behaviour: Behaviour = Behaviour()
    care: Care | None = None
    people: Mapping[str, Person] = Field(default_factory=dict)
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

    def had(self, language: str) -> str:
        """Return what it is called to have had a thing."""
        return self.noun[language].had or {"zh": "看过"}.get(language, "seen")

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
            "say",
            "say_max",
            "say_min",
            "ask",
            "means",
            "units",
            "bare",
            "choices",
            "wish",
            "refuse",
        }
        unset = {"sign", "times", "zero"}  # where they are empty, an index from before they were there is still up to date
        facets = {name: self._shape(facet, words, unset) for name, facet in self.facets.items()}
        parts = [self.source, self.mapping, self.cleaning]
        text = json.dumps([dict(self.card), labels, facets, [p.model_dump(mode="json") for p in parts]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @staticmethod
    def _shape(facet: Facet, words: set[str], unset: set[str]) -> dict[str, object]:
        shape = facet.model_dump(mode="json", exclude=words)
        return {key: value for key, value in shape.items() if value or key not in unset}

    def facet_text(self, item: Item, facet: str, language: str, *, mark: bool = True) -> str:
        """Write a facet's values in a language, with the unit, and ``mark`` those that were inferred; empty when unknown."""
        spec = self.facets[facet]
        plain = spec.type in ("list", "people", "text") or facet in item.labels
        words = item.label(facet, language) if plain else [spec.written(v, language) for v in item.values(facet)]
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
