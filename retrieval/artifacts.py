"""Shares an index by version through a folder or object storage (fsspec): one machine builds and publishes, others take it.

Under ``URL/KEY`` lie::

    current.json            which manifest is in use; written last
    manifests/SHA256.json   the files of one version, each with its size and sha256; named by its own sha256
    files/SHA256            a file, named by its content: what did not change is neither sent nor fetched again

A folder that takes it holds ``p-…`` for each manifest, an index as :mod:`retrieval.index` describes it, and ``taken.json``.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from retrieval.artifact_storage import (
    CURRENT,
    FileEntry,
    Manifest,
    Pointer,
    Storage,
    UnreachableError,
    digest_of,
    open_storage,
)
from retrieval.index import read_json, version_folder, write_json

logger = logging.getLogger(__name__)
TAKEN = "taken.json"
UNSERVED = {"rejected.jsonl", "merged.jsonl"}  # of a version: what became of rows; it may hold what nobody is to read
KEPT = 3  # manifests, so that who takes one may end


@dataclass(frozen=True, slots=True)
class Published:
    """What was done: the version, its files, and how many of them, and of their bytes, had to be sent."""

    version: str
    files: int
    sent: int
    bytes_sent: int


def publish(folder: Path, url: str, key: str, rebuild: str, extra: Sequence[str] = (), *, again: bool = False) -> Published:
    """Send the version in use, with what was learned beside it; a run that was killed goes on where it stopped.

    The caller holds the lock of the index. The imported log itself stays: of it, what the index derived goes along.

    Args:
        folder: of the index.
        url: of the storage, as fsspec names it.
        key: of the catalogue.
        rebuild: the command that builds the index, for the message.
        extra: names of more files in the folder; those that are there go along.
        again: send also what is there already: a file there may have gone bad.

    Raises:
        IndexMissingError: nothing was built yet.
        SettingsError: the address cannot be used here.
        ArtifactError: the storage refuses.
    """
    paths = _served(folder, version_folder(folder, rebuild), extra)
    with open_storage(url, key) as storage:
        entries: list[FileEntry] = []
        sent = bytes_sent = 0
        for name, path in paths.items():
            digest = digest_of(path)
            entries.append(FileEntry(path=name, size=path.stat().st_size, sha256=digest))
            if again or storage.size(f"files/{digest}") != entries[-1].size:
                storage.put(path, f"files/{digest}")
                sent, bytes_sent = sent + 1, bytes_sent + entries[-1].size
        version = str(read_json(folder / CURRENT)["version"])
        text = Manifest(format=1, version=version, files=entries).model_dump_json(indent=1).encode()
        name = hashlib.sha256(text).hexdigest()
        storage.write(f"manifests/{name}.json", text)
        kept = [name, *(other for other in storage.history() if other != name)][:KEPT]
        storage.write(CURRENT, Pointer(format=1, manifest=name, before=kept[1:]).model_dump_json(indent=1).encode())
        storage.sweep(kept)
    return Published(version, len(entries), sent, bytes_sent)


def _served(folder: Path, version: Path, extra: Sequence[str]) -> dict[str, Path]:
    """Name the files that serving needs: the version, and each folder that a note beside it names."""
    folders = [version]
    files = [folder / CURRENT, *(folder / name for name in extra)]
    for note in sorted(folder.glob("*.json")):
        named = folder / str(read_json(note).get("folder", note.name))
        if named.is_dir():
            folders.append(named)
            files.append(note)
    files += [path for part in folders for path in sorted(part.rglob("*")) if path.name not in UNSERVED]
    return {path.relative_to(folder).as_posix(): path for path in files if path.is_file()}


def take(url: str, key: str, folder: Path) -> Path:
    """Bring a folder to the published version, and return where in it the index lies.

    What was fetched is kept when this is killed, and the version before stays until the new one is whole. Where the storage
    cannot be reached, the version that was taken last serves.

    Args:
        url: of the storage.
        key: of the catalogue.
        folder: for this catalogue, of this machine's own.

    Raises:
        SettingsError: the address cannot be used here.
        ArtifactError: nothing is published, what is published is broken, or the storage cannot be reached at the first time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "taking.lock"):
        old = _taken(folder)
        try:
            with open_storage(url, key) as storage:
                pointer = storage.pointer()
                if old is not None and old.name == _folder_name(pointer.manifest):
                    return old
                manifest = storage.manifest(pointer.manifest)
                new = _fetch(storage, manifest, folder / _folder_name(pointer.manifest), old)
        except UnreachableError as error:
            if old is None:
                raise
            logger.warning("%s The version that was taken last serves: %s", error, old)
            return old
        write_json(folder / TAKEN, {"folder": new.name})
        for other in folder.glob("p-*"):
            if other != new and other != old:  # processes may have begun with the old one
                shutil.rmtree(other, ignore_errors=True)
        return new


def _folder_name(manifest: str) -> str:
    return f"p-{manifest[:16]}"


def _taken(folder: Path) -> Path | None:
    name = str(read_json(folder / TAKEN).get("folder", ""))
    return folder / name if name and (folder / name / CURRENT).is_file() else None


def _fetch(storage: Storage, manifest: Manifest, target: Path, old: Path | None) -> Path:
    """Fetch what is missing beside the target, and rename it when it is whole."""
    part = target.with_name(f"{target.name}.part")
    for entry in manifest.files:
        path = part / entry.path
        if part.resolve() not in path.resolve().parents:
            raise storage.broken(f"its manifest names a file outside: {entry.path}")
        if path.is_file() and path.stat().st_size == entry.size:
            continue  # files get their names when they are verified
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        same = old / entry.path if old is not None else None
        # Chroma writes to its files: they are not what was fetched, and must not be shared between versions
        if same is not None and "chroma" not in path.parts and same.is_file() and digest_of(same) == entry.sha256:
            _link(same, new)
        else:
            storage.fetch(entry, new)
        os.replace(new, path)
    shutil.rmtree(target, ignore_errors=True)
    os.replace(part, target)
    return target


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # not on every filesystem
        shutil.copyfile(source, target)
