"""Builds and updates an index: a new version beside the old one, then a switch.

Only what changed is embedded. A build that is killed leaves the old version in use, and the next one of the same catalogue
goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.catalog import item_line
from retrieval.catalog_import import ITEMS, REPORT, import_catalog, read_items
from retrieval.collaborative import ItemItemIndex, strength_matrix
from retrieval.domain import Domain
from retrieval.ease import ease_index
from retrieval.embedder import Embedder
from retrieval.import_report import ImportReport
from retrieval.index import (
    CHUNK,
    check_current,
    chunks,
    embed_chunk,
    fingerprint_of,
    read_current,
    read_json,
    record_id,
    records,
    search_text,
    store_chunk,
    write_json,
)
from retrieval.inferred import INFERRED, inferable, read_inferred, text_key, with_inferred
from retrieval.interactions import InteractionLog
from retrieval.lexical import LexicalIndex
from retrieval.types import Item
from retrieval.vector_file import VectorFile
from retrieval.vector_places import VectorFolders, VectorPlace
from retrieval.vector_rows import ROWS, open_rows, rows_path
from retrieval.vector_store import ChromaVectorStore

RETIRED = "retired.json"  # versions that were replaced, and when
VECTORS = "vectors.f32"  # of a build that is not over
Progress = Callable[[str, float], None]


@dataclasses.dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: counts of items, of card vectors made and taken over, of items that are gone, and of rows."""

    items: int
    embedded: int
    reused: int
    removed: int
    seconds: float
    rows: ImportReport
    unchanged: bool = False


def build_index(
    domain: Domain,
    catalog: Path,
    embedder: Embedder,
    folder: Path,
    progress: Progress | None = None,
    place: VectorPlace | None = None,
) -> BuildReport:
    """Build or update the index of a catalogue file. The caller holds the lock.

    An unchanged catalogue does nothing. A catalogue that cannot be read raises before anything changes.

    Args:
        domain: whose mapping the columns follow.
        catalog: the table.
        embedder: of the cards.
        folder: of the index.
        progress: called with a stage ("reading", "embedding", "words") and the fraction of it that is done.
        place: of the vectors; without, in the folder.

    Raises:
        CatalogError: no item can be read; with file, line and field.
        VectorServerError: the server of the vectors cannot be reached; the next build goes on where this one stopped.
    """
    place = place or VectorFolders()
    started = time.perf_counter()
    current = read_current(folder)
    fingerprint = fingerprint_of(domain, embedder, catalog, folder)
    if (
        current
        and all(current.get(key) == value for key, value in fingerprint.items())
        and place.holds(folder, current, int(current["items"]) * len(domain.card_languages))
    ):
        _sweep(folder, place, str(current["version"]))  # what a build left that was killed after the switch
        (folder / "building.json").unlink(missing_ok=True)
        rows = ImportReport.read(folder / str(current["version"]) / REPORT)
        return BuildReport(int(current["items"]), 0, 0, 0, time.perf_counter() - started, rows, unchanged=True)
    build = _Build(domain, embedder, folder, fingerprint, current, progress or (lambda stage, fraction: None), place)
    report = build.run(catalog)
    return dataclasses.replace(report, seconds=time.perf_counter() - started)


def _sweep(folder: Path, place: VectorPlace, *keep: str) -> None:
    """Remove every version but those, and those that processes may still serve from."""
    noted: dict[str, float] = read_json(folder / RETIRED) if place.shared else {}
    retired = {version: since for version, since in noted.items() if version not in keep}
    spared = {version: since for version, since in retired.items() if time.time() - since < place.grace}
    gone = ({path.name for path in folder.glob("v-*")} | retired.keys()) - spared.keys() - set(keep)
    place.remove(folder, *gone)
    for version in gone:
        shutil.rmtree(folder / version, ignore_errors=True)
    if spared != noted:
        write_json(folder / RETIRED, spared)


