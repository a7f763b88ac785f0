"""The record of a turn as plain JSON: what ``ask --json`` prints and the store keeps. Fields are added, never renamed."""

from __future__ import annotations

from typing import Any

from chatbot.types import Recommendation, Turn
from retrieval.types import Constraint


def constraint_record(constraint: Constraint) -> dict[str, Any]:
    """One constraint as JSON."""
    value = list(constraint.value) if isinstance(constraint.value, tuple) else constraint.value
    return {"field": constraint.field, "op": constraint.op, "value": value, "words": constraint.words}


def _item_record(recommendation: Recommendation, language: str) -> dict[str, Any]:
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
            "wishes": [{"field": wish.field, "value": wish.value, "words": wish.words} for wish in request.wishes],
            "seen": list(request.seen),
            "named": list(request.named),
            "context": list(request.context),
        },
        "items": [_item_record(item, request.language) for item in turn.items],
        "opening": turn.opening,
        "reply": turn.reply,
        "timings_ms": {name: round(value, 1) for name, value in turn.timings_ms.items()},
        "model": dict(turn.model),
        "notes": list(turn.notes),
    }
