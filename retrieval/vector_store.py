"""The VectorStore seam: vectors by id, and the nearest ones by cosine similarity."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from retrieval.chroma_server import ANSWER_SECONDS, connect, disconnect, server_failed, unusable
from retrieval.embedder import Vectors
from retrieval.errors import VectorServerError

logger = logging.getLogger(__name__)
Metadata = Mapping[str, "str | int | float"]
Where = Mapping[str, "str | int | float"]
REST_SECONDS = 10.0  # a server that failed is not asked to search before


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

    def __init__(self, client: Any, name: str, url: str = "") -> None:
        """Open or create the collection.

        Args:
            client: of Chroma.
            name: of the collection.
            url: of the server, for the messages; empty: there is none.
        """
        self._client, self._url = client, url
        self._down: VectorServerError | None = None
        self._rests = 0.0
        self._collection = self._ask(
            client.get_or_create_collection, name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        self._batch = int(self._ask(client.get_max_batch_size))

    @classmethod
    def on_disk(cls, folder: Path, name: str) -> ChromaVectorStore:
        """Open a folder. One process at a time: hold the index lock."""
        chromadb: Any = importlib.import_module("chromadb")
        settings: Any = importlib.import_module("chromadb.config").Settings(anonymized_telemetry=False, allow_reset=False)
        return cls(chromadb.PersistentClient(path=str(folder), settings=settings), name)

    @classmethod
    def on_server(cls, url: str, name: str, seconds: float = ANSWER_SECONDS) -> ChromaVectorStore:
        """Open a collection of a server, which many processes may use.

        Args:
            url: address of the server.
            name: of the collection.
            seconds: to wait for an answer.

        Raises:
            SettingsError: the address cannot be one.
            VectorServerError: the server cannot be reached or fails.
        """
        return cls(connect(url, seconds), name, url)

    def _ask(self, call: Callable[..., Any], *arguments: Any, **fields: Any) -> Any:
        try:
            return call(*arguments, **fields)
        except Exception as error:
            if self._url and server_failed(error):
                raise unusable(self._url, error) from error
            raise

    def upsert(self, ids: Sequence[str], vectors: Vectors, metadata: Sequence[Metadata]) -> None:
        """Store or replace, in batches that Chroma takes."""
        unique = dict(zip(ids, range(len(ids)), strict=True))  # the last of repeated ids wins
        rows = list(unique.values())
        existing = self._existing_keys(list(unique))
        for start in range(0, len(rows), self._batch):
            part = rows[start : start + self._batch]
            self._ask(
                self._collection.upsert,
                ids=[ids[n] for n in part],
                embeddings=vectors[part],
                metadatas=[{**dict.fromkeys(existing.get(ids[n], ())), **metadata[n]} or None for n in part],
            )

    def _existing_keys(self, ids: list[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for start in range(0, len(ids), self._batch):
            got = self._ask(self._collection.get, ids=ids[start : start + self._batch], include=["metadatas"])
            found.update({i: tuple(data or ()) for i, data in zip(got["ids"], got["metadatas"], strict=True)})
        return found

    def delete(self, ids: Sequence[str]) -> None:
        """Remove."""
        unique = list(dict.fromkeys(ids))  # Chroma refuses repeated ones
        for start in range(0, len(unique), self._batch):
            self._ask(self._collection.delete, ids=unique[start : start + self._batch])

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[tuple[str, float]]:
        """Ask Chroma's HNSW index; similarity = 1 - cosine distance. It takes a k beyond its count, and counts slowly.

        Raises:
            VectorServerError: the server does not answer, or did not a moment ago.
        """
        if k <= 0:
            return []
        if self._down and time.monotonic() < self._rests:  # not every turn is to wait until it is sure that none answers
            raise self._down
        clauses: list[dict[str, Any]] = [{key: {"$eq": value}} for key, value in (where or {}).items()]
        condition = None if not clauses else clauses[0] if len(clauses) == 1 else {"$and": clauses}
        fields = {"query_embeddings": [vector.ravel()], "n_results": k, "where": condition, "include": ["distances"]}
        try:
            got = self._ask(self._collection.query, **fields)
            self._down = None
        except VectorServerError as error:
            self._down, self._rests = error, time.monotonic() + REST_SECONDS
            logger.warning("%s Until then all vectors are compared here.", error)
            raise
        pairs = [(i, 1.0 - float(d)) for i, d in zip(got["ids"][0], got["distances"][0], strict=True)]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def get(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Look up."""
        if not ids:
            return {}
        got = self._ask(self._collection.get, ids=list(dict.fromkeys(ids)), include=["embeddings"])
        return {i: np.asarray(v, dtype=np.float32) for i, v in zip(got["ids"], got["embeddings"], strict=True)}

    def count(self) -> int:
        """Count."""
        return int(self._ask(self._collection.count))

    def close(self) -> None:
        """Let Chroma finish what it writes in the background, and let go of the folder, or of the connections."""
        disconnect(self._client)
