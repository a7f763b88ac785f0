"""The Embedder seam: texts to float32 rows of unit length."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import WeightsError

if TYPE_CHECKING:
    from retrieval.embedder_onnx import UniversalSentenceEncoder

Vectors = NDArray[np.float32]
BATCH = 32


class Embedder(Protocol):
    """Turns texts into vectors of unit length. Queries and items may be encoded differently."""

    @property
    def fingerprint(self) -> str:
        """Names the model, its dimension and its normalisation: vectors of two fingerprints cannot be compared."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32 rows of unit length for questions, each the same to the bit whatever stands beside it."""
        ...

    def embed_items(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32 rows of unit length for item cards."""
        ...


def unit_rows(vectors: Vectors) -> Vectors:
    """Scale each row to length 1; a zero row becomes the first axis, so that every row is a direction."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    safe = np.where(lengths > 0, vectors / np.where(lengths > 0, lengths, 1), 0).astype(np.float32)
    safe[(lengths == 0).ravel(), 0] = 1.0
    return safe


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, from a folder, a hub id in the local cache, or the ONNX file of ``models.md``."""

    def __init__(self, model: str | Path, *, name: str | None = None) -> None:
        """Load the model. Nothing is downloaded.

        Raises:
            WeightsError: the model is not there or cannot be loaded.
        """
        path = Path(model)
        self._graph: UniversalSentenceEncoder | None = None
        self._name = name or (path.name if path.exists() else str(model))
        try:
            self._model = self._load(path, str(model))
        except WeightsError:
            raise
        except Exception as error:
            raise WeightsError(
                f"The embedding model '{model}' cannot be loaded: {error}. Run 'python app.py weights', or name a "
                "sentence-transformers folder or a hub id that was fetched before.",
                key="error_weights",
            ) from error
        self._dimension = int(self._model.encode_query("a", show_progress_bar=False).shape[0])

    def _load(self, path: Path, model: str) -> Any:
        from sentence_transformers import SentenceTransformer

        if path.suffix == ".onnx":
            if not path.is_file():
                raise WeightsError(
                    f"No embedding model at {path}. Run 'python app.py weights' to fetch it.", key="error_weights"
                )
            from retrieval.embedder_onnx import UniversalSentenceEncoder

            self._graph = UniversalSentenceEncoder(path)
            return SentenceTransformer(modules=[self._graph], device="cpu")
        return SentenceTransformer(model, local_files_only=True)

    @property
    def fingerprint(self) -> str:
        """Model name, dimension and normalisation."""
        return f"sentence-transformers/{self._name}/{self._dimension}/unit"

    def _rows(self, vectors: Any) -> Vectors:
        return unit_rows(np.asarray(vectors, dtype=np.float32).reshape(-1, self._dimension))

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode as queries, one text a batch: a batched and a single call differ in the third digit."""
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        if self._graph is not None:  # the library around it takes longer than the graph itself
            return self._rows(np.concatenate([self._graph.vectors([text]) for text in texts]))
        return self._rows(self._model.encode_query(list(texts), batch_size=1, show_progress_bar=False))

    def embed_items(self, texts: Sequence[str]) -> Vectors:
        """Encode as documents."""
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        return self._rows(self._model.encode_document(list(texts), batch_size=BATCH, show_progress_bar=False))


class HashingEmbedder:
    """Signed hashing of words, and of Chinese character pairs: no weights, deterministic, lexical.

    Feature hashing after Weinberger et al., ICML 2009. Serves tests and the demo without weights.
    """

    def __init__(self, dimension: int = 256) -> None:
        """Choose the dimension."""
        self._dimension = dimension

    @property
    def fingerprint(self) -> str:
        """Name and dimension."""
        return f"hashing/v1/{self._dimension}/unit"

    def _embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            words = re.findall(r"[a-z0-9]+", text.lower())
            chars = re.findall(r"[\u3400-\u9fff]", text)
            for feature in [*words, *(a + b for a, b in pairwise(chars))]:
                digest = hashlib.blake2b(feature.encode(), digest_size=8).digest()
                position = int.from_bytes(digest[:4], "big") % self._dimension
                row[position] += 1.0 if digest[4] & 1 else -1.0
        return unit_rows(rows)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Hash each text."""
        return self._embed(texts)

    def embed_items(self, texts: Sequence[str]) -> Vectors:
        """Hash each text."""
        return self._embed(texts)


class RememberingEmbedder:
    """Another embedder that embeds no query twice: training reads every message of a dialogue several times."""

    def __init__(self, embedder: Embedder) -> None:
        """Wrap an embedder; every vector of a query stays in memory."""
        self._embedder = embedder
        self._queries: dict[str, Vectors] = {}

    @property
    def fingerprint(self) -> str:
        """That of the wrapped embedder."""
        return self._embedder.fingerprint

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed the texts that are new."""
        for text in texts:
            if text not in self._queries:
                self._queries[text] = self._embedder.embed_queries([text])[0]
        return np.stack([self._queries[text] for text in texts]) if texts else self._embedder.embed_queries([])

    def embed_items(self, texts: Sequence[str]) -> Vectors:
        """Embed as the wrapped embedder does."""
        return self._embedder.embed_items(texts)
