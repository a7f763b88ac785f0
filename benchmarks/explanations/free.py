"""The plain way: all candidates and the wish in one prompt, and whatever the model answers. What is compared with."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.llm.base import LanguageModel, Prompt
from chatbot.types import Language
from retrieval.domain import Domain
from retrieval.types import Candidate, Item

SYSTEM = {
    "en": "You recommend films. From the list, choose the three that fit the wish best, and say of each in one or two "
    "sentences why this person will like it. Use the list alone. Write: 1. Title: reason",
    "zh": "你是电影推荐助手。从列表里选出最合心意的三部，每部用一两句话说明为什么适合这个人。"
    "只用列表里的内容。格式：1. 《片名》：理由",
}
ASK = {"en": "Films:\n{cards}\n\nWish: {wish}", "zh": "电影：\n{cards}\n\n心意：{wish}"}
MAX_TOKENS = 280
_NUMBERED = re.compile(r"^\W*\d+\s*[.、)）:：]\s*(?P<rest>.+)")
_EDGE = " *:：-–—·.,，。\t"
_YEAR = re.compile(r"[(（]\d{4}[)）]")


@dataclass(frozen=True, slots=True)
class FreeReply:
    """What was answered.

    Attributes:
        entries: title as written, the candidate that it names (None: none of them), and the reason.
        first_word_s: seconds until the first piece.
        total_s: seconds until the end.
    """

    text: str
    entries: tuple[tuple[str, Item | None, str], ...]
    first_word_s: float
    total_s: float


def answer(model: LanguageModel, domain: Domain, candidates: list[Candidate], wish: str, language: Language) -> FreeReply:
    """Answer a wish with all the candidates' cards in one prompt."""
    cards = "\n\n".join(domain.write_card(c.item, language) for c in candidates)
    prompt = Prompt(SYSTEM[language], ASK[language].format(cards=cards, wish=wish))
    started = time.perf_counter()
    text, first = "", 0.0
    for piece in model.stream(prompt, max_tokens=MAX_TOKENS):
        first = first or time.perf_counter() - started
        text += piece
    total = time.perf_counter() - started
    return FreeReply(text, entries_of(text, [c.item for c in candidates]), first, total)


def entries_of(text: str, items: Sequence[Item]) -> tuple[tuple[str, Item | None, str], ...]:
    """Return (title as written, the item that it names, the reason) of every numbered line; what follows it is its reason."""
    titles = sorted(((t, item) for item in items for t in item.titles.values()), key=lambda pair: -len(pair[0]))
    entries: list[tuple[str, Item | None, str]] = []
    for line in text.splitlines():
        if found := _NUMBERED.match(line):
            rest = _YEAR.sub("", found["rest"])
            title, item = next(((t, item) for t, item in titles if t in rest), ("", None))
            before, _, after = rest.partition(title) if title else ("", "", rest)
            entries.append((title or rest[:60], item, (before.strip(_EDGE + "《") + after.lstrip(_EDGE + "》")).strip()))
        elif entries and line.strip():
            title, item, reason = entries[-1]
            entries[-1] = (title, item, f"{reason} {line.strip(' *-')}".strip())
    return tuple(entries)
