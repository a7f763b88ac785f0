"""The vectors of a catalogue in plain files beside the vector store, read where they lie.

Chroma finds neighbours fast, but takes a tenth of a millisecond for each vector that it gives back, and a search among given
ids misses one neighbour in ten. Where constraints leave little, every vector of what is left is needed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrieval.embedder import Vectors
from retrieval.errors import IndexMissingError
from retrieval.vector_store import VectorStore

ROWS = "rows"
_BATCH = 2000


def rows_path(version: Path, language: str) -> Path:
    """Return where a version of an index keeps the vectors of the cards in a language."""
    return version / ROWS / f"{language}.npy"


def open_rows(path: Path, names: Sequence[str], store: VectorStore, rebuild: str) -> Vectors:
    """Return the (n, d) vectors of some records, in their order, from a file; one that is absent is written first.

    Args:
        path: of the file, in a folder whose store never changes.
        names: of the records, n; at least one.
        store: that holds them.
        rebuild: the command that rebuilds the index, for the message.

    Raises:
        IndexMissingError: the store lacks a record.
    """
    if not path.is_file():
        _write(path, names, store, rebuild)
    return np.load(path, mmap_mode="r")


def _write(path: Path, names: Sequence[str], store: VectorStore, rebuild: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    rows: Vectors | None = None
    for start in range(0, len(names), _BATCH):
        batch = names[start : start + _BATCH]
        found = store.get(batch)
        if len(found) < len(batch):
            raise IndexMissingError(
                f"The index in {path.parent.parent} lacks the vectors of {len(batch) - len(found)} or more records. "
                f"Rebuild it: {rebuild}",
                key="error_no_index",
                command=rebuild,
            )
        vectors = np.stack([found[name] for name in batch])
        if rows is None:
            rows = np.lib.format.open_memmap(temporary, "w+", np.float32, (len(names), vectors.shape[1]))
        rows[start : start + len(batch)] = vectors
    if isinstance(rows, np.memmap):
        rows.flush()
        os.replace(temporary, path)
