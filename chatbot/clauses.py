"""Sentences, clauses and what they deny: pure functions over text and cues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from chatbot.cues import Cues
from retrieval.name_keys import HAN
from retrieval.titles import Mention

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
        for number, (first, last) in enumerate(clauses):
            clause = text[first:last]
            if open_ and cues.list_goes_on.search(clause):
                spans.append((first, last))
                continue
            open_ = False
            for found in cues.denied_before.finditer(text, first, last):
                if not any(a < found.end() and found.start() < b for a, b in innocent):
                    turns = [m.end() for m in cues.turn.finditer(text, first, found.start())]
                    whole = number > 0 and not text[first : found.start()].strip()  # "韩国的，不要": of what was said before
                    spans.append((max([clauses[number - 1][0] if whole else first, *turns]), found.end()))
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


def attitude_of(text: str, mention: Mention, cues: Cues, others: Iterable[Mention] = ()) -> str:
    """What the sentence says about a named item: the nearest verb before it, else the nearest after it.

    A judgement after it counts more than that it was seen or is owned ("saw it, couldn't stand it"), and the person's own more
    than what others think ("my flatmate hated it").

    Args:
        text: with its names masked.
        mention: of the item.
        cues: of the language.
        others: every mention of the message: what is said after the next one is said of that.
    """
    if cues.other_than.match(text, mention.end):
        return "excluded"
    said = _attitude(text, mention, cues, others, own=True)
    return _attitude(text, mention, cues, others, own=False) if said == "model" else said


def _attitude(text: str, mention: Mention, cues: Cues, others: Iterable[Mention], *, own: bool) -> str:
    start, end = next(((a, b) for a, b in split_sentences(text, cues) if a <= mention.start < b), (0, len(text)))
    judged = (("disliked", cues.disliked), ("liked", cues.liked))
    kinds = (judged[0], ("wanted", cues.wanted), ("owned", cues.owned), ("seen", cues.seen), ("model", cues.model), judged[1])
    before = [
        (m.end(), -n, kind) for n, (kind, cue) in enumerate(kinds) for m in _said(cue, text, start, mention.start, cues, own)
    ]
    nearest = max(before)[2] if before and not _belongs_to_another(max(before)[0], text, mention, others, cues) else ""
    if nearest in ("", "seen", "owned"):
        if (following := _next_item(text, mention, others, end)) < end:
            clauses = [m.end() for m in cues.clause_end.finditer(text, mention.end, following)]
            end = clauses[-1] if clauses else following  # a verb before the next name speaks of that
        pairs = judged if nearest else kinds
        after = [
            (m.start(), n, kind) for n, (kind, cue) in enumerate(pairs) for m in _said(cue, text, mention.end, end, cues, own)
        ]
        opinions = [found for found in after if found[2] in ("liked", "disliked")]
        return min(opinions or after)[2] if opinions or after else nearest or "model"
    beside = mention.end + (text[mention.end : mention.end + 1] in _CLOSING)
    return "model" if nearest == "wanted" and cues.model.match(text, beside) else nearest


def _said(cue: re.Pattern[str], text: str, start: int, end: int, cues: Cues, own: bool) -> Iterator[re.Match[str]]:
    """Where something is said; ``own``: not what others think."""
    judges = own and cue in (cues.liked, cues.disliked)
    for found in cue.finditer(text, start, end):
        if not (judges and cues.others.search(text[max(0, found.start() - _SUBJECT) : found.start()])):
            yield found


def _belongs_to_another(verb: int, text: str, mention: Mention, others: Iterable[Mention], cues: Cues) -> bool:
    """Whether a verb before a name was said of an earlier name: "A was superb, and B I have seen"."""
    earlier = [m.end for m in others if m.end <= mention.start and m.kind == "item"]
    if not earlier or not cues.clause_end.search(text, max(earlier + [verb]), mention.start):
        return False
    stop = cues.clause_end.search(text, mention.end) or cues.sentence_end.search(text, mention.end)
    clause = text[: stop.start() if stop else len(text)]
    kinds = (cues.liked, cues.disliked, cues.seen, cues.owned, cues.wanted)
    return any(cue.search(clause, mention.end) for cue in kinds)


_SUBJECT = 40  # characters before a verb in which its subject is looked for
_CLOSING = tuple('》”」"')


def _next_item(text: str, mention: Mention, others: Iterable[Mention], end: int) -> int:
    """Where the next name begins that is not of one list with this one: in "A, B and C are boring" all are."""
    done = mention.end
    for other in sorted((m for m in others if m.start > mention.start), key=lambda m: m.start):
        if not _LIST.fullmatch(text, done, other.start):
            return other.start
        done = other.end
    return end


_LIST = re.compile(r"[\s》”\"'《“」「]*(?:(?:[,，、/&和与跟及]|以及|还有|and|or)[\s》”\"'《“」「]*)+", re.IGNORECASE)


def later_judgement(text: str, after: int, cues: Cues, *, seen: bool) -> str:
    """What a later sentence says of the one item that was named: "Saw it yesterday. Loved it." Empty when nothing.

    Args:
        text: with its names masked.
        after: where the item's name ends.
        cues: of the language.
        seen: whether the person saw the item: a judgement without "it" is then of it, too.
    """
    if any(cues.it.match(text, m.end()) for m in cues.refuses.finditer(text, after)):
        return "excluded"  # "The Nolan. How daring. Not that one."
    found = [
        (m.start(), kind)
        for kind, cue in (("disliked", cues.disliked), ("liked", cues.liked), ("wanted", cues.wanted))
        for m in _said(cue, text, after, len(text), cues, True)
        if seen or kind == "wanted" or cues.it.match(text, m.end() + 1)
    ]
    return min(found)[1] if found else ""


def points_at(text: str, start: int, end: int, cues: Cues) -> bool:
    """Whether a pronoun points at an item: something is asked of it, or said of it by a verb beside it."""
    if cues.question.search(text) or any(m.end() == start for m in cues.than.finditer(text)):
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
