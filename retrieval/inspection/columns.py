"""What the values of one column look like: their type by content alone, how many are missing, which language they are in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, TypeAlias, cast

from retrieval.cleaning import Rules, read_date, read_number
from retrieval.inspection.values import as_list, cut, is_missing, script, width, written

ColumnType: TypeAlias = Literal[
    "empty", "constant", "flag", "number", "year", "date", "url", "picture",
    "list", "object", "objects", "text", "code", "word", "name",
]  # fmt: skip

COMMON = 60  # the most frequent values or pieces that a profile keeps
_EXAMPLES, _FIRST = 3, 200
_DATES = 200  # values that are tried as dates: reading one is slow
_LONG = 80  # characters from which a text is prose; a Chinese one counts for several
_PIECE = 28  # characters of a list's entry on average, at most
_MOST = 0.9  # of the values must be of a type; tables have shifted rows
_YEARS = (1000, 2100)
_RECENT = (1850, 2050)  # the median of a column of years lies between
# separator -> (share of the values that hold it, share of the pieces that stand elsewhere again), both at least
_SEPARATORS: Mapping[str, tuple[float, float]] = {
    "|": (0.1, 0.2), ";": (0.15, 0.25), " / ": (0.15, 0.25), "、": (0.15, 0.2),
    ",": (0.2, 0.35), "，": (0.2, 0.35), "/": (0.2, 0.5),
}  # fmt: skip
AUTOMATIC = frozenset({"|", ";", " / ", "、", ",", "，"})  # that a list facet finds by itself
_ORDINARY = (",", "，", "/")  # signs that stand in single values, too
_NAMED = ("name", "title", "label", "value", "tag")  # keys of an object that stand for it

_NUMERIC = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_MEASURE = re.compile(r"[$€£¥￥~≈]?\s?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\s*(\D{0,12})")
_URL = re.compile(r"(?:https?:)?//\S+|www\.\S+")
_IMAGE = re.compile(r"\.(?:jpe?g|png|webp|gif|bmp|avif|svg)(?:[?#].*)?$", re.IGNORECASE)
_FLAGS = ({"0", "1"}, {"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"是", "否"}, {"有", "无"})


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What is known of a column from a sample of its values.

    Attributes:
        name: of the column.
        type: by content; in an :class:`retrieval.inspection.inspector.Inspection` that of what the column is taken as.
        missing: share of the rows without a value.
        distinct: share of the values that are different ones.
        examples: three values, cut.
        length: characters on average.
        chinese: share of Chinese characters among the letters.
        separator: between the values of a list; None in a list of JSON.
        key: of the value in a list of objects.
        lowest: of the numbers; None where there are none.
        highest: of the numbers.
        median: of the numbers.
        whole: whether every number is whole.
        zeros: share of the numbers that are 0.
        gap: whether nothing lies between 0 and the other numbers, so that 0 may stand for nothing.
        speech: share of the texts that are in Chinese, and of those that look English.
        common: the most frequent values, or pieces of lists, in lower case.
        known: how many values there were.
        content: the type by content.
    """

    name: str
    type: str
    missing: float = 0.0
    distinct: float = 0.0
    examples: tuple[str, ...] = ()
    length: float = 0.0
    chinese: float = 0.0
    separator: str | None = None
    key: str | None = None
    lowest: float | None = None
    highest: float | None = None
    median: float | None = None
    whole: bool = False
    zeros: float = 0.0
    gap: bool = False
    speech: tuple[float, float] = (0.0, 0.0)
    common: tuple[str, ...] = ()
    known: int = 0
    content: str = "empty"


def profile(name: str, values: Sequence[Any]) -> ColumnProfile:
    """Look at a column; ``values`` has an entry for every row of the sample."""
    rules = Rules()
    known = [value for value in values if not is_missing(value, rules)]
    missing = 1 - len(known) / len(values) if values else 1.0
    if not known:
        return ColumnProfile(name, "empty", missing)
    texts = [written(value) for value in known]
    counts = Counter(texts)
    details: dict[str, Any] = {
        "missing": missing,
        "distinct": len(counts) / len(texts),
        "examples": _examples(texts),
        "length": sum(map(len, texts)) / len(texts),
        "common": tuple(value.lower() for value, _ in counts.most_common(COMMON)),
        "known": len(known),
    }
    details |= script(texts[:500])
    kind, more = _nested(known) or _scalar(known, texts, counts)
    return ColumnProfile(name, kind, **{**details, **more}, content=kind)


