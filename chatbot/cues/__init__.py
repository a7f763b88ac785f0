"""The words that carry a conversation, as data: one file a language."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from retrieval.domain import Domain
from retrieval.name_keys import HAN

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
    gift: Pattern
    volume: Pattern
    exhausts: Pattern
    corrects: Pattern
    for_me: Pattern
    refine_words: int
    ordinals: dict[str, int]
    glue: frozenset[str]
    variants: dict[int, str]

    def patterns(self) -> list[str]:
        """Return the regular expressions, as they are written in the file."""
        values: list[Any] = [getattr(self, f.name) for f in fields(self) if f.type == "Pattern"]
        return [str(value.pattern) for value in values]


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a domain that cues are written around.

    Attributes:
        one: nouns of one of its things: NOUN in a pattern; ``many``: of several, NOUNS.
        makers: words for the people behind them: PEOPLE.
        verbs: what one does with them: VERB; in Chinese one character each, and they count as 看 does.
        measures: Chinese measure words: they count as 部 does.
    """

    one: tuple[str, ...] = ("thing",)
    many: tuple[str, ...] = ("things",)
    makers: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    measures: str = ""

    @classmethod
    def of(cls, domain: Domain, language: str) -> Wording:
        """Return the words of a domain in a language."""
        noun = domain.noun[language]
        people = [domain.facets[name] for name in domain.people_facets]
        makers = (*(facet.label[language] for facet in people if language in facet.label), *noun.makers)
        if language == "zh":
            words = tuple(sorted(dict.fromkeys((noun.one, *noun.other)), key=len, reverse=True))
            return cls(words, words, makers, noun.verbs, noun.measure + "".join(noun.measures))
        plural = tuple(word for word in noun.other if word.endswith("s"))
        one = tuple(word for word in noun.other if word not in plural)
        return cls((noun.one, *one), (noun.many, *plural), makers, noun.verbs)

    def put_into(self, pattern: str) -> str:
        """Return a pattern with these words in it."""
        tokens = (("NOUNS", self.many), ("NOUN", self.one), ("PEOPLE", self.makers), ("VERB", self.verbs))
        for token, words in tokens:
            pattern = pattern.replace(token, "|".join(map(re.escape, words)) or "(?!)")
        return _widen(_widen(pattern, "部", self.measures), "看", "".join(self.verbs) if HAN.search(pattern) else "")


def _widen(pattern: str, sign: str, others: str) -> str:
    """Let other characters stand wherever one stands, inside a set of characters too."""
    if not others.replace(sign, "") or sign not in pattern:
        return pattern
    written, inside, escaped = "", False, False
    for character in pattern:
        if character == sign:
            written += sign + others if inside else f"[{sign}{others}]"
        else:
            written += character
        inside = inside if escaped else (character == "[") or (inside and character != "]")
        escaped = character == "\\" and not escaped
    return written


def load_cues(language: str, domain: Domain | None = None) -> Cues:
    """Return the compiled cues of a language, written around the words of a domain."""
    return _load(language, Wording.of(domain, language) if domain else Wording())


@cache
def _load(language: str, wording: Wording) -> Cues:
    data: dict[str, Any] = tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text(encoding="utf-8"))
    glue = frozenset((*str(data.pop("glue")).split(), *wording.one, *wording.many))
    variants = {ord(pair[0]): pair[1] for pair in str(data.pop("variants")).split()}
    patterns = {key: wording.put_into(value) if isinstance(value, str) else value for key, value in data.items()}
    compiled: dict[str, Any] = {k: re.compile(v, re.IGNORECASE) if isinstance(v, str) else v for k, v in patterns.items()}
    return Cues(**compiled, glue=glue, variants=variants)
