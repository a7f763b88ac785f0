"""Sorts events into the file of a log, out of core, also where reviews make it many times larger than memory."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb

COLUMNS = "user_id, item_id, kind, value, raw, seconds, words, session, gap"

_ORDER = "user_id, seconds NULLS FIRST, ord"
_GROUP_ROWS, _GROUP_BYTES = 32768, 1 << 22  # a person's events are found by reading one group of rows, or two
_LEAST_ROWS = 1024  # of a group: with more groups, reading where they are takes longer than reading one
_LIGHT = 64 << 20  # bytes of text that DuckDB sorts along with the rest; its external sort cannot spill much more than memory
_PART = 32 << 20  # bytes of text sorted at once where there is more
_MOST_PARTS = 200  # files open at once
_BATCH = 2048


def quoted(path: Path | str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def write_sorted(db: duckdb.DuckDBPyConnection, events: str, out: Path, work: Path) -> None:
    """Write events to a Parquet file, sorted by person, time (unknown first) and the order in which they came.

    Args:
        db: bounded in memory.
        events: a view or table with ``ord`` and :data:`COLUMNS`.
        out: the file.
        work: folder for what is made on the way.
    """
    rows, text = db.execute(f"SELECT count(*), coalesce(sum(strlen(words)), 0)::BIGINT FROM {events}").fetchone() or (0, 0)
    group = max(_LEAST_ROWS, min(_GROUP_ROWS, _GROUP_BYTES * rows // max(text, 1)))
    if text <= _LIGHT:
        db.execute(
            f"COPY (SELECT {COLUMNS} FROM {events} ORDER BY {_ORDER}) TO {quoted(out)} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group})"
        )
        return
    parts = min(_MOST_PARTS, text // _PART + 1)
    db.execute(f"CREATE TABLE placed AS SELECT ord, row_number() OVER (ORDER BY {_ORDER}) - 1 AS place FROM {events}")
    query = f"SELECT {COLUMNS}, place, place * {parts} // {rows} AS part FROM {events} JOIN placed USING (ord)"
    files = _distribute(db.sql(query).to_arrow_reader(_BATCH), work, parts)
    _join(files, out, group)


def _distribute(batches: Any, work: Path, parts: int) -> list[Path]:
    """Write every row to the file of its part."""
    ipc: Any = importlib.import_module("pyarrow.ipc")
    compute: Any = importlib.import_module("pyarrow.compute")
    files = [work / f"part-{n}.arrow" for n in range(parts)]
    with ExitStack() as stack:
        writers = [stack.enter_context(ipc.new_stream(file, batches.schema)) for file in files]
        for batch in batches:
            column = batch.column("part")
            for part in compute.unique(column).to_pylist():
                writers[part].write_batch(batch.filter(compute.equal(column, part)))
    return files


def _join(files: list[Path], out: Path, group: int) -> None:
    """Sort every part by itself and write one after the other."""
    ipc: Any = importlib.import_module("pyarrow.ipc")
    parquet: Any = importlib.import_module("pyarrow.parquet")

    def tables() -> Iterator[Any]:
        for file in files:
            with ipc.open_stream(file) as stream:
                yield stream.read_all().sort_by("place").drop_columns(["place", "part"])
            file.unlink()

    sorted_tables = tables()
    first = next(sorted_tables)
    with parquet.ParquetWriter(out, first.schema, compression="zstd") as writer:
        writer.write_table(first, row_group_size=group)
        for table in sorted_tables:
            writer.write_table(table, row_group_size=group)
