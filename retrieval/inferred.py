"""What a language model read out of the items' texts: kept in a file beside an index, and laid over items that lack it.

The file is append-only, one line of JSON an item: ``{"key": …, "facets": {"moods": ["quiet"], "themes": []}}``. An empty list
says that the model was asked and gave nothing that could be used, so that it is not asked again. A later line for the same
key adds to the earlier one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from retrieval.catalog import hashed
from retrieval.domain import Domain
from retrieval.facet import Facet
from retrieval.types import FacetValue, Item

logger = logging.getLogger(__name__)
INFERRED = "inferred.jsonl"
_TYPES = ("list", "text")  # a number, a date or a person is a fact that a text either states or does not
_TAIL = 1 << 16


def text_key(item: Item) -> str:
    """Return the digest of an item's titles and texts: what was inferred holds as long as they stay the same."""
    words = orjson.dumps([dict(item.titles), dict(item.texts)], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(words, digest_size=12).hexdigest()


def lacking(item: Item, domain: Domain) -> tuple[str, ...]:
    """Return the facets that may be inferred and that an item has no value of."""
    return tuple(name for name in inferable(domain) if not item.values(name))


def inferable(domain: Domain) -> tuple[str, ...]:
    """Return the facets of a domain that may be inferred from a text."""
    return tuple(name for name, facet in domain.facets.items() if facet.infer and facet.type in _TYPES)


def read_inferred(path: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return key -> what was inferred under it; empty when there is no such file.

    A line that a kill cut off is passed over: its item is asked about again. A broken line elsewhere is logged.
    """
    known: dict[str, dict[str, tuple[str, ...]]] = {}
    for number, line in _lines(path):
        entry = _entry(line)
        if entry is not None:
            known.setdefault(entry[0], {}).update(entry[1])
        elif line.endswith(b"\n"):
            logger.warning("%s, line %d: not what an earlier run wrote; its item is asked about again", path, number)
    return known


def append_inferred(path: Path, key: str, facets: Mapping[str, Sequence[str]]) -> None:
    """Add a line for an item, after the last whole one."""
    line = orjson.dumps({"key": key, "facets": {name: list(values) for name, values in facets.items()}}) + b"\n"
    with path.open("ab+") as file:
        file.truncate(_whole(file))
        file.write(line)


def with_inferred(item: Item, found: Mapping[str, Sequence[str]], domain: Domain) -> Item:
    """Fill the facets that an item lacks and that its domain lets a model infer; the item itself when there is none.

    Values that the domain's vocabulary no longer has are passed over. Labels are written in every language that the
    vocabulary has words for.

    Args:
        item: as the table tells it.
        found: facet -> canonical values, from :func:`read_inferred`.
        domain: of the catalogue.

    Returns:
        The item with what was found, ``inferred`` naming those facets, and a hash of its own.
    """
    facets: dict[str, FacetValue] = {}
    labels: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in lacking(item, domain):
        facet = domain.facets[name]
        values = tuple(v for v in dict.fromkeys(found.get(name, ())) if not facet.values or v in facet.values)
        if not values:
            continue
        values = values if facet.type == "list" else values[:1]
        facets[name] = values if facet.type == "list" else values[0]
        if facet.values:
            labels[name] = _labels(facet, values, domain.languages)
    if not facets:
        return item
    inferred = tuple(dict.fromkeys((*item.inferred, *facets)))
    filled = replace(item, facets={**item.facets, **facets}, labels={**item.labels, **labels}, hash="", inferred=inferred)
    return replace(hashed(filled), inferred=inferred)


def _labels(facet: Facet, values: tuple[str, ...], languages: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {language: tuple(facet.values[v].label(language) or v for v in values) for language in languages}


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    if path.is_file():
        with path.open("rb") as file:
            yield from enumerate(file, 1)


def _entry(line: bytes) -> tuple[str, dict[str, tuple[str, ...]]] | None:
    """Read one line; None when it is none of ours."""
    if not line.endswith(b"\n"):
        return None
    try:
        data: Any = orjson.loads(line)
        facets: dict[str, Any] = data["facets"]
        return str(data["key"]), {name: tuple(str(value) for value in values) for name, values in facets.items()}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


def _whole(file: Any) -> int:
    """Return where the last whole line of an open file ends."""
    at = file.seek(0, 2)
    while at:
        step = min(_TAIL, at)
        at = file.seek(at - step)
        if (newline := file.read(step).rfind(b"\n")) >= 0:
            return at + newline + 1
    return 0
