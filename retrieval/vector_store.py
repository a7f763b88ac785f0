"""The VectorStore seam: vectors by id, and the nearest ones by cosine similarity."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from retrieval.embedder import Vectors

Metadata = Mapping[str, "str | int | float"]
Where = Mapping[str, "str | int | float"]


class VectorStore(Protocol):
    """Holds float32 rows of unit length under string ids."""

    def upsert(self, ids: Sequence[str], vectors: Vectors, metadata: Sequence[Metadata]) -> None:
        """Store or replace n records. Replacing replaces the metadata whole."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Remove records; unknown ids are ignored."""
        ...

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[tuple[str, float]]:
        """Return up to k (id, cosine similarity), best first, among records whose metadata equals ``where``."""
        ...

    def get(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of the known ids among those given."""
        ...

    def count(self) -> int:
        """Return the number of records."""
        ...


class InMemoryVectorStore:
    """Exact search with NumPy, in one process."""

    def __init__(self) -> None:
        """Start empty."""
        self._vectors: dict[str, Vectors] = {}
        self._metadata: dict[str, Metadata] = {}

    def upsert(self, ids: Sequence[str], vectors: Vectors, metadata: Sequence[Metadata]) -> None:
        """Store or replace."""
        for item_id, vector, data in zip(ids, vectors, metadata, strict=True):
            self._vectors[item_id] = vector.astype(np.float32)
            self._metadata[item_id] = dict(data)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove."""
        for item_id in ids:
            self._vectors.pop(item_id, None)
            self._metadata.pop(item_id, None)

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[tuple[str, float]]:
        """Compare with every record."""
        ids = [i for i in self._vectors if all(self._metadata[i].get(key) == value for key, value in (where or {}).items())]
        if not ids or k <= 0:
            return []
        scores = np.stack([self._vectors[i] for i in ids]) @ vector.ravel()
        order = sorted(range(len(ids)), key=lambda n: (-float(scores[n]), ids[n]))[:k]
        return [(ids[n], float(scores[n])) for n in order]

    def get(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Look up."""
        return {i: self._vectors[i] for i in ids if i in self._vectors}

    def count(self) -> int:
        """Count."""
        return len(self._vectors)


class ChromaVectorStore:
    """A collection of a Chroma client (embedded or server), cosine space, without an embedding function of its own.

    Chroma 1.5 merges metadata on upsert, keeps another space silently, and limits a batch: see docs/decisions/0003.
    """

    def __init__(self, client: Any, name: str) -> None:
        """Open or create the collection."""
        self._client = client
        self._collection = client.get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        self._batch = int(client.get_max_batch_size())

    @classmethod
    def on_disk(cls, folder: Path, name: str) -> ChromaVectorStore:
        """Open a folder. One process at a time: hold the index lock."""
        chromadb: Any = importlib.import_module("chromadb")
        settings: Any = importlib.import_module("chromadb.config").Settings(anonymized_telemetry=False, allow_reset=False)
        return cls(chromadb.PersistentClient(path=str(folder), settings=settings), name)

    def upsert(self, ids: Sequence[str], vectors: Vectors, metadata: Sequence[Metadata]) -> None:
        """Store or replace, in batches that Chroma takes."""
        unique = dict(zip(ids, range(len(ids)), strict=True))  # the last of repeated ids wins
        rows = list(unique.values())
        existing = self._existing_keys(list(unique))
        for start in range(0, len(rows), self._batch):
            part = rows[start : start + self._batch]
            self._collection.upsert(
                ids=[ids[n] for n in part],
                embeddings=vectors[part],
                metadatas=[{**dict.fromkeys(existing.get(ids[n], ())), **metadata[n]} or None for n in part],
            )

    def _existing_keys(self, ids: list[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for start in range(0, len(ids), self._batch):
            got = self._collection.get(ids=ids[start : start + self._batch], include=["metadatas"])
            found.update({i: tuple(data or ()) for i, data in zip(got["ids"], got["metadatas"], strict=True)})
        return found

    def delete(self, ids: Sequence[str]) -> None:
        """Remove."""
        unique = list(dict.fromkeys(ids))  # Chroma refuses repeated ones
        for start in range(0, len(unique), self._batch):
            self._collection.delete(ids=unique[start : start + self._batch])

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[tuple[str, float]]:
        """Ask Chroma's HNSW index; similarity = 1 - cosine distance. It takes a k beyond its count, and counts slowly."""
        if k <= 0:
            return []
        clauses: list[dict[str, Any]] = [{key: {"$eq": value}} for key, value in (where or {}).items()]
        condition = None if not clauses else clauses[0] if len(clauses) == 1 else {"$and": clauses}
        got = self._collection.query(query_embeddings=[vector.ravel()], n_results=k, where=condition, include=["distances"])
        pairs = [(i, 1.0 - float(d)) for i, d in zip(got["ids"][0], got["distances"][0], strict=True)]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def get(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Look up."""
        if not ids:
            return {}
        got = self._collection.get(ids=list(dict.fromkeys(ids)), include=["embeddings"])
        return {i: np.asarray(v, dtype=np.float32) for i, v in zip(got["ids"], got["embeddings"], strict=True)}

    def count(self) -> int:
        """Count."""
        return int(self._collection.count())

    def close(self) -> None:
        """Let Chroma finish what it writes in the background, and let go of the folder."""
        self._client.close()
