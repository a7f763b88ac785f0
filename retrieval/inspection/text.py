"""An inspection in words: a mapping.toml for a person to edit, and the table that the command prints. Pure."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from retrieval.inspection.columns import ColumnProfile
from retrieval.inspection.values import cut
from retrieval.inspection.words import role, says, tokens

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LITERAL = re.compile(r"[^'\x00-\x1f\x7f]*")
_NARROW = 12  # columns of a terminal below which examples say nothing
_GAP = 2
_LEAST = 3  # columns of the table that are never dropped
_HINTS = {
    "name": "of this catalogue",
    "base": "the domain whose words and cards it builds on",
    "id": "unique; several columns are joined",
    "title": "of the item; by language, or a column alone where rows differ",
    "text": "the description; several columns are joined",
    "language": "the column that says which language a row is in",
    "picture": "a URL or a file",
    "title_forms": "what stands in titles beside the title and is taken from it",
    "explode": "columns whose elements become rows, or columns, of their own",
    "pattern": "the first group is the value",
    "unknown": "values that say that nothing is known",
    "match": "soft: a wish for it moves the order and excludes nothing",
    "parts": "several columns with one value each",
    "flags": "columns of 0 and 1",
}


def write_toml(mapping: Mapping[str, Any], head: Iterable[str], unused: Iterable[ColumnProfile]) -> str:
    """Write a mapping as TOML with comments.

    Args:
        mapping: what :func:`retrieval.domain_files.make_domain` takes.
        head: lines of the comment at the top.
        unused: columns that no key names; they are listed with their type and an example.
    """
    hints = dict(_HINTS)  # each is given once
    lines = [f"# {cut(line, 300)}" if line else "#" for line in head]
    lines += ["", *_pairs({key: mapping[key] for key in ("name", "base") if key in mapping}, hints)]
    if source := mapping.get("source"):
        lines += ["", "# How the file is read. What is absent is detected.", "[source]", *_pairs(source, hints)]
    if columns := mapping.get("mapping"):
        lines += ["", "[mapping]", *_pairs(columns, hints)]
    if facets := mapping.get("facets"):
        lines += ["", "# What can be asked for and is written on the card. type: year, number, date, list, people or text."]
        for name, facet in facets.items():
            lines += [f"[facets.{_key(name)}]", *_pairs(facet, hints), ""]
    else:
        lines.append("")
    return "\n".join([*lines, *_unused(unused)]).rstrip() + "\n"


def _unused(columns: Iterable[ColumnProfile]) -> list[str]:
    listed = [(cut(column.name), column.type, cut(", ".join(column.examples[:2]), 70), reason(column)) for column in columns]
    if not listed:
        return []
    lines = ["# Columns that are not used. To use one, add for instance:", "#", "#   [facets.some_name]"]
    lines += ['#   type = "number"', '#   column = "the column"', '#   label = { en = "some name", zh = "名字" }', "#"]
    wide = min(max(len(name) for name, *_ in listed), 30)
    return [*lines, *(f"#   {name:<{wide}}  {kind:<8}  {example}{why}".rstrip() for name, kind, example, why in listed)]


def reason(column: ColumnProfile) -> str:
    """Why a column is not proposed, where that is not plain from its type."""
    named = tokens(column.name)
    if column.type == "rating" or (column.type in ("number", "year") and says(named, "popularity")):
        return "  (says how liked or known it is)"
    if column.type == "id" or (column.type in ("number", "code") and role(named, "id") >= 0.4):
        return "  (another id)"
    if column.missing > 0.95 and column.type != "empty":
        return "  (nearly always missing)"
    return ""


def _pairs(table: Mapping[str, Any], hints: dict[str, str]) -> list[str]:
    lines: list[str] = []
    for key, value in table.items():
        hint = hints.pop(key, "")
        lines.append(f"{_key(key)} = {_value(value)}" + (f"  # {hint}" if hint else ""))
    return lines


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {_value(v)}" for k, v in value.items()) + " }"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(element) for element in value) + "]"  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, str) and "\\" in value and _LITERAL.fullmatch(value):
        return f"'{value}'"  # a regular expression stays readable
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_table(columns: Sequence[ColumnProfile], taken: Mapping[str, str], width: int) -> str:
    """Write what every column is taken as, in so many columns of a terminal."""
    rows = [
        (
            cut(column.name) or "-",
            taken.get(column.name, "-"),
            column.type,
            _percent(column.missing),
            _percent(column.distinct) if column.known else "-",
            " · ".join(column.examples),
        )
        for column in columns
    ]
    heads = ("column", "taken as", "type", "missing", "distinct", "examples")
    limits = (max(width // 4, 8), max(width // 5, 8), 8, 7, 8)
    wide = [min(max(cell_len(row[n]) for row in (heads, *rows)), limit) for n, limit in enumerate(limits)]
    left = width - sum(wide) - _GAP * len(wide)
    shown = len(heads) if left >= _NARROW else len(wide)  # no room for examples: better none than three letters
    while shown > _LEAST and sum(wide[:shown]) + _GAP * (shown - 1) > width:
        shown -= 1
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for head, size in zip(heads[:shown], [*wide, left][:shown], strict=True):
        number = head in ("missing", "distinct")
        table.add_column(head, width=size, overflow="ellipsis" if head == "examples" else "fold", no_wrap=head == "examples",
                         justify="right" if number else "left")  # fmt: skip
    for row in rows:
        table.add_row(*map(Text, row[:shown]))
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, legacy_windows=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _percent(share: float) -> str:
    return (
        "0 %" if share == 0 else "<1 %" if share < 0.01 else ">99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")
    )
