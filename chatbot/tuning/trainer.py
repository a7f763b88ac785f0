"""Trains an adapter for the vote: softmax over the labels at the answer position, LoRA on the attention.

LoRA: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from chatbot.llm.adapter import import_peft, quiet
from chatbot.llm.chat_format import encode, label_id
from chatbot.llm.manifest import local_folder
from chatbot.reranking import LABELS
from chatbot.tuning.ballots import Ballot
from retrieval.domain import Domain
from retrieval.errors import EngineError, SettingsError

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
WARM_UP = 0.1  # share of the steps in which the learning rate rises
CLIP = 1.0  # norm of a step's gradient


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the adapter is trained; the defaults are for a GPU.

    Attributes:
        rank: of the matrices.
        alpha: what they add is multiplied by alpha / rank.
        dropout: share of their inputs that is dropped in training.
        learning_rate: the highest, of AdamW; it rises in the first steps and falls to 0 along a cosine.
        epochs: how often every ballot is read, each time in another order.
        batch: ballots read together.
        accumulation: batches a step.
        steps: stop after so many; 0: none is left out.
        device: ``auto``: a GPU where there is one. bfloat16 on a GPU, float32 on a CPU.
        seed: of everything that is chosen by chance.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.05
    learning_rate: float = 2e-4
    epochs: int = 2
    batch: int = 8
    accumulation: int = 2
    steps: int = 0
    device: Device = "auto"
    seed: int = 0


class Trainer:
    """One model with a new adapter, which at first changes nothing."""

    def __init__(self, model: Path | str, recipe: Recipe, domain: Domain) -> None:
        """Load the model.

        Args:
            model: folder or hub id.
            recipe: how to train.
            domain: of the items.

        Raises:
            WeightsError: the model is not there.
            SettingsError: peft is not installed, or there is no GPU where one was asked for.
            EngineError: the model cannot be loaded, or its attention has other names.
        """
        peft = import_peft()
        self._torch: Any = importlib.import_module("torch")
        self.device = _device(recipe.device, self._torch)
        self._recipe, self._domain = recipe, domain
        folder = local_folder(model)
        self._name = folder.name
        transformers: Any = importlib.import_module("transformers")
        transformers.utils.logging.disable_progress_bar()
        dtype = self._torch.bfloat16 if self.device == "cuda" else self._torch.float32
        self._torch.manual_seed(recipe.seed)
        lora = peft.LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=recipe.dropout,
            target_modules=list(ATTENTION),
            task_type="CAUSAL_LM",
        )
        try:
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            base = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
            self.config: Any = base.config
            with quiet():
                self._model: Any = peft.get_peft_model(base.to(self.device), lora)
        except Exception as error:
            raise EngineError(f"{self._name} cannot be tuned: {error}", key="error_engine") from error
        self._labels = [label_id(self._tokenizer, label, self._name) for label in LABELS]

    def score(self, ballots: Sequence[Ballot]) -> list[list[float]]:
        """Return for each ballot the natural log-probability of each of its labels, those of its labels alone."""
        self._model.eval()
        rows: list[list[float]] = []
        with self._torch.inference_mode():
            for start in range(0, len(ballots), self._recipe.batch):
                batch = ballots[start : start + self._recipe.batch]
                scores = self._torch.log_softmax(self._logits(batch), dim=-1).tolist()
                rows += [row[: len(ballot.items)] for row, ballot in zip(scores, batch, strict=True)]
        return rows

    def train(self, ballots: Sequence[Ballot], progress: Callable[[float], None] = lambda _done: None) -> list[float]:
        """Train on ballots.

        Args:
            ballots: in any order of their items: it is drawn anew each time.
            progress: told how much is done, 0..1.

        Returns:
            The mean loss of each step, in nats.

        Raises:
            EngineError: the loss is no number.
        """
        recipe, torch = self._recipe, self._torch
        torch.manual_seed(recipe.seed)
        steps = recipe.epochs * math.ceil(len(ballots) / (recipe.batch * recipe.accumulation))
        steps = min(steps, recipe.steps) if recipe.steps else steps
        weights = [weight for weight in self._model.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(rate_at, steps=steps))
        self._model.train()
        told: list[float] = []
        for epoch in range(recipe.epochs):
            order: list[int] = np.random.default_rng((recipe.seed, epoch)).permutation(len(ballots)).tolist()
            drawn = [ballots[n].shuffled(recipe.seed, epoch, n) for n in order]
            size = recipe.batch * recipe.accumulation
            for start in range(0, len(drawn), size):
                if len(told) == steps:
                    return told
                told.append(self._step(drawn[start : start + size]))
                torch.nn.utils.clip_grad_norm_(weights, CLIP)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                progress(len(told) / steps)
        return told

    def save(self, folder: Path, name: str) -> None:
        """Write peft's files into a folder that is there.

        Args:
            folder: for them.
            name: of the base model, as they shall call it.
        """
        self._model.peft_config["default"].base_model_name_or_path = name
        with quiet():
            self._model.save_pretrained(str(folder), save_embedding_layers=False)  # else it asks the hub about the base model
        (folder / "README.md").unlink(missing_ok=True)  # a form to be filled in

    def _step(self, ballots: Sequence[Ballot]) -> float:
        """Add the gradient of the mean loss of a step's ballots, and return that loss."""
        whole = 0.0
        for start in range(0, len(ballots), self._recipe.batch):
            batch = ballots[start : start + self._recipe.batch]
            answers = self._torch.tensor([ballot.answer for ballot in batch], device=self.device)
            loss = self._torch.nn.functional.cross_entropy(self._logits(batch), answers, reduction="sum") / len(ballots)
            loss.backward()
            whole += float(loss.detach())
        if not math.isfinite(whole):
            raise EngineError("The loss is no number any more. Tune again with a lower --learning-rate.")
        return whole

    def _logits(self, ballots: Sequence[Ballot]) -> Any:
        """Return (ballots, 10) logits of the labels at the answer position; -inf for labels that a ballot lacks."""
        torch = self._torch
        rows = [encode(self._tokenizer, ballot.prompt(self._domain), self._name) for ballot in ballots]
        longest = max(len(row) for row in rows)
        # On the left, so that every answer position is the last one.
        ids = torch.tensor([[0] * (longest - len(row)) + row for row in rows], device=self.device)
        there = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=self.device)
        places = (there.cumsum(-1) - 1).clamp(min=0)
        read = self._model(input_ids=ids, attention_mask=there, position_ids=places, logits_to_keep=1, use_cache=False)
        logits = read.logits[:, -1, self._labels].float()
        sizes = torch.tensor([[len(ballot.items)] for ballot in ballots], device=self.device)
        absent = torch.arange(len(LABELS), device=self.device)[None, :] >= sizes
        return logits.masked_fill(absent, -math.inf)


def rate_at(step: int, steps: int) -> float:
    """Return the share of the highest learning rate in a step: it rises in the first :data:`WARM_UP`, then falls to 0.

    The cosine is that of Loshchilov and Hutter, "SGDR" (ICLR 2017), without restarts.
    """
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _device(asked: Device, torch: Any) -> str:
    there = bool(torch.cuda.is_available())
    if asked == "cuda" and not there:
        raise SettingsError("torch finds no NVIDIA GPU. Use '--device cpu', or an installation of torch with CUDA.")
    return "cuda" if there and asked != "cpu" else "cpu"
