"""The imported log on disk, and how new events are merged into it: set-based, out of core, by DuckDB.

In a folder of its own::

    current.json       names the file in use; replaced atomically
    events-….parquet   every event, sorted by person, time and the order in which they came
    rejected.jsonl     rows of the last import that were set aside
    merged.jsonl       rows of the last import that repeat a row before them; not those that repeat an earlier import
    report.json        how many they were
    import-…/          what an import is working on; removed by the next one when it was killed
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from retrieval.event_rules import IMPLICIT, RATINGS, EventRules
from retrieval.event_sort import COLUMNS, quoted, write_sorted
from retrieval.events import NO_OPINION
from retrieval.import_report import Ledger
from retrieval.mapping import EventMapping

CURRENT = "current.json"
_MEMORY, _THREADS = "200MB", 2


def connect(spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open a database without a file, whose memory is bounded and which fetches nothing from the net.

    Args:
        spill: folder for what does not fit into memory.
    """
    config: dict[str, Any] = {
        "memory_limit": _MEMORY,
        "threads": _THREADS,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    db = duckdb.connect(config=config | ({"temp_directory": str(spill)} if spill else {}))
    db.execute("SET enable_progress_bar = false")  # it would be printed between what a command prints
    db.execute("SET parquet_metadata_cache = true")  # no file is ever written again under its name
    return db


def current_file(folder: Path) -> Path | None:
    """Return the file of events in use; None when nothing was imported."""
    try:
        name = json.loads((folder / CURRENT).read_text(encoding="utf-8"))["events"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return path if (path := folder / str(name)).is_file() else None


def switch(folder: Path, new: Path) -> None:
    """Make a file, which lies in a folder below, the one in use."""
    os.replace(new, folder / new.name)
    temporary = folder / f"{CURRENT}.new"
    temporary.write_text(json.dumps({"events": new.name}), encoding="utf-8")
    os.replace(temporary, folder / CURRENT)


def clean_up(folder: Path) -> None:
    """Remove what a killed import left, and files that are no longer in use."""
    used = current_file(folder)
    for path in folder.glob("events-*.parquet"):
        if path != used:
            path.unlink(missing_ok=True)
    for path in folder.glob("import-*"):
        shutil.rmtree(path, ignore_errors=True)


def kinds_sql(kinds: frozenset[str]) -> str:
    """Return kinds as a list of SQL."""
    return f"({', '.join(quoted(kind) for kind in sorted(kinds))})"


class Merger:
    """Puts the rows that an import has read beside those of the log, and sets aside what only the whole shows.

    What the log holds already stays: a row is a repetition of an event before it, and when a day or a minute has too many
    events, the new ones are too many.
    """

    def __init__(self, staged: Path, old: Path | None, mapping: EventMapping, rules: EventRules, work: Path) -> None:
        """Look at both.

        Args:
            staged: file of the rows read, in their order: line, user_id, item_id, kind, raw, seconds, words, session.
            old: file of the log in use.
            mapping: whose scale and thresholds hold.
            rules: which run; counts what they did.
            work: folder for what is made on the way.
        """
        self.mapping, self.rules, self.work = mapping, rules, work
        self.db = connect(work / "spill")
        self.offset = self._one(f"SELECT count(*) FROM read_parquet({quoted(old)})")[0] if old else 0
        staged_rows = f"read_parquet({quoted(staged)}, file_row_number = true)"
        self.rows = self._one(f"SELECT count(*) FROM {staged_rows}")[0]
        self.db.execute(
            f"CREATE VIEW fresh AS SELECT file_row_number + {self.offset} AS ord, line, user_id, item_id, kind, "
            f"{self._value(staged_rows)} AS value, raw, seconds, words, session, {mapping.session_gap * 60!r}::DOUBLE AS gap "
            f"FROM {staged_rows}"
        )
        before = (
            f"SELECT file_row_number AS ord, NULL AS line, {COLUMNS} FROM read_parquet({quoted(old)}, file_row_number = true) "
            "UNION ALL "
            if old
            else ""
        )
        self.db.execute(f"CREATE VIEW everything AS {before} SELECT ord, line, {COLUMNS} FROM fresh")
        self.db.execute("CREATE TABLE gone (ord BIGINT, rule VARCHAR, first BIGINT)")
        self.db.execute("CREATE VIEW kept AS SELECT * FROM everything ANTI JOIN gone USING (ord)")
        self.db.execute(
            "CREATE VIEW acts AS SELECT ord, user_id, seconds, floor(seconds / 86400) AS day, floor(seconds / 60) AS minute "
            f"FROM kept WHERE kind IN {kinds_sql(IMPLICIT)} AND seconds IS NOT NULL"
        )

    def run(self, out: Path, ledger: Ledger, step: Callable[[float], None]) -> bool:
        """Write the merged log to a file, unless nothing is new, and account for every staged row; whether it was written."""
        self._find_repeats()
        step(0.3)
        acts = self._one(f"SELECT count(*) FROM fresh WHERE kind IN {kinds_sql(IMPLICIT)} AND seconds IS NOT NULL")[0]
        if acts:
            self._find_bots()
            self._find_bursts()
        step(0.5)
        counts: dict[str, int] = dict(self.db.execute("SELECT rule, count(*) FROM gone GROUP BY rule").fetchall())
        self.rules.counts.update(counts)
        ledger.kept = self.rows - sum(counts.values())
        self._account(ledger, counts)
        step(0.6)
        if ledger.kept:
            write_sorted(self.db, "kept", out, self.work)
        step(1.0)
        return ledger.kept > 0

    def close(self) -> None:
        """Let go of memory and files."""
        self.db.close()

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self.db.execute(query).fetchone()
        assert row is not None
        return row

    def _value(self, staged: str) -> str:
        """SQL of an event's value: :func:`retrieval.events.normalise_rating` and :func:`retrieval.events.confidence`.

        Without a scale in the mapping, the lowest and the highest rating of this file are its ends.
        """
        ratings, amounts = kinds_sql(RATINGS), kinds_sql(IMPLICIT)
        low, high = self.mapping.scale or self._one(f"SELECT min(raw), max(raw) FROM {staged} WHERE kind IN {ratings}")
        if low is not None and high > low:
            rating = (
                f"greatest(0.0::DOUBLE, least(1.0::DOUBLE, (raw - {low!r}::DOUBLE) / ({high!r}::DOUBLE - {low!r}::DOUBLE)))"
            )
        else:
            rating = f"{NO_OPINION!r}::DOUBLE"
        x = f"(ln(1 + greatest(raw, 0.0::DOUBLE)) / ln(1 + {self.mapping.half!r}::DOUBLE))"
        amount = f"least({x} / (1 + {x}), 0.9999999999999999::DOUBLE)"
        return f"CASE WHEN raw IS NULL THEN NULL WHEN kind IN {ratings} THEN {rating} WHEN kind IN {amounts} THEN {amount} END"

    def _find_repeats(self) -> None:
        if self.rules.on("repeated_event"):
            self.db.execute(
                "INSERT INTO gone SELECT ord, 'repeated_event', first FROM (SELECT ord, min(ord) OVER "
                "(PARTITION BY user_id, item_id, kind, seconds, raw, digest) AS first FROM "
                "(SELECT *, CASE WHEN words != '' THEN md5_number(words) END AS digest FROM everything)) "
                f"WHERE ord > first AND ord >= {self.offset}"
            )

    def _find_bots(self) -> None:
        if self.rules.on("bot_day"):
            crowded = f"SELECT user_id, day FROM acts GROUP BY ALL HAVING count(*) > {self.mapping.bot_per_day}"
            self.db.execute(
                f"INSERT INTO gone SELECT ord, 'bot_day', NULL FROM acts SEMI JOIN ({crowded}) USING (user_id, day) "
                f"WHERE ord >= {self.offset}"
            )

    def _find_bursts(self) -> None:
        """Find minutes with too many events; not of whole hours, for those times are dates that name no minute."""
        if self.rules.on("burst"):
            limit = self.mapping.burst_per_minute
            timed = "(SELECT * FROM acts WHERE seconds % 3600 != 0)"
            crowded = f"SELECT user_id, minute FROM {timed} GROUP BY ALL HAVING count(*) > {limit}"
            self.db.execute(
                "INSERT INTO gone SELECT ord, 'burst', NULL FROM (SELECT ord, row_number() OVER "
                f"(PARTITION BY user_id, minute ORDER BY ord >= {self.offset}, seconds, ord) AS nth "
                f"FROM {timed} SEMI JOIN ({crowded}) USING (user_id, minute)) WHERE nth > {limit} AND ord >= {self.offset}"
            )

    def _account(self, ledger: Ledger, counts: dict[str, int]) -> None:
        """Write down the rows that were merged or set aside."""
        merged = counts.pop("repeated_event", 0)
        ledger.merged += merged
        if merged:
            self.db.execute(
                "COPY (SELECT line, rule, user_id AS user, item_id AS item FROM fresh JOIN gone USING (ord) "
                f"WHERE first >= {self.offset} ORDER BY ord) TO {quoted(self.work / 'merged.jsonl')} (FORMAT json)"
            )
        if not counts:
            return
        m = self.mapping
        reasons = {
            "bot_day": f"is in a day in which this person has more than {m.bot_per_day} views, plays and purchases.",
            "burst": f"is in a minute in which this person has more than {m.burst_per_minute} views, plays and purchases.",
        }
        rows = self.db.execute(
            "SELECT line, rule, user_id, item_id, kind, raw, seconds, session FROM fresh JOIN gone USING (ord) "
            "WHERE rule != 'repeated_event' ORDER BY ord"
        )
        names = ("user", "item", "kind", "value", "time", "session")
        while some := rows.fetchmany(10_000):
            for line, rule, *cells in some:
                ledger.reject(line, rule, m.time, reasons[rule], dict(zip(names, cells, strict=True)))
