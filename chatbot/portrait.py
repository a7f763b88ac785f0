"""The interest model in words: a few lines a person can read, each with what it rests on and how it can be taken back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.answers import Speaker
from chatbot.interests import Interests, Taste
from chatbot.interests.tastes import name_tastes
from chatbot.types import Language
from chatbot.written import join
from prompts import load_phrases
from retrieval.domain import Domain
from retrieval.events import DAY, Event

MOST_INTERESTS, MOST_TASTES, MOST_AGAINST = 4, 4, 3  # lines
_TITLES = 3
_QUERY_WORDS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a portrait.

    Attributes:
        key: names it as long as it says the same.
        kind: interest, taste, against, never, habit, sated or apart.
        text: in words.
        sources: ``history.<item>`` and ``event.<id>``.
        takes_back: what the person says when the line is taken away: (item or None, context) of ``corrected`` events; empty
            where nothing can be.
    """

    key: str
    kind: str
    text: str
    sources: tuple[str, ...] = ()
    takes_back: tuple[tuple[str | None, Mapping[str, str]], ...] = ()


class Painter:
    """Writes portraits in the words of one catalogue. Holds nothing of a person."""

    def __init__(self, domain: Domain, speaker: Speaker) -> None:
        """Take the words."""
        self._domain, self._speaker = domain, speaker

    def paint(self, interests: Interests, events: Iterable[Event], language: Language, now: float) -> list[Line]:
        """Return the lines, the most telling first; none where nothing is known.

        Args:
            interests: of the person.
            events: of the same person, for when things were said.
            language: of the lines.
            now: seconds since the epoch.
        """
        moments = {event.id: event.at for event in events}
        brush = _Brush(self._domain, self._speaker, language, moments, now)
        lines = [brush.never(key, event) for key, event in interests.excluded.items()]
        told: set[tuple[str, Any]] = set()
        asked = {(t.field, t.value): t for t in interests.tastes if t.strength > 0}
        single: list[str] = []
        for interest in interests.interests[:MOST_INTERESTS]:
            named = name_tastes(interest.tastes, self._domain)
            if len(interest.items) == 1 or not named:
                single += interest.items
            else:
                lines.append(brush.interest(interest.items, named, asked))
                told |= {(t.field, t.value) for t in named}
        lines += [brush.interest(single, (), asked)] if single else []
        rest = [t for t in interests.tastes if t.telling and (t.field, t.value) not in told]
        lines += [brush.taste(alike) for alike in _alike(t for t in rest if t.strength > 0)[:MOST_TASTES]]
        lines += [brush.taste(alike) for alike in _alike(t for t in rest if t.strength < 0)[:MOST_AGAINST]]
        lines += brush.habits(interests)
        return lines

    def query(self, interests: Interests, language: Language) -> str:
        """Return the profile as words to search by: what is liked for sure, without titles; empty where nothing is."""
        telling = [t for t in interests.tastes if t.strength > 0 and t.telling and isinstance(t.value, str)]
        labels = [self._speaker.value_label(t.field, t.value, language) for t in telling]
        return join(labels[:_QUERY_WORDS], language)


