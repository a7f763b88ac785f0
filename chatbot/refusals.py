"""What is refused, in words: "no jazz or ambient; not from Japan; nothing unsuitable for asthma". Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from chatbot.clauses import HAN
from chatbot.types import Language
from prompts import load_phrases
from retrieval.domain import Domain
from retrieval.facet import Facet
from retrieval.types import Constraint

_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
Join = Callable[[Iterable[str], Language, str], str]


def say_refused(
    constraints: Sequence[Constraint],
    domain: Domain,
    label: Callable[[Constraint], str],
    join: Join,
    language: Language,
) -> list[str]:
    """Say everything that is refused, a phrase for each way of saying it; what one phrase means of several values is said once.

    Args:
        constraints: of which the exclusions count.
        domain: whose facets say how their values are refused.
        label: writes a constraint's values.
        join: lists words in a language.
        language: of all of it.
    """
    said: dict[str, dict[str, str]] = {}  # way of saying it -> the person's words -> what is refused
    for c in constraints:
        if c.op == "excludes":
            facet = domain.facets.get(c.field)
            own = facet is not None and facet.match == "soft" and c.words and bool(HAN.search(c.words)) == (language == "zh")
            said.setdefault(_way(facet, language), {}).setdefault(c.words, c.words.lower() if own else label(c))
    soft = said.get("without_soft", {})
    texts: list[str] = []
    for way in sorted(said, key=lambda way: (way == "without_soft", way == "unsuited")):
        words = (_ARTICLE.sub("", text) for own, text in said[way].items() if way != "without" or own not in soft)
        if value := join(words, language, "or"):
            texts.append(way.format(value=value) if "{" in way else load_phrases(language).say(way, value=value))
    return texts


def _way(facet: Facet | None, language: Language) -> str:
    """The phrase in which values of a facet are refused, or the template that the domain has for it."""
    if facet is not None and facet.means == "excludes":
        return "unsuited"
    if facet is not None and facet.match == "soft" and facet.values:
        return "without_soft"
    return (facet.refuse.get(language) if facet is not None else None) or "without"
