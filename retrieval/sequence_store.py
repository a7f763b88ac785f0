"""The sequence model beside the versions of an index: it serves later ones too, until another is trained."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from retrieval.index import read_json, write_json
from retrieval.sequence import SequenceModel

NAME = "sequence"


def save_sequence(model: SequenceModel, folder: Path, note: dict[str, Any], *, helps: bool) -> None:
    """Write beside what is in use, switch by one rename, and remove the old.

    Args:
        model: to be kept.
        folder: of the index.
        note: what was measured.
        helps: whether it is to be used.
    """
    name = f"{NAME}-{time.time_ns():x}"
    model.save(folder / name)
    write_json(folder / f"{NAME}.json", {**note, "helps": helps, "folder": name})
    for old in folder.glob(f"{NAME}-*"):
        if old.name != name and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)


def load_sequence(folder: Path) -> SequenceModel | None:
    """Read the model of an index's folder; None when there is none, or it does not help."""
    meta = read_json(folder / f"{NAME}.json")
    if not meta or not meta.get("helps") or not (folder / str(meta["folder"])).is_dir():
        return None
    return SequenceModel.load(folder / str(meta["folder"]))
