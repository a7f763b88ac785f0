"""Titles made of ordinary words, found where the sentence says that titles follow. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from chatbot.clauses import HAN, split_sentences
from chatbot.cues import Cues
from chatbot.lexicon import Lexicon
from retrieval.title_context import FUNCTION
from retrieval.titles import Mention, NameIndex

_ARTICLE = re.compile(r"\b(?:an?|some|any)\s$", re.IGNORECASE)  # "a heat wave"
_PAST = re.compile(r"(?:ed|saw|seen)$", re.IGNORECASE)  # who says "loved" or "watched" has one title in mind


def with_plain_titles(
    text: str, mentions: list[Mention], cues: Cues, names: NameIndex, lexicon: Lexicon, known: Collection[str] = ()
) -> list[Mention]:
    """Add titles made of ordinary words: after a verb, at the beginning of a sentence, in a question, beside another title.

    Args:
        text: a message.
        mentions: what was found in it.
        cues: of its language.
        names: of the catalogue.
        lexicon: words that mean facets, and so no title.
        known: items that were shown or named before, whose titles come up again in any form.
    """
    asked = [s for s in split_sentences(text, cues) if cues.question.search(text[s[0] : s[1] + 1])]
    possible = [m for m in names.find(text, lenient=True, fuzzy=True) if m.kind == "item"] if asked or known else []
    possible = [m for m in possible if not _in_phrase(text, m.start, m.end, lexicon)]
    for found in (
        plain_titles(text, cues, names, lexicon),
        leading_titles(text, cues, names),
        [m for m in possible if any(s <= m.start < e for s, e in asked) and _is_asked(text, m, cues, names)],
        [m for m in possible if m.target in known and _is_telling(text, m, cues, names)],
    ):
        mentions = [*mentions, *(m for m in found if all(m.end <= o.start or m.start >= o.end for o in mentions))]
    return [*mentions, *listed_titles(text, mentions, cues, names)]


def _is_asked(text: str, mention: Mention, cues: Cues, names: NameIndex) -> bool:
    """Whether something is asked of a title of ordinary words: "who directed heat?", 小武讲什么."""
    before, after = cues.asks_before.search(text[: mention.start]), cues.asks_after.match(text, mention.end)
    if not before or not after:
        return False
    name, capital = text[mention.start : mention.end], text[mention.start].isupper()
    sure = bool(before["sure"] or after["sure"])
    return capital or (name.lower() not in FUNCTION and (sure or not names.says_little(name)))


def _is_telling(text: str, mention: Mention, cues: Cues, names: NameIndex) -> bool:
    """Whether words that are the title of what was shown mean it; everyday words do where they begin with a capital."""
    name, before = text[mention.start : mention.end], text[: mention.start]
    if _ARTICLE.search(before):
        return False
    if HAN.match(name):
        return len(name) > 1 and not cues.kind.match(text, mention.end)
    inside = bool(before.strip()) or bool(cues.notices.match(text, mention.end))
    return not names.says_little(name) or (name[0].isupper() and inside)


def _in_phrase(text: str, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether a name is a word for a facet's value, or stands within one (超级英雄)."""
    language = "zh" if HAN.match(text, start) else "en"
    return any(m.start <= start and end <= m.end for m in lexicon.find(text, language))


def plain_titles(text: str, cues: Cues, names: NameIndex, lexicon: Lexicon) -> list[Mention]:
    """Titles of ordinary words, where a verb of liking or seeing says that titles follow ("我喜欢降临和活着")."""
    found: list[Mention] = []
    verbs = (cues.liked, cues.disliked, cues.seen, cues.owned, cues.wanted, cues.model)
    for verb in sorted((m for cue in verbs for m in cue.finditer(text)), key=lambda m: m.start()):
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


