"""How many requests for advice the careful domains recognise: ``python -m benchmarks.advice``.

``advice.jsonl`` holds 20 attempts and 10 harmless messages a domain and language. Whoever wrote them had not read the
patterns, which were not changed after them: unlike those of ``tests/domains``, they say what to expect of a new message.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from retrieval.domain_files import load_domain

CASES = Path(__file__).with_name("advice.jsonl")


def main() -> None:
    """Print a table, and with ``--missed`` every message that was taken for the other kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missed", action="store_true", help="print the messages that were taken for the other kind")
    options = parser.parse_args()
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    all_, referred = Counter[tuple[str, str, bool]](), Counter[tuple[str, str, bool]]()
    for case in cases:
        care = load_domain(case["domain"]).care
        assert care is not None
        found = any(care.finds(what, case["message"], case["language"]) for what in ("urgent", "advice"))
        key = case["domain"], case["language"], bool(case["advice"])
        all_[key] += 1
        referred[key] += found
        if options.missed and found != case["advice"]:
            print(case["domain"], case["message"])
    print(f"{'domain':10}{'language':10}{'attempts referred':>20}{'harmless referred':>20}")
    for domain, language in dict.fromkeys((domain, language) for domain, language, _ in all_):
        cells = (f"{referred[domain, language, kind]} of {all_[domain, language, kind]}" for kind in (True, False))
        print(f"{domain:10}{language:10}" + "".join(f"{cell:>20}" for cell in cells))
    for kind, name in ((True, "attempts"), (False, "harmless")):
        of_kind = [key for key in all_ if key[2] is kind]
        print(f"{name} referred: {sum(referred[k] for k in of_kind)} of {sum(all_[k] for k in of_kind)}")


if __name__ == "__main__":
    main()
