"""What a message is for, learned from examples: a linear model over the embedder's vectors, for wordings that no cue has.

The examples (``cues/intents.jsonl``) are our own, in both languages. Weights are learned once for an embedder and kept beside
the index; asking costs one embedding.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.settings import Settings
from retrieval.embedder import Embedder

EXAMPLES = Path(__file__).parent / "cues" / "intents.jsonl"
STRENGTH = 10.0  # inverse of the L2 penalty: 3, 10 and 30 were within a percent of each other on held-out messages
_BATCH = 64

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Guesses what a message is for.

    Attributes:
        embedder: of the messages.
        names: of the intents, some with a kind: ``unsafe.self_harm``.
        weights: (intents, d).
        bias: (intents,).
    """

    embedder: Embedder
    names: tuple[str, ...]
    weights: Floats
    bias: Floats

    def guess(self, message: str) -> tuple[str, float]:
        """Return the likeliest intent of a message, and its probability among all."""
        logits = self.weights @ self.embedder.embed_queries([message])[0] + self.bias
        likely = np.exp(logits - logits.max())
        best = int(likely.argmax())
        return self.names[best], float(likely[best] / likely.sum())

    @classmethod
    def fit(cls, embedder: Embedder, examples: Sequence[tuple[str, str]]) -> IntentModel:
        """Learn from (intent, message) pairs: logistic regression, every intent with the same weight."""
        linear: Any = import_module("sklearn.linear_model")
        texts = [text for _, text in examples]
        vectors = [embedder.embed_queries(texts[n : n + _BATCH]) for n in range(0, len(texts), _BATCH)]
        model = linear.LogisticRegression(C=STRENGTH, max_iter=2000, class_weight="balanced")
        model.fit(np.concatenate(vectors), [intent for intent, _ in examples])
        names = tuple(map(str, model.classes_))
        return cls(embedder, names, np.asarray(model.coef_, np.float32), np.asarray(model.intercept_, np.float32))


def load_intents(embedder: Embedder, folder: Path, examples: Path = EXAMPLES) -> IntentModel:
    """Read the weights for an embedder and these examples, or learn and keep them.

    Args:
        embedder: of the messages.
        folder: where weights are kept; made when it is missing.
        examples: JSON lines with ``intent`` and ``text``.
    """
    raw = examples.read_bytes()
    key = hashlib.sha256(embedder.fingerprint.encode() + raw).hexdigest()[:16]
    path = folder / f"intents-{key}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return IntentModel(embedder, tuple(map(str, kept["names"])), kept["weights"], kept["bias"])
    lines = [json.loads(line) for line in raw.decode().splitlines() if line.strip()]
    model = IntentModel.fit(embedder, [(line["intent"], line["text"]) for line in lines])
    folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{uuid.uuid4().hex}.npz")  # several catalogues, or processes, may begin at once
    np.savez(draft, names=np.array(model.names), weights=model.weights, bias=model.bias)
    draft.replace(path)
    return model


def guess_for(embedder: Embedder, settings: Settings) -> Callable[[str], tuple[str, float]] | None:
    """Return what guesses intents by the settings' embedder; None for hashed words, which know no likeness of meaning."""
    return None if settings.embedder == "hashing" else load_intents(embedder, settings.data_folder).guess
