"""Linking: which items of a catalogue the chatbot finds in messages, against the links of public conversations.

Run ``python -m benchmarks.understanding linking [--json FILE] [--messages N]``.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.files import shared_data
from benchmarks.understanding.linking_data import READERS, LinkingData, Message
from chatbot.cues import load_cues
from chatbot.lexicon import Lexicon
from chatbot.mentions import plain_titles
from chatbot.understanding import detect_language
from retrieval.titles import Mention, NameIndex

_DRAWS = 500  # of the bootstrap over messages

Finder = Callable[[str], list[Mention]]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was found in one message. ``elsewhere``: wrong, and away from every name that the file knows."""

    right: int
    found: int
    gold: int
    elsewhere: int = 0


def finder_of(data: LinkingData) -> Finder:
    """Return what the chatbot does with a message: titles that are written as titles, and those that a verb introduces."""
    names, lexicon = NameIndex(data.items.values(), data.domain), Lexicon(data.domain)

    def find(text: str) -> list[Mention]:
        mentions = names.find(text, fuzzy=True)
        cues = load_cues(detect_language(text))
        mentions += [
            m for m in plain_titles(text, cues, names, lexicon) if all(m.end <= o.start or m.start >= o.end for o in mentions)
        ]
        return [m for m in mentions if m.kind == "item"]

    return find


def wrong_links(message: Message, mentions: Sequence[Mention], same: dict[str, str]) -> list[Mention]:
    """The items found that the file does not know of, each once."""
    gold = {same.get(i, i) for i in message.gold}
    return list({same.get(m.target, m.target): m for m in mentions if same.get(m.target, m.target) not in gold}.values())


def _count(message: Message, mentions: Sequence[Mention], same: dict[str, str]) -> Counts:
    gold = {same.get(i, i) for i in message.gold}
    found = {same.get(m.target, m.target) for m in mentions}
    elsewhere = [m for m in wrong_links(message, mentions, same) if all(m.end <= a or b <= m.start for a, b in message.places)]
    return Counts(len(gold & found), len(found), len(gold), len(elsewhere))


def _scores(counts: Sequence[Counts]) -> tuple[float, float, float]:
    right, found, gold = (sum(getattr(c, name) for c in counts) for name in ("right", "found", "gold"))
    return right / max(1, found), right / max(1, gold), 2 * right / max(1, found + gold)


def measure(data: LinkingData, finder: Finder | None = None, limit: int | None = None) -> dict[str, Any]:
    """Find the items of each message.

    Returns:
        n: messages. links: items named in them. precision, recall and f1 over (message, item). ci95: of f1, by a bootstrap over
        messages. wrong: links that the file has not; wrong_elsewhere: those of them that lie away from every name that the
        file knows of, where the file may be what is wrong. ms: mean milliseconds a message.
    """
    find = finder or finder_of(data)
    messages = data.messages[:limit]
    find("warm up: have you seen the shinning? 星际穿跃")  # what is made at the first use is made
    start = time.perf_counter()
    found = [find(message.text) for message in messages]
    spent = time.perf_counter() - start
    counts = [_count(message, mentions, data.same) for message, mentions in zip(messages, found, strict=True)]
    telling = [c for c in counts if c.found or c.gold]  # the others change no score
    random_ = random.Random(0)
    drawn = sorted(_scores(random_.choices(telling, k=len(telling)))[2] for _ in range(_DRAWS)) if telling else [0.0]
    precision, recall, f1 = _scores(counts)
    return {
        "data": data.name,
        "n": len(messages),
        "links": sum(c.gold for c in counts),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(f1, 4),
        "ci95": [round(drawn[int(len(drawn) * q)], 4) for q in (0.025, 0.975)],
        "wrong": sum(c.found - c.right for c in counts),
        "wrong_elsewhere": sum(c.elsewhere for c in counts),
        "ms": round(1000 * spent / max(1, len(messages)), 3),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, default=shared_data(), help="folder with redial, inspired, durecdial_lic2020")
    parser.add_argument("--messages", type=int, help="so many messages of each data set, the first")


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every data set that is there; say on standard error which is not."""
    rows: list[dict[str, Any]] = []
    for folder, read in READERS:
        if not (options.data / folder).is_dir():
            print(f"no {options.data / folder}: skipped", file=sys.stderr)
            continue
        finder: Finder | None = None
        for data in read(options.data / folder):
            finder = finder or finder_of(data)  # the rows of a data set share a catalogue
            rows.append(measure(data, finder, options.messages))
    return rows
