"""The catalogue as columns: which items keep a constraint, for all of them at once.

:func:`retrieval.constraints.satisfies` says what a constraint means. A mask says the same of every item, by position: the order
in which the items were given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval.constraints import field_values, number_span, satisfies
from retrieval.domain import Domain
from retrieval.freshness import Calendar, calendar_of
from retrieval.types import Constraint, FacetValue, Item

Mask = NDArray[np.bool_]
Positions = NDArray[np.int32]
Numbers = NDArray[np.float64]


class FacetColumns:
    """Facets and ids of a catalogue, each column built when it is first asked for.

    Building again what another thread builds gives the same column, so nothing is locked.
    """

    def __init__(self, items: Mapping[str, Item], domain: Domain) -> None:
        """Hold the items, by id; they may not change afterwards."""
        self._by_id, self._domain = items, domain
        self._values: dict[str, _Values] = {}
        self._bounds: dict[str, _Bounds] = {}
        self._elsewhere: dict[int, tuple[Sequence[str], Positions]] = {}

    def __len__(self) -> int:
        """How many items."""
        return len(self._by_id)

    @cached_property
    def items(self) -> list[Item]:
        """The item at every position."""
        return list(self._by_id.values())

    @cached_property
    def today(self) -> Calendar:
        """What tells today for the catalogue."""
        return calendar_of(self._domain, self.items)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Id -> position."""
        return {item.id: n for n, item in enumerate(self.items)}

    @cached_property
    def id_ranks(self) -> Positions:
        """The place of every position when ids are sorted: what parts equal scores."""
        return _ranks([item.id for item in self.items])

    @cached_property
    def shuffled_ranks(self) -> Positions:
        """The place of every position in an order that is always the same and not the catalogue's: by a hash of the id."""
        return _ranks([hashlib.blake2b(item.id.encode()).digest() for item in self.items])

    def without(self, ids: Iterable[str]) -> Mask:
        """Return the mask of all items but those; unknown ids are ignored."""
        mask = np.ones(len(self), dtype=bool)
        mask[[position for item_id in ids if (position := self.positions.get(item_id)) is not None]] = False
        return mask

    def places(self, ids: Sequence[str]) -> Positions:
        """Return the position of every id of another part of the index, -1 where it is unknown; remembered for that list."""
        known = self._elsewhere.get(id(ids))
        if known is None:
            places = np.fromiter((self.positions.get(item_id, -1) for item_id in ids), np.int32, len(ids))
            known = self._elsewhere[id(ids)] = (ids, places)
        return known[1]

    def mask(self, constraint: Constraint) -> Mask:
        """Return (n,): whether each item keeps a constraint, just as :func:`retrieval.constraints.satisfies` says."""
        if constraint.op in ("min", "max"):
            return self._bounded(constraint)
        column = self._column(constraint.field)
        if constraint.op == "includes":
            mask = column.known.copy()
            for value in constraint.values:
                mask &= column.holding((value,))
            return mask
        held = column.holding(constraint.values)
        return ~held if constraint.op == "excludes" else held

    def holders(self, field: str, value: FacetValue) -> Positions:
        """Return the positions of the items that have a facet value, ascending."""
        return self._column(field).holders(value)

    def _bounded(self, constraint: Constraint) -> Mask:
        span = number_span(constraint.values[0], constraint.field, self._domain)
        if span is None:
            return np.zeros(len(self), dtype=bool)
        bound = span[0] if constraint.op == "min" else span[1]
        column = self._bounds.get(constraint.field)
        if column is None:
            column = self._bounds[constraint.field] = _Bounds.read(self.items, constraint.field, self._domain)
        if not (column.exact and _is_float(bound)):  # rounding could turn the answer
            return np.fromiter((satisfies(item, constraint, self._domain) for item in self.items), bool, len(self))
        return column.lowest >= float(bound) if constraint.op == "min" else column.highest <= float(bound)

    @property
    def essence(self) -> Sequence[str]:
        """The facets that say what a thing is."""
        return self._domain.essence

    def _column(self, field: str) -> _Values:
        column = self._values.get(field)
        if column is None:
            column = self._values[field] = _Values.read(self.items, field, self._domain)
        return column


