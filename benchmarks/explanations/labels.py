"""The checker against sentences that were read by hand: what it refuses of what is wrong, and what it lets pass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.grounding import Evidence, Grounder
from chatbot.types import Request
from chatbot.understanding import Understanding
from retrieval.catalog import read_catalog
from retrieval.domain_files import load_domain

FILE = Path(__file__).parent / "labels.jsonl"


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled sentence and what the checker makes of it.

    Attributes:
        case: the line of the file.
        shown: what would be shown of it; "" when it is refused.
        whole: whether all of it.
    """

    case: dict[str, Any]
    shown: str
    whole: bool


def judge(path: Path = FILE) -> list[Judged]:
    """Check every labelled sentence."""
    domain = load_domain("movies")
    items = {item.id: item for item in read_catalog(domain.catalogue_path, domain)}
    reader = Understanding(domain, items)
    grounder = Grounder(domain, reader.names, reader.lexicon)
    judged: list[Judged] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        request = Request("recommend", case["language"], case["wish"])
        evidence = Evidence.of(items[case["item"]], request, domain, case["lines"])
        shown, verdict = grounder.prove(case["sentence"], evidence, case["language"])
        judged.append(Judged(case, shown if verdict.supported else "", verdict.supported and shown == case["sentence"]))
    return judged


def measure(path: Path = FILE) -> list[dict[str, Any]]:
    """Return a row for each batch and language: how the checker judges the labelled sentences.

    ``shown_supported`` is the share of what it would show that is true; ``recall`` the share of unsupported sentences that are
    refused or cut; ``precision`` the share of what it refuses that is unsupported.
    """
    parts: dict[tuple[int, str], list[Judged]] = {}
    for judged in judge(path):
        parts.setdefault((judged.case["batch"], judged.case["language"]), []).append(judged)
    rows: list[dict[str, Any]] = []
    for (batch, language), part in sorted(parts.items()):
        unsupported = [j for j in part if not j.case["supported"]]
        refused = sum(not j.whole for j in part)
        caught = sum(not j.whole for j in unsupported)
        shown = sum(bool(j.shown) for j in part)
        wrong = len(unsupported) - caught
        wrong += sum(not j.whole and j.shown in j.case.get("wrong_cuts", ()) for j in part if j.shown)
        rows.append({"batch": batch, "language": language, "n": len(part), "unsupported": len(unsupported),
                     "refused": refused, "refused_unsupported": caught, "shown": shown, "shown_unsupported": wrong,
                     "cut": sum(bool(j.shown) and not j.whole for j in part),
                     "recall": caught / max(len(unsupported), 1), "precision": caught / max(refused, 1),
                     "shown_supported": 1 - wrong / max(shown, 1)})  # fmt: skip
    return rows
