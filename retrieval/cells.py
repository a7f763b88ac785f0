"""The cells of a row as texts and facet values. What cannot be read is unknown, and counted."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar, cast

import orjson

from retrieval.cleaning import Rules, read_date, read_number, read_year
from retrieval.domain import Domain
from retrieval.facet import Facet
from retrieval.types import FacetValue

MAX_ID = 300  # characters; a longer id ends in a digest of itself
_OLDEST = -4000
_AHEAD = 5  # years from now that an announced thing may lie ahead
_SEPARATORS = ("|", ";", " / ", "、")
_COMMA = re.compile(r"(?:(?<!\d),|,(?!\d))(?!\s*(?:Jr|Sr|II|III|IV|Ph\.?D|M\.?D)\b)|，")
_WORDY = re.compile(r"\w")
_YES = frozenset({"1", "1.0", "true", "yes"})
_REMEMBERED = 50_000
_K = TypeVar("_K")
_V = TypeVar("_V")
Labels = dict[str, dict[str, tuple[str, ...]]]


class RefusedRow(Exception):
    """A row that can be no item; names the rule, the field and the reason."""

    def __init__(self, rule: str, field: str | None, reason: str) -> None:
        """Store the three."""
        super().__init__(reason)
        self.rule, self.field, self.reason = rule, field, reason


def plain_id(value: object) -> str:
    """Write an id as text: 7, 7.0 and "7.0" are "7", as tables that passed through a data frame hold them."""
    if isinstance(value, float):
        whole = abs(value) < 2**63 and value.is_integer()  # false of NaN and infinity
        return str(int(value)) if whole else "" if value != value else repr(value)
    text = "" if value is None else str(value).strip()
    return text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text


def shorten_id(item_id: str) -> str:
    """Cut an id that is too long for the stores; different ids stay different."""
    if len(item_id) <= MAX_ID:
        return item_id
    return f"{item_id[: MAX_ID - 17]}~{hashlib.sha256(item_id.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


class CellReader:
    """Reads the cells of one table."""

    def __init__(self, domain: Domain, rules: Rules) -> None:
        """Prepare a domain's facets.

        Args:
            domain: of the catalogue.
            rules: which repairs run; counts them.
        """
        self.domain, self.rules = domain, rules
        facets = domain.facets.items()
        self._years = domain.cleaning.years or (_OLDEST, datetime.now(timezone.utc).year + _AHEAD)
        self._unknown = {name: frozenset(v.lower() for v in facet.unknown) for name, facet in facets}
        self._canon = {name: facet.canonical for name, facet in facets}
        self._patterns = {name: re.compile(facet.pattern) for name, facet in facets if facet.pattern}
        self._readable = [(name, facet) for name, facet in facets if facet.sources]
        self._clean: dict[str, None] = {}  # entries of lists that no rule changes
        self._seen_lists: dict[str, dict[tuple[str, ...], Any]] = {name: {} for name in domain.facets}
        self._labels = {
            name: {v: tuple(words.label(lang) or v for lang in domain.languages) for v, words in facet.values.items()}
            for name, facet in facets
        }

    def facets(self, row: Mapping[str, Any]) -> tuple[dict[str, FacetValue], Labels]:
        """Return the facets that a row knows, and the words for them by language.

        Raises:
            RefusedRow: a cell shows that the row is shifted.
        """
        facets: dict[str, FacetValue] = {}
        labels: Labels = {}
        for name, facet in self._readable:
            if facet.type in ("list", "people"):
                self._read_list(row, name, facet, facets, labels)
            elif (value := self._read_single(row, name, facet)) is not None:
                facets[name] = value
        return facets, labels

    def text(self, value: object, *, title: bool = False) -> str:
        """Clean a value into one text; empty when nothing is known."""
        if isinstance(value, str):
            text = self.rules.text(value)
            return "" if self.rules.is_nothing(text, title=title) else text
        if value is None:
            return ""
        if isinstance(value, list):
            return " ".join(part for element in cast("list[object]", value) if (part := self.text(element)))
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, (int, float)):
            return plain_id(value)
        if isinstance(value, Mapping):
            named = cast("Mapping[str, object]", value)
            return self.text(next((v for key in ("name", "title", "text") if (v := named.get(key))), None))
        return self.rules.text(str(value))

    def _read_single(self, row: Mapping[str, Any], name: str, facet: Facet) -> FacetValue | None:
        column = facet.column or facet.sources[0]
        value = row.get(column)
        if value is None or value == "" or value != value:
            return None
        if (pattern := self._patterns.get(name)) is not None:
            match = pattern.search(str(value))
            if match is None:
                return None
            value = match[1]
        if isinstance(value, str):
            value = self.rules.text(value)
            if not value or self.rules.is_nothing(value):
                return None
        if self._unknown[name] and plain_id(value).lower() in self._unknown[name]:
            self.rules.note("unknown_value")
            return None
        if facet.type == "text":
            text = self.text(value)
            return self._canon[name].get(text.lower(), text) or None
        if facet.type == "date":
            date = read_date(str(value))
            if date is None or not self._possible(int(date[:4]), self._years):
                self.rules.note("bad_date" if date is None else "out_of_range")
                return None
            return date
        return self._read_number(value, column, facet)

    def _read_number(self, value: object, column: str, facet: Facet) -> int | float | None:
        year = facet.type == "year"
        number, in_words = read_year(value) if year else read_number(value)
        if number is None:
            text = str(value)
            if year and not any(c.isdigit() for c in text) and self.rules.on("wrong_column"):
                raise RefusedRow("wrong_column", column, f"must be a year, not {text[:60]!r}. The row seems shifted.")
            self.rules.note("bad_number")
            return None
        if in_words:
            self.rules.note("year_in_date" if year else "number_in_text")
        if not self._possible(number, facet.range or (self._years if year else None)):
            self.rules.note("out_of_range")
            return None
        return number

    def _possible(self, number: float, limits: tuple[float, float] | None) -> bool:
        return limits is None or not self.rules.on("out_of_range") or limits[0] <= number <= limits[1]

    def _read_list(
        self,
        row: Mapping[str, Any],
        name: str,
        facet: Facet,
        facets: dict[str, FacetValue],
        labels: Labels,
    ) -> None:
        """Read a list facet, in every language that it has columns for, into ``facets`` and ``labels``."""
        if facet.columns:
            by_language = {
                language: values
                for language, column in facet.columns.items()
                if (values := self._values(row.get(column), facet, name, parallel=True))
            }
            if not by_language:
                return
            if len({len(values) for values in by_language.values()}) > 1:
                columns = " and ".join(facet.columns.values())
                raise RefusedRow("wrong_column", columns, "must be lists of the same length, one language beside the other")
            facets[name] = next(iter(by_language.values()))
            labels[name] = by_language
            return
        if facet.flags:
            found = tuple(value for column, value in facet.flags.items() if str(row.get(column)).strip().lower() in _YES)
            values = self._without_unknown(name, found)
        elif facet.parts:
            values = tuple(dict.fromkeys(v for column in facet.parts for v in self._values(row.get(column), facet, name)))
        else:
            values = self._values(row.get(facet.column or ""), facet, name)
        if not values:
            return
        facets[name], words = self._canonical(name, values)
        if words:
            labels[name] = words

    def _canonical(self, name: str, values: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
        """Return the canonical values of a facet's values and the words for them; the same lists come again and again."""
        found = self._seen_lists[name].get(values)
        if found is None:
            canon, known = self._canon[name], self._labels[name]
            canonical = tuple(dict.fromkeys([canon.get(value.lower(), value) for value in values]))
            words: dict[str, tuple[str, ...]] = {}
            if known:
                labels = [known.get(value) for value in canonical]
                for n, language in enumerate(self.domain.languages):
                    words[language] = tuple(w[n] if w else v for w, v in zip(labels, canonical, strict=True))
            found = _remember(self._seen_lists[name], values, (canonical, words))
        return found

    def _values(self, value: object, facet: Facet, name: str, *, parallel: bool = False) -> tuple[str, ...]:
        """Read a list; of parallel ones (one language beside the other) every entry keeps its place."""
        if value is None or value == "":
            return ()
        if isinstance(value, str):
            elements: list[Any] = _loads(value) or [part.strip() for part in self._split(value, facet, name)]
        else:
            elements = cast("list[Any]", value) if isinstance(value, list) else [value]
        clean = self._clean
        found = [element for element in elements if type(element) is str and element in clean]
        if len(found) < len(elements):
            found = self._read_entries(elements, facet, self._canon[name])
        if not parallel and len(once := dict.fromkeys(found)) < len(found):
            self.rules.note("repeated_value")
            found = list(once)
        return self._without_unknown(name, tuple(found)) if self._unknown[name] else tuple(found)

    def _read_entries(self, elements: list[Any], facet: Facet, canon: Mapping[str, str]) -> list[str]:
        found: list[str] = []
        for element in elements:
            named = cast("Mapping[str, object]", element).get(facet.key) if isinstance(element, Mapping) else element
            text = self.text(named)
            if not text and isinstance(named, str) and named.strip().lower() in canon:
                text = named.strip()  # "none" is a value where the domain has words for it
            if not text:
                continue
            if text[0].isalnum() or _WORDY.search(text):
                found.append(text)
                if text == element:
                    _remember(self._clean, text, None)
            else:
                self.rules.note("junk_value")
        return found

    def _without_unknown(self, name: str, values: tuple[str, ...]) -> tuple[str, ...]:
        unknown = self._unknown[name]
        kept = tuple(v for v in values if v.lower() not in unknown) if unknown else values
        if len(kept) < len(values):
            self.rules.note("unknown_value")
        return kept

    def _split(self, value: str, facet: Facet, name: str) -> list[str]:
        if (pattern := self._patterns.get(name)) is not None:
            return [m for m in pattern.findall(value) if isinstance(m, str)]
        if "&" in value:  # "&amp;" holds a separator
            value = self.rules.text(value)
        if facet.separator is not None:
            return value.split(facet.separator) if facet.separator else [value]
        for separator in _SEPARATORS:
            if separator in value:
                return value.split(separator)
        return _COMMA.split(value) if "," in value or "，" in value else [value]


def _remember(seen: dict[_K, _V], key: _K, value: _V) -> _V:
    """Keep a result for the next time, in bounded memory."""
    if len(seen) >= _REMEMBERED:
        seen.clear()
    seen[key] = value
    return value


def _loads(value: str) -> list[Any] | None:
    """Read a list written as JSON or as a Python literal; None when it is neither."""
    if not (value.startswith("[") and value.endswith("]")):
        return None
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        try:
            found = ast.literal_eval(value) if len(value) < 100_000 else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return found if isinstance(found, list) else None  # pyright: ignore[reportUnknownVariableType]
