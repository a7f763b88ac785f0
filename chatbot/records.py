"""The record of a turn as plain JSON: what ``ask --json`` prints and the store keeps. Fields are added, never renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatbot.types import Held, Question, Recommendation, Turn
from retrieval.types import Constraint, ConstraintValue, Wish


def constraint_record(constraint: Constraint) -> dict[str, Any]:
    """One constraint as JSON."""
    value = list(constraint.value) if isinstance(constraint.value, tuple) else constraint.value
    return {"field": constraint.field, "op": constraint.op, "value": value, "words": constraint.words, **_origin(constraint)}


def wish_record(wish: Wish) -> dict[str, Any]:
    """One wish as JSON."""
    return {"field": wish.field, "value": wish.value, "words": wish.words, **_origin(wish)}


def _origin(part: Constraint | Wish) -> dict[str, Any]:
    return {"turn": part.turn, "certainty": round(part.certainty, 3)}


def _held_record(held: Held) -> dict[str, Any]:
    parts = [constraint_record(part) if isinstance(part, Constraint) else wish_record(part) for part in held.parts]
    return {"label": held.label, "parts": parts}


def read_constraint(record: Mapping[str, Any]) -> Constraint:
    """Read back what :func:`constraint_record` wrote."""
    value: ConstraintValue = tuple(record["value"]) if record["op"] == "any_of" else record["value"]
    return Constraint(record["field"], record["op"], value, record.get("words", ""), **_read_origin(record))


def read_wish(record: Mapping[str, Any]) -> Wish:
    """Read back what :func:`wish_record` wrote."""
    return Wish(record["field"], record["value"], record.get("words", ""), **_read_origin(record))


def _read_origin(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"turn": record.get("turn", 0), "certainty": record.get("certainty", 1.0)}  # older records have neither


def held_parts(record: Mapping[str, Any]) -> tuple[Constraint | Wish, ...]:
    """Read back what an entry of ``held`` stands for."""
    return tuple(read_constraint(part) if "op" in part else read_wish(part) for part in record["parts"])


def _question_record(question: Question | None) -> dict[str, Any] | None:
    if question is None:
        return None
    return {"about": question.about, "options": list(question.options), "values": list(question.values)}


def _shares_record(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares, rounded so that they still add up to 1: the largest takes what rounding leaves."""
    rounded = {name: round(share, 3) for name, share in shares.items()}
    if rounded:
        largest = max(rounded, key=lambda name: rounded[name])
        rounded[largest] = round(rounded[largest] + 1 - sum(rounded.values()), 3)
    return rounded


def _why_record(recommendation: Recommendation) -> dict[str, Any]:
    """Why an item is there; what does not apply is absent."""
    record: dict[str, Any] = {"shares": _shares_record(recommendation.shares)}
    if recommendation.features:
        record["features"] = {name: round(value, 3) for name, value in recommendation.features.items()}
    if recommendation.before_vote:
        record["before_vote"] = recommendation.before_vote
    record["checks"] = [{"label": c.label, "values": c.values, "ok": c.ok} for c in recommendation.checks]
    return record


def item_record(recommendation: Recommendation, language: str) -> dict[str, Any]:
    """One recommended item as JSON, with its title in a language."""
    return {
        "id": recommendation.item.id,
        "title": recommendation.item.title(language),
        "rank": recommendation.rank,
        "score": round(recommendation.score, 6),
        "channels": {
            name: {"rank": entry.rank, "score": round(entry.score, 6)} for name, entry in recommendation.channels.items()
        },
        "reasons": [
            {"text": reason.text, "sources": list(reason.sources), "written_by": reason.written_by}
            for reason in recommendation.reasons
        ],
        **_why_record(recommendation),
    }


def turn_record(turn: Turn) -> dict[str, Any]:
    """Return the whole turn as JSON-ready data."""
    request = turn.request
    return {
        "turn_id": turn.id,
        "user": turn.user,
        "conversation": turn.conversation,
        "language": request.language,
        "request": {
            "intent": request.intent,
            "query": request.query,
            "constraints": [constraint_record(constraint) for constraint in request.constraints],
            "liked": list(request.liked),
            "disliked": list(request.disliked),
            "wishes": [wish_record(wish) for wish in request.wishes],
            "seen": list(request.seen),
            "stated": [[item, kind] for item, kind in request.stated],
            "attitudes": [[item, attitude] for item, attitude in request.attitudes],
            "named": list(request.named),
            "asked": [wish_record(wish) for wish in request.asked],
            "context": list(request.context),
            "refers": list(request.refers),
            "ambiguous": list(request.ambiguous),
            "count": request.count,
            "opening": request.opening,
            **({"gift": True} if request.gift else {}),
        },
        "items": [item_record(item, request.language) for item in turn.items],
        "opening": turn.opening,
        "question": _question_record(turn.question),
        "held": [_held_record(held) for held in turn.held],
        "suggestions": list(turn.suggestions),
        "reply": turn.reply,
        "timings_ms": {name: round(value, 1) for name, value in turn.timings_ms.items()},
        "model": dict(turn.model),
        "notes": list(turn.notes),
    }
