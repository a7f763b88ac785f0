"""Reads a catalogue file into items by a domain's mapping. Errors name file, line and field."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retrieval.domain import Domain, Facet
from retrieval.errors import CatalogError
from retrieval.types import FacetValue, Item

_YEARS = range(1000, 2201)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, row) of a JSON-lines or CSV file."""
    suffix = path.suffix.lower()
    if suffix not in (".jsonl", ".csv"):
        raise CatalogError(path, None, None, "this kind of file is not read. Give a .jsonl or .csv file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if suffix == ".csv":
                reader = csv.DictReader(file)
                for row in reader:
                    if any(row.get(None) or ()):  # pyright: ignore[reportCallIssue, reportArgumentType]
                        raise CatalogError(path, reader.line_num, None, "has more fields than the header. Quote the text.")
                    yield reader.line_num, {k: v for k, v in row.items() if k}
                return
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise CatalogError(path, number, None, f"not valid JSON ({error.msg}, column {error.colno})") from error
                if not isinstance(row, dict):
                    raise CatalogError(path, number, None, "a line must hold one JSON object")
                yield number, row  # pyright: ignore[reportUnknownVariableType]
    except FileNotFoundError as error:
        raise CatalogError(path, None, None, "there is no such file") from error
    except UnicodeDecodeError as error:
        raise CatalogError(path, _broken_line(path), None, "not UTF-8. Save the file as UTF-8.") from error
    except csv.Error as error:
        raise CatalogError(path, None, None, f"not readable as CSV: {error}") from error


def _broken_line(path: Path) -> int | None:
    """Return the first line that is not UTF-8."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            line.decode()
        except UnicodeDecodeError:
            return number
    return None


def _list(value: object, facet: Facet) -> tuple[str, ...] | None:
    """Read a list: a JSON list, or text parted by | or ;. Unknown when empty; None when it is neither."""
    if isinstance(value, str):
        separator = "|" if "|" in value else ";"
        value = value.split(separator)
    if not isinstance(value, list):
        return None
    parts: list[str] = []
    for part in value:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(part, str):
            return None
        if part.strip():
            parts.append(part.strip())
    return tuple(parts)


class _Reader:
    """Turns one row into an item; remembers where it is, for the errors."""

    def __init__(self, domain: Domain, path: Path) -> None:
        self.domain, self.path, self.line = domain, path, 0

    def fail(self, field: str | None, problem: str) -> CatalogError:
        return CatalogError(self.path, self.line, field, problem)

    def text(self, row: dict[str, Any], column: str, *, required: bool) -> str:
        value = row.get(column)
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                raise self.fail(column, "is missing. Every item needs one.")
            return ""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise self.fail(column, f"must be text, not {type(value).__name__}")
        return value.strip()

    def number(self, value: object, column: str, facet: Facet) -> int | float | None:
        if value is None or value == "":
            return None
        try:
            number = float(str(value))
        except ValueError:
            raise self.fail(column, f"must be a number, not {value!r}") from None
        if number != number or number in (float("inf"), float("-inf")) or isinstance(value, bool):
            raise self.fail(column, f"must be a number, not {value!r}")
        if facet.type == "year" and (number != int(number) or int(number) not in _YEARS):
            raise self.fail(column, f"must be a year between {_YEARS.start} and {_YEARS.stop - 1}, not {value!r}")
        return int(number) if number == int(number) else number

    def facet(self, row: dict[str, Any], facet: Facet) -> tuple[FacetValue | None, dict[str, tuple[str, ...]]]:
        if facet.type in ("year", "number"):
            column = facet.column or next(iter(facet.columns.values()))
            return self.number(row.get(column), column, facet), {}
        columns = facet.columns or {"": facet.column or ""}
        by_language: dict[str, tuple[str, ...]] = {}
        for language, column in columns.items():
            if row.get(column) in (None, "", []):
                continue
            values = _list(row[column], facet)
            if values is None:
                raise self.fail(column, f"must be a list of texts, not {row[column]!r}")
            by_language[language] = values
        if not by_language:
            return None, {}
        lengths = {len(values) for values in by_language.values()}
        if len(lengths) > 1:
            names = " and ".join(columns.values())
            raise self.fail(names, "must be lists of the same length, one language beside the other")
        canonical = next(iter(by_language.values()))
        if facet.columns:
            return canonical, by_language
        labels = {
            language: tuple((words.label(language) if (words := facet.values.get(v)) else None) or v for v in canonical)
            for language in self.domain.languages
        }
        return canonical, labels

    def item(self, row: dict[str, Any]) -> Item:
        mapping = self.domain.mapping
        facets: dict[str, FacetValue] = {}
        labels: dict[str, dict[str, tuple[str, ...]]] = {}
        for name, facet in self.domain.facets.items():
            value, words = self.facet(row, facet)
            if value is not None:
                facets[name] = value
                if words:
                    labels[name] = words
        titles = {lang: self.text(row, column, required=False) for lang, column in mapping.title.items()}
        titles = {lang: title for lang, title in titles.items() if title}
        if not titles:
            raise self.fail(next(iter(mapping.title.values())), "is missing. Every item needs a title.")
        texts = {lang: self.text(row, column, required=False) for lang, column in mapping.text.items()}
        try:
            row_hash = hashlib.sha256(json.dumps(row, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
        except UnicodeEncodeError as error:
            raise self.fail(None, "holds a broken character, half of a surrogate pair") from error
        return Item(
            id=self.text(row, mapping.id, required=True),
            titles=titles,
            texts={lang: text for lang, text in texts.items() if text},
            facets=facets,
            labels=labels,
            hash=row_hash[:16],
        )


def read_catalog(path: Path, domain: Domain) -> Iterator[Item]:
    """Yield the items of a .jsonl or .csv file whose columns are those of the domain's mapping.

    Raises:
        CatalogError: at the first broken row, with file, line and field.
    """
    reader = _Reader(domain, path)
    first_line: dict[str, int] = {}
    for line, row in _rows(path):
        reader.line = line
        item = reader.item(row)
        if item.id in first_line:
            raise reader.fail(
                domain.mapping.id, f"'{item.id}' stands already on line {first_line[item.id]}. Ids must be unique."
            )
        first_line[item.id] = line
        yield item
    if not first_line:
        raise CatalogError(path, None, None, "holds no items")
