"""What a message says for good and not for this conversation alone: "no musicals any more". Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from chatbot.clauses import MASK
from chatbot.cues import Cues
from chatbot.slots import Reading
from retrieval.types import Constraint, FacetValue

Values: TypeAlias = "tuple[tuple[str, FacetValue], ...]"


def lasting(masked: str, cues: Cues, reading: Reading) -> tuple[Values, Values]:
    """Return the (facet, value) pairs that the person never wants again, and those that they want again after all.

    Args:
        masked: the message without names.
        cues: of its language.
        reading: what was read in it.
    """
    never: list[tuple[str, FacetValue]] = []
    refused = [c for c in reading.constraints if c.op == "excludes"]
    if any(_of_refusals(masked, found, cues, refused) for found in cues.lasting.finditer(masked)):
        never = [(c.field, value) for c in refused for value in c.values]
    again = [(field, value) for field, value in reading.lifted if isinstance(value, (str, int, float))]
    if cues.lift.search(masked):
        again += [(c.field, value) for c in reading.constraints if c.op in ("includes", "any_of") for value in c.values]
        again += [(wish.field, wish.value) for wish in reading.wishes]
    return tuple(dict.fromkeys(never)), tuple(dict.fromkeys(again))


def _of_refusals(masked: str, found: re.Match[str], cues: Cues, refused: Sequence[Constraint]) -> bool:
    """Whether "never" or the like is of what is refused: beside it in a clause, or alone in one ("no horror. Ever.")."""
    edges = [m.span() for pattern in (cues.clause_end, cues.sentence_end) for m in pattern.finditer(masked)]
    start = max((end for _, end in edges if end <= found.start()), default=0)
    end = min((start for start, _ in edges if start >= found.end()), default=len(masked))
    clause = masked[start:end]
    if MASK in clause or any(c.words and c.words in clause for c in refused):
        return True
    rest = masked[start : found.start()] + " " + masked[found.end() : end]
    return not re.search(r"[^\W_]", cues.filler.sub(" ", rest))
