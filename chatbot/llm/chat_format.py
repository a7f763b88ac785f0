"""A prompt in a model's own chat format, by its template."""

from __future__ import annotations

from typing import Any

from jinja2.exceptions import TemplateError

from chatbot.llm.base import Prompt
from retrieval.errors import EngineError


def encode(tokenizer: Any, prompt: Prompt, name: str) -> list[int]:
    """Return the token ids of a prompt, up to where the answer begins.

    Args:
        tokenizer: of transformers, with a chat template.
        prompt: to be written.
        name: of the model, for the error.

    Raises:
        EngineError: the template fails.
    """
    try:
        try:
            text = _apply_template(tokenizer, prompt.messages(), prompt)
            folded = bool(prompt.system) and prompt.system.strip() not in text  # some templates drop it silently
        except TemplateError:
            if not prompt.system:
                raise
            text, folded = "", True
        if folded:
            text = _apply_template(tokenizer, _fold_system(prompt), prompt)
    except Exception as error:
        raise EngineError(f"The chat template of {name} fails: {error}. Use another model.") from error
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def label_id(tokenizer: Any, label: str, name: str) -> int:
    """Return the token of a label.

    Raises:
        EngineError: it is not one token.
    """
    ids: list[int] = tokenizer.encode(label, add_special_tokens=False)
    if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
        raise EngineError(f"'{label}' is no single token of {name}. Use single letters as labels.")
    return ids[0]


def _apply_template(tokenizer: Any, messages: list[dict[str, str]], prompt: Prompt) -> str:
    ending = {"continue_final_message": True} if prompt.prefix else {"add_generation_prompt": True}
    # Hybrid models would think aloud first; templates without the switch ignore it.
    return str(tokenizer.apply_chat_template(messages, tokenize=False, enable_thinking=False, **ending))


def _fold_system(prompt: Prompt) -> list[dict[str, str]]:
    """Put the system text into the first user message, for templates without a system role."""
    messages = prompt.messages()[1:]
    messages[0] = {"role": "user", "content": f"{prompt.system}\n\n{messages[0]['content']}"}
    return messages
