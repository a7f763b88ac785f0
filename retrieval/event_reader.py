"""Rows of a log to events, by a mapping: the part of an import that looks at one row alone.

A row whose item cell holds several ids (a list, or ids parted by blanks) is so many events, in their order.
"""

from __future__ import annotations

import ast
import math
import re
import time
from collections.abc import Container, Mapping
from typing import Any, TypeAlias

import orjson

from retrieval.cells import RefusedRow, plain_id, shorten_id
from retrieval.cleaning import read_number
from retrieval.errors import DomainError
from retrieval.event_rules import IMPLICIT, RATINGS, EventRules, read_kind
from retrieval.events import EventKind, read_time
from retrieval.mapping import EventMapping, as_columns

Row: TypeAlias = Mapping[str, Any]
# user, item, kind, value as it stands in the log, time, text, session
Staged: TypeAlias = "tuple[str, str, EventKind, float | None, float | None, str, str | None]"
Found: TypeAlias = "tuple[str, str]"  # an item's id, and the rule that it met

_OLDEST = 631152000.0  # 1990: no log of ours is older; what is, counted from another epoch or was never set
_AHEAD = 86400.0  # a clock may be in another zone, not in another year
_COUNTED = RATINGS | IMPLICIT  # kinds whose value is looked at
_REMEMBERED = 50_000  # cells of users and items that are kept; most come back soon
_NOBODY = frozenset({"nan", "null", "\\n", "#n/a", "<na>", "undefined"})  # a person may well be called "None"
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d{1,2}")


def mapped_columns(mapping: EventMapping) -> tuple[str, ...]:
    """Return every column that a mapping names."""
    single = (mapping.kind if mapping.kinds else None, mapping.value, mapping.time, mapping.session)
    return tuple(dict.fromkeys(c for c in (mapping.user, *as_columns(mapping.item), *single, *as_columns(mapping.text)) if c))