def relax(
    columns: FacetColumns, constraints: Sequence[Constraint], free: Mask, *, enough: int
) -> tuple[tuple[Constraint, ...], tuple[Constraint, ...], Mask]:
    """Drop as few relaxable constraints as needed until ``enough`` of the free items remain.

    Each step drops a bound of a number before anything else, since what a thing is matters more than how long or old it is;
    then the one whose absence leaves the most items; on a tie the one that was said first. What the domain calls the essence
    of a thing stays where any item keeps it, and exclusions stay.

    Returns:
        The constraints that hold, those that were dropped, and the mask of the free items that keep those that hold.
    """
    masks = [(constraint, columns.mask(constraint)) for constraint in constraints]
    dropped: list[Constraint] = []
    target = min(enough, int(np.count_nonzero(free)))
    firm = [mask for constraint, mask in masks if not constraint.relaxable or constraint.field in columns.essence]
    essence = columns.essence if np.count_nonzero(_all_of(free, firm)) >= target else ()
    while True:
        allowed = _all_of(free, [mask for _, mask in masks])
        relaxable = [constraint for constraint, _ in masks if constraint.relaxable and constraint.field not in essence]
        if np.count_nonzero(allowed) >= target or not relaxable:
            return tuple(constraint for constraint, _ in masks), tuple(dropped), allowed

        def gain(constraint: Constraint, masks: list[tuple[Constraint, Mask]] = masks) -> tuple[bool, int]:
            remain = int(np.count_nonzero(_all_of(free, [mask for other, mask in masks if other is not constraint])))
            return remain > 0 and constraint.op in ("min", "max"), remain

        worst = max(relaxable, key=gain)
        masks = [pair for pair in masks if pair[0] is not worst]
        dropped.append(worst)


def left_without(columns: FacetColumns, constraints: Sequence[Constraint], free: Mask) -> tuple[tuple[Constraint, int], ...]:
    """Return for each constraint how many free items keep all others, most first; those that help nothing are left out."""
    masks = [columns.mask(constraint) for constraint in constraints]
    counts = [
        (constraint, int(np.count_nonzero(_all_of(free, [m for k, m in enumerate(masks) if k != n]))))
        for n, constraint in enumerate(constraints)
    ]
    return tuple(sorted((pair for pair in counts if pair[1]), key=lambda pair: -pair[1]))


def _all_of(free: Mask, masks: Iterable[Mask]) -> Mask:
    allowed = free.copy()
    for mask in masks:
        allowed &= mask
    return allowed


def _ranks(keys: Sequence[str] | Sequence[bytes]) -> Positions:
    ranks = np.empty(len(keys), dtype=np.int32)
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys), dtype=np.int32)
    return ranks


def _is_float(number: int | float) -> bool:
    """Whether a float64 holds it exactly; not a number is none."""
    try:
        return float(number) == number
    except OverflowError:
        return False


@dataclass(frozen=True, slots=True)
class _Values:
    """An inverted index of one field.

    Attributes:
        known: (n,), whether an item has any value.
        codes: value -> its number. A dict compares as ``in`` does: 1 and 1.0 are one value.
        starts: number of a value -> where its holders begin in ``rows``; one more at the end.
        rows: positions, ascending within a value.
    """

    known: Mask
    codes: Mapping[FacetValue, int]
    starts: NDArray[np.int64]
    rows: Positions

    @classmethod
    def read(cls, items: Sequence[Item], field: str, domain: Domain) -> _Values:
        codes: dict[FacetValue, int] = {}
        rows: list[int] = []
        cells: list[int] = []
        for n, item in enumerate(items):
            for value in dict.fromkeys(field_values(item, field, domain)):
                rows.append(n)
                cells.append(codes.setdefault(value, len(codes)))
        positions, numbers = np.array(rows, np.int32), np.array(cells, np.int32)
        known = np.zeros(len(items), dtype=bool)
        known[positions] = True
        counts = np.bincount(numbers, minlength=len(codes))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(known, codes, starts, positions[np.argsort(numbers, kind="stable")])

    def holders(self, value: FacetValue) -> Positions:
        code = self.codes.get(value)
        return self.rows[:0] if code is None else self.rows[self.starts[code] : self.starts[code + 1]]

    def holding(self, values: Iterable[FacetValue]) -> Mask:
        """Return whether each item has any of the values."""
        mask = np.zeros(len(self.known), dtype=bool)
        for value in values:
            mask[self.holders(value)] = True
        return mask


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The lowest and the highest number of every item in one field, NaN where there is none; ``exact`` if none was rounded."""

    lowest: Numbers
    highest: Numbers
    exact: bool

    @classmethod
    def read(cls, items: Sequence[Item], field: str, domain: Domain) -> _Bounds:
        lowest = np.full(len(items), np.nan)
        highest = np.full(len(items), np.nan)
        exact = True
        for n, item in enumerate(items):
            spans = [span for value in field_values(item, field, domain) if (span := number_span(value, field, domain))]
            numbers = [number for span in spans for number in span]
            if not numbers:
                continue
            if all(map(_is_float, numbers)):  # a min looks at where a span begins, a max at where it ends
                lowest[n], highest[n] = min(first for first, _ in spans), max(last for _, last in spans)
            else:
                exact = False
        return cls(lowest, highest, exact)
