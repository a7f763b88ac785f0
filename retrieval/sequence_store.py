"""What was learned of the order of things, on disk beside the versions of the index."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from retrieval.beside import find_beside, write_beside
from retrieval.collaborative import ItemItemIndex
from retrieval.sequence import SequenceModel

NAME = "sequence"
NEXT = FOLLOWING, SEQUENCE = "following", "sequence"  # channels of what comes next


def save_sequence(
    model: SequenceModel, following: ItemItemIndex, folder: Path, note: dict[str, Any], used: Collection[str]
) -> None:
    """Keep both.

    Args:
        model: by self-attention.
        following: what follows what.
        folder: of the index.
        note: what was measured.
        used: of :data:`NEXT` those that help.
    """

    def save(path: Path) -> None:
        model.save(path)
        following.save(path / FOLLOWING)

    write_beside(folder, NAME, save, {**note, "used": sorted(used)})


def load_sequence(folder: Path) -> tuple[SequenceModel | None, ItemItemIndex | None]:
    """Read what helps, of an index's folder: the model, and what follows what."""
    found = find_beside(folder, NAME, "train-sequence")
    if found is None:
        return None, None
    note, path = found
    used: list[str] = note.get("used", [])  # an older note has none
    return (
        SequenceModel.load(path) if SEQUENCE in used else None,
        ItemItemIndex.load(path / FOLLOWING) if FOLLOWING in used else None,
    )
