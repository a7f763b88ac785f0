"""A log of any size into the log of a catalogue, with an account of every event.

First the rows are streamed and each is read and cleaned by itself (retrieval.event_reader); then the whole is merged with the
log that is there (retrieval.event_log). The log in use is replaced at the very end: an import that fails or is killed changes
nothing.
"""

from __future__ import annotations

import importlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from retrieval.cells import RefusedRow
from retrieval.errors import CatalogError, IndexLockedError
from retrieval.event_log import Merger, clean_up, current_file, switch
from retrieval.event_reader import EventReader, mapped_columns
from retrieval.event_rules import EventRules
from retrieval.import_report import ImportReport, Ledger
from retrieval.mapping import EventMapping
from retrieval.tables.reader import BadRow, open_table

REJECTED, MERGED, REPORT = "rejected.jsonl", "merged.jsonl", "report.json"
Progress = Callable[[float], None]

_BATCH = 50_000  # events written at once
_BATCH_TEXT = 8_000_000  # or fewer, with so many characters of text
_READING = 0.8  # of the time is spent reading


def import_events(
    path: Path,
    mapping: EventMapping,
    folder: Path,
    known: Container[str] | None,
    aliases: Mapping[str, str],
    progress: Progress | None = None,
    off: Iterable[str] = (),
) -> ImportReport:
    """Add the events of a file to a log; importing a file twice is importing it once.

    The report counts events: a row whose item cell holds a list of ids is so many. ``report.json``, ``rejected.jsonl`` and
    ``merged.jsonl`` in the folder say what became of them. Memory does not grow with the file.

    Args:
        path: of the file.
        mapping: of its columns.
        folder: of the log; made if it is not there.
        known: ids of the catalogue; None when events of any item are welcome.
        aliases: id -> id of the item into which the catalogue merged it.
        progress: called with the fraction done.
        off: names of rules that do not run.

    Raises:
        CatalogError: the file cannot be read, lacks the mapped columns, or no event can be kept; with file, line and field.
        DomainError: the mapping names no kind of event, or ``off`` no rule.
        IndexLockedError: another import into this folder is running.
    """
    started = time.perf_counter()
    rules = EventRules(off)
    reader = EventReader(mapping, rules, known, aliases)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        problem = f"Another import into {folder} is running. Wait until it is done."
        raise IndexLockedError(problem, key="error_locked", pid="?", folder=str(folder)) from None
    try:
        clean_up(folder)
        work = folder / f"import-{uuid.uuid4().hex}"
        work.mkdir()
        try:
            return _Import(path, mapping, rules, reader, folder, work, progress or (lambda fraction: None)).run(started)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        lock.release()


def choose_mapping(path: Path, mappings: Iterable[EventMapping]) -> EventMapping:
    """Return the first mapping whose columns a log has; when there is none, one proposed by the names of its columns.

    Raises:
        CatalogError: the file cannot be read, or its columns do not say what they are.
    """
    for mapping in mappings:
        if set(mapped_columns(mapping)) <= set(open_table(path, mapping.source).columns):
            return mapping
    from retrieval.inspection.inspector import inspect, propose_events

    found = inspect(path)
    if (proposed := propose_events(found.columns, path.name)) is not None:
        return proposed.model_copy(update={"source": found.source})
    names = ", ".join(column.name for column in found.columns[:30])
    problem = f"no event mapping has these columns: {names}. Say in an [[events]] table which is user, item, value and time."
    raise CatalogError(path, None, None, problem)


