"""Message and conversation to Request, by rules alone: language, intent, wishes, exclusions, mentions.

The text is read with the catalogue's names masked out, so that "2001: A Space Odyssey" sets no year and "No" (2012) negates
nothing. Words that carry the reading are data: ``cues/`` a language, ``domain.toml`` a domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from chatbot.clauses import HAN, attitude_of, clause_spans, mask_names, negated_spans, split_sentences, wish_text
from chatbot.cues import Cues, load_cues
from chatbot.dialogue import carry, language_of, previous_wish, refines_wish, small_talk, unique
from chatbot.lexicon import Lexicon, Match, Target
from chatbot.mentions import plain_titles
from chatbot.quantities import find_bounds, number
from chatbot.questions import asked_item
from chatbot.types import MAX_MESSAGE, Conversation, Language, Request
from retrieval.domain import PEOPLE, Domain
from retrieval.errors import MessageError
from retrieval.titles import Mention, NameIndex
from retrieval.types import Constraint, Item, Wish

_LATIN = re.compile(r"[A-Za-zÀ-ÿ]+")
_TITLE_MARKS = re.compile(r"《[^》]*》|\"[^\"]*\"|“[^”]*”")
_OR = re.compile(r"(?:[\u4e00-\u9fff]|\s\w+)?\s*,?\s*(?:\bor\b|或者?|还是|/)\s*(?:an?\s+)?", re.IGNORECASE)
MAX_COUNT = 10


def detect_language(text: str, fallback: Language = "en") -> Language:
    """English or Chinese, by which script carries more words; quoted titles do not count, and neither script falls back."""
    bare = _TITLE_MARKS.sub(" ", text)
    for sample in (bare, text):  # a text that is nothing but a title is read whole
        han, latin = len(HAN.findall(sample)), len(_LATIN.findall(sample))
        if han or latin:
            return "zh" if han >= latin else "en"
    return fallback


def check_message(text: str) -> str:
    """Return the message without outer white space.

    Raises:
        MessageError: it is empty or too long.
    """
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()  # bytes that were no text
    if not text:
        raise MessageError("The message is empty. Say what you are in the mood for.", key="error_empty")
    if len(text) > MAX_MESSAGE:
        raise MessageError(
            f"The message has {len(text)} characters; {MAX_MESSAGE} can be read. Please shorten it.",
            key="error_long",
            length=len(text),
            limit=MAX_MESSAGE,
        )
    return text


@dataclass
class _Reading:
    """What one message says, while it is being collected."""

    negated: list[tuple[int, int]]
    constraints: list[Constraint] = field(default_factory=list[Constraint])
    wishes: list[Wish] = field(default_factory=list[Wish])
    lifted: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    spans: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])  # not for similarity: names, negated words
    places: list[tuple[int, int, Constraint]] = field(default_factory=list[tuple[int, int, Constraint]])
    implied: list[Constraint] = field(default_factory=list[Constraint])  # exclusions of what the words only suggest
    attitudes: dict[str, str] = field(default_factory=dict[str, str])

    def denies(self, place: int) -> bool:
        """Whether a place in the text is denied."""
        return any(start <= place < end for start, end in self.negated)


class Understanding:
    """Reads messages about one catalogue. Holds no state of a conversation."""

    def __init__(self, domain: Domain, items: Mapping[str, Item], *, count: int = 3) -> None:
        """Prepare the names and phrases of a catalogue; ``count`` items are wanted unless the message says otherwise."""
        self._domain, self._items, self._count = domain, items, count
        self.names = NameIndex(items.values(), domain)
        self.lexicon = Lexicon(domain, items.values())

    def read(self, message: str, conversation: Conversation, language: Language | None = None) -> Request:
        """Turn a message into a request.

        Raises:
            MessageError: the message is empty or too long.
        """
        text = check_message(message)
        previous = previous_wish(conversation)
        mentions = self.names.find(text)
        language = self._language(text, mentions, language_of(conversation), language)
        cues = load_cues(language)
        mentions += [
            m
            for m in plain_titles(text, cues, self.names, self.lexicon)
            if all(m.end <= o.start or m.start >= o.end for o in mentions)
        ]
        masked = mask_names(text, mentions)
        reading = _Reading(negated_spans(masked, cues))
        self._read_phrases(masked, language, cues, reading, previous)
        self._read_bounds(masked, reading)
        self._read_mentions(masked, mentions, cues, reading)
        request = Request(
            intent="recommend",
            language=language,
            text=text,
            query=wish_text(text, reading.spans, cues),
            constraints=tuple(unique(reading.constraints)),
            wishes=tuple(unique(reading.wishes)),
            liked=tuple(i for i, a in reading.attitudes.items() if a in ("liked", "model")),
            disliked=tuple(i for i, a in reading.attitudes.items() if a == "disliked"),
            seen=tuple(i for i, a in reading.attitudes.items() if a == "seen"),
            stated=tuple((i, a) for i, a in reading.attitudes.items() if a in ("liked", "disliked", "seen")),
            named=tuple(dict.fromkeys(m.target for m in mentions if m.kind == "item")),
            count=self._read_count(masked, cues),
        )
        return self._with_intent(request, masked, cues, reading, conversation, previous)

    @staticmethod
    def _language(text: str, mentions: Iterable[Mention], spoken: Language | None, hint: Language | None) -> Language:
        """The message's language: names do not decide it, and "OK" or a bare title follow the conversation."""
        bare = _TITLE_MARKS.sub(" ", mask_names(text, mentions))
        if spoken and not HAN.search(bare) and len(_LATIN.findall(bare)) < 2:
            return spoken
        return detect_language(bare, spoken or hint or detect_language(text))

    # -- facets ---------------------------------------------------------------------------------------------------

    def _read_phrases(
        self, text: str, language: Language, cues: Cues, reading: _Reading, previous: dict[str, Any] | None
    ) -> None:
        feelings = [m.span() for cue in (cues.feeling, cues.restart) for m in cue.finditer(text)]
        neutral = clause_spans(text, cues.neutral, cues)
        lifted = bool(cues.lift.search(text))
        other: Language = "zh" if language == "en" else "en"
        matches = [*self.lexicon.find(text, language), *self.lexicon.find(text, other)]
        for match in matches:
            if any(start < match.end and match.start < end for start, end in feelings):
                continue
            inside = reading.denies(match.start)
            words = text[match.start : match.end]
            for target in match.targets:
                if target.negated_only and not inside:
                    continue
                if inside:
                    self._exclude(target, words, reading)
                    reading.spans.append((match.start, match.end))
                elif lifted and target.values and self._was_excluded(target, previous):
                    reading.lifted += [(target.facet, value) for value in target.values]
                    reading.spans.append((match.start, match.end))
                elif not any(start <= match.start < end for start, end in neutral):
                    self._want(target, match, words, reading, previous)
        reading.spans += reading.negated
        _settle(reading, text)

    def _exclude(self, target: Target, words: str, reading: _Reading) -> None:
        for value in target.values:
            reading.constraints.append(Constraint(target.facet, "excludes", value, words))
            if target.negated_only:
                reading.implied.append(reading.constraints[-1])
        if target.negated_only and target.bound:
            op, value = target.bound
            reading.constraints.append(Constraint(target.facet, op, _whole(value), words))

    def _want(self, target: Target, match: Match, words: str, reading: _Reading, previous: dict[str, Any] | None) -> None:
        facet = self._domain.facets[target.facet]
        if target.bound:
            op, value = target.bound
            reading.constraints.append(Constraint(target.facet, op, _whole(value), words))
        elif target.step:
            shown = [self._items[i["id"]] for i in (previous or {}).get("items", []) if i["id"] in self._items]
            numbers = [float(v) for item in shown for v in item.values(target.facet) if isinstance(v, (int, float))]
            if numbers:
                middle = sorted(numbers)[len(numbers) // 2]  # most of what comes is then on the asked side of what was shown
                value = middle + target.step * facet.step
                reading.constraints.append(Constraint(target.facet, "max" if target.step < 0 else "min", _whole(value), words))
        elif facet.match == "soft":
            reading.wishes += [Wish(target.facet, value, words) for value in target.values]
        elif len(target.values) == 1:
            reading.constraints.append(Constraint(target.facet, "includes", target.values[0], words))
            reading.places.append((match.start, match.end, reading.constraints[-1]))
        elif target.values:
            reading.constraints.append(Constraint(target.facet, "any_of", target.values, words))

    @staticmethod
    def _was_excluded(target: Target, previous: dict[str, Any] | None) -> bool:
        old = (previous or {}).get("request", {}).get("constraints", [])
        return any(c["op"] == "excludes" and c["field"] == target.facet and c["value"] in target.values for c in old)

    def _read_bounds(self, text: str, reading: _Reading) -> None:
        facets = self._domain.facets.items()
        measured = {"duration": "minutes", "age": "age"}
        names = {measured[facet.measures]: name for name, facet in facets if facet.measures}
        names |= {"year": name for name, facet in facets if facet.type == "year"}  # noqa: B035  (one year facet a domain)
        for bound in find_bounds(text):
            if name := names.get(bound.kind):
                reading.constraints.append(Constraint(name, bound.op, bound.value, text[bound.start : bound.end].strip()))
                reading.spans.append((bound.start, bound.end))

    def _read_count(self, text: str, cues: Cues) -> int:
        found = cues.count.search(text)
        if not found:
            return self._count
        words = next((group for group in found.groups() if group and _is_number(group)), "1")
        return max(1, min(MAX_COUNT, int(number(words))))

    # -- names ----------------------------------------------------------------------------------------------------

    def _read_mentions(self, text: str, mentions: Iterable[Mention], cues: Cues, reading: _Reading) -> None:
        for mention in mentions:
            inside = reading.denies(mention.start)
            if mention.kind == PEOPLE:
                op = "excludes" if inside else "includes"
                reading.constraints.append(Constraint(PEOPLE, op, mention.target, mention.target))
                if inside:
                    reading.spans.append((mention.start, mention.end))
                continue
            reading.spans.append((mention.start, mention.end))
            verbs = (cues.liked, cues.disliked, cues.seen, cues.model)
            reading.spans += [
                m.span()
                for start, end in split_sentences(text, cues)
                if start <= mention.start < end
                for cue in verbs
                for m in cue.finditer(text, start, end)
            ]
            attitude = attitude_of(text, mention, cues)
            reading.attitudes[mention.target] = "excluded" if attitude == "model" and inside else attitude

    # -- intent and what the conversation still holds -----------------------------------------------------------------

    def _with_intent(
        self,
        request: Request,
        masked: str,
        cues: Cues,
        reading: _Reading,
        conversation: Conversation,
        previous: dict[str, Any] | None,
    ) -> Request:
        chat = small_talk(request, masked, cues)
        if chat:
            return replace(request, intent="chat", opening=chat)
        asked = asked_item(request, masked, cues, conversation, self._domain)
        if asked:
            return replace(request, intent="ask_item", named=(asked,))
        if request.stated and not request.query and not request.constraints and not request.wishes and not reading.lifted:
            request = replace(request, intent="react")
        if previous is None or cues.restart.search(masked):
            return request
        refines = refines_wish(request, masked, cues, lifted=bool(reading.lifted))
        return carry(request, previous, refines=refines, lifted=reading.lifted)


def _settle(reading: _Reading, text: str) -> None:
    """Join alternatives ("comedy or romance"); drop suggested exclusions of what is asked for ("horror, but not scary")."""
    wanted = {(c.field, c.value) for _, _, c in reading.places}
    dropped = [c for c in reading.implied if (c.field, c.value) in wanted]
    reading.constraints = [c for c in reading.constraints if not any(c is d for d in dropped)]
    places = sorted(reading.places, key=lambda place: place[:2])
    for (_, end, first), (start, _, second) in pairwise(places):
        if first.field == second.field and first.value != second.value and _OR.fullmatch(text[end:start]):
            values = tuple(str(value) for c in (first, second) for value in c.values)
            both = Constraint(first.field, "any_of", values, f"{first.words} / {second.words}")
            reading.constraints = [c for c in reading.constraints if c is not first and c is not second] + [both]


def _is_number(text: str) -> bool:
    try:
        number(text)
    except (KeyError, ValueError):
        return False
    return True


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value
