"""Where the vectors of an index are: in Chroma's folder of each version, or in collections of a Chroma server.

With a server no process needs the folder of the index for itself but one that builds: any number may serve it.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from retrieval.chroma_server import connect, disconnect, server_failed, unusable
from retrieval.errors import IndexMissingError
from retrieval.vector_store import ChromaVectorStore

COLLECTION = "collection"  # of current.json: where the vectors of the version are on a server
GRACE_SECONDS = 24 * 3600.0  # processes that began with an older version have so long to begin again
_LONGEST = 200  # letters of a catalogue's name in that of a collection
_WRITING_SECONDS = 120.0  # a batch of thousands of vectors on a busy server


class VectorPlace(Protocol):
    """Keeps one store of vectors a version of an index."""

    @property
    def address(self) -> str:
        """Of the server; empty: there is none."""
        ...

    @property
    def shared(self) -> bool:
        """Whether several processes may read an index at once."""
        ...

    @property
    def grace(self) -> float:
        """Seconds that a version which is not in use any more is kept for the processes that still use it."""
        ...

    def note(self, folder: Path, version: str) -> dict[str, str]:
        """Return what ``current.json`` says of where the vectors of a version are."""
        ...

    def holds(self, folder: Path, current: Mapping[str, Any], count: int) -> bool:
        """Whether the vectors of the version in use are here, and as many."""
        ...

    def open(self, folder: Path, current: Mapping[str, Any], rebuild: str) -> ChromaVectorStore:
        """Open the version in use, to read it.

        Raises:
            IndexMissingError: its vectors are elsewhere.
        """
        ...

    def begin(self, folder: Path, version: str, base: Path | None) -> tuple[ChromaVectorStore, bool]:
        """Open an empty store for a version; or with the vectors of the version in the folder ``base``, and say so."""
        ...

    def remove(self, folder: Path, *versions: str) -> None:
        """Remove the vectors of versions that lie outside their folders."""
        ...


class VectorFolders:
    """Chroma in this process, in the folder of each version."""

    address = ""
    shared = False
    grace = 0.0

    def note(self, folder: Path, version: str) -> dict[str, str]:
        """Nothing: they are in the version's own folder."""
        return {}

    def holds(self, folder: Path, current: Mapping[str, Any], count: int) -> bool:
        """Look whether there is a folder."""
        return COLLECTION not in current and (folder / str(current["version"]) / "chroma").is_dir()

    def open(self, folder: Path, current: Mapping[str, Any], rebuild: str) -> ChromaVectorStore:
        """Open the folder; the caller holds the lock of the index."""
        if not self.holds(folder, current, 0):
            raise IndexMissingError(
                f"The vectors of the index in {folder} are on a Chroma server. Set ZHIYIN_CHROMA_URL to its address, or build "
                f"the index without one: {rebuild}",
                key="error_no_index",
                command=rebuild,
            )
        return ChromaVectorStore.on_disk(folder / str(current["version"]) / "chroma", "cards")

    def begin(self, folder: Path, version: str, base: Path | None) -> tuple[ChromaVectorStore, bool]:
        """Begin the folder anew: what a kill left of it can crash Chroma (docs/decisions/0003)."""
        chroma = folder / version / "chroma"
        shutil.rmtree(chroma, ignore_errors=True)
        filled = base is not None and (base / "chroma").is_dir()
        if base is not None and filled:
            shutil.copytree(base / "chroma", chroma)
        return ChromaVectorStore.on_disk(chroma, "cards"), filled

    def remove(self, folder: Path, *versions: str) -> None:
        """Nothing: they go with the version's folder."""


class VectorServer:
    """A Chroma server, with a collection for each catalogue and version."""

    shared = True

    def __init__(self, url: str, grace: float = GRACE_SECONDS) -> None:
        """Name the server; nothing is asked of it yet.

        Args:
            url: its address, such as ``http://host:8000``.
            grace: seconds that a version is kept after another one took its place.
        """
        self.address, self.grace = url, grace

    def note(self, folder: Path, version: str) -> dict[str, str]:
        """Name the collection: whoever takes the index along finds it by this, whatever their folder is called."""
        return {COLLECTION: collection_name(folder.name, version)}

    def holds(self, folder: Path, current: Mapping[str, Any], count: int) -> bool:
        """Ask whether there is such a collection, and how large it is."""
        store = self._find(str(current.get(COLLECTION, "")))
        if store is None:
            return False
        with closing(store):
            return store.count() == count

    def open(self, folder: Path, current: Mapping[str, Any], rebuild: str) -> ChromaVectorStore:
        """Open the collection."""
        store = self._find(str(current.get(COLLECTION, "")))
        if store is None:
            raise IndexMissingError(
                f"The Chroma server at {self.address} lacks the vectors of the index in {folder}. Build it with this server: "
                f"{rebuild}",
                key="error_no_index",
                command=rebuild,
            )
        return store

    def begin(self, folder: Path, version: str, base: Path | None) -> tuple[ChromaVectorStore, bool]:
        """Make a collection, anew if a killed build began it."""
        self.remove(folder, version)
        name = collection_name(folder.name, version)
        return ChromaVectorStore.on_server(self.address, name, seconds=_WRITING_SECONDS), False

    def remove(self, folder: Path, *versions: str) -> None:
        """Delete collections; one that is not there is nothing to do."""
        if not versions:
            return
        client = connect(self.address)
        try:
            for version in versions:
                if _has(client, name := collection_name(folder.name, version)):
                    client.delete_collection(name)
        except Exception as error:
            if server_failed(error):
                raise unusable(self.address, error) from error
            raise
        finally:
            disconnect(client)

    def _find(self, name: str) -> ChromaVectorStore | None:
        client = connect(self.address)
        try:
            if name and _has(client, name):
                return ChromaVectorStore(client, name, self.address)
        except Exception as error:
            disconnect(client)
            if server_failed(error):
                raise unusable(self.address, error) from error
            raise
        disconnect(client)
        return None


def _has(client: Any, name: str) -> bool:
    absent: Any = importlib.import_module("chromadb.errors").NotFoundError
    try:
        client.get_collection(name, embedding_function=None)
    except absent:
        return False
    return True


def collection_name(key: str, version: str) -> str:
    """Return the name of a version's collection, of the letters that Chroma takes.

    Args:
        key: of the catalogue; one of other letters is told apart by a digest.
        version: of its index.
    """
    safe = re.sub(r"[^A-Za-z0-9_-]", "-", key)[:_LONGEST].strip("-_")
    if safe != key:
        safe = f"{safe or 'index'}-{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    return f"zhiyin-{safe}-{version}"
