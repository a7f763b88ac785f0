"""Prompts and phrases as text files, one folder a language, and the loader that checks every variable."""

from prompts.loader import Phrases, PromptError, Template, examples, load_phrases, load_template

__all__ = ["Phrases", "PromptError", "Template", "examples", "load_phrases", "load_template"]
