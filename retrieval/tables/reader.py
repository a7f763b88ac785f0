"""Any table as a stream of rows: CSV and its kin, JSON, JSON lines, SQLite and Parquet, each also as gzip.

What a file does not say is detected: format, encoding, delimiter, quotes, header. A broken row is handed on as a
:class:`BadRow`; only what makes the whole file unreadable is an error. Memory does not grow with the file.
"""

from __future__ import annotations

import io
import stat
from pathlib import Path

from retrieval.errors import CatalogError
from retrieval.tables.base import BadRow, Format, Numbered, Source, Table, unique_names
from retrieval.tables.bytes import guarded, known_encoding, opened, survey
from retrieval.tables.document import JsonTable
from retrieval.tables.lines import JsonLinesTable, begins_as_json, holds_lines
from retrieval.tables.records import BLANK, CsvTable, open_text
from retrieval.tables.sniff import has_header, sniff
from retrieval.tables.stores import ParquetTable, SqliteTable

__all__ = ["BadRow", "Numbered", "Source", "Table", "open_table"]

_HEAD = 1 << 20  # characters from which a text file is told
_SQLITE, _PARQUET = b"SQLite format 3\0", b"PAR1"
_ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
}
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
_ANY = Source()


def open_table(path: Path, source: Source = _ANY) -> Table:
    """Open a file as a table.

    Args:
        path: of the file.
        source: what is known of it; the rest is detected.

    Raises:
        CatalogError: the file is missing, empty, cut off, or no table; the message says what to do. Iterating raises it too,
            for a file that breaks off in the middle.
    """
    with guarded(path):
        return _open(path, source)


def _open(path: Path, source: Source) -> Table:
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        raise CatalogError(path, None, None, "is a folder. Give a file in it.")
    if not stat.S_ISREG(kind):
        raise CatalogError(path, None, None, "is no ordinary file. Save what it gives as a file first.")
    with opened(path) as (data, _):
        head = data.peek(16)[:16]
    if not head:
        raise CatalogError(path, None, None, "is empty. A table has at least a header or a row.")
    suffix = Path(path.name[:-3] if path.suffix.lower() == ".gz" else path.name).suffix.lower()
    form = source.format or _SUFFIXES.get(suffix)
    if archive := next((name for magic, name in _ARCHIVES.items() if head.startswith(magic)), None):
        raise CatalogError(path, None, None, f"is a {archive} archive. Unpack it and give the file in it.")
    if head.startswith(_SQLITE):
        return SqliteTable(path, source.model_copy(update={"format": "sqlite"}))
    if head.startswith(_PARQUET):
        return ParquetTable(path, source.model_copy(update={"format": "parquet"}))
    if form in ("sqlite", "parquet"):
        raise CatalogError(path, None, None, f"is no {form} file: it does not begin as one. Give its format, or rename it.")
    return _open_text(path, source, form, suffix)


def _open_text(path: Path, source: Source, form: Format | None, suffix: str) -> Table:
    surveyed = survey(path)
    encoding = known_encoding(path, source.encoding) if source.encoding else surveyed.encoding
    with opened(path) as (data, _), open_text(data, encoding, "") as text:
        beginning = text.read(_HEAD)
        cut = bool(text.read(1))
    if not (cut or beginning.strip(BLANK)):
        raise CatalogError(path, None, None, "is empty. A table has at least a header or a row.")
    newline = "\r" if "\r" in beginning and "\n" not in beginning else "\n"
    lines = io.StringIO(beginning, newline).readlines()
    if cut and len(lines) > 1:
        lines.pop()  # it is not whole
    form = _text_form(source, form, beginning, lines, cut)
    known = source.model_copy(update={"format": form, "encoding": encoding})
    if form == "json":
        table = JsonTable(path, known)
        table.learn_columns()
        return table
    surveyed.check_lines(path)
    if form == "jsonl":
        table = JsonLinesTable(path, known, newline)
        table.learn_columns()
        return table
    return _open_csv(path, known, lines, suffix, newline)


def _text_form(source: Source, form: Format | None, beginning: str, lines: list[str], cut: bool) -> Format:
    """Tell the format of a text. Names say JSON where JSON lines are meant, and the other way round."""
    if source.rows is not None:
        return "json"
    whole = [] if cut and len(lines) == 1 else lines
    if form == "json":
        return "jsonl" if holds_lines(whole, named=False) else "json"
    if form == "jsonl" and source.format is None:
        return "jsonl" if holds_lines(whole, named=True) else "json"
    if form is None and beginning.lstrip(BLANK)[:1] in ("{", "["):
        if holds_lines(whole, named=False):
            return "jsonl"
        if begins_as_json(beginning, cut=cut):
            return "json"
    return form or "csv"


def _open_csv(path: Path, source: Source, lines: list[str], suffix: str, newline: str) -> Table:
    trial = sniff(lines, source, suffix)
    dialect, first = trial.dialect, trial.rows[0]
    header = has_header(trial.rows) if source.header is None else source.header
    names = list(unique_names(first if header else [""] * trial.width))
    names[: len(source.columns)] = source.columns
    known = source.model_copy(update={"delimiter": dialect.delimiter, "quote": dialect.quote, "header": header})
    return CsvTable(path, known, unique_names(names), dialect, newline)
