"""Sentences, clauses and what they deny: pure functions over text and cues."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatbot.cues import Cues
from retrieval.name_keys import HAN
from retrieval.titles import Mention

MASK = "\ufffc"  # stands for a name, as long as the name was


def mask_names(text: str, mentions: Iterable[Mention]) -> str:
    """Cover names, so that their words say nothing."""
    for mention in mentions:
        text = text[: mention.start] + MASK * (mention.end - mention.start) + text[mention.end :]
    return text


def within(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    """Whether a stretch of a text lies in one of others."""
    return any(start <= span[0] and span[1] <= end for start, end in others)


def split_sentences(text: str, cues: Cues) -> list[tuple[int, int]]:
    """Return the spans of the sentences."""
    ends = [m for m in cues.sentence_end.finditer(text)]
    starts = [0, *(m.end() for m in ends)]
    return [(start, end) for start, end in zip(starts, [*(m.start() for m in ends), len(text)], strict=True) if end > start]


def clause_spans(text: str, cue: re.Pattern[str], cues: Cues) -> list[tuple[int, int]]:
    """Return the spans from each match of a cue to the end of its clause."""
    spans: list[tuple[int, int]] = []
    for found in cue.finditer(text):
        stops = (pattern.search(text, found.end()) for pattern in (cues.clause_end, cues.sentence_end, cues.turn))
        spans.append((found.start(), min((stop.start() for stop in stops if stop), default=len(text))))
    return spans


def negated_spans(text: str, cues: Cues, own: Iterable[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """Where words are denied: from a negation to the end of its clause or to a turn ("but", "just", 但, 想).

    Args:
        text: a message with its names masked.
        cues: of its language.
        own: where phrases for values stand: a "no" inside one ("no prerequisites") is a part of it, and denies nothing.
    """
    harmless = [m.span() for m in cues.not_a_negation.finditer(text)]
    worded = [span for span in own if cues.negation.search(text, *span)]
    innocent = [*harmless, *worded]
    spans: list[tuple[int, int]] = []
    for start, end in split_sentences(text, cues):
        commas = [m for m in cues.clause_end.finditer(text, start, end)]
        clauses = list(zip([start, *(m.end() for m in commas)], [*(m.start() for m in commas), end], strict=True))
        open_ = False
        for number, (first, last) in enumerate(clauses):
            clause = text[first:last]
            if open_ and cues.list_goes_on.search(clause):
                spans.append((first, last))
                continue
            open_ = False
            for found in cues.denied_before.finditer(text, first, last):
                spared = any(a < found.end() and found.start() < b for a, b in harmless)
                if not spared and not any(a < found.end() <= b for a, b in worded):
                    turns = [m.end() for m in cues.turn.finditer(text, first, found.start())]
                    whole = number > 0 and not text[first : found.start()].strip()  # "韩国的，不要": of what was said before
                    spans.append((max([clauses[number - 1][0] if whole else first, *turns]), found.end()))
            position = first
            while found := cues.negation.search(text, position, last):
                position = found.end()
                if any(a <= found.start() < b for a, b in innocent):
                    continue
                turn = _turn(text, found.end(), last, cues)
                stop = turn.start() if turn else last
                scope = cues.scope_end.search(text, found.start(), stop)
                if scope and not text[found.end() : scope.start()].strip():  # "not too sad for a Sunday"
                    turn, stop = scope, scope.end()
                spans.append((found.start(found.lastgroup or 0), stop))  # "any jacket but red" does not deny "jacket"
                open_ = turn is None
                position = stop
    return spans


def _turn(text: str, start: int, end: int, cues: Cues) -> re.Match[str] | None:
    """Find what ends a negation; a verb right after it is denied itself ("don't show me ...")."""
    turn = cues.turn.search(text, start, end)
    if turn and not text[start : turn.start()].strip() and cues.deniable.match(text, turn.start()):
        return cues.turn.search(text, turn.end(), end)
    return turn


def points_at(text: str, start: int, end: int, cues: Cues) -> bool:
    """Whether a pronoun points at an item: something is asked of it, or said of it by a verb beside it."""
    if cues.question.search(text) or any(m.end() == start for cue in (cues.than, cues.refuses) for m in cue.finditer(text)):
        return True
    verbs = (cues.liked, cues.disliked, cues.seen, cues.owned, cues.wanted, cues.model)
    near = max(0, start - 24), min(len(text), end + 24)
    return any(m.end() >= start - 8 and m.start() <= end + 8 for verb in verbs for m in verb.finditer(text, *near))


def wish_text(text: str, spans: Iterable[tuple[int, int]], cues: Cues) -> str:
    """The wish alone: names, denied words and bounds cut out; empty when only filler is left."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = " " * (end - start)
    rest = cues.restart.sub(" ", cues.more.sub(" ", "".join(characters)))
    rest = re.sub(r"\s+", " ", rest)
    clauses = [part.strip() for part in re.split(r"[,，;；.。!！?？、:：…]+|\bbut\b", rest)]
    comma = "，" if HAN.search(rest) else ", "
    return comma.join(part for part in clauses if re.search(r"[^\W_]", cues.filler.sub(" ", part)))
