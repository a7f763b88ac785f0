"""How the lines of a text file are cut into cells, and whether the first holds names: told by trying."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

from retrieval.tables.base import BadRow, Source
from retrieval.tables.records import Dialect, is_blank, records

_RECORDS = 200
_DELIMITERS = ("::", "\t", "|", ";", ",")  # from the rarest in texts to the most usual
_OF_SUFFIX = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}
_QUOTING = (",", ";")  # files with these quote a cell that holds one; in others a quote is mostly an inch or a nickname
_ENOUGH = 0.75  # of the records, which must have the same number of cells
_MARGIN = 0.02
_NUMBER = re.compile(r"\s*[-+$€£¥]?\.?\d")
_LONG_NAME = 100


@dataclass(frozen=True, slots=True)
class Trial:
    """What a dialect makes of the first lines.

    Attributes:
        dialect: that was tried.
        rows: the records, without those that are broken.
        width: the number of cells that most have.
        share: of the records that have it.
    """

    dialect: Dialect
    rows: list[list[str]]
    width: int
    share: float


def sniff(lines: list[str], source: Source, suffix: str) -> Trial:
    """Tell the dialect of a file.

    Args:
        lines: the first ones.
        source: what is known of the dialect already.
        suffix: of the file's name.
    """
    usual = _OF_SUFFIX.get(suffix)
    if source.delimiter is not None:
        return _best_quoting(lines, source.delimiter, source.quote)
    first = next((line for line in lines if line.strip()), "")
    trials = [_best_quoting(lines, delimiter, source.quote) for delimiter in _DELIMITERS if delimiter in first]
    columns = [trial for trial in trials if trial.width > 1 and len(trial.rows[0]) > 1]
    if found := [trial for trial in columns if trial.share >= _ENOUGH]:
        best = max(trial.share for trial in found)
        near = [trial for trial in found if trial.share >= best - _MARGIN]
        others = {trial.dialect.delimiter for trial in near}
        return max(near, key=lambda t: (t.dialect.delimiter == usual, _purity(t, others), t.width))
    if ragged := [trial for trial in columns if trial.dialect.delimiter == usual]:
        return ragged[0]
    one = _best_quoting(lines, ",", source.quote) if usual == "," else None
    return one if one and one.width == 1 and one.share == 1 else _best_quoting(lines, "", source.quote)


def _try(lines: list[str], dialect: Dialect) -> Trial:
    rows: list[list[str]] = []
    broken = 0
    for _, cells in islice(records([lines], dialect), _RECORDS):
        if isinstance(cells, BadRow):
            broken += 1
        elif not is_blank(cells):
            rows.append(cells)
    if not rows:
        return Trial(dialect, [[]], 0, 0.0)
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return Trial(dialect, rows, width, count / (len(rows) + broken))


def _purity(trial: Trial, delimiters: Iterable[str]) -> float:
    """The share of first cells without another delimiter: in "7<tab>Paris, France" the comma is text."""
    others = [delimiter for delimiter in delimiters if delimiter != trial.dialect.delimiter]
    return sum(not any(other in row[0] for other in others) for row in trial.rows) / len(trial.rows)


def _best_quoting(lines: list[str], delimiter: str, quote: str | None) -> Trial:
    """Try how quotes can be meant; the plainest reading wins unless another is clearly better."""
    bare = _try(lines, Dialect(delimiter, ""))
    if quote == "":
        return bare
    quoted = Dialect(delimiter, quote or '"')
    plain = _try(lines, quoted)
    if plain.share < 1 and not {delimiter, quoted.quote} & {" ", "\\"}:  # csv wants each sign to have one meaning
        for other in (replace(quoted, escape=True), replace(quoted, spaces=True)):
            tried = _try(lines, other)
            if tried.share > plain.share + _MARGIN / 4 and tried.width > 1:
                plain = tried
    if quote:
        return plain
    if delimiter in _QUOTING:
        return bare if bare.share > plain.share + _MARGIN and bare.width >= plain.width else plain
    return plain if _quotes_are_used(plain, bare) else bare


def _quotes_are_used(plain: Trial, bare: Trial) -> bool:
    """Whether quotes stand around cells, in a file where they need not: they hold a delimiter, a doubled quote or a column."""
    if plain.share < bare.share or plain.share < 1 - _MARGIN:
        return False
    if plain.share > bare.share:
        return True
    quoted = [[cell[:1] == '"' == cell[-1:] and len(cell) > 1 for cell in row] for row in bare.rows]
    if any(
        '""' in cell[1:-1]
        for row, marks in zip(bare.rows, quoted, strict=True)
        for cell, mark in zip(row, marks, strict=True)
        if mark
    ):
        return True
    columns = [[row[i] for row in quoted if i < len(row)] for i in range(bare.width)]
    return len(quoted) > 1 and any(sum(column) >= 0.9 * len(column) for column in columns if column)


def has_header(rows: list[list[str]]) -> bool:
    """Whether the first record holds names and not values: values look like those below them."""
    first, body = rows[0], rows[1:]
    if any(len(cell) > _LONG_NAME for cell in first):
        return False
    votes = 0
    for place, name in enumerate(first):
        values = [row[place].strip() for row in body if place < len(row) and row[place].strip()]
        numeric = bool(_NUMBER.match(name))
        if not values:
            votes -= numeric
        elif sum(bool(_NUMBER.match(value)) for value in values) >= 0.9 * len(values):
            votes += -1 if numeric else bool(name.strip())
        elif name.strip() in values:
            votes -= 1
    return votes >= 0
