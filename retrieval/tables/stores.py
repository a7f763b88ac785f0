"""Tables that lie in an SQLite or a Parquet file: both are read where they are, a part at a time."""

from __future__ import annotations

import datetime
import decimal
import importlib
import os
import sqlite3
import tempfile
import weakref
from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from retrieval.errors import CatalogError
from retrieval.tables.base import BadRow, Numbered, Source, Table, readable, unique_names
from retrieval.tables.bytes import guarded, is_packed, opened

_BATCH = 1000
_CHUNK = 1 << 20


class _Undecodable(str):
    """A text that stands for bytes that are none."""

    __slots__ = ()


class StoredTable(Table):
    """A table in a file that must lie unpacked on the disk: gzip is unpacked while the table is in use."""

    def __init__(self, path: Path, source: Source) -> None:
        """Unpack the file if need be, and find the columns."""
        super().__init__(path, source)
        self._stored, self._number = path, 0
        self._count: int | None = None
        if is_packed(path):
            self._stored = _unpacked(path)
            weakref.finalize(self, self._stored.unlink, missing_ok=True)
        names = unique_names(self._names())
        self.columns = unique_names((*source.columns[: len(names)], *names[len(source.columns) :]))

    @abstractmethod
    def _names(self) -> Iterable[str]: ...

    @abstractmethod
    def _counted(self) -> int: ...

    @abstractmethod
    def _batches(self) -> Iterator[Iterable[tuple[Any, ...]]]: ...

    def __iter__(self) -> Iterator[Numbered]:
        """Yield (number, row) and (number, what is wrong) of every row."""
        self._number = 0
        return super().__iter__()

    def _read(self) -> Iterator[Numbered]:
        number = 0
        columns = self.columns
        for batch in self._batches():
            for cells in batch:
                number += 1
                if (place := next((i for i, cell in enumerate(cells) if isinstance(cell, _Undecodable)), None)) is not None:
                    yield number, BadRow("undecodable", "holds bytes that are no text", columns[place], readable(cells[place]))
                else:
                    yield number, dict(zip(columns, cells))  # noqa: B905  (their lengths are the same; this is the hot line)
            self._number = number
        self._fraction = 1.0

    @property
    def fraction(self) -> float:
        """How far the latest iteration is, from 0 to 1."""
        if self._fraction < 1 and self._number:
            if self._count is None:
                with suppress(CatalogError):  # what is no SELECT, such as PRAGMA, cannot be counted
                    self._count = self._counted()
            self._fraction = min(self._number / self._count, 1.0) if self._count else 0.0
        return self._fraction


def _unpacked(path: Path) -> Path:
    with guarded(path), opened(path) as (data, _):
        handle, name = tempfile.mkstemp(prefix="table-")
        try:
            with os.fdopen(handle, "wb") as out:
                while chunk := data.read(_CHUNK):
                    out.write(chunk)
        except BaseException:
            os.unlink(name)
            raise
    return Path(name)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _Undecodable(data.decode("utf-8", "replace"))


