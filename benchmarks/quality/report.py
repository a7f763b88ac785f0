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


def told_as_json(found: Mapping[str, Any], target: Path | None) -> bool:
    """Print JSON alone, or write it into a file, as ``--json`` asks; return whether there is nothing left to tell."""
    text = json.dumps(found, indent=1, ensure_ascii=False, default=float)
    if target == _STDOUT:
        print(text)
        return True
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text + "\n", encoding="utf-8")
    return False


def tell(rows: Sequence[Mapping[str, Any]], target: Path | None) -> None:
    """Print a table; or JSON, where ``--json`` asks for it; or the table, with the JSON written into a file.

    Args:
        rows: each with ``system``, ``n``, metric -> value, ``ci95``, and texts that say of what, such as ``dataset``: one table
            for each combination of those.
        target: the value of ``--json``.
    """
    if told_as_json({"rows": list(rows)}, target):
        return
    console = Console()
    for title in dict.fromkeys(_title(row) for row in rows):
        table = Table("system", "n", *_SHOWN, title=title)
        for row in rows:
            if _title(row) == title:
                table.add_row(row["system"], str(row["n"]), *(_cell(row, metric) for metric in _SHOWN))
        console.print(table)


def _title(row: Mapping[str, Any]) -> str:
    """Return what a row is of: its texts but the system."""
    return ", ".join(str(value) for name, value in row.items() if isinstance(value, str) and name != "system")


def _cell(row: Mapping[str, Any], metric: str) -> str:
    """Write a metric in percent; the one that decides with half its interval."""
    if metric not in row:
        return ""
    half = row.get("ci95", {}).get(metric)
    value = f"{100 * row[metric]:.1f}"
    return value if half is None or metric != "ndcg@10" else f"{value} ±{100 * half:.1f}"