# -- lists and objects ------------------------------------------------------------------------------------------------


def _nested(known: Sequence[Any]) -> tuple[ColumnType, dict[str, Any]] | None:
    objects = sum(isinstance(value, dict) for value in known)
    if objects >= 0.6 * len(known):
        return "object", {}
    lists = [found for value in known if (found := as_list(value)) is not None]
    if len(lists) < 0.6 * len(known):
        return None
    elements: list[Any] = [element for found in lists for element in found][:20_000]
    inner = [cast("dict[str, Any]", element) for element in elements if isinstance(element, dict)]
    if len(inner) >= 0.6 * max(len(elements), 1) and inner:
        key = next((key for key in _NAMED if isinstance(inner[0].get(key), str)), None)
        if key is None or any(isinstance(value, (dict, list)) for element in inner[:50] for value in element.values()):
            return "objects", {}
        named = [str(element.get(key) or "") for element in inner]
        return "list", {"key": key, "examples": _examples(_joined(lists, key)), **_pieces(named)}
    if sum(isinstance(element, list) for element in elements) > 0.5 * len(elements):
        return "objects", {}
    pieces = [written(element) for element in elements]
    if pieces and sum(width(piece) for piece in pieces) / len(pieces) > _LONG / 2:
        return "text", {}
    return "list", {"examples": _examples(_joined(lists, "")), **_pieces(pieces)}


def _joined(lists: Sequence[list[Any]], key: str) -> list[str]:
    """The first lists as a person would write them."""
    lines: list[str] = []
    for found in lists[:_FIRST]:
        values = [cast("dict[str, Any]", element).get(key) if isinstance(element, dict) else element for element in found]
        lines.append(", ".join(written(value) for value in values if value is not None))
    return lines


