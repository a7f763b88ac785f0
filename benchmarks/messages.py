"""How many messages that no rule was fitted to are read exactly: ``python -m benchmarks.messages``.

``messages.jsonl`` holds messages to seven domains as people type them, and what a fair reader takes from each: every
constraint that a list must keep, and no other. Whoever wrote them did not see how the reader works (of the first batch the
Chinese writer had seen some of the words). When the first batch had been measured, the reader and the words of the domains were
mended by it; of the second no message was read, but its totals chose between lists of words and whether a rule stayed.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.quality.report import add_json, told_as_json
from chatbot.alternatives import of_choices
from chatbot.types import Conversation
from chatbot.understanding import Understanding
from retrieval.catalog import read_catalog
from retrieval.domain import PEOPLE, Domain
from retrieval.domain_files import load_domain
from retrieval.types import Constraint

CASES = Path(__file__).with_name("messages.jsonl")
TOLERANCE = 1  # digits after the point: dollars made of yuan are not round


@cache
def _domain(name: str) -> Domain:
    return load_domain(name)


@cache
def _reader(name: str) -> Understanding:
    domain = _domain(name)
    assert domain.catalogue_path is not None
    return Understanding(domain, {item.id: item for item in read_catalog(domain.catalogue_path, domain)})


def _plain(constraints: Iterable[tuple[str, str, Any]], domain: Domain) -> list[str]:
    """Constraints in one spelling: people are one facet, one alternative is a demand, numbers are rounded."""
    plain: set[str] = set()
    for facet, op, value in constraints:
        values = [round(float(v), TOLERANCE) if isinstance(v, (int, float)) else str(v) for v in _values(value)]
        field = PEOPLE if facet in domain.people_facets else facet
        plain.add(f"{field} {'includes' if op == 'any_of' and len(values) == 1 else op} {sorted(values, key=str)}")
    return sorted(plain)


def _values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def cases() -> list[dict[str, Any]]:
    """Return the messages, with their batch, domain, language and meanings."""
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def _meant(meaning: Iterable[tuple[str, Any, Any]], domain: Domain) -> list[tuple[str, str, Any]]:
    """What a reader wrote down, in the domain's terms: who refuses one format wants another."""
    constraints = [Constraint(facet, op, tuple(v) if isinstance(v, list) else v) for facet, op, v in meaning]
    return [(c.field, c.op, c.value) for c in of_choices(constraints, domain)]


def differences(case: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return what was not read of a message, and what was read that it does not say; of the nearest of its meanings."""
    domain = _domain(case["domain"])
    request = _reader(case["domain"]).read(case["message"], Conversation("c", "u"), case["language"])
    got = _plain(((c.field, c.op, c.value) for c in request.constraints), domain)
    wanted = [_plain(_meant(meaning, domain), domain) for meaning in (case["holds"], *case.get("or", ()))]
    found = [([w for w in one if w not in got], [g for g in got if g not in one]) for one in wanted]
    return min(found, key=lambda pair: len(pair[0]) + len(pair[1]))


def main() -> None:
    """Print a table, and with ``--missed`` every message that was read otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missed", action="store_true", help="print the messages that were read otherwise")
    parser.add_argument("--batch", type=int, choices=(1, 2), help="one of the two")
    parser.add_argument("--domain", help="one of the domains")
    add_json(parser)
    options = parser.parse_args()
    counts: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for case in cases():
        if options.batch in (None, case["batch"]) and options.domain in (None, case["domain"]):
            missing, wrong = differences(case)
            for domain in (case["domain"], "all"):
                counts[str(case["batch"]), case["language"], domain].append(not missing and not wrong)
            if options.missed and (missing or wrong):
                print(f"{case['domain']}: {case['message']}\n    not read: {missing}\n    read: {wrong}")
    rows = [
        {"batch": batch, "language": language, "domain": domain, "exact": sum(found), "messages": len(found)}
        for (batch, language, domain), found in counts.items()
    ]
    if told_as_json({"rows": rows}, options.json):
        return
    for row in sorted(rows, key=lambda row: (row["batch"], row["language"], row["domain"])):
        print(f"batch {row['batch']}  {row['language']}  {row['domain']:10}{row['exact']:>5} of {row['messages']}")


if __name__ == "__main__":
    main()
