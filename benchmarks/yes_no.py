"""A question to the model that is answered by yes or no, as a number."""

from __future__ import annotations

from chatbot.llm.base import LanguageModel, Prompt
from chatbot.types import Language

ANSWERS = {"en": ("Yes", "No"), "zh": ("是", "否")}


def log_odds(model: LanguageModel, prompt: Prompt, language: Language) -> float:
    """Return how much more likely yes is than no, in nats, from one forward pass."""
    yes, no = ANSWERS[language]
    scores = model.score(prompt, (yes, no))
    return scores[yes] - scores[no]
