"""The words of the page, read from ``texts/<language>.toml``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from retrieval.errors import ZhiyinError

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

logger = logging.getLogger(__name__)
FOLDER = Path(__file__).parent / "texts"
DEFAULT_LANGUAGE = "en"


@cache
def languages() -> tuple[str, ...]:
    """Return the codes of the languages that have a file, the default one first."""
    codes = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return tuple(sorted(codes, key=lambda code: code != DEFAULT_LANGUAGE))


@cache
def load_texts(language: str) -> Mapping[str, str]:
    """Return all texts of a language by key."""
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def choose_language(wanted: str | None) -> str:
    """Return the language of the page nearest to a code or browser locale such as ``zh-Hans-CN``."""
    code = (wanted or "").replace("_", "-").split("-")[0].lower()
    return code if code in languages() else DEFAULT_LANGUAGE


def text(language: str, key: str, **values: Any) -> str:
    """Return a text of the page, with its values filled in.

    Raises:
        KeyError: the key, or a value that the text names, is missing.
    """
    return load_texts(language)[key].format_map(values)


def error_text(language: str, error: ZhiyinError) -> str:
    """Say an error in a language; in its own English words where the language has no text for its key."""
    try:
        return text(language, error.key, **error.values)
    except KeyError as missing:
        logger.warning("no %s text for error '%s' (missing: %s)", language, error.key, missing)
        return str(error)
