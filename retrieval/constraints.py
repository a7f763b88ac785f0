"""Typed constraints, checked in Python on every item. Similarity never decides one.

A facet that is unknown satisfies an exclusion (nothing says that it has the value) and fails every other constraint
(nothing says that it does). :mod:`retrieval.facet_columns` asks the same of all items at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from retrieval.domain import PEOPLE, Domain
from retrieval.types import Constraint, FacetValue, Item


def field_values(item: Item, field: str, domain: Domain) -> tuple[FacetValue, ...]:
    """Return what a constraint on a field looks at: a facet's values, or for ``people`` those of every facet of people."""
    if field != PEOPLE:
        return item.values(field)
    return tuple(value for facet in domain.people_facets for value in item.values(facet))


def satisfies(item: Item, constraint: Constraint, domain: Domain) -> bool:
    """Whether an item keeps one constraint."""
    values = field_values(item, constraint.field, domain)
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
