"""What a question asks of an item. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatbot.types import Language
from retrieval.domain import Domain


def asked_facets(text: str, language: Language, domain: Domain) -> tuple[str, ...]:
    """The facets a question asks for; ``text`` stands for the description."""
    lowered = text.lower()

    def asks(phrases: Iterable[str]) -> bool:
        said = (phrase.lower() for phrase in phrases)
        return any(re.search(rf"\b{re.escape(p)}\b", lowered) if language == "en" else p in lowered for p in said)

    found = [name for name, facet in domain.facets.items() if asks(facet.ask.get(language, ()))]
    return (*found, *(("text",) if asks(domain.ask.get(language, ())) else ()))
