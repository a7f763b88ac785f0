"""What a message says for good and not for this conversation alone: "no musicals any more". Pure."""

from __future__ import annotations

from typing import TypeAlias

from chatbot.cues import Cues
from chatbot.slots import Reading
from retrieval.types import FacetValue

Values: TypeAlias = "tuple[tuple[str, FacetValue], ...]"


def lasting(masked: str, cues: Cues, reading: Reading) -> tuple[Values, Values]:
    """Return the (facet, value) pairs that the person never wants again, and those that they want again after all.

    Args:
        masked: the message without names.
        cues: of its language.
        reading: what was read in it.
    """
    never: list[tuple[str, FacetValue]] = []
    if cues.lasting.search(masked):
        never = [(c.field, value) for c in reading.constraints if c.op == "excludes" for value in c.values]
    again = [(field, value) for field, value in reading.lifted if isinstance(value, (str, int, float))]
    if cues.lift.search(masked):
        again += [(c.field, value) for c in reading.constraints if c.op in ("includes", "any_of") for value in c.values]
        again += [(wish.field, wish.value) for wish in reading.wishes]
    return tuple(dict.fromkeys(never)), tuple(dict.fromkeys(again))
