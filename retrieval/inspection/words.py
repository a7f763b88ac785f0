"""What the names of columns tell: the word lists of words.toml, and the words of the shipped domains."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from retrieval.domain_files import DOMAINS, GENERAL, shipped_domains
from retrieval.facet import FacetType

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

WORDS = Path(__file__).with_name("words.toml")
_TAIL, _INSIDE = 0.9, 0.5  # what a name weighs whose last words, or some words, are those of the list
_MOSTLY = 0.5  # of the frequent values of a column are words of a facet
_HITS = 2  # words of a domain that must occur before a table counts as its
_TYPED = re.compile(r":(token|token_seq|float|float_seq)$")  # RecBole's headers
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIGITS = re.compile(r"(?<=[^\W\d_])(?=\d+(?:[\W_]|$))")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_SCRIPTS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+")

Tokens = tuple[str, ...]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FacetWords(_Model):
    """A facet that tables of many kinds have: its type, the names of its columns, and what it is called."""

    type: FacetType
    names: tuple[str, ...]
    instead: tuple[str, ...] = Field(default=(), alias="as")
    label: Mapping[str, str] = Field(default_factory=dict)
    match: str | None = None
    less: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    more: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Words(_Model):
    """The content of words.toml."""

    things: tuple[str, ...]
    anonymous: tuple[str, ...]
    language_marks: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, Mapping[str, float]]
    skip: Mapping[str, tuple[str, ...]]
    languages: Mapping[str, tuple[str, ...]]
    unknown: Mapping[str, tuple[str, ...]]
    facets: Mapping[str, FacetWords]
    events: Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Base:
    """What a proposal needs of the domain that it builds on.

    Attributes:
        name: of the domain.
        words: that its tables use.
        types: facet name -> type.
        names: facet name -> names of columns that hold it.
        values: facet name -> every phrase for one of its values.
    """

    name: str
    words: tuple[str, ...]
    types: Mapping[str, FacetType]
    names: Mapping[str, tuple[str, ...]]
    values: Mapping[str, frozenset[str]]


@lru_cache(maxsize=1)
def words() -> Words:
    """Read the word lists."""
    return Words.model_validate(tomllib.loads(WORDS.read_text(encoding="utf-8")))


@lru_cache(maxsize=65536)
def tokens(name: str) -> Tokens:
    """Split a name into its words, in the form they are compared in: "Book-Title" is book, title; "itemIds" item, id."""
    spaced = _DIGITS.sub(" ", _CAMEL.sub(" ", _TYPED.sub("", name)))
    found = [part for part in _SCRIPTS.findall(spaced.lower()) if part]
    if len(found) == 1:
        found = _joined(found[0])
    return tuple(_plain(word) for word in found)


def _joined(word: str) -> list[str]:
    """Split "bookname" and "userid", which nobody marked as two words."""
    for tail in ("id", "ids", "name", "title", "url", "image", "date", "year", "desc", "description"):
        head = word.removesuffix(tail)
        if head != word and _plain(head) in _owners():
            return [head, tail]
    return [word]


@lru_cache(maxsize=1)
def _owners() -> frozenset[str]:
    lists = [*words().things, *words().roles["user"], *words().roles["picture"]]
    return frozenset(_plain(word) for word in lists) | {_plain(w) for name in bases() for w in bases()[name].words}


def _plain(word: str) -> str:
    """The form in which singular and plural are equal."""
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-1] + "ie" if len(word) > 3 and word.endswith("y") and word[-2] not in "aeiou" else word


def is_anonymous(name: str) -> bool:
    """Whether a name tells nothing: "c3", "Unnamed: 0", "7"."""
    found = [part for part in tokens(name) if not part.isdecimal()]
    return not found or (len(found) == 1 and found[0] in words().anonymous and any(c.isdecimal() for c in name))


def fit(name: Tokens, phrase: str) -> float:
    """How well a name is a phrase, from 0 to 1: the whole name, its end, or a part of it."""
    wanted = tokens(phrase)
    size = len(wanted)
    if not size or not name:
        return 0.0
    if name == wanted:
        return 1.0
    if name[-size:] == wanted:
        return _TAIL
    if size == 1 and _HAN.match(wanted[0]):  # Chinese words stand together without blanks
        if name[-1].endswith(wanted[0]) and len(wanted[0]) > 1:
            return _TAIL
        return _INSIDE if any(wanted[0] in part for part in name) and len(wanted[0]) > 1 else 0.0
    return _INSIDE if any(name[n : n + size] == wanted for n in range(len(name) - size)) else 0.0


def weight(name: Tokens, phrases: Mapping[str, float]) -> float:
    """The best fit of a name among weighted phrases."""
    named = tuple(part for part in name if not part.isdecimal()) or name
    return max((fit(named, phrase) * value for phrase, value in phrases.items()), default=0.0)


def role(name: Tokens, wanted: str) -> float:
    """How surely a name means a role of words.toml, from 0 to 1. A Chinese 名 at the end is a name, too."""
    found = weight(name, words().roles[wanted])
    if wanted == "title" and not found and name and _HAN.match(name[-1]) and name[-1].endswith("名"):
        return 0.6
    return found


@lru_cache(maxsize=64)
def _listed(kind: str) -> frozenset[str]:
    return frozenset(_plain(word) for word in words().skip[kind])


def says(name: Tokens, kind: str) -> bool:
    """Whether a name holds a word of a list of ``[skip]``."""
    listed = _listed(kind)
    return any(part in listed or any(len(w) > 1 and w in part for w in listed if _HAN.match(w)) for part in name)


def language_of(name: Tokens) -> tuple[str | None, Tokens]:
    """Part a name into the language it speaks of and the rest: title_zh is "zh" and title."""
    for language, marks in words().language_marks.items():
        for mark in marks:
            wanted = _plain(mark)
            if len(name) > 1 and wanted in (name[0], name[-1]):
                return language, name[1:] if name[0] == wanted else name[:-1]
            if _HAN.match(wanted) and len(name) == 1 and name[0] != wanted and name[0].startswith(wanted):
                return language, (name[0].removeprefix(wanted),)
    return None, name


def is_of_person(name: Tokens) -> bool:
    """Whether a name speaks of who wrote the row, not of the item."""
    return role(name, "user") >= 0.5 or any(part in ("review", "comment", "reviewer") for part in name[:-1])


def is_thing(name: Tokens, base: Base) -> bool:
    """Whether a name holds a word for the things that tables are of."""
    listed = {part for word in (*words().things, *base.words) for part in tokens(word)}
    return any(part in listed for part in name)


def is_of_facet(name: Tokens, base: Base) -> bool:
    """Whether a name speaks of a facet: "brand_name" is no name of the item."""
    heads = _facet_names(base.name)
    own = tuple(part for part in name if not part.isdecimal())
    return own in heads or (len(own) > 1 and own[:-1] in heads and role(own[-1:], "title") > 0)


@lru_cache(maxsize=16)
def _facet_names(base: str) -> frozenset[Tokens]:
    listed = [phrase for facet in words().facets.values() for phrase in facet.names]
    listed += [phrase for names in bases()[base].names.values() for phrase in names]
    return frozenset(tokens(phrase) for phrase in listed)


def people_names(base: Base) -> frozenset[Tokens]:
    """The names of columns that hold people."""
    listed = [phrase for facet in words().facets.values() if facet.type == "people" for phrase in facet.names]
    listed += [phrase for facet, names in base.names.items() if base.types[facet] == "people" for phrase in names]
    return frozenset(tokens(phrase) for phrase in listed)


@lru_cache(maxsize=1)
def bases() -> Mapping[str, Base]:
    """The shipped domains, the general one last."""
    return {name: _base(name) for name in (*shipped_domains(), GENERAL)}


def _base(name: str) -> Base:
    data: dict[str, Any] = tomllib.loads((DOMAINS / name / "domain.toml").read_text(encoding="utf-8"))
    facets: Mapping[str, Mapping[str, Any]] = data.get("facets", {})
    listed: Mapping[str, Iterable[str]] = data.get("columns", {})
    names = {
        facet: (facet, *listed.get(facet, ()), *facet_data.get("label", {}).values()) for facet, facet_data in facets.items()
    }
    values = {
        facet: frozenset(
            phrase.lower()
            for value, phrases in facet_data.get("values", {}).items()
            for phrase in (value, *phrases.get("en", ()), *phrases.get("zh", ()))
        )
        for facet, facet_data in facets.items()
    }
    types: dict[str, FacetType] = {facet: facet_data["type"] for facet, facet_data in facets.items()}
    return Base(name, tuple(data.get("recognise", ())), types, names, values)


def recognise(names: Iterable[str], path: Path, lists: Iterable[Sequence[str]] = ()) -> Base:
    """The domain whose words a table, its file or its folder speak; the general one where none has two.

    Args:
        names: of the columns, and of the hosts that addresses in the table lead to.
        path: of the table.
        lists: the frequent values of each column of lists; when most of one are values of the domain, that is a word, too.
    """
    names = [path.absolute().parent.name, path.name, *names]
    spoken = {part for name in names for part in tokens(name)}
    han = " ".join(part for part in spoken if _HAN.search(part))
    for base in bases().values():
        hits = {_plain(word) for word in base.words if (word in han if _HAN.match(word) else _plain(word) in spoken)}
        if len(hits) + bool(hits and any(facet_of_values(base, listed) for listed in lists)) >= _HITS:
            return base
    return bases()[GENERAL]


def facet_of_values(base: Base, values: Iterable[str]) -> str | None:
    """The facet of a domain that has words for most of some values."""
    listed = [value.lower() for value in values]
    for facet, known in base.values.items():
        if listed and known and sum(value in known for value in listed) >= _MOSTLY * len(listed):
            return facet
    return None
