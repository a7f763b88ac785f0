"""Which columns of a log say who did what with which item, when their names are ordinary or there are none. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retrieval.inspection.columns import ColumnProfile
from retrieval.inspection.words import Tokens, fit, is_anonymous, role, tokens, words
from retrieval.mapping import EventMapping

_SURE = 0.5  # how surely a name must mean a role
_SCALES = ((1, 5), (0.5, 5), (0, 5), (1, 10), (0, 10), (1, 7), (1, 100), (0, 100), (-1, 1), (-10, 10))
_EPOCH = ((2e8, 2.2e9), (2e11, 2.2e12), (2e14, 2.2e15))  # 1976 to 2039 in seconds, milli- and microseconds
_WIDEST = 100  # of a scale of ratings, in columns without names


def propose_events(columns: Sequence[ColumnProfile], file: str = "") -> EventMapping | None:
    """Propose how a log is read.

    Args:
        columns: of the log, as :func:`retrieval.inspection.inspector.inspect` found them.
        file: its name, which may say what its rows are ("ratings.csv", "to_read.csv").

    Returns:
        The mapping, or None when no columns look like a person and an item.
    """
    usable = [column for column in columns if column.content != "empty" and column.name]
    if usable and all(is_anonymous(column.name) for column in usable):
        return _without_names(usable, file)
    user = _best(usable, "user", ())
    item = _item(usable, user)
    if user is None or item is None:
        return None
    taken: list[str] = [user, item]
    found: dict[str, Any] = {"user": user, "item": item}
    for field in ("time", "session"):
        if column := _best(
            usable, field, taken, kinds=() if field == "session" else ("number", "date", "year", "code", "constant")
        ):
            found[field] = column
            taken.append(column)
    found |= _what(usable, taken, file)
    return EventMapping.model_validate(found)


def _best(columns: Sequence[ColumnProfile], wanted: str, taken: Sequence[str], kinds: Sequence[str] = ()) -> str | None:
    scores = {
        column.name: role(_own(column), wanted)
        for column in columns
        if column.name not in taken and (not kinds or column.content in kinds)
    }
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] >= _SURE else None


def _own(column: ColumnProfile) -> Tokens:
    """The words of a name without "id": userId is user. A unit goes, too: timestamp_ms."""
    named = tokens(column.name)
    return named[:-1] if len(named) > 1 and named[-1] in ("id", "ms", "no", "编号", "sec", "second") else named


def _item(columns: Sequence[ColumnProfile], user: str | None) -> str | None:
    """The column of the item: "item", what an id is made of otherwise, or the only id there is beside the person's."""
    scores: dict[str, float] = {}
    for column in columns:
        if column.name == user or role(_own(column), "user") >= _SURE:
            continue
        named = tokens(column.name)
        is_id = role(named, "id")
        things = any(fit(named, thing) for thing in words().things)
        score = max(role(_own(column), "item"), is_id * (1.0 if things else 0.8) if is_id >= _SURE else 0.0)
        if score < _SURE and things and fit(_own(column), _own(column)[-1]) == 1 and column.content in ("number", "code"):
            score = _SURE
        if score and _says_other(named):
            score -= 0.5
        if (
            score
            and column.content in ("name", "text", "list")
            and any(part in ("list", "sequence", "history") for part in named)
        ):
            score += 0.6  # several ids in a cell: what a person did, rather than the one id beside it that is to be foretold
        if score >= _SURE - 0.1:
            scores[column.name] = score
    return max(scores, key=lambda name: scores[name], default=None)


def _says_other(named: Tokens) -> bool:
    return any(role(named, wanted) >= 0.9 for wanted in ("session", "rating", "time")) or "tag" in named