class _Build:
    """Writes one version. Each step notes that it is done, so that a killed build goes on after it."""

    def __init__(
        self,
        domain: Domain,
        embedder: Embedder,
        folder: Path,
        fingerprint: dict[str, Any],
        current: dict[str, Any] | None,
        progress: Progress,
        place: VectorPlace,
    ) -> None:
        self.domain, self.embedder, self.folder = domain, embedder, folder
        self.fingerprint, self.progress, self.place = fingerprint, progress, place
        self.old = folder / str(current["version"]) if current else None
        comparable = current and all(current.get(key) == fingerprint[key] for key in ("embedder", "card", "code"))
        self.base = self.old if comparable and self._has_vectors() else None  # whose vectors can be taken over
        self.state = self._begin()
        self.new = folder / str(self.state["version"])

    def _has_vectors(self) -> bool:
        """Whether the vectors of the old version are at hand, in plain files or in Chroma's folder."""
        if self.old is None or (not self.place.shared and (self.old / "chroma").is_dir()):
            return self.old is not None
        return all(rows_path(self.old, language).is_file() for language in self.domain.card_languages)

    def _begin(self) -> dict[str, Any]:
        """Go on with the version that a killed build left, or begin one; whatever else lies there is of no use."""
        state = read_json(self.folder / "building.json")
        base = self.base.name if self.base else None
        wanted = {"fingerprint": self.fingerprint, "base": base, "place": self.place.address}
        if not (state and all(state.get(k) == v for k, v in wanted.items()) and (self.folder / str(state["version"])).is_dir()):
            state: dict[str, Any] = {**wanted, "version": f"v-{uuid.uuid4().hex[:12]}", "steps": [], "embedded": 0}
        _sweep(self.folder, self.place, str(state["version"]), self.old.name if self.old else "")
        (self.folder / str(state["version"])).mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "building.json", state)
        return state

    def _note(self, step: str | None = None, **changes: Any) -> None:
        self.state |= changes
        if step:
            self.state["steps"] = [*self.state["steps"], step]
        write_json(self.folder / "building.json", self.state)

    def run(self, catalog: Path) -> BuildReport:
        if "items" not in self.state["steps"]:
            import_catalog(catalog, self.domain, self.new, lambda done: self.progress("reading", done))
            self._fill_in()
            self._note("items")
        rows = ImportReport.read(self.new / REPORT)
        before = {item.id: item.hash for item in read_items(self.base / ITEMS)} if self.base else {}
        changed, gone = self._write_vectors(before, rows.kept)
        self._write_words(same=bool(before) and not changed and not gone)
        self._write_neighbours()
        removed = gone
        if self.old and not self.base:
            removed = len({i.id for i in read_items(self.old / ITEMS)} - set(self._ids()))
        if self.old and self.place.shared:
            write_json(self.folder / RETIRED, {**read_json(self.folder / RETIRED), self.old.name: time.time()})
        text = {**self.fingerprint, "version": self.new.name, "items": rows.kept}
        write_json(self.folder / "current.json", text | self.place.note(self.folder, self.new.name))
        (self.folder / "building.json").unlink(missing_ok=True)
        _sweep(self.folder, self.place, self.new.name)
        cards = len(self.domain.card_languages)
        return BuildReport(rows.kept, changed * cards, (rows.kept - changed) * cards, removed, 0.0, rows)

    def _fill_in(self) -> None:
        """Lay what a language model inferred over the items that lack it."""
        known = read_inferred(self.folder / INFERRED) if inferable(self.domain) else {}
        if not known:
            return
        filled = self.new / f"{ITEMS}.filled"
        with filled.open("wb") as file:
            for item in read_items(self.new / ITEMS):
                file.write(item_line(with_inferred(item, known.get(text_key(item), {}), self.domain))[0])
        os.replace(filled, self.new / ITEMS)

    def _ids(self) -> Iterator[str]:
        return (item.id for item in read_items(self.new / ITEMS))

    def _write_vectors(self, before: dict[str, str], items: int) -> tuple[int, int]:
        """Take over the old vectors, drop those of items that are gone, and embed what changed.

        Returns:
            How many items changed or are new, and how many are gone.
        """
        gone = list(before.keys() - set(self._ids())) if before else []
        fresh = {item.id for item in read_items(self.new / ITEMS) if before.get(item.id) != item.hash} if before else None
        todo = items if fresh is None else len(fresh)
        if "vectors" not in self.state["steps"]:
            chosen = (item for item in read_items(self.new / ITEMS) if fresh is None or item.id in fresh)
            store, filled = self.place.begin(self.folder, self.new.name, self.base)
            try:
                if filled:
                    store.delete([record_id(item_id, language) for item_id in gone for language in self.domain.card_languages])
                elif self.base:
                    self._take_over(store, list(before), {*gone, *(fresh or ())})
                self._embed_all(chosen, todo * len(self.domain.card_languages), store)
                shutil.rmtree(self.new / ROWS, ignore_errors=True)
                for language in self.domain.card_languages:
                    open_rows(rows_path(self.new, language), [record_id(i, language) for i in self._ids()], store, "")
            finally:
                store.close()  # before it counts as done: Chroma writes on in the background
            self._note("vectors")
        (self.new / VECTORS).unlink(missing_ok=True)
        return todo, len(gone)

    def _take_over(self, store: ChromaVectorStore, ids: Sequence[str], without: Collection[str]) -> None:
        """Store the old version's vectors again, in a store that cannot be copied: from the plain files."""
        assert self.base is not None
        kept = [position for position, item_id in enumerate(ids) if item_id not in without]
        for language in self.domain.card_languages:
            rows = open_rows(rows_path(self.base, language), [record_id(i, language) for i in ids], store, "")
            for start in range(0, len(kept), CHUNK):
                part = kept[start : start + CHUNK]
                metadata = [{"item": ids[n], "language": language} for n in part]
                store.upsert([record_id(ids[n], language) for n in part], np.asarray(rows[part]), metadata)

    def _embed_all(self, items: Iterator[Item], total: int, store: ChromaVectorStore) -> None:
        """Embed the items' cards by chunks, each kept in a file at once: those that a killed build made are read from there."""
        made = VectorFile(self.new / VECTORS, self.state.get("dimension", 0), int(self.state["embedded"]))
        done = 0
        with ThreadPoolExecutor(1) as pool:  # Chroma stores a chunk while the next one is embedded
            pending: Future[None] | None = None
            for chunk in chunks(records(self.domain, items)):
                vectors = made.read(len(chunk))
                if vectors is None:
                    vectors = embed_chunk(self.domain, chunk, self.embedder)
                    made.append(vectors)
                    self._note(embedded=made.rows, dimension=made.dimension)
                if pending:
                    pending.result()
                pending = pool.submit(store_chunk, chunk, vectors, store)
                done += len(chunk)
                self.progress("embedding", done / total)
            if pending:
                pending.result()

    def _write_words(self, *, same: bool) -> None:
        if "words" in self.state["steps"]:
            return
        shutil.rmtree(self.new / "bm25", ignore_errors=True)
        if same and self.base:
            shutil.copytree(self.base / "bm25", self.new / "bm25")
        else:
            self.progress("words", 0.0)
            texts = (search_text(item, self.domain) for item in read_items(self.new / ITEMS))
            LexicalIndex.build(list(self._ids()), texts).save(self.new / "bm25")
            self.progress("words", 1.0)
        self._note("words")

    def _write_neighbours(self) -> None:
        log = InteractionLog(self.folder / "interactions")
        if not log.version:
            return
        shutil.rmtree(self.new / "item_item", ignore_errors=True)
        self.progress("behaviour", 0.0)
        ids = list(self._ids())
        wanted, present = strength_matrix(ids, log)
        present_ids = [ids[position] for position in present]
        ItemItemIndex.from_matrix(present_ids, wanted).save(self.new / "item_item")
        shutil.rmtree(self.new / "ease", ignore_errors=True)
        ease_index(present_ids, wanted).save(self.new / "ease")


def outdated(domain: Domain, embedder: Embedder, catalog: Path, folder: Path) -> list[str]:
    """Name what changed since an index was built, of its catalogue and what lies beside it; it can be served all the same."""
    current = read_json(folder / "current.json")
    now = fingerprint_of(domain, embedder, catalog, folder)
    if not catalog.is_file():  # an index lives on without its catalogue
        del now["catalogue"]
    return [key for key, value in now.items() if current.get(key) != value]


def update_index(
    domain: Domain,
    catalog: Path,
    embedder: Embedder,
    folder: Path,
    rebuild: str,
    progress: Progress | None = None,
    place: VectorPlace | None = None,
) -> BuildReport:
    """Bring an index up to date with its catalogue, as :func:`build_index` does, but never replace one made otherwise unasked.

    Raises:
        IndexMismatchError: it was built by another embedder, card template or version.
        CatalogError: no item can be read.
    """
    if current := read_current(folder):
        check_current(current, domain, embedder, folder, rebuild)
    return build_index(domain, catalog, embedder, folder, progress, place)