def listed_titles(text: str, mentions: Sequence[Mention], cues: Cues, names: NameIndex) -> list[Mention]:
    """Titles of ordinary words in a list with one that is known: "Goodfellas, Heat and Up", 功夫和少林足球."""
    known = [m for m in mentions if m.kind == "item"]
    found: list[Mention] = []
    for mention in known:
        for near in _beside(text, mention, cues, names):
            if all(near.end <= m.start or near.start >= m.end for m in (*mentions, *found)):
                found.append(near)
    return found + (listed_titles(text, [*mentions, *found], cues, names) if found else [])


def _beside(text: str, mention: Mention, cues: Cues, names: NameIndex) -> Iterator[Mention]:
    """The next entries of the list that a title stands in, if they are titles and nothing else."""
    if between := _LINK.match(text, mention.end):
        entry = _ENTRY.match(text, between.end())
        if entry and entry[0].strip():
            yield from _whole(text, between.end(), entry.end(), names)
    if between := _LINK_BEFORE.search(text[: mention.start]):
        before = (_LINK, _STOP, cues.liked, cues.disliked, cues.seen, cues.owned, cues.wanted, cues.model)
        start = max((m.end() for cue in before for m in cue.finditer(text, 0, between.start())), default=0)
        yield from _whole(text, start, between.start(), names)


def _whole(text: str, start: int, end: int, names: NameIndex) -> Iterator[Mention]:
    piece = text[start:end]
    for m in names.find(piece, lenient=True):
        if m.kind == "item" and not piece[: m.start].strip("《「“\"' ") and not piece[m.end :].strip("》」”\"'.!? "):
            yield Mention("item", m.target, m.start + start, m.end + start)


def leading_titles(text: str, cues: Cues, names: NameIndex) -> list[Mention]:
    """Titles of ordinary words that begin a sentence in which something is said of them: "Heat is already on my shelf"."""
    found: list[Mention] = []
    verbs = (cues.liked, cues.disliked, cues.seen, cues.owned, cues.wanted)
    for start, end in split_sentences(text, cues):
        opening = start + len(text[start:end]) - len(text[start:end].lstrip())
        for m in names.find(text[opening:end], lenient=True):
            if m.kind != "item" or m.start or not (text[opening].isupper() or HAN.match(text, opening)):
                continue
            link = cues.says_of.match(text, opening + m.end)
            if link and any(v.match(text, link.end()) for v in verbs):
                found.append(Mention("item", m.target, opening, opening + m.end))
            elif cues.versus.match(text, opening + m.end):
                found.append(Mention("item", m.target, opening, opening + m.end))
    return found


_LINK = re.compile(r"\s*(?:,\s*(?:and|or|&)|,|、|，|\b(?:and|or|vs\.?|versus)\b|&|和|跟|与|/|-)\s*", re.IGNORECASE)
_LINK_BEFORE = re.compile(rf"{_LINK.pattern}$", re.IGNORECASE)
_STOP = re.compile(r"[:：;；.!?。！？(（]\s*")
_END = r"$|[,，、;；.!?。！？:：()（）/]|\b(?:and|or|but|for|though|vs|differ|compare)\b|和|跟|我|都|这|那|哪"
_ENTRY = re.compile(rf"[^,，、;；.!?。！？:：()（）/]*?(?=\s*(?:{_END}))", re.IGNORECASE)


def _stands_alone(rest: str, mention: Mention, lexicon: Lexicon, cues: Cues) -> bool:
    """Whether a title of ordinary words is all that is said between a verb, "and" and the end of the clause."""
    name = rest[mention.start : mention.end]
    if HAN.match(name):
        return (
            len(name) >= 2
            and not cues.kind.match(rest, mention.end)
            and not _in_phrase(rest, mention.start, mention.end, lexicon)
        )
    before = re.search(r"(?:^|\b(?:and|or|&))\s*$", rest[: mention.start], re.IGNORECASE)
    after = re.match(r"\s*(?:$|(?:and|or|but|&|too|as well)\b|\ufffc)", rest[mention.end :], re.IGNORECASE)
    return bool(before and after) and len(name) > 3 and not lexicon.find(name, "en")
