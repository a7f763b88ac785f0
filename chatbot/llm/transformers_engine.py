"""transformers: any causal language model with a chat template, on a GPU or a CPU."""

from __future__ import annotations

import importlib
import inspect
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from transformers.generation.stopping_criteria import StoppingCriteria

from chatbot.llm import cpu_dtype
from chatbot.llm.adapter import Switch, attach
from chatbot.llm.base import Prompt, check_log_probabilities, first_object, take_pieces, until_stop
from chatbot.llm.chat_format import encode, label_id
from chatbot.llm.manifest import local_folder
from chatbot.llm.probe import cores
from retrieval.errors import EngineError

DType: TypeAlias = Literal["auto", "bfloat16", "float32"]
transformers: Any = importlib.import_module("transformers")
SLOTS = 3  # prompts whose computation is kept: the reading, the vote and the reasons
JOIN_SECONDS = 10.0  # a closed stream ends at its next token or chunk; an engine that hangs holds up nobody for ever
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
    """The key-value cache after whole chunks of a prompt, as the model with or without its adapter computed it."""

    ids: list[int]
    cache: Any
    adapted: bool


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


class TransformersModel:
    """A safetensors folder, or a hub id that was fetched before. One call computes at a time; others wait."""

    lets_go = True  # a caller of stream() or fill() is let go soon after cancel, also when the engine hangs

    def __init__(
        self,
        model: Path | str,
        *,
        threads: int = 0,
        dtype: DType = "auto",
        context_tokens: int = 0,
        adapter: Path | None = None,
    ) -> None:
        """Load the model; nothing is downloaded.

        Args:
            model: folder or hub id.
            threads: of the processor; 0 means one a core.
            dtype: ``auto`` means bfloat16 on a GPU, and whichever type is faster and fits into memory on a CPU.
            context_tokens: longest prompt and answer together; 0 means what the model was made for.
            adapter: folder of an adapter of this model, which votes; texts are the model's own.

        Raises:
            WeightsError: it is not there.
            SettingsError: there is an adapter, and peft is not installed.
            EngineError: it cannot be loaded, or has no chat template.
        """
        folder = local_folder(model)
        self._name = folder.name if Path(model).expanduser().is_dir() else str(model)
        torch.set_num_threads(threads or cores())
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
        self._adapter: Switch | None = attach(self._model, adapter) if adapter else None
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

    def _encode(self, prompt: Prompt) -> list[int]:
        """Return the token ids of the prompt in the model's own chat format."""
        ids = encode(self._tokenizer, prompt, self._name)
        if len(ids) >= self._context:
            raise EngineError(
                f"The prompt has {len(ids)} tokens; {self._name} takes {self._context - 1}. Shorten it, or "
                "raise ZHIYIN_CONTEXT_TOKENS."
            )
        return ids

    def _new_cache(self) -> Any:
        return transformers.DynamicCache(config=self._model.config)

    def _take_cache(self, ids: list[int], adapted: bool) -> Any:
        """Return the kept cache with most whole chunks in common, cut to them. The last token is never among them."""
        own = (kept for kept in self._kept if kept.adapted == adapted)
        best = max(own, key=lambda kept: _common(kept.ids, ids), default=None)
        common = min(_common(best.ids, ids), len(ids) - 1) // CHUNK * CHUNK if best else 0
        if best is None or not common:
            return self._new_cache()
        self._kept.remove(best)
        best.cache.crop(common - best.cache.get_seq_length())
        return best.cache

    def _keep(self, ids: list[int], cache: Any, adapted: bool = False) -> None:
        whole = (len(ids) - 1) // CHUNK * CHUNK
        if cache is not None and whole:
            cache.crop(whole - cache.get_seq_length())
            self._kept = [_Kept(ids[:whole], cache, adapted), *self._kept][:SLOTS]

    def _tensor(self, ids: list[int]) -> torch.Tensor:
        return torch.tensor([ids], device=self._model.device)

    def _read(self, ids: list[int], stopped: Callable[[], bool], adapted: bool = False) -> Any:
        """Read all tokens but the last into a cache, in chunks, so that a cancelled call ends soon."""
        if not self._plain:
            return None
        cache = self._take_cache(ids, adapted)
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
        """Yield text as it is decoded in a thread; closing this generator stops and joins that thread.

        A cancelled caller is let go at once; the thread ends at its next token or chunk of the prompt, and the next call waits
        for it.
        """
        ids = self._encode(prompt)
        streamer = transformers.TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        closed = threading.Event()

        def stopped() -> bool:
            return closed.is_set() or (cancel is not None and cancel.is_set())

        def run() -> None:
            try:
                with self._lock:
                    if max_tokens > 0 and not stopped():
                        self._generate(ids, max_tokens, streamer, stopped)
                streamer.text_queue.put(None)
            except Exception as error:
                streamer.text_queue.put(EngineError(f"transformers failed: {error}"))

        # no daemon: a thread that Python ends inside torch can abort the process
        worker = threading.Thread(target=run, name="transformers-stream", daemon=False)
        worker.start()
        try:
            yield from until_stop(take_pieces(streamer.text_queue, cancel), stop)
        finally:
            closed.set()
            if cancel is None or not cancel.is_set():
                worker.join(timeout=JOIN_SECONDS)

    def fill(self, prompt: Prompt, schema: Mapping[str, Any], *, max_tokens: int, cancel: threading.Event | None = None) -> str:
        """Decode freely up to the end of the first JSON object: nothing holds the model to the schema."""
        with closing(self.stream(prompt, max_tokens=max_tokens, cancel=cancel)) as pieces:
            return first_object(pieces)

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Read the log-probabilities at the answer position of one forward pass, with the adapter if there is one."""
        tokens = {label: label_id(self._tokenizer, label, self._name) for label in labels}
        ids = self._encode(prompt)
        adapted = self._adapter is not None
        try:
            with self._lock, torch.inference_mode(), (self._adapter or nullcontext)():
                cache = self._read(ids, lambda: False, adapted)
                rest = ids if cache is None else ids[-1:]
                answer = self._model(input_ids=self._tensor(rest), use_cache=cache is not None, **{self._cache_name: cache})
                rows = torch.log_softmax(answer.logits[0, -1].float(), dim=-1)
                scores = {label: float(rows[token]) for label, token in tokens.items()}
                self._keep(ids, cache, adapted)
        except Exception as error:
            raise EngineError(f"transformers failed: {error}") from error
        return check_log_probabilities(scores)
