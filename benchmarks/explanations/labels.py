"""The checker against sentences that were read by hand: what it refuses of what is wrong, and what it lets pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chatbot.grounding import Evidence, Grounder
from chatbot.types import Request
from chatbot.understanding import Understanding
from retrieval.catalog import read_catalog
from retrieval.domain_files import load_domain

FILE = Path(__file__).parent / "labels.jsonl"


def measure(path: Path = FILE) -> list[dict[str, Any]]:
    """Return a row for each batch and language: how the checker judges the labelled sentences.

    ``shown_supported`` is the share of what it would show that is true; ``recall`` the share of unsupported sentences that are
    refused or cut; ``precision`` the share of what it refuses that is unsupported.
    """
    domain = load_domain("movies")
    items = {item.id: item for item in read_catalog(domain.catalogue_path, domain)}
    reader = Understanding(domain, items)
    grounder = Grounder(domain, reader.names, reader.lexicon)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows: list[dict[str, Any]] = []
    for batch, language in sorted({(line["batch"], line["language"]) for line in lines}):
        names = ("n", "unsupported", "refused", "refused_unsupported", "shown", "shown_unsupported", "cut")
        counts = dict.fromkeys(names, 0)
        for case in (line for line in lines if line["batch"] == batch and line["language"] == language):
            request = Request("recommend", language, case["wish"])
            evidence = Evidence.of(items[case["item"]], request, domain, case["lines"])
            shown, verdict = grounder.prove(case["sentence"], evidence, language)
            whole = verdict.supported and shown == case["sentence"]
            false = not case["supported"]
            counts["n"] += 1
            counts["unsupported"] += false
            counts["refused"] += not whole
            counts["refused_unsupported"] += false and not whole
            counts["shown"] += verdict.supported
            counts["cut"] += verdict.supported and not whole
            wrong = false if whole else verdict.supported and shown in case.get("wrong_cuts", ())
            counts["shown_unsupported"] += wrong
        rows.append({"batch": batch, "language": language, **counts,
                     "recall": counts["refused_unsupported"] / max(counts["unsupported"], 1),
                     "precision": counts["refused_unsupported"] / max(counts["refused"], 1),
                     "shown_supported": 1 - counts["shown_unsupported"] / max(counts["shown"], 1)})  # fmt: skip
    return rows
