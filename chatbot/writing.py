"""Ranked items to reasons: the model writes, every sentence is checked, and one from the card takes a failed one's place."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence

from chatbot.cues import load_cues
from chatbot.grounding import Evidence, Grounder
from chatbot.llm.base import LanguageModel, Prompt
from chatbot.statements import description_sentences
from chatbot.statements_en import with_articles
from chatbot.types import Language, Reason, Request
from chatbot.written import join
from prompts import load_phrases, load_template
from retrieval.domain import Domain
from retrieval.errors import EngineError
from retrieval.lexical import tokenize
from retrieval.types import Item

logger = logging.getLogger(__name__)
MAX_TOKENS = 90
_WORD_END, _CLAUSE_END = re.compile(r"(?<=\S)\s"), re.compile(r"[，；：]")
_OPENING = {"en": 12, "zh": 3}  # characters: a pronoun that begins later may mean a name of its own sentence
LINES = 2  # sentences of the description that the model reads: fewer to wait for, fewer to mix up


class Writer:
    """Writes what to expect of one catalogue's items."""

    def __init__(self, model: LanguageModel, domain: Domain, grounder: Grounder) -> None:
        """Take the parts; holds no conversation."""
        self._model, self._domain, self._grounder = model, domain, grounder

    def prompt(self, lines: str, language: Language) -> Prompt:
        """Write the prompt that has lines of a description retold: what never changes first, so that engines reuse it."""
        parts = load_template("reason", language).render(lines=lines)
        examples = tuple((example.text, example.reason) for example in self._domain.example[language].retold)
        return Prompt(parts["system"], parts["user"], examples)

    def _nearest(self, item: Item, request: Request) -> tuple[list[str], list[int]]:
        """The sentences of the description, and their numbers, the nearest to the wish first."""
        wish = "; ".join(text for text in (*reversed(request.context), request.query) if text) or request.text
        sentences = description_sentences(item.text(request.language), request.language)
        return sentences, by_nearness(sentences, wish, request.language, self._domain.noun_words)

    def describe(
        self,
        item: Item,
        request: Request,
        said: Sequence[str] = (),
        cancel: threading.Event | None = None,
        notes: list[str] | None = None,
        *,
        ask: bool = True,
    ) -> Reason:
        """Say what to expect of an item: the model's sentence if it is proved, else one of the card's own.

        Args:
            item: to be written about.
            request: whose wish it serves.
            said: the descriptions already given for other items of the reply: none may begin like them.
            cancel: stops the model.
            notes: told when the model fails.
            ask: without, the model is not asked.
        """
        language = request.language
        sentences, order = self._nearest(item, request)
        tries = [understood(sentences, order, language, count) for count in (LINES, 1)]  # what fails is tried shorter
        try:
            for chosen in tries[: 1 if tries[0] == tries[1] else 2] if order and ask else ():
                lines = ("" if language == "zh" else " ").join(sentences[n] for n in chosen)
                if reason := self._retell(item, lines, request, said, cancel):
                    return reason
                if cancel is not None and cancel.is_set():
                    break
        except EngineError as error:
            logger.warning("the model failed, a sentence from the card takes its place: %s", error)
            if notes is not None:
                notes.append(f"no sentence by the model: {error}")
        return self._from_card(item, sentences, order, language, said)

    def _retell(
        self, item: Item, lines: str, request: Request, said: Sequence[str], cancel: threading.Event | None
    ) -> Reason | None:
        """One try of the model's, cut to what is proved."""
        language = request.language
        evidence = Evidence.of(item, request, self._domain, lines)
        sentence = self._sentence(lines, evidence, language, cancel)
        sentence = with_articles(sentence, lines) if language == "en" else sentence
        shown, verdict = self._grounder.prove(sentence, evidence, language)
        if not verdict.supported:
            logger.debug("not shown (%s): %s", verdict.problem, sentence)
            return None
        if any(opening(shown, language) == opening(other, language) for other in said):
            logger.debug("opens like another reason: %s", shown)
            return None
        return Reason(shown, verdict.sources, "model")

    def _sentence(self, lines: str, evidence: Evidence, language: Language, cancel: threading.Event | None) -> str:
        """The first sentence that the model writes, no further than the first word that nothing proves.

        What there is of an unfinished one may still be shown up to a statement's end.
        """
        end = load_cues(language).sentence
        whole_words = _CLAUSE_END if language == "zh" else _WORD_END  # Chinese words are told apart by what follows
        text, judged = "", 0
        for piece in self._model.stream(self.prompt(lines, language), max_tokens=MAX_TOKENS, stop=["\n"], cancel=cancel):
            text += piece
            if end.search(text.rstrip() if language == "zh" else text[:-1]):
                break
            heard = max((match.start() for match in whole_words.finditer(text)), default=0)
            if heard > judged and self._grounder.stray(text[:heard], evidence, language):
                break
            judged = heard
        found = end.search(text)
        return text[: found.end()].strip() if found else text.strip()

    def _from_card(
        self, item: Item, sentences: Sequence[str], order: Sequence[int], language: Language, said: Sequence[str]
    ) -> Reason:
        """The sentence of the card's description that is nearest to the wish; without a description, its facts."""
        if order:
            taken = {opening(other, language) for other in said}
            best = next((n for n in order if opening(sentences[n], language) not in taken), order[0])
            return Reason(sentences[best], ("card.summary",), "template")
        known = [name for name in self._domain.headline if item.values(name)]
        facts = join((self._domain.facet_text(item, name, language) for name in known), language)
        say = load_phrases(language).say
        text = say("facts_only", facts=facts[:1].upper() + facts[1:]) if facts else say("title_only")
        return Reason(text, tuple(f"card.{name}" for name in known) or ("card.title",), "template")


def opening(sentence: str, language: Language) -> str:
    """What a sentence begins with: two that begin alike read like a form."""
    return sentence[:4] if language == "zh" else " ".join(sentence.lower().split()[:2])


def by_nearness(sentences: Sequence[str], wish: str, language: Language, ignore: str = "") -> list[int]:
    """Order the sentences of a description by the words they share with a wish; the first ones on a tie.

    A pronoun costs a later sentence one shared word: quoted alone it may point at nobody. The words of ``ignore`` (what every
    item is) do not count.
    """
    wanted = set(tokenize(wish)) - set(tokenize(ignore))
    pronoun = load_cues(language).pronoun

    def nearness(n: int) -> int:
        return len(wanted & set(tokenize(sentences[n]))) - (1 if n and pronoun.search(sentences[n]) else 0)

    return sorted(range(len(sentences)), key=lambda n: (-nearness(n), n))


def understood(sentences: Sequence[str], order: Sequence[int], language: Language, count: int) -> list[int]:
    """Choose sentences in an order of preference, none of which points at one that is not chosen; in their places.

    Args:
        sentences: of a description.
        order: their numbers, best first.
        language: of them.
        count: at most so many.
    """
    chosen: set[int] = set()
    for n in order:
        needed = set(range(points_at(sentences, n, language), n + 1))
        if len(chosen | needed) <= count:
            chosen |= needed
    return sorted(chosen) or sorted(order[:count])


def points_at(sentences: Sequence[str], number: int, language: Language) -> int:
    """Return the number of the sentence that one must be read from: it has a pronoun, and so may the one before begin."""
    pronoun = load_cues(language).pronoun
    first = number
    while first and (found := pronoun.search(sentences[first])) and (first == number or found.start() <= _OPENING[language]):
        first -= 1
    return first
