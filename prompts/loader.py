"""Loads prompt files. A file declares its variables; one that is missing, left over or undeclared is an error, not a blank.

A template file has sections that begin with a line in brackets: ``[variables]`` (names, parted by commas), ``[system]``,
``[user]`` and, if wanted, ``[example.user]`` with ``[example.assistant]`` and ``[prefix]``. The pair of example sections may be
repeated: the second one is rendered as ``example.user.2`` and ``example.assistant.2``, and so on. The text is Jinja. A phrases
file is TOML: name = Jinja text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError, meta
from jinja2 import Template as JinjaTemplate

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

FOLDER = Path(__file__).parent
_SECTION = re.compile(r"^\[([a-z.]+)\]\s*$", re.MULTILINE)
_NUMBER = re.compile(r"\.\d+$")  # of a repeated section
_SECTIONS = ("variables", "system", "example.user", "example.assistant", "user", "prefix")
# Plain text for a model, never HTML: the page escapes what it shows.
_JINJA = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)


def _sentence(text: str) -> str:
    """Begin a sentence with a text; Jinja's own "capitalize" would write "South korea"."""
    return text[:1].upper() + text[1:]


_JINJA.filters["sentence"] = _sentence


class PromptError(ValueError):
    """A prompt file is broken or is given the wrong variables; the message names the file and the variable."""


@cache
def _compiled(text: str) -> JinjaTemplate:
    return _JINJA.from_string(text)


@cache
def _undeclared(text: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_JINJA.parse(text)))


def _used(text: str, path: Path) -> frozenset[str]:
    try:
        return _undeclared(text)
    except TemplateError as error:
        raise PromptError(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class Template:
    """A checked prompt file."""

    path: Path
    variables: frozenset[str]
    sections: dict[str, str]

    def render(self, **values: Any) -> dict[str, str]:
        """Return section name -> text.

        Raises:
            PromptError: a variable is missing or unknown.
        """
        if values.keys() != self.variables:
            missing, unknown = self.variables - values.keys(), values.keys() - self.variables
            raise PromptError(f"{self.path}: missing variables {sorted(missing)}, unknown variables {sorted(unknown)}")
        return {name: _compiled(text).render(values).strip() for name, text in self.sections.items()}


@dataclass(frozen=True, slots=True)
class Phrases:
    """The sentences that code says, of one language."""

    path: Path
    texts: dict[str, str]

    def say(self, name: str, **values: Any) -> str:
        """Fill a phrase.

        Raises:
            PromptError: there is no such phrase, or a variable is missing or unknown.
        """
        if name not in self.texts:
            raise PromptError(f"{self.path}: no phrase '{name}'")
        used = _used(self.texts[name], self.path)
        if values.keys() != used:
            raise PromptError(f"{self.path}: phrase '{name}' needs {sorted(used)}, got {sorted(values)}")
        return _compiled(self.texts[name]).render(values).strip()


def examples(parts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the example exchanges of a rendered template, in the order of the file."""
    endings = (name.removeprefix("example.user") for name in parts if name.startswith("example.user"))
    return tuple((parts[f"example.user{ending}"], parts[f"example.assistant{ending}"]) for ending in endings)


def parse_template(path: Path) -> Template:
    """Read and check one template file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PromptError(f"{path}: there is no such prompt") from error
    parts = _SECTION.split(text)
    sections: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        number = 1 + sum(_NUMBER.sub("", known) == name for known in sections)
        sections[f"{name}.{number}" if number > 1 and name.startswith("example.") else name] = body.strip("\n")
    if unknown := {_NUMBER.sub("", name) for name in sections} - set(_SECTIONS):
        raise PromptError(f"{path}: unknown sections {sorted(unknown)}; known are {list(_SECTIONS)}")
    if missing := {"variables", "system", "user"} - sections.keys():
        raise PromptError(f"{path}: missing sections {sorted(missing)}")
    declared = {name.strip() for name in sections.pop("variables").replace("\n", ",").split(",") if name.strip()}
    used = {name for body in sections.values() for name in _used(body, path)}
    if declared != used:
        raise PromptError(
            f"{path}: declared but not used {sorted(declared - used)}, used but not declared {sorted(used - declared)}"
        )
    return Template(path, frozenset(declared), sections)


@cache
def load_template(name: str, language: str) -> Template:
    """Load a prompt by name and language."""
    return parse_template(FOLDER / language / f"{name}.txt")


@cache
def load_phrases(language: str) -> Phrases:
    """Load the phrases of a language."""
    path = FOLDER / language / "phrases.toml"
    if not path.is_file():
        raise PromptError(f"{path}: there are no such phrases")
    texts: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))
    for text in texts.values():
        _used(text, path)
    return Phrases(path, texts)
