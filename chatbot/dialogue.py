"""What a conversation still holds: carrying constraints and wishes from turn to turn. Pure functions over turn records."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, TypeAlias, TypeVar

from chatbot.clauses import HAN
from chatbot.cues import Cues
from chatbot.records import read_constraint, read_wish
from chatbot.types import Conversation, Language, Request
from retrieval.days import as_number
from retrieval.types import Constraint, Wish

T = TypeVar("T", Constraint, Wish)
Held: TypeAlias = "tuple[tuple[Constraint, ...], tuple[Wish, ...]]"


def unique(values: Iterable[T]) -> list[T]:
    """Drop repeated constraints or wishes; the words they came from do not count."""
    seen: dict[Any, T] = {}
    for value in values:
        seen.setdefault(_key(value), value)
    return list(seen.values())


def is_implied(constraint: Constraint) -> bool:
    """Whether an exclusion is no more than suggested: "nothing scary" of horror."""
    return constraint.op == "excludes" and constraint.certainty < 1


def state_of(conversation: Conversation) -> dict[str, Any]:
    """The request that the last turn left; empty at the beginning."""
    return dict(conversation.turns[-1].record["request"]) if conversation.turns else {}


def spoken_of(conversation: Conversation) -> str | None:
    """The item that was spoken of last, which "it" means; None when several or none were."""
    if not conversation.turns:
        return None
    record = conversation.turns[-1].record
    ids = [item["id"] for item in record["items"]] or record["request"].get("named", [])
    return str(ids[0]) if len(ids) == 1 else None


def last_items(conversation: Conversation) -> list[str]:
    """The ids of the items shown last, in their order."""
    none: list[dict[str, Any]] = []
    shown = next((turn.record["items"] for turn in reversed(conversation.turns) if turn.record["items"]), none)
    return [str(item["id"]) for item in shown]


def brought_up(conversation: Conversation) -> frozenset[str]:
    """The ids of all items that were shown or named in a conversation."""
    records = [turn.record for turn in conversation.turns]
    shown = (str(item["id"]) for record in records for item in record["items"])
    return frozenset(chain(shown, *(record["request"].get("named", ()) for record in records)))


def judged_items(conversation: Conversation) -> frozenset[str]:
    """The ids of all items of which a person said something, or asked: "the other one" is none of them."""
    return frozenset(str(item) for turn in conversation.turns for item, _ in turn.record["request"].get("attitudes", ()))


def language_of(conversation: Conversation) -> Language | None:
    """The language of the last turn."""
    return conversation.turns[-1].record["language"] if conversation.turns else None


def refines_wish(request: Request, masked: str, cues: Cues, *, lifted: bool) -> bool:
    """Whether a message goes on with the last wish, as most do: it does not say a wish that stands alone.

    Such a wish names what is wanted ("a Korean thriller", an item it should be like) in a sentence of its own ("I'd like …"),
    or is told at length.
    """
    if lifted or cues.refine_start.search(masked) or cues.more.search(masked):
        return True
    words = len(HAN.findall(masked)) if request.language == "zh" else len(masked.split())
    models = [item for item in request.liked if item not in request.refers]
    names = any(c.op in ("includes", "any_of") for c in request.constraints) or bool(models)
    long = words > cues.refine_words
    alone = (names or long) and bool(cues.new_wish.search(masked))
    return not alone and not (names and words > 2 * cues.refine_words)


def small_talk(request: Request, masked: str, cues: Cues) -> str:
    """Which phrase of chat a message is, if it is nothing else."""
    if cues.help.search(masked):
        return "help"
    if request.named or request.constraints or request.wishes:
        return ""
    for name, cue in (("thanks", cues.thanks), ("greeting", cues.greeting), ("bye", cues.bye), ("ok", cues.ok)):
        if found := cue.search(masked):
            rest = masked[: found.start()] + " " + masked[found.end() :]
            for also in (cues.thanks, cues.greeting, cues.bye, cues.ok, cues.filler):
                rest = also.sub(" ", rest)
            if not re.search(r"[^\W_]", rest) and not cues.more.search(masked) and not cues.new_wish.search(masked):
                return name
    return ""


def hold(state: Mapping[str, Any], drop: Collection[Constraint | Wish] = ()) -> Held:
    """Return the constraints and wishes of a recorded state, without those that were taken out by hand."""
    constraints = [read_constraint(record) for record in state.get("constraints", ())]
    wishes = [read_wish(record) for record in state.get("wishes", ())]
    gone = {_key(part) for part in drop}
    return tuple(c for c in constraints if _key(c) not in gone), tuple(w for w in wishes if _key(w) not in gone)


def offered_items(conversation: Conversation) -> list[str]:
    """The items among which the last turn asked which one was meant; none when it did not ask that."""
    asked: Mapping[str, Any] = (conversation.turns[-1].record.get("question") or {}) if conversation.turns else {}
    return [str(item) for item in asked["values"]] if asked.get("about") == "reference" else []


def stand(request: Request, state: Mapping[str, Any], kept: Held) -> Request:
    """Leave the state as it was: a question, small talk and the like are no part of the wish."""
    forgotten = request.named if request.opening == "forget" else ()
    known = _known(replace(request, liked=(), disliked=forgotten), state)
    return replace(request, constraints=kept[0], wishes=kept[1], query="", disliked=(), seen=(), **known)


def at_turn(request: Request, turn: int) -> Request:
    """Say of which message of the conversation the constraints and wishes come."""
    return replace(
        request,
        constraints=tuple(replace(c, turn=turn) for c in request.constraints),
        wishes=tuple(replace(w, turn=turn) for w in request.wishes),
    )


def turn_round(request: Request, kept: Iterable[Constraint]) -> Request:
    """Exclude what was demanded: "anything but that"."""
    excluded = [
        Constraint(c.field, "excludes", value, c.words) for c in kept if c.op in ("includes", "any_of") for value in c.values
    ]
    return replace(request, constraints=(*request.constraints, *excluded))


def carry(
    request: Request,
    state: Mapping[str, Any],
    kept: Held,
    *,
    refines: bool,
    adds: bool = False,
    lifted: Collection[tuple[str, object]] = (),
) -> Request:
    """Bring along what earlier messages still say: exclusions always, the rest while the wish is being refined.

    Args:
        request: what this message says.
        state: the request that the last turn left.
        kept: its constraints and wishes, less those taken out by hand.
        refines: whether the message goes on with the wish.
        adds: whether it adds to what was demanded, not replacing it.
        lifted: (facet, value) pairs that no longer hold; None as value: whatever was said of the facet.
    """
    if request.intent == "react":
        return replace(request, constraints=kept[0], wishes=kept[1], **_known(request, state))
    held = {(c.field, value) for c in kept[0] if c.op != "excludes" for value in c.values}
    # "not too scary", after horror was asked for, only suggests that horror is refused
    new = [c for c in request.constraints if not is_implied(c) or (c.field, c.value) not in held]

    def stays(c: Constraint) -> bool:
        return _stays_excluded(c, new) if c.op == "excludes" else refines and not _replaced(c, new, adds)

    carried = [c for c in kept[0] if stays(c) and not _lifted(c, lifted)]
    request = replace(request, constraints=tuple(unique([*carried, *new])))
    if not refines:
        return request
    denied = {(c.field, c.value) for c in new if c.op == "excludes"}
    wishes = [w for w in kept[1] if (w.field, w.value) not in denied and not _lifted(w, lifted)]
    return replace(request, intent="refine", wishes=tuple(unique([*request.wishes, *wishes])), **_known(request, state))


def _known(request: Request, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a refined wish keeps besides: the items liked, and the words of the last wishes."""
    known = [i for i in state.get("liked", []) if i not in request.disliked]
    context = (state.get("query", ""), *state.get("context", []))
    return {
        "gift": request.gift or bool(state.get("gift")),
        "liked": tuple(dict.fromkeys([*known, *request.liked])),
        "context": tuple(dict.fromkeys(text for text in context if text))[:2],
    }


def _lifted(part: Constraint | Wish, lifted: Collection[tuple[str, object]]) -> bool:
    values = part.values if isinstance(part, Constraint) else (part.value,)
    return (part.field, None) in lifted or any((part.field, value) in lifted for value in values)


def _stays_excluded(old: Constraint, new: Iterable[Constraint]) -> bool:
    return not any(c.op != "excludes" and c.field == old.field and old.value in c.values for c in new)


def _replaced(old: Constraint, new: Sequence[Constraint], adds: bool) -> bool:
    """Whether later words say something else of the same."""
    for c in new:
        if c.field != old.field:
            continue
        if c.op == "excludes":
            if c.value in old.values:
                return True
        elif old.op in ("min", "max"):
            if c.op == old.op or _contradict(old, c):
                return True
        elif not adds:
            return True
    return False


def _contradict(one: Constraint, other: Constraint) -> bool:
    """Whether a lowest number is above a highest one."""
    numbers = {c.op: as_number(c.values[0]) or 0.0 for c in (one, other) if c.op in ("min", "max")}
    return len(numbers) == 2 and numbers["min"] > numbers["max"]


def _key(part: Constraint | Wish) -> tuple[Any, ...]:
    return part.field, getattr(part, "op", ""), part.value
