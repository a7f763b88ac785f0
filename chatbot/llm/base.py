"""The LanguageModel seam: streamed text with cancellation, log-probabilities of one-token labels, and filled-in forms."""

from __future__ import annotations

import json
import math
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from retrieval.errors import EngineError

# pieces of an answer; None when it is complete
Inbox: TypeAlias = "queue.Queue[str | Exception | None] | queue.SimpleQueue[str | Exception | None]"
POLL_SECONDS = 0.05  # how soon a cancelled caller is let go; an engine stops at its own next step


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model reads: a system text, earlier exchanges, the question, and the first words of the answer, given.

    The parts that stay the same from call to call (system, examples) come first, so that engines reuse their computation.
    """

    system: str
    user: str
    examples: tuple[tuple[str, str], ...] = ()
    prefix: str = ""

    def messages(self) -> list[dict[str, str]]:
        """Return chat messages; the last one is the assistant's when there is a prefix."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        for question, answer in self.examples:
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        messages.append({"role": "user", "content": self.user})
        if self.prefix:
            messages.append({"role": "assistant", "content": self.prefix})
        return messages


class LanguageModel(Protocol):
    """A generative model. Safe to call from several threads."""

    @property
    def description(self) -> Mapping[str, str]:
        """``engine`` and ``name``, for the record of a turn."""
        ...

    def stream(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancel: threading.Event | None = None
    ) -> Iterator[str]:
        """Yield the answer (without the prefix) in pieces, greedily decoded; ends before a stop text or soon after cancel.

        Raises:
            EngineError: the model failed.
        """
        ...

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Return the natural log-probability of each label as the next token, from one forward pass.

        Raises:
            EngineError: a label is not one token, or the model failed.
        """
        ...

    def fill(self, prompt: Prompt, schema: Mapping[str, Any], *, max_tokens: int, cancel: threading.Event | None = None) -> str:
        """Return a JSON object that a JSON schema describes, greedily decoded.

        The caller validates it: the text is cut off at ``max_tokens`` or soon after cancel, transformers cannot hold the model
        to a schema, and llama.cpp silently does not where it cannot read one.

        Raises:
            EngineError: the model failed.
        """
        ...


def take_pieces(inbox: Inbox, cancel: threading.Event | None) -> Iterator[str]:
    """Take what an engine's thread puts; an exception is raised, and a cancelled caller waits for no next piece."""
    while cancel is None or not cancel.is_set():
        try:
            piece = inbox.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue
        if piece is None:
            return
        if isinstance(piece, Exception):
            raise piece
        if piece:
            yield piece


def until_stop(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Pass pieces on until a stop text appears; what may be the beginning of one is held back."""
    longest = max((len(text) for text in stop), default=0)
    held = ""
    for piece in pieces:
        held += piece
        cut = min((position for text in stop if (position := held.find(text)) >= 0), default=None)
        if cut is not None:
            if held[:cut]:
                yield held[:cut]
            return
        safe = len(held) - max(longest - 1, 0)
        if safe > 0:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held


def first_object(pieces: Iterable[str]) -> str:
    """Return the first JSON object of a text, read no further than its end; the whole text when there is none."""
    text = ""
    for piece in pieces:
        text += piece
        start = text.find("{")
        if start >= 0 and "}" in piece:
            try:
                _, end = json.JSONDecoder().raw_decode(text, start)
            except json.JSONDecodeError:
                continue
            return text[start:end]
    return text


def check_log_probabilities(scores: dict[str, float]) -> dict[str, float]:
    """Refuse what is no log-probability: a broken model must not decide an order silently."""
    bad = [label for label, value in scores.items() if math.isnan(value) or value > 1e-6]
    if bad:
        raise EngineError(f"The model returned no log-probability for {bad}. Use other weights or another engine.")
    return scores
