"""Constraints end to end: whether every item that is shown keeps them, as the cases mean them, and five turns later still."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.understanding.cases import Case, read_cases
from benchmarks.understanding.states import catalogue, stored
from chatbot.llm.scripted import ScriptedModel
from chatbot.pipeline import RecommendationPipeline
from chatbot.store import InMemoryUserStore
from chatbot.types import Conversation, Profile, Turn
from retrieval.constraints import satisfies
from retrieval.embedder import HashingEmbedder
from retrieval.index import build_in_memory
from retrieval.types import Constraint
from retrieval.vector_store import InMemoryVectorStore

LATER = {
    "en": ("something funny", "older", "thanks", "a Japanese film please", "what else is there?"),
    "zh": ("想看搞笑的", "老一点的", "谢谢", "推荐一部日本电影", "还有别的吗"),
}


@dataclass
class _Tally:
    messages: int = 0
    items: int = 0
    as_read: int = 0  # items that break what was read
    as_meant: int = 0  # items that break what the case means
    relaxed: int = 0  # messages whose reply says that something was dropped, for nothing was left

    def add(self, turn: Turn, meant: Sequence[Constraint]) -> None:
        relaxed = [note for note in turn.notes if note.startswith("relaxed")]
        self.messages += 1
        self.relaxed += bool(relaxed)
        for item in [recommendation.item for recommendation in turn.items]:
            self.items += 1
            kept = [c for c in turn.request.constraints if not (relaxed and c.relaxable)]
            self.as_read += not all(satisfies(item, c, catalogue()[0]) for c in kept)
            self.as_meant += not all(satisfies(item, c, catalogue()[0]) for c in meant if not (relaxed and c.relaxable))

    def row(self, **of: str) -> dict[str, Any]:
        return {
            **of,
            "n": self.messages,
            "items": self.items,
            "broken_as_read": self.as_read,
            "broken_as_meant": self.as_meant,
            "replies_that_relax": self.relaxed,
        }


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """This benchmark reads the same cases as the states."""


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Ask the whole pipeline, without weights: items are found by words, facets and hashed vectors.

    Returns:
        A row a language and part: the messages with constraints, and exclusions after five more messages.
    """
    domain, items = catalogue()
    index = build_in_memory(domain, list(items.values()), HashingEmbedder(), InMemoryVectorStore())
    tallies: dict[tuple[str, str], _Tally] = {}
    pipeline = RecommendationPipeline(index, ScriptedModel(), InMemoryUserStore())
    for case in read_cases(options.split):
        _ask(case, pipeline, tallies.setdefault((case.language, "messages with constraints"), _Tally()))
        _ask_later(case, pipeline, tallies.setdefault((case.language, "exclusions, five turns later"), _Tally()))
    return [tally.row(language=language, part=part) for (language, part), tally in sorted(tallies.items())]


def _ask(case: Case, pipeline: RecommendationPipeline, tally: _Tally) -> None:
    conversation = Conversation(case.id, "benchmark")
    for number, said in enumerate(case.turns):
        turn = pipeline.complete(said.text, conversation, Profile("benchmark"), items_only=True)
        meant = [c for slot in said.expected.slots if (c := constraint_of(slot))]
        if turn.items and meant:
            tally.add(turn, meant)
        conversation = Conversation(case.id, "benchmark", (*conversation.turns, stored(turn.request, said, number)))


def _ask_later(case: Case, pipeline: RecommendationPipeline, tally: _Tally) -> None:
    meant = [c for slot in case.turns[0].expected.slots if (c := constraint_of(slot)) and c.op == "excludes"]
    if not meant:
        return
    conversation = Conversation(f"{case.id} later", "benchmark")
    turn = None
    for text in (case.turns[0].text, *LATER[case.language]):
        turn = pipeline.complete(text, conversation, Profile("benchmark"), items_only=True)
        conversation = pipeline.store.load(conversation.id, "benchmark")
    assert turn is not None
    tally.add(turn, meant)


def constraint_of(slot: str) -> Constraint | None:
    """Return a slot as a constraint; None for a wish, a count, or a bound whose number is left open."""
    name, op, value = (*slot.split(" ", 2), "")[:3]
    if op == "excludes" or op == "includes":
        return Constraint(name, op, value)
    if op == "any_of":
        return Constraint(name, op, tuple(value.split("|")))
    if op in ("min", "max") and value != "*":
        return Constraint(name, op, float(value))  # pyright: ignore[reportArgumentType]
    return None
