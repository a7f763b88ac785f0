"""What can be counted of texts about items without a reader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chatbot.clauses import HAN
from chatbot.grounding import Evidence
from chatbot.statements import description_sentences
from chatbot.types import Language
from chatbot.writing import opening
from retrieval.lexical import tokenize

_WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Text:
    """What was said of one item.

    Attributes:
        sentences: in their order.
        sources: of each sentence, where they are known.
        own: the item's titles, whose letters count as no language.
        personal: whether it names the person's words or what they like.
        supported: whether the checker proves every sentence; None: not asked.
    """

    turn: str
    language: Language
    sentences: tuple[str, ...]
    own: tuple[str, ...]
    personal: bool
    supported: bool | None = None


def right_language(text: Text) -> bool:
    """Whether a text is in its language, titles and names aside: no Han in English, mostly Han in Chinese."""
    said = " ".join(text.sentences)
    for title in text.own:
        said = said.replace(title, "")
    han, words = len(HAN.findall(said)), len(_WORD.findall(said))
    return han > words if text.language == "zh" else not han and words > 0


def distinct(texts: Iterable[Text], n: int = 2) -> float:
    """Distinct-n (Li et al., NAACL 2016): different n-grams over all n-grams, of all texts together."""
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        for sentence in text.sentences:
            tokens = tokenize(sentence)
            grams.update(tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1))
    return len(grams) / max(grams.total(), 1)


def repeated_openings(texts: Sequence[Text]) -> float:
    """The share of texts whose first sentence begins like an earlier one of the same reply."""
    seen: set[tuple[str, str]] = set()
    repeated = 0
    for text in texts:
        first = text.sentences[0] if text.sentences else ""
        begins = opening(first, text.language)
        repeated += bool(begins) and (text.turn, begins) in seen
        seen.add((text.turn, begins))
    return repeated / max(len(texts), 1)


def length(texts: Sequence[Text]) -> float:
    """Words of a text, characters in Chinese, on the mean."""
    return sum(
        len(HAN.findall(" ".join(t.sentences))) if t.language == "zh" else len(" ".join(t.sentences).split()) for t in texts
    ) / max(len(texts), 1)


def citation_precision(cited: Iterable[tuple[str, Sequence[str], Evidence, dict[str, str]]]) -> float:
    """The share of cited sources that hold a word of their sentence (or name what it names).

    Args:
        cited: sentence, its sources, the evidence, and further sources' texts (what an item of the history is called).
    """
    right = total = 0
    for sentence, sources, evidence, more in cited:
        said = set(tokenize(sentence))
        for source in sources:
            text = evidence.texts.get(source, more.get(source, ""))
            total += 1
            right += bool(said & set(tokenize(text))) or any(
                part and part in sentence for part in re.split(r"[、,，·]\s*", text)
            )
    return right / max(total, 1)


def sentences_of(text: str, language: Language) -> tuple[str, ...]:
    """Split a text into sentences."""
    return tuple(description_sentences(text.replace("\n", " ").strip(), language))
