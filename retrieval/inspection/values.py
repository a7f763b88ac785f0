"""Single values of a table: whether there is one, how it is written, whether it is a list, and in which script. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any, cast

import orjson

from retrieval.cells import plain_id
from retrieval.cleaning import Rules
from retrieval.inspection.words import words

_CUT = 60  # characters of an example
_LONGEST = 10_000  # characters of a list written as a Python literal, which is slow to read
_WIDTH = 2.5  # Latin letters that a Chinese character counts for
_LONG = 80  # letters from which a text in English has some of its most common words
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_OTHER_EAST = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")  # kana and hangul: not Chinese
_LETTER = re.compile(r"[^\W\d_]")


def is_missing(value: object, rules: Rules) -> bool:
    """Whether a cell holds nothing: empty, NaN, or a word for nothing."""
    if isinstance(value, str):
        text = value.strip()
        return not text or text in ("[]", "{}") or rules.is_nothing(text)
    return value is None or value != value or (isinstance(value, (list, dict)) and not value)


def as_list(value: object) -> list[Any] | None:
    """Read a list, also one written as JSON or as a Python literal; None when it is none."""
    if isinstance(value, list):
        return cast("list[Any]", value)
    if not isinstance(value, str) or not (value.startswith("[") and value.endswith("]")):
        return None
    try:
        found: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        try:
            found = ast.literal_eval(value) if len(value) < _LONGEST else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return cast("list[Any]", found) if isinstance(found, list) else None


def cut(text: str, width: int = _CUT) -> str:
    """The beginning of a text on one line, without signs that a terminal or a TOML comment would mind."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: width * 2]).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def width(text: str) -> float:
    """The length of a text in Latin letters: a Chinese character says as much as several of them."""
    return len(text) + (_WIDTH - 1) * len(_HAN.findall(text))


def written(value: object) -> str:
    """Write a cell as one text; lists and objects as JSON."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return plain_id(value)
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode() if _plain(value) else str(value)


def _plain(value: object) -> bool:
    try:
        orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except (orjson.JSONEncodeError, RecursionError):  # half a surrogate pair, a number beyond 64 bits
        return False
    return True


def script(texts: Sequence[str]) -> dict[str, Any]:
    """The share of Chinese characters among the letters, and of texts in Chinese and in what looks English."""
    letters = han = chinese = english = 0
    common = set(words().languages["english"])
    for text in texts:
        all_letters, of_han = len(_LETTER.findall(text)), len(_HAN.findall(text))
        letters, han = letters + all_letters, han + of_han
        if of_han and of_han >= 0.3 * all_letters and not _OTHER_EAST.search(text):
            chinese += 1
        elif all_letters and text.isascii() and (len(text) < _LONG or common & set(text.lower().split())):
            english += 1
        elif all_letters >= _LONG and len(common & set(text.lower().split())) >= 3:
            english += 1
    return {"chinese": han / letters if letters else 0.0, "speech": (chinese / len(texts), english / len(texts))}
