"""What a conversation holds to after a turn, in words, each with what it stands for, so that a person can drop it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chatbot.answers import Speaker
from chatbot.clauses import HAN
from chatbot.types import Held, Language, Request
from retrieval.types import Constraint, Wish


def held_state(request: Request, speaker: Speaker, language: Language) -> tuple[Held, ...]:
    """Return the constraints and wishes of a request, one entry for what the person said as one.

    What one phrase means ("European", "not violent", "romantic") is one entry, and so are the bounds of one facet.
    """
    said: dict[tuple[str, ...], list[Constraint | Wish]] = {}
    for part in (*request.constraints, *request.wishes):
        bound = isinstance(part, Constraint) and part.op in ("min", "max")
        key = (part.field,) if bound else ("", part.words.lower()) if part.words else (part.field, "", str(part.value))
        said.setdefault(key, []).append(part)
    return tuple(Held(_label(parts, speaker, language), tuple(parts)) for parts in said.values())


def _label(parts: Iterable[Constraint | Wish], speaker: Speaker, language: Language) -> str:
    constraints = [part for part in parts if isinstance(part, Constraint)]
    wishes = [part for part in parts if isinstance(part, Wish)]
    if constraints:
        return speaker.describe_together(constraints, language)
    own = bool(wishes[0].words) and bool(HAN.search(wishes[0].words)) == (language == "zh")
    return wishes[0].words.lower() if own else speaker.wish_label(wishes[0], language)
