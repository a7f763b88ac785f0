"""An index: all channels of one catalogue together, under one version; how it lies on disk, and how it is opened.

On disk, in one folder a catalogue::

    current.json      names the version in use and its fingerprint; replaced atomically
    building.json     names the version that a build is writing; gone when it is done
    lock, owner       one process at a time: Chroma allows no more. With a Chroma server, one that builds; any number serves
    interactions/     the imported log of behaviour (retrieval.interactions)
    inferred.jsonl    what a language model read out of texts (retrieval.inferred)
    retired.json      versions not in use any more that processes may still serve from (with a Chroma server alone)
    v-…/chroma/       vectors: one record an item and language; with a Chroma server they are there, in a collection
    v-…/rows/         the same vectors as plain files, one a language (retrieval.vector_rows)
    v-…/bm25/         the lexical index
    v-…/item_item/    neighbours from the log; absent without one
    v-…/ease/         the linear model of the log
    sequence.json     which folder sequence-… is in use: what comes next in histories (retrieval.sequence_store)
    learned.json      which folder learned-… is in use: what dialogues and the log taught (retrieval.learned_store)
    dialogues.jsonl   the imported dialogues
    v-…/items.jsonl   the items as they were read; rejected.jsonl, merged.jsonl, report.json: what became of every row
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from retrieval.catalog_import import ITEMS, read_items
from retrieval.collaborative import ItemItemIndex
from retrieval.companions import with_companions_named
from retrieval.domain import Domain
from retrieval.embedder import BATCH, Embedder, Vectors
from retrieval.errors import IndexLockedError, IndexMismatchError, IndexMissingError
from retrieval.facet_columns import FacetColumns, Positions
from retrieval.inferred import INFERRED, inferable
from retrieval.interactions import InteractionLog
from retrieval.learned import Learned
from retrieval.lexical import LexicalIndex
from retrieval.sequence import SequenceModel
from retrieval.types import Item
from retrieval.vector_places import VectorFolders, VectorPlace
from retrieval.vector_rows import open_rows, rows_path
from retrieval.vector_store import VectorStore

CODE_VERSION = 2
CHUNK = BATCH * 16  # records between two notes of how far a build is; vectors depend on what is embedded together
_BLOCK = 64  # rows multiplied at once
_PICKED = 8192  # rows picked out at once: they are copied
_MOST = 1 / 3  # share of the cards from which all are compared


@dataclasses.dataclass(frozen=True, slots=True)
class CatalogIndex:
    """An open index: the items and every channel over them.

    Attributes:
        rows: language of a card -> (n, d) vectors in the order of the items; without them the vector store is asked.
        columns: the items by position.
        learned: what dialogues and the log taught; see :func:`retrieval.learned_store.load_learned`.
        sequence: what comes next, by self-attention, where that helps; see :func:`retrieval.sequence_store.load_sequence`.
        following: what follows what, where that helps; from the same place.
    """

    domain: Domain
    items: dict[str, Item]
    vectors: VectorStore
    lexical: LexicalIndex
    embedder: Embedder
    collaborative: ItemItemIndex | None = None
    ease: ItemItemIndex | None = None
    learned: Learned | None = None
    sequence: SequenceModel | None = None
    following: ItemItemIndex | None = None
    rows: Mapping[str, Vectors] = dataclasses.field(default_factory=dict[str, Vectors])
    columns: FacetColumns = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", FacetColumns(self.items, self.domain))

    def vectors_of(self, ids: Sequence[str], language: str) -> Vectors:
        """Return (n, d) rows for item ids, in their order, of the cards that stand for a language."""
        return self.vectors_at(np.array([self.columns.positions[item_id] for item_id in ids], np.int32), language)

    def vectors_at(self, positions: Positions, language: str) -> Vectors:
        """Return (n, d) rows for positions, as :meth:`vectors_of` does."""
        language = self.domain.card_language(language)
        if language in self.rows:
            return np.asarray(self.rows[language])[positions]
        items = self.columns.items
        places: list[int] = positions.tolist()
        names = [record_id(items[place].id, language) for place in places]
        found = self.vectors.get(names)
        return np.stack([found[name] for name in names])

    def similarities(self, positions: Positions, language: str, vector: Vectors) -> Vectors:
        """Return (n,) cosines of a vector with the cards at some positions."""
        return self.cosines(positions, language, vector.reshape(1, -1))[0]

    def cosines(self, positions: Positions, language: str, vectors: Vectors) -> Vectors:
        """Return (m, n) cosines of m vectors with the cards at n positions: every card is read once for all of them."""
        rows = self.rows.get(self.domain.card_language(language))
        if rows is not None and len(positions) > len(rows) * _MOST:  # to pick them out takes longer than to compare all
            return np.ascontiguousarray(_products(np.asarray(rows), vectors)[positions].T)
        parts = np.array_split(positions, max(1, -(-len(positions) // _PICKED)))
        return np.concatenate([_products(self.vectors_at(part, language), vectors) for part in parts]).T.copy()


def _products(rows: Vectors, vectors: Vectors) -> Vectors:
    """Return (n, m) inner products of (n, d) rows with (m, d) vectors, the rows block by block in one call.

    A block stays in the processor's cache and is too small for BLAS to start threads, which wait for each other on a busy
    machine; and between calls other threads of this process would take the interpreter.
    """
    whole = len(rows) // _BLOCK * _BLOCK
    blocks = rows[:whole].reshape(-1, _BLOCK, rows.shape[1]) @ vectors.T
    return np.concatenate([blocks.reshape(whole, len(vectors)), rows[whole:] @ vectors.T])


def record_id(item_id: str, language: str) -> str:
    """Name the vector record of an item's card in a language."""
    return f"{item_id}|{language}"


