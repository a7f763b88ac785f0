"""What every kind of table has in common: how it is described, what a row is, and how a broken one is told."""

from __future__ import annotations

import io
import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, model_validator

from retrieval.tables.bytes import Place, guarded, opened

Format: TypeAlias = Literal["csv", "json", "jsonl", "parquet", "sqlite"]
Row: TypeAlias = "dict[str, Any]"
Numbered: TypeAlias = "tuple[int, Row | BadRow]"

FIRST_ROWS = 1000  # whose keys are the columns of a table without a header
_RAW = 2000  # characters of a broken row that are kept
_HALVES = re.compile("[\ud800-\udfff]")


class Source(BaseModel):
    """How a file is read. What is absent is detected.

    Attributes:
        format: of the file; ``csv`` is any text with one record a line.
        encoding: of a text file.
        delimiter: between cells, one character or more ("::"); "" means that every line is one cell.
        quote: around cells; "" means that quotes are ordinary characters.
        header: whether the first record holds the names.
        columns: names by position, where there is no header or instead of it.
        table: of an SQLite file.
        query: on an SQLite file, which is opened read-only.
        rows: dotted path to the array inside a JSON document.
        explode: columns whose elements become rows of their own, beside the other cells. A list has several elements, an
            object is one, an object of objects has one a key. An element that is an object adds its keys, and those win. A
            name may also be that of a key of such an element.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    header: bool | None = None
    columns: tuple[str, ...] = ()
    table: str | None = None
    query: str | None = None
    rows: str | None = None
    explode: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Source:
        if self.delimiter and set(self.delimiter) & set("\r\n"):
            raise ValueError("delimiter: a line's end cannot be one")
        if self.quote is not None and (len(self.quote) > 1 or self.quote in ("\r", "\n") or self.quote == self.delimiter != ""):
            raise ValueError("quote: give one character that is not the delimiter, or nothing")
        return self


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read.

    Attributes:
        rule: a short name of the trouble, such as ``wrong_field_count``.
        reason: the same in words.
        field: the column, when one is to blame.
        raw: what stands there, JSON-serialisable: the text (its beginning) or the cells.
    """

    rule: str
    reason: str
    field: str | None
    raw: Any


class Table(ABC):
    """A file as a stream of rows. Every iteration opens the file again.

    Attributes:
        path: of the file.
        unit: what the number of a row counts: physical lines (the header is one too) or rows, both from 1.
        columns: the names known; rows may lack some, and rows of JSON may have more.
        source: how the file is read, with what was detected.
    """

    unit: Literal["line", "row"] = "row"

    def __init__(self, path: Path, source: Source, columns: Iterable[str] = ()) -> None:
        """Describe a file; :func:`retrieval.tables.reader.open_table` does it from the file itself."""
        self.path, self.source, self.columns = path, source, tuple(columns)
        self._file: io.FileIO | None = None
        self._size = 1
        self._fraction = 0.0

    def __iter__(self) -> Iterator[Numbered]:
        """Yield (number, row) and (number, what is wrong) of every row."""
        self._fraction = 0.0
        return exploded(self._read(), self.source.explode) if self.source.explode else self._read()

    @abstractmethod
    def _read(self) -> Iterator[Numbered]: ...

    @contextmanager
    def _opened(self) -> Generator[tuple[io.BufferedReader, Place]]:
        """Open the file as bytes and measure the fraction by the place in it."""
        with guarded(self.path) as place, opened(self.path) as (data, file):
            self._file, self._size = file, max(self.path.stat().st_size, 1)
            finished = False
            try:
                yield data, place
                finished = True
            finally:
                self._fraction = 1.0 if finished else self.fraction
                self._file = None

    @property
    def fraction(self) -> float:
        """How far the latest iteration is, from 0 to 1."""
        if (file := self._file) is not None:
            with suppress(ValueError):  # closed since
                self._fraction = min(file.tell() / self._size, 1.0)
        return self._fraction

    def learn_columns(self) -> None:
        """Take the keys of the first rows as the columns, in the order in which they appear."""
        names: dict[str, None] = {}
        rows = iter(self)
        for count, (_, row) in enumerate(rows):
            if not isinstance(row, BadRow):
                names.update(dict.fromkeys(row))
            if count >= FIRST_ROWS:
                break
        getattr(rows, "close", lambda: None)()  # a generator: its file closes now, not when it is collected
        self._fraction = 0.0
        self.columns = tuple(names)


def exploded(rows: Iterator[Numbered], columns: Sequence[str]) -> Iterator[Numbered]:
    """Yield a row for every element of some columns; a row that has none of these columns is kept as it is."""
    for number, row in rows:
        if isinstance(row, BadRow):
            yield number, row
        else:
            for part in _explode(row, columns):
                yield number, part


def _explode(row: Row, columns: Sequence[str]) -> Iterator[Row]:
    present = [column for column in columns if isinstance(cell := row.get(column), list) or (isinstance(cell, dict) and cell)]
    if not present:
        yield row
        return
    rest = [column for column in columns if column not in present]
    outer = {name: cell for name, cell in row.items() if name not in present}
    for column in present:
        for element in _elements(row[column]):
            yield from _explode({**outer, **(element if isinstance(element, dict) else {column: element})}, rest)


def _elements(cell: Any) -> list[Any]:
    if isinstance(cell, dict):
        return _values(cell)  # pyright: ignore[reportUnknownArgumentType]
    return cell


def _values(cell: dict[str, Any]) -> list[Any]:
    if all(isinstance(value, dict) for value in cell.values()):
        return [keyed(key, value) for key, value in cell.items()]
    return [cell]


def keyed(key: str, row: Row) -> Row:
    """Return an object with the key under which it stood: as "id", or as "key" when it has an id of its own."""
    return {"key": key, **row} if "id" in row else {"id": key, **row}


def unique_names(cells: Iterable[str]) -> tuple[str, ...]:
    """Return names of columns: without blanks around, c3 for an empty one, name_2 for one that is there already."""
    names: dict[str, None] = {}
    for place, cell in enumerate(cells, 1):
        name = cell.strip().strip("\ufeff").strip() or f"c{place}"  # a byte order mark comes before any column, not only c1
        unique, count = name, 2
        while unique in names:
            unique, count = f"{name}_{count}", count + 1
        names[unique] = None
    return tuple(names)


def readable(text: str) -> str:
    """Return the beginning of a broken text; what is no character becomes the sign for that."""
    return _HALVES.sub("\ufffd", text[:_RAW].rstrip("\r\n"))


def whole(text: str) -> bool:
    """Whether every character of a text is one: no byte that could not be decoded, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
