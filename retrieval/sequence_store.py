"""The sequence model, on disk beside the versions of the index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retrieval.beside import find_beside, write_beside
from retrieval.sequence import SequenceModel

NAME = "sequence"


def save_sequence(model: SequenceModel, folder: Path, note: dict[str, Any], *, helps: bool) -> None:
    """Keep a model.

    Args:
        model: to be kept.
        folder: of the index.
        note: what was measured.
        helps: whether it is to be used.
    """
    write_beside(folder, NAME, model.save, {**note, "helps": helps})


def load_sequence(folder: Path) -> SequenceModel | None:
    """Read the model of an index's folder; None when there is none, or it does not help."""
    found = find_beside(folder, NAME, "train-sequence")
    return SequenceModel.load(found[1]) if found and found[0]["helps"] else None
