"""A table of any size into a file of clean items, with an account of every row."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from retrieval.catalog import ItemReader, item_line
from retrieval.cells import RefusedRow
from retrieval.cleaning import Rules
from retrieval.domain import Domain
from retrieval.errors import CatalogError
from retrieval.import_report import ImportReport, Ledger
from retrieval.mapping import as_columns
from retrieval.tables.reader import BadRow, open_table
from retrieval.titles import fold
from retrieval.types import FacetValue, Item

ITEMS, REJECTED, MERGED, REPORT = "items.jsonl", "rejected.jsonl", "merged.jsonl", "report.json"
_LONG_TEXT = 40  # characters; a shorter text ("A novel.") may well be true of several items
_WORDS = re.compile(r"\w+")
Progress = Callable[[float], None]


def import_catalog(path: Path, domain: Domain, folder: Path, progress: Progress | None = None) -> ImportReport:
    """Read a table and write ``items.jsonl``, ``rejected.jsonl``, ``merged.jsonl`` and ``report.json`` into a folder.

    Memory grows by about 100 bytes an item (ids and title keys), not by the texts.

    Args:
        path: of the table.
        domain: whose mapping the columns follow.
        folder: exists; files of that name are replaced.
        progress: called with the fraction done.

    Raises:
        CatalogError: the file cannot be read, lacks the mapped columns, or no row can be kept; with file, line and field.
    """
    started = time.perf_counter()
    rules = Rules(domain.cleaning.off)
    staged = folder / f"{ITEMS}.part"
    with Ledger(folder / REJECTED, folder / MERGED) as ledger, staged.open("w+b") as out:
        importer = _Importer(path, domain, rules, ledger, out)
        importer.run(progress)
    _finish(staged, folder / ITEMS, importer)
    report = ledger.report(rules.counts, time.perf_counter() - started)
    report.write(folder / REPORT)
    return report


def read_items(path: Path) -> Iterator[Item]:
    """Yield the items of an ``items.jsonl``."""
    with path.open("rb") as file:
        for line in file:
            yield _item(line)


def read_aliases(path: Path) -> dict[str, str]:
    """Return id -> id of the item that it was merged into, from a ``merged.jsonl``."""
    aliases: dict[str, str] = {}
    if path.is_file():
        with path.open("rb") as file:
            for line in file:
                entry = orjson.loads(line)
                if entry["id"] != entry["into"]:
                    aliases[entry["id"]] = entry["into"]
    return aliases


def _item(line: bytes) -> Item:
    data: dict[str, Any] = orjson.loads(line)
    facets: dict[str, FacetValue] = {k: tuple(v) if isinstance(v, list) else v for k, v in data["facets"].items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    labels = {name: {lang: tuple(words) for lang, words in table.items()} for name, table in data["labels"].items()}
    inferred = tuple(data.get("inferred", ()))
    return Item(data["id"], data["titles"], data["texts"], facets, labels, data["hash"], data.get("picture", ""), inferred)


class _Importer:
    """One run over a table."""

    def __init__(self, path: Path, domain: Domain, rules: Rules, ledger: Ledger, out: Any) -> None:
        self.path, self.domain, self.rules, self.ledger, self.out = path, domain, rules, ledger, out
        self.reader = ItemReader(domain, rules)
        # Python's 64-bit hashes stand for the texts: they need no more than 100 bytes an item, whatever the texts hold
        self.ids: dict[int, tuple[str, int]] = {}  # of an id -> digest of the content, line
        self.titles: dict[int, int] = {}  # of title and year -> where the first such item stands in the file
        self.texts: dict[int, tuple[int, int]] = {}  # of a text -> hash of its title, where the item stands
        self.again: dict[int, dict[int, int]] = {}  # of a text seen again -> where its items stand -> hash of the title
        self.fills: dict[int, Item] = {}  # where an item stands -> it, with what it lacked and a row merged into it has
        self.end = 0
        self.unit = "line"
        self.year = next((name for name, facet in domain.facets.items() if facet.type == "year"), None)

    def run(self, progress: Progress | None) -> None:
        table = open_table(self.path, self.domain.source)
        self.unit = table.unit
        self._check_columns(table.columns, table.unit)
        ledger, read = self.ledger, self.reader.read
        for line, row in table:
            ledger.rows += 1
            if progress and ledger.rows % 1000 == 0:
                progress(table.fraction)
            if isinstance(row, BadRow):
                self._reject(line, row.rule, row.field, row.reason, row.raw)
                continue
            try:
                item = read(row)
            except RefusedRow as refused:
                self._reject(line, refused.rule, refused.field, str(refused), row)
                continue
            self._place(line, item, row)
        if not ledger.kept:
            first = ledger.first
            if first is None:
                raise CatalogError(self.path, None, None, "holds no items")
            problem = f"{first['reason']} No row could be kept; this is the first of {ledger.rows}."
            raise CatalogError(self.path, first["line"], first["field"], problem)
        if progress:
            progress(1.0)

    def _check_columns(self, columns: tuple[str, ...], unit: str) -> None:
        mapping = self.domain.mapping
        needed = {"id": as_columns(mapping.id), "title": tuple(mapping.titles.values())}
        for what, wanted in needed.items():
            if columns and not set(wanted) & set(columns):
                raise CatalogError(
                    self.path,
                    1 if unit == "line" else None,
                    wanted[0],
                    f"the mapping's {what} is no column of this file, which has: {', '.join(columns[:30])}. "
                    "'zhiyin inspect FILE' proposes a mapping.",
                )

    def _reject(self, line: int, rule: str, field: str | None, reason: str, row: Any) -> None:
        self.rules.note(rule)
        self.ledger.reject(line, rule, field, reason, row)

    def _place(self, line: int, item: Item, row: Any) -> None:
        """Write an item, merge it into an earlier one, or set it aside."""
        key, (written, content) = hash(item.id), item_line(item)
        if (earlier := self.ids.get(key)) is not None:
            if earlier[0] == content:
                self.rules.note("duplicate_row")
                self.ledger.merge(line, "duplicate_row", item.id, item.id)
                return
            reason = f"'{item.id}' stands already on {self.unit} {earlier[1]}, with other content."
            self._reject(line, "duplicate_id", "|".join(as_columns(self.domain.mapping.id)), reason, row)
            return
        self.ids[key] = (content, line)
        title = fold(item.title(""))
        year = item.facets.get(self.year) if self.year else None
        if self.rules.on("same_item") and (found := self._same(item, title, year)):
            at, same = found
            self.rules.note("same_item")
            self.ledger.merge(line, "same_item", item.id, same.id)
            if lacking := _lacking(same, self.fills.get(at, same), item):
                self.fills[at] = lacking
            return
        self._note_texts(item, hash(title))
        self.ledger.kept += 1
        self.out.write(written)
        self.end += len(written)

    def _same(self, item: Item, title: str, year: object) -> tuple[int, Item] | None:
        """The earlier item that this one is again, and where it stands: title and year are the same, nothing contradicts."""
        at = self.titles.setdefault(hash((title, year)), self.end)
        if at == self.end:
            return None
        self.out.seek(at)
        earlier = _item(self.out.readline())
        self.out.seek(self.end)
        return (at, earlier) if self._agree(earlier, item, year is not None) else None

    def _agree(self, a: Item, b: Item, agreed: bool) -> bool:
        for name, facet in self.domain.facets.items():
            one, other = a.values(name), b.values(name)
            if one and other and facet.type not in ("number", "year"):
                if not set(one) & set(other):
                    return False
                agreed = True
        if a.texts and b.texts:
            if not _alike(a.text(""), b.text("")):
                return False
            agreed = True
        return agreed

    def _note_texts(self, item: Item, title: int) -> None:
        for text in item.texts.values():
            if len(text) >= _LONG_TEXT:
                key = hash(text)
                first = self.texts.setdefault(key, (title, self.end))
                if first[1] != self.end:
                    self.again.setdefault(key, {first[1]: first[0]})[self.end] = title

    def idle_texts(self) -> dict[int, set[int]]:
        """Where items stand -> hashes of their texts that stand under too many titles."""
        found: dict[int, set[int]] = {}
        if self.rules.on("same_text"):
            for text, places in self.again.items():
                if len(set(places.values())) >= self.domain.cleaning.same_text:
                    for place in places:
                        found.setdefault(place, set()).add(text)
        return found


def _alike(a: str, b: str) -> bool:
    """Whether two texts share half of the words of the shorter one."""
    one, other = set(_WORDS.findall(a.lower())), set(_WORDS.findall(b.lower()))
    return len(one & other) * 2 >= min(len(one), len(other))


def _lacking(first: Item, filled: Item, other: Item) -> Item | None:
    """The first item with the facets and texts that only a row merged into it has; None when there are none."""
    facets: dict[str, FacetValue] = {**other.facets, **filled.facets}
    texts = {**other.texts, **filled.texts}
    if len(facets) == len(first.facets) and len(texts) == len(first.texts):
        return None
    picture = first.picture or other.picture
    return replace(filled, texts=texts, facets=facets, labels={**other.labels, **filled.labels}, picture=picture)


def _finish(staged: Path, items: Path, importer: _Importer) -> None:
    """Apply what only the whole table shows, and put the file in its place."""
    idle, fills, rules = importer.idle_texts(), importer.fills, importer.rules
    if idle or fills:
        rewritten = staged.with_suffix(".again")
        at = 0
        with staged.open("rb") as source, rewritten.open("wb") as out:
            for line in source:
                changed = fills.get(at) or (_item(line) if at in idle else None)
                if changed and at in idle:
                    kept = {language: text for language, text in changed.texts.items() if hash(text) not in idle[at]}
                    rules.note("same_text")
                    if not kept:
                        rules.note("empty_text")
                    changed = replace(changed, texts=kept)
                out.write(item_line(changed)[0] if changed else line)
                at += len(line)
        staged.unlink()
        staged = rewritten
    os.replace(staged, items)
