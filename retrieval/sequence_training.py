"""Trains the sequence model on a CPU: cross-entropy with sampled negatives, early stopping, and going on after a kill."""

# PyTorch says little of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from retrieval.item_table import Positions
from retrieval.sequence import LENGTH, SequenceModel

LEAST = 3  # items of a person who teaches something: one held out, one to come next, one before it
CHECKED = 2000  # people whose last item is looked for after every epoch
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    """How the model is trained; the defaults are for logs of up to some millions of events.

    Attributes:
        width: of the embeddings.
        blocks: of attention and of two layers each.
        dropout: of embeddings and blocks.
        batch: people at once.
        rate: of learning.
        epochs: at most.
        patience: epochs without a better nDCG before it stops.
        negatives: items drawn for every batch, against which the next item must stand out; a smaller catalogue is taken whole.
        seed: of weights, order, dropout and negatives.
    """

    width: int = 64
    blocks: int = 2
    dropout: float = 0.3
    batch: int = 128
    rate: float = 1e-3
    epochs: int = 60
    patience: int = 4
    negatives: int = 2048
    seed: int = 0


class SelfAttention(nn.Module):
    """The sums of :class:`retrieval.sequence.SequenceModel`, to be trained."""

    def __init__(self, items: int, settings: SequenceSettings) -> None:
        """Begin with small random weights."""
        super().__init__()
        self.items = nn.Parameter(0.02 * torch.randn(items, settings.width))
        self.places = nn.Parameter(0.02 * torch.randn(LENGTH, settings.width))
        self.blocks = nn.ModuleList(_Block(settings) for _ in range(settings.blocks))
        self.last = nn.LayerNorm(settings.width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        """Return (people, length, width): what is looked for after every item.

        Args:
            rows: (people, length) of items, aligned to the right.
            there: the same shape: whether there is an item.
        """
        length = rows.shape[1]
        x = self.dropout(self.items[rows] + self.places[LENGTH - length :])
        mask = torch.ones(length, length, dtype=torch.bool).triu(1)[None] | ~there[:, None, :]
        mask = mask & ~torch.eye(length, dtype=torch.bool)[None]  # a place without items attends to itself, not to nothing
        for block in self.blocks:
            x = block(x, mask)
        return self.last(x)


class _Block(nn.Module):
    def __init__(self, settings: SequenceSettings) -> None:
        super().__init__()
        width = settings.width
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        normed = self.first(x)
        logits = self.query(normed) @ self.key(normed).transpose(1, 2) / normed.shape[-1] ** 0.5
        x = x + self.dropout(torch.softmax(logits.masked_fill(mask, -1e9), -1) @ self.value(normed))
        return x + self.dropout(self.narrow(self.dropout(torch.relu(self.wide(self.second(x))))))


class SequenceTrainer:
    """Trains on people's items in the order in which they came; the last item of each is held out to know when to stop."""

    def __init__(self, ids: Sequence[str], people: Sequence[Positions], settings: SequenceSettings | None = None) -> None:
        """Take the data.

        Args:
            ids: of the items.
            people: rows of the items of everyone, oldest first; those with fewer than three teach nothing.
            settings: how to train.
        """
        self.ids, self.settings = list(ids), settings or SequenceSettings()
        self._people = [person[-LENGTH - 2 :] for person in people if len(person) >= LEAST]
        chance = np.random.default_rng(self.settings.seed)
        count = min(CHECKED, len(self._people))
        self._checked = chance.choice(len(self._people), count, replace=False).tolist() if count else []

    def train(
        self,
        checkpoint: Path | None = None,
        progress: Callable[[int, float], None] = lambda _epoch, _quality: None,
    ) -> tuple[SequenceModel, float]:
        """Train until nothing gets better.

        Args:
            checkpoint: file that is written after every epoch, and from which a killed training of the same data and settings
                goes on; removed at the end.
            progress: told each epoch and its nDCG@10 on the held-out items.

        Returns:
            The model of the best epoch, and its nDCG@10.

        Raises:
            ValueError: nobody has three items.
        """
        if not self._people:
            raise ValueError("nobody has three items in the log")
        torch.manual_seed(self.settings.seed)
        model = SelfAttention(len(self.ids), self.settings)
        optimizer = torch.optim.AdamW(model.parameters(), lr=self.settings.rate, weight_decay=0.01)
        state: dict[str, Any] = {"epoch": 0, "best": -1.0, "weights": None, "waited": 0}
        self._resume(checkpoint, model, optimizer, state)
        while state["epoch"] < self.settings.epochs and state["waited"] <= self.settings.patience:
            state["epoch"] += 1
            self._epoch(model, optimizer, state["epoch"])
            quality = self._quality(_exported(self.ids, model))
            better = quality > state["best"]
            state["waited"] = 0 if better else state["waited"] + 1
            if better:
                state |= {"best": quality, "weights": {name: w.clone() for name, w in model.state_dict().items()}}
            progress(state["epoch"], quality)
            self._keep(checkpoint, model, optimizer, state)
        model.load_state_dict(state["weights"])
        if checkpoint:
            checkpoint.unlink(missing_ok=True)
        return _exported(self.ids, model), float(state["best"])

    def _epoch(self, model: SelfAttention, optimizer: torch.optim.Optimizer, epoch: int) -> None:
        generator = torch.Generator().manual_seed(1000 * self.settings.seed + epoch)
        torch.manual_seed(1000 * self.settings.seed + epoch)  # a training that goes on drops what an unbroken one would
        model.train()
        for chosen in torch.randperm(len(self._people), generator=generator).split(self.settings.batch):
            rows, there, targets = self._batch(chosen.tolist())
            found = model(rows, there)[there]
            wanted = targets[there]
            loss = self._loss(model, found, wanted, generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()

    def _loss(self, model: SelfAttention, found: Tensor, wanted: Tensor, generator: torch.Generator) -> Tensor:
        """Cross-entropy of the next item among all items, or among itself and those drawn for the batch."""
        n, count = len(self.ids), self.settings.negatives
        if n <= count:
            return functional.cross_entropy(found @ model.items.T, wanted)
        drawn = torch.randint(n, (count,), generator=generator)
        right = (found * model.items[wanted]).sum(1, keepdim=True)
        wrong = (found @ model.items[drawn].T).masked_fill(drawn[None] == wanted[:, None], -1e9)
        return functional.cross_entropy(torch.cat([right, wrong], 1), torch.zeros(len(wanted), dtype=torch.long))

    def _batch(self, chosen: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return items, whether they are there, and the next items; the last one of everyone is in none of them."""
        taught = [self._people[n][:-1] for n in chosen]
        length = min(max(map(len, taught)) - 1, LENGTH)
        rows = np.zeros((len(taught), length), np.int64)
        there, targets = np.zeros((len(taught), length), bool), np.zeros((len(taught), length), np.int64)
        for n, person in enumerate(taught):
            before, after = person[:-1][-length:], person[1:][-length:]
            rows[n, length - len(before) :], targets[n, length - len(after) :] = before, after
            there[n, length - len(before) :] = True
        return torch.from_numpy(rows), torch.from_numpy(there), torch.from_numpy(targets)

    def _quality(self, model: SequenceModel) -> float:
        """Return nDCG@10 of the held-out items among all that their people did not have before."""
        total = 0.0
        for n in self._checked:
            *known, target = self._people[n].tolist()
            scores = model.scores(np.array(known, np.int32))
            scores[[row for row in known if row != target]] = -np.inf
            rank = int((scores > scores[target]).sum())
            total += 1 / math.log2(rank + 2) if rank < _DEPTH else 0.0
        return float(total) / max(len(self._checked), 1)

    # -- going on after a kill --------------------------------------------------------------------------------------

    def _fingerprint(self) -> str:
        digest = hashlib.blake2b(repr((astuple(self.settings), len(self.ids))).encode(), digest_size=16)
        for person in self._people:
            digest.update(person.tobytes() + b"|")
        return digest.hexdigest()

    def _resume(
        self, checkpoint: Path | None, model: SelfAttention, optimizer: torch.optim.Optimizer, state: dict[str, Any]
    ) -> None:
        if checkpoint is None or not checkpoint.is_file():
            return
        kept = torch.load(checkpoint, weights_only=True)
        if kept["of"] == self._fingerprint():
            model.load_state_dict(kept["model"])
            optimizer.load_state_dict(kept["optimizer"])
            state |= kept["state"]

    def _keep(
        self, checkpoint: Path | None, model: SelfAttention, optimizer: torch.optim.Optimizer, state: dict[str, Any]
    ) -> None:
        if checkpoint is None:
            return
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        new = checkpoint.with_name(f"{checkpoint.name}.new")
        kept = {"of": self._fingerprint(), "model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state}
        torch.save(kept, new)
        os.replace(new, checkpoint)


def _exported(ids: Sequence[str], model: SelfAttention) -> SequenceModel:
    weights = {name: w.detach().numpy().copy() for name, w in model.state_dict().items()}
    renamed = {name.replace(".query.weight", ".query").replace(".key.weight", ".key"): w for name, w in weights.items()}
    return SequenceModel(ids, {name.replace(".value.weight", ".value"): w for name, w in renamed.items()})
