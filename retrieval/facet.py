"""One facet of a domain: where it stands in a table, what type it has, and the words for it."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Mapping
from functools import cached_property
from typing import Literal, TypeAlias

from pydantic import Field

from retrieval.mapping import Model, as_columns

FacetType: TypeAlias = Literal["year", "number", "date", "list", "people", "text"]


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


class Unit(Model):
    """Words that make a number a bound of a facet: "300 pages", "$50", 两百块.

    Attributes:
        worth: what one of it is in the unit of the column.
        before: signs that stand before the number, in every language.
        tail: words that may follow a number with its sign before it: 每周不超过5小时.
    """

    worth: float = Field(default=1.0, gt=0)
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()


class Group(Model):
    """Phrases that mean any of several values of a facet, such as "European"."""

    values: tuple[str, ...]
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


_PLURAL = re.compile(r"^(hour|week|year|page|day|minute|month)s\b")  # of a unit: one "hour a week"


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
        means: what a person who mentions a value says: that it is wanted, or (``excludes``) that what has it is not for them.
        units: of a number, beside minutes and ages, which ``measures`` names.
        bare: a bound without a unit is meant of it ("under 50"), where it could be meant of no other.
        sign: what stands before a number, by language ("$").
        wish: how a value is wished for in words, by language, as in "Something for {value}"; without, as an adjective is.
        refuse: how a value is refused, by language, where "no" and the value make no phrase: "not from {value}".
        zero: what 0 of it is called: a price of 0 is "free".
        times: what a number is multiplied with where it is shown in a language.
        choices: an item comes in each of its values, and one of them is taken: who refuses one wants another (formats).
        say: how an item's number is said, by language, where the label is no noun: "for readers from {value}".
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
    means: Literal["wanted", "excludes"] = "wanted"
    units: tuple[Unit, ...] = ()
    bare: bool = False
    choices: bool = False
    sign: Mapping[str, str] = Field(default_factory=dict)
    times: Mapping[str, float] = Field(default_factory=dict)
    wish: Mapping[str, str] = Field(default_factory=dict)
    refuse: Mapping[str, str] = Field(default_factory=dict)
    zero: Mapping[str, str] = Field(default_factory=dict)
    say: Mapping[str, str] = Field(default_factory=dict)
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

    def counted(self, value: float, language: str) -> int | float:
        """Return a number as it is counted in a language: a price in its currency."""
        times = self.times.get(language)
        return plain_number(round(value * times, 1) if times else value)

    def written(self, value: object, language: str) -> str:
        """Write a number with its sign and unit, or a day, as a language does; anything else as it is."""
        if self.type == "date":
            return write_day(str(value), language)
        if value == 0 and language in self.zero:
            return self.zero[language]
        unit = self.unit.get(language, "")
        unit = _PLURAL.sub(r"\1", unit) if value == 1 and language == "en" else unit
        value = self.counted(value, language) if isinstance(value, (int, float)) else value
        gap = "" if language == "zh" or not unit else " "
        return f"{self.sign.get(language, '')}{value}{gap}{unit}"

    def told(self, value: object, language: str) -> str:
        """Say a number as a phrase of its own: "for readers from 8", "free"; empty where it needs its label beside it."""
        if value == 0 and language in self.zero:
            return self.zero[language]
        return self.say[language].format(value=self.written(value, language)) if language in self.say else ""

    def span(self, low: object, high: object, language: str) -> str:
        """Say all from one number to another, or the one number that they are: "$20–30", "risk class 2 of 5"."""
        if low == high:
            text = self.written(low, language)
        else:
            first = self.counted(low, language) if isinstance(low, (int, float)) else low
            sign = self.sign.get(language, "")
            text = f"{sign}{first}–{self.written(high, language).removeprefix(sign)}"
        if language in self.say:
            return self.say[language].format(value=text)
        measured = low != high and (self.unit.get(language) or self.sign.get(language))  # "200–300 pages" needs no "length"
        return text if measured else f"{self.label[language]}{'' if language == 'zh' else ' '}{text}"


def plain_number(value: float) -> int | float:
    """Round a number to hundredths, and to an integer where nothing is left behind it."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def write_day(text: str, language: str) -> str:
    """Write an ISO day, month or year as a language does: 2026-11-03 is "3 November 2026", 2026年11月3日."""
    try:
        year, *rest = (int(part) for part in text.split("-"))
    except ValueError:
        return text
    if language == "zh":
        return f"{year}年" + "".join(f"{part}{sign}" for part, sign in zip(rest, "月日", strict=False))
    return " ".join([*(str(day) for day in rest[1:]), *(month_name[month] for month in rest[:1]), str(year)])