def _examples(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(cut(text) for text in dict.fromkeys(texts[:_FIRST]) if text)[:_EXAMPLES]


def _pieces(pieces: Sequence[str]) -> dict[str, Any]:
    counts = Counter(piece for piece in pieces if piece)
    return {
        "common": tuple(piece.lower() for piece, _ in counts.most_common(COMMON)),
        "distinct": len(counts) / max(sum(counts.values()), 1),
    }


def _separated(texts: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    """The separator of lists written into one text, if that is what they are."""
    for separator, (share, reuse) in _SEPARATORS.items():
        if sum(separator in text for text in texts) < share * len(texts):
            continue
        pieces = [piece.strip() for text in texts for piece in text.split(separator) if piece.strip()]
        if not pieces or sum(map(width, pieces)) / len(pieces) > _PIECE or all(piece.isdecimal() for piece in pieces):
            continue
        if 1 - len(set(pieces)) / len(pieces) >= reuse and (separator not in _ORDINARY or _recombine(texts, separator)):
            return separator, _pieces(pieces)
    return None


def _recombine(texts: Sequence[str], separator: str) -> bool:
    """Whether pieces stand in different company: "Berlin, Germany" and "home/apt" are one value, "Drama, War" is two."""
    company = Counter(piece.strip() for text in set(texts) for piece in text.split(separator))
    return sum(1 for count in company.values() if count > 1) >= 0.25 * len(company)


# -- one value a cell -------------------------------------------------------------------------------------------------


def _scalar(known: Sequence[Any], texts: Sequence[str], counts: Counter[str]) -> tuple[ColumnType, dict[str, Any]]:
    lower = {value.lower() for value in counts} if len(counts) <= 3 else set[str]()
    if len(lower) > 1 and any(lower <= flags for flags in _FLAGS):
        return "flag", {}
    numbers, share = _numbers(known, texts)
    details = _range(numbers) if share >= _MOST else {}
    if len(counts) == 1 and len(texts) > 2:
        return "constant", details
    if details:
        return ("year" if _years(numbers) else "number"), details
    if _share(texts, _URL.fullmatch) >= _MOST:
        return ("picture" if _share(texts, _IMAGE.search) >= 0.6 else "url"), {}
    if _share(texts, _IMAGE.search) >= _MOST and not any(" " in text for text in texts[:50]):
        return "picture", {}
    if _dates(texts):
        return "date", {}
    if found := _measures(texts):
        return "number", _range(found)
    return _words(texts, counts)


def _words(texts: Sequence[str], counts: Counter[str]) -> tuple[ColumnType, dict[str, Any]]:
    if listed := _separated(texts):
        return "list", {"separator": listed[0], **listed[1]}
    length = sum(map(width, texts)) / len(texts)
    if length >= _LONG:
        return "text", {}
    distinct = len(counts) / len(texts)
    if distinct >= 0.5 and _share(texts, _is_code) >= _MOST:
        return "code", {}
    slashed = sum("/" in text for text in texts)  # "Ann Bell/Bo Frost": should it be a list, a person's name has none
    parted = slashed >= 0.05 * len(texts) and slashed > max(sum(sign in text for text in texts) for sign in AUTOMATIC)
    return ("word" if distinct < 0.5 and length < _LONG / 2 else "name"), {"separator": "/" if parted else None}


def _is_code(text: str) -> bool:
    return text.isascii() and len(text) <= 64 and any(c.isdecimal() for c in text) and not any(c.isspace() for c in text)


def _share(texts: Sequence[str], test: Any) -> float:
    return sum(1 for text in texts if test(text)) / len(texts)


def _numbers(known: Sequence[Any], texts: Sequence[str]) -> tuple[list[float], float]:
    """The numbers among the values, and their share. Digits with zeros in front are a code."""
    numbers: list[float] = []
    padded = 0
    for value, text in zip(known, texts, strict=True):
        if isinstance(value, bool) or not (isinstance(value, (int, float)) or _NUMERIC.fullmatch(text)):
            continue
        padded += len(text) > 1 and text[0] == "0" and text.isdecimal()
        if (number := read_number(value)[0]) is not None:
            numbers.append(float(number))
    return numbers, 0.0 if padded > 0.05 * len(texts) else len(numbers) / len(texts)


def _measures(texts: Sequence[str]) -> list[float]:
    """The numbers of "117 min" or "$12.99", when nearly all are written so and most with the same unit."""
    found = [(match, text) for text in texts if (match := _MEASURE.fullmatch(text))]
    if len(found) < _MOST * len(texts) or sum(map(str.isdecimal, texts)) > 0.5 * len(texts):
        return []
    units = Counter(match[1].strip().lower() for match, _ in found)
    if units.most_common(1)[0][1] < _MOST * len(found):  # 500 g and 2 kg, 90 min and 2 seasons: numbers of different things
        return []
    return [float(number) for _, text in found if (number := read_number(text)[0]) is not None]


def _range(numbers: list[float]) -> dict[str, Any]:
    ordered = sorted(number for number in numbers if number)
    zeros = len(numbers) - len(ordered)
    low = abs(ordered[len(ordered) // 20]) if ordered else 0.0
    return {
        "lowest": min(numbers, default=None),
        "highest": max(numbers, default=None),
        "median": median(numbers) if numbers else None,
        "whole": all(number == int(number) for number in numbers),
        "zeros": zeros / max(len(numbers), 1),
        "gap": bool(zeros) and low >= 5 and sum(0 < number < low / 5 for number in ordered) <= zeros,
    }


def _years(numbers: Sequence[float]) -> bool:
    if not numbers or any(number != int(number) for number in numbers):
        return False
    inside = sorted(number for number in numbers if _YEARS[0] <= number <= _YEARS[1])
    rest = sum(1 for number in numbers if number and not _YEARS[0] <= number <= _YEARS[1])
    many = len(inside) >= 0.5 * len(numbers) and rest <= 0.02 * len(numbers)
    # the numbers 1 to 2100 of a table's rows are no years: those repeat, or are not one a row
    return many and _RECENT[0] <= inside[len(inside) // 2] <= _RECENT[1] and len(set(inside)) <= 400


def _dates(texts: Sequence[str]) -> bool:
    step = max(len(texts) // _DATES, 1)
    tried = texts[::step]
    if sum(6 <= len(text) <= 40 and any(c.isdecimal() for c in text) for text in tried) < 0.8 * len(tried):
        return False
    return sum(1 for text in tried if read_date(text) is not None) >= 0.8 * len(tried)
