"""Public logs of other things than films, read as the product reads an owner's: its mappings, its cleaning, its index."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.catalog_import import ITEMS, MERGED, import_catalog, read_aliases, read_items
from retrieval.collaborative import whole_matrix
from retrieval.domain import Domain
from retrieval.domain_files import load_domain
from retrieval.embedder import Embedder
from retrieval.event_import import choose_mapping, import_events
from retrieval.index import CatalogIndex, build_in_memory
from retrieval.interactions import InteractionLog
from retrieval.vector_store import InMemoryVectorStore

SEED = 7
LEAST = 5  # items that a person came to want
LEAST_USES = 5  # of what is hidden: an item that nobody uses once it is hidden would be known by that
MOST_ITEMS = 4000  # the most used ones; whatever the sampled people used is there too


@dataclass(frozen=True, slots=True)
class Source:
    """A public data set.

    Attributes:
        name: to show.
        mapping: a ready one of the product's.
        catalogue: file of the items, or several that are read as one.
        logs: files of the events, in the order in which they are imported.
        ordered: whether the log says what came after what, by a time or by the order of a list.
        shared: whether people use the same items; else the log teaches nothing, and content alone is measured.
        note: what the reader of its rows must know.
    """

    name: str
    mapping: str
    catalogue: tuple[str, ...]
    logs: tuple[str, ...]
    ordered: bool = False
    shared: bool = True
    note: str = ""


_AMAZON = tuple(f"amazon_2023_sample/{part}.jsonl.gz" for part in ("training", "validation", "test"))
SOURCES = (
    Source(
        "Book-Crossing",
        "book-crossing",
        ("book_crossing/items_info.dat.gz",),
        ("book_crossing/book_ratings.dat.gz",),
        note="titles are of other books: content says nothing",
    ),
    Source("Last.fm", "lastfm", ("lastfm_hetrec2011/artists.dat.gz",), ("lastfm_hetrec2011/user_artists.dat.gz",)),
    Source(
        "Amazon Video Games",
        "llmrank-games",
        ("amazon_games_llmrank/games_items.tsv.gz",),
        ("amazon_games_llmrank/games_sequences.tsv.gz",),
        ordered=True,
    ),
    Source("Amazon Reviews 2023", "amazon-2023", _AMAZON, _AMAZON, ordered=True, shared=False),
    Source(
        "Steam",
        "steam",
        ("steam_200k/item_info.dat.gz",),
        ("steam_200k/game_play.dat.gz", "steam_200k/game_purchase.dat.gz"),
    ),
    Source("Anime", "anime", ("anime/anime_info.dat.gz",), ("anime/anime_ratings.dat.gz",)),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a log: ``known`` are ids, the latest last, and ``hidden`` is the one to be found again.

    Where items are shared, :data:`LEAST_USES` people and more use what is hidden, and the latest of what is known.
    """

    name: str
    known: tuple[str, ...]
    hidden: str


@dataclass(frozen=True, slots=True)
class DomainLog:
    """A catalogue and its log, as far as the sample goes.

    Attributes:
        source: of both.
        index: of the items that stayed, without a log.
        log: of everyone, also of people who were not sampled.
        people: the sampled ones.
    """

    source: Source
    index: CatalogIndex
    log: InteractionLog
    people: list[Person]

    def wanted(self, hidden: Sequence[tuple[str, str]]) -> Any:
        """Return the log as sparse (people, items) strengths, without some pairs of person and item."""
        found = whole_matrix(list(self.index.items), self.log, set(hidden))
        if found is None:
            raise ValueError(f"the log of {self.source.name} says nothing about the items that stayed")
        return found


def read_log(source: Source, data: Path, folder: Path, embedder: Embedder, limit: int, say: Callable[[str], None]) -> DomainLog:
    """Import a data set and index what stays of it.

    Args:
        source: of the data.
        data: the folder of the public data sets.
        folder: empty, for what the import writes.
        embedder: of the cards.
        limit: sample at most so many people.
        say: told how far it is.
    """
    domain = load_domain(source.mapping)
    import_catalog(_as_one(source.catalogue, data, folder), domain, folder)
    items = {item.id: item for item in read_items(folder / ITEMS)}
    aliases = read_aliases(folder / MERGED)
    for name in source.logs:
        import_events(data / name, _mapping(domain, data / name), folder / "interactions", set(items), aliases)
    log = InteractionLog(folder / "interactions")
    people, uses = _sample(source, log, limit)
    kept = {item_id for item_id, _ in uses.most_common(MOST_ITEMS)}
    kept |= {item_id for person in people for item_id in (*person.known, person.hidden)}
    chosen = [item for item_id, item in items.items() if item_id in kept]
    say(f"{source.name}: {len(people)} people of {len(log.users())}, {len(chosen)} items of {len(items)}; embedding")
    index = build_in_memory(domain, chosen, embedder, InMemoryVectorStore())
    language = domain.card_language("en")
    return DomainLog(source, replace(index, rows={language: index.vectors_of(list(index.items), language)}), log, people)


def _as_one(names: Sequence[str], data: Path, folder: Path) -> Path:
    """Return the catalogue's file; several files of lines become one."""
    if len(names) == 1:
        return data / names[0]
    whole = folder / "catalogue.jsonl"
    whole.write_bytes(b"".join(gzip.decompress((data / name).read_bytes()) for name in names))
    return whole


def _mapping(domain: Domain, path: Path) -> Any:
    """Return how a log is read, as ``import-events`` chooses it."""
    return choose_mapping(path, [m for m in domain.events if not m.files or any(fnmatch(path.name, f) for f in m.files)])


def _sample(source: Source, log: InteractionLog, limit: int) -> tuple[list[Person], Counter[str]]:
    """Return people chosen by chance, and how many people want each item."""
    uses: Counter[str] = Counter()
    histories: list[tuple[str, list[str]]] = []
    for user, wanted in log.sequences():
        items = list(dict.fromkeys(wanted))
        uses.update(items)
        if len(items) >= LEAST:
            histories.append((user, items))
    chance = np.random.default_rng(SEED)
    histories.sort()
    people: list[Person] = []
    for n in chance.permutation(len(histories)).tolist():
        user, items = histories[n]
        if not source.ordered:  # then the hidden one is any of theirs
            items = [items[n] for n in chance.permutation(len(items)).tolist()]
        if source.shared:
            often = [item_id for item_id in items if uses[item_id] >= LEAST_USES][-2:]
            if len(often) < 2 or (source.ordered and often != items[-2:]):
                continue
            items = [item_id for item_id in items if item_id not in often] + often
        people.append(Person(user, tuple(items[:-1]), items[-1]))
        if len(people) == limit:
            break
    return people, uses
