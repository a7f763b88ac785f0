"""JSON lines, where a broken line costs a row, and how they are told from a JSON document."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import orjson

from retrieval.tables.base import BadRow, Numbered, Source, Table, readable, whole
from retrieval.tables.records import BLANK, open_text, undecodable

_BATCH = 1 << 18  # bytes of lines that are read at once
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_INT = b"0" * 20  # digits; orjson makes a float of an integer that no machine word holds
_TRIED = 20  # lines


def read_object(text: str) -> dict[str, Any] | BadRow:
    """Read the JSON of one row by the standard library, which takes NaN and long integers and says what is wrong."""
    if not whole(text):
        return undecodable(text)
    try:
        value = json.loads(text)
        if not isinstance(value, dict):
            return no_object(value, text)
        json.dumps(value, ensure_ascii=False).encode()
        return value  # pyright: ignore[reportUnknownVariableType]
    except json.JSONDecodeError as error:
        return BadRow("invalid_json", f"not valid JSON ({error.msg}, column {error.colno})", None, readable(text))
    except UnicodeEncodeError:
        return BadRow("undecodable", "holds half of a surrogate pair, which is no character", None, readable(text))
    except (RecursionError, ValueError) as error:  # nested too deep; a number of thousands of digits
        return BadRow("invalid_json", f"not valid JSON ({error})", None, readable(text))


def no_object(value: object, text: str, where: str = "") -> BadRow:
    """Return what a row is that holds another JSON value than an object."""
    kinds: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return BadRow("not_an_object", f"{where}holds {kinds.get(type(value), 'a number')} and no object", None, readable(text))


class JsonLinesTable(Table):
    """A file with one JSON object a line."""

    unit: Literal["line", "row"] = "line"

    def __init__(self, path: Path, source: Source, newline: str) -> None:
        """Describe a file; all of it is known already."""
        super().__init__(path, source)
        self._newline = newline

    def _read(self) -> Iterator[Numbered]:
        with self._opened() as (data, place):
            number = 0
            for lines in self._lines(data):
                place.line = number + 1
                long = _LONG_INT in b"".join(lines).translate(_ZEROS)
                for line in lines:
                    number += 1
                    try:
                        row = orjson.loads(line)
                    except orjson.JSONDecodeError:
                        row = None
                    if not isinstance(row, dict) or (long and _LONG_INT in line.translate(_ZEROS)):
                        text = line.decode("utf-8", "surrogateescape").strip(BLANK)
                        if not text:
                            continue
                        row = read_object(text)
                    yield number, row  # pyright: ignore[reportUnknownArgumentType, reportReturnType]

    def _lines(self, data: io.BufferedReader) -> Iterator[list[bytes]]:
        if self.source.encoding == "utf-8" and self._newline == "\n":
            while lines := data.readlines(_BATCH):
                yield lines
            return
        with open_text(data, self.source.encoding or "utf-8", self._newline) as text:
            while lines := text.readlines(_BATCH):
                yield [line.encode("utf-8", "surrogatepass") for line in lines]


def holds_lines(lines: list[str], *, named: bool) -> bool:
    """Whether a file is JSON lines and not one document.

    Args:
        lines: the first ones, complete.
        named: whether the file's name says that it is.
    """
    tried = [text for line in lines if (text := line.strip(BLANK))][:_TRIED]
    good = sum(_is_container(text) for text in tried)
    if named:
        return good * 2 > len(tried) or bool(tried and tried[0] not in ("[", "{", "[{"))
    return good * 2 > len(tried) > 1


def _is_container(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


def begins_as_json(text: str, *, cut: bool) -> bool:
    """Whether a text is a JSON document, or the beginning of one."""
    text = text.strip(BLANK)
    try:
        return text[:1] in ("{", "[") and isinstance(json.loads(text), (dict, list))
    except json.JSONDecodeError as error:
        return cut and (error.pos >= len(text) - 16 or error.msg.startswith("Unterminated string"))
    except (ValueError, RecursionError):
        return False
