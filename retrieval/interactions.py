"""The imported log of a catalogue, read: a person's events, and the strengths of all for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import duckdb
import numpy as np
import numpy.typing as npt

from retrieval.event_log import connect, current_file, kinds_sql
from retrieval.event_rules import IMPLICIT, RATINGS
from retrieval.event_sort import quoted
from retrieval.events import NO_OPINION, Event, EventKind

Batch: TypeAlias = "tuple[npt.NDArray[np.object_], npt.NDArray[np.object_], npt.NDArray[np.float64]]"

_TRIES = 3  # an import may remove the file between finding and opening it
_ACTS = IMPLICIT | {"seen", "saved", "tagged", "reviewed"}  # a review without a rating
_MOST = 0.999  # that one act can say: the logarithm of what lacks to 1 must be finite
_STEPS = 1e6  # logarithms are added as whole numbers, whose sum does not depend on the order

# Inner: the last opinion on an item and the acts, of each pair. Outer: both together; see strengths()
_STRENGTHS = f"""
WITH said AS (
    SELECT user_id, item_id, file_row_number AS nth, value,
        CASE WHEN kind = 'liked' THEN 1.0 WHEN kind = 'disliked' THEN 0.0 WHEN kind IN {kinds_sql(RATINGS)} THEN value END
            AS opinion,
        kind IN {kinds_sql(_ACTS)} AS act
    FROM {{log}}
), pairs AS (
    SELECT user_id, item_id, arg_max(opinion, nth) AS latest,
        coalesce(sum(CASE WHEN act AND opinion IS NULL THEN
            round(-ln(1 - least(coalesce(value, {NO_OPINION}), {_MOST})) * {_STEPS})::BIGINT END), 0) AS lack
    FROM said GROUP BY user_id, item_id
), strengths AS (
    SELECT user_id, item_id, latest, 1 - (1 - coalesce(latest, 0)) * exp(-lack / {_STEPS}) AS strength FROM pairs
)
SELECT user_id, item_id, strength FROM strengths
WHERE strength > 0 AND (latest IS NULL OR latest >= {NO_OPINION}) ORDER BY user_id, item_id
"""

_WANTED = f"""
SELECT user_id, item_id FROM {{log}}
WHERE kind NOT IN ('shown', 'opened', 'disliked', 'dismissed')
    AND NOT (kind IN {kinds_sql(RATINGS)} AND coalesce(value, 1) < {NO_OPINION})
ORDER BY file_row_number
"""


class InteractionLog:
    """Reads the log in a folder. Every call sees the latest import."""

    def __init__(self, folder: Path) -> None:
        """Name the folder.

        Args:
            folder: that :func:`retrieval.event_import.import_events` writes to; it may be empty or absent.
        """
        self.folder = folder

    @property
    def version(self) -> str:
        """A name of the content: another one after an import that added something; empty when nothing was imported."""
        path = current_file(self.folder)
        return path.stem if path else ""

    def events(self, user: str) -> list[Event]:
        """Return a person's events, oldest first; those without a time come before all others, in the order of the log.

        The context holds ``raw``, the value as it stood in the log, and ``session``: as the log names it, or, where it names
        none, the second in which it began.
        """
        columns = "kind, item_id, words, value, seconds, raw, session, gap"
        query = f"SELECT {columns} FROM {{log}} WHERE user_id = ? ORDER BY file_row_number"
        return _as_events(user, self._query(query, [user]))

    def users(self) -> list[str]:
        """Return everyone who has events, sorted."""
        return [user for (user,) in self._query("SELECT DISTINCT user_id FROM {log} ORDER BY user_id")]

    def counts(self) -> dict[EventKind, int]:
        """Return how many events there are of each kind."""
        return dict(self._query("SELECT kind, count(*) FROM {log} GROUP BY kind ORDER BY kind"))

    def sequences(self, batch: int = 100_000) -> Iterator[tuple[str, list[str]]]:
        """Yield everyone with what they came to want, oldest first.

        What was shown, disliked, dismissed or rated below the middle is left out; an item that follows itself counts once.

        Args:
            batch: rows at once; memory does not grow with the log.
        """
        path = current_file(self.folder)
        if path is None:
            return
        user, items = "", list[str]()
        with closing(connect()) as db:
            db.execute(_WANTED.format(log=_log(path)))
            while rows := db.fetchmany(batch):
                for who, item in rows:
                    if who != user:
                        if items:
                            yield user, items
                        user, items = who, []
                    if not items or items[-1] != item:
                        items.append(item)
        if items:
            yield user, items

    def strengths(self, batch: int = 100_000) -> Iterator[Batch]:
        """Yield how strongly people want items: one strength for a person and an item, sorted by both.

        The last opinion counts (a rating's value, 1 for a like, 0 for a dislike): below the middle, the pair is left out. What
        lacks to 1 shrinks with every act (view, play, purchase, save, tag, review without a rating) by the act's value, or by
        half when it has none: 1 - (1 - opinion) (1 - v1) (1 - v2) ..., a noisy or (Pearl 1988). What was shown says nothing.

        Args:
            batch: pairs at once; memory does not grow with the log.

        Yields:
            Arrays of the same length: user ids, item ids (both of ``str``), strengths in (0, 1].
        """
        path = current_file(self.folder)
        if path is None:
            return
        with TemporaryDirectory() as spill, closing(connect(Path(spill))) as db:
            db.execute(_STRENGTHS.format(log=_log(path)))
            while rows := db.fetchmany(batch):
                users, items, values = zip(*rows, strict=True)
                yield np.array(users, object), np.array(items, object), np.array(values, np.float64)

    @cached_property
    def _db(self) -> duckdb.DuckDBPyConnection:
        return connect()

    def _query(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        for attempt in range(_TRIES):
            path = current_file(self.folder)
            if path is None:
                return []
            try:  # a cursor of its own: several threads may ask at once
                with closing(self._db.cursor()) as cursor:
                    return cursor.execute(query.format(log=_log(path)), list(parameters)).fetchall()
            except duckdb.IOException:
                if attempt == _TRIES - 1:
                    raise
        return []


def _log(path: Path) -> str:
    return f"read_parquet({quoted(path)}, file_row_number = true)"


def _as_events(user: str, rows: Sequence[tuple[Any, ...]]) -> list[Event]:
    events: list[Event] = []
    began: float | None = None
    last = 0.0
    for kind, item, words, value, at, raw, session, gap in rows:
        context: dict[str, str] = {} if raw is None else {"raw": f"{raw:.15g}"}
        if at is not None:
            if began is None or at - last > gap:
                began = at
            last = at
            session = session or f"{began:.15g}"
        if session:
            context["session"] = session
        events.append(Event(user, kind, item, words, value, at or 0.0, context))
    return events
