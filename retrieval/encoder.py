"""The interest encoder: what somebody says and what they like, mapped into the space of the items.

Items have frozen features (:class:`ItemFeatures`). A query is the sum of maps of its message, of its wishes and of the liked
items; those are attended to, as the target's keys answer the message (the attention of Bahdanau, Cho and Bengio, ICLR 2015, as
the deep interest network of Zhou et al., KDD 2018, uses it). Trained by :mod:`retrieval.encoder_training`; here it only
answers, in NumPy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from retrieval.item_table import Floats, ItemTable, Positions

_SPARSE: Any = sparse  # whose types are not known
_LINALG: Any = linalg

LAST = 10  # liked items that are attended to
FACET_DIMENSIONS = 128
LOG_DIMENSIONS = 48
_YEAR_STEP = 10.0
_DECADES = tuple(range(1900, 2040, 10))


@dataclass(frozen=True, slots=True)
class ItemFeatures:
    """How an item becomes a row of numbers.

    The vector of its card, less the mean; its facets, reduced by a singular value decomposition; its decade; and its factors in
    the log of behaviour. A part that a catalogue lacks has no columns.

    Attributes:
        mean: (d,) of the vectors.
        facets: (values, f): the reduction of the facets' columns, side by side in the order of ``names``.
        names: facet -> its values, in the order of the rows of ``facets``.
        factors: item id -> (l,); an item without is a row of zeros.
    """

    mean: Floats
    facets: Floats
    names: Mapping[str, Sequence[str]]
    factors: Mapping[str, Floats]

    @classmethod
    def fit(cls, table: ItemTable, vectors: Floats, log: Any | None = None, *, facets: bool = True) -> ItemFeatures:
        """Learn the reductions from a catalogue.

        Args:
            table: of the items.
            vectors: (n, d) of their cards.
            log: sparse (people, n) strengths; None: there is no log.
            facets: False leaves the facets out, so that the features mean the same in every catalogue.
        """
        lists = _side_by_side(table) if facets else None
        reduced = np.zeros((0, 0), np.float32)
        if lists is not None and min(lists.shape) > FACET_DIMENSIONS + 1:
            reduced = _decompose(lists, FACET_DIMENSIONS)[1]
        names = {name: list(values) for name, values in table.values.items()} if reduced.size else {}
        factors: dict[str, Floats] = {}
        if log is not None and min(log.shape) > LOG_DIMENSIONS + 1:
            rows = _unit(_decompose(log, LOG_DIMENSIONS)[1])
            factors = {item_id: row for item_id, row in zip(table.ids, rows, strict=True) if row.any()}
        return cls(vectors.mean(axis=0), reduced, names, factors)

    def rows(self, table: ItemTable, vectors: Floats) -> Floats:
        """Return the (n, features) rows of a catalogue, which may be another than the one learned from."""
        parts = [_unit(vectors - self.mean)]
        if self.names:
            total = np.zeros((len(table), self.facets.shape[1]), np.float32)
            start = 0
            for name, values in self.names.items():
                known = table.values.get(name, {})
                pairs = [(known[v], start + n) for n, v in enumerate(values) if v in known]
                if pairs:
                    here, there = map(list, zip(*pairs, strict=True))
                    total += table.lists[name][:, here] @ self.facets[there]
                start += len(values)
            parts.append(0.7 * _unit(total))
        if table.year:
            years = table.numbers[table.year]
            near = np.exp(-(((years[:, None] - np.array(_DECADES, np.float32)[None, :]) / _YEAR_STEP) ** 2))
            parts.append(np.nan_to_num(near).astype(np.float32))
        else:
            parts.append(np.zeros((len(table), len(_DECADES)), np.float32))
        if self.factors:
            none = np.zeros(len(next(iter(self.factors.values()))), np.float32)
            parts.append(np.stack([self.factors.get(item_id, none) for item_id in table.ids]))
        return np.concatenate(parts, axis=1, dtype=np.float32)


class InterestEncoder:
    """Scores every item for a query."""

    def __init__(self, features: ItemFeatures, weights: Mapping[str, Floats], wishes: Sequence[tuple[str, str]]) -> None:
        """Hold what training found.

        Args:
            features: of the items.
            weights: name -> matrix, see :mod:`retrieval.encoder_training`.
            wishes: the (facet, value) that has each column of the wish map.
        """
        self.features, self.weights, self.wishes = features, dict(weights), tuple(wishes)
        self._wish_rows = {wish: n for n, wish in enumerate(self.wishes)}

    def over(self, table: ItemTable, vectors: Floats, prior: Floats | None = None) -> EncodedItems:
        """Prepare a catalogue to be scored.

        Args:
            table: of the items.
            vectors: (n, d) of their cards, by the embedder that the encoder was trained with.
            prior: (n,) added to the scores; None: no item is more likely than another.
        """
        rows = self.features.rows(table, vectors)
        maps = {name: rows @ self.weights[name].T for name in ("item", "key", "value", "last")}
        return EncodedItems(self, maps, np.zeros(len(table), np.float32) if prior is None else prior)

    def wish_rows(self, wishes: Sequence[tuple[str, str]]) -> list[int]:
        """Return the columns of those wishes that training saw."""
        return [self._wish_rows[wish] for wish in wishes if wish in self._wish_rows]

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        features = self.features
        ids = list(features.factors)
        factors = np.stack([features.factors[i] for i in ids]) if ids else np.zeros((0, 0), np.float32)
        half = {name: array.astype(np.float16) for name, array in self.weights.items()}
        half |= {"features.facets": features.facets.astype(np.float16), "features.factors": factors.astype(np.float16)}
        np.savez_compressed(folder / "weights.npz", **half, **{"features.mean": features.mean})  # pyright: ignore[reportArgumentType]
        names = {name: list(values) for name, values in features.names.items()}
        meta = {"wishes": self.wishes, "facets": names, "items": ids}
        (folder / "encoder.json").write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> InterestEncoder:
        """Read what :meth:`save` wrote."""
        meta = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        with np.load(folder / "weights.npz") as stored:
            arrays = {name: stored[name].astype(np.float32) for name in stored.files}
        factors = dict(zip(meta["items"], arrays.pop("features.factors"), strict=True))
        features = ItemFeatures(arrays.pop("features.mean"), arrays.pop("features.facets"), meta["facets"], factors)
        return cls(features, arrays, [(facet, value) for facet, value in meta["wishes"]])


@dataclass(frozen=True, slots=True)
class EncodedItems:
    """A catalogue under the encoder's maps: ``maps`` holds (n, d) arrays."""

    encoder: InterestEncoder
    maps: Mapping[str, Floats]
    prior: Floats

    def scores(self, message: Floats, last_message: Floats, liked: Positions, wishes: Sequence[tuple[str, str]] = ()) -> Floats:
        """Return the (n,) scores of all items: logits of what is mentioned next.

        Args:
            message: (d,) vector of the conversation; zeros when nothing was said.
            last_message: (d,) vector of its last message.
            liked: rows of the liked items, the last one last.
            wishes: (facet, value) pairs.
        """
        weights, liked = self.encoder.weights, liked[-LAST:]
        query = weights["message"] @ message + weights["last_message"] @ last_message
        rows = self.encoder.wish_rows(wishes)
        if rows:
            query = query + weights["wish"][:, rows].sum(axis=1)
        if len(liked):
            last = self.maps["last"][liked[-1]]
            asked = _unit((weights["query"] @ message + last)[None, :])[0]
            attention = float(weights["sharpness"].ravel()[0]) * (_unit(self.maps["key"][liked]) @ asked)
            attention = np.exp(attention - attention.max())
            query = query + (attention / attention.sum()) @ self.maps["value"][liked] + last
        return (self.maps["item"] @ query + self.prior).astype(np.float32)


def _side_by_side(table: ItemTable) -> Any:
    return _SPARSE.hstack([table.lists[name] for name in table.values], format="csr") if table.values else None


def _decompose(cells: Any, k: int) -> tuple[Floats, Floats]:
    """Return (rows, k) and (columns, k) factors; the same matrix always gives the same, signs included."""
    cells = cells.astype(np.float64)
    try:
        left, sizes, right = _LINALG.svds(cells, k=k, v0=np.ones(min(cells.shape)))
    except _LINALG.ArpackError:  # seen on a log of many people with one event: its Krylov space gave out
        left, sizes, right = import_module("sklearn.utils.extmath").randomized_svd(cells, k, random_state=0)
    signs = np.sign(right[np.arange(k), np.abs(right).argmax(axis=1)])
    roots = np.sqrt(np.maximum(sizes, 0))
    return (left * signs * roots).astype(np.float32), (right.T * signs * roots).astype(np.float32)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(lengths > 1e-6, rows / np.maximum(lengths, 1e-6), 0).astype(np.float32)
