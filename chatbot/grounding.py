"""Sentence to sources: what a sentence rests on, or why it may not be shown. Pure functions.

Every content word must stand on the card, in the order of the description; pronouns, negations and relations ("after",
"without") must stand in the lines retold; names, numbers and facet words (moods, genres, countries …) are proved each; another
title, praise or a question is never shown. This is word evidence, not entailment: docs/decisions/0005 says what it catches
and what it does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chatbot.clauses import HAN
from chatbot.cues import load_cues
from chatbot.lexicon import Lexicon
from chatbot.statements import beginnings, description_sentences, length, mixed, repeats, unqualified
from chatbot.statements_en import as_told, dropped_name, wrong_role
from chatbot.types import Language, Request
from retrieval.domain import PEOPLE, Domain
from retrieval.lexical import tokenize
from retrieval.titles import NameIndex
from retrieval.types import Item

MIN_FROM_TEXT = 2  # content words from the description: a bare list of facet words is no sentence
WORDS = {"en": (4, 60), "zh": (6, 120)}  # of a sentence, at least and at most; characters in Chinese
_QUOTED = re.compile(r"《([^》]+)》")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_CAPITAL = re.compile(r"(?<=[a-z,;:'’)] )[A-Z][\w'’-]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence may be shown, its sources, and the problem if it may not."""

    supported: bool
    sources: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What sentences about one item may rest on: source name -> text."""

    item: Item
    texts: Mapping[str, str]

    @classmethod
    def of(cls, item: Item, request: Request, domain: Domain, lines: str) -> Evidence:
        """Collect the card's fields in the request's language, the lines that the model read, and the person's words."""
        language = request.language
        texts = {"card.summary": lines, "card.title": " ".join(item.titles.values())}
        texts |= {f"card.{name}": domain.facet_text(item, name, language) for name in domain.facets if item.values(name)}
        texts["user.message"] = " ".join([request.text, *request.context])  # proves a number or a name, never a claim
        return cls(item, texts)

    @property
    def card(self) -> str:
        """Everything on the card."""
        return " ".join(text for source, text in self.texts.items() if source.startswith("card."))


