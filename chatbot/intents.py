"""What a message is for, before what it wishes is looked at. Pure functions over cues."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias, cast

from chatbot.attitudes import NOTICED
from chatbot.clauses import HAN
from chatbot.cues import Cues
from chatbot.dialogue import small_talk
from chatbot.questions import asked_facets
from chatbot.types import Intent, Request
from retrieval.domain import Domain

Guess: TypeAlias = "tuple[str, float]"
_BARE = 1  # words beside a name in a message that corrects the last question: "sorry, Goodfellas"
_OPENING = 15  # characters of a message that say what it is for


def aside(request: Request, masked: str, cues: Cues, domain: Domain, own: Sequence[tuple[int, int]] = ()) -> Request | None:
    """Return the request of a message that is no wish and no question about items, or None.

    Danger comes first; then attempts to change the instructions; small talk; what is kept of the person; anything else that
    cannot be done here, unless the message speaks of items after all. Where the domain asks for care, danger and requests for
    advice come before everything else.

    Args:
        request: what the message says.
        masked: the message, its names masked.
        cues: of the language.
        domain: whose things they are.
        own: where phrases for the domain's own values stand: they speak of no other trade.
    """
    care = domain.care
    if care and care.finds("urgent", request.text, request.language):
        return replace(request, intent="unsafe", opening="urgent")
    for name, cue in (("self_harm", cues.self_harm), ("harm", cues.harm)):
        said = cue.search(masked) or (name == "self_harm" and cue.search(request.text))  # 《活着》 or 活着没意思
        if said and not (name == "harm" and _speaks_of_items(request, masked, cues, domain)):
            return replace(request, intent="unsafe", opening=name)
    if care and care.finds("advice", request.text, request.language):
        return replace(request, intent="out_of_scope", opening="advice")
    if cues.instructions.search(masked):
        return replace(request, intent="out_of_scope", opening="instructions")
    if said := small_talk(request, masked, cues):
        return replace(request, intent="chat", opening=said)
    forget = [("forget", cues.profile_forget)] if request.named else []  # one item, not everything
    for name, cue in (*forget, ("erase", cues.profile_erase), ("show", cues.profile_show)):
        if cue.search(masked):
            return replace(request, intent="profile", opening=name)
    others = (m for m in cues.elsewhere.finditer(masked) if not _meets(m, own))
    other = next((m for m in others if not any(word in m[0].lower() for word in domain.trade)), None)
    by_the_way = other and other.start() > _OPENING and (request.constraints or request.wishes)  # "beer, pizza and a western"
    if other and not by_the_way and not _speaks_of_items(request, masked, cues, domain):
        return replace(request, intent="out_of_scope", opening="other")
    return None


def _meets(match: re.Match[str], places: Sequence[tuple[int, int]]) -> bool:
    return any(start < match.end() and match.start() < end for start, end in places)


def _speaks_of_items(request: Request, masked: str, cues: Cues, domain: Domain) -> bool:
    return bool(request.named) or speaks_of_things(masked, cues, domain)


def speaks_of_things(masked: str, cues: Cues, domain: Domain) -> bool:
    """Whether a message has a word for the domain's things, or for what one does with them."""
    lowered = cues.elsewhere.sub(" ", masked).lower()
    nouns = domain.noun_words.split()
    return bool(cues.things.search(masked)) or any(
        word in lowered if HAN.search(word) else re.search(rf"\b{re.escape(word)}\b", lowered) for word in nouns
    )


SURE = 0.5  # probability from which a guess counts: what it then gains is the benchmark's row "rules" beside "cues"
_VERY_SURE = 0.8  # the same, of a message that names items or facets


def worth_guessing(request: Request) -> bool:
    """Whether a guess could change anything: what names items, or two facets, is a wish."""
    return not request.named and len(request.constraints) + len(request.wishes) < 2


