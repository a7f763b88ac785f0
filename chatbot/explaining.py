"""What the record of an item says of why it is there: who found it, what the vote moved, what it was checked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from chatbot.answers import Speaker
from chatbot.reranking import CHANNEL
from chatbot.types import Check, Language, Recommendation
from retrieval.constraints import satisfies_all
from retrieval.domain import PEOPLE, Domain
from retrieval.types import Candidate, Constraint, Item

MAX_CHECKS = 8  # of an item: more is no explanation, and the record is kept
MAX_VALUES = 60  # characters of an item's own values: a long cast would fill the record


def recommendations(
    candidates: Iterable[Candidate],
    constraints: Sequence[Constraint],
    domain: Domain,
    speaker: Speaker,
    language: Language,
    before: Mapping[str, int] | None = None,
) -> list[Recommendation]:
    """Return candidates as recommendations, in their order.

    Args:
        candidates: chosen.
        constraints: of the turn, those that were relaxed among them.
        domain: whose facets they are of.
        speaker: of its words.
        language: of the checks.
        before: item id -> place before the model's vote, from 1.
    """
    groups = [(_label(group, speaker, language), group) for group in _grouped(constraints)]
    return [
        Recommendation(
            c.item,
            rank,
            c.score,
            c.channels,
            shares=c.shares,
            features=c.contributions,
            before_vote=(before or {}).get(c.item.id, 0) if CHANNEL in c.channels else 0,
            checks=tuple(_check(c.item, label, group, domain, language) for label, group in groups),
        )
        for rank, c in enumerate(candidates, 1)
    ]


def _grouped(constraints: Sequence[Constraint]) -> list[list[Constraint]]:
    """Put together what is said together: the bounds of one facet, and what one phrase denies of one facet."""
    said: dict[tuple[str, ...], list[Constraint]] = {}
    for c in dict.fromkeys(constraints):
        bound = c.op in ("min", "max")
        key = (c.field,) if bound else (c.field, c.op, c.words if c.op == "excludes" and c.words else str(c.value))
        said.setdefault(key, []).append(c)
    return list(islice(said.values(), MAX_CHECKS))


def _label(group: Sequence[Constraint], speaker: Speaker, language: Language) -> str:
    return speaker.describe_constraint(group[0], language) if len(group) == 1 else speaker.describe_together(group, language)


def _check(item: Item, label: str, group: Sequence[Constraint], domain: Domain, language: Language) -> Check:
    return Check(label, _own_values(item, group[0], domain, language), satisfies_all(item, group, domain))


def _own_values(item: Item, constraint: Constraint, domain: Domain, language: Language) -> str:
    """An item's values of the facet that a constraint is on; of people, the facets that name who is meant, if any does."""
    names = domain.people_facets if constraint.field == PEOPLE else (constraint.field,)
    meant = [name for name in names if any(value in constraint.values for value in item.values(name))]
    texts = (domain.facet_text(item, name, language) for name in meant or names if name in domain.facets)
    text = ("；" if language == "zh" else "; ").join(text for text in texts if text)
    return text if len(text) <= MAX_VALUES else text[: MAX_VALUES - 1].rstrip() + "…"