def search_text(item: Item, domain: Domain) -> str:
    """What BM25 reads of an item: every title twice (a match there says more), then the cards of all languages."""
    titles = " ".join(dict.fromkeys(item.titles.values()))
    return "\n".join([titles, titles, *(domain.write_card(item, language) for language in domain.languages)])


Record = tuple[Item, str]


def records(domain: Domain, items: Iterable[Item]) -> Iterator[Record]:
    """Yield every item with each language that it has a card in."""
    return ((item, language) for item in items for language in domain.card_languages)


def chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Part records into lists of CHUNK; the last one is shorter."""
    while chunk := list(islice(records, CHUNK)):
        yield chunk


def embed_chunk(domain: Domain, chunk: Sequence[Record], embedder: Embedder) -> Vectors:
    """Return the (n, d) vectors of the cards of some records, embedded together."""
    return embedder.embed_items([domain.write_card(item, language) for item, language in chunk])


def store_chunk(chunk: Sequence[Record], vectors: Vectors, store: VectorStore) -> None:
    """Store the vectors of some records."""
    metadata = [{"item": item.id, "language": language} for item, language in chunk]
    store.upsert([record_id(item.id, language) for item, language in chunk], vectors, metadata)


def build_in_memory(domain: Domain, items: Iterable[Item], embedder: Embedder, vectors: VectorStore) -> CatalogIndex:
    """Index items without a folder, into a given vector store."""
    by_id = with_companions_named({item.id: item for item in items}, domain)
    for chunk in chunks(records(domain, by_id.values())):
        store_chunk(chunk, embed_chunk(domain, chunk, embedder), vectors)
    lexical = LexicalIndex.build(list(by_id), (search_text(item, domain) for item in by_id.values()))
    return CatalogIndex(domain, by_id, vectors, lexical, embedder)


def fingerprint_of(domain: Domain, embedder: Embedder, catalog: Path, folder: Path) -> dict[str, Any]:
    """What an index is made of: it is out of date when any of this differs."""
    return {
        "embedder": embedder.fingerprint,
        "card": domain.card_fingerprint,
        "code": CODE_VERSION,
        "domain": domain.name,
        "catalogue": _digest(catalog),
        "interactions": InteractionLog(folder / "interactions").version,
        "inferred": _digest(folder / INFERRED) if inferable(domain) else "",
    }


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Read an object; an absent or broken file is an empty one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Replace a file at once, so that a kill leaves the old or the new content."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(data, indent=1), encoding="utf-8")
    os.replace(temporary, path)


def read_current(folder: Path) -> dict[str, Any] | None:
    """Read which version is in use; None when there is none."""
    current = read_json(folder / "current.json")
    return current if current and (folder / str(current.get("version"))).is_dir() else None


@contextmanager
def index_lock(folder: Path) -> Generator[None]:
    """Hold the folder for this process.

    Raises:
        IndexLockedError: another process holds it; the message names its process id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    owner = folder / "owner"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = owner.read_text(encoding="utf-8").strip() if owner.is_file() else "?"
        raise IndexLockedError(
            f"The index in {folder} is open in another process (pid {pid}), and Chroma allows one. Close that page or command, "
            "or give this one its own folder with ZHIYIN_DATA.",
            key="error_locked",
            pid=pid,
            folder=str(folder),
        ) from None
    try:
        owner.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def check_current(current: dict[str, Any], domain: Domain, embedder: Embedder, folder: Path, rebuild: str) -> None:
    """Raise when an index was made by another embedder, card template or version.

    Raises:
        IndexMismatchError: the message says which.
    """
    for key, now, what in (
        ("embedder", embedder.fingerprint, "embedder"),
        ("card", domain.card_fingerprint, "card template"),
        ("code", CODE_VERSION, "index version"),
    ):
        if current.get(key) != now:
            raise IndexMismatchError(
                f"The index in {folder} was built with {what} '{current.get(key)}', but '{now}' is in use now: their vectors "
                f"cannot be compared. Rebuild it: {rebuild}",
                key="error_mismatch",
                built=current.get(key),
                now=now,
                command=rebuild,
            )


