"""Fills facets that a table lacks from what the items' texts say, with the language model, one item after the other.

A facet with a vocabulary is asked for by the log-probabilities of its words after "The mood is", less what they are for the
other items: a small model knows that "dark" fits better here than elsewhere, while what it says first is nearly always the
same three words (Zhou et al., Batch Calibration, ICLR 2024). A facet without one is asked for
in words of the text, which are checked against it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from chatbot.llm.base import LanguageModel, Prompt
from chatbot.phrases import phrases_of
from chatbot.types import Language
from prompts import load_template
from retrieval.domain import Domain
from retrieval.errors import EngineError
from retrieval.facet import Facet
from retrieval.inferred import append_inferred, inferable, read_inferred, text_key
from retrieval.types import Item

logger = logging.getLogger(__name__)
MAX_VALUES = 3  # of a vocabulary: the fourth is right less often than it is wrong
MAX_PHRASES = 4
MARGIN = 1.0  # nats above what is usual for a word: e times as likely as with the other items
GAP = 2.0  # nats below the best word of the item
COMPARED = 12  # items whose mean says what is usual; more of them change little
MAX_CHARACTERS = {"en": 1200, "zh": 500}  # of a text; on a CPU every token is waited for
MAX_TOKENS = 36
MAX_FAILURES = 3  # in a row
TRIES = 3  # words of a value that are tried when another value begins with the same token
Progress: TypeAlias = Callable[[float], None]
Scores: TypeAlias = Mapping[str, float]  # value -> log-probability of its word


@dataclass(frozen=True, slots=True)
class EnrichReport:
    """What became of a catalogue's items; those that lack nothing or have no text are counted in ``items`` alone.

    Attributes:
        items: looked at.
        inferred: asked about, with at least one value found.
        known: asked about by an earlier run, or of the same title and text as another item.
        empty: asked about, without a value that could be used.
        failed: the model failed on them; the next run asks again.
        seconds: the run took.
    """

    items: int
    inferred: int
    known: int
    empty: int
    failed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Description:
    """What the model reads of an item: title, known facets and text together, and the text alone, in its language."""

    key: str
    text: str
    body: str
    language: Language


class _Cancelled(Exception):
    """The person asked to stop."""


class Enricher:
    """Asks one model about the items of one catalogue."""

    def __init__(self, model: LanguageModel, domain: Domain) -> None:
        """Take the parts.

        Args:
            model: any engine.
            domain: facets with ``infer = true`` are filled.
        """
        self._model, self._domain = model, domain
        self._facets = inferable(domain)
        self._tokens: dict[str, dict[str, str]] = {}
        self._compared: dict[Language, list[Description]] = {}
        self._scores: dict[tuple[str, str], Scores] = {}  # of the compared ones, which are asked about themselves later
        self._usual: dict[tuple[str, Language], Scores] = {}
        self._cancel: threading.Event | None = None

    def fill(
        self,
        items: Iterable[Item],
        cache: Path,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
        limit: int | None = None,
    ) -> EnrichReport:
        """Ask about every item that has a text, lacks a facet and is not in the cache; write each answer there at once.

        A run that was stopped or killed goes on after the last whole line. ``retrieval.inferred.with_inferred`` lays what the
        cache holds over the items.

        Args:
            items: of the catalogue, all of them: what is usual is read from a sample.
            cache: the file to read and to append to; its folder exists.
            progress: called with the fraction done.
            cancel: stops soon after it is set; what is being asked is not kept.
            limit: at most so many items are asked about.

        Raises:
            EngineError: the model failed three times in a row.
        """
        started = time.perf_counter()
        listed = list(items)
        self._cancel = cancel
        todo, known = self._todo(listed, cache)
        counts = {"inferred": 0, "empty": 0, "failed": 0}
        in_a_row = 0
        todo = todo[:limit]
        for number, (description, facets) in enumerate(todo):
            if progress:
                progress(number / len(todo))
            try:
                found = {name: self._ask(name, description) for name in facets}
                self._check_cancel()
            except _Cancelled:
                break
            except EngineError as error:
                in_a_row += 1
                counts["failed"] += 1
                logger.warning("the model failed on an item: %s", error)
                if in_a_row == MAX_FAILURES:
                    raise
                continue
            in_a_row = 0
            append_inferred(cache, description.key, found)
            counts["inferred" if any(found.values()) else "empty"] += 1
        else:
            if progress:
                progress(1.0)
        return EnrichReport(len(listed), known=known, seconds=time.perf_counter() - started, **counts)

    def _todo(self, items: Sequence[Item], cache: Path) -> tuple[list[tuple[Description, tuple[str, ...]]], int]:
        """Return what is to be asked, and how many items need not be asked about again."""
        before = read_inferred(cache)
        todo: dict[str, tuple[Description, tuple[str, ...]]] = {}
        told: dict[Language, list[Item]] = defaultdict(list)
        known = 0
        for item in items:
            language, text = text_of(item, self._domain)
            if not text:
                continue
            told[language].append(item)
            # what an earlier run filled is not in the table: it counts as known, and is asked again if its text changed
            facets = tuple(name for name in self._facets if not item.values(name) or name in item.inferred)
            if not facets:
                continue
            key = text_key(item)
            missing = tuple(name for name in facets if name not in before.get(key, {}))
            if missing and key not in todo:
                todo[key] = (self._describe(item), missing)
            else:
                known += 1
        self._compared = {language: [self._describe(item) for item in _spread(those)] for language, those in told.items()}
        return list(todo.values()), known

    def _describe(self, item: Item) -> Description:
        """Write what the model reads: title, text, and facets of the ballot that are known. They help."""
        language, text = text_of(item, self._domain)
        known = [name for name in self._domain.ballot if name not in self._facets]
        lines = [item.title(language), *(self._domain.facet_text(item, name, language) for name in known)]
        lines.append(text[: MAX_CHARACTERS[language]])
        whole = ("。" if language == "zh" else ". ").join(line for line in lines if line)
        return Description(text_key(item), whole, text[: MAX_CHARACTERS[language]], language)

    def _check_cancel(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise _Cancelled

    def _ask(self, name: str, description: Description) -> tuple[str, ...]:
        facet = self._domain.facets[name]
        values = self._choose(name, description) if facet.values else self._name(name, description)
        return values if facet.type == "list" else values[:1]

    # -- a facet with a vocabulary ----------------------------------------------------------------------------------

    def _choose(self, name: str, description: Description) -> tuple[str, ...]:
        """Return the values whose words are likelier here than with other items, best first."""
        usual = self._usual_scores(name, description.language)
        scores = self._scores.get((name, description.key)) or self._score(name, description)
        gain = {value: score - usual[value] for value, score in scores.items()}
        best = sorted(gain, key=lambda value: -gain[value])[:MAX_VALUES]
        return tuple(value for value in best if gain[value] >= max(MARGIN, gain[best[0]] - GAP))

    def _usual_scores(self, name: str, language: Language) -> Scores:
        """The mean over a sample of the catalogue; a small catalogue is helped out by the examples of its domain."""
        if (name, language) in self._usual:
            return self._usual[name, language]
        compared = list(self._compared[language])
        if len(compared) < COMPARED:
            cards = {lang: self._domain.example[lang].card.strip() for lang in self._domain.languages}
            compared += [Description(card, card, card, "zh" if lang == "zh" else "en") for lang, card in cards.items()]
        for description in compared:
            if (name, description.key) not in self._scores:
                self._scores[name, description.key] = self._score(name, description)
        columns = [self._scores[name, description.key] for description in compared]
        mean = {value: sum(scores[value] for scores in columns) / len(columns) for value in columns[0]}
        self._usual[name, language] = mean
        return mean

    def _score(self, name: str, description: Description) -> Scores:
        """Return the log-probability of each value's word as what the model would say next."""
        self._check_cancel()
        tokens = self._tokens.get(name)
        if tokens is None:
            tokens = self._tokens[name] = self._first_tokens(name)
        facet = self._domain.facets[name]
        asked = load_template("enrich", description.language).render(facet="", text=description.text)
        # words are asked for in English where there are English ones, of Chinese texts too: measured to be right more often
        language = word_language(facet)
        prefix = load_template("enrich", language).render(facet=_label(facet, name, language), text="")["prefix"]
        scores = self._model.score(Prompt(asked["system"], asked["user"], (), prefix), list(tokens.values()))
        return {value: scores[token] for value, token in tokens.items()}

    def _first_tokens(self, name: str) -> dict[str, str]:
        """Return value -> the first token of its word.

        Engines score single tokens, and many a word is several. Values whose words begin alike are told apart by another word
        of theirs, or are left out.

        Raises:
            EngineError: the model cannot say the words.
        """
        facet = self._domain.facets[name]
        language = word_language(facet)
        tokens: dict[str, str] = {}
        partial: list[str] = []
        for value in facet.values:
            token, whole = self._first_token(_words(facet, value, language)[0], language)
            if whole and token not in tokens.values():
                tokens[value] = token
            else:
                partial.append(value)
        for value in partial:
            for word in _words(facet, value, language)[:TRIES]:
                token, _ = self._first_token(word, language)
                if token and token not in tokens.values():
                    tokens[value] = token
                    break
            else:
                logger.info("'%s' of %s cannot be inferred: its words begin as those of another value do", value, name)
        if not tokens:
            engine = self._model.description.get("name", "")
            raise EngineError(f"The model {engine} cannot say the words of '{name}'. Use another model for --enrich.")
        return tokens

    def _first_token(self, word: str, language: Language) -> tuple[str, bool]:
        """Let the model repeat a word; return the first token, empty if it says another word, and whether it is the whole."""
        self._check_cancel()
        parts = load_template("enrich_repeat", language).render(word=word)
        prompt = Prompt(parts["system"], parts["user"], ((parts["example.user"], parts["example.assistant"]),), parts["prefix"])
        token = "".join(self._model.stream(prompt, max_tokens=1))
        said = token.strip().lower()
        return (token, said == word.lower()) if said and word.lower().startswith(said) else ("", False)

    # -- a facet without one ----------------------------------------------------------------------------------------

    def _name(self, name: str, description: Description) -> tuple[str, ...]:
        """Return phrases that the model takes out of a text; each has to stand there."""
        language = description.language
        label = self._domain.facets[name].label.get(language, name)
        parts = load_template("enrich_free", language).render(facet=label, text=description.body)
        prompt = Prompt(parts["system"], parts["user"], ((parts["example.user"], parts["example.assistant"]),), parts["prefix"])
        said = ""
        for piece in self._model.stream(prompt, max_tokens=MAX_TOKENS, stop=("\n",), cancel=self._cancel):
            said += piece
        self._check_cancel()
        return phrases_of(said, description.body, language)[:MAX_PHRASES]


