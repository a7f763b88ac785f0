"""Sentences, clauses and what they deny: pure functions over text and cues."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatbot.cues import Cues
from retrieval.titles import Mention

HAN = re.compile(r"[\u3400-\u9fff]")
_MASK = "\ufffc"  # stands for a name, as long as the name was


def mask_names(text: str, mentions: Iterable[Mention]) -> str:
    """Cover names, so that their words say nothing."""
    for mention in mentions:
        text = text[: mention.start] + _MASK * (mention.end - mention.start) + text[mention.end :]
    return text


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


def negated_spans(text: str, cues: Cues) -> list[tuple[int, int]]:
    """Where words are denied: from a negation to the end of its clause or to a turn ("but", "just", 但, 想)."""
    innocent = [m.span() for m in cues.not_a_negation.finditer(text)]
    spans: list[tuple[int, int]] = []
    for start, end in split_sentences(text, cues):
        commas = [m for m in cues.clause_end.finditer(text, start, end)]
        clauses = list(zip([start, *(m.end() for m in commas)], [*(m.start() for m in commas), end], strict=True))
        open_ = False
        for first, last in clauses:
            clause = text[first:last]
            if open_ and cues.list_goes_on.search(clause):
                spans.append((first, last))
                continue
            open_ = False
            position = first
            while found := cues.negation.search(text, position, last):
                position = found.end()
                if any(a <= found.start() < b for a, b in innocent):
                    continue
                turn = cues.turn.search(text, found.end(), last)
                stop = turn.start() if turn else last
                if (scope := cues.scope_end.search(text, found.start(), stop)) and scope.start() <= found.end():
                    turn, stop = scope, scope.end()
                spans.append((found.start(), stop))
                open_ = turn is None
                position = stop
    return spans


def attitude_of(text: str, mention: Mention, cues: Cues) -> str:
    """What the sentence says about a named item: the nearest verb before it, else the nearest after it."""
    if cues.other_than.match(text, mention.end):
        return "excluded"
    start, end = next(((a, b) for a, b in split_sentences(text, cues) if a <= mention.start < b), (0, len(text)))
    kinds = (("disliked", cues.disliked), ("seen", cues.seen), ("model", cues.model), ("liked", cues.liked))
    before = [(m.end(), -n, kind) for n, (kind, cue) in enumerate(kinds) for m in cue.finditer(text, start, mention.start)]
    if before:
        return max(before)[2]
    after = [(m.start(), n, kind) for n, (kind, cue) in enumerate(kinds) for m in cue.finditer(text, mention.end, end)]
    return min(after)[2] if after else "model"


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
