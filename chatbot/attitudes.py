"""What a message says of the items and people that it names: liked, seen, wanted, refused, or a model of what is wished."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatbot.clauses import split_sentences
from chatbot.cues import Cues
from chatbot.lexicon import Target
from chatbot.slots import Reading, was_excluded, was_wanted
from retrieval.domain import PEOPLE
from retrieval.titles import Mention
from retrieval.types import Constraint

NOTICED = "noticed"  # said to be somehow, and no more: "those are rather modern" asks for others


def read_mentions(text: str, mentions: Sequence[Mention], cues: Cues, reading: Reading, state: Mapping[str, Any]) -> None:
    """Collect what is said of named items, and people that are asked for or refused.

    Args:
        text: a message with its names masked.
        mentions: the names, with the items that pointing words mean.
        cues: of the language.
        reading: takes what is found; its negations and what it forgets are known.
        state: the request that the conversation holds.
    """
    items = [mention for mention in mentions if mention.kind != PEOPLE]
    for mention in mentions:
        if mention.kind == PEOPLE:
            _read_person(text, mention, cues, reading, state)
            continue
        reading.spans.append((mention.start, mention.end))
        verbs = (cues.liked, cues.disliked, cues.seen, cues.owned, cues.wanted, cues.model)
        reading.spans += [
            m.span()
            for start, end in split_sentences(text, cues)
            if start <= mention.start < end
            for cue in verbs
            for m in cue.finditer(text, start, end)
        ]
        if mention.start in reading.measured:
            continue
        attitude = _said_of(text, mention, mentions, cues, inside=reading.denies(mention.start))
        if attitude and (attitude not in ("model", NOTICED) or mention.target not in reading.attitudes):
            reading.attitudes[mention.target] = attitude
    if len(items) == 1 and reading.attitudes.get(items[0].target) in ("seen", "model"):
        target = items[0].target
        later = later_judgement(text, items[0].end, cues, seen=reading.attitudes[target] == "seen")
        reading.attitudes[target] = later or reading.attitudes[target]


def _read_person(text: str, mention: Mention, cues: Cues, reading: Reading, state: Mapping[str, Any]) -> None:
    forgotten, person = reading.forgets(mention.start), Target(PEOPLE, (mention.target,))
    allowed = was_excluded(person, state) and cues.lift.search(text) and not reading.denies(mention.start)
    if allowed or (forgotten and was_wanted(person, state)):
        reading.lifted.append((PEOPLE, mention.target))
        reading.spans.append((mention.start, mention.end))
        return
    if forgotten and any(m.start() <= mention.start for m in cues.not_a_negation.finditer(text)):
        return  # "it need not be Ang Lee"
    done = cues.more.search(text) and any(m.start() <= mention.start < m.end() for m in cues.exhausts.finditer(text))
    refused = forgotten or done or reading.denies(mention.start)  # "read all of hers, who else is there?"
    reading.constraints.append(Constraint(PEOPLE, "excludes" if refused else "includes", mention.target, mention.target))
    if refused:
        reading.spans.append((mention.start, mention.end))
    else:
        reading.places.append((mention.start, mention.end, reading.constraints[-1]))


def _said_of(text: str, mention: Mention, mentions: Sequence[Mention], cues: Cues, *, inside: bool) -> str:
    """What is said of an item, in its place; nothing where a statement is only denied ("I've seen Heat, though not Ronin").

    Args:
        text: with its names masked.
        mention: of the item.
        mentions: every mention of the message.
        cues: of the language.
        inside: whether the item stands in what is denied.
    """
    if any(m.end() == mention.start for m in cues.refuses.finditer(text)):
        return "excluded"  # "not Heat, my brother loved it"
    attitude = attitude_of(text, mention, cues, mentions)
    remark = any(m.start() <= mention.start < m.end() for m in cues.remark.finditer(text))
    fault = cues.complaint.search(text, mention.end, mention.end + _NEAR)
    noticed = remark or cues.notices.match(text, mention.end) or (fault and fault.start() <= mention.end + 3)
    inside = inside and not remark
    if attitude == "model":
        return "excluded" if inside else NOTICED if noticed else attitude
    return "" if inside and attitude in ("seen", "owned") else attitude


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
    if not earlier or not cues.clause_end.search(text, max([*earlier, verb]), mention.start):
        return False
    if verb > max(earlier):
        return True  # 第一部看过了，第二部谁导的
    stop = cues.clause_end.search(text, mention.end) or cues.sentence_end.search(text, mention.end)
    clause = text[: stop.start() if stop else len(text)]
    kinds = (cues.liked, cues.disliked, cues.seen, cues.owned, cues.wanted)
    return any(cue.search(clause, mention.end) for cue in kinds)


_NEAR = 16  # characters after a name in which a fault is found with it
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
