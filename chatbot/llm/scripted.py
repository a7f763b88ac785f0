"""A language model that answers from a script: for tests and for the demo without weights. Deterministic."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from chatbot.llm.base import Prompt, until_stop
from retrieval.errors import EngineError

Script = Callable[[Prompt], str]
_KEPT = 500  # latest prompts


class ScriptedModel:
    """Streams what ``script`` answers, word by word, and prefers earlier labels; ``votes`` overrides the preference.

    It fills in a form with what ``forms`` answers, or with as little as the schema allows.
    """

    lets_go = True  # it waits for nothing but its own delay

    def __init__(
        self,
        script: Script | Sequence[str] = (),
        *,
        votes: Callable[[Prompt, Sequence[str]], Sequence[float]] | None = None,
        forms: Script | None = None,
        delay: float = 0.0,
        name: str = "scripted",
    ) -> None:
        """Take a function of the prompt, or answers to be given in turn (the last one again and again)."""
        self._script, self._votes, self._forms, self._delay, self._name = script, votes, forms, delay, name
        self._calls = 0
        self.prompts: list[Prompt] = []

    @property
    def description(self) -> Mapping[str, str]:
        """Engine and name."""
        return {"engine": "scripted", "name": self._name}

    def _note(self, prompt: Prompt) -> None:
        self.prompts.append(prompt)
        del self.prompts[:-_KEPT]  # a server with this model runs for long

    def _answer(self, prompt: Prompt) -> str:
        if callable(self._script):
            return self._script(prompt)
        if not self._script:
            return ""
        self._calls += 1
        return self._script[min(self._calls, len(self._script)) - 1]

    def _pieces(self, prompt: Prompt, max_tokens: int, cancel: threading.Event | None) -> Iterator[str]:
        words = self._answer(prompt).split(" ")
        for n, word in enumerate(words[:max_tokens]):
            if cancel is not None and cancel.is_set():
                return
            if self._delay:
                time.sleep(self._delay)
            yield word if n == 0 else f" {word}"

    def stream(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancel: threading.Event | None = None
    ) -> Iterator[str]:
        """Yield the scripted answer; a word counts as a token."""
        self._note(prompt)
        yield from until_stop(self._pieces(prompt, max_tokens, cancel), stop)

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Return a softmax over the labels."""
        if any(not label or " " in label for label in labels):
            raise EngineError(f"A label must be one token, not {[label for label in labels if not label or ' ' in label]}.")
        raw = list(self._votes(prompt, labels)) if self._votes else [-float(n) for n in range(len(labels))]
        total = math.log(sum(math.exp(value) for value in raw))
        return {label: value - total for label, value in zip(labels, raw, strict=True)}

    def fill(self, prompt: Prompt, schema: Mapping[str, Any], *, max_tokens: int, cancel: threading.Event | None = None) -> str:
        """Return the scripted form, or the smallest object that the schema describes."""
        self._note(prompt)
        if cancel is not None and cancel.is_set():
            return ""
        text = self._forms(prompt) if self._forms else json.dumps(_smallest(schema, schema), ensure_ascii=False)
        return " ".join(text.split(" ")[:max_tokens])


def _smallest(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """The smallest value of a schema: first choices, required fields alone, empty texts and lists."""
    if "$ref" in schema:
        return _smallest(root["$defs"][str(schema["$ref"]).rpartition("/")[2]], root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    match schema.get("type"):
        case "object":
            return {name: _smallest(schema["properties"][name], root) for name in schema.get("required", ())}
        case "array":
            return [_smallest(schema["items"], root)] * int(schema.get("minItems", 0))
        case "string":
            return "x" * int(schema.get("minLength", 0))
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 0)
        case _:
            return None
