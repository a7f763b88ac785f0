"""What became of the rows of an import: every one was kept, merged or set aside, and each is counted and can be looked up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The account of one import: rows = kept + merged + rejected.

    Attributes:
        rows: records in the input.
        kept: those that became items or events.
        merged: those that said again what another row says.
        rejected: those set aside, each in ``rejected.jsonl`` with the reason.
        rules: how often each cleaning rule changed, merged or set aside something.
        seconds: that the import took.
    """

    rows: int
    kept: int
    merged: int
    rejected: int
    rules: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The one object that ``--json`` prints."""
        return asdict(self)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(self.as_dict(), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ImportReport:
        """Read one back."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


class Ledger:
    """Counts the rows of an import and writes down those that were set aside or merged; bounded memory."""

    def __init__(self, rejected: Path, merged: Path) -> None:
        """Name the two files, JSON lines; they are created empty."""
        self._paths = (rejected, merged)
        self._files: list[IO[str]] = []
        self.rows = self.kept = self.merged = self.rejected = 0
        self.first: dict[str, Any] | None = None

    def __enter__(self) -> Ledger:
        """Open the files."""
        self._files = [path.open("w", encoding="utf-8") for path in self._paths]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def reject(self, line: int, rule: str, field: str | None, reason: str, row: Any) -> None:
        """Set a row aside."""
        self.rejected += 1
        entry = {"line": line, "rule": rule, "field": field, "reason": reason, "row": row}
        self.first = self.first or entry
        self._files[0].write(_json(entry) + "\n")

    def merge(self, line: int, rule: str, item: str, into: str) -> None:
        """Note that a row was merged into an item."""
        self.merged += 1
        self._files[1].write(_json({"line": line, "rule": rule, "id": item, "into": into}) + "\n")

    def report(self, rules: Mapping[str, int], seconds: float) -> ImportReport:
        """Close the account."""
        counted = {rule: count for rule, count in sorted(rules.items()) if count}
        return ImportReport(self.rows, self.kept, self.merged, self.rejected, counted, round(seconds, 3))


def _json(entry: Mapping[str, Any]) -> str:
    text = json.dumps(entry, ensure_ascii=False, default=str)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # half a surrogate pair cannot be written
