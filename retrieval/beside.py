"""What was learned, in folders beside the versions of an index: it serves later versions too, until it is learned again.

Of a name such as ``learned`` there are ``learned-….`` folders and ``learned.json``, which names the one in use.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retrieval.index import read_json, write_json

logger = logging.getLogger(__name__)
_OUTDATED = "outdated"


def write_beside(folder: Path, name: str, save: Callable[[Path], None], note: dict[str, Any]) -> None:
    """Write beside what is in use, switch by one rename, and remove the old.

    Args:
        folder: of the index.
        name: of what was learned.
        save: writes it into a folder, which it makes.
        note: what is to be known when it is read.
    """
    new = f"{name}-{time.time_ns():x}"
    save(folder / new)
    write_json(folder / f"{name}.json", {**note, "folder": new})
    for old in folder.glob(f"{name}-*"):
        if old.name != new:
            shutil.rmtree(old, ignore_errors=True)


def find_beside(folder: Path, name: str, command: str) -> tuple[dict[str, Any], Path] | None:
    """Return the note and the folder in use; None when nothing was learned.

    Args:
        folder: of the index.
        name: of what was learned.
        command: that learns it again, told where it is outdated.
    """
    note = read_json(folder / f"{name}.json")
    if not note or not (folder / str(note["folder"])).is_dir():
        return None
    if why := note.get(_OUTDATED):
        logger.warning("what was learned in %s should be learned again, for %s: python app.py %s", folder, why, command)
    return note, folder / str(note["folder"])


def mark_outdated(folder: Path, why: str) -> None:
    """Note of everything learned beside an index that it should be learned again; it serves until then.

    Args:
        folder: of the index.
        why: what is told each time it is read.
    """
    for path in folder.glob("*.json"):
        note = read_json(path)
        if "folder" in note:
            write_json(path, {**note, _OUTDATED: why})