def _what(columns: Sequence[ColumnProfile], taken: Sequence[str], file: str) -> dict[str, Any]:
    """What the rows are, and the column of their value or text."""
    text = _best(columns, "review", taken, kinds=("text", "name"))
    texts = {"text": text} if text else {}
    by_name = {column.name: column for column in columns}
    rating = _best(columns, "rating", taken, kinds=("number", "constant", "flag"))
    if rating and (scale := scale_of(by_name[rating])):
        return {"kind": "reviewed" if text else "rated", "value": rating, "scale": scale, **texts}
    if found := _kind_column(columns, taken):
        return found
    if text:
        return {"kind": "reviewed", **texts}
    if tag := _best(columns, "tag", taken, kinds=("word", "name", "list")):
        return {"kind": "tagged", "text": tag}
    for wanted, unit in (("hours", "hours"), ("count", "count")):
        if (value := _best(columns, wanted, taken, kinds=("number", "constant", "flag"))) is not None:
            kind = kind_of(value) or kind_of(file) or "played"
            return {"kind": kind, "value": value, "unit": unit, "half": half_of(by_name[value])}
    said = next((kind for column in columns if column.name not in taken and (kind := kind_of(column.name))), None)
    return {"kind": kind_of(file) or said or "viewed"}


def _kind_column(columns: Sequence[ColumnProfile], taken: Sequence[str]) -> dict[str, Any] | None:
    """A column such as "event" with "view", "addtocart" and "buy"."""
    for column in columns:
        if column.name in taken or column.content not in ("word", "flag", "name") or role(tokens(column.name), "kind") < _SURE:
            continue
        kinds = {value: kind for value in column.common if (kind := kind_of(value))}
        if kinds and len(kinds) >= 0.5 * len(column.common):
            return {"kind": column.name, "kinds": kinds}
    return None


def kind_of(text: str) -> str | None:
    """What a word, or the name of a file, says that rows are; None when it says nothing."""
    named = tokens(text.split(".")[0])
    scores: Mapping[str, float] = {
        kind: max(fit(named, phrase) for phrase in phrases) for kind, phrases in words().events["kinds"].items()
    }
    best = max(scores, key=lambda kind: scores[kind])
    return best if scores[best] >= _SURE else None


def half_of(column: ColumnProfile) -> float:
    """The amount at which one is half sure: half of the people do less, half do more."""
    return float(f"{column.median:.3g}") if column.median and column.median > 0 else 1.0


def scale_of(column: ColumnProfile) -> tuple[float, float] | None:
    """The smallest usual scale that holds a column's ratings; None where they have none."""
    if column.lowest is None or column.highest is None:
        return None
    for low, high in _SCALES:
        if low <= column.lowest and column.highest <= high and column.highest > low:
            return (float(low), float(high))
    return (column.lowest, column.highest) if column.highest > column.lowest else None


def _without_names(columns: Sequence[ColumnProfile], file: str) -> EventMapping | None:
    """Read "196 242 3 881250949" by what the numbers are: two ids, then perhaps a rating and a time."""
    if not 2 <= len(columns) <= 5 or any(
        column.content not in ("number", "year", "code", "constant", "flag") for column in columns[:2]
    ):
        return None
    user, item, *rest = columns
    if not all(column.whole or column.content == "code" for column in (user, item)) or item.distinct >= 1 or user.distinct >= 1:
        return None  # an id that stands once a row is that of a catalogue
    found: dict[str, Any] = {"user": user.name, "item": item.name}
    for column in rest:
        lowest, highest = column.lowest, column.highest
        if lowest is None or highest is None:
            continue
        if any(low <= lowest and highest <= high for low, high in _EPOCH):
            found.setdefault("time", column.name)
        elif "value" not in found:
            found["value"] = column.name
            if -10 <= lowest and highest <= _WIDEST and (scale := scale_of(column)) and kind_of(file) in (None, "rated"):
                found |= {"kind": "rated", "scale": scale}
            else:
                found |= {"kind": kind_of(file) or "played", "half": half_of(column)}
    if "value" not in found and "time" not in found and kind_of(file) is None:
        return None  # two numbers may be anything
    found.setdefault("kind", kind_of(file) or "viewed")
    return EventMapping.model_validate(found)
