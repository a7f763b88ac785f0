"""The readings that are measured: the rules, the language model, and both: the model where the rules leave a message open."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

from chatbot.dialogue import at_turn, carry, hold, language_of, state_of
from chatbot.embedding import build_embedder
from chatbot.intent_model import guess_for
from chatbot.llm.base import LanguageModel
from chatbot.llm.factory import build_language_model
from chatbot.reading import ModelReader, ModelReading, is_open, merge
from chatbot.settings import make_settings
from chatbot.types import Conversation, Language, Request
from chatbot.understanding import Understanding, detect_language
from retrieval.catalog import read_catalog
from retrieval.domain import Domain
from retrieval.domain_files import load_domain
from retrieval.types import Constraint, Item, Wish

USUAL_COUNT = 3


class Reader(Protocol):
    """Reads messages.

    Attributes:
        asked: how many messages the language model was asked about so far.
    """

    asked: int

    def __call__(self, message: str, conversation: Conversation) -> Request:
        """Return what a message means in its conversation."""
        ...


@cache
def catalogue() -> tuple[Domain, dict[str, Item]]:
    """The shipped films."""
    domain = load_domain("movies")
    return domain, {item.id: item for item in read_catalog(domain.catalogue_path, domain)}


@cache
def _model() -> LanguageModel:
    """The default weights; ``ZHIYIN_THREADS`` and the other settings count."""
    return build_language_model(make_settings())


class Rules:
    """The deterministic layer alone."""

    def __init__(self, *, examples: bool = True) -> None:
        """Prepare the names of the catalogue, and, unless cues alone are measured, what examples taught of intents."""
        self.asked = 0
        settings = make_settings()
        guess = guess_for(build_embedder(settings), settings) if examples else None
        self._understanding = Understanding(*catalogue(), count=USUAL_COUNT, guess=guess)

    def __call__(self, message: str, conversation: Conversation) -> Request:
        """Read by rules."""
        return self._understanding.read(message, conversation)


class Both(Rules):
    """The model where the rules leave a message open."""

    def __init__(self) -> None:
        """Load the model, and let it read what every prompt begins with."""
        super().__init__()
        self._reader = _warm_reader()

    def __call__(self, message: str, conversation: Conversation) -> Request:
        """Read by rules, then ask the model if they leave the message open."""
        request = super().__call__(message, conversation)
        if not is_open(request, conversation, catalogue()[0]):
            return request
        self.asked += 1
        reading = self._reader.read(request.text, request.language)
        return merge(request, reading, conversation, catalogue()[0]) if reading else request


class Alone:
    """The model alone. It sees the message and not what was shown; what the conversation holds is carried on by rules."""

    def __init__(self) -> None:
        """Load the model, and let it read what every prompt begins with."""
        self.asked = 0
        self._reader = _warm_reader()

    def __call__(self, message: str, conversation: Conversation) -> Request:
        """Ask the model."""
        self.asked += 1
        language = detect_language(message, language_of(conversation) or "en")
        request = _request_of(self._reader.read(message, language), message, language)
        state = state_of(conversation)
        if not state:
            return request
        if request.intent != "recommend":
            constraints, wishes = hold(state)
            return Request(request.intent, language, message, constraints=constraints, wishes=wishes)
        return carry(at_turn(request, len(conversation.turns)), state, hold(state), refines=True)


def _request_of(reading: ModelReading | None, message: str, language: Language) -> Request:
    """Take the model at its word, as :func:`chatbot.reading.merge` does not."""
    if reading is None:
        return Request("recommend", language, message)
    purpose = reading.purpose
    facets = catalogue()[0].facets
    demanded = [Constraint(w.field, "includes", w.value, w.words) for w in reading.wanted if facets[w.field].match == "hard"]
    wishes = tuple(Wish(w.field, w.value, w.words) for w in reading.wanted if facets[w.field].match == "soft")
    return Request(
        "unsafe" if purpose in ("self_harm", "harm") else purpose,
        language,
        message,
        constraints=(*demanded, *reading.unwanted, *reading.bounds),
        wishes=wishes,
    )


def _warm_reader() -> ModelReader:
    reader = ModelReader(_model(), catalogue()[0])
    reader.read("hello", "en")
    reader.read("你好", "zh")
    return reader


READERS: dict[str, Callable[[], Reader]] = {"cues": lambda: Rules(examples=False), "rules": Rules, "model": Alone, "both": Both}