class Grounder:
    """Checks sentences against evidence, for one catalogue."""

    def __init__(self, domain: Domain, names: NameIndex, lexicon: Lexicon) -> None:
        """Take the catalogue's names and phrases."""
        self._domain, self._names, self._lexicon = domain, names, lexicon
        self._glue = {language: _glue(domain, language) for language in domain.languages}

    def prove(self, sentence: str, evidence: Evidence, language: Language) -> tuple[str, Verdict]:
        """Judge a sentence, and where it fails what is left of it without its last statements.

        Returns:
            The text that may be shown, with its verdict; the whole sentence with its problem when nothing may be shown.
        """
        whole = self.check(sentence, evidence, language)
        if whole.supported:
            return sentence, whole
        for beginning in beginnings(sentence, language):
            verdict = self.check(beginning, evidence, language)
            if verdict.supported:
                return beginning, verdict
        return sentence, whole

    def stray(self, beginning: str, evidence: Evidence, language: Language) -> str:
        """Return a word of the whole words of a beginning that nothing proves, or "": what goes on from there is refused."""
        _, unsupported = self._sources(beginning, self._content(beginning, language), evidence, language)
        return next(iter(unsupported), "")

    def check(self, sentence: str, evidence: Evidence, language: Language) -> Verdict:
        """Judge one sentence of the model's as it is."""
        problem = (
            self._form(sentence, evidence, language)
            or self._never(sentence, language)
            or self._foreign_names(sentence, evidence)
            or self._facets(sentence, evidence, language)
        )
        if problem:
            return Verdict(False, problem=problem)
        return self._words(sentence, evidence, language)

    @staticmethod
    def _form(sentence: str, evidence: Evidence, language: Language) -> str:
        cues = load_cues(language)
        han = len(HAN.findall(sentence))
        if (language == "zh") != (han > len(re.findall(r"[A-Za-z]+", sentence))) or (language == "en" and han):
            return "not in the language of the message"
        praise = cues.praise.search(sentence)
        if praise and praise[0].lower() not in evidence.texts["card.summary"].lower():  # "a perfect village" may be the card's
            return f"praise: {praise[0]}"
        if re.search(r"[!?！？]", sentence):
            return "a question or an exclamation"
        if not sentence.endswith((".", "。", ".”", "。”")):
            return "no end"
        if re.search(r"[*_#<>`\[\]{}|]|https?:", sentence):
            return "markup"
        if not WORDS[language][0] <= length(sentence, language) <= WORDS[language][1]:
            return "too short or too long"
        return ""

    def _never(self, sentence: str, language: Language) -> str:
        """What the domain never lets a sentence say, such as a dose."""
        care = self._domain.care
        found = care.finds("never", sentence, language) if care else None
        return f"never said here: {found}" if found else ""

    def _foreign_names(self, sentence: str, evidence: Evidence) -> str:
        card, said = evidence.card, evidence.texts["user.message"]
        own = set(evidence.item.titles.values())
        for title in _QUOTED.findall(sentence):
            if title not in own and title not in card:
                return f"names another title: {title}"
        people = {str(value) for name in self._domain.people_facets for value in evidence.item.values(name)}
        for mention in self._names.find(sentence):
            words = sentence[mention.start : mention.end]
            if mention.kind == "item" and mention.target != evidence.item.id and words not in card:
                return f"names another title: {words}"
            if mention.kind == PEOPLE and mention.target not in people and words not in card:
                return f"names a person who is not on the card: {words}"
        known = _NUMBER.findall(" ".join([evidence.texts["card.summary"], evidence.texts["card.title"], said]))
        measured = [  # a length proves "97 min", not any 97
            text
            for name, facet in self._domain.facets.items()
            if (text := evidence.texts.get(f"card.{name}", "")) in sentence and (facet.type == "year" or not text.isdigit())
        ]
        for number in _NUMBER.findall(sentence):
            if number not in known and number not in _NUMBER.findall(" ".join(measured)):
                return f"a number without a source: {number}"
        folded = (card + " " + said).lower()
        facets = [
            sentence[m.start : m.end] for language in self._domain.languages for m in self._lexicon.find(sentence, language)
        ]
        for name in _CAPITAL.findall(sentence):
            if any(name in words for words in facets):
                continue  # judged as a facet
            if re.sub(r"['’]s?$", "", name).lower() not in folded:
                return f"a name without a source: {name}"
        return ""

    def _facets(self, sentence: str, evidence: Evidence, language: Language) -> str:
        """Find a word for a facet value that nothing proves.

        The description must hold the word; or, where values are facts and not impressions (match = "hard"), the card the
        value. Impressions are said by code, from the card.
        """
        lines = evidence.texts["card.summary"].lower()
        for match in self._lexicon.find(sentence, language):
            words = sentence[match.start : match.end].lower()
            claims = [t for t in match.targets if t.values and not t.negated_only]
            facts = [t for t in claims if self._domain.facets[t.facet].match == "hard"]
            if claims and words not in lines and not any(v in evidence.item.values(t.facet) for t in facts for v in t.values):
                return f"not in the description: {words}"
        return ""

    def _words(self, sentence: str, evidence: Evidence, language: Language) -> Verdict:
        tokens = self._content(sentence, language)
        if not tokens:
            return Verdict(False, problem="says nothing")
        sources, unsupported = self._sources(sentence, tokens, evidence, language)
        lines = evidence.texts["card.summary"]
        if unsupported:
            return Verdict(False, problem=f"without a source: {', '.join(unsupported)}")
        if untied := self._untied(sentence, evidence, language):
            return Verdict(False, problem=f"not so in the description: {untied}")
        if dropped := dropped_name(sentence, lines):
            return Verdict(False, problem=f"passes over {dropped}, who may be the one who does it")
        untitled = _QUOTED.sub("", as_told(sentence, lines))
        for title in evidence.item.titles.values():  # its own title has no place in the order of the lines
            untitled = untitled.replace(title, "")
        told = [t for t in dict.fromkeys(tokenize(untitled)) if t in tokens]
        if not in_order(told, lines):  # who does what to whom
            return Verdict(False, problem="not in the order of the description")
        if sources.get("card.summary", 0) < MIN_FROM_TEXT:
            return Verdict(False, problem="says nothing of the description")
        if problem := self._statements(sentence, lines, language):
            return Verdict(False, problem=problem)
        return Verdict(True, tuple(sorted(sources, key=lambda source: -sources[source])))

    def _content(self, sentence: str, language: Language) -> list[str]:
        """The words that need a source, as search tokens."""
        glue = self._glue[language]
        return [t for t in dict.fromkeys(tokenize(sentence)) if t not in glue and (language == "en" or len(t) > 1)]

    def _statements(self, sentence: str, text: str, language: Language) -> str:
        glue, lines = self._glue[language], description_sentences(text, language)
        if repeats(sentence, text, glue):
            return "says something twice"
        if part := mixed(sentence, lines, glue, language):
            return f"stands in no single line: {part}"
        if language == "en" and (problem := wrong_role(sentence, lines, glue)):
            return problem
        if modal := unqualified(sentence, lines, glue, language):
            return f"told as a fact without: {modal}"
        return ""

    def _sources(
        self, sentence: str, tokens: Sequence[str], evidence: Evidence, language: Language
    ) -> tuple[dict[str, int], list[str]]:
        """Count how many words each field of the card proves, and collect the words that none does."""
        sources: dict[str, int] = {}
        unsupported: list[str] = []
        card = {source: text for source, text in evidence.texts.items() if source.startswith("card.")}
        bags = {source: set(tokenize(text)) for source, text in card.items()}
        for token in tokens:
            holders = [s for s, text in card.items() if token in bags[s] or (language == "zh" and _spelled(token, text))]
            if holders:
                first = next((s for s in holders if s != "card.title"), holders[0])
                sources[first] = sources.get(first, 0) + 1
            elif not self._is_value(token, evidence, language):
                unsupported.append(token)
        for match in self._lexicon.find(sentence, language):
            for target in match.targets:
                if any(value in evidence.item.values(target.facet) for value in target.values):
                    sources.setdefault(f"card.{target.facet}", 1)
        return sources, unsupported

    @staticmethod
    def _untied(sentence: str, evidence: Evidence, language: Language) -> str:
        """A pronoun, a negation or a relation in the sentence that the lines it retells do not have."""
        ties = load_cues(language).ties
        known = {match[0].lower() for match in ties.finditer(evidence.texts["card.summary"])}
        known |= {"where"} if "there" in known else set()
        return next((match[0] for match in ties.finditer(sentence) if match[0].lower() not in known), "")

    def _is_value(self, token: str, evidence: Evidence, language: Language) -> bool:
        """Whether a token is a word for a value that the item has ("quieter" for quiet)."""
        return any(
            value in evidence.item.values(target.facet)
            for match in self._lexicon.find(token, language)
            for target in match.targets
            for value in target.values
        )


def _glue(domain: Domain, language: str) -> frozenset[str]:
    """The words that need no source, as search tokens; Chinese ones are whole words already."""
    words = load_cues(language, domain).glue
    return words if language == "zh" else frozenset(token for word in words for token in tokenize(word))


def in_order(tokens: Sequence[str], text: str) -> bool:
    """Whether the tokens that a text holds stand there in the same order; a word that stands there twice may be either."""
    places: dict[str, list[int]] = {}
    for place, token in enumerate(tokenize(text)):
        places.setdefault(token, []).append(place)
    last = -1
    for choices in (places[token] for token in tokens if token in places):
        last = next((place for place in choices if place > last), len(text))
    return last < len(text)


def _spelled(word: str, text: str) -> bool:
    """Whether a Chinese word stands in a text, or each of its character pairs does: segmenters cut differently."""
    return word in text or (len(word) > 2 and all(a + b in text for a, b in pairwise(word)))