class EventReader:
    """Reads the rows of one log."""

    def __init__(
        self, mapping: EventMapping, rules: EventRules, known: Container[str] | None, aliases: Mapping[str, str]
    ) -> None:
        """Prepare.

        Args:
            mapping: of the columns.
            rules: which run; counts those that changed something.
            known: ids of the catalogue; None when there is none to compare with.
            aliases: id -> id of the item into which the catalogue merged it.

        Raises:
            DomainError: the mapping names no kind of event, or a rating without a value.
        """
        self.mapping, self.rules = mapping, rules
        self._known = known if rules.on("unknown_item") else None
        self._aliases: Mapping[str, str] = aliases if rules.on("aliased_item") else {}
        self._item_columns, self._text_columns = as_columns(mapping.item), as_columns(mapping.text)
        if not self._item_columns:
            raise DomainError('An event mapping needs the column of the item: item = "…".')
        self.item_column = self._item_columns[0]
        self._kinds: dict[str, EventKind] = {value: read_kind(word) for value, word in mapping.kinds.items()}
        self._folded: dict[str, EventKind] = {value.lower(): kind for value, kind in self._kinds.items()}
        self._kind: EventKind | None = None if mapping.kinds else read_kind(mapping.kind)
        if self._kind == "rated" and mapping.value is None:
            raise DomainError('An event mapping of ratings needs the column of the rating: value = "…".')
        self._latest = time.time() + _AHEAD if rules.on("future_time") else math.inf
        self._oldest = _OLDEST if rules.on("old_time") else -math.inf
        self._users: dict[str, str] = {}
        self._items: dict[str, tuple[Found, ...]] = {}

    def items(self, row: Row) -> tuple[Found, ...]:
        """Return the items of a row, each with the rule that it met: none, ``aliased_item`` or ``unknown_item``."""
        if len(self._item_columns) > 1:
            parts = [part for column in self._item_columns if (part := _id(row.get(column)))]
            return (self._look_up("|".join(parts)),) if parts else ()
        cell = row.get(self.item_column)
        if not isinstance(cell, str):
            return self._read_items(cell)
        found = self._items.get(cell)
        if found is None:
            found = self._read_items(cell)
            if len(found) == 1:  # lists are long, and seldom come twice
                if len(self._items) >= _REMEMBERED:
                    self._items.clear()
                self._items[cell] = found
        return found

    def read(self, row: Row, item: str) -> Staged:
        """Read the event that a row is of an item.

        Raises:
            RefusedRow: it can be no event.
        """
        kind = self._kind or self._read_kind(row)
        user = self._user(row)
        raw = self._value(row, kind)
        at = self._time(row)
        text = self._text(row) if self._text_columns else ""
        if raw is None and not text and kind == "reviewed" and self.rules.on("bad_value"):
            raise RefusedRow("bad_value", self.mapping.value, "is missing, and so are the words. A review has one of them.")
        session = _writable(_id(row.get(self.mapping.session))) or None if self.mapping.session else None
        return user, item, kind, raw, at, text, session

    # -- items and users ----------------------------------------------------------------------------------------------

    def _read_items(self, cell: object) -> tuple[Found, ...]:
        if isinstance(cell, str):
            cell = _as_list(cell)
        if isinstance(cell, (list, tuple)):
            return tuple(self._look_up(part) for element in cell if (part := _id(element)))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        text = _id(cell)
        if not text:
            return ()
        whole = self._look_up(text)
        parts = text.split()
        if len(parts) == 1 or (self._known is not None and whole[1] != "unknown_item"):
            return (whole,)
        found = tuple(self._look_up(part) for part in parts)
        # "Portal 2" is one id, "51 52 53" are three: each of several ids is in the catalogue, or has a digit
        known = self._known is not None and any(rule != "unknown_item" for _, rule in found)
        return found if known or all(map(_has_digit, parts)) else (whole,)

    def _look_up(self, text: str) -> Found:
        item = _writable(shorten_id(text))
        if (alias := self._aliases.get(item)) is not None:
            return alias, "aliased_item"
        return item, "" if self._known is None or item in self._known else "unknown_item"

    def _user(self, row: Row) -> str:
        cell = row.get(self.mapping.user)
        user = self._users.get(cell) if isinstance(cell, str) else None
        if user is None:
            user = _writable(shorten_id(_id(cell)))
            if isinstance(cell, str):
                if len(self._users) >= _REMEMBERED:
                    self._users.clear()
                self._users[cell] = user
        if not user:
            raise RefusedRow("no_user", self.mapping.user, "is missing. Every event is somebody's.")
        return user

    # -- kind, value, time, text ----------------------------------------------------------------------------------------

    def _read_kind(self, row: Row) -> EventKind:
        text = plain_id(row.get(self.mapping.kind))
        kind = self._kinds.get(text) or self._folded.get(text.lower())
        if kind is None:
            reason = f"is {text[:60]!r}, and the mapping says of {', '.join(self._kinds)} alone what kind of event that is."
            raise RefusedRow("unknown_kind", self.mapping.kind, reason)
        return kind

    def _value(self, row: Row, kind: EventKind) -> float | None:
        """Read the number of an event, or None when it has none and needs none."""
        column = self.mapping.value
        cell = row.get(column) if column else None
        try:
            number: float | None = float(cell)  # pyright: ignore[reportArgumentType]
        except (TypeError, ValueError, OverflowError):
            number = self._number_in(cell, column, kind)
        if number is not None and not math.isfinite(number):
            if math.isinf(number) and kind in _COUNTED and self.rules.on("bad_value"):
                raise RefusedRow("bad_value", column, f"is {number}, which is no number of anything.")
            number = None
        if kind in RATINGS:
            return self._rating(number, column, kind)
        if number is not None and number <= 0 and kind in IMPLICIT and self.rules.on("empty_amount"):
            raise RefusedRow("empty_amount", column, f"is {number:g}. That is no event.")
        return number

    def _rating(self, number: float | None, column: str | None, kind: EventKind) -> float | None:
        if number is None:
            if kind == "rated" and self.rules.on("bad_value"):
                raise RefusedRow("bad_value", column, "is missing. A rating needs a number.")
            return None
        scale = self.mapping.scale
        if scale and not scale[0] <= number <= scale[1] and self.rules.on("out_of_scale"):
            raise RefusedRow("out_of_scale", column, f"is {number:g}, beyond the scale from {scale[0]:g} to {scale[1]:g}.")
        return number

    def _number_in(self, cell: object, column: str | None, kind: EventKind) -> float | None:
        """Read the number out of a cell that is more than a number."""
        text = "" if cell is None else str(cell).strip()
        if not text or self.rules.is_nothing(text):
            return None
        number = float(text.replace(",", ".")) if _DECIMAL_COMMA.fullmatch(text) else read_number(text)[0]
        if number is not None and self.rules.on("number_in_text"):
            self.rules.note("number_in_text")
            return float(number)
        if kind in _COUNTED and self.rules.on("bad_value"):
            raise RefusedRow("bad_value", column, f"is {text[:60]!r}, which is no number.")
        return None

    def _time(self, row: Row) -> float | None:
        column = self.mapping.time
        if column is None or (cell := row.get(column)) is None:
            return None
        at = read_time(cell)
        if at is None:
            text = str(cell).strip()
            if text and not self.rules.is_nothing(text):
                self.rules.note("bad_time")
            return None
        if at > self._latest:
            raise RefusedRow("future_time", column, f"is {str(cell)[:60]!r}, which is still to come.")
        if at < self._oldest:
            self.rules.note("old_time")
            return None
        return at

    def _text(self, row: Row) -> str:
        parts: list[str] = []
        for column in self._text_columns:
            cell = row.get(column)
            if cell is None or cell == "":
                continue
            text = self.rules.text(cell if isinstance(cell, str) else plain_id(cell))
            if text and not self.rules.is_nothing(text, title=True):
                parts.append(text)
        return _writable(" ".join(parts))


def _as_list(text: str) -> Any:
    """Read a list that was written as text, JSON's or Python's way; any other text is returned as it is."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return ast.literal_eval(text) if len(text) < 100_000 else text
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text


def _id(cell: object) -> str:
    """Return the id in a cell; empty when there is none."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return ""
    text = plain_id(cell)
    return "" if len(text) <= 9 and text.lower() in _NOBODY else text


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def _writable(text: str) -> str:
    """Return a text that can be written as UTF-8: half a surrogate pair cannot, and is written as an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
