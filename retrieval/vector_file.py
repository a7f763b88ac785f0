"""Rows of vectors in a plain file while a build makes them: a killed Chroma cannot be trusted to have kept them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from retrieval.embedder import Vectors


class VectorFile:
    """Rows of float32, appended and read in one order; what a kill cut off counts as not written."""

    def __init__(self, path: Path, dimension: int, rows: int) -> None:
        """Open.

        Args:
            path: of the file, which need not exist.
            dimension: of the rows there are; 0 when there are none.
            rows: that were written whole.
        """
        self.path, self.dimension = path, dimension
        size = path.stat().st_size if path.is_file() and dimension else 0
        self._written = min(rows, size // (4 * dimension)) if dimension else 0
        self.rows = 0  # read or appended so far

    def read(self, count: int) -> Vectors | None:
        """Return the next rows; None, from then on, when not all of them were written."""
        if self.rows + count > self._written:
            self._written = 0
            return None
        found = np.fromfile(self.path, np.float32, count * self.dimension, offset=4 * self.rows * self.dimension)
        self.rows += count
        return found.reshape(count, self.dimension)

    def append(self, vectors: Vectors) -> None:
        """Write rows after those that were read or appended, and wait until they are on the disk."""
        self.dimension = int(vectors.shape[1])
        with self.path.open("r+b" if self.path.is_file() else "wb") as file:
            file.truncate(4 * self.rows * self.dimension)
            file.seek(0, os.SEEK_END)
            file.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
            file.flush()
            os.fsync(file.fileno())
        self.rows += len(vectors)
