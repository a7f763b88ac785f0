"""Typed constraints, checked in Python on every item. Similarity never decides one.

A facet that is unknown satisfies an exclusion (nothing says that it has the value) and fails every other constraint
(nothing says that it does). :mod:`retrieval.facet_columns` asks the same of all items at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from retrieval.days import day_span
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
    wanted, field = constraint.values, constraint.field
    if constraint.op == "excludes":
        return not any(value in wanted for value in values)
    if constraint.op == "includes":
        return bool(values) and all(value in values for value in wanted)
    if constraint.op == "any_of":
        return any(value in wanted for value in values)
    spans = [span for value in values if (span := number_span(value, field, domain))]
    bound = number_span(wanted[0], field, domain)
    if not spans or bound is None:
        return False
    if constraint.op == "min":
        return all(first >= bound[0] for first, _ in spans)
    return all(last <= bound[1] for _, last in spans)


def number_span(value: FacetValue, field: str, domain: Domain) -> tuple[float, float] | None:
    """Return the lowest and highest number that a value stands for: a number itself, the days of a date; None: it is none."""
    if isinstance(value, (int, float)):
        return value, value
    dated = field in domain.facets and domain.facets[field].type == "date"
    return day_span(value) if dated and isinstance(value, str) else None


def satisfies_all(item: Item, constraints: Iterable[Constraint], domain: Domain) -> bool:
    """Whether an item keeps every constraint."""
    return all(satisfies(item, constraint, domain) for constraint in constraints)
