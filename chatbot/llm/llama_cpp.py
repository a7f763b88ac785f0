"""llama.cpp through xllamacpp: GGUF files on a CPU. The default engine where there is no GPU."""

from __future__ import annotations

import importlib
import json
import queue
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chatbot.llm.adapter import gguf_of
from chatbot.llm.base import Inbox, Prompt, check_log_probabilities, take_pieces
from chatbot.llm.probe import cores
from retrieval.errors import EngineError, WeightsError

SLOTS = 4  # prompts whose computation is kept: the vote and the reasons, in two languages (the reading is off by default)
PROMPT_CACHE_MIB = 128  # none beside an adapter: it would hand out what was computed with the adapter as the model's own
TOP = 200  # log-probabilities asked for first; the whole vocabulary only if a label is not among them
EVERYTHING = 1_000_000
# blanks as json.dumps writes them: where the model may choose, it may write blanks until its tokens are used up
BLANKS = {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
JOIN_SECONDS = 1.0  # a closed stream ends at its next token; while the prompt is being read that takes longer


class LlamaCppModel:
    """A GGUF file in this process. The library also listens on a random loopback port, closed by a secret key."""

    lets_go = True  # a caller of stream() or fill() is let go soon after cancel, also when the engine hangs

    def __init__(self, path: Path, *, context_tokens: int = 2048, threads: int = 0, adapter: Path | None = None) -> None:
        """Load the file.

        Args:
            path: of the weights.
            context_tokens: longest prompt and answer together.
            threads: of the processor; 0 means one a core.
            adapter: folder of an adapter of these weights, which votes; texts are the model's own.

        Raises:
            WeightsError: there is no such file.
            EngineError: the file or its adapter cannot be loaded.
        """
        if not path.is_file():
            raise WeightsError(f"No model file at {path}. Run 'python app.py weights' to fetch it.", key="error_weights")
        engine: Any = importlib.import_module("xllamacpp")
        self._to_grammar = engine.json_schema_to_grammar
        self._grammars: dict[str, str] = {}
        self.usage: Counter[str] = Counter()  # tokens so far: "cached" of prompts, "read" of prompts, "written"
        params = engine.CommonParams()
        params.model.path = str(path)
        params.n_parallel = SLOTS
        params.n_ctx = SLOTS * context_tokens
        params.cache_ram_mib = 0 if adapter else PROMPT_CACHE_MIB
        params.hostnames = ["127.0.0.1"]
        params.api_keys = [secrets.token_urlsafe(32)]
        params.verbosity = 0
        if adapter:
            params.lora_adapters = [engine.CommonAdapterLoraInfo(str(gguf_of(adapter)))]
        # Every request says what it wants of an adapter: one that is silent gets it, whatever the slot was computed with.
        self._own, self._adapted = ({"lora": [{"id": 0, "scale": scale}]} if adapter else {} for scale in (0.0, 1.0))
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads or cores()
        try:
            self._server = engine.Server(params)
        except Exception as error:
            what = f"{path} with the adapter in {adapter}" if adapter else str(path)
            raise EngineError(f"llama.cpp cannot load {what}: {error}. Is it a GGUF file?", key="error_engine") from error
        self._name = path.stem

    @property
    def description(self) -> Mapping[str, str]:
        """Engine and name."""
        return {"engine": "llama_cpp", "name": self._name}

    def _request(self, prompt: Prompt, **options: Any) -> dict[str, Any]:
        return {"messages": prompt.messages(), "temperature": 0, "cache_prompt": True, **self._own, **options}

    def stream(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancel: threading.Event | None = None
    ) -> Iterator[str]:
        """Yield text as it is decoded. The engine runs in a thread of its own and stops when this generator is closed."""
        return self._pieces(self._request(prompt, max_tokens=max_tokens, stop=list(stop), stream=True), cancel)

    def fill(self, prompt: Prompt, schema: Mapping[str, Any], *, max_tokens: int, cancel: threading.Event | None = None) -> str:
        """Decode under a grammar made of the schema: what comes is valid unless it is cut off."""
        key = json.dumps(schema)
        try:
            grammar = self._grammars.get(key) or self._to_grammar({**schema, **BLANKS})
        except Exception as error:
            raise EngineError(f"llama.cpp can make no grammar of the schema: {error}") from error
        self._grammars[key] = grammar
        return "".join(self._pieces(self._request(prompt, max_tokens=max_tokens, grammar=grammar, stream=True), cancel))

    def _pieces(self, request: Mapping[str, Any], cancel: threading.Event | None) -> Iterator[str]:
        pieces: Inbox = queue.SimpleQueue()
        stopped = threading.Event()

        def receive(chunk: Any) -> bool:
            parts: Any = chunk if isinstance(chunk, list) else [chunk]  # pyright: ignore[reportUnknownVariableType]
            for part in parts:
                if "error" in part:
                    pieces.put(EngineError(f"llama.cpp failed: {part['error']}"))
                    return True
                self.usage.update(_counted(part))
                text: Any = part["choices"][0].get("delta", {}).get("content")
                if text:
                    pieces.put(str(text))
            return stopped.is_set() or (cancel is not None and cancel.is_set())

        def run() -> None:
            try:
                self._server.handle_chat_completions(request, receive)
                pieces.put(None)
            except Exception as error:
                pieces.put(EngineError(f"llama.cpp failed: {error}"))

        # no daemon: a thread that Python ends inside the engine's C++ aborts the process
        worker = threading.Thread(target=run, name="llama_cpp-stream", daemon=False)
        worker.start()
        try:
            yield from take_pieces(pieces, cancel)
        finally:
            stopped.set()
            if cancel is None or not cancel.is_set():
                worker.join(timeout=JOIN_SECONDS)

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Read the log-probabilities at the answer position of one forward pass, with the adapter if there is one."""
        for top in (TOP, EVERYTHING):
            try:
                request = self._request(prompt, max_tokens=1, logprobs=True, top_logprobs=top, **self._adapted)
                answer = self._server.handle_chat_completions(request)
                if "error" in answer:
                    raise EngineError(f"llama.cpp failed: {answer['error']}")
                self.usage.update(_counted(answer))
                entries = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
            except EngineError:
                raise
            except Exception as error:
                raise EngineError(f"llama.cpp failed: {error}") from error
            found: dict[str, float] = {}
            for entry in entries:  # best first: the first token that spells a label counts
                found.setdefault(entry["token"], float(entry["logprob"]))
            if all(label in found for label in labels):
                return check_log_probabilities({label: found[label] for label in labels})
        missing = [label for label in labels if label not in found]
        raise EngineError(f"{missing} are no single tokens of {self._name}. Use single letters as labels.")


def _counted(answer: Mapping[str, Any]) -> dict[str, int]:
    """The tokens of an answer, or of the last part of a streamed one."""
    timings: Mapping[str, int] = answer.get("timings") or {}
    named = {"cached": "cache_n", "read": "prompt_n", "written": "predicted_n"}
    return {name: int(timings[key]) for name, key in named.items() if key in timings}
