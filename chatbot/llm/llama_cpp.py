"""llama.cpp through xllamacpp: GGUF files on a CPU. The default engine where there is no GPU."""

from __future__ import annotations

import importlib
import json
import os
import queue
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chatbot.llm.base import Prompt, check_log_probabilities
from retrieval.errors import EngineError, WeightsError

SLOTS = 4  # prompts whose computation is kept: the vote and the reasons, in two languages (the reading is off by default)
PROMPT_CACHE_MIB = 128
TOP = 200  # log-probabilities asked for first; the whole vocabulary only if a label is not among them
EVERYTHING = 1_000_000
# blanks as json.dumps writes them: where the model may choose, it may write blanks until its tokens are used up
BLANKS = {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
JOIN_SECONDS = 1.0  # a stopped stream ends at its next token; while the prompt is being read that takes longer


class LlamaCppModel:
    """A GGUF file in this process. The library also listens on a random loopback port, closed by a secret key."""

    def __init__(self, path: Path, *, context_tokens: int = 2048, threads: int = 0) -> None:
        """Load the file.

        Raises:
            WeightsError: there is no such file.
            EngineError: the file cannot be loaded.
        """
        if not path.is_file():
            raise WeightsError(f"No model file at {path}. Run 'python app.py weights' to fetch it.", key="error_weights")
        engine: Any = importlib.import_module("xllamacpp")
        self._to_grammar = engine.json_schema_to_grammar
        self._grammars: dict[str, str] = {}
        params = engine.CommonParams()
        params.model.path = str(path)
        params.n_parallel = SLOTS
        params.n_ctx = SLOTS * context_tokens
        params.cache_ram_mib = PROMPT_CACHE_MIB
        params.hostnames = ["127.0.0.1"]
        params.api_keys = [secrets.token_urlsafe(32)]
        params.verbosity = 0
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads or cores
        try:
            self._server = engine.Server(params)
        except Exception as error:
            raise EngineError(f"llama.cpp cannot load {path}: {error}. Is it a GGUF file?", key="error_engine") from error
        self._name = path.stem

    @property
    def description(self) -> Mapping[str, str]:
        """Engine and name."""
        return {"engine": "llama_cpp", "name": self._name}

    def _request(self, prompt: Prompt, **options: Any) -> dict[str, Any]:
        return {"messages": prompt.messages(), "temperature": 0, "cache_prompt": True, **options}

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
        pieces: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
        stopped = threading.Event()

        def receive(chunk: Any) -> bool:
            parts: Any = chunk if isinstance(chunk, list) else [chunk]  # pyright: ignore[reportUnknownVariableType]
            for part in parts:
                if "error" in part:
                    pieces.put(EngineError(f"llama.cpp failed: {part['error']}"))
                    return True
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
            while (piece := pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            stopped.set()
            worker.join(timeout=JOIN_SECONDS)

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Read the log-probabilities at the answer position of one forward pass."""
        for top in (TOP, EVERYTHING):
            try:
                request = self._request(prompt, max_tokens=1, logprobs=True, top_logprobs=top)
                answer = self._server.handle_chat_completions(request)
                if "error" in answer:
                    raise EngineError(f"llama.cpp failed: {answer['error']}")
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
