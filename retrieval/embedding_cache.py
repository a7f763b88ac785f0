"""Keeps the vectors of the latest queries: people wish for the same things in the same words, and start pages ask the same."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from retrieval.embedder import Embedder, Vectors

SIZE = 4096  # texts; at 512 dimensions 8 MiB


class CachedEmbedder:
    """Another embedder that remembers queries; the longest unused goes first. Thread-safe.

    A vector is the one that the embedder gives, to the bit, because it embeds each query alone, whatever stands beside it (a
    contract of :class:`retrieval.embedder.Embedder` that the tests check). Items are embedded in batches, in which the default
    embedder's vectors differ in the second digit: they are not remembered. Of a text only a digest is kept.
    """

    def __init__(self, embedder: Embedder, told: Callable[[bool], None] | None = None, size: int = SIZE) -> None:
        """Wrap an embedder.

        Args:
            embedder: makes what is not there yet.
            told: whether a look-up was a hit, for each text.
            size: texts at most.

        Raises:
            ValueError: a cache of none.
        """
        if size < 1:
            raise ValueError(f"a cache of {size} texts would remember nothing")
        self._embedder, self._told, self._size = embedder, told, size
        self._rows: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """That of the wrapped embedder."""
        return self._embedder.fingerprint

    def __len__(self) -> int:
        """How many texts are remembered."""
        return len(self._rows)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) rows, embedding the texts that are not remembered; two threads may do the same text once each."""
        if not texts:
            return self._embedder.embed_queries(texts)
        names = [_digest(text) for text in texts]
        found: dict[bytes, Vectors] = {}
        with self._lock:
            for name in names:
                if name in self._rows:
                    self._rows.move_to_end(name)
                    found[name] = self._rows[name]
        if self._told:
            for name in names:
                self._told(name in found)
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in found}
        if missing:
            made = self._embedder.embed_queries(list(missing.values()))
            found.update((name, row.copy()) for name, row in zip(missing, made, strict=True))  # a view would hold all rows
            with self._lock:
                self._rows.update((name, found[name]) for name in missing)
                while len(self._rows) > self._size:
                    self._rows.popitem(last=False)
        return np.stack([found[name] for name in names])

    def embed_items(self, texts: Sequence[str]) -> Vectors:
        """Embed as the wrapped embedder does."""
        return self._embedder.embed_items(texts)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