class _Import:
    """One run over a file."""

    def __init__(
        self,
        path: Path,
        mapping: EventMapping,
        rules: EventRules,
        reader: EventReader,
        folder: Path,
        work: Path,
        progress: Progress,
    ) -> None:
        self.path, self.mapping, self.rules, self.reader = path, mapping, rules, reader
        self.folder, self.work, self.progress = folder, work, progress
        self.staged = work / "staged.parquet"

    def run(self, started: float) -> ImportReport:
        out = self.work / f"events-{uuid.uuid4().hex}.parquet"
        with Ledger(self.work / REJECTED, self.work / MERGED) as ledger:
            with closing(_Staging(self.staged)) as staging:
                self._stream(ledger, staging)
            written = self._merge(out, ledger)
        self._check_kept(ledger)
        report = ledger.report(self.rules.counts, time.perf_counter() - started)
        report.write(self.work / REPORT)
        for name in (REJECTED, MERGED, REPORT):  # before the switch: a kill in between leaves an import to be repeated
            os.replace(self.work / name, self.folder / name)
        if written:
            switch(self.folder, out)
            clean_up(self.folder)
        self.progress(1.0)
        return report

    def _stream(self, ledger: Ledger, staging: _Staging) -> None:
        """Read every row, and write those that are events as they stand, in batches."""
        table = open_table(self.path, self.mapping.source)
        self._check_columns(table.columns, table.unit)
        read, items = self.reader.read, self.reader.items
        batch: list[tuple[Any, ...]] = []
        size = 0
        for line, row in table:
            if isinstance(row, BadRow):
                self._reject(ledger, line, row.rule, row.field, row.reason, row.raw)
                continue
            found = items(row)
            if not found:
                self._reject(ledger, line, "no_item", self.reader.item_column, "is missing. Every event needs an item.", row)
            for item, met in found:
                try:
                    if met:
                        self._meet(met, item)
                    event = read(row, item)
                except RefusedRow as refused:
                    self._reject(ledger, line, refused.rule, refused.field, str(refused), row)
                    continue
                ledger.rows += 1
                batch.append((line, *event))
                size += len(event[5])
            if len(batch) >= _BATCH or size >= _BATCH_TEXT:
                staging.write(batch)
                batch, size = [], 0
                self.progress(_READING * table.fraction)
        staging.write(batch)

    def _meet(self, rule: str, item: str) -> None:
        if rule == "unknown_item":
            raise RefusedRow(rule, self.reader.item_column, f"is {item[:60]!r}, and the catalogue has no such item.")
        self.rules.note(rule)

    def _merge(self, out: Path, ledger: Ledger) -> bool:
        merger = Merger(self.staged, current_file(self.folder), self.mapping, self.rules, self.work)
        try:
            return merger.run(out, ledger, lambda done: self.progress(_READING + (1 - _READING) * done))
        except duckdb.Error as error:
            raise CatalogError(self.path, None, None, f"cannot be merged into the log in {self.folder}: {error}") from error
        finally:
            merger.close()

    def _reject(self, ledger: Ledger, line: int, rule: str, field: str | None, reason: str, row: Any) -> None:
        ledger.rows += 1
        self.rules.note(rule)
        ledger.reject(line, rule, field, reason, row)

    def _check_columns(self, columns: tuple[str, ...], unit: str) -> None:
        missing = [column for column in mapped_columns(self.mapping) if column not in columns]
        if columns and missing:
            raise CatalogError(
                self.path,
                1 if unit == "line" else None,
                missing[0],
                f"is named in the event mapping and is no column of this file, which has: {', '.join(columns[:30])}.",
            )

    def _check_kept(self, ledger: Ledger) -> None:
        if ledger.kept or ledger.merged:
            return
        first = ledger.first
        if first is None:
            raise CatalogError(self.path, None, None, "holds no events")
        problem = f"{first['reason']} No event could be kept; this is the first of {ledger.rows}."
        raise CatalogError(self.path, first["line"], first["field"], problem)


class _Staging:
    """A Parquet file of the rows read so far."""

    def __init__(self, path: Path) -> None:
        self._pa: Any = importlib.import_module("pyarrow")  # has no types, and takes long to import
        parquet: Any = importlib.import_module("pyarrow.parquet")
        text, number = self._pa.string(), self._pa.float64()
        types = {"line": self._pa.int64(), "user_id": text, "item_id": text, "kind": text, "raw": number, "seconds": number}
        self._schema = self._pa.schema(list((types | {"words": text, "session": text}).items()))
        self._writer: Any = parquet.ParquetWriter(path, self._schema, compression="lz4")
        self.close: Callable[[], None] = self._writer.close

    def write(self, batch: list[tuple[Any, ...]]) -> None:
        if batch:
            columns = zip(self._schema, zip(*batch, strict=True), strict=True)
            arrays = [self._pa.array(column, field.type) for field, column in columns]
            self._writer.write_table(self._pa.table(arrays, schema=self._schema))
