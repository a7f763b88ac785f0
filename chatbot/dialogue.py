"""What a conversation still holds: carrying constraints and wishes from turn to turn. Pure functions over turn records."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from chatbot.clauses import HAN
from chatbot.cues import Cues
from chatbot.types import Conversation, Language, Request
from retrieval.types import Constraint, Wish

T = TypeVar("T", Constraint, Wish)


def unique(values: Iterable[T]) -> list[T]:
    """Drop repeated constraints or wishes; the words they came from do not count."""
    seen: dict[Any, T] = {}
    for value in values:
        key = (value.field, getattr(value, "op", ""), value.value)
        seen.setdefault(key, value)
    return list(seen.values())


def _denied(constraint: Constraint, new: Iterable[Constraint]) -> bool:
    return any(c.op == "excludes" and c.field == constraint.field and c.value == constraint.value for c in new)


def previous_wish(conversation: Conversation) -> dict[str, Any] | None:
    """The record of the last turn that asked for something."""
    for turn in reversed(conversation.turns):
        if turn.record["request"]["intent"] in ("recommend", "refine", "react"):
            return dict(turn.record)
    return None


def last_items(conversation: Conversation) -> list[str]:
    """The ids of the items shown last, in their order."""
    none: list[dict[str, Any]] = []
    shown = next((turn.record["items"] for turn in reversed(conversation.turns) if turn.record["items"]), none)
    return [str(item["id"]) for item in shown]


def language_of(conversation: Conversation) -> Language | None:
    """The language of the last turn."""
    return conversation.turns[-1].record["language"] if conversation.turns else None


def refines_wish(request: Request, masked: str, cues: Cues, *, lifted: bool) -> bool:
    """Whether a message goes on with the last wish: it is short, or begins as a continuation, and names no new model."""
    if request.liked:
        return False
    words = len(HAN.findall(masked)) if request.language == "zh" else len(masked.split())
    short = words <= cues.refine_words
    begins = bool(cues.refine_start.search(masked))
    only_changes = not request.query and bool(request.constraints or request.wishes or lifted or request.stated)
    return (short and (begins or bool(cues.more.search(masked)) or not request.query)) or only_changes or begins or lifted


def small_talk(request: Request, masked: str, cues: Cues) -> str:
    """Which phrase of chat a message is, if it is nothing else."""
    if cues.help.search(masked):
        return "help"
    if request.named or request.constraints or request.wishes:
        return ""
    for name, cue in (("thanks", cues.thanks), ("greeting", cues.greeting), ("bye", cues.bye)):
        if found := cue.search(masked):
            rest = cues.filler.sub(" ", masked[: found.start()] + " " + masked[found.end() :])
            if not re.search(r"[^\W_]", rest) and not cues.more.search(masked):
                return name
    return ""


def carry(request: Request, previous: dict[str, Any], *, refines: bool, lifted: Collection[tuple[str, str]] = ()) -> Request:
    """Bring along what earlier messages still say: exclusions always, the rest while the wish is being refined."""
    old = previous["request"]
    new = list(request.constraints)
    replaced = {(c.field, c.op) for c in new} | {(c.field, "any_of") for c in new if c.op == "includes"}
    replaced |= {(c.field, "includes") for c in new if c.op == "any_of"}
    wanted = {(c.field, v) for c in new if c.op != "excludes" for v in c.values}
    carried: list[Constraint] = []
    for record in old.get("constraints", []):
        value = tuple(record["value"]) if isinstance(record["value"], list) else record["value"]
        constraint = Constraint(record["field"], record["op"], value, record.get("words", ""))
        if constraint.op == "excludes":
            if (constraint.field, value) not in lifted and (constraint.field, value) not in wanted:
                carried.append(constraint)
        elif refines and (constraint.field, constraint.op) not in replaced and not _denied(constraint, new):
            carried.append(constraint)
    request = replace(request, constraints=tuple(unique([*carried, *new])))
    if not refines:
        return request
    denied = {(c.field, c.value) for c in new if c.op == "excludes"}
    wishes = [Wish(w["field"], w["value"], w.get("words", "")) for w in old.get("wishes", [])]
    known = [i for i in old.get("liked", []) if i not in request.disliked]
    return replace(
        request,
        intent="react" if request.intent == "react" else "refine",
        wishes=tuple(unique([*request.wishes, *(w for w in wishes if (w.field, w.value) not in denied)])),
        liked=tuple(dict.fromkeys([*known, *request.liked])),
        context=tuple(text for text in (old.get("query", ""), *old.get("context", [])) if text)[:2],
    )