@dataclass(frozen=True, slots=True)
class _Brush:
    """Writes lines of one portrait."""

    domain: Domain
    speaker: Speaker
    language: Language
    moments: Mapping[str, float]
    now: float

    def say(self, name: str, **values: Any) -> str:
        return load_phrases(self.language).say(name, **values)

    def never(self, key: tuple[str, Any], event: str) -> Line:
        words = self.say("portrait_never", value=self._label(*key), when=self._when([event]))
        return _line("never", words, (f"event.{event}",), [(None, _correction("again", *key))])

    def interest(self, items: Sequence[str], tastes: Sequence[Taste], asked: Mapping[tuple[str, Any], Taste]) -> Line:
        values = self._together(tastes)
        said = [event for t in tastes if (known := asked.get((t.field, t.value))) for event in known.said]
        titles = self.speaker.titles(items, self.language, _TITLES)
        others = len(items) > _TITLES
        words = self.say("portrait_interest", values=values, titles=titles, others=others, when=self._when(said))
        sources = (*(f"history.{item}" for item in items), *(f"event.{event}" for event in said))
        back = [(None, _correction("drop", t.field, t.value)) for t in tastes]
        return _line("interest", words, sources, [*back, *((item, {"op": "drop"}) for item in items)])

    def taste(self, tastes: Sequence[Taste]) -> Line:
        """Write tastes that rest on the same as one line."""
        first = tastes[0]
        kind, last = ("taste", "and") if first.strength > 0 else ("against", "or")
        value = join((self._label(t.field, t.value) for t in tastes), self.language, last)
        titles = self.speaker.titles(first.items, self.language, _TITLES)
        words = self.say(f"portrait_{kind}", value=value, titles=titles, when=self._when(first.said))
        sources = (*(f"history.{item}" for item in first.items), *(f"event.{event}" for event in first.said))
        return _line(kind, words, sources, [(None, _correction("drop", t.field, t.value)) for t in tastes])

    def habits(self, interests: Interests) -> list[Line]:
        habits, noun = interests.habits, self.domain.noun[self.language]
        lines: list[Line] = []
        if habits.part or habits.weekly:
            part = self.say(f"part_{habits.part}") if habits.part else ""
            weekly = "" if not habits.weekly else f"{habits.weekly:.0f}" if habits.weekly >= 1 else self.say("less_than_one")
            many = noun.measure + noun.many
            lines.append(_line("habit", self.say("portrait_habit", part=part, weekly=weekly, noun=many)))
        for field, value, count in interests.sated[:1]:
            label = self._label(field, value)
            counted = noun.measure or noun.many
            lines.append(_line("sated", self.say("portrait_sated", count=count, value=label, noun=counted)))
        if interests.apart:
            one, other = (self._together(name_tastes(i.tastes, self.domain)) for i in interests.interests[:2])
            if one and other:
                lines.append(_line("apart", self.say("portrait_apart", one=one, other=other)))
        return lines

    def _label(self, field: str, value: Any) -> str:
        facet = self.domain.facets.get(field)
        if facet and facet.type == "year":
            return self.say("decade", value=value)
        return self.speaker.value_label(field, value, self.language)

    def _together(self, tastes: Sequence[Taste]) -> str:
        return self.speaker.describe_kind([(t.field, t.value) for t in tastes], self.language)

    def _when(self, events: Iterable[str]) -> str:
        """Say when the last of some events was: today, a weekday of this week, or the day."""
        at = max((self.moments[event] for event in events if event in self.moments), default=0.0)
        if not at:
            return ""
        then, today = time.localtime(at), time.localtime(self.now)
        days = (time.mktime((*today[:3], 12, 0, 0, 0, 0, -1)) - time.mktime((*then[:3], 12, 0, 0, 0, 0, -1))) / DAY
        if days < 1:
            return self.say("when_today")
        if days < 7:
            return self.say("when_weekday", day=then.tm_wday)
        year = then.tm_year
        return self.say("when_day", day=then.tm_mday, month=then.tm_mon, year=year, this_year=year == today.tm_year)


def _alike(tastes: Iterable[Taste]) -> list[list[Taste]]:
    """Put tastes together that rest on the same items and words, such as a country and its language."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Taste]] = {}
    for taste in tastes:
        groups.setdefault((taste.items, taste.said), []).append(taste)
    return list(groups.values())


def _correction(op: str, field: str, value: Any) -> dict[str, str]:
    return {"op": op, "facet": field, "value": str(value)}


def _line(kind: str, text: str, sources: Sequence[str] = (), back: Sequence[tuple[str | None, Mapping[str, str]]] = ()) -> Line:
    digest = hashlib.blake2b(repr((kind, sorted(sources), sorted(str(entry) for entry in back))).encode(), digest_size=6)
    return Line(digest.hexdigest(), kind, text, tuple(sources), tuple(back))
