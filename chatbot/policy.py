"""Request to action: recommend, answer about an item, or chat. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

from chatbot.types import Request

Action: TypeAlias = Literal["recommend", "answer", "chat"]


def decide(request: Request) -> Action:
    """Choose what to do about a request."""
    if request.intent == "chat":
        return "chat"
    if request.intent == "ask_item":
        return "answer"
    return "recommend"
