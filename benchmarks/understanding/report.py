"""What the benchmarks of understanding found, as tables or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.quality.report import told_as_json


def tell(found: Mapping[str, Sequence[Mapping[str, Any]]], target: Path | None) -> None:
    """Print a table a benchmark; or JSON, where ``--json`` asks for it; or the tables, with the JSON written into a file.

    Args:
        found: benchmark -> rows of texts and numbers; a fraction is told in percent.
        target: the value of ``--json``.
    """
    if told_as_json(found, target):
        return
    console = Console(width=None if sys.stdout.isatty() else 200)
    for name, rows in found.items():
        columns = [key for key in dict.fromkeys(key for row in rows for key in row) if key != "ci95"]
        table = Table(*columns, title=name)
        for row in rows:
            table.add_row(*(_cell(row.get(column), column) for column in columns))
        console.print(table)


def _cell(value: object, column: str) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if column.endswith("_ms") else f"{100 * value:.1f}"
    return "" if value is None else str(value)
