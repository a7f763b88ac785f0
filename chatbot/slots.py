"""Words for facet values and numbers to typed constraints and wishes, each with what it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatbot.bounds import BoundReader
from chatbot.clauses import clause_spans, within
from chatbot.critiques import critique_bound, whole
from chatbot.cues import Cues
from chatbot.lexicon import Lexicon, Match, Target
from chatbot.quantities import Bound
from chatbot.types import Language
from retrieval.domain import PEOPLE, Domain
from retrieval.types import Constraint, Item, Op, Wish

_BESIDE = 24  # characters before what somebody says they have, in which it may be denied
_SHORT = re.compile(r"\s*(?:have|having|had|got|any|an?|yet|(?:有|是|得|患)?)\s*", re.IGNORECASE)
_OF_LANGUAGE = re.compile(r"\bin \w+,? (?:not|rather than|instead of|or|and) $", re.IGNORECASE)
IMPLIED = 0.7  # certainty of an exclusion that the words only suggest


@dataclass
class Reading:
    """What one message says, while it is being collected."""

    negated: list[tuple[int, int]]
    constraints: list[Constraint] = field(default_factory=list[Constraint])
    wishes: list[Wish] = field(default_factory=list[Wish])
    lifted: list[tuple[str, object]] = field(default_factory=list[tuple[str, object]])  # (facet, value), None: all of it
    spans: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])  # not for similarity: names, negated words
    places: list[tuple[int, int, Constraint]] = field(default_factory=list[tuple[int, int, Constraint]])
    attitudes: dict[str, str] = field(default_factory=dict[str, str])
    forgotten: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])  # what is no longer asked for
    measured: set[int] = field(default_factory=set[int])  # where an item begins that is no more than a measure
    phrases: list[Match] = field(default_factory=list[Match])  # of the message's own language
    bounds: list[Bound] = field(default_factory=list[Bound])

    def denies(self, place: int) -> bool:
        """Whether a place in the text is denied."""
        return _inside(place, self.negated)

    def forgets(self, place: int) -> bool:
        """Whether a place in the text is in what is no longer asked for."""
        return _inside(place, self.forgotten)


@dataclass(frozen=True, slots=True)
class SlotReader:
    """Reads facets and numbers out of a text in which names are masked.

    Attributes:
        domain: whose facets are meant.
        items: the catalogue.
        lexicon: the words for facet values.
        bounds: reads the numbers.
    """

    domain: Domain
    items: Mapping[str, Item]
    lexicon: Lexicon
    bounds: BoundReader

    def read(
        self,
        text: str,
        language: Language,
        cues: Cues,
        reading: Reading,
        state: Mapping[str, Any],
        shown: Sequence[Item],
        compared: Mapping[int, Item],
    ) -> None:
        """Collect constraints, wishes and what is lifted.

        Args:
            text: a message with its names masked.
            language: of the message.
            cues: of the language.
            reading: takes what is found.
            state: the request that the conversation holds.
            shown: the items shown last: "shorter" is meant of them.
            compared: where a named item begins -> that item: "shorter than" it.
        """
        steps = list(self._comparisons(text, language, cues))
        own = reading.phrases
        told = _no_wishes(text, cues, named=bool(compared))
        worded = self.lexicon.places(own)
        told = [span for span in told if not within(span, worded)]  # "from scratch"
        feelings = [*told, *((match.start - 1, match.end) for match in steps)]
        phrased = {start for start, _ in worded if cues.negation.match(text, start)}  # "no experience needed"
        neutral = [span for span in clause_spans(text, cues.neutral, cues) if span[0] not in phrased]
        forgotten = reading.forgotten = [m.span() for m in cues.forget.finditer(text)]
        lifted = bool(cues.lift.search(text))
        measure = shown or (list(compared.values()) if cues.model.search(text) else [])  # "like Heat, but shorter"
        other: Language = "zh" if language == "en" else "en"
        for match in [*own, *self.lexicon.find(text, other)]:
            if any(start < match.end and match.start < end for start, end in feelings):
                continue
            inside, words = reading.denies(match.start), text[match.start : match.end]
            for target in self._meant(match, text, language, reading.bounds):
                if not _counts(target, state, refused=inside) or self._keeps_from(target, match, text, cues, reading):
                    continue
                if _inside(match.start, forgotten) and not (inside and not was_wanted(target, state)):
                    reading.lifted += [(target.facet, value) for value in target.values] or [(target.facet, None)]
                    reading.spans.append((match.start, match.end))
                elif inside:
                    self._exclude(target, words, reading)
                    reading.spans.append((match.start, match.end))
                elif lifted and target.values and was_excluded(target, state):
                    reading.lifted += [(target.facet, value) for value in target.values]
                    reading.spans.append((match.start, match.end))
                elif not _inside(match.start, neutral):
                    than = _measure(text, match, cues, reading, compared)
                    if than or not (target.step and cues.than.match(text, match.end)):  # "older than ten years" is a number
                        self._want(target, match, words, reading, than or measure)
        for match in steps:
            if than := _measure(text, match, cues, reading, compared):
                self._want(match.targets[0], match, text[match.start : match.end], reading, than)
                reading.spans.append((match.start, match.end))
        self._read_adjectives(text, language, own, reading)
        reading.spans += [*reading.negated, *forgotten]
        asked = {(c.field, value) for c in reading.constraints if c.op == "includes" for value in c.values}
        # the kind that is asked for stays, whatever it is to lack of itself
        both = [c for c in reading.constraints if c.op == "excludes" and (c.field, c.value) in asked]
        reading.constraints = [c for c in reading.constraints if c not in both]
        denied = {(c.field, c.value) for c in reading.constraints if c.op == "excludes"}
        reading.wishes = [w for w in reading.wishes if (w.field, w.value) not in denied]
        self._read_bounds(text, cues, reading, state)
        self._lift_facets(text, language, cues, reading)

    def _meant(self, match: Match, text: str, language: Language, bounds: Iterable[Bound]) -> Sequence[Target]:
        """What a phrase means where it stands: "Chinese" is a language in "in English, not Chinese"."""
        if any(bound.start < match.start and match.end <= bound.end for bound in bounds):
            return [target for target in match.targets if not target.step]  # "5 years or longer" is a number
        if _OF_LANGUAGE.search(text[: match.start]):
            whole = self.lexicon.find(f"in {text[match.start : match.end]}", language)
            if len(whole) == 1 and whole[0].start == 0:
                return whole[0].targets
        return match.targets

    # -- phrases ----------------------------------------------------------------------------------------------------

    def _read_adjectives(self, text: str, language: Language, phrases: Iterable[Match], reading: Reading) -> None:
        """Read plain words before a phrase for a value: "old westerns", but not 老励志了."""
        for match in phrases:
            hard = any(self.domain.facets[target.facet].match == "hard" for target in match.targets)
            if hard and not reading.denies(match.start):
                for word, bound in self.lexicon.bounds_before(text, match, language):
                    self._want(bound, match, word, reading, ())

    def _comparisons(self, text: str, language: Language, cues: Cues) -> Iterator[Match]:
        """Find a plain word after "比" and a name: 比它短."""
        for before in cues.than_before.finditer(text):
            for name, facet in self.domain.facets.items():
                for step, words in ((-1, facet.less.get(language, ())), (1, facet.more.get(language, ()))):
                    plain = {cues.degree.sub("", word) for word in words}
                    named = (facet.label.get(language, ""), *facet.open.get(language, ()))  # 比第三部年份新
                    start = before.end() + max(len(word) for word in ("", *named) if text.startswith(word, before.end()))
                    if stem := next((w for w in sorted(plain, key=len, reverse=True) if text.startswith(w, start)), ""):
                        yield Match(before.end(), start + len(stem), (Target(name, step=step),))

    def _keeps_from(self, target: Target, match: Match, text: str, cues: Cues, reading: Reading) -> bool:
        """Of who says what they have, exclude what is not for them; return whether the phrase is of that kind.

        Who says that they do not have it ("not pregnant") is kept from nothing; a "no" further away speaks of something else.
        """
        if self.domain.facets[target.facet].means != "excludes":
            return False
        near = match.start - _BESIDE
        denials = [m for m in cues.negation.finditer(text, max(0, near), match.start) if m.end() >= near]
        if denials and _SHORT.fullmatch(text[denials[-1].end() : match.start]):
            reading.lifted += [(target.facet, value) for value in target.values]
        else:
            self._exclude(target, text[match.start : match.end], reading)
        return True

    def _exclude(self, target: Target, words: str, reading: Reading) -> None:
        certainty = IMPLIED if target.negated_only else 1.0
        for value in target.values:
            reading.constraints.append(Constraint(target.facet, "excludes", value, words, certainty=certainty))
        if target.negated_only and target.bound:
            op, value = target.bound
            reading.constraints.append(Constraint(target.facet, op, whole(value), words, certainty=certainty))

    def _want(self, target: Target, match: Match, words: str, reading: Reading, than: Sequence[Item]) -> None:
        facet = self.domain.facets[target.facet]
        if target.bound:
            op, value = target.bound
            reading.constraints.append(Constraint(target.facet, op, whole(value), words))
        elif target.step:
            op: Op = "max" if target.step < 0 else "min"
            if bound := critique_bound(target.facet, facet, target.step, than, words):
                reading.constraints.append(bound)
            elif (value := next((b.value for b in facet.bounds if b.op == op and b.says_itself), None)) is not None:
                alone = Constraint(target.facet, op, whole(value), words, certainty=IMPLIED)  # "older", of nothing shown
                reading.constraints.append(alone)
        elif facet.match == "soft":
            reading.wishes += [Wish(target.facet, value, words) for value in target.values]
        elif len(target.values) == 1:
            reading.constraints.append(Constraint(target.facet, "includes", target.values[0], words))
            reading.places.append((match.start, match.end, reading.constraints[-1]))
        elif target.values:
            reading.constraints.append(Constraint(target.facet, "any_of", target.values, words))
            reading.places.append((match.start, match.end, reading.constraints[-1]))

    # -- numbers ----------------------------------------------------------------------------------------------------

    def _read_bounds(self, text: str, cues: Cues, reading: Reading, state: Mapping[str, Any]) -> None:
        found = self.bounds.read(text, reading.bounds, cues, reading.negated, state)
        reading.lifted += [(name, None) for name in found.lifted]
        # what is said outright counts more than "not too long" or "newer"
        said = {(c.field, c.op) for c, _, _ in found.constraints}
        told = {field for field, _ in said}
        reading.constraints = [
            c for c in reading.constraints if (c.field, c.op) not in said and not (c.field in told and c.certainty < 1)
        ]
        reading.constraints += [c for c, _, _ in found.constraints]
        reading.spans += [(start, end) for _, start, end in found.constraints]

    def _lift_facets(self, text: str, language: Language, cues: Cues, reading: Reading) -> None:
        """Find "any year is fine", 片长无所谓: a facet is named and left open."""
        for start, end in (m.span() for cue in (cues.forget, cues.any_value) for m in cue.finditer(text)):
            said = text[start:end].lower()
            for name, facet in self.domain.facets.items():
                words = [facet.label.get(language, ""), *facet.open.get(language, ())]
                if any(word and word.lower() in said for word in words):
                    reading.lifted.append((PEOPLE if facet.type == "people" else name, None))
                    reading.spans.append((start, end))


def _no_wishes(text: str, cues: Cues, *, named: bool) -> list[tuple[int, int]]:
    """Where a text tells of feelings, of nothing, or, where items are named, of what they were like."""
    spans = [m.span() for cue in (cues.feeling, cues.restart, cues.idiom, cues.remark) for m in cue.finditer(text)]
    judged = [m.span() for cue in (cues.liked, cues.disliked) for m in cue.finditer(text)]
    if named and (judged or cues.seen.search(text)):
        spans += [*judged, *(m.span() for m in cues.complaint.finditer(text))]
    return spans


def _measure(text: str, match: Match, cues: Cues, reading: Reading, compared: Mapping[int, Item]) -> list[Item]:
    """The item that "shorter than" is followed by, or that "比" comes before; none when what was shown is meant."""
    after = cues.than.match(text, match.end)
    places = [after.end()] if after else []
    for before in cues.than_before.finditer(text):
        if before.end() == match.start:
            places = [start for start in compared if before.start() <= start < before.end()]
    found = [place for place in places if place in compared]
    reading.measured.update(found)
    return [compared[place] for place in found[:1]]


def _counts(target: Target, state: Mapping[str, Any], *, refused: bool) -> bool:
    """Whether a phrase means this target here: words for a narrower subject refuse nothing, and lift no refusal."""
    if target.wanted_only:
        return not (refused or was_excluded(target, state))
    return refused or not target.negated_only


def was_wanted(target: Target, state: Mapping[str, Any]) -> bool:
    """Whether the conversation asked for one of a target's values, or, where it has none, for any of its facet."""
    old = [part for part in (*state.get("constraints", ()), *state.get("wishes", ())) if part.get("op") != "excludes"]
    values = [part["value"] for part in old if part["field"] == target.facet]
    if not target.values:
        return bool(values)
    return any(wanted == value or (isinstance(value, list) and wanted in value) for value in values for wanted in target.values)


def was_excluded(target: Target, state: Mapping[str, Any]) -> bool:
    """Whether the conversation refused one of a target's values."""
    old = state.get("constraints", [])
    return any(c["op"] == "excludes" and c["field"] == target.facet and c["value"] in target.values for c in old)


def _inside(place: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)
