"""Which question about the candidates is worth asking: the one with the largest expected information gain. Pure functions.

An option of a question is a promise on one facet: a value ("comedy"), a decade, a bound ("at most 110 min"). The person is
taken to want one candidate C, each as likely as its share of the scores, and to answer A with one of the options that it keeps,
each alike, or with "none of these". What the answer tells is their mutual information, in bits (Cover and Thomas, Elements of
Information Theory, 2006, section 2.3):

    gain = I(C; A) = H(A) - sum over c of p(c) log2 m(c),   m(c) = options that c keeps, at least 1

Where an item has one value of the facet, that is the entropy of the facet; for one option, the binary entropy of its share.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import log2
from typing import TypeAlias

from retrieval.constraints import satisfies_all
from retrieval.domain import Domain
from retrieval.types import Candidate, Constraint

Option: TypeAlias = "tuple[Constraint, ...]"

LOOK = 60  # candidates that a question is chosen on
MIN_POOL = 12  # fewer are better shown: a reply of three is a quarter of them
MIN_GAIN = 0.8  # bits: the answer leaves 57 % or less; two options must split no worse than one to three
MIN_MORE = 0.05  # bits that one more option must add: less is noise in 60 candidates, and a longer question
MAX_OPTIONS = 4  # as many as can be read at a glance and fit under a reply on a phone


@dataclass(frozen=True, slots=True)
class Clarification:
    """A question worth asking: the facet, two to four options, and what the answer tells, in bits."""

    about: str
    options: tuple[Option, ...]
    gain: float


def shares(candidates: Sequence[Candidate]) -> list[float]:
    """Return how likely each candidate is wanted: its share of the scores, or all alike where nothing was scored."""
    scores = [max(candidate.score, 0.0) for candidate in candidates]
    total = sum(scores)
    return [score / total for score in scores] if total else [1 / len(scores)] * len(scores)


def information_gain(chances: Sequence[float], keeps: Sequence[Sequence[bool]]) -> float:
    """Return what an answer is expected to tell, in bits.

    Args:
        chances: of each candidate, together 1.
        keeps: for each option, whether each candidate keeps it.
    """
    answers, told = [0.0] * (len(keeps) + 1), 0.0  # the last answer is "none of these"
    for n, chance in enumerate(chances):
        possible = [k for k, kept in enumerate(keeps) if kept[n]] or [len(keeps)]
        told -= chance * log2(len(possible))
        for answer in possible:
            answers[answer] += chance / len(possible)
    return told - sum(p * log2(p) for p in answers if p > 0)


def options_of(name: str, domain: Domain, candidates: Sequence[Candidate], chances: Sequence[float]) -> list[Option]:
    """Return what a question about a facet could offer; nothing where the domain has no words to answer with.

    The values of a list, except those whose word means something else too ("Spanish" is read as a country first), the decades
    of a year, and less or more than the middle of a number.
    """
    facet = domain.facets[name]
    if facet.values:
        there = {str(value) for candidate in candidates for value in candidate.item.values(name)}
        others = [other.canonical for key, other in domain.facets.items() if key != name]
        return [
            (Constraint(name, "includes", value),)
            for value in facet.values
            if value in there
            and not any(domain.value_label(name, value, language).lower() in o for o in others for language in domain.languages)
        ]
    if not (facet.less and facet.more):
        return []
    weighted = sorted(
        (value, chance)
        for candidate, chance in zip(candidates, chances, strict=True)
        for value in candidate.item.values(name)[:1]
        if isinstance(value, (int, float))
    )
    if not weighted:
        return []
    if facet.type == "year":
        decades = sorted({int(value) // 10 * 10 for value, _ in weighted})
        return [(Constraint(name, "min", decade), Constraint(name, "max", decade + 9)) for decade in decades]
    middle = _rounded(_median(weighted), facet.step)
    above = min((value for value, _ in weighted if value > middle), default=None)
    if above is None:
        return []
    return [(Constraint(name, "max", middle),), (Constraint(name, "min", max(middle, _rounded(above, facet.step))),)]


def _median(weighted: Sequence[tuple[float, float]]) -> float:
    half, passed = sum(chance for _, chance in weighted) / 2, 0.0
    for value, chance in weighted:
        passed += chance
        if passed >= half:
            return value
    return weighted[-1][0]


def _rounded(value: float, step: float) -> int | float:
    down = value // step * step
    return int(down) if down == int(down) else down


def clarify(candidates: Sequence[Candidate], domain: Domain, asked: Collection[str] = ()) -> Clarification | None:
    """Return the question that tells most, or None where none is worth asking.

    Facets that the domain lets the vote read (``ballot``) come first: they are what a choice is made by, and a person with no
    wish yet rather knows a mood than a decade. Another facet is asked about where none of these tells :data:`MIN_GAIN`.

    Args:
        candidates: what could be recommended now.
        domain: whose facets and words the question is made of.
        asked: facets that this conversation asked about before: never twice.
    """
    if len(candidates) < MIN_POOL:
        return None
    chances = shares(candidates)
    found: list[Clarification] = []
    for name in domain.questions or domain.facets:
        if name not in asked:
            question = _best_question(name, options_of(name, domain, candidates, chances), candidates, chances, domain)
            found += [question] if question and question.gain >= MIN_GAIN else []
    return max(found, key=lambda question: (question.about in domain.ballot, question.gain), default=None)


def _best_question(
    name: str, options: Sequence[Option], candidates: Sequence[Candidate], chances: Sequence[float], domain: Domain
) -> Clarification | None:
    """Add the option that tells most to those chosen, until there are four or one more tells next to nothing."""
    keeps = [[satisfies_all(candidate.item, option, domain) for candidate in candidates] for option in options]
    chosen: list[int] = []
    gain = 0.0
    while len(chosen) < MAX_OPTIONS:
        rest = [n for n in range(len(options)) if n not in chosen]
        gains = {n: information_gain(chances, [keeps[k] for k in (*chosen, n)]) for n in rest}
        best = max(gains, key=lambda n: gains[n], default=None)
        if best is None or (len(chosen) >= 2 and gains[best] < gain + MIN_MORE):
            break
        chosen.append(best)
        gain = gains[best]
    if len(chosen) < 2:
        return None
    return Clarification(name, tuple(options[n] for n in sorted(chosen)), gain)
