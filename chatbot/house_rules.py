"""What a domain wants of every list, whatever is asked: standing bounds, the order of series, and what was bought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chatbot.types import Profile, Request
from retrieval.abilities import Purchases
from retrieval.constraints import satisfies_all
from retrieval.domain import Domain
from retrieval.events import DAY
from retrieval.series import SeriesTable
from retrieval.types import Constraint, Item, Query


@dataclass(frozen=True, slots=True)
class HouseRules:
    """The rules of one catalogue. Holds no state of a conversation.

    Attributes:
        domain: whose rules they are.
        items: of the catalogue.
        series: of the catalogue.
    """

    domain: Domain
    items: Mapping[str, Item]
    series: SeriesTable

    def keep(self, query: Query, request: Request, profile: Profile, now: float) -> Query:
        """Return a query that keeps the rules.

        Args:
            query: of the message and the person.
            request: that it was made of.
            profile: of the person; for somebody else nothing of it counts.
            now: in seconds since the epoch.
        """
        known = [*profile.liked, *profile.disliked, *profile.seen, *request.named, *request.seen, *request.liked]
        back = {item for item in self._due(profile, now) if item not in request.named}
        exclude = (query.exclude - back) | self._too_early(query, known, request.named) | self._had_enough(query, profile, now)
        return replace(query, exclude=exclude, constraints=(*query.constraints, *self._bounds(query)))

    def _too_early(self, query: Query, known: Sequence[str], named: Sequence[str]) -> set[str]:
        """The volumes that wait for one before them, unless that one is not of the kind that is asked for ("advanced")."""
        if any(self.domain.series and c.field == self.domain.series.number for c in query.constraints):
            return set()  # "the second volume" is asked for
        asked = [c for c in query.constraints if c.op in ("includes", "any_of")]
        return {
            item
            for item, missing in self.series.too_early(known).items()
            if item not in named and satisfies_all(self.items[missing], asked, self.domain)
        }

    def _bounds(self, query: Query) -> list[Constraint]:
        """Bounds that hold unless the person says something else of the facet."""
        said = {c.field for c in query.constraints}
        return [Constraint(s.facet, s.op, s.value, firm=True) for s in self.domain.standing if s.facet not in said]

    def continued(self, request: Request, profile: Profile) -> Request:
        """Return a request for what comes next with the series that the person has begun, where it names none itself."""
        series = self.domain.series
        if not (request.continues and series) or any(c.field == series.facet for c in request.constraints):
            return request
        begun = self.series.begun([*profile.liked, *profile.seen, *request.liked, *request.seen])
        if not begun:
            return request
        return replace(request, constraints=(*request.constraints, Constraint(series.facet, "any_of", begun, firm=True)))

    def _due(self, profile: Profile, now: float) -> Iterator[str]:
        """Yield what was bought and may be wanted again."""
        again = self.domain.repeat
        if again is None:
            return
        for item, at in profile.bought.items():
            if item not in profile.disliked and now - at >= again.days * DAY and self._is_of(item, again):
                yield item

    def _had_enough(self, query: Query, profile: Profile, now: float) -> frozenset[str]:
        """The items of kinds of which one was bought not long ago, unless the kind is asked for."""
        once = self.domain.once
        if once is None:
            return frozenset()
        asked = {v for c in query.constraints if c.op in ("includes", "any_of") for v in c.values}
        kinds = {
            value
            for item, at in profile.bought.items()
            if now - at < once.days * DAY and item in self.items
            for value in self.items[item].values(once.facet)
            if value in once.values and value not in asked
        }
        items = self.items.values() if kinds else ()
        return frozenset(item.id for item in items if kinds.intersection(item.values(once.facet)))

    def _is_of(self, item: str, bought: Purchases) -> bool:
        known: Sequence[object] = self.items[item].values(bought.facet) if item in self.items else ()
        return any(value in bought.values for value in known)
