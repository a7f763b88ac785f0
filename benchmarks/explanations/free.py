"""The plain way: all candidates and the wish in one prompt, and whatever the model answers. What is compared with."""

from __future__ import annotations

import re
import time
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
_ENTRY = re.compile(
    r"^\s*\**\s*\d+[.、)]\s*\**\s*(?P<title>《[^》]+》|[^:：\n]+?)\s*\**\s*(?:\(\d{4}\)|（\d{4}）)?\s*\**\s*[:：]\s*\**(?P<text>.*)"
)


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
    by_title = {_key(title): c.item for c in candidates for title in c.item.titles.values()}
    found = [m for line in text.splitlines() if (m := _ENTRY.match(line))]
    entries = tuple((m["title"], by_title.get(_key(m["title"])), m["text"].strip()) for m in found)
    return FreeReply(text, entries, first, total)


def _key(title: str) -> str:
    return re.sub(r"\W|\(\d{4}\)", "", title.lower())
