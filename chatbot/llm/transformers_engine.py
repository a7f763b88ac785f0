"""transformers: any causal language model with a chat template, on a GPU or a CPU."""

from __future__ import annotations

import importlib
import inspect
import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from jinja2.exceptions import TemplateError
from transformers.generation.stopping_criteria import StoppingCriteria

from chatbot.llm import cpu_dtype
from chatbot.llm.base import Prompt, check_log_probabilities, first_object, until_stop
from retrieval.errors import EngineError, WeightsError

DType: TypeAlias = Literal["auto", "bfloat16", "float32"]
transformers: Any = importlib.import_module("transformers")
SLOTS = 3  # prompts whose computation is kept: the reading, the vote and the reasons
# Prompts are read in chunks of this many tokens, so that a cancelled call ends soon. Whole chunks alone are kept and used
# again: every product then has the same shape and the same input with a kept cache as without, and so the same result.
CHUNK = 64


class _StopWhen(StoppingCriteria):
    """Stops generation when a function says so."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> Any:
        return torch.full((input_ids.shape[0],), self._stopped(), dtype=torch.bool, device=input_ids.device)


@dataclass(slots=True)
class _Kept:
    """The key-value cache after whole chunks of a prompt."""

    ids: list[int]
    cache: Any


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _fold_system(prompt: Prompt) -> list[dict[str, str]]:
    """Put the system text into the first user message, for templates without a system role."""
    messages = prompt.messages()[1:]
    messages[0] = {"role": "user", "content": f"{prompt.system}\n\n{messages[0]['content']}"}
    return messages


def _local_folder(model: Path | str) -> Path:
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if isinstance(model, Path):
        raise WeightsError(f"No model folder at {path}. Run 'python app.py weights' to fetch it.", key="error_weights")
    try:
        return Path(importlib.import_module("huggingface_hub").snapshot_download(model, local_files_only=True))
    except Exception as error:
        problem = f"The model '{model}' is not in the local hub cache. Run 'python app.py weights' with this model to fetch it."
        raise WeightsError(problem, key="error_weights") from error


class TransformersModel:
    """A safetensors folder, or a hub id that was fetched before. One call computes at a time; others wait."""

    def __init__(self, model: Path | str, *, threads: int = 0, dtype: DType = "auto", context_tokens: int = 0) -> None:
        """Load the model; nothing is downloaded.

        Args:
            model: folder or hub id.
            threads: of the processor; 0 means one a core.
            dtype: ``auto`` means bfloat16 on a GPU, and whichever type is faster and fits into memory on a CPU.
            context_tokens: longest prompt and answer together; 0 means what the model was made for.

        Raises:
            WeightsError: it is not there.
            EngineError: it cannot be loaded, or has no chat template.
        """
        folder = _local_folder(model)
        self._name = folder.name if Path(model).expanduser().is_dir() else str(model)
        affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(threads or affinity)
        transformers.utils.logging.disable_progress_bar()
        try:
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = self._load(folder, dtype)
        except Exception as error:
            raise EngineError(
                f"transformers cannot load {self._name}: {error}. Is it a causal language model in safetensors?",
                key="error_engine",
            ) from error
        if not self._tokenizer.chat_template:
            problem = f"{self._name} has no chat template. Use an instruction-tuned model."
            raise EngineError(problem, key="error_engine")
        limit = int(getattr(self._model.config.get_text_config(), "max_position_embeddings", 0) or 0)
        self._context = min((n for n in (limit, context_tokens) if n > 0), default=1 << 20)
        # transformers 5.21 renamed the argument; Python 3.10 has 5.20 at most
        parameters = inspect.signature(self._model.forward).parameters
        self._cache_name = "cache" if "cache" in parameters else "past_key_values"
        self._set_greedy()
        # Only plain caches can be cut back: not those of sliding windows or recurrent layers.
        self._plain = all(type(layer).__name__ == "DynamicLayer" for layer in self._new_cache().layers)
        self._kept: list[_Kept] = []
        self._lock = threading.Lock()

    @staticmethod
    def _load(folder: Path, dtype: DType) -> Any:
        if torch.accelerator.is_available():
            chosen = torch.bfloat16 if dtype == "auto" else getattr(torch, dtype)
            return transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=chosen, device_map="auto", local_files_only=True
            ).eval()
        if dtype == "auto":
            config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
            with torch.device("meta"):
                parameters = transformers.AutoModelForCausalLM.from_config(config).num_parameters()
            text = config.get_text_config()
            hidden = int(text.hidden_size)
            chosen = cpu_dtype.choose(parameters, hidden, int(getattr(text, "intermediate_size", 0) or 4 * hidden))
        else:
            chosen = getattr(torch, dtype)
        return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=chosen, local_files_only=True).eval()

    def _set_greedy(self) -> None:
        """Replace the published sampling settings, penalties included; only the end tokens are kept."""
        published: Any = self._model.generation_config
        ends: Any = published.eos_token_id
        known = {end for end in (ends if isinstance(ends, list) else [ends]) if isinstance(end, int)}  # pyright: ignore[reportUnknownVariableType]
        if self._tokenizer.eos_token_id is not None:
            known.add(self._tokenizer.eos_token_id)
        pad = published.pad_token_id if published.pad_token_id is not None else min(known, default=0)
        self._model.generation_config = transformers.GenerationConfig(
            do_sample=False, eos_token_id=sorted(known) or None, pad_token_id=pad, bos_token_id=published.bos_token_id
        )

    @property
    def description(self) -> Mapping[str, str]:
        """Engine and name."""
        return {"engine": "transformers", "name": self._name}

    def _apply_template(self, messages: list[dict[str, str]], prompt: Prompt) -> str:
        ending = {"continue_final_message": True} if prompt.prefix else {"add_generation_prompt": True}
        # Hybrid models would think aloud first; templates without the switch ignore it.
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, enable_thinking=False, **ending))

    def _encode(self, prompt: Prompt) -> list[int]:
        """Return the token ids of the prompt in the model's own chat format."""
        try:
            try:
                text = self._apply_template(prompt.messages(), prompt)
                folded = bool(prompt.system) and prompt.system.strip() not in text  # some templates drop it silently
            except TemplateError:
                if not prompt.system:
                    raise
                text, folded = "", True
            if folded:
                text = self._apply_template(_fold_system(prompt), prompt)
        except Exception as error:
            raise EngineError(f"The chat template of {self._name} fails: {error}. Use another model.") from error
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) >= self._context:
            raise EngineError(
                f"The prompt has {len(ids)} tokens; {self._name} takes {self._context - 1}. Shorten it, or "
                "raise ZHIYIN_CONTEXT_TOKENS."
            )
        return ids

    def _new_cache(self) -> Any:
        return transformers.DynamicCache(config=self._model.config)

    def _take_cache(self, ids: list[int]) -> Any:
        """Return the kept cache with most whole chunks in common, cut to them. The last token is never among them."""
        best = max(self._kept, key=lambda kept: _common(kept.ids, ids), default=None)
        common = min(_common(best.ids, ids), len(ids) - 1) // CHUNK * CHUNK if best else 0
        if best is None or not common:
            return self._new_cache()
        self._kept.remove(best)
        best.cache.crop(common - best.cache.get_seq_length())
        return best.cache

    def _keep(self, ids: list[int], cache: Any) -> None:
        whole = (len(ids) - 1) // CHUNK * CHUNK
        if cache is not None and whole:
            cache.crop(whole - cache.get_seq_length())
            self._kept = [_Kept(ids[:whole], cache), *self._kept][:SLOTS]

    def _tensor(self, ids: list[int]) -> torch.Tensor:
        return torch.tensor([ids], device=self._model.device)

    def _read(self, ids: list[int], stopped: Callable[[], bool]) -> Any:
        """Read all tokens but the last into a cache, in chunks, so that a cancelled call ends soon."""
        if not self._plain:
            return None
        cache = self._take_cache(ids)
        for start in range(cache.get_seq_length(), len(ids) - 1, CHUNK):
            if stopped():
                break
            piece = self._tensor(ids[start : min(start + CHUNK, len(ids) - 1)])
            self._model.base_model(input_ids=piece, use_cache=True, **{self._cache_name: cache})
        return cache

    def _generate(self, ids: list[int], max_tokens: int, streamer: Any, stopped: Callable[[], bool]) -> None:
        with torch.inference_mode():
            cache = self._read(ids, stopped)
            if stopped():
                return
            tokens = self._tensor(ids)
            self._model.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                **{self._cache_name: cache},
                max_new_tokens=min(max_tokens, self._context - len(ids)),
                streamer=streamer,
                stopping_criteria=transformers.StoppingCriteriaList([_StopWhen(stopped)]),
            )
            self._keep(ids, cache)

    def stream(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancel: threading.Event | None = None
    ) -> Generator[str, None, None]:
        """Yield text as it is decoded in a thread; closing this generator stops and joins that thread."""
        ids = self._encode(prompt)
        streamer = transformers.TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        closed = threading.Event()
        failures: list[Exception] = []

        def stopped() -> bool:
            return closed.is_set() or (cancel is not None and cancel.is_set())

        def run() -> None:
            try:
                with self._lock:
                    if max_tokens > 0 and not stopped():
                        self._generate(ids, max_tokens, streamer, stopped)
            except Exception as error:
                failures.append(error)
            finally:
                streamer.text_queue.put(streamer.stop_signal)

        worker = threading.Thread(target=run, name="transformers-stream", daemon=True)
        worker.start()
        try:
            yield from until_stop((piece for piece in streamer if piece), stop)
        finally:
            closed.set()
            worker.join()
        if failures:
            raise EngineError(f"transformers failed: {failures[0]}") from failures[0]

    def fill(self, prompt: Prompt, schema: Mapping[str, Any], *, max_tokens: int, cancel: threading.Event | None = None) -> str:
        """Decode freely up to the end of the first JSON object: nothing holds the model to the schema."""
        with closing(self.stream(prompt, max_tokens=max_tokens, cancel=cancel)) as pieces:
            return first_object(pieces)

    def _label_id(self, label: str) -> int:
        ids: list[int] = self._tokenizer.encode(label, add_special_tokens=False)
        if len(ids) != 1 or ids[0] == self._tokenizer.unk_token_id:
            raise EngineError(f"'{label}' is no single token of {self._name}. Use single letters as labels.")
        return ids[0]

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Read the log-probabilities at the answer position of one forward pass."""
        tokens = {label: self._label_id(label) for label in labels}
        ids = self._encode(prompt)
        try:
            with self._lock, torch.inference_mode():
                cache = self._read(ids, lambda: False)
                rest = ids if cache is None else ids[-1:]
                answer = self._model(input_ids=self._tensor(rest), use_cache=cache is not None, **{self._cache_name: cache})
                rows = torch.log_softmax(answer.logits[0, -1].float(), dim=-1)
                scores = {label: float(rows[token]) for label, token in tokens.items()}
                self._keep(ids, cache)
        except Exception as error:
            raise EngineError(f"transformers failed: {error}") from error
        return check_log_probabilities(scores)
