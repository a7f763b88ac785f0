"""Things that follow each other: which one comes next, and which come too early. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from retrieval.domain import Domain
from retrieval.types import Item


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """The series of a catalogue.

    Attributes:
        volumes: series -> (number, id), in their order.
        places: id -> (series, number).
    """

    volumes: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict[str, "tuple[tuple[float, str], ...]"])
    places: Mapping[str, tuple[str, float]] = field(default_factory=dict[str, "tuple[str, float]"])

    @classmethod
    def of(cls, items: Iterable[Item], domain: Domain) -> SeriesTable:
        """Collect the series of a catalogue; empty where its domain knows none. An item is in the first series it names."""
        series = domain.series
        if series is None:
            return cls()
        found: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        places: dict[str, tuple[str, float]] = {}
        for item in items:
            names, numbers = item.values(series.facet), item.values(series.number)
            if names and numbers and isinstance(numbers[0], (int, float)):
                found[str(names[0])].append((numbers[0], item.id))
                places[item.id] = str(names[0]), numbers[0]
        return cls({name: tuple(sorted(entries)) for name, entries in found.items()}, places)

    def following(self, item: str) -> tuple[str, float] | None:
        """Return the series of an item and the number of the next volume; None: it is in no series, or the last one."""
        name, number = self.places.get(item, ("", 0.0))
        return next(((name, after) for after, _ in self.volumes.get(name, ()) if after > number), None)

    def too_early(self, known: Collection[str]) -> dict[str, str]:
        """Return the volumes before which there is one that the person does not know -> that one, the first of them."""
        early: dict[str, str] = {}
        for entries in self.volumes.values():
            numbered = {number: [i for n, i in entries if n == number] for number, _ in entries}  # several may share a number
            missing = ""
            for last, number in pairwise(numbered):
                if set(numbered[last]) & set(known):
                    missing = ""
                else:
                    missing = missing or numbered[last][0]
                    early |= dict.fromkeys(numbered[number], missing)
        return early

    def begun(self, known: Iterable[str]) -> tuple[str, ...]:
        """Return the series of which the person knows a volume, but not the last one; the one begun last comes first."""
        known = list(known)
        names = (self.places[item][0] for item in reversed(known) if item in self.places)
        return tuple(dict.fromkeys(name for name in names if self.volumes[name][-1][1] not in known))
