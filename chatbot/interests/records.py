"""The records of the interest model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.domain import Domain
from retrieval.types import FacetValue, Item

Vectors: TypeAlias = "npt.NDArray[np.float32]"
SURE = 0.9  # confidence from which a taste is spoken of
COMMON = 0.25  # share of the catalogue from which a value sets nobody apart
Value: TypeAlias = "tuple[str, FacetValue]"  # a facet and one of its values; of years, the decade


@dataclass(frozen=True, slots=True)
class Stand:
    """How a person stands to an item.

    Attributes:
        strength: in [-1, 1], less with age.
        at: when it was said last, in seconds since the epoch.
        session: in which that was.
        looked: nothing but a closer look speaks for it: too little to say that it is liked, and to search by it.
    """

    item: str
    strength: float
    at: float
    session: str = ""
    looked: bool = False

    @property
    def wanted(self) -> bool:
        """Whether the person came to want it."""
        return self.strength > 0 and not self.looked


@dataclass(frozen=True, slots=True)
class Taste:
    """How a person stands to a facet value.

    Attributes:
        strength: above 0 for it, below 0 against it, in [-1, 1].
        confidence: one less the chance that as many items share it by accident.
        common: share of the catalogue that has it, in [0, 1].
        items: that it was read from, the strongest first.
        said: ids of the events in which the person asked for it.
    """

    field: str
    value: FacetValue
    strength: float
    confidence: float
    common: float
    items: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def telling(self) -> bool:
        """Whether it is worth saying: sure, and rare enough to set the person apart."""
        return self.confidence >= SURE and self.common < COMMON


@dataclass(frozen=True, slots=True)
class Interest:
    """Liked items that are alike.

    Attributes:
        items: the strongest first.
        share: of all that the person likes, in (0, 1].
        at: when it was fed last, in seconds since the epoch.
        tastes: what its items share, the most telling first.
    """

    items: tuple[str, ...]
    share: float
    at: float
    tastes: tuple[Taste, ...] = ()


@dataclass(frozen=True, slots=True)
class Habits:
    """When and how much; None where too little is known.

    Attributes:
        part: of the day, when most happens: morning, afternoon, evening, night, in local time.
        weekly: items tried in a week.
        binge: share of sessions with three or more items.
        completion: of what was played.
    """

    part: str | None = None
    weekly: float | None = None
    binge: float | None = None
    completion: float | None = None


@dataclass(frozen=True, slots=True)
class Interests:
    """The interest model of a person.

    Attributes:
        stands: item -> how the person stands to it; what the person took out of the model is not in it.
        interests: the strongest first.
        tastes: for and against facet values, the surest first.
        sated: values of which there were several in a row last, with how many.
        excluded: (facet, value) that the person said they never want, with the event's id.
        apart: the interests never meet in one session: several people may share the account.
    """

    stands: Mapping[str, Stand] = field(default_factory=dict[str, Stand])
    interests: tuple[Interest, ...] = ()
    tastes: tuple[Taste, ...] = ()
    sated: tuple[tuple[str, FacetValue, int], ...] = ()
    excluded: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    habits: Habits = Habits()
    apart: bool = False


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """What of a catalogue the model reads.

    Attributes:
        domain: its facets.
        items: by id.
        vectors_of: ids -> (n, d) rows of their cards.
        mean: (d,) of all cards; nearness is measured from there, for all cards of one kind are alike.
        share: facet, value -> share of the items that have it, in [0, 1].
        values_of: item id -> its facet values that can be a taste; see :func:`chatbot.interests.tastes.values_of`.
    """

    domain: Domain
    items: Mapping[str, Item]
    vectors_of: Callable[[Sequence[str]], Vectors]
    mean: Vectors
    share: Callable[[str, FacetValue], float]
    values_of: Callable[[str], Sequence[Value]]
