"""What a message's constraints come to together: alternatives ("comedy or romance"), the strictest of several numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from chatbot.cues import Cues
from chatbot.dialogue import is_implied
from chatbot.slots import Reading
from retrieval.days import as_number
from retrieval.domain import Domain
from retrieval.types import Constraint, Item


def settle(reading: Reading, text: str, cues: Cues, domain: Domain, single: Collection[str]) -> None:
    """Join alternatives ("comedy or romance"); drop suggested exclusions of what is asked for, and what is taken back.

    Args:
        reading: whose constraints they are.
        text: the message with its names masked.
        cues: of its language.
        domain: whose facets they are on.
        single: the facets of which an item has one value (:func:`single_valued`).
    """
    reading.places += _bare_values(reading, text, domain)
    wanted = {(c.field, c.value) for _, _, c in reading.places}
    dropped = [c for c in reading.constraints if is_implied(c) and (c.field, c.value) in wanted]
    denied = {(c.field, c.value) for c in reading.constraints if c.op == "excludes" and not any(c is d for d in dropped)}
    dropped += [c for c in reading.constraints if c.op == "includes" and (c.field, c.value) in denied]  # a "no" is a promise
    dropped += _taken_back(reading, text, cues)
    reading.constraints = [c for c in reading.constraints if not any(c is d for d in dropped)]
    reading.constraints = _strictest(reading.constraints)
    places = sorted(reading.places, key=lambda place: place[:2])
    places = [place for place in places if not any(place[2] is d for d in dropped)]
    groups: list[tuple[list[Constraint], list[bool]]] = []  # alternatives, and which of their links say "or"
    for (_, end, first), (start, _, second) in pairwise(places):
        said = _OR.fullmatch(text[end:start])
        if first.field == second.field and first.value != second.value and (said or _COMMA.fullmatch(text[end:start])):
            if not (groups and groups[-1][0][-1] is first):
                groups.append(([first], []))
            groups[-1][0].append(second)
            groups[-1][1].append(bool(said))
    groups += [(run, [True]) for run in _free_choices(places, text, cues)]
    for group in (constraints for constraints, links in groups if any(links)):
        values = tuple(dict.fromkeys(str(value) for c in group for value in c.values))
        both = Constraint(group[0].field, "any_of", values, " / ".join(c.words for c in group))
        reading.constraints = [c for c in reading.constraints if not any(c is part for part in group)] + [both]
    reading.constraints = of_choices(_possible(reading.constraints, single), domain)


def _possible(constraints: Sequence[Constraint], single: Collection[str]) -> list[Constraint]:
    """Bring together what is said of one facet: "headphones, not earphones", "my boots leak. hiking boots".

    Alternatives of which one is asked for, or all but one refused, are that one. Values of a facet of which an item has but one
    are alternatives, whatever stands between them.
    """
    asked: dict[str, list[Constraint]] = {}
    refused = {(c.field, value) for c in constraints if c.op == "excludes" for value in c.values}
    for c in constraints:
        if c.op == "includes":
            asked.setdefault(c.field, []).append(c)
    settled: list[Constraint] = []
    for c in constraints:
        if c.op == "any_of":
            left = tuple(value for value in c.values if (c.field, value) not in refused)
            if not left or any(own.value in c.values for own in asked.get(c.field, ())):
                continue
            c = replace(c, op="includes", value=left[0]) if len(left) == 1 else c
        settled.append(c)
    for field, several in asked.items():
        values = tuple(dict.fromkeys(str(c.value) for c in several))
        if len(values) > 1 and field in single:
            settled = [c for c in settled if not any(c is part for part in several)]
            settled.append(Constraint(field, "any_of", values, several[0].words))
    return settled


def single_valued(items: Collection[Item], domain: Domain) -> frozenset[str]:
    """Return the facets of listed values of which an item has one at most, a few items apart."""
    lists = [name for name, facet in domain.facets.items() if facet.type == "list"]
    few = _FEW * len(items)
    return frozenset(name for name in lists if sum(len(item.values(name)) > 1 for item in items) <= few)


def of_choices(constraints: Sequence[Constraint], domain: Domain) -> list[Constraint]:
    """Turn what is refused of a facet of choices into a wish for any other: "not on vinyl" is "on CD, cassette or digital"."""
    refused: dict[str, set[str]] = {}
    for c in constraints:
        if c.op == "excludes" and c.field in domain.facets and domain.facets[c.field].choices:
            refused.setdefault(c.field, set()).update(map(str, c.values))
    kept = [c for c in constraints if not (c.op == "excludes" and c.field in refused)]
    asked = {c.field for c in kept if c.op in ("includes", "any_of")}
    for field, values in refused.items():
        others = [value for value in domain.facets[field].values if value not in values]
        if field not in asked and others:
            one = len(others) == 1
            kept.append(Constraint(field, "includes" if one else "any_of", others[0] if one else tuple(others)))
    return kept


def _bare_values(reading: Reading, text: str, domain: Domain) -> list[tuple[int, int, Constraint]]:
    """Values that count as such only after "or" and another of their facet: "in M or L", "green or olive"."""
    found: list[tuple[int, int, Constraint]] = []
    starts = {start for start, _, _ in reading.places}
    for _, end, constraint in reading.places:
        facet = domain.facets.get(constraint.field)
        if facet and constraint.op == "includes" and (more := _OR_VALUE.match(text, end)) and more.start(1) not in starts:
            value = next((v for v in facet.values if v.lower() == more[1].lower()), None)
            if value is not None and not reading.denies(more.start(1)):
                found.append((more.start(1), more.end(1), Constraint(constraint.field, "includes", value, more[1])))
    reading.constraints += [constraint for _, _, constraint in found]
    return found


def _taken_back(reading: Reading, text: str, cues: Cues) -> list[Constraint]:
    """What the same message puts another value in the place of: "fantasy... no wait, make that sci-fi"."""
    corrected = [m.span() for m in cues.corrects.finditer(text)]
    return [
        first
        for _, end, first in reading.places
        for later, _, second in reading.places
        if first.field == second.field and first.value != second.value
        if any(end <= a and b <= later for a, b in corrected)
    ]


def _strictest(constraints: Sequence[Constraint]) -> list[Constraint]:
    """Of several lowest or highest numbers of one facet the one that keeps them all."""
    best: dict[tuple[str, str], float] = {}
    for c in constraints:
        if c.op in ("min", "max"):
            value, known = as_number(c.values[0]) or 0.0, best.get((c.field, c.op))
            choose = max if c.op == "min" else min
            best[c.field, c.op] = value if known is None else choose(value, known)
    return [c for c in constraints if c.op not in ("min", "max") or (as_number(c.values[0]) or 0.0) == best[c.field, c.op]]


def _free_choices(places: Sequence[tuple[int, int, Constraint]], text: str, cues: Cues) -> Iterator[list[Constraint]]:
    """Runs of values of one facet that are all welcome: 日本韩国的都行."""
    run: list[Constraint] = []
    for k, (start, end, constraint) in enumerate(places):
        near = bool(run) and run[-1].field == constraint.field and bool(_NEAR.fullmatch(text[places[k - 1][1] : start]))
        run = [*run, constraint] if near and constraint.value != run[-1].value else [constraint]
        if len(run) > 1 and cues.either.match(text, end):
            yield run


_FEW = 0.01
_NEAR = re.compile(r"[的片]?\s*[,，、/和跟与]?\s*")
_OR = re.compile(
    r"(?:[\u4e00-\u9fff]|\s\w+)?\s*,?\s*(?:\bor\b(?:,? (?:failing (?:that|her|him)|else|maybe|perhaps|even),?)?"
    r"|或者?|还是|要么|也(?:行|可以|好|成)[,，、]?|/)\s*(?:an?\s+)?",
    re.IGNORECASE,
)
_OR_VALUE = re.compile(r"\s*(?:\bor\b|/|或者?|还是)\s*(\w+)", re.IGNORECASE)
_COMMA = re.compile(r"[\u4e00-\u9fff]?\s*[,，、]\s*(?:an?\s+)?", re.IGNORECASE)
