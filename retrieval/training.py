"""Learns from moments of conversations what comes next: popularity, co-mentions, the interest encoder and the ranker.

The ranker must not see its channels on the moments that they were trained on, for there they look too good: it learns from
channels that were trained without the dialogue (cross-fitting, as in stacking: Wolpert, Neural Networks 1992).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from retrieval.channels import Search, as_arrays, find_all
from retrieval.collaborative import ItemItemIndex
from retrieval.embedder import RememberingEmbedder
from retrieval.encoder_training import EncoderTrainer, Pair
from retrieval.errors import TrainingError
from retrieval.index import CatalogIndex
from retrieval.item_table import Floats, ItemTable
from retrieval.learned import Learned, pool, rank_input, wished
from retrieval.learned_store import log_similarities
from retrieval.ranker import LearnedRanker
from retrieval.types import Query

FOLDS = 4
MIN_TARGETS = 200  # fewer cannot teach a ranker
TRAINING_POOL, TRAINING_POOL_EACH = 250, 40
_NEW_YEARS = 2, 4  # an item of the last so many years is new


@dataclass(frozen=True, slots=True)
class Example:
    """A moment of a conversation, and the items that came next.

    Attributes:
        group: of the dialogue: moments of one group are never in training and in test.
        query: what was known.
        targets: ids.
        ranked: whether the ranker learns from it; channels do from all.
        weight: how much it counts for the ranker, such as more for the few that are like what will be asked.
    """

    group: str
    query: Query
    targets: tuple[str, ...]
    ranked: bool = True
    weight: float = 1.0


class Trainer:
    """Learns for one catalogue."""

    def __init__(
        self,
        index: CatalogIndex,
        log: Any | None = None,
        progress: Callable[[str, float], None] = lambda _stage, _fraction: None,
        *,
        seed: int = 0,
    ) -> None:
        """Read the items.

        Args:
            index: of the catalogue, whose own channels are used.
            log: sparse (people, n) strengths; None: no log.
            progress: told what is being done, and the fraction of it.
            seed: of everything that is chosen by chance.
        """
        self.index = replace(index, embedder=RememberingEmbedder(index.embedder))
        self.table = ItemTable(index.items.values(), index.domain)
        self.vectors = index.vectors_of(self.table.ids, index.domain.languages[0])
        self._log, self._progress, self._seed = log, progress, seed
        self._similarities = log_similarities(index, self.table)

    def train(self, examples: Sequence[Example], trainer: EncoderTrainer | None = None) -> Learned:
        """Learn from examples; the same ones give the same models on the same machine.

        Args:
            examples: at least one target must be in the catalogue.
            trainer: of an earlier call with the same catalogue, log and wishes, so that the log is not learned again.

        Raises:
            TrainingError: no example has a target in the catalogue.
        """
        examples = [e for e in examples if any(t in self.table.positions for t in e.targets)]
        if not examples:
            raise TrainingError(
                "There is nothing to learn from: import dialogues (python app.py import-dialogues FILE) or a log of behaviour "
                "(python app.py import-events FILE) whose items are in the catalogue."
            )
        trainer = trainer or self.encoder_trainer({wish for e in examples for wish in wished(e.query)})
        ranked = [e for e in examples if e.ranked]
        whole = self._models(examples, trainer)
        if sum(len(e.targets) for e in ranked) < MIN_TARGETS:
            return whole
        features: list[Floats] = []
        relevant: list[Any] = []
        weights: list[float] = []
        names: list[str] = []
        for fold in range(FOLDS):
            self._progress("ranker", fold / FOLDS)
            held = [e for e in ranked if fold_of(e.group, FOLDS) == fold]
            rest = [e for e in examples if fold_of(e.group, FOLDS) != fold]
            if not held or not rest:
                continue
            models = self._models(rest, trainer)
            names = models.features.names
            for example in held:
                channels = as_arrays(find_all(self.search(example.query, models)), len(self.table))
                rows = pool(channels, TRAINING_POOL, TRAINING_POOL_EACH)
                right = np.isin(rows, self.table.rows(example.targets))
                if right.any():  # a target that no channel found cannot be added: it would be right by being ranked low
                    features.append(models.features.matrix(rank_input(example.query, channels, self.table), rows))
                    relevant.append(right)
                    weights.append(example.weight)
        if not features:
            return whole
        return replace(whole, ranker=LearnedRanker.fit(names, features, relevant, weights, seed=self._seed))

    def encoder_trainer(self, wishes: Iterable[tuple[str, str]]) -> EncoderTrainer:
        """Prepare the interest encoder: what it learns from the log does not depend on the examples."""
        self._progress("log", 0.0)
        return EncoderTrainer(self.table, self.vectors, sorted(wishes), self._log, seed=self._seed)

    def search(self, query: Query, models: Learned | None = None) -> Search:
        """Return the search for a query, in which what is liked or excluded cannot come back."""
        return Search(self.index, query, self.index.columns.without([*query.liked, *query.exclude]), models)

    def _models(self, examples: Sequence[Example], trainer: EncoderTrainer) -> Learned:
        n = len(self.table)
        popularity = np.zeros(n, np.float32)
        together: dict[str, dict[int, None]] = {}
        pairs: list[Pair] = []
        for example in examples:
            liked = self.table.rows(example.query.liked)
            targets = self.table.rows([t for t in example.targets if t not in example.query.liked])
            together.setdefault(example.group, {}).update(dict.fromkeys([*liked.tolist(), *targets.tolist()]))
            search = self.search(example.query)
            message = None if search.wish is None else search.wish.ravel()
            last = None if search.said is None else search.said[0]
            for target in targets.tolist():
                popularity[target] += 1
                pairs.append(Pair(message, last, liked, tuple(wished(example.query)), target))
        log_popularity = np.zeros(n, np.float32) if self._log is None else np.asarray(self._log.sum(axis=0), np.float32).ravel()
        encoder, prior = trainer.train(pairs, self._priors(popularity, log_popularity))
        cells = [(row, column) for row, columns in enumerate(together.values()) for column in columns]
        at = (np.array([r for r, _ in cells]), np.array([c for _, c in cells]))
        matrix = sparse.csr_matrix((np.ones(len(cells), np.float32), at), shape=(len(together), n))
        comention = ItemItemIndex.from_matrix(self.table.ids, matrix) if n > 1 else None
        return Learned(
            self.table,
            self.vectors,
            comention,
            popularity,
            log_popularity,
            encoder.over(self.table, self.vectors, prior),
            similarities=self._similarities,
        )

    def _priors(self, popularity: Floats, log_popularity: Floats) -> Floats:
        """(n, p): what the encoder may weigh beside meaning: both popularities, and how new an item is."""
        columns = [np.log1p(popularity), np.log1p(log_popularity)]
        if self.table.year:
            years = self.table.numbers[self.table.year]
            newest = float(np.nanmax(years)) if not np.isnan(years).all() else 0.0
            columns += [(years > newest - back).astype(np.float32) for back in _NEW_YEARS]
        return np.column_stack(columns).astype(np.float32)


def fold_of(group: str, folds: int, salt: str = "") -> int:
    """Return which of the folds a group is in, by a digest of its name."""
    return int.from_bytes(hashlib.blake2b(f"{salt}{group}".encode(), digest_size=4).digest(), "big") % folds
