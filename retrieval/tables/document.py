"""JSON documents, of which one row at a time is held in memory, and where in them the rows are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from retrieval.errors import CatalogError
from retrieval.tables.base import BadRow, Numbered, Source, Table, keyed, whole
from retrieval.tables.lines import no_object, read_object
from retrieval.tables.records import open_text, undecodable

_BATCH = 1 << 18  # characters
_LARGEST = 64 << 20  # characters of one row
_SPACE = re.compile(r"[ \t\r\n\ufeff\x1a]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_MANY_KEYS = 64  # of an object that is a row; with more it is a table of something else
_DEEP = 20


class BrokenDocument(Exception):
    """A document that is not JSON. It becomes a CatalogError where file and row are known."""


class Cursor:
    """A place in a JSON document that is read piece by piece."""

    def __init__(self, read: Callable[[int], str]) -> None:
        """Begin at the beginning.

        Args:
            read: returns the next characters of the document, at most as many as asked for; "" at its end.
        """
        self._read, self._text, self._at, self._ended = read, "", 0, False
        self._decode = json.JSONDecoder().raw_decode

    def _fill(self) -> None:
        rest = self._text[self._at :]
        more = self._read(max(_BATCH, len(rest)))  # twice as much each time, so that a long row is not read again and again
        self._text, self._at, self._ended = rest + more, 0, not more

    def peek(self) -> str:
        """Return the next character that is no blank, without passing it; "" at the end."""
        while True:
            if match := _SPACE.match(self._text, self._at):
                self._at = match.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._fill()

    def take(self, characters: str) -> str:
        """Pass one of some characters and return it.

        Raises:
            BrokenDocument: another stands there.
        """
        found = self.peek()
        if not found:
            raise BrokenDocument("the document breaks off")
        if found not in characters:
            raise BrokenDocument(f"here stands {found!r} and not {' or '.join(characters)}")
        self._at += 1
        return found

    def value(self) -> tuple[Any, str]:
        """Pass a value and return it, and its text.

        Raises:
            BrokenDocument: there is none.
        """
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                near = error.pos >= len(self._text) - 16 or error.msg.startswith("Unterminated string")
                if self._ended or not near:
                    raise BrokenDocument("the document breaks off" if near else error.msg) from error
            except (RecursionError, ValueError) as error:  # nested too deep; a number of thousands of digits
                raise BrokenDocument(str(error)) from error
            else:
                if end < len(self._text) or self._ended:  # else a number may go on
                    text, self._at = self._text[self._at : end], end
                    return value, text
            if len(self._text) - self._at > _LARGEST:
                raise BrokenDocument(f"a row has more than {_LARGEST >> 20} million characters")
            self._fill()

    def elements(self) -> Iterator[None]:
        """Pass an array; the caller passes each element."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield
            if self.take(",]") == "]":
                return

    def members(self, *, begun: bool = False) -> Iterator[str]:
        """Pass an object, or the rest of one; yield each key, whose value the caller passes."""
        if begun:
            if self.take(",}") == "}":
                return
        else:
            self.take("{")
            if self.peek() == "}":
                self.take("}")
                return
        while True:
            if self.peek() != '"':
                raise BrokenDocument("a key is no text" if self.peek() else "the document breaks off")
            key = str(self.value()[0])
            self.take(":")
            yield key
            if self.take(",}") == "}":
                return

    def skip(self) -> None:
        """Pass a value; of arrays and objects one element at a time."""
        first = self.peek()
        if first == "[":
            for _ in self.elements():
                self.value()
        elif first == "{":
            for _ in self.members():
                self.value()
        else:
            self.value()


class Shape:
    """What an object holds: enough to tell where the rows of a document are. Of many keys the first are kept."""

    def __init__(self) -> None:
        """Describe an empty object."""
        self.size = self.objects = 0
        self.keys: set[str] = set()
        self.parts: list[tuple[str, Shape | None]] = []  # the objects, and (without a shape) the arrays of objects

    def add(self, key: str) -> None:
        """Count a value."""
        self.size += 1
        if self.size <= _MANY_KEYS:
            self.keys.add(key)

    def add_part(self, key: str, inner: Shape | None) -> None:
        """Note where rows may be: an object by its shape, an array of objects."""
        self.objects += inner is not None
        if len(self.parts) < _MANY_KEYS:
            self.parts.append((key, inner))

    @property
    def rows(self) -> str | None:
        """The path to the first array of objects."""
        for key, inner in self.parts:
            if inner is None:
                return key
            if (rows := inner.rows) is not None:
                return f"{key}.{rows}"
        return None

    @property
    def alike(self) -> bool:
        """Whether most values are objects and two have mostly the same keys, so that this is a table by key."""
        keys = [inner.keys for _, inner in self.parts if inner]
        return self.objects * 2 > self.size and any(len(a & b) * 2 > len(a | b) for a, b in pairwise(keys))

    @property
    def by_key(self) -> bool:
        """Whether the values are the rows."""
        return self.alike or (self.objects > 1 and self.objects * 2 > self.size and self.rows is None)


