"""A list for a person who says little or nothing: for a program that shows items, not for a conversation. A pure read."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from chatbot.dialogue import unique
from chatbot.interests import Interests
from chatbot.personal import Person, prepare
from chatbot.types import Conversation, Language, Profile, Request
from retrieval.days import day_span
from retrieval.domain import PEOPLE
from retrieval.errors import IndexError_, MessageError
from retrieval.index import CatalogIndex
from retrieval.types import Candidate, Constraint

if TYPE_CHECKING:
    from chatbot.pipeline import RecommendationPipeline

BOUNDS = "min", "max"
NUMBERS = "year", "number"  # types of facets whose values are numbers
DATED = "date"
HIGHEST = 1e15  # numbers below it are exact
NAMED, SHOWN = 12, 60  # values of a facet that an error lists, and characters of what was given


@dataclass(frozen=True, slots=True)
class Offer:
    """A list without text.

    Attributes:
        candidates: best first.
        relaxed: what the message asks for and nothing keeps; neither an exclusion nor a constraint of the caller's is in it.
        demands: everything that was demanded, what was relaxed included.
        language: of the message, or the one asked for where it shows none.
    """

    candidates: tuple[Candidate, ...]
    relaxed: tuple[Constraint, ...] = ()
    demands: tuple[Constraint, ...] = ()
    language: Language = "en"


def offer(
    pipeline: RecommendationPipeline,
    user: str = "",
    message: str = "",
    like: Sequence[str] = (),
    exclude: Sequence[str] = (),
    constraints: Sequence[Constraint] = (),
    language: Language = "en",
    count: int = 10,
) -> Offer:
    """Return a list for a person. Nothing is stored: not the message, not that anything was shown.

    A message that asks for no items ("hello", a question) changes nothing; of one that tells of harm there is no list.

    Args:
        pipeline: whose catalogue, understanding and people these are.
        user: whose profile and interests count; empty: nobody's.
        message: a wish in words, or empty; how many items it wants does not count.
        like: ids of items to be like; they say more than history, and do not come back.
        exclude: ids of items that do not come back; those that the catalogue does not have are ignored.
        constraints: none of them is ever relaxed: where nothing keeps them all, the list is empty.
        language: of the message, where it does not show one.
        count: the most items there are, from 1.

    Raises:
        MessageError: the message is too long; or a constraint names no facet of the catalogue, an operation or a value that the
            facet cannot have, or a value that no item of a facet with fixed values has.
        IndexError_: ``like`` names an item that the catalogue does not have.
    """
    index = pipeline.index
    firm = [checked for constraint in constraints for checked in check(constraint, index)]
    for item in like:
        if item not in index.items:
            raise IndexError_(f"The catalogue has no item '{item}' (any more). Leave it out of 'like'.", key="error_gone")
    request = pipeline.read(message, language) if message.strip() else Request("recommend", language, "")
    if request.intent == "unsafe":
        return Offer((), language=request.language)
    request = replace(
        request,
        liked=tuple(dict.fromkeys([*like, *request.liked])),
        constraints=tuple(unique([*firm, *request.constraints])),
        count=count,
    )
    known = pipeline.people.known(user) if user else None
    known = None if request.gift else known
    profile, interests = (known.profile, known.interests) if known else (Profile(user), Interests())
    if request.again:  # what the person wants again after all; a turn would have stored it by now
        never = {key: event for key, event in interests.excluded.items() if key not in request.again}
        interests = replace(interests, excluded=never)
    words = pipeline.people.painter.query(interests, request.language)
    request = pipeline.rules.continued(request, profile)
    query = prepare(request, Conversation("", user), Person(profile, interests), words, pipeline.rules, time.time())
    query = replace(query, exclude=query.exclude.union(exclude))
    found = pipeline.retriever.retrieve(query)
    relaxed = found.relaxed if found.candidates else ()
    return Offer(found.candidates[:count], relaxed, query.constraints, request.language)


def check(constraint: Constraint, index: CatalogIndex) -> list[Constraint]:
    """Return a constraint of a program's as firm ones, in the catalogue's values: one a value, unless any of several is enough.

    Words for a value of a facet with fixed values are understood as in a message ("Horror", 恐怖).

    Raises:
        MessageError: it can be kept by no item of this catalogue, whatever it holds; the message says why.
    """
    domain, field = index.domain, constraint.field
    facets = {*domain.facets, *((PEOPLE,) if domain.people_facets else ())}
    if field not in facets:
        raise _wrong(f"the catalogue has no facet '{_short(field)}'. It has: {_listed(sorted(facets))}", facets, field)
    numeric = field in domain.facets and domain.facets[field].type in NUMBERS
    values = constraint.values
    if not values:
        raise _wrong(f"'{constraint.op}' of '{field}' has no value. Give one")
    dated = field in domain.facets and domain.facets[field].type == DATED
    if constraint.op in BOUNDS and not (numeric or dated):
        raise _wrong(f"'{field}' is no number, so it has no '{constraint.op}'. Use includes, excludes or any_of")
    if dated and constraint.op in BOUNDS and not (isinstance(values[0], str) and day_span(values[0])):
        raise _wrong(f"'{field}' is a day, and '{_short(values[0])}' is none. Give one as 2026-11-28")
    if constraint.op in BOUNDS and len(values) > 1:
        raise _wrong(f"'{constraint.op}' of '{field}' takes one number, not {len(values)}")
    known = tuple(dict.fromkeys(_number(field, v) if numeric else _text(field, v, index) for v in values))
    if constraint.op == "any_of":
        return [replace(constraint, value=known, firm=True)]
    return [replace(constraint, value=value, firm=True) for value in known]


def _number(field: str, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(f"'{field}' is a number, and '{_short(value)}' is none. Give a number")
    if not abs(value) < HIGHEST:  # nor what is not a number
        raise _wrong(f"'{field}' takes numbers below {HIGHEST:.0e}. Give one")
    return value


def _text(field: str, value: object, index: CatalogIndex) -> str:
    """Return a text as the catalogue has it; unknown names are fine where values are not fixed: nobody has them, yet."""
    if not isinstance(value, str):
        raise _wrong(f"'{field}' is a text, and a number was given. Put it in quotation marks")
    if field == PEOPLE or len(index.columns.holders(field, value)):
        return value
    fixed = index.domain.facets[field]
    if not fixed.values:
        return value
    canonical = fixed.canonical.get(value.strip().lower())
    if canonical is None:
        raise _wrong(f"'{field}' never is '{_short(value)}'. It can be: {_listed(fixed.values)}", fixed.values, value)
    return canonical


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(islice(names, NAMED)) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _wrong(problem: str, names: Iterable[str] = (), meant: str = "") -> MessageError:
    near = difflib.get_close_matches(_short(meant), list(names), 1)
    problem = f"{problem}. Is '{near[0]}' meant?" if near else f"{problem}."
    return MessageError(f"A constraint cannot be checked: {problem}", key="error_constraint", problem=problem)