def guessed_aside(request: Request, guess: Guess, *, of_things: bool = False, of_facets: bool = False) -> Request | None:
    """Return the request of a message that, by its likeness to examples, is small talk, about the person, danger or foreign.

    Args:
        request: of a message in which no cue says so.
        guess: the likeliest intent, with its kind ("unsafe.harm"), and its probability.
        of_things: whether it has a word for the domain's things, which another trade has not.
        of_facets: whether it has a word for a facet's value, also where that asks for nothing ("a bit scary is fine").
    """
    name, probability = guess
    intent, _, kind = name.partition(".")
    named = bool(of_facets or request.named or request.constraints or request.wishes)
    if probability < (_VERY_SURE if named else SURE):
        return None
    if intent == "chat" and named:
        return None
    if (kind == "other" or intent == "unsafe") and of_things:  # what is said outright is a cue, and came first
        return None
    if intent in ("chat", "unsafe", "out_of_scope") or (intent == "profile" and (kind != "forget" or request.named)):
        return replace(request, intent=cast("Intent", intent), opening=kind)
    return None


def question(
    request: Request, masked: str, cues: Cues, domain: Domain, before: str, shown: Sequence[str] = ()
) -> Request | None:
    """Return the request of a question about items that are named or pointed at, or None.

    Args:
        request: what the message says.
        masked: the message, its names masked.
        cues: of the language.
        domain: whose facets can be asked for.
        before: the intent of the last turn: "the third one" after a question goes on with it.
        shown: the items shown last: "which is longer?" is asked of them.
    """
    said = dict(request.attitudes)  # nothing is said of an item that only serves as a measure: "shorter than Heat"
    items = [item for item in dict.fromkeys([*request.named, *request.refers]) if item in said]
    of_shown = {*items} <= {*shown} and (len(items) < 2 or len(items) == len(shown))
    if cues.which_of.search(masked) and len(shown) > 1 and of_shown and not request.stated:
        refers = request.refers if {*shown} <= {*request.refers} else ()  # "which of those", not "which is longer"
        return replace(_asked(request, "compare", shown), refers=refers, ambiguous=())
    if request.stated and not cues.compare.search(masked):
        return _asked_besides(request, masked, cues, domain)
    if any(attitude == "excluded" for _, attitude in request.attitudes):
        return None
    about = asked_facets(masked, request.language, domain)
    asks, yes_no = bool(cues.question.search(masked)), bool(cues.yes_no.search(masked))
    if len(items) > 1 and (cues.compare.search(masked) or (asks and (about or yes_no))):
        return _asked(request, "compare", items)
    wishes = bool(request.constraints or request.wishes or cues.new_wish.search(masked) or cues.model.search(masked))
    goes_on = before in ("ask_item", "compare") and not wishes and not cues.more.search(masked)
    bare = len(re.findall(r"\w+", cues.filler.sub(" ", masked))) <= _BARE
    if goes_on and len(items) == 1 and (items == list(request.refers) or bare):
        return _asked(request, "ask_item", items)
    if (not asks and not about) or cues.model.search(masked) or (cues.more.search(masked) and not about):
        return None
    if not (about or yes_no or cues.opinion.search(masked) or (request.refers and not wishes)):
        return None
    if len(items) == 1 or (request.ambiguous and not items):
        return _asked(request, "ask_item", items)
    return None


def _asked_besides(request: Request, masked: str, cues: Cues, domain: Domain) -> Request | None:
    """Return the question of a message that first tells of other items: "seen Heat. who's in the first one?"."""
    open_ = [item for item, attitude in request.attitudes if attitude in ("model", NOTICED)]
    last = max(
        (m.end() for cue in (cues.sentence_end, cues.clause_end) for m in cue.finditer(masked.rstrip("?？ "))), default=0
    )
    asks = asked_facets(masked[last:], request.language, domain) or cues.yes_no.search(masked[last:])
    if len(open_) != 1 or not last or not asks or cues.model.search(masked):
        return None
    asked = _asked(request, "ask_item", open_)
    return replace(
        asked,
        stated=request.stated,
        liked=request.liked,
        disliked=request.disliked,
        seen=request.seen,
        attitudes=tuple((i, "asked" if i in open_ else a) for i, a in request.attitudes),
    )


def _asked(request: Request, intent: Intent, items: Sequence[str]) -> Request:
    return replace(
        request,
        intent=intent,
        named=tuple(items),
        attitudes=tuple((item, "asked") for item in items),
        liked=(),
        disliked=(),
        seen=(),
        stated=(),
    )
