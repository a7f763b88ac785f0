"""Conversations with the state that each message must leave; README.md says what a case holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.understanding import detect_language

FOLDER = Path(__file__).parent
FILES = tuple(FOLDER / f"{name}.jsonl" for name in ("en", "zh", "en2", "zh2", "en3", "zh3", "en4", "zh4", "own"))
_KEYS = {"intent", "constraints", "wishes", "items", "refers", "count", "optional"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a message must be understood as.

    Attributes:
        intents: any of them is right.
        slots: constraints, wishes and the count, each as text.
        optional: slots that are neither missed nor wrong.
        items: id -> attitude.
        refers: what a pointing word means; None: there is none; empty: it is ambiguous.
    """

    intents: tuple[str, ...]
    slots: frozenset[str]
    optional: frozenset[str]
    items: Mapping[str, str]
    refers: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Said:
    """A message, what it means, and what the assistant showed then."""

    text: str
    expected: Expected
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation."""

    id: str
    language: str
    turns: tuple[Said, ...]

    @property
    def held_out(self) -> bool:
        """Whether its failures are counted alone, and never read."""
        return hashlib.blake2b(self.id.encode(), digest_size=1).digest()[0] % 4 == 1


def read_cases(paths: Iterable[Path] = FILES) -> list[Case]:
    """Read files of cases.

    Raises:
        ValueError: a line is no case; the message names file and line.
    """
    cases: list[Case] = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                try:
                    case = json.loads(line)
                    turns = tuple(_said(turn) for turn in case["turns"])
                    language = case.get("language") or detect_language(turns[0].text)
                    cases.append(Case(str(case.get("id", f"{path.stem}-{number}")), language, turns))
                except (KeyError, TypeError, ValueError) as error:
                    raise ValueError(f"{path}:{number}: no case ({error!r}); see {FOLDER.name}/README.md") from error
    return cases


def _said(turn: Mapping[str, Any]) -> Said:
    expect = turn["expect"]
    if unknown := set(expect) - _KEYS:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    intent, refers = expect.get("intent", "recommend"), expect.get("refers")
    slots = {*expect.get("constraints", ()), *expect.get("wishes", ())}
    if "count" in expect:
        slots.add(f"count {expect['count']}")
    expected = Expected(
        (intent,) if isinstance(intent, str) else tuple(intent),
        frozenset(slot for slot in slots if not slot.startswith("themes ")),
        frozenset(expect.get("optional", ())),
        expect.get("items", {}),
        None if not refers else frozenset() if refers == "ambiguous" else frozenset(refers),
    )
    return Said(turn["say"], expected, tuple(turn.get("shown", ())))


def matches(wanted: str, got: str) -> bool:
    """Whether two slots are one; a ``*`` stands for any number."""
    if " any_of " in wanted and " any_of " in got:  # in whatever order
        (one, values), (other, others) = wanted.split(" any_of "), got.split(" any_of ")
        return one == other and set(values.split("|")) == set(others.split("|"))
    return got == wanted or (wanted.endswith(" *") and got.rpartition(" ")[0] == wanted[:-2])


def compare(wanted: Iterable[str], got: Iterable[str], optional: Iterable[str] = ()) -> tuple[int, list[str], list[str]]:
    """Return how many slots are right, those missed, and those that nobody asked for."""
    left = list(got)
    missed: list[str] = []
    right = 0
    for slot in sorted(wanted, key=lambda s: s.endswith(" *")):
        if found := next((g for g in left if matches(slot, g)), None):
            left.remove(found)
            right += 1
        else:
            missed.append(slot)
    return right, missed, [g for g in left if not any(matches(slot, g) for slot in optional)]


def is_bound(slot: str) -> bool:
    """Whether a slot is an exclusion or a range."""
    return slot.split(" ")[1] in ("excludes", "min", "max")
