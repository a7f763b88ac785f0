"""What goes with an item and what comes after it, where a message asks for that. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from chatbot.types import Language
from retrieval.domain import Domain
from retrieval.series import SeriesTable
from retrieval.types import Constraint


@dataclass(frozen=True, slots=True)
class Relation:
    """What a message asks for beside items that it names.

    Attributes:
        constraints: what it comes to; none where no item is named.
        continues: it asks for what comes next of something, named or not.
        spans: where it is said.
        of: the item that it is a relation to.
    """

    constraints: tuple[Constraint, ...] = ()
    continues: bool = False
    spans: tuple[tuple[int, int], ...] = ()
    of: tuple[str, ...] = ()

    @property
    def said(self) -> bool:
        """Whether there is any."""
        return bool(self.spans)


NONE = Relation()


def read_relation(text: str, named: Sequence[str], language: Language, domain: Domain, series: SeriesTable) -> Relation:
    """Read "what goes with …" and "what comes after …".

    Args:
        text: a message with its names masked.
        named: the items that it names or points at.
        language: of the message.
        domain: whose words count.
        series: of the catalogue.
    """
    companions, following = domain.companions, domain.series
    if companions and (spans := _places(text, companions.ask.get(language, ()), language)):
        of = tuple(named[:1])
        return Relation(tuple(Constraint(companions.facet, "includes", item) for item in of), spans=spans, of=of)
    if following and (spans := _places(text, following.next.get(language, ()), language)):
        after = next(((item, found) for item in named if (found := series.following(item))), None)
        if after is None:
            return Relation(continues=True, spans=spans)
        item, (name, number) = after
        bounds = [Constraint(following.number, op, number) for op in ("min", "max")]
        return Relation((Constraint(following.facet, "includes", name), *bounds), True, spans, (item,))
    return NONE


def _places(text: str, phrases: Iterable[str], language: Language) -> tuple[tuple[int, int], ...]:
    pattern = _compiled(tuple(phrases), language)
    return tuple(m.span() for m in pattern.finditer(text)) if pattern else ()


@cache
def _compiled(phrases: tuple[str, ...], language: str) -> re.Pattern[str] | None:
    if not phrases:
        return None
    words = "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))
    return re.compile(words if language == "zh" else rf"\b(?:{words})\b", re.IGNORECASE)
