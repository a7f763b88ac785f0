"""What dialogues and the log taught, on disk beside the versions of the index."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from retrieval.beside import find_beside, write_beside
from retrieval.index import CatalogIndex
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
    found = find_beside(folder, NAME, "train-ranker")
    if found is None:
        return None
    note, path = found
    if note["embedder"] != index.embedder.fingerprint or note["version"] != VERSION:
        logger.warning("what was learned in %s is of another embedder or version: python app.py train-ranker", folder)
        return None
    table = ItemTable(index.items.values(), index.domain)
    vectors = index.vectors_of(table.ids, index.domain.languages[0])
    return Learned.load(path, table, vectors, log_similarities(index, table))


def save_learned(learned: Learned, folder: Path, embedder: str, note: dict[str, Any]) -> None:
    """Keep what was learned; it is in use from then on.

    Args:
        learned: to be kept.
        folder: of the index.
        embedder: the fingerprint of the one it was learned with.
        note: what it was learned from.
    """
    write_beside(folder, NAME, learned.save, {**note, "embedder": embedder, "version": VERSION})


def log_similarities(index: CatalogIndex, table: ItemTable) -> dict[str, Any]:
    """Return what the index knows from the log of how alike items are: name -> sparse (n, n)."""
    own = {"collaborative": index.collaborative, "ease": index.ease}
    return {name: log.matrix(table.positions) for name, log in own.items() if log is not None}
