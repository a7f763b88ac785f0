"""Rows to items, by a domain's mapping. What a row lacks is unknown; a row that can be no item is refused with the reason."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from retrieval.cells import CellReader, RefusedRow, plain_id, shorten_id
from retrieval.cleaning import Rules
from retrieval.domain import Domain
from retrieval.errors import CatalogError
from retrieval.mapping import ORIGINAL, as_columns
from retrieval.tables.reader import BadRow, open_table
from retrieval.title_forms import take_apart
from retrieval.types import Item

_SOON = 250  # characters in which a description says what it is of
_LANGUAGE_NAMES = {"eng": "en", "english": "en", "chi": "zh", "zho": "zh", "cmn": "zh", "chinese": "zh", "cn": "zh"}


class ItemReader:
    """Turns the rows of one table into items."""

    def __init__(self, domain: Domain, rules: Rules) -> None:
        """Prepare a domain's mapping.

        Args:
            domain: of the catalogue.
            rules: which repairs run; counts them.
        """
        self.domain, self.rules = domain, rules
        self._cells = CellReader(domain, rules)
        mapping = domain.mapping
        self._id, self._titles, self._texts = as_columns(mapping.id), mapping.titles, mapping.texts
        about, other = domain.cleaning.text_about, domain.cleaning.text_not_about
        self._about = re.compile(about or "", re.IGNORECASE) if (about or other) and rules.on("foreign_text") else None
        self._other = re.compile(other, re.IGNORECASE | re.DOTALL) if other else None

    def read(self, row: Mapping[str, Any]) -> Item:
        """Read one row into an item without a digest.

        Raises:
            RefusedRow: it can be no item.
        """
        item_id = self._read_id(row)
        titles = self._read_titles(row)
        texts = self._read_texts(row)
        facets, labels = self._cells.facets(row)
        if not texts:
            self.rules.note("empty_text")
        picture = self._cells.text(row.get(self.domain.mapping.picture)) if self.domain.mapping.picture else ""
        return Item(item_id, titles, texts, facets, labels, picture=picture)

    # -- id, titles, texts ------------------------------------------------------------------------------------------

    def _read_id(self, row: Mapping[str, Any]) -> str:
        cells = [row.get(column) for column in self._id]
        parts = [part for cell in cells if not isinstance(cell, (bool, list, dict)) and (part := plain_id(cell))]
        if not parts:
            raise RefusedRow("no_id", self._id[0], "is missing. Every item needs an id.")
        return shorten_id("|".join(parts))

    def _read_titles(self, row: Mapping[str, Any]) -> dict[str, str]:
        titles: dict[str, str] = {}
        forms = self.domain.mapping.title_forms
        for language, column in self._titles.items():
            value = row.get(column)
            if isinstance(value, (int, float)) and value == value and not isinstance(value, bool):
                self.rules.note("number_as_text")
                value = plain_id(value)
            if title := self._cells.text(value, title=True):
                if forms:
                    title, others, rules = take_apart(title, [f for f in forms if self.rules.on(f"title_{f}")])
                    for rule in rules:
                        self.rules.note(rule)
                    for n, other in enumerate(others):
                        titles[f"other{n or ''}"] = other
                titles[self._language(row) if language == ORIGINAL else language] = title
        if not titles:
            raise RefusedRow("no_title", next(iter(self._titles.values())), "is missing. Every item needs a title.")
        return titles

    def _read_texts(self, row: Mapping[str, Any]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for language, columns in self._texts.items():
            text = " ".join(part for column in columns if (part := self._cells.text(row.get(column))))
            if text and self._about and self._is_foreign(text, self._about):
                self.rules.note("foreign_text")
                text = ""
            if text:
                texts[self._language(row) if language == ORIGINAL else language] = text
        return texts

    def _is_foreign(self, text: str, about: re.Pattern[str]) -> bool:
        """Whether a description is of another thing of that name: it does not soon say what it should, or says otherwise."""
        found = about.search(text, 0, _SOON)
        return found is None or (self._other is not None and self._other.search(text, 0, found.start()) is not None)

    def _language(self, row: Mapping[str, Any]) -> str:
        column = self.domain.mapping.language
        code = str(row.get(column) or "").lower() if column else ""
        code = _LANGUAGE_NAMES.get(code) or re.split(r"[-_]", code)[0]
        return code if code in self.domain.languages else ORIGINAL


def item_line(item: Item) -> tuple[bytes, str]:
    """Write an item as one line of JSON, with the digest of its content; return both."""
    body: dict[str, Any] = {"id": item.id, "titles": item.titles, "texts": item.texts, "facets": item.facets}
    body["labels"] = item.labels
    if item.picture:
        body["picture"] = item.picture
    if item.inferred:
        body["inferred"] = item.inferred
    line = orjson.dumps(body)
    digest = hashlib.blake2b(line, digest_size=8).hexdigest()
    return b'%s,"hash":"%s"}\n' % (line[:-1], digest.encode()), digest


def hashed(item: Item) -> Item:
    """Return the item with the digest of its content."""
    return replace(item, hash=item_line(item)[1])


def read_catalog(path: Path, domain: Domain) -> Iterator[Item]:
    """Yield the items of a catalogue that has no row to set aside, such as a shipped one.

    Raises:
        CatalogError: at the first row that can be no item, with file, line and field.
    """
    table = open_table(path, domain.source)
    reader = ItemReader(domain, Rules(domain.cleaning.off))
    first_line: dict[str, int] = {}
    for line, row in table:
        if isinstance(row, BadRow):
            raise CatalogError(path, line, row.field, row.reason)
        try:
            item = hashed(reader.read(row))
        except RefusedRow as refused:
            raise CatalogError(path, line, refused.field, refused.reason) from refused
        if item.id in first_line:
            problem = f"'{item.id}' stands already on line {first_line[item.id]}. Ids must be unique."
            raise CatalogError(path, line, "|".join(as_columns(domain.mapping.id)), problem)
        first_line[item.id] = line
        yield item
    if not first_line:
        raise CatalogError(path, None, None, "holds no items")
