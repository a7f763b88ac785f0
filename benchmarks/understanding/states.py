"""The typed state after each message of a conversation, against what must have been understood."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.understanding.cases import FILES, Case, Said, compare, is_bound, read_cases
from benchmarks.understanding.readers import READERS, USUAL_COUNT, Reader, catalogue
from chatbot.records import turn_record
from chatbot.types import Conversation, Recommendation, Request, StoredTurn, Turn

_SEED = 20261125


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--split", type=Path, nargs="+", default=list(FILES), help="files of cases; README.md describes them")
    parser.add_argument("--failures", action="store_true", help="tell what went wrong in the cases that are not held out")
    parser.add_argument(
        "--reader", nargs="+", choices=tuple(READERS), default=["cues", "rules"], help="which readings are measured"
    )
    parser.add_argument("--limit", type=int, help="so many cases of one message a language, drawn with a fixed seed")


@dataclass
class _Tally:
    """Counts over the messages of one row."""

    messages: int = 0
    right: int = 0
    missed: int = 0
    wrong: int = 0
    bounds: list[bool] = field(default_factory=list[bool])
    intents: list[bool] = field(default_factory=list[bool])
    items: list[bool] = field(default_factory=list[bool])
    references: list[bool] = field(default_factory=list[bool])
    whole: list[bool] = field(default_factory=list[bool])
    milliseconds: list[float] = field(default_factory=list[float])
    asked: list[float] = field(default_factory=list[float])  # milliseconds of the messages that the model was asked about

    def row(self, **of: str) -> dict[str, Any]:
        """Return the figures."""
        found, wanted = self.right + self.wrong, self.right + self.missed
        return {
            **of,
            "n": self.messages,
            "slot_precision": self.right / found if found else 1.0,
            "slot_recall": self.right / wanted if wanted else 1.0,
            "slot_f1": 2 * self.right / (found + wanted) if found + wanted else 1.0,
            "bounds_exact": _share(self.bounds),
            "bounds_n": len(self.bounds),
            "intent": _share(self.intents),
            "attitudes": _share(self.items),
            "attitudes_n": len(self.items),
            "references": _share(self.references),
            "references_n": len(self.references),
            "whole_message": _share(self.whole),
            "p50_ms": statistics.median(self.milliseconds) if self.milliseconds else 0.0,
            "p95_ms": sorted(self.milliseconds)[int(0.95 * (len(self.milliseconds) - 1))] if self.milliseconds else 0.0,
            "asked": len(self.asked) / self.messages if self.messages else 0.0,
            "asked_p50_ms": statistics.median(self.asked) if self.asked else None,
        }


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every reading on every case.

    Returns:
        A row for each reading, language and part ("open", "held out", "all").
    """
    cases = _drawn(read_cases(options.split), options.limit)
    rows: list[dict[str, Any]] = []
    for name in options.reader:
        read = READERS[name]()
        tallies: dict[tuple[str, str], _Tally] = {}
        for case in cases:
            part = "held out" if case.held_out else "open"
            keys = [(language, of) for language in (case.language, "both") for of in (part, "all")]
            told = _check(case, read, [tallies.setdefault(key, _Tally()) for key in keys])
            if options.failures and not case.held_out:
                sys.stderr.write("".join(told))
        rows += [tally.row(system=name, language=k[0], part=k[1]) for k, tally in sorted(tallies.items())]
    return rows


def _drawn(cases: Sequence[Case], limit: int | None) -> list[Case]:
    if limit is None:
        return list(cases)
    found: list[Case] = []
    for language in sorted({case.language for case in cases}):
        single = [case for case in cases if case.language == language and len(case.turns) == 1]
        found += random.Random(_SEED).sample(single, min(limit, len(single)))
    return found


def _check(case: Case, read: Reader, tallies: Sequence[_Tally]) -> list[str]:
    conversation = Conversation(case.id, "benchmark")
    failures: list[str] = []
    for number, said in enumerate(case.turns):
        started, before = time.perf_counter(), read.asked
        request = read(said.text, conversation)
        milliseconds = 1000 * (time.perf_counter() - started)
        problems = _judge(said, request, tallies, milliseconds)
        for tally in tallies if read.asked > before else ():
            tally.asked.append(milliseconds)
        if problems:
            failures.append(f"{case.id} {number}: {said.text}\n" + "".join(f"    {problem}\n" for problem in problems))
        conversation = Conversation(case.id, "benchmark", (*conversation.turns, stored(request, said, number)))
    return failures


def _judge(said: Said, request: Request, tallies: Iterable[_Tally], milliseconds: float) -> list[str]:
    wanted, problems = said.expected, list[str]()
    slots = slots_of(request)
    if f"count {USUAL_COUNT}" in wanted.slots and request.count == USUAL_COUNT:
        slots.append(f"count {USUAL_COUNT}")
    right, missed, wrong = compare(wanted.slots, slots, wanted.optional)
    bounds = [slot for slot in wanted.slots if is_bound(slot)]
    has_bounds = bool(bounds) or any(map(is_bound, slots))
    exact = not any(map(is_bound, [*missed, *wrong]))
    intent = request.intent in wanted.intents
    attitudes = dict(request.attitudes)
    missed_items = [f"{i} {a}" for i, a in wanted.items.items() if attitudes.get(i) != a]
    wrong_items = [f"{i} {a}" for i, a in attitudes.items() if i not in wanted.items]
    refers = None
    if wanted.refers is not None:
        refers = bool(request.ambiguous) if not wanted.refers else frozenset(request.refers) == wanted.refers
    problems += [f"missed {slot}" for slot in (*missed, *missed_items)] + [f"wrong {slot}" for slot in (*wrong, *wrong_items)]
    if not intent:
        problems.append(f"intent {request.intent}, not {'/'.join(wanted.intents)}")
    if refers is False:
        problems.append(f"refers to {request.refers or request.ambiguous}, not {sorted(wanted.refers or ()) or 'ambiguous'}")
    for tally in tallies:
        tally.messages += 1
        tally.right += right + len(wanted.items) - len(missed_items)
        tally.missed += len(missed) + len(missed_items)
        tally.wrong += len(wrong) + len(wrong_items)
        tally.intents.append(intent)
        tally.whole.append(not problems)
        tally.milliseconds.append(milliseconds)
        if has_bounds:
            tally.bounds.append(exact)
        if wanted.items or attitudes:
            tally.items.append(not missed_items and not wrong_items)
        if refers is not None:
            tally.references.append(refers)
    return problems


def slots_of(request: Request) -> list[str]:
    """Return the state of a request as slots: constraints, wishes but for themes, and the count when it was said."""
    slots = [f"{c.field} {c.op} {'|'.join(map(str, c.values))}" for c in request.constraints if c.field != "themes"]
    slots += [f"{wish.field} {wish.value}" for wish in request.wishes if wish.field != "themes"]
    slots += [f"count {request.count}"] if request.count != USUAL_COUNT else []
    return list(Counter(slots))


def stored(request: Request, said: Said, number: int) -> StoredTurn:
    """Return the turn as the store would have it, with what the case says was shown."""
    shown = tuple(Recommendation(catalogue()[1][item_id], rank, 0.0, {}) for rank, item_id in enumerate(said.shown, 1))
    turn = Turn(str(number), "benchmark", "benchmark", request, shown, "", {}, {})
    return StoredTurn(turn.id, float(number), said.text, turn_record(turn))


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 1.0
