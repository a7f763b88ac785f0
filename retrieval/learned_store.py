"""What was learned, beside the versions of the index: it serves later ones too, until something else is learned."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Any

from retrieval.index import CatalogIndex, read_json, write_json
from retrieval.item_table import ItemTable
from retrieval.learned import VERSION, Learned

logger = logging.getLogger(__name__)

NAME = "learned"


def load_learned(index: CatalogIndex, folder: Path) -> Learned | None:
    """Read what was learned for an index; None when nothing was, or with another embedder or version of the code.

    Args:
        index: open.
        folder: of the index.
    """
    meta = read_json(folder / f"{NAME}.json")
    if not meta or not (folder / str(meta["folder"])).is_dir():
        return None
    if meta["embedder"] != index.embedder.fingerprint or meta["version"] != VERSION:
        logger.warning("what was learned in %s is of another embedder or version: python app.py train-ranker", folder)
        return None
    if why := meta.get("outdated"):
        logger.warning("what was learned in %s should be learned again, for %s: python app.py train-ranker", folder, why)
    table = ItemTable(index.items.values(), index.domain)
    vectors = index.vectors_of(table.ids, index.domain.languages[0])
    return Learned.load(folder / str(meta["folder"]), table, vectors, log_similarities(index, table))


def save_learned(learned: Learned, folder: Path, embedder: str, note: dict[str, Any]) -> None:
    """Write beside what is in use, switch by one rename, and remove the old.

    Args:
        learned: to be kept.
        folder: of the index.
        embedder: the fingerprint of the one it was learned with.
        note: what it was learned from.
    """
    name = f"{NAME}-{time.time_ns():x}"
    learned.save(folder / name)
    write_json(folder / f"{NAME}.json", {**note, "embedder": embedder, "version": VERSION, "folder": name})
    for old in folder.glob(f"{NAME}-*"):
        if old.name != name:
            shutil.rmtree(old, ignore_errors=True)


def mark_outdated(folder: Path, why: str) -> None:
    """Note that what was learned should be learned again; it serves until then.

    Args:
        folder: of the index.
        why: what :func:`load_learned` says each time.
    """
    if meta := read_json(folder / f"{NAME}.json"):
        write_json(folder / f"{NAME}.json", {**meta, "outdated": why})


def log_similarities(index: CatalogIndex, table: ItemTable) -> dict[str, Any]:
    """Return what the index knows from the log of how alike items are: name -> sparse (n, n)."""
    own = {"collaborative": index.collaborative, "ease": index.ease}
    return {name: log.matrix(table.positions) for name, log in own.items() if log is not None}
