"""Would another judge do better than the rules? Nearness of embeddings and the model's yes or no, on the labelled sentences.

A judge alone refuses as many sentences as the rules do, the worst first. As a help it takes back what the rules refuse, the
best first, until it would show the first sentence that is unsupported: a bound, for it is chosen on the same sentences.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import mannwhitneyu

from benchmarks.explanations.labels import Judged, judge
from benchmarks.yes_no import log_odds
from chatbot.llm.base import LanguageModel, Prompt
from chatbot.statements import description_sentences
from retrieval.embedder import Embedder

SYSTEM = {
    "en": "You check sentences. Answer Yes if the text says everything that the sentence says, and No if it does not.",
    "zh": "你核对句子。句子说的内容在原文里都有，就回答是；有一点没有，就回答否。",
}
ASK = {"en": "Text: {lines}\nSentence: {sentence}\nYes or No?", "zh": "原文：{lines}\n句子：{sentence}\n是还是否？"}
SEED = 7


def measure(embedder: Embedder, model: LanguageModel, count: int) -> list[dict[str, Any]]:
    """Return a row for each judge and language, on so many sentences a language; the model reads each once."""
    rows: list[dict[str, Any]] = []
    sentences = judge()
    for language in ("en", "zh"):
        part = [j for j in sentences if j.case["language"] == language]
        part = random.Random(SEED).sample(part, min(count, len(part)))
        rules = [float(j.whole) for j in part]
        rows += [
            _row("rules", rules, part),
            _row("cosine with the nearest line", [nearness(embedder, j) for j in part], part),
            _row("log-odds of yes", [yes(model, j) for j in part], part),
        ]
    return rows


def nearness(embedder: Embedder, judged: Judged) -> float:
    """Cosine of the sentence with the nearest of the lines that it was made from."""
    lines = description_sentences(judged.case["lines"], judged.case["language"]) or [judged.case["lines"]]
    vectors = np.asarray(embedder.embed_items([judged.case["sentence"], *lines]))
    return float((vectors[1:] @ vectors[0]).max())


def yes(model: LanguageModel, judged: Judged) -> float:
    """How much rather the model says that the lines say it."""
    language = judged.case["language"]
    asked = ASK[language].format(lines=judged.case["lines"], sentence=judged.case["sentence"])
    return log_odds(model, Prompt(SYSTEM[language], asked), language)


def _row(name: str, scores: Sequence[float], part: Sequence[Judged]) -> dict[str, Any]:
    refused = [(score, j) for score, j in zip(scores, part, strict=True) if not j.whole]
    worst = [j for _, j in sorted(zip(scores, part, strict=True), key=lambda pair: pair[0])[: len(refused)]]
    unsupported = sum(not j.case["supported"] for j in part)
    bar = max((score for score, j in refused if not j.case["supported"]), default=-math.inf)
    true = [score for score, j in refused if j.case["supported"]]
    return {
        "judge": name, "language": part[0].case["language"], "n": len(part), "unsupported": unsupported,
        "auc": _auc(scores, [j.case["supported"] for j in part]),
        "auc_of_refused": _auc([s for s, _ in refused], [j.case["supported"] for _, j in refused]),
        "refused": len(refused), "caught_if_alone": sum(not j.case["supported"] for j in worst),
        "true_refused": len(true), "taken_back": sum(score > bar for score in true),
    }  # fmt: skip


def _auc(scores: Sequence[float], supported: Sequence[bool]) -> float:
    """Chance that a supported sentence scores higher than an unsupported one."""
    good = [s for s, true in zip(scores, supported, strict=True) if true]
    bad = [s for s, true in zip(scores, supported, strict=True) if not true]
    return float(mannwhitneyu(good, bad).statistic) / max(len(good) * len(bad), 1) if good and bad else float("nan")
