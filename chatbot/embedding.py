"""Loads the embedding model that the settings ask for."""

from __future__ import annotations

from chatbot.llm.weights import manifest_name, resolve
from chatbot.settings import Settings
from retrieval.embedder import Embedder, HashingEmbedder, SentenceTransformerEmbedder


def build_embedder(settings: Settings) -> Embedder:
    """Load the embedding model that the settings ask for.

    Raises:
        WeightsError: it is missing or cannot be loaded.
    """
    if settings.embedder == "hashing":
        return HashingEmbedder()
    name = manifest_name(settings.embedder, "embedder")
    return SentenceTransformerEmbedder(resolve(settings.embedder, "embedder", settings.weights_folder), name=name)
