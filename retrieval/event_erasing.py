"""Takes one person out of the imported log of a catalogue, and out of what was noted while it was imported."""

from __future__ import annotations

import json
import os
import re
import uuid
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from retrieval.event_log import clean_up, connect, current_file, switch
from retrieval.event_sort import COLUMNS, quoted, write_sorted

_NOTES = "rejected.jsonl", "merged.jsonl"  # rows that were set aside, each with its user


def erase_user(folder: Path, user: str) -> int:
    """Write the log again without a person's events, switch to it, and remove the old file.

    The index that was built with the log is out of date afterwards, and is built again when it is next opened: nothing of the
    person is left in its tables either.

    Args:
        folder: of the log.
        user: whose events go.

    Returns:
        How many events they were.
    """
    for name in _NOTES:
        _without(folder / name, user)
    old = current_file(folder)
    if old is None:
        return 0
    source = f"read_parquet({quoted(old)}, file_row_number = true)"
    with TemporaryDirectory(dir=folder, prefix="import-") as work, closing(connect(Path(work) / "spill")) as db:
        row = db.execute(f"SELECT count(*) FROM {source} WHERE user_id = ?", [user]).fetchone()
        gone = int(row[0]) if row else 0
        if gone:
            db.execute(f"CREATE TABLE erased AS SELECT {quoted(user)} AS user_id")
            db.execute(
                f"CREATE VIEW rest AS SELECT file_row_number AS ord, {COLUMNS} FROM {source} ANTI JOIN erased USING (user_id)"
            )
            new = Path(work) / f"events-{uuid.uuid4().hex}.parquet"
            write_sorted(db, "rest", new, Path(work))
            switch(folder, new)
    clean_up(folder)
    return gone


def _without(path: Path, user: str) -> None:
    """Remove the lines of a person from a file of notes."""
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not _is_of(line, user)]
    if len(kept) < len(lines):
        new = path.with_name(f"{path.name}.new")
        new.write_text("".join(kept), encoding="utf-8")
        os.replace(new, path)


def _is_of(line: str, user: str) -> bool:
    try:
        return _mentions(json.loads(line), user)
    except ValueError:
        return user in line


def _mentions(entry: Any, user: str) -> bool:
    if isinstance(entry, dict):
        return any(_mentions(value, user) for value in cast("dict[str, Any]", entry).values())
    if isinstance(entry, list):
        return any(_mentions(value, user) for value in cast("list[Any]", entry))
    return str(entry) == user or (
        isinstance(entry, str) and user in re.split(r"[\s,;|\t\"]+", entry)
    )  # a row that was no table's
