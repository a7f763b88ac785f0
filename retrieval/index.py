"""Builds, updates and opens an index: all channels of one catalogue together, under one version.

On disk, in one folder a catalogue::

    current.json      names the version in use and its fingerprint; replaced atomically
    lock, owner       one process at a time (Chroma allows no more)
    v-…/chroma/       vectors: one record an item and language
    v-…/bm25/         the lexical index
    v-…/items.jsonl   the items as they were read

A build writes a new version beside the old one, embeds only what changed, and then switches; a build that is killed leaves
the old version in use.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from retrieval.catalog import read_catalog
from retrieval.domain import Domain
from retrieval.embedder import BATCH, Embedder, Vectors
from retrieval.errors import IndexLockedError, IndexMismatchError, IndexMissingError
from retrieval.lexical import LexicalIndex
from retrieval.types import Item
from retrieval.vector_store import ChromaVectorStore, VectorStore

CODE_VERSION = 1
Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: counts of items, of card vectors made and taken over, and of items that are gone."""

    items: int
    embedded: int
    reused: int
    removed: int
    seconds: float
    unchanged: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class CatalogIndex:
    """An open index: the items and every channel over them."""

    domain: Domain
    items: dict[str, Item]
    vectors: VectorStore
    lexical: LexicalIndex
    embedder: Embedder

    def vectors_of(self, ids: Sequence[str], language: str) -> Vectors:
        """Return (n, d) rows for item ids, in their order, of the cards in a language."""
        found = self.vectors.get([record_id(item_id, language) for item_id in ids])
        return np.stack([found[record_id(item_id, language)] for item_id in ids])


def record_id(item_id: str, language: str) -> str:
    """Name the vector record of an item's card in a language."""
    return f"{item_id}|{language}"


def search_text(item: Item, domain: Domain) -> str:
    """What BM25 reads of an item: every title twice (a match there says more), then the cards of all languages."""
    titles = " ".join(dict.fromkeys(item.titles.values()))
    return "\n".join([titles, titles, *(domain.write_card(item, language) for language in domain.languages)])


def build_in_memory(domain: Domain, items: Iterable[Item], embedder: Embedder, vectors: VectorStore) -> CatalogIndex:
    """Index items without a folder, into a given vector store."""
    by_id = {item.id: item for item in items}
    _embed(domain, list(by_id.values()), embedder, vectors, {}, None)
    lexical = LexicalIndex.build(list(by_id), [search_text(item, domain) for item in by_id.values()])
    return CatalogIndex(domain, by_id, vectors, lexical, embedder)


def _embed(
    domain: Domain,
    items: Sequence[Item],
    embedder: Embedder,
    store: VectorStore,
    known: dict[str, Vectors],
    progress: Progress | None,
) -> int:
    """Write the card vectors of all items; returns how many had to be made."""
    records = [(item, language) for item in items for language in domain.languages]
    made = done = 0
    for start in range(0, len(records), BATCH * 8):
        part = records[start : start + BATCH * 8]
        ids = [record_id(item.id, language) for item, language in part]
        new = [n for n, name in enumerate(ids) if name not in known]
        fresh = embedder.embed_items([domain.write_card(part[n][0], part[n][1]) for n in new])
        rows = {**{n: fresh[k] for k, n in enumerate(new)}, **{n: known[name] for n, name in enumerate(ids) if name in known}}
        metadata = [{"item": item.id, "language": language} for item, language in part]
        store.upsert(ids, np.stack([rows[n] for n in range(len(part))]), metadata)
        made += len(new)
        done += len(part)
        if progress:
            progress(done, len(records))
    return made


def _fingerprint(domain: Domain, embedder: Embedder, catalog: Path) -> dict[str, Any]:
    return {
        "embedder": embedder.fingerprint,
        "card": domain.card_fingerprint,
        "code": CODE_VERSION,
        "domain": domain.name,
        "catalogue": hashlib.sha256(catalog.read_bytes()).hexdigest() if catalog.is_file() else "",
    }