def version_folder(folder: Path, rebuild: str) -> Path:
    """Return the folder of the version in use.

    Raises:
        IndexMissingError: nothing was built yet.
    """
    current = read_current(folder)
    if not current:
        raise IndexMissingError(f"There is no index in {folder}. Build it: {rebuild}", key="error_no_index", command=rebuild)
    return folder / str(current["version"])


def open_index(
    domain: Domain, embedder: Embedder, folder: Path, rebuild: str, place: VectorPlace | None = None
) -> CatalogIndex:
    """Open an index for reading. The caller holds the lock, unless several processes may read at once.

    Args:
        domain: of the catalogue.
        embedder: must be the one that built the index.
        folder: of the index.
        rebuild: the command that rebuilds it, for the messages.
        place: of the vectors; without, in the folder.

    Raises:
        IndexMissingError: nothing was built yet, or the vectors are elsewhere.
        IndexMismatchError: built by another embedder, card template or version; the message says which.
        VectorServerError: the server of the vectors cannot be reached.
    """
    version = version_folder(folder, rebuild)
    current = read_json(folder / "current.json")
    check_current(current, domain, embedder, folder, rebuild)
    items = with_companions_named({item.id: item for item in read_items(version / ITEMS)}, domain)
    vectors = (place or VectorFolders()).open(folder, current, rebuild)
    neighbours, linear = version / "item_item", version / "ease"
    return CatalogIndex(
        domain=domain,
        items=items,
        vectors=vectors,
        lexical=LexicalIndex.load(version / "bm25"),
        embedder=embedder,
        collaborative=ItemItemIndex.load(neighbours) if neighbours.is_dir() else None,
        ease=ItemItemIndex.load(linear) if linear.is_dir() else None,
        rows={
            language: open_rows(rows_path(version, language), [record_id(i, language) for i in items], vectors, rebuild)
            for language in domain.card_languages
        },
    )
