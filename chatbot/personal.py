"""Between a person's interests and retrieval: what the model reads of an index, and what of it goes into a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chatbot.house_rules import HouseRules
from chatbot.interests import CatalogueView, Interests
from chatbot.interests.tastes import values_of
from chatbot.types import Conversation, Profile, Request
from retrieval.domain import PEOPLE
from retrieval.embedder import Vectors
from retrieval.index import CatalogIndex
from retrieval.types import Constraint, Query

RECENT = 20  # liked and disliked items that a query holds
HISTORY = 50  # latest items, for what comes next
POOL = 10  # candidates that the model votes on
KEEP_SHOWN = 30  # items shown in this conversation that do not come back


@dataclass(frozen=True, slots=True)
class Person:
    """Who is answered: what their events say, and what they are drawn to; nobody in particular without both."""

    profile: Profile
    interests: Interests = field(default_factory=Interests)


def prepare(request: Request, conversation: Conversation, person: Person, words: str, rules: HouseRules, now: float) -> Query:
    """Return the query that a message comes to: what it asks for, what is known of the person, and the rules of the house.

    Args:
        request: that the message was read as.
        conversation: before it.
        person: whose profile and interests count.
        words: the profile as words to search by.
        rules: of the catalogue.
        now: in seconds since the epoch.
    """
    query = query_of(request, conversation, person.profile)
    query = personalise(query, request, person.profile, person.interests, words)
    return rules.keep(query, request, person.profile, now)


def query_of(request: Request, conversation: Conversation, profile: Profile) -> Query:
    """Return what a message and its conversation ask for; :func:`personalise` adds what is known of the person."""
    shown = [item["id"] for turn in conversation.turns for item in turn.record["items"]][-KEEP_SHOWN:]
    named = set(request.named) | set(request.liked) | set(request.disliked) | set(request.seen)
    return Query(
        text=request.query,
        language=request.language,
        context=request.context,
        constraints=request.constraints,
        wishes=request.wishes,
        disliked=tuple(dict.fromkeys([*profile.disliked[-RECENT:], *request.disliked])),
        exclude=frozenset({*shown, *named, *profile.known}),
        k=max(POOL, request.count),
    )


def personalise(query: Query, request: Request, profile: Profile, interests: Interests, words: str) -> Query:
    """Add what is known of a person to what a message asks for.

    What the message names as liked says more than history; what it demands wins over what the person never wants.

    Args:
        query: of the message and the conversation.
        request: that it was read from.
        profile: of the person.
        interests: of the same person.
        words: the profile as words to search by.
    """
    groups = tuple(_latest_first(i.items, interests) for i in interests.interests) if not request.liked else ()
    liked = request.liked or _mixed(groups, RECENT) or profile.liked[-RECENT:]
    return replace(
        query,
        portrait=words,
        constraints=(*query.constraints, *_never(interests, request)),
        liked=liked,
        interests=groups,
        recent=_latest(interests, HISTORY),
        sated=tuple((field, value) for field, value, _ in interests.sated if not _asked(request, field, value)),
    )


def _never(interests: Interests, request: Request) -> tuple[Constraint, ...]:
    """Return what the person said they never want as constraints, less what the message asks for now."""
    return tuple(
        Constraint(field, "excludes", value) for field, value in interests.excluded if not _asked(request, field, value)
    )


def _asked(request: Request, field: str, value: Any) -> bool:
    wished = any(w.field == field and w.value == value for w in request.wishes)
    return wished or any(c.op in ("includes", "any_of") and c.field == field and value in c.values for c in request.constraints)


def _latest_first(items: Sequence[str], interests: Interests) -> tuple[str, ...]:
    stands: Mapping[str, Any] = interests.stands
    return tuple(sorted(items, key=lambda item: -stands[item].at))


def _latest(interests: Interests, limit: int) -> tuple[str, ...]:
    """Return what the person came to want, the latest last."""
    wanted = sorted((s for s in interests.stands.values() if s.wanted), key=lambda s: s.at)
    return tuple(s.item for s in wanted[-limit:])


def _mixed(groups: Sequence[Sequence[str]], limit: int) -> tuple[str, ...]:
    """Take from every group in turn, the latest of each first, and return the strongest and latest last."""
    chosen: list[str] = []
    for n in range(max(map(len, groups), default=0)):
        chosen += [group[n] for group in groups if n < len(group)]
    return tuple(reversed(chosen[:limit]))


def catalogue_of(index: CatalogIndex) -> CatalogueView:
    """Return what the interest model reads of an index."""
    language = index.domain.languages[0]
    ids = list(index.items)
    values = {item.id: tuple(dict.fromkeys(values_of(item, index.domain))) for item in index.items.values()}
    counts: Counter[tuple[str, Any]] = Counter(key for own in values.values() for key in own)

    def share(field: str, value: Any) -> float:
        found = len(index.columns.holders(field, value)) if field == PEOPLE else counts[field, value]
        return found / max(len(ids), 1)

    rows = index.rows.get(language)
    mean = (rows if rows is not None else index.vectors_of(ids, language)).mean(axis=0)

    def vectors_of(chosen: Sequence[str]) -> Vectors:
        return index.vectors_of(chosen, language)

    return CatalogueView(index.domain, index.items, vectors_of, mean, share, values.__getitem__)