def _look(cursor: Cursor, shape: Shape, depth: int = 0) -> None:
    """Pass an object, or as much of a document as tells where its rows are."""
    for key in cursor.members():
        shape.add(key)
        first = cursor.peek()
        if first == "{" and depth < _DEEP:
            shape.add_part(key, inner := Shape())
            _look(cursor, inner, depth + 1)
            if depth == 0 and shape.alike:
                return
        elif first == "[":
            for place, _ in enumerate(cursor.elements()):
                if place == 0 and cursor.peek() == "{":
                    if depth == 0:  # of several arrays the one at the top is meant
                        shape.parts.clear()
                        shape.objects = 0
                    shape.add_part(key, None)
                    if depth == 0:
                        return
                cursor.value()
        else:
            cursor.value()


def find_rows(cursor: Cursor) -> str | None:
    """Return the dotted path to the rows of a document, "" for the document itself; None when it is one row."""
    if cursor.peek() != "{":
        return ""
    shape = Shape()
    with suppress(BrokenDocument):  # reading the rows will tell at which of them
        _look(cursor, shape)
    if shape.by_key:
        return ""
    if (rows := shape.rows) is not None:
        return rows
    if inner := next((key for key, inner in shape.parts if inner and inner.by_key), None):
        return inner
    return "" if shape.size > _MANY_KEYS or shape.size == shape.objects else None


def _descend(cursor: Cursor, path: str) -> int:
    """Go to a value inside a document; return how many objects it is in."""
    depth, rest = 0, path
    while rest:
        if cursor.peek() == "{":
            for key in cursor.members():
                if rest == key or rest.startswith(f"{key}."):
                    rest = rest[len(key) + 1 :]
                    break
                cursor.skip()
            else:
                raise BrokenDocument(f"there is no '{path}' in it, where the rows should be")
        else:
            raise BrokenDocument(f"there is no '{path}' in it, where the rows should be")
        depth += 1
    return depth


def _rows(cursor: Cursor, path: str | None) -> Iterator[dict[str, Any] | BadRow]:
    if path is None:
        yield _checked(*cursor.value())
    else:
        depth = _descend(cursor, path)
        first = cursor.peek()
        if first == "[":
            for _ in cursor.elements():
                yield _checked(*cursor.value())
        elif first == "{":
            for key in cursor.members():
                row = _checked(*cursor.value(), f"'{key}' ")
                yield row if isinstance(row, BadRow) else keyed(key, row)
        else:
            raise BrokenDocument(f"rows are in a list or an object, and here stands {first!r}" if first else "it breaks off")
        for _ in range(depth):  # to its end, which shows whether it is all there
            for _ in cursor.members(begun=True):
                cursor.skip()
    if cursor.peek():
        raise BrokenDocument(f"{cursor.peek()!r} follows its end")


def _checked(value: Any, text: str, where: str = "") -> dict[str, Any] | BadRow:
    if not whole(text):
        return undecodable(text)
    if not isinstance(value, dict):
        return no_object(value, text, where)
    return read_object(text) if _HALF.search(text) else value  # pyright: ignore[reportUnknownVariableType]


class JsonTable(Table):
    """The rows of a JSON document."""

    def __init__(self, path: Path, source: Source) -> None:
        """Look where the rows are, unless ``source.rows`` says it."""
        super().__init__(path, source)
        self._at = source.rows
        if self._at is None:
            with self._begun() as (cursor, _):
                self._at = find_rows(cursor)
            self.source = source.model_copy(update={"rows": self._at})

    @contextmanager
    def _begun(self) -> Generator[tuple[Cursor, list[int]]]:
        """Open the document; where it is broken, say after which row (the list holds the number of the last)."""
        reached = [0]
        with self._opened() as (data, _), open_text(data, self.source.encoding or "utf-8", "") as text:
            try:
                yield Cursor(text.read), reached
            except BrokenDocument as error:
                where = f" after row {reached[0]}" if reached[0] else ""
                raise CatalogError(self.path, None, None, f"is no readable JSON{where}: {error}") from error

    def _read(self) -> Iterator[Numbered]:
        with self._begun() as (cursor, reached):
            for number, row in enumerate(_rows(cursor, self._at), 1):
                reached[0] = number
                yield number, row
