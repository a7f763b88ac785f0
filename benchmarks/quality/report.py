"""What a benchmark found, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_SHOWN = ("recall@1", "recall@10", "recall@50", "ndcg@1", "ndcg@5", "ndcg@10", "ndcg@20", "mrr@10")
_STDOUT = Path("-")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--json [FILE]``."""
    parser.add_argument(
        "--json", type=Path, nargs="?", const=_STDOUT, metavar="FILE", help="print JSON alone, or write it into a file"
    )


def tell(rows: Sequence[Mapping[str, Any]], target: Path | None) -> None:
    """Print a table; or JSON, where ``--json`` asks for it; or the table, with the JSON written into a file.

    Args:
        rows: each with ``dataset``, ``system``, ``n``, metric -> value, and ``ci95``.
        target: the value of ``--json``.
    """
    text = json.dumps({"rows": list(rows)}, indent=1, default=float)
    if target == _STDOUT:
        print(text)
        return
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text + "\n", encoding="utf-8")
    console = Console()
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        table = Table("system", "n", *_SHOWN, title=dataset)
        for row in rows:
            if row["dataset"] == dataset:
                table.add_row(row["system"], str(row["n"]), *(_cell(row, metric) for metric in _SHOWN))
        console.print(table)


def _cell(row: Mapping[str, Any], metric: str) -> str:
    """Write a metric in percent, with half its interval where there is room to care."""
    if metric not in row:
        return ""
    half = row.get("ci95", {}).get(metric)
    value = f"{100 * row[metric]:.1f}"
    return value if half is None or metric != "ndcg@10" else f"{value} ±{100 * half:.1f}"
