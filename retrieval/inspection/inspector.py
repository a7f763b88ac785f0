"""Looks at a table nobody described and proposes how it is read: which columns are id, title, text and facets.

It is what ``zhiyin inspect`` prints, and what a table without a mapping is indexed by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retrieval.domain import Domain
from retrieval.domain_files import make_domain
from retrieval.errors import CatalogError
from retrieval.inspection.columns import ColumnProfile
from retrieval.inspection.events import propose_events
from retrieval.inspection.facets import propose_facets
from retrieval.inspection.keys import title_forms
from retrieval.inspection.proposal import Choice, choose
from retrieval.inspection.sample import Sample, open_objects, tables_of, take_sample
from retrieval.inspection.text import write_table, write_toml
from retrieval.inspection.words import language_of, role, says, tokens
from retrieval.mapping import ORIGINAL, EventMapping
from retrieval.tables.reader import Source

__all__ = ["ColumnProfile", "Inspection", "inspect", "propose_domain", "propose_events"]

SAMPLE = 5000  # rows
_OPENED = 3  # times that objects are opened: those in objects in objects
_BEST_RATING = 100  # a higher number counts ratings
_USUAL = ("utf-8", "utf8", "ascii", "utf-8-sig")
_ANY = Source()


@dataclass(frozen=True)
class Inspection:
    """What a table holds and how it could be read.

    Attributes:
        path: of the table.
        source: how it is read, with what was detected.
        rows: how many were looked at.
        bad: how many could not be read on the way.
        columns: what they look like; the type of a column that is taken is what it is taken as.
        taken: column -> "id", "title (en)", "facet year" and so on.
        mapping: the proposal, as :func:`retrieval.domain_files.make_domain` takes it; without ``mapping`` when there is none.
        problems: why there is no proposal.
        notes: what a person should know about it.
    """

    path: Path
    source: Source
    rows: int
    bad: int
    columns: tuple[ColumnProfile, ...]
    taken: Mapping[str, str]
    mapping: Mapping[str, Any]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def toml(self) -> str:
        """Write the proposal as a mapping.toml with comments, for a person to edit."""
        head = [f"How {self.path.name} becomes a catalogue, proposed by 'zhiyin inspect' from {self.rows:,} of its rows."]
        head += ["Edit it, then: zhiyin index --catalog FILE --domain THIS_FILE", *self.notes]
        for problem in self.problems:
            head += [f"NOT COMPLETE: {problem} Name the columns yourself:", "", "[mapping]"]
            head += ['id = "a column"', 'title = "a column"', 'text = "a column"']
        return write_toml(self.mapping, head, [column for column in self.columns if column.name not in self.taken])

    def complete(self) -> Inspection:
        """Return this, when it is a whole proposal.

        Raises:
            CatalogError: it is none; the message says why and what to do.
        """
        if self.problems:
            advice = f"Write a mapping: 'zhiyin inspect {self.path.name}' begins one, in which you name the columns."
            raise CatalogError(self.path, None, None, f"{self.problems[0]} {advice}")
        return self

    def table(self, width: int = 100) -> str:
        """Write what every column is taken as, in ``width`` columns of a terminal, and the id, title and text below."""
        said = [f"{use}: {' + '.join(self._taken_as(use)) or 'none'}" for use in ("id", "title", "text")]
        lines = ["   ".join(said)] if not self.problems else []
        return "\n".join([write_table(self.columns, self.taken, width), "", *lines, *self.notes, *self.problems])

    def events(self) -> EventMapping | None:
        """Propose how the table is read as a log; None when it looks like none."""
        found = propose_events(self.columns, self.path.name)
        return found.model_copy(update={"source": Source.model_validate(self.mapping.get("source", {}))}) if found else None

    def _taken_as(self, use: str) -> list[str]:
        return [column for column, uses in self.taken.items() if any(one.split(" ")[0] == use for one in uses.split(", "))]


def inspect(path: Path, source: Source = _ANY, sample: int = SAMPLE) -> Inspection:
    """Look at a table; of the tables of a database, at the one that is most like a catalogue.

    Args:
        path: of the file.
        source: what is known of how it is read.
        sample: how many rows are looked at, spread over the first twenty times as many.

    Raises:
        CatalogError: the file cannot be read, or holds no row.
    """
    names = tables_of(path, source)
    if len(names) <= 1:
        return _inspect(path, source, sample)
    found: list[Inspection] = []
    for name in names:
        try:
            found.append(_inspect(path, source.model_copy(update={"table": name}), sample))
        except CatalogError:  # an empty one is no catalogue
            continue
    if not found:
        raise CatalogError(path, None, None, f"none of its tables ({', '.join(names)}) holds a row")
    best = max(found, key=lambda one: (not one.problems, len(one.taken)))
    note = f"Of its tables ({', '.join(names)}), {best.source.table} is most like a catalogue."
    return replace(best, notes=(note, *best.notes))


def propose_domain(path: Path, source: Source = _ANY) -> Domain:
    """Make a domain for a table without a mapping.

    Raises:
        CatalogError: no proposal can be made; the message says why and what to do.
    """
    return make_domain(inspect(path, source).complete().mapping, path)


def _inspect(path: Path, source: Source, size: int) -> Inspection:
    sample = take_sample(path, source, size)
    choice = choose(sample)
    for _ in range(_OPENED):
        if choice.titles and choice.texts:
            break
        opened = open_objects(sample, size, title=not choice.titles)
        if opened is None:
            break
        sample, choice = opened, choose(opened)
    return _inspection(sample, choice, source)


def _inspection(sample: Sample, choice: Choice, given: Source) -> Inspection:
    mapping: dict[str, Any] = {"name": _name(sample.path), "base": sample.base.name}
    if source := _source(given, sample.source):
        mapping["source"] = source
    problems, notes = list[str](), list[str]()
    if choice.titles:
        mapping["mapping"] = _columns(sample, choice)
        if facets := propose_facets(sample, choice):
            mapping["facets"] = facets
        notes = _notes(choice, sample.source)
    else:
        listed = ", ".join(f"'{name}'" for name in list(sample.profiles)[:8])
        problems.append(f"No column looks like the title of an item. Columns: {listed}.")
    taken = {column: ", ".join(uses) for column, uses in choice.taken.items()}
    columns = tuple(_typed(column, taken.get(column.name, ""), mapping) for column in sample.profiles.values())
    looked = (sample.path, sample.source, len(sample.rows), sample.bad)
    return Inspection(*looked, columns, taken, mapping, tuple(problems), tuple(notes))


def _name(path: Path) -> str:
    stem = path.name.removesuffix(".gz")
    stem = stem.rsplit(".", 1)[0] if "." in stem.lstrip(".") else stem
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "catalogue"


def _source(given: Source, found: Source) -> dict[str, Any]:
    """What the mapping says of the file: what was given, and of what was detected, what is out of the ordinary."""
    said = given.model_dump(exclude_defaults=True, mode="json")
    if found.header is False:
        said.setdefault("header", False)
    if found.encoding and found.encoding.lower().replace("_", "-") not in _USUAL:
        said.setdefault("encoding", found.encoding)
    if found.table and not found.query:
        said.setdefault("table", found.table)
    if found.rows:
        said.setdefault("rows", found.rows)
    if found.explode:
        said["explode"] = list(found.explode)
    return said


def _columns(sample: Sample, choice: Choice) -> dict[str, Any]:
    found: dict[str, Any] = {"id": choice.keys[0] if len(choice.keys) == 1 else choice.keys}
    for key, columns in (("title", choice.titles), ("text", choice.texts)):
        if columns:
            found[key] = columns[ORIGINAL] if [*columns] == [ORIGINAL] else dict(columns)
    for key, column in (("language", choice.language), ("picture", choice.picture)):
        if column:
            found[key] = column
    titles = [value for column in choice.titles.values() for value in sample.values(column) if isinstance(value, str)]
    if forms := title_forms(titles):
        found["title_forms"] = forms
    return found


def _notes(choice: Choice, source: Source) -> list[str]:
    notes: list[str] = []
    if source.explode:
        notes.append(f"What is inside {', '.join(source.explode)} becomes rows and columns of its own.")
    if choice.repeats:
        notes.append("Several rows are of one item: only columns that are equal in all of them are proposed.")
    if len(choice.keys) > 1:
        notes.append(f"No column is an id: {' and '.join(choice.keys)} together stand for one.")
    if not choice.texts:
        notes.append("No column looks like a description: items are known by their title and facets alone.")
    return notes


def _typed(column: ColumnProfile, taken: str, mapping: Mapping[str, Any]) -> ColumnProfile:
    """Give a column the type of what it is taken as, or of what its name says that it is."""
    uses = taken.split(", ") if taken else []
    if uses:
        facet = next((use.removeprefix("facet ") for use in uses if use.startswith("facet ")), None)
        if facet is None or any(use.startswith("title") for use in uses):
            return replace(column, type=next((use for use in uses if use.startswith("title")), uses[0]).split(" ")[0])
        kind = str(mapping["facets"][facet]["type"])
        return replace(column, type=column.type if column.type in ("flag", "date") else kind)
    named = language_of(tokens(column.name))[1]
    counted = says(named, "popularity")
    if column.type in ("number", "constant", "date") and says(named, "technical") and role(named, "time") >= 0.4:
        return replace(column, type="time")
    if column.type in ("number", "code", "name", "word") and role(named, "user") >= 0.5 and not counted:
        return replace(column, type="user")
    if column.type == "number" and role(named, "rating") >= 0.5 and (column.highest or 0) <= _BEST_RATING:
        return replace(column, type="rating")
    if column.type in ("number", "code") and role(named, "id") >= 0.4 and not counted:
        return replace(column, type="id")
    return column
