"""Text with one record a line: comma, tab and other separated values, read so that one broken quote costs one line."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retrieval.tables.base import BadRow, Numbered, Source, Table, readable, whole
from retrieval.tables.bytes import MARK, Place

BATCH = 1 << 18  # characters of lines that are read at once
_RECORD_LINES = 1000
_RECORD_SIZE = 4 << 20  # characters
_STAND_IN = (
    "\U0010fffe"  # no character, so in no text: the delimiter where csv, which takes one character, cannot have the true one
)
BLANK = " \t\r\n\x0b\x0c\x1a\ufeff"  # what a line without anything holds, and the sign with which CP/M ended a file

csv.field_size_limit(max(csv.field_size_limit(), _RECORD_SIZE))


@dataclass(frozen=True, slots=True)
class Dialect:
    r"""How a line is cut into cells.

    Attributes:
        delimiter: "" means that a line is one cell.
        quote: "" means that quotes are ordinary characters.
        escape: whether a quote inside quotes is written ``\"``, and not doubled.
        spaces: whether blanks after a delimiter do not count.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: bool = False
    spaces: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of csv.reader."""
        return {
            "delimiter": self.delimiter if len(self.delimiter) == 1 else _STAND_IN,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "quotechar": self.quote or None,
            "escapechar": "\\" if self.escape else None,
            "skipinitialspace": self.spaces,
            "strict": True,  # else a quote that never closes takes all that follows
        }


def records(batches: Iterable[list[str]], dialect: Dialect) -> Iterator[tuple[int, list[str] | BadRow]]:
    """Yield (line where it begins, cells) of every record; a blank line has no cells.

    A record with a broken quote costs its first line: reading goes on at the next one.

    Args:
        batches: the lines of a file, in lists of any length.
        dialect: how they are cut.
    """
    options, long = dialect.options, len(dialect.delimiter) > 1
    following = iter(batches)
    nothing: list[str] = []
    lines, number = next(following, nothing), 1  # the number of the first of these lines
    while lines:
        more = next(following, nothing)
        shown = [line.replace(dialect.delimiter, _STAND_IN) for line in lines] if long else lines
        sound = whole("".join(lines))
        start = 0  # the line at which the next record begins
        while start < len(lines):
            base, problem = start, ""
            reader = csv.reader(shown[base:] if base else shown, **options)
            try:
                for cells in reader:
                    end = base + reader.line_num
                    if end - start > _RECORD_LINES:
                        problem = f"a quoted cell runs over more than {_RECORD_LINES} lines"
                        break
                    if sound or whole("".join(lines[start:end])):
                        yield number + start, [cell.replace(_STAND_IN, dialect.delimiter) for cell in cells] if long else cells
                    else:
                        yield number + start, undecodable("".join(lines[start:end]))
                    start = end
            except csv.Error as error:
                problem = str(error)
            if not problem:
                break
            end = base + reader.line_num
            if more and end == len(lines) and _may_go_on(lines[start:]):
                break  # the record is not over yet
            if _mend(shown, start, end, problem):
                continue
            yield number + start, BadRow("broken_quotes", f"cannot be taken apart: {problem}", None, readable(lines[start]))
            start += 1
        number += start
        lines = lines[start:] + more


def undecodable(text: str) -> BadRow:
    """Return what a text with broken bytes is."""
    return BadRow("undecodable", "holds bytes that are no text in the encoding of the file", None, readable(text))


def _may_go_on(lines: list[str]) -> bool:
    return len(lines) <= _RECORD_LINES and sum(map(len, lines)) <= _RECORD_SIZE


def _mend(lines: list[str], start: int, end: int, problem: str) -> bool:
    """Replace what csv refuses in a line although it is no trouble: a lone carriage return, and (in Python 3.10) NUL."""
    if "new-line" in problem:
        unwanted = "\r\n"
    elif "NUL" in problem:
        unwanted = "\0"
    else:
        return False
    changed = False
    for place in range(start, end):
        line = lines[place]
        body = line.rstrip("\r\n")
        if set(unwanted) & set(body):
            for character in unwanted:
                body = body.replace(character, " ")
            lines[place] = body + line[len(line.rstrip("\r\n")) :]
            changed = True
    return changed


def is_blank(cells: list[str]) -> bool:
    """Whether a record is a blank line. A quoted empty cell is not."""
    return not cells or (len(cells) == 1 and cells[0] != "" and not cells[0].strip(BLANK))


def open_text(data: io.BufferedReader, encoding: str, newline: str) -> io.TextIOWrapper:
    """Decode bytes; those that cannot be are marked, so that one broken line does not stop the reading."""
    return io.TextIOWrapper(data, "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding, MARK, newline)


def line_batches(text: io.TextIOWrapper, place: Place) -> Iterator[list[str]]:
    """Yield the lines of a text in lists, and keep account of them."""
    place.line = 1
    while lines := text.readlines(BATCH):
        place.line += len(lines)
        yield lines


class CsvTable(Table):
    """A text file with one record a line."""

    unit: Literal["line", "row"] = "line"

    def __init__(self, path: Path, source: Source, columns: Iterable[str], dialect: Dialect, newline: str) -> None:
        """Describe a file; all of it is known already."""
        super().__init__(path, source, columns)
        self._dialect, self._newline = dialect, newline

    def _read(self) -> Iterator[Numbered]:
        encoding = self.source.encoding or "utf-8"
        with self._opened() as (data, place), open_text(data, encoding, self._newline) as text:
            rows = records(line_batches(text, place), self._dialect)
            if self.source.header:
                for number, cells in rows:
                    if isinstance(cells, BadRow):
                        yield number, cells
                    elif not is_blank(cells):
                        break
            columns, width = self.columns, len(self.columns)
            for number, cells in rows:
                if isinstance(cells, BadRow):
                    yield number, cells
                elif len(cells) == width > 1:
                    yield number, dict(zip(columns, cells))  # noqa: B905  (their lengths are the same; this is the hot line)
                elif (row := self._uneven(cells)) is not None:
                    yield number, row

    def _uneven(self, cells: list[str]) -> dict[str, Any] | BadRow | None:
        """Return the row of a record that has not as many cells as the table has columns, or None for a blank line."""
        if is_blank(cells):
            return None
        width = len(self.columns)
        if len(cells) == 1 < width and not cells[0].strip():
            return None
        full = len(cells)
        while full > width and not cells[full - 1].strip():
            full -= 1
        if full > width or full * 2 < width:
            shown = [readable(cell) for cell in cells]
            return BadRow(
                "wrong_field_count", f"has {full} cell{'' if full == 1 else 's'}, and the table {width} columns", None, shown
            )
        return dict(zip(self.columns, cells[:full]))  # noqa: B905  (cells may be fewer)
