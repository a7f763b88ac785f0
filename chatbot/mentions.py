"""Titles made of ordinary words, found where the sentence says that titles follow. Pure functions."""

from __future__ import annotations

import re

from chatbot.clauses import HAN
from chatbot.cues import Cues
from chatbot.lexicon import Lexicon
from retrieval.title_context import FUNCTION
from retrieval.titles import Mention, NameIndex

_PAST = re.compile(r"(?:ed|saw|seen)$", re.IGNORECASE)  # who says "loved" or "watched" has one title in mind


def plain_titles(text: str, cues: Cues, names: NameIndex, lexicon: Lexicon) -> list[Mention]:
    """Titles of ordinary words, where a verb of liking or seeing says that titles follow ("我喜欢降临和活着")."""
    found: list[Mention] = []
    for verb in re.finditer(f"(?:{cues.liked.pattern})|(?:{cues.seen.pattern})|(?:{cues.model.pattern})", text, re.IGNORECASE):
        end = cues.clause_end.search(text, verb.end()) or cues.sentence_end.search(text, verb.end())
        stop = end.start() if end else len(text)
        for mention in names.find(text[verb.end() : stop], lenient=True, fuzzy=True):
            start, end_ = mention.start + verb.end(), mention.end + verb.end()
            name = text[start:end_]
            if names.says_little(name) and not (_PAST.search(verb[0]) and not {*name.lower().split()} <= FUNCTION):
                continue  # "great choice", "enjoy them"
            if mention.kind == "item" and _stands_alone(text[verb.end() : stop], mention, lexicon, cues):
                found.append(Mention("item", mention.target, start, end_))
    return found


def _stands_alone(rest: str, mention: Mention, lexicon: Lexicon, cues: Cues) -> bool:
    """Whether a title of ordinary words is all that is said between a verb, "and" and the end of the clause."""
    name = rest[mention.start : mention.end]
    if HAN.match(name):
        word = any((m.start, m.end) == (0, len(name)) for m in lexicon.find(name, "zh"))
        return len(name) >= 2 and not cues.kind.match(rest, mention.end) and not word
    before = re.search(r"(?:^|\b(?:and|or|&))\s*$", rest[: mention.start], re.IGNORECASE)
    after = re.match(r"\s*(?:$|(?:and|or|but|&|too|as well)\b|\ufffc)", rest[mention.end :], re.IGNORECASE)
    return bool(before and after) and len(name) > 3 and not lexicon.find(name, "en")
