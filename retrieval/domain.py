"""A domain: how rows become items, how items are written on cards, and the words for their facets, read from domain.toml."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrieval.errors import DomainError
from retrieval.types import Item

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

DOMAINS = Path(__file__).parent / "domains"
PEOPLE = "people"
_JOIN = {"zh": "、"}
_VARIABLE = re.compile(r"\{(\w+)\}")
_VALUE = "\ue000"  # stands for a known value while a card's signs are tidied


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bound(_Model):
    """Phrases that set a numeric bound by themselves, such as "for kids"."""

    op: Literal["min", "max"]
    value: float
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()
    not_en: tuple[str, ...] = ()
    not_zh: tuple[str, ...] = ()


class Words(_Model):
    """The phrases that mean a facet value. ``name`` is the word to show, else the first phrase of a language.

    ``not_*`` count under a negation alone.
    """

    name: Mapping[str, str] = Field(default_factory=dict)

    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()
    not_en: tuple[str, ...] = ()
    not_zh: tuple[str, ...] = ()

    def label(self, language: str) -> str | None:
        """Return the word to show in a language."""
        words: tuple[str, ...] = getattr(self, language, ())
        return self.name.get(language) or (words[0] if words else None)


class Group(_Model):
    """Phrases that mean any of several values of a facet, such as "European"."""

    values: tuple[str, ...]
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


class Facet(_Model):
    """One facet: where it comes from, what type it has, and the words for it."""

    type: Literal["year", "number", "list", "people"]
    column: str | None = None
    columns: Mapping[str, str] = Field(default_factory=dict)
    label: Mapping[str, str]
    unit: Mapping[str, str] = Field(default_factory=dict)
    match: Literal["hard", "soft"] = "hard"
    values: Mapping[str, Words] = Field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    bounds: tuple[Bound, ...] = ()
    less: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    more: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    step: float = 1
    measures: Literal["duration", "age"] | None = None
    say_max: Mapping[str, str] = Field(default_factory=dict)
    say_min: Mapping[str, str] = Field(default_factory=dict)
    ask: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Noun(_Model):
    """What the domain's things are called."""

    one: str
    many: str
    other: tuple[str, ...] = ()


class Example(_Model):
    """A worked example for the writing prompt: a card, a wish and a good reason."""

    card: str
    wish: str
    reason: str


class Mapping_(_Model):
    """Which columns hold the id, the titles and the texts."""

    id: str
    title: Mapping[str, str]
    text: Mapping[str, str]


class Domain(_Model):
    """A whole domain. Load one with :func:`load_domain`."""

    name: str
    catalogue: str
    licence: str = ""
    languages: tuple[str, ...]
    per_group: str | None = None
    headline: tuple[str, ...] = ()
    ballot: tuple[str, ...] = ()
    ask: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    ordinary_titles: tuple[str, ...] = ()
    noun: Mapping[str, Noun]
    example: Mapping[str, Example]
    mapping: Mapping_
    card: Mapping[str, str]
    facets: Mapping[str, Facet]
    folder: Path

    @property
    def catalogue_path(self) -> Path:
        """The catalogue file of the domain."""
        return self.folder / self.catalogue

    @cached_property
    def noun_words(self) -> str:
        """Every word for the domain's things: in a wish for one of them they say nothing."""
        return " ".join(word for noun in self.noun.values() for word in (noun.one, noun.many, *noun.other))

    @cached_property
    def people_facets(self) -> tuple[str, ...]:
        """The names of the facets that hold people."""
        return tuple(name for name, facet in self.facets.items() if facet.type == PEOPLE)

    @cached_property
    def card_fingerprint(self) -> str:
        """Changes with whatever changes the text of a card: templates, mapping, units, and the labels of facet values."""
        labels = {
            name: {value: [words.label(lang) for lang in self.languages] for value, words in facet.values.items()}
            for name, facet in self.facets.items()
        }
        source = {"type", "column", "columns", "unit"}
        mapping = [self.mapping.model_dump(), {name: facet.model_dump(include=source) for name, facet in self.facets.items()}]
        text = json.dumps([dict(self.card), labels, mapping], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def facet_text(self, item: Item, facet: str, language: str) -> str:
        """Write a facet's values in a language, with the unit; empty when unknown."""
        spec = self.facets[facet]
        unit = spec.unit.get(language, "")
        gap = "" if language == "zh" else " "
        words = [f"{word}{gap if unit else ''}{unit}" for word in item.label(facet, language)]
        return _JOIN.get(language, ", ").join(words)

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
                    value = self.facet_text(item, name, language)
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


def _check(domain: Domain, path: Path) -> None:
    for language in domain.languages:
        for what, table in (
            ("[noun]", domain.noun),
            ("[example]", domain.example),
            ("[card]", domain.card),
            ("[mapping.title]", domain.mapping.title),
        ):
            if language not in table:
                raise DomainError(f"{path}: {what} has no entry for language '{language}'. Add one or remove the language.")
        for name in _VARIABLE.findall(domain.card[language]):
            if name not in domain.facets and name not in ("title", "text"):
                raise DomainError(
                    f"{path}: the {language} card names '{{{name}}}', which is no facet. Use title, text or a facet."
                )
    for key in ("headline", "ballot"):
        for name in getattr(domain, key):
            if name not in domain.facets:
                raise DomainError(f"{path}: {key} names '{name}', which is no facet.")
    for name, facet in domain.facets.items():
        if not facet.column and not facet.columns:
            raise DomainError(f"{path}: facet '{name}' names no column. Add column = \"...\" or columns = {{...}}.")


def load_domain(name_or_folder: str | Path) -> Domain:
    """Read a domain by the name of a shipped one or by a folder that holds a domain.toml.

    Raises:
        DomainError: it does not exist or its domain.toml cannot be used; the message says which key.
    """
    folder = Path(name_or_folder)
    if not (folder / "domain.toml").is_file():
        folder = DOMAINS / str(name_or_folder)
    path = folder / "domain.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.parent.name for p in DOMAINS.glob("*/domain.toml")))
        raise DomainError(
            f"There is no domain '{name_or_folder}'. Shipped: {shipped}; or give a folder that holds a domain.toml."
        )
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        domain = Domain.model_validate({**data, "folder": folder})
    except tomllib.TOMLDecodeError as error:
        raise DomainError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DomainError(f"{path}: key '{where}': {first['msg']}") from error
    _check(domain, path)
    return domain
