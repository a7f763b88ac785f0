"""Questions about an item: which item, and what is asked of it. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from chatbot.cues import Cues
from chatbot.dialogue import last_items
from chatbot.types import Conversation, Language, Request
from retrieval.domain import Domain


def asked_item(request: Request, masked: str, cues: Cues, conversation: Conversation, domain: Domain) -> str | None:
    """The one item a question is about: named, or pointed at by "it" or "the second one"."""
    about = asked_facets(masked, request.language, domain)
    judged = bool(request.wishes or request.constraints) and cues.yes_no.search(masked)
    judged = judged and not request.stated and not cues.model.search(masked) and not cues.more.search(masked)
    if not cues.question.search(masked) or not (about or judged):
        return None
    if len(request.named) == 1:
        return request.named[0]
    shown = last_items(conversation)
    for word, place in cues.ordinals.items():
        if re.search(rf"\b{word}\b" if request.language == "en" else word, masked) and shown:
            return shown[place - 1 if place > 0 else -1] if place <= len(shown) else None
    if cues.it.search(masked) and not request.named and shown:
        last: dict[str, Any] = conversation.turns[-1].record["request"]
        return str(last["named"][0]) if last["intent"] == "ask_item" else shown[0]
    return None


def asked_facets(text: str, language: Language, domain: Domain) -> tuple[str, ...]:
    """The facets a question asks for; ``text`` stands for the description."""
    lowered = text.lower()

    def asks(phrases: Iterable[str]) -> bool:
        return any(re.search(rf"\b{re.escape(p)}\b" if language == "en" else re.escape(p), lowered) for p in phrases)

    found = [name for name, facet in domain.facets.items() if asks(facet.ask.get(language, ()))]
    return (*found, *(("text",) if asks(domain.ask.get(language, ())) else ()))
