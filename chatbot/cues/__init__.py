"""The words that carry a conversation, as data: one file a language."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

Pattern = re.Pattern[str]


@dataclass(frozen=True)
class Cues:
    """Compiled cues of one language; the files say what each is for."""

    sentence_end: Pattern
    clause_end: Pattern
    list_goes_on: Pattern
    negation: Pattern
    denied_before: Pattern
    not_a_negation: Pattern
    scope_end: Pattern
    turn: Pattern
    deniable: Pattern
    lift: Pattern
    lasting: Pattern
    neutral: Pattern
    feeling: Pattern
    liked: Pattern
    disliked: Pattern
    seen: Pattern
    model: Pattern
    restart: Pattern
    plain_ask: Pattern
    more: Pattern
    refine_start: Pattern
    new_wish: Pattern
    greeting: Pattern
    thanks: Pattern
    bye: Pattern
    help: Pattern
    filler: Pattern
    count: Pattern
    point_ordinal: Pattern
    point_several: Pattern
    point_described: Pattern
    point_before: Pattern
    point_after: Pattern
    point_both: Pattern
    point_extreme: Pattern
    point_common: Pattern
    it: Pattern
    yes_no: Pattern
    forget: Pattern
    any_value: Pattern
    anything_but: Pattern
    adds: Pattern
    than: Pattern
    than_before: Pattern
    degree: Pattern
    others: Pattern
    either: Pattern
    complaint: Pattern
    owned: Pattern
    wanted: Pattern
    self_harm: Pattern
    harm: Pattern
    instructions: Pattern
    profile_show: Pattern
    profile_forget: Pattern
    profile_erase: Pattern
    elsewhere: Pattern
    things: Pattern
    idiom: Pattern
    remark: Pattern
    notices: Pattern
    refuses: Pattern
    ok: Pattern
    asks_for: Pattern
    surprise: Pattern
    point_lesser: Pattern
    compare: Pattern
    says_of: Pattern
    asks_before: Pattern
    asks_after: Pattern
    versus: Pattern
    which_of: Pattern
    opinion: Pattern
    kind: Pattern
    other_than: Pattern
    question: Pattern
    praise: Pattern
    sentence: Pattern
    ties: Pattern
    statement: Pattern
    modal: Pattern
    pronoun: Pattern
    refine_words: int
    ordinals: dict[str, int]
    glue: frozenset[str]
    variants: dict[int, str]

    def patterns(self) -> list[str]:
        """Return the regular expressions, as they are written in the file."""
        values: list[Any] = [getattr(self, f.name) for f in fields(self) if f.type == "Pattern"]
        return [str(value.pattern) for value in values]


@cache
def load_cues(language: str) -> Cues:
    """Read and compile the cues of a language."""
    data: dict[str, Any] = tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text(encoding="utf-8"))
    glue = frozenset(str(data.pop("glue")).split())
    variants = {ord(pair[0]): pair[1] for pair in str(data.pop("variants")).split()}
    compiled: dict[str, Any] = {k: re.compile(v, re.IGNORECASE) if isinstance(v, str) else v for k, v in data.items()}
    return Cues(**compiled, glue=glue, variants=variants)