def text_of(item: Item, domain: Domain) -> tuple[Language, str]:
    """Return an item's description and the language that it is written in; an empty one when there is none."""
    text = next((text for code in domain.languages if (text := item.texts.get(code))), "") or item.text("")
    han = sum("\u3400" <= c <= "\u9fff" for c in text)
    return ("zh" if han * 3 > len(text) else "en"), text


def word_language(facet: Facet) -> Language:
    """Return the language in which a vocabulary is asked for: English, unless a value has no word in it."""
    return "en" if all(_words(facet, value, "en")[0].isascii() for value in facet.values) else "zh"


def _words(facet: Facet, value: str, language: Language) -> list[str]:
    words = facet.values[value]
    return list(dict.fromkeys([words.label(language) or value, *getattr(words, language)]))


def _label(facet: Facet, name: str, language: Language) -> str:
    """The facet's label, one of it: "The mood is" gets better answers than "The moods is"."""
    label = facet.label.get(language, name)
    return label[:-1] if language == "en" and label.endswith("s") and not label.endswith("ss") else label


def _spread(items: Sequence[Item]) -> list[Item]:
    """Return a sample from the whole length of a catalogue, whose order is often by year or kind."""
    count = min(COMPARED, len(items))
    return [items[n * len(items) // count] for n in range(count)]