class SqliteTable(StoredTable):
    """A table, a view or a query of an SQLite file."""

    def __init__(self, path: Path, source: Source) -> None:
        """Find the table: the one there is, or the one chosen."""
        self._query = source.query.strip().rstrip(";") if source.query else ""
        super().__init__(path, source)

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        try:
            uri = f"file:{quote(str(self._stored.resolve()))}?mode=ro&immutable=0"
            with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as connection:
                connection.text_factory = _text
                connection.set_authorizer(_permit)
                yield connection
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            what = f"the query {self.source.query!r} cannot be run" if self.source.query else "is no readable SQLite file"
            raise CatalogError(self.path, None, None, f"{what}: {error}") from error

    def _names(self) -> Iterable[str]:
        with self._connected() as connection:
            if not self._query:
                self._query = f"SELECT * FROM {_quoted(self._choose(connection))}"
            description = connection.execute(self._query).description
            if not description:
                raise CatalogError(self.path, None, None, f"the query {self.source.query!r} gives no rows. Use SELECT.")
            return [column[0] for column in description]

    def _choose(self, connection: sqlite3.Connection) -> str:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        names = [str(name) for (name,) in found]
        if self.source.table is None and len(names) == 1:
            self.source = self.source.model_copy(update={"table": names[0]})
            return names[0]
        for name in names:
            if self.source.table is not None and name.lower() == self.source.table.lower():
                return name
        listed = ", ".join(names)
        if not names:
            problem = "holds no table"
        elif self.source.table is None:
            problem = f"holds several tables: {listed}. Choose one (table)."
        else:
            problem = f"holds no table '{self.source.table}'. There are: {listed}."
        raise CatalogError(self.path, None, None, problem)

    def _counted(self) -> int:
        with self._connected() as connection:
            return int(connection.execute(f"SELECT count(*) FROM (\n{self._query}\n)").fetchone()[0])

    def _batches(self) -> Iterator[Iterable[tuple[Any, ...]]]:
        with self._connected() as connection:
            rows = connection.execute(self._query)
            while batch := rows.fetchmany(_BATCH):
                yield [tuple(_text(cell) if isinstance(cell, bytes) else cell for cell in row) for row in batch]


def _permit(action: int, *_: Any) -> int:
    """Let a query read the file alone: ATTACH would open, and even create, others."""
    return sqlite3.SQLITE_DENY if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH) else sqlite3.SQLITE_OK


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class ParquetTable(StoredTable):
    """A Parquet file."""

    @contextmanager
    def _parquet(self) -> Generator[Any]:
        try:
            arrow: Any = importlib.import_module("pyarrow")  # takes long to import, and few files are Parquet
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise CatalogError(self.path, None, None, "is Parquet, which pyarrow reads. Run: pip install pyarrow") from error
        try:
            # Without the buffer that holds a whole row group, of which a file may have one.
            with parquet.ParquetFile(self._stored, pre_buffer=False, buffer_size=_CHUNK) as file:
                yield file
        except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
            where = f" after row {self._number}" if self._number else ""
            raise CatalogError(self.path, None, None, f"is no readable Parquet file{where}: {error}") from error

    def _names(self) -> Iterable[str]:
        with self._parquet() as file:
            return list(file.schema_arrow.names)

    def _counted(self) -> int:
        with self._parquet() as file:
            return int(file.metadata.num_rows)

    def _batches(self) -> Iterator[Iterable[tuple[Any, ...]]]:
        with self._parquet() as file:
            for batch in file.iter_batches(_BATCH):
                yield zip(*map(_cells, batch.columns), strict=True) if batch.columns else [()] * batch.num_rows


def _cells(column: Any) -> list[Any]:
    """Return the cells of an Arrow column as JSON has them."""
    arrow: Any = importlib.import_module("pyarrow")
    kind, types = column.type, arrow.types
    if types.is_dictionary(kind):
        return _cells(column.dictionary_decode())
    if types.is_timestamp(kind) and kind.unit == "ns":  # Python's own has no nanoseconds
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)
    try:
        cells = column.to_pylist()
    except UnicodeDecodeError:
        cells = column.cast(arrow.large_binary()).to_pylist()
    except (ValueError, OverflowError, KeyError):  # a day that Python does not know, a time zone that this machine does not
        cells = [_scalar(cell) for cell in column]
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind):
        return cells
    return [_plain(cell) for cell in cells]


def _scalar(cell: Any) -> Any:
    try:
        return cell.as_py()
    except (ValueError, OverflowError, KeyError):
        return cell.cast(importlib.import_module("pyarrow").string()).as_py()


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: times as ISO texts, decimals as floats, maps as objects."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if items and all(isinstance(item, tuple) for item in items):  # a map
            return _plain(dict(items))
        return _first_undecodable(parts := [_plain(item) for item in items]) or parts
    if isinstance(value, dict):
        cells = {str(key): _plain(item) for key, item in cast("dict[Any, Any]", value).items()}
        return _first_undecodable(cells.values()) or cells
    return str(value)


def _first_undecodable(values: Iterable[Any]) -> _Undecodable | None:
    return next((value for value in values if isinstance(value, _Undecodable)), None)
