"""The sequence model: what comes next after the last items, by self-attention; here it only answers, in NumPy.

SASRec: Kang and McAuley, "Self-attentive sequential recommendation" (ICDM 2018), with the norms before each part and the output
tied to the items' embeddings. Trained by :mod:`retrieval.sequence_training`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from retrieval.item_table import Floats, Positions

LENGTH = 50  # latest items that are attended to
_EPSILON = 1e-5  # of a layer's norm, as PyTorch has it


class SequenceModel:
    """Scores every item as the next one."""

    def __init__(self, ids: Sequence[str], weights: Mapping[str, Floats]) -> None:
        """Hold what training found.

        Args:
            ids: of the items, in the order of the embeddings' rows.
            weights: name -> array, as in :class:`retrieval.sequence_training.SelfAttention`.
        """
        self.ids, self.weights = tuple(ids), dict(weights)
        self._rows = {item_id: n for n, item_id in enumerate(self.ids)}
        self._blocks = len({name.split(".")[1] for name in self.weights if name.startswith("blocks.")})

    def rows(self, ids: Sequence[str]) -> Positions:
        """Return the rows of those ids that training saw, in their order."""
        return np.array([self._rows[item_id] for item_id in ids if item_id in self._rows], np.int32)

    def scores(self, rows: Positions) -> Floats:
        """Return the (n,) logits of all items to come next.

        Args:
            rows: of the items so far, the last one last; at least one. Only the last :data:`LENGTH` count.
        """
        w, rows = self.weights, rows[-LENGTH:]
        x = w["items"][rows] + w["places"][LENGTH - len(rows) :]
        later = np.triu(np.ones((len(rows), len(rows)), bool), 1)
        for n in range(self._blocks):
            name = f"blocks.{n}"
            normed = _norm(x, w, f"{name}.first")
            asked, keys, values = (normed @ w[f"{name}.{part}"].T for part in ("query", "key", "value"))
            logits = np.where(later, -np.inf, asked @ keys.T / np.sqrt(asked.shape[1]))
            attention = np.exp(logits - logits.max(axis=1, keepdims=True))
            x = x + attention / attention.sum(axis=1, keepdims=True) @ values
            hidden = np.maximum(_norm(x, w, f"{name}.second") @ w[f"{name}.wide.weight"].T + w[f"{name}.wide.bias"], 0)
            x = x + hidden @ w[f"{name}.narrow.weight"].T + w[f"{name}.narrow.bias"]
        return (w["items"] @ _norm(x[-1:], w, "last")[0]).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: array.astype(np.float32) for name, array in self.weights.items()}
        np.savez_compressed(folder / "weights.npz", **arrays)  # pyright: ignore[reportArgumentType]
        (folder / "items.json").write_text(json.dumps(self.ids), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> SequenceModel:
        """Read what :meth:`save` wrote."""
        with np.load(folder / "weights.npz") as stored:
            weights = {name: stored[name] for name in stored.files}
        return cls(json.loads((folder / "items.json").read_text(encoding="utf-8")), weights)


def _norm(x: Floats, weights: Mapping[str, Floats], name: str) -> Floats:
    centred = x - x.mean(axis=1, keepdims=True)
    scale = np.sqrt(centred.var(axis=1, keepdims=True) + _EPSILON)
    return centred / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]
