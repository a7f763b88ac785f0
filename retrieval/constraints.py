"""Typed constraints, checked in Python on every item. Similarity never decides one.

A facet that is unknown satisfies an exclusion (nothing says that it has the value) and fails every other constraint
(nothing says that it does).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retrieval.domain import PEOPLE, Domain
from retrieval.types import Constraint, FacetValue, Item


def _values(item: Item, field: str, domain: Domain) -> tuple[FacetValue, ...]:
    if field != PEOPLE:
        return item.values(field)
    return tuple(value for facet in domain.people_facets for value in item.values(facet))


def satisfies(item: Item, constraint: Constraint, domain: Domain) -> bool:
    """Whether an item keeps one constraint."""
    values = _values(item, constraint.field, domain)
    wanted = constraint.values
    if constraint.op == "excludes":
        return not any(value in wanted for value in values)
    if constraint.op == "includes":
        return bool(values) and all(value in values for value in wanted)
    if constraint.op == "any_of":
        return any(value in wanted for value in values)
    numbers = [value for value in values if isinstance(value, (int, float))]
    bound = wanted[0]
    if not numbers or not isinstance(bound, (int, float)):
        return False
    return all(number >= bound if constraint.op == "min" else number <= bound for number in numbers)


def satisfies_all(item: Item, constraints: Iterable[Constraint], domain: Domain) -> bool:
    """Whether an item keeps every constraint."""
    return all(satisfies(item, constraint, domain) for constraint in constraints)


def relax(
    items: Sequence[Item], constraints: Sequence[Constraint], domain: Domain, *, enough: int
) -> tuple[tuple[Constraint, ...], tuple[Constraint, ...]]:
    """Drop as few relaxable constraints as needed until ``enough`` items remain.

    Each step drops a bound of a number before anything else, since what a thing is matters more than how long or old it is;
    then the one whose absence leaves the most items; on a tie the one that was said first. Exclusions stay.

    Returns:
        The constraints that hold, and those that were dropped.
    """
    kept, dropped = list(constraints), list[Constraint]()
    while True:
        left = sum(satisfies_all(item, kept, domain) for item in items)
        candidates = [constraint for constraint in kept if constraint.relaxable]
        if left >= min(enough, len(items)) or not candidates:
            return tuple(kept), tuple(dropped)

        def gain(constraint: Constraint, kept: list[Constraint] = kept) -> tuple[bool, int]:
            others = [other for other in kept if other is not constraint]
            remain = sum(satisfies_all(item, others, domain) for item in items)
            return remain > 0 and constraint.op in ("min", "max"), remain

        worst = max(candidates, key=gain)
        kept = [constraint for constraint in kept if constraint is not worst]
        dropped.append(worst)
