"""Message and conversation to Request, by rules alone: language, intent, wishes, exclusions, mentions.

The text is read with the catalogue's names masked out, so that "2001: A Space Odyssey" sets no year and "No" (2012) negates
nothing. Words that carry the reading are data: ``cues/`` a language, ``domain.toml`` a domain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from chatbot.alternatives import settle, single_valued
from chatbot.attitudes import NOTICED, read_mentions
from chatbot.bounds import BoundReader, amounts
from chatbot.clauses import HAN, mask_names, negated_spans, points_at, wish_text, within
from chatbot.cues import Cues, load_cues
from chatbot.deidentifying import deidentify, may_identify
from chatbot.dialogue import (
    at_turn,
    brought_up,
    carry,
    hold,
    judged_items,
    language_of,
    last_items,
    offered_items,
    refines_wish,
    spoken_of,
    stand,
    state_of,
    turn_round,
    unique,
)
from chatbot.intents import aside, guessed_aside, question, speaks_of_things, worth_guessing
from chatbot.lasting import lasting
from chatbot.lexicon import Lexicon
from chatbot.mentions import with_plain_titles
from chatbot.quantities import is_number, number
from chatbot.references import Pointer
from chatbot.relations import read_relation
from chatbot.slots import Reading, SlotReader
from chatbot.spelling import Spelling
from chatbot.types import MAX_COUNT, MAX_MESSAGE, Conversation, Language, Request
from chatbot.volumes import VolumeReader
from retrieval.domain import Domain
from retrieval.errors import MessageError
from retrieval.events import EventKind
from retrieval.freshness import calendar_of
from retrieval.series import SeriesTable
from retrieval.titles import Mention, NameIndex
from retrieval.types import Constraint, Item, Wish
from retrieval.words import english

_LATIN = re.compile(r"[A-Za-zÀ-ÿ]+")
_APOSTROPHE = re.compile(r"(?<=\w)’(?=\w)")
_KINDS: Mapping[str, EventKind] = {  # what is kept of what a person says of an item
    "liked": "liked",
    "disliked": "disliked",
    "seen": "seen",
    "owned": "owned",
    "wanted": "saved",
}
_BOOK_MARKS = re.compile(r"(?<=《)[^《》]+(?=》)")  # a title, whether it is in the catalogue or not
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_TITLE_MARKS = re.compile(r"《[^》]*》|\"[^\"]*\"|“[^”]*”")


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


class Understanding:
    """Reads messages about one catalogue. Holds no state of a conversation."""

    def __init__(
        self,
        domain: Domain,
        items: Mapping[str, Item],
        *,
        count: int = 3,
        guess: Callable[[str], tuple[str, float]] | None = None,
    ) -> None:
        """Prepare the names and phrases of a catalogue.

        Args:
            domain: of the catalogue.
            items: of it, by id.
            count: items that are wanted unless the message says otherwise.
            guess: tells what a message is for where no cue does (:class:`chatbot.intent_model.IntentModel`).
        """
        self._guess = guess
        self._domain, self._items, self._count = domain, items, count
        self.names = NameIndex(items.values(), domain)
        self.lexicon = Lexicon(domain, items.values())
        bounds = BoundReader(domain, calendar_of(domain, items.values()))
        self._slots = SlotReader(domain, items, self.lexicon, bounds)
        self._spelling = Spelling(self.lexicon, load_cues("en", domain))
        self._pointer = Pointer(domain, self.lexicon)
        self._single = single_valued(items.values(), domain)
        self._volumes = VolumeReader.of(domain, self.lexicon, items.values())
        self.series = SeriesTable.of(items.values(), domain)

    def read(
        self,
        message: str,
        conversation: Conversation,
        language: Language | None = None,
        drop: Sequence[Constraint | Wish] = (),
    ) -> Request:
        """Turn a message into a request.

        Args:
            message: as it was typed.
            conversation: what was said before.
            language: of the answer, when the message does not show one.
            drop: parts of the state that the person took out by hand.

        Raises:
            MessageError: the message is empty or too long.
        """
        typed = check_message(message)
        offered = offered_items(conversation)
        if offered and len(chosen := self._named(typed).intersection(offered)) == 1:
            return replace(self._read_again(conversation, chosen.pop(), language), text=typed)
        return self._read(typed, conversation, language, drop)

    def without_identifiers(self, message: str) -> tuple[str, tuple[str, ...]]:
        """Return a message without what names or reaches its writer, and the kinds of what was taken out; titles stay."""
        if not may_identify(message):
            return message, ()
        titles = [(mention.start, mention.end) for mention in self.names.find(message)]
        return deidentify(message, detect_language(message), titles)

    def _named(self, typed: str) -> set[str]:
        """The items that a message names: by a title of ordinary words only where it says nothing else ("Heat")."""
        whole = len(_AROUND.sub("", typed))
        plain = (m for m in self.names.find(typed, lenient=True) if m.kind == "item" and m.end - m.start == whole)
        return {m.target for m in (*self.names.find(typed), *plain)}

    def _read_again(self, conversation: Conversation, meant: str, language: Language | None) -> Request:
        """Read the last message once more, now that it is known which item it meant."""
        *before, last = conversation.turns
        request = self._read(last.message, replace(conversation, turns=tuple(before)), language, (), meant)
        return replace(request, answers=last.message)

    def _read(
        self,
        typed: str,
        conversation: Conversation,
        language: Language | None,
        drop: Sequence[Constraint | Wish],
        meant: str | None = None,
    ) -> Request:
        text = "" if drop else _APOSTROPHE.sub("'", typed)  # what tells of a removed part asks for nothing
        state = state_of(conversation)
        shown = [self._items[i] for i in last_items(conversation) if i in self._items]
        mentions = self.names.find(text, fuzzy=True)
        if (corrected := self._spelling.correct(text, mentions)) != text:
            text, mentions = corrected, self.names.find(corrected, fuzzy=True)
        language = self._language(text, mentions, language_of(conversation), language)
        cues = load_cues(language, self._domain)
        mentions = with_plain_titles(text, mentions, cues, self.names, self.lexicon, brought_up(conversation))
        volume, volumes = self._volumes.find(text, language, cues)
        mentions = self._volumes.without_series(mentions, text, language, volumes)
        titles = [Mention("item", "", *span) for span in (*(m.span() for m in _BOOK_MARKS.finditer(text)), *volumes)]
        masked = mask_names(mask_names(text, mentions), titles).translate(cues.variants)
        found = self._pointer.find(masked, language, cues, shown, spoken_of(conversation), mentions, judged_items(conversation))
        pointings = [p for p in found if not p.pronoun or points_at(masked, p.start, p.end, cues)]
        if meant:
            pointings = [replace(p, items=(meant,), ambiguous=False) if meant in p.items else p for p in pointings]
        mentions = [m for m in mentions if not any(p.start <= m.start < p.end for p in pointings)]
        mentions += [Mention("item", item, p.start, p.end) for p in pointings if not p.ambiguous for item in p.items]
        masked = mask_names(masked, [Mention("item", "", p.start, p.end) for p in pointings])
        phrases, bounds = self.lexicon.find(masked, language), self._slots.bounds.find(masked)
        own = [*self.lexicon.places(phrases), *amounts(bounds)]  # "no more than $100" denies nothing that comes after it
        reading = Reading(negated_spans(masked, cues, own), phrases=phrases, bounds=bounds)
        compared = {m.start: self._items[m.target] for m in mentions if m.kind == "item"}
        self._slots.read(masked, language, cues, reading, state, shown, compared)
        read_mentions(masked, mentions, cues, reading, state)
        settle(reading, masked, cues, self._domain, self._single)
        pointed = [item for p in pointings if not p.ambiguous for item in p.items]
        named = tuple(dict.fromkeys(m.target for m in mentions if m.kind == "item"))
        relation = read_relation(masked, named or self.names.plain(text), language, self._domain, self.series)
        named = named or relation.of
        reading.constraints += [*relation.constraints, *volume]
        reading.spans += [*relation.spans, *volumes]
        gift = bool(cues.gift.search(masked))
        never, again = lasting(masked, cues, reading)
        count, counted = self._read_count(masked, cues)
        liking = ("liked", "wanted") if relation.said else ("liked", "model", "wanted")
        request = Request(
            intent="recommend",
            language=language,
            text=typed,
            query=wish_text(text, [*reading.spans, *counted], cues),
            constraints=tuple(unique(reading.constraints)),
            wishes=tuple(unique(reading.wishes)),
            liked=tuple(i for i, a in reading.attitudes.items() if a in liking),
            disliked=tuple(i for i, a in reading.attitudes.items() if a == "disliked"),
            seen=tuple(i for i, a in reading.attitudes.items() if a in ("seen", "owned")),
            stated=tuple((i, _KINDS[a]) for i, a in reading.attitudes.items() if a in _KINDS),
            never=() if gift else never,  # "for my father, who never reads novels"
            again=again,
            attitudes=tuple(reading.attitudes.items()),
            named=named,
            refers=tuple(dict.fromkeys(pointed)),
            ambiguous=next((p.items for p in pointings if p.ambiguous), ()) if not pointed else (),
            count=count,
            eager=bool(cues.count.search(masked) or cues.surprise.search(masked)),
            gift=gift,
            related=relation.said,
            continues=relation.continues,
        )
        return self._with_state(request, masked, cues, reading, conversation, drop)

    @staticmethod
    def _language(text: str, mentions: Iterable[Mention], spoken: Language | None, hint: Language | None) -> Language:
        """The message's language: names do not decide it, and "OK" or a bare title follow the conversation."""
        bare = _TITLE_MARKS.sub(" ", mask_names(text, mentions))
        words = _LATIN.findall(bare)
        if not HAN.search(bare) and len(words) < 2:
            if spoken:
                return spoken
            if HAN.search(text) and not any(english().knows(word.lower()) for word in words):
                return "zh"  # 《…》yyds
        return detect_language(bare, spoken or hint or detect_language(text))

    def _read_count(self, text: str, cues: Cues) -> tuple[int, list[tuple[int, int]]]:
        """Return how many are wanted, and where that is said."""
        found = cues.count.search(text)
        if not found:
            return self._count, []
        place = next((n for n, group in enumerate(found.groups(), 1) if group and is_number(group)), 0)
        wanted = int(number(found[place])) if place else 1
        return max(1, min(MAX_COUNT, wanted)), [found.span(place)] if place else []

    # -- intent and what the conversation still holds -----------------------------------------------------------------

    def _with_state(
        self,
        request: Request,
        masked: str,
        cues: Cues,
        reading: Reading,
        conversation: Conversation,
        drop: Sequence[Constraint | Wish],
    ) -> Request:
        state = state_of(conversation)
        state |= {"gift": False} if cues.for_me.search(masked) else {}
        kept = hold(state, drop)
        before = str(state.get("intent", ""))
        own = self.lexicon.places(reading.phrases)
        restarts = any(not within(m.span(), own) for m in cues.restart.finditer(masked))
        no_wish = aside(request, masked, cues, self._domain, own)
        if not (no_wish or request.related):
            no_wish = question(request, masked, cues, self._domain, before, last_items(conversation))
        request = replace(request, attitudes=tuple((i, a) for i, a in request.attitudes if a != NOTICED))
        told = request.eager or request.related or restarts or cues.plain_ask.search(masked)
        if not no_wish and self._guess and not drop and worth_guessing(request) and not told:
            no_wish = guessed_aside(
                request,
                self._guess(request.text),
                of_things=speaks_of_things(masked, cues, self._domain),
                of_facets=bool(reading.lifted) or self.lexicon.speaks_of_values(masked, request.language),
            )
        if no_wish:
            asked = tuple(request.wishes) + tuple(
                Wish(c.field, str(v), c.words) for c in request.constraints if c.op in ("includes", "any_of") for v in c.values
            )
            if no_wish.intent not in ("ask_item", "compare"):
                no_wish = replace(no_wish, attitudes=())
            return stand(replace(no_wish, asked=asked), state, kept)
        wishes = request.constraints or request.wishes or reading.lifted or "model" in reading.attitudes.values()
        if request.stated and not wishes and not cues.asks_for.search(masked):
            chosen = all(kind == "saved" for _, kind in request.stated)
            request = replace(request, intent="react", opening="wanted" if chosen else "")
        if not state or restarts:
            return at_turn(request, len(conversation.turns))
        holds = any(state.get(name) for name in ("constraints", "wishes", "query"))
        holds = holds or any(turn.record["request"].get("intent") in ("recommend", "refine") for turn in conversation.turns)
        other = request.gift and not state.get("gift")  # for somebody else: another wish than the one before
        refines = bool(drop) or (bool(state) and not other and refines_wish(request, masked, cues, lifted=bool(reading.lifted)))
        if cues.anything_but.search(masked):
            request = turn_round(request, kept[0])
        adds = bool(cues.adds.search(masked))
        request = at_turn(request, len(conversation.turns))
        carried = carry(request, state, kept, refines=refines, adds=adds, lifted=reading.lifted)
        first = carried.intent == "refine" and not holds  # of the conversation: there was nothing to refine yet
        return replace(carried, intent="recommend") if first else carried
