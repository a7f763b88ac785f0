"""The rules by which an imported log is cleaned, each with a name, and the words by which a log may call a kind of event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from retrieval.cleaning import CHANGES, REJECTS, Rules
from retrieval.errors import DomainError
from retrieval.events import SAID_HERE, EventKind

_OF_TEXTS = ("html_entities", "html_tags", "mojibake", "unicode", "whitespace", "nan_text", "number_in_text")
_OF_TABLES = ("wrong_field_count", "broken_quotes", "undecodable", "invalid_json", "not_an_object")

EVENT_CHANGES = {name: CHANGES[name] for name in _OF_TEXTS} | {
    "aliased_item": "the item was merged into another one of the catalogue, whose id the event got",
    "bad_time": "what is no time is unknown",
    "old_time": "a time before 1990 cannot be true and is unknown",
}
EVENT_REJECTS = {name: REJECTS[name] for name in _OF_TABLES} | {
    "no_user": "nobody's event",
    "no_item": "no item",
    "unknown_item": "the catalogue has no such item",
    "unknown_kind": "the mapping does not say what kind of event this is",
    "bad_value": "no number where a rating, count or hours belong, or no rating at all",
    "out_of_scale": "a rating beyond the scale of the mapping",
    "empty_amount": "a count or hours of nothing or less",
    "future_time": "more than a day from now",
    "bot_day": "more implicit events of a person in one day than a person makes: the day is set aside",
    "burst": "more implicit events of a person in one minute than a person makes: those beyond are set aside",
}
EVENT_MERGES = {
    "repeated_event": "the same person, item, kind, time, value and text as an event before it",
}
EVENT_RULES = EVENT_CHANGES | EVENT_REJECTS | EVENT_MERGES
_FIXED = {*_OF_TABLES, "no_user", "no_item", "unknown_kind", "bad_time"}

RATINGS = frozenset({"rated", "reviewed"})
# Bots and bursts are looked for among these alone: on a page that asks them to, people do rate hundreds of things in a few
# minutes (the public logs of ratings hold whole profiles entered in one sitting), but nobody opens, plays or buys as many.
IMPLICIT = frozenset({"viewed", "played", "purchased"})

_WORDS = {
    "rated": ("rating", "rate", "score", "stars"),
    "reviewed": ("review", "comment"),
    "viewed": ("view", "click", "visit", "open", "detail", "access"),
    "played": ("play", "listen", "watch", "watched", "scrobble", "stream", "use"),
    "purchased": ("purchase", "buy", "bought", "order", "transaction", "sale"),
    "saved": ("save", "to_read", "wishlist", "wish", "bookmark", "shelf", "cart", "addtocart", "add_to_cart", "watchlist"),
    "liked": ("like", "favourite", "favorite", "love", "thumbs_up", "upvote"),
    "disliked": ("dislike", "hate", "thumbs_down", "downvote", "ban"),
    "seen": ("known", "read"),
    "shown": ("show", "impression"),
    "tagged": ("tag", "label"),
    "owned": ("own", "have", "library", "collection"),
    "accepted": ("accept", "take"),
    "dismissed": ("dismiss", "skip", "hide", "not_interested"),
}
_KINDS: dict[str, EventKind] = {
    name: kind for kind in get_args(EventKind) if kind not in SAID_HERE for name in (kind, *_WORDS.get(kind, ()))
}


class EventRules(Rules):
    """Which rules of an import of events run, and how often each did."""

    def __init__(self, off: Iterable[str] = ()) -> None:
        """Switch rules off by name.

        Raises:
            DomainError: there is no such rule, or there is nothing else to do with such a value.
        """
        chosen = frozenset(off)
        if wrong := sorted(chosen - EVENT_RULES.keys()):
            raise DomainError(f"There is no cleaning rule '{wrong[0]}' of events. Rules: {', '.join(EVENT_RULES)}.")
        if fixed := sorted(chosen & _FIXED):
            raise DomainError(f"The rule '{fixed[0]}' cannot be switched off: nothing else can be done with such a value.")
        super().__init__(chosen & CHANGES.keys())
        self.off = chosen


def read_kind(word: str) -> EventKind:
    """Return the kind of event that a word means: ``rated``, "rating", "To read".

    Raises:
        DomainError: it means none.
    """
    kind = _KINDS.get(word.strip().lower().replace(" ", "_").replace("-", "_"))
    if kind is None:
        raise DomainError(f"There is no kind of event '{word}'. Kinds: {', '.join(sorted(_KINDS))}.")
    return kind
