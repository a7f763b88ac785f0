"""The second layer of understanding: the local model fills in a form for a message that the rules leave open.

What it writes is untrusted. It is held to a JSON schema by grammar where the engine can, validated by pydantic, repaired once,
and each value must rest on words that stand in the message. What is left can only add to the deterministic reading
(:func:`merge`), never take from it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chatbot.clauses import HAN, negated_spans
from chatbot.cues import load_cues
from chatbot.dialogue import hold, stand, state_of, unique
from chatbot.llm.base import LanguageModel, Prompt
from chatbot.types import Conversation, Intent, Language, Request
from prompts import examples, load_template
from retrieval.domain import Domain
from retrieval.errors import EngineError
from retrieval.types import Constraint, Wish

logger = logging.getLogger(__name__)
CERTAINTY = 0.5  # of everything that the model adds
MAX_TOKENS = 80
MAX_CHARACTERS = {"en": 400, "zh": 160}  # of a message; on a CPU every token is waited for
OPEN_WORDS = 2  # content words; one alone is as often a slip or a name as a wish
OPEN_HAN = 3  # the same in Chinese, where a word has one or two characters

Purpose: TypeAlias = Literal[
    "recommend", "ask_item", "compare", "react", "chat", "profile", "out_of_scope", "self_harm", "harm"
]
Words: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Vocabulary: TypeAlias = Mapping[str, "tuple[tuple[str, str], ...]"]  # word -> the (facet, value) pairs that it names
_OPENINGS: Mapping[Purpose, tuple[Intent, str]] = {  # the purposes that need no item: what the model may turn a message into
    "chat": ("chat", "ok"),
    "profile": ("profile", "show"),  # to be shown what is kept; the model can have nothing forgotten or erased
    "out_of_scope": ("out_of_scope", "other"),
    "self_harm": ("unsafe", "self_harm"),
    "harm": ("unsafe", "harm"),
}


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Said(_Form):
    """A word of the vocabulary, and the words of the message that it rests on."""

    words: Words
    value: str


class Number(_Form):
    """A bound of the year or the length in minutes, and the words of the message that it rests on."""

    words: Words
    bound: Literal["year_min", "year_max", "runtime_min", "runtime_max"]
    value: Annotated[int, Field(ge=0, le=9999)]


class Form(_Form):
    """What the model may say of a message."""

    intent: Purpose
    wanted: Annotated[tuple[Said, ...], Field(max_length=2)] = ()
    unwanted: Annotated[tuple[Said, ...], Field(max_length=2)] = ()
    numbers: Annotated[tuple[Number, ...], Field(max_length=2)] = ()


@dataclass(frozen=True, slots=True)
class ModelReading:
    """What the model read, each part resting on words of the message.

    Attributes:
        purpose: of the message.
        wanted: facet values.
        unwanted: facet values.
        bounds: of numbers. They are hard, and so never merged; the benchmark counts them where the model reads alone.
    """

    purpose: Purpose
    wanted: tuple[Wish, ...] = ()
    unwanted: tuple[Constraint, ...] = field(default=())
    bounds: tuple[Constraint, ...] = field(default=())


def vocabulary(domain: Domain, language: Language) -> Vocabulary:
    """Return the word of every facet value in a language, and what it names: "romantic" may be a genre and a mood."""
    words: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, facet in domain.facets.items():
        for value in facet.values:
            word = domain.value_label(name, value, language)
            words[word] = (*words.get(word, ()), (name, value))
    return words


def form_schema(words: Iterable[str]) -> dict[str, Any]:
    """Return the JSON schema of :class:`Form` whose values are words of a vocabulary."""
    schema = Form.model_json_schema()
    schema["$defs"]["Said"]["properties"]["value"] = {"enum": list(words)}
    return schema


class ModelReader:
    """Lets one model read messages about one catalogue. Safe to call from several threads, as the model is."""

    def __init__(self, model: LanguageModel, domain: Domain) -> None:
        """Prepare the vocabulary and the schema of each language."""
        self._model, self._domain = model, domain
        self._words: dict[Language, Vocabulary] = {language: vocabulary(domain, language) for language in ("en", "zh")}
        self._schemas = {language: form_schema(words) for language, words in self._words.items()}

    def prompt(self, message: str, language: Language, problem: str = "") -> Prompt:
        """Write the question; all but its end is the same for every message."""
        names = [name for name in self._domain.ballot if self._domain.facets[name].values]
        comma = "、" if language == "zh" else ", "
        lists = [
            comma.join(self._domain.value_label(name, value, language) for value in self._domain.facets[name].values)
            for name in names
        ]
        noun = self._domain.noun[language]
        said = " ".join(message[: MAX_CHARACTERS[language]].split())
        template = load_template("read", language)
        parts = template.render(noun=noun.one, nouns=noun.many, words="\n".join(lists), message=said, problem=problem)
        return Prompt(parts["system"], parts["user"], examples(parts))

    def read(self, message: str, language: Language, cancel: threading.Event | None = None) -> ModelReading | None:
        """Return what the model reads; None when it writes no valid form twice, fails, or is stopped."""
        problem = ""
        for _ in range(2):
            try:
                prompt = self.prompt(message, language, problem)
                text = self._model.fill(prompt, self._schemas[language], max_tokens=MAX_TOKENS, cancel=cancel)
            except EngineError as error:
                logger.warning("the model could not read a message: %s", error)
                return None
            if cancel is not None and cancel.is_set():
                return None
            try:
                return self._checked(Form.model_validate_json(text), message, language)
            except ValidationError as error:
                problem = _problem(error)
        logger.info("the model wrote no valid form twice: %s", problem)
        return None

    def _checked(self, form: Form, message: str, language: Language) -> ModelReading:
        """Keep what names a value and rests on words of the message."""
        words = self._words[language]
        wanted = [(said.words, pair) for said in form.wanted for pair in words.get(said.value, ())]
        unwanted = [(said.words, pair) for said in form.unwanted for pair in words.get(said.value, ())]
        return ModelReading(
            form.intent,
            tuple(Wish(name, value, text, certainty=CERTAINTY) for text, (name, value) in wanted if _stands(text, message)),
            tuple(
                Constraint(name, "excludes", value, text, certainty=CERTAINTY)
                for text, (name, value) in unwanted
                if _stands(text, message)
            ),
            tuple(self._bounds(form.numbers, message)),
        )

    def _bounds(self, numbers: Iterable[Number], message: str) -> Iterable[Constraint]:
        facets = self._domain.facets.items()
        names = {"year": [name for name, facet in facets if facet.type == "year"]}
        names["runtime"] = [name for name, facet in facets if facet.measures == "duration"]
        for number in numbers:
            kind, _, op = number.bound.partition("_")
            if _stands(number.words, message):
                for name in names[kind]:
                    yield Constraint(name, "min" if op == "min" else "max", number.value, number.words, certainty=CERTAINTY)


def is_open(request: Request, conversation: Conversation, domain: Domain) -> bool:
    """Whether the rules leave a message open, so that the model is asked.

    It is when nothing in it was understood: no facet, number, title, person, pointing word or count, and nothing that earlier
    messages said is taken back; it is no question, small talk or remark that the rules know; and words are left that carry
    something. Then it is a wish in words of the person's own, or no wish at all, and the rules cannot tell which. Anything that
    was understood is certain, and nothing is waited for.

    How many are open ``python -m benchmarks.understanding states --reader both`` tells as ``asked``.

    Args:
        request: what the rules read.
        conversation: before this message.
        domain: whose words say nothing.
    """
    if request.intent not in ("recommend", "refine") or request.eager:
        return False
    if request.attitudes or request.named or request.refers or request.ambiguous or request.stated:
        return False
    parts, turn = (*request.constraints, *request.wishes), len(conversation.turns)
    if any(part.turn == turn or (part.words and part.words in request.text) for part in parts):
        return False
    constraints, wishes = hold(state_of(conversation))
    kept = (*constraints, *wishes) if request.intent == "refine" else [c for c in constraints if c.op == "excludes"]
    if any(part not in parts for part in kept):
        return False
    rest = load_cues(request.language, domain).filler.sub(" ", request.query)
    han, words = len(HAN.findall(rest)), len(re.findall(r"[^\W\d_]{2,}", HAN.sub(" ", rest)))
    return words >= OPEN_WORDS or han >= OPEN_HAN


def merge(request: Request, reading: ModelReading, conversation: Conversation, domain: Domain) -> Request:
    """Add what the model read to what the rules read. Pure.

    It can add wishes for values of soft facets, and exclusions of them whose words the rules saw denied, where it does not say
    both of one value; and it can take a message that the rules took for a wish, for want of anything better, for small talk,
    something out of scope, a danger or a question about the profile. Numbers and facets that are matched hard stay the rules'
    alone: a promise must not rest on a guess. Nothing that the rules or earlier messages demand or exclude is taken away or
    weakened.

    Args:
        request: of the rules; only where it says ``recommend`` or ``refine`` is anything changed.
        reading: of the model.
        conversation: before this message.
        domain: of the facets.
    """
    if request.intent not in ("recommend", "refine"):
        return request
    if opening := _OPENINGS.get(reading.purpose):
        return _aside(request, conversation, *opening)
    denied = negated_spans(request.text, load_cues(request.language, domain))
    demanded = {(c.field, v) for c in request.constraints if c.op in ("includes", "any_of") for v in c.values}
    refused = {(c.field, v) for c in request.constraints if c.op == "excludes" for v in c.values}
    wished = {(w.field, w.value) for w in request.wishes}
    wanted, unwanted = ({(p.field, p.value) for p in parts} for parts in (reading.wanted, reading.unwanted))

    def may_add(part: Constraint | Wish, known: set[tuple[str, Any]], *, in_denial: bool) -> bool:
        soft, pair = domain.facets[part.field].match == "soft", (part.field, part.value)
        return soft and pair not in known and _overlaps(part.words, request.text, denied) == in_denial

    turn = len(conversation.turns)
    excluded = [replace(c, turn=turn) for c in reading.unwanted if may_add(c, demanded | wished | wanted, in_denial=True)]
    wishes = [replace(w, turn=turn) for w in reading.wanted if may_add(w, demanded | refused | unwanted, in_denial=False)]
    return replace(
        request,
        constraints=tuple(unique([*request.constraints, *excluded])),
        wishes=tuple(unique([*request.wishes, *wishes])),
    )


def _aside(request: Request, conversation: Conversation, intent: Intent, opening: str) -> Request:
    """The request of a message that is no wish: the state stays as it was, and what the message excluded is excluded."""
    state = state_of(conversation)
    excluded = [c for c in request.constraints if c.op == "excludes"]
    request = stand(replace(request, intent=intent, opening=opening), state, hold(state))
    return replace(request, constraints=tuple(unique([*request.constraints, *excluded])))


def _squeeze(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split())


def _stands(words: str, message: str) -> bool:
    """Whether words stand in a message, as whole words; case and white space do not count."""
    found = _squeeze(words)
    return bool(found) and re.search(rf"{_edge(found[0])}{re.escape(found)}{_edge(found[-1])}", _squeeze(message)) is not None


def _edge(character: str) -> str:
    return r"\b" if character.isascii() and character.isalnum() else ""


def _overlaps(words: str, text: str, spans: Sequence[tuple[int, int]]) -> bool:
    pattern = r"\s+".join(re.escape(word) for word in words.split()).replace("'", "['’]")
    places = [m.span() for m in re.finditer(pattern, text, re.IGNORECASE)]
    return any(start < b and a < end for start, end in places for a, b in spans)


def _problem(error: ValidationError) -> str:
    """What is wrong with a form, in one line."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])
