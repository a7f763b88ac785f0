"""The LanguageModel seam and its engines."""

from chatbot.llm.base import LanguageModel, Prompt

__all__ = ["LanguageModel", "Prompt"]
