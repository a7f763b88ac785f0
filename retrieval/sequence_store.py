"""What was learned of the order of things, on disk beside the versions of the index."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from retrieval.beside import find_beside, write_beside
from retrieval.collaborative import ItemItemIndex
from retrieval.sequence import SequenceModel

NAME = "sequence"
_FOLLOWING = "following"  # folder inside


def save_sequence(
    model: SequenceModel, following: ItemItemIndex, folder: Path, note: dict[str, Any], used: Collection[str]
) -> None:
    """Keep both.

    Args:
        model: by self-attention.
        following: what follows what.
        folder: of the index.
        note: what was measured.
        used: of the names ``sequence`` and ``following`` those that help.
    """

    def save(path: Path) -> None:
        model.save(path)
        following.save(path / _FOLLOWING)

    write_beside(folder, NAME, save, {**note, "used": sorted(used)})


def load_sequence(folder: Path) -> tuple[SequenceModel | None, ItemItemIndex | None]:
    """Read what helps, of an index's folder: the model, and what follows what."""
    found = find_beside(folder, NAME, "train-sequence")
    used: list[str] = found[0].get("used", []) if found else []
    if found is None or not used:
        return None, None
    path = found[1]
    return (
        SequenceModel.load(path) if "sequence" in used else None,
        ItemItemIndex.load(path / _FOLLOWING) if "following" in used else None,
    )