def _read_current(folder: Path) -> dict[str, Any] | None:
    try:
        current: dict[str, Any] = json.loads((folder / "current.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return current if (folder / str(current.get("version"))).is_dir() else None


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


def build_index(
    domain: Domain, catalog: Path, embedder: Embedder, folder: Path, progress: Progress | None = None
) -> BuildReport:
    """Build or update the index of a catalogue file. The caller holds the lock.

    An unchanged catalogue does nothing. A broken row raises before anything is written.

    Raises:
        CatalogError: a row is broken.
    """
    started = time.perf_counter()
    current = _read_current(folder)
    fingerprint = _fingerprint(domain, embedder, catalog)
    if current and all(current.get(key) == value for key, value in fingerprint.items()):
        return BuildReport(int(current["items"]), 0, 0, 0, time.perf_counter() - started, unchanged=True)
    items = list(read_catalog(catalog, domain))
    known, gone = _reusable(domain, items, current, fingerprint, folder)
    version = f"v-{uuid.uuid4().hex[:12]}"
    new = folder / version
    new.mkdir(parents=True)
    made = _embed(domain, items, embedder, ChromaVectorStore.on_disk(new / "chroma", "cards"), known, progress)
    LexicalIndex.build([item.id for item in items], [search_text(item, domain) for item in items]).save(new / "bm25")
    with (new / "items.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(dataclasses.asdict(item), ensure_ascii=False) + "\n" for item in items)
    text = json.dumps({**fingerprint, "version": version, "items": len(items)}, indent=1)
    temporary = folder / "current.json.new"
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, folder / "current.json")
    for old in folder.glob("v-*"):
        if old.name != version:
            shutil.rmtree(old, ignore_errors=True)
    total = len(items) * len(domain.languages)
    return BuildReport(len(items), made, total - made, gone, time.perf_counter() - started)


def _reusable(
    domain: Domain, items: Sequence[Item], current: dict[str, Any] | None, fingerprint: dict[str, Any], folder: Path
) -> tuple[dict[str, Vectors], int]:
    """Vectors of the version in use whose row, embedder and card are the same; and how many of its items are gone."""
    if not current:
        return {}, 0
    old = {item.id: item.hash for item in _load_items(folder / str(current["version"]) / "items.jsonl")}
    gone = len(old.keys() - {item.id for item in items})
    if any(current.get(key) != fingerprint[key] for key in ("embedder", "card", "code")):
        return {}, gone
    same = [item.id for item in items if old.get(item.id) == item.hash]
    store = ChromaVectorStore.on_disk(folder / str(current["version"]) / "chroma", "cards")
    return store.get([record_id(item_id, language) for item_id in same for language in domain.languages]), gone


def _load_items(path: Path) -> Iterator[Item]:
    def tuples(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if isinstance(value, dict):
            return {key: tuples(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
        return value

    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Item(**tuples(json.loads(line)))


def _check(current: dict[str, Any], domain: Domain, embedder: Embedder, folder: Path, rebuild: str) -> None:
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


def update_index(
    domain: Domain, catalog: Path, embedder: Embedder, folder: Path, rebuild: str, progress: Progress | None = None
) -> BuildReport:
    """Bring an index up to date with its catalogue, as :func:`build_index` does, but never replace one made otherwise unasked.

    Raises:
        IndexMismatchError: it was built by another embedder, card template or version.
        CatalogError: a row is broken.
    """
    if current := _read_current(folder):
        _check(current, domain, embedder, folder, rebuild)
    return build_index(domain, catalog, embedder, folder, progress)


def open_index(domain: Domain, embedder: Embedder, folder: Path, rebuild: str) -> CatalogIndex:
    """Open an index for reading. The caller holds the lock.

    Args:
        domain: of the catalogue.
        embedder: must be the one that built the index.
        folder: of the index.
        rebuild: the command that rebuilds it, for the messages.

    Raises:
        IndexMissingError: nothing was built yet.
        IndexMismatchError: built by another embedder, card template or version; the message says which.
    """
    current = _read_current(folder)
    if not current:
        raise IndexMissingError(f"There is no index in {folder}. Build it: {rebuild}", key="error_no_index", command=rebuild)
    _check(current, domain, embedder, folder, rebuild)
    version = folder / str(current["version"])
    return CatalogIndex(
        domain=domain,
        items={item.id: item for item in _load_items(version / "items.jsonl")},
        vectors=ChromaVectorStore.on_disk(version / "chroma", "cards"),
        lexical=LexicalIndex.load(version / "bm25"),
        embedder=embedder,
    )
