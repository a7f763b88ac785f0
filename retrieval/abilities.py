"""What a domain can do beyond facets: freshness, series, companions, purchases, care. Parts of a domain.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from retrieval.mapping import Model


class Freshness(Model):
    """How fast things grow old.

    Attributes:
        facet: of type date.
        half_life_days: after so many days a thing counts half.
        today: ``now``, or ``newest``: a sample that stands still, whose newest day is its today.
        bare_days: whether days that a message names are of it whatever stands beside them. In a shop "this year" and "by the
            5th of May" are somebody's plans, unless "new" or the like is said too.
    """

    facet: str
    half_life_days: float = Field(gt=0)
    today: Literal["now", "newest"] = "now"
    bare_days: bool = True


class Standing(Model):
    """What holds in every turn until the person says something else of that facet: what is sold out is not offered."""

    facet: str
    op: Literal["min", "max", "excludes"]
    value: float | str


class Series(Model):
    """Things that follow each other: a later one is not offered to who has not had the one before.

    Attributes:
        facet: a list facet that names the series.
        number: a number facet that says the place in it.
        next: words that ask for what comes next, by language.
    """

    facet: str
    number: str
    next: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Companions(Model):
    """Things that go together.

    Attributes:
        facet: a list facet that holds the ids of the items that an item goes with.
        ask: words that ask for them, by language.
    """

    facet: str
    ask: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Purchases(Model):
    """What a purchase says of things of a kind.

    Attributes:
        facet: that says the kind.
        values: the kinds that are meant.
        days: for ``repeat``, after which the same thing may be offered again; for ``once``, for which no other is.
    """

    facet: str
    values: tuple[str, ...]
    days: float = Field(gt=0)


class Behaviour(Model):
    """Which events say that a person liked a thing.

    Attributes:
        positive: kinds that say so by themselves; where they have a value, from ``liked_from`` on.
        liked_from: the value in [0, 1] from which a rating, a review or a play says so.
    """

    positive: tuple[str, ...] = ()
    liked_from: float = Field(default=0.7, ge=0, le=1)

    def likes(self, kind: str, value: float | None) -> bool:
        """Whether an event of a kind says by itself that its item was liked."""
        return kind in self.positive and (value is None or value >= self.liked_from)


class Care(Model):
    """What is said, and never said, where bad advice does harm.

    Attributes:
        forget: nothing of a person is stored: neither events nor words.
        refer: said in place of advice.
        note: said under every list.
        urgent: said where somebody may be in danger.
        advice_en, advice_zh: regular expressions of messages that ask for advice.
        urgent_en, urgent_zh: regular expressions of messages of somebody in danger.
        never_en, never_zh: regular expressions of what no sentence may hold.
    """

    forget: bool = True
    refer: Mapping[str, str]
    note: Mapping[str, str]
    urgent: Mapping[str, str] = Field(default_factory=dict)
    advice_en: tuple[str, ...] = ()
    advice_zh: tuple[str, ...] = ()
    urgent_en: tuple[str, ...] = ()
    urgent_zh: tuple[str, ...] = ()
    never_en: tuple[str, ...] = ()
    never_zh: tuple[str, ...] = ()

    @property
    def patterns(self) -> list[tuple[str, str]]:
        """Every regular expression, with the key that it stands under."""
        keys = [f"{what}_{language}" for what in ("advice", "urgent", "never") for language in ("en", "zh")]
        return [(key, pattern) for key in keys for pattern in getattr(self, key)]

    def finds(self, what: Literal["advice", "urgent", "never"], text: str, language: str) -> str | None:
        """Return the words of a text that one of the patterns of a language matches, or None."""
        found = (re.search(pattern, text, re.IGNORECASE) for pattern in getattr(self, f"{what}_{language}", ()))
        return next((match[0] or text for match in found if match), None)  # a pattern that looks ahead matches no words


class Person(Model):
    """A sample person, whose history is in the domain's ``people.jsonl``: a name and what they are like, by language."""

    name: Mapping[str, str]
    about: Mapping[str, str]


Icon = Literal["screen", "book", "music", "bag", "news", "graduation", "heart", "coin", "thing"]
