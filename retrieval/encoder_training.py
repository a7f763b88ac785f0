"""Trains the interest encoder: full-softmax cross-entropy over the whole catalogue, on a CPU."""

# PyTorch says little of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from retrieval.encoder import LAST, InterestEncoder, ItemFeatures
from retrieval.item_table import Floats, ItemTable, Positions

WIDTH = 128
DROPOUT = 0.5
SMOOTHING = 0.1
BATCH = 64
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-4
EPOCHS = 8
PRETRAINING_EPOCHS = 6


@dataclass(frozen=True, slots=True)
class Pair:
    """A moment of a conversation or a log and the item that came next.

    Attributes:
        message: (d,) vector of what was said; None: nothing.
        last_message: (d,) vector of the last message.
        liked: rows of the items liked before, the last one last.
        wishes: (facet, value) pairs.
        target: row of the next item.
    """

    message: Floats | None
    last_message: Floats | None
    liked: Positions
    wishes: tuple[tuple[str, str], ...]
    target: int


class EncoderTrainer:
    """Holds what does not differ from one training to the next, such as the start that the log gives."""

    def __init__(
        self,
        table: ItemTable,
        vectors: Floats,
        wishes: Sequence[tuple[str, str]],
        log: Any | None = None,
        *,
        facets: bool = True,
        seed: int = 0,
    ) -> None:
        """Prepare the features.

        Args:
            table: of the items.
            vectors: (n, d) of their cards.
            wishes: every (facet, value) that pairs may hold.
            log: sparse (people, n) strengths: pairs of it are learned first.
            facets: see :meth:`retrieval.encoder.ItemFeatures.fit`.
            seed: of the order and of the dropout; the same seed gives the same weights on the same machine.
        """
        self.table, self.vectors, self.wishes, self.seed = table, vectors, list(wishes), seed
        self.features = ItemFeatures.fit(table, vectors, log, facets=facets)
        self._rows = torch.from_numpy(self.features.rows(table, vectors))
        self._start: dict[str, Tensor] | None = None
        if log is not None:
            pairs = log_pairs(log, seed)
            model = self._model(np.zeros((len(table), 0), np.float32))
            self._fit(model, pairs, PRETRAINING_EPOCHS, 1.5 * LEARNING_RATE, 2 * BATCH)
            self._start = {name: w for name, w in model.state_dict().items() if not name.startswith("prior")}

    def train(self, pairs: Sequence[Pair], prior: Floats, epochs: int = EPOCHS) -> tuple[InterestEncoder, Floats]:
        """Learn from pairs.

        Args:
            pairs: at least one.
            prior: (n, p): what is known of how likely each item is, such as log popularities; weighed in training.
            epochs: passes over the pairs.

        Returns:
            The encoder, and the (n,) prior to be added to its scores.
        """
        model = self._model(prior)
        if self._start is not None:
            model.load_state_dict({**model.state_dict(), **self._start})
        self._fit(model, pairs, epochs, LEARNING_RATE, BATCH)
        weights = {name: w.detach().numpy().copy() for name, w in model.state_dict().items() if not name.startswith("prior")}
        weights = {name.removesuffix(".weight"): w for name, w in weights.items()}
        with torch.no_grad():
            total = model.prior().numpy().copy()
        return InterestEncoder(self.features, weights, self.wishes), total

    def _model(self, prior: Floats) -> _Encoder:
        torch.manual_seed(self.seed)
        return _Encoder(self._rows, self.vectors.shape[1], len(self.wishes), torch.from_numpy(prior.astype(np.float32)))

    def _fit(self, model: _Encoder, pairs: Sequence[Pair], epochs: int, rate: float, batch: int) -> None:
        if not pairs:
            return
        data = self._tensors(pairs)
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=WEIGHT_DECAY)
        steps = epochs * -(-len(pairs) // batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
        generator = torch.Generator().manual_seed(self.seed)
        torch.manual_seed(self.seed)
        model.train()
        for _ in range(epochs):
            for chosen in torch.randperm(len(pairs), generator=generator).split(batch):
                *inputs, target = (part[chosen] for part in data)
                logits = model(*inputs)
                liked, there = inputs[2], inputs[3]
                logits = logits.scatter(1, liked, torch.where(there > 0, -1e4, logits.gather(1, liked)))  # never said again
                loss = functional.cross_entropy(logits, target, label_smoothing=SMOOTHING)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        model.eval()

    def _tensors(self, pairs: Sequence[Pair]) -> tuple[Tensor, ...]:
        none = np.zeros(self.vectors.shape[1], np.float32)
        messages = np.stack([none if p.message is None else p.message for p in pairs])
        lasts = np.stack([none if p.last_message is None else p.last_message for p in pairs])
        liked, there = np.zeros((len(pairs), LAST), np.int64), np.zeros((len(pairs), LAST), np.float32)
        wishes = np.zeros((len(pairs), max(len(self.wishes), 1)), np.float32)
        columns = {wish: n for n, wish in enumerate(self.wishes)}
        for n, pair in enumerate(pairs):
            if count := min(len(pair.liked), LAST):
                liked[n, -count:], there[n, -count:] = pair.liked[-LAST:], 1
            wishes[n, [columns[wish] for wish in pair.wishes if wish in columns]] = 1
        targets = np.array([pair.target for pair in pairs], np.int64)
        return tuple(torch.from_numpy(part) for part in (messages, lasts, liked, there, wishes, targets))


class _Encoder(nn.Module):
    """The same sums as :class:`retrieval.encoder.EncodedItems`, to be trained."""

    def __init__(self, rows: Tensor, text: int, wishes: int, prior: Tensor) -> None:
        super().__init__()
        features = rows.shape[1]

        def linear(size: int) -> nn.Linear:
            return nn.Linear(size, WIDTH, bias=False)

        self.item, self.key, self.value, self.last = (linear(features) for _ in range(4))
        self.query, self.message, self.last_message = (linear(text) for _ in range(3))
        self.wish = linear(max(wishes, 1))
        self.sharpness = nn.Parameter(torch.tensor([5.0]))
        self.prior_weights = nn.Parameter(torch.full((prior.shape[1],), 0.5))
        self.prior_items = nn.Parameter(torch.zeros(len(rows)))
        self.dropout = nn.Dropout(DROPOUT)
        self._rows, self._known = rows, prior

    def prior(self) -> Tensor:
        return self._known @ self.prior_weights + self.prior_items

    def forward(self, message: Tensor, last_message: Tensor, liked: Tensor, there: Tensor, wishes: Tensor) -> Tensor:
        rows = self.dropout(self._rows[liked])
        last = self.last(rows[:, -1]) * there[:, -1:]
        asked = functional.normalize(self.query(message) + last, dim=-1)
        keys = functional.normalize(self.key(rows), dim=-1)
        attention = (self.sharpness * (keys * asked[:, None]).sum(-1)).masked_fill(there == 0, -1e9)
        attention = torch.softmax(attention, -1) * there
        query = (attention[..., None] * self.value(rows)).sum(1) + last
        query = query + self.message(self.dropout(message)) + self.last_message(self.dropout(last_message)) + self.wish(wishes)
        return query @ self.dropout(self.item(self._rows)).T + self.prior()


def log_pairs(log: Any, seed: int, per_person: int = 12) -> list[Pair]:
    """Make pairs of a log: a few random items of a person, and another one.

    Args:
        log: sparse (people, n).
        seed: of the choice.
        per_person: at most so many, and at most one for every three items.
    """
    random = np.random.default_rng(seed)
    rows = log.tocsr()
    pairs: list[Pair] = []
    for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        items = rows.indices[start:end]
        for _ in range(min(per_person, len(items) // 3)):
            chosen = random.choice(items, min(len(items), int(random.integers(2, 7))), replace=False)
            pairs.append(Pair(None, None, chosen[:-1].astype(np.int32), (), int(chosen[-1])))
    return pairs
