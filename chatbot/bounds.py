"""Numbers and days of a message to typed constraints on the facets that they are meant of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from chatbot import quantities_ages, quantities_days
from chatbot.clauses import within
from chatbot.cues import Cues
from chatbot.quantities import Bound, find_bounds, speaks_of_duration
from chatbot.quantities_units import AmountReader
from retrieval.domain import Domain
from retrieval.freshness import Calendar
from retrieval.types import Constraint

DAYS, OWN_AGE, AMOUNT = "days", "own age", "facet "
_MEASURED = {"duration": "minutes", "age": "age"}


@dataclass
class Bounded:
    """What the numbers of a message say.

    Attributes:
        constraints: each with the place where it stands.
        lifted: facets that no longer count.
    """

    constraints: list[tuple[Constraint, int, int]] = field(default_factory=list[tuple[Constraint, int, int]])
    lifted: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class BoundReader:
    """Reads the numbers of one domain.

    Attributes:
        domain: whose facets they are meant of.
        today: tells what day it is for its catalogue.
    """

    domain: Domain
    today: Calendar

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What a bound is of -> the facet."""
        facets = self.domain.facets.items()
        names = {_MEASURED[facet.measures]: name for name, facet in facets if facet.measures}
        names |= {facet.type: name for name, facet in facets if facet.type == "year"}
        names |= {DAYS: self._day_facet} if self._day_facet else {}
        if (age := names.get("age")) and any(s.facet == age for s in self.domain.standing):
            names[OWN_AGE] = age  # only where it opens what is kept from the young is it asked how old somebody is
        return names | {AMOUNT + name: name for name in self._readers}

    @cached_property
    def _day_facet(self) -> str:
        fresh = self.domain.freshness
        dated = (name for name, facet in self.domain.facets.items() if facet.type == "date")
        return fresh.facet if fresh else next(dated, "")

    @cached_property
    def _readers(self) -> dict[str, AmountReader]:
        facets = self.domain.facets.items()
        return {name: reader for name, facet in facets if (reader := AmountReader.of(facet))}

    def find(self, text: str) -> list[Bound]:
        """Return every bound of a text; of two that meet, the longer one."""
        return find_bounds(text, self._own(text), "year" if self._day_facet and "year" not in self.names else "")

    def _own(self, text: str) -> Iterator[Bound]:
        amounts = [(name, amount) for name, reader in self._readers.items() for amount in reader.find(text)]
        amounts.sort(key=lambda found: not self._readers[found[0]].named.search(text[: found[1][2]]))  # "weight under 300"
        for name, (op, value, start, end) in amounts:
            yield Bound(AMOUNT + name, op, value, start, end)  # pyright: ignore[reportArgumentType]
        for age, start, end in quantities_ages.find(text) if OWN_AGE in self.names else ():
            yield Bound(OWN_AGE, "max", age, start, end)
        fresh = self.domain.freshness
        if self._day_facet:
            for op, day, start, end in quantities_days.find(text, self.today(), bare=not fresh or fresh.bare_days):
                yield Bound(DAYS, op, day, start, end)  # pyright: ignore[reportArgumentType]

    def read(
        self,
        text: str,
        found_bounds: Sequence[Bound],
        cues: Cues,
        negated: Sequence[tuple[int, int]],
        state: Mapping[str, Any],
    ) -> Bounded:
        """Return what the numbers of a text demand, and which facets it leaves open.

        Args:
            text: a message with its names masked.
            found_bounds: of the text, as :meth:`find` returns them.
            cues: of its language.
            negated: the stretches that are denied.
            state: the request that the conversation holds.
        """
        names, found = self.names, Bounded()
        bounds = [bound for bound in found_bounds if bound.kind in names]
        open_ = [m.span() for cue in (cues.forget, cues.any_value) for m in cue.finditer(text)]
        known = {(c["field"], c["op"], c["value"]) for c in state.get("constraints", ()) if c["op"] in ("min", "max")}
        dropped = [
            bound
            for bound in bounds
            if (names[bound.kind], bound.op, bound.value) in known and within((bound.start, bound.end), open_)
        ]
        found.lifted += [names[bound.kind] for bound in dropped]
        if "minutes" in names and any(speaks_of_duration(text[start:end]) for start, end in open_) and not bounds:
            found.lifted.append(names["minutes"])  # "forget about the two hours"
        bounds = [bound for bound in bounds if bound not in dropped]
        for bound in bounds:
            if (op_value := self._meant(bound, bounds, text, cues, negated)) is not None:
                op, value = op_value
                words = text[bound.start : bound.end].strip()
                found.constraints.append((Constraint(names[bound.kind], op, value, words), bound.start, bound.end))
        return found

    def _meant(
        self, bound: Bound, bounds: Sequence[Bound], text: str, cues: Cues, negated: Sequence[tuple[int, int]]
    ) -> tuple[Any, int | float | str] | None:
        """The operation and value of a bound where it stands; None: what is denied there cannot be said with a bound."""
        same = [b.value for b in bounds if (b.start, b.end) == (bound.start, bound.end)]
        if len(same) > 1 and bound.kind == "year" and any(start <= bound.start < end for start, end in negated):
            if bound.op == "min" and max(map(int, same)) >= date.today().year:  # "nothing from the 2020s"
                return "max", int(bound.value) - 1
            return None  # of "nothing from the fifties" what lies on both sides cannot be said with two bounds
        inside = any(start < bound.start < end for start, end in negated)
        turns = len(same) == 1 and bound.kind not in ("year", "age", OWN_AGE, DAYS)
        if turns and inside and not cues.negation.match(text, bound.start):
            return ("max" if bound.op == "min" else "min"), bound.value  # "nothing, please, that is longer than two hours"
        return bound.op, bound.value


def amounts(bounds: Iterable[Bound]) -> list[tuple[int, int]]:
    """Return where bounds stand that are amounts of a domain's units."""
    return [(bound.start, bound.end) for bound in bounds if bound.kind.startswith(AMOUNT)]
