"""What is published of an index, in a folder or object storage that fsspec can reach: its files, manifests and pointer."""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, Field, ValidationError

from retrieval.errors import ArtifactError, SettingsError

logger = logging.getLogger(__name__)
CURRENT = "current.json"
_BLOCK = 1 << 20
_SHA256 = r"^[0-9a-f]{64}$"
# where writing a file makes all of it visible at once
_WHOLE = {"memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "obs", "tos"}


class FileEntry(BaseModel):
    """A file of a version."""

    path: str = Field(pattern=r"^[^/\\]+(/[^/\\]+)*$")
    size: int = Field(ge=0)
    sha256: str = Field(pattern=_SHA256)


class Manifest(BaseModel):
    """A version: everything that is needed to serve it."""

    format: int = Field(ge=1, le=1)
    version: str
    files: list[FileEntry]


class Pointer(BaseModel):
    """Which manifest is in use."""

    format: int = Field(ge=1, le=1)
    manifest: str = Field(pattern=_SHA256)
    before: list[str] = Field(default_factory=list[str])  # the manifests in use before, the latest first


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class UnreachableError(ArtifactError):
    """The storage does not answer."""


@contextmanager
def open_storage(url: str, key: str) -> Generator[Storage]:
    """Open the storage, and turn whatever its library raises into an error that says what to do."""
    fsspec: Any = importlib.import_module("fsspec.core")
    try:
        filesystem, root = fsspec.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise SettingsError(f"ZHIYIN_ARTIFACTS is {url!r}: {error}.") from error
    storage = Storage(filesystem, f"{root.rstrip('/')}/{key}", f"{url.rstrip('/')}/{key}")
    try:
        yield storage
    except (ArtifactError, SettingsError):
        raise
    except Exception as error:  # each kind of storage has its own
        why = " ".join(str(error).split())[:300] or type(error).__name__
        problem = f"it cannot be read or written: {why}. Is ZHIYIN_ARTIFACTS right, and may this account use it?"
        raise storage.error(problem, UnreachableError) from error


class Storage:
    """What is published of one catalogue."""

    def __init__(self, filesystem: Any, root: str, shown: str) -> None:
        self._fs, self._root, self._shown = filesystem, root, shown
        names: Any = filesystem.protocol  # one name, or several
        self._whole = bool(_WHOLE & ({names} if isinstance(names, str) else set(names)))

    def error(self, problem: str, kind: type[ArtifactError] = ArtifactError) -> ArtifactError:
        """Return an error about this place."""
        text = f"The published index at {self._shown} cannot be used: {problem}"
        return kind(text, key="error_artifacts", url=self._shown, problem=problem)

    def broken(self, problem: str) -> ArtifactError:
        """Return the error of something that was not published whole."""
        return self.error(f"{problem}. Send all of it again from the machine that built it: python app.py publish --again")

    def size(self, name: str) -> int:
        """Return the size of a file; -1 when there is none."""
        self._fs.invalidate_cache()
        try:
            return int(self._fs.info(f"{self._root}/{name}")["size"])
        except FileNotFoundError:
            return -1

    def put(self, path: Path, name: str) -> None:
        """Send a file; under its name it is whole or not there, as far as the storage allows."""
        with path.open("rb") as file:
            self._write(name, file)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole or not at all as far as the storage allows."""
        self._write(name, content)

    def _write(self, name: str, content: bytes | IO[bytes]) -> None:
        target = f"{self._root}/{name}"
        staged = target if self._whole else f"{target}.{os.getpid()}.part"
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        with self._fs.open(staged, "wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                shutil.copyfileobj(content, file, _BLOCK)
        if staged != target:
            self._fs.mv(staged, target)

    def _read(self, name: str, what: str) -> bytes:
        try:
            return bytes(self._fs.cat_file(f"{self._root}/{name}"))
        except FileNotFoundError as error:
            raise self.broken(what) from error

    def pointer(self) -> Pointer:
        """Read which manifest is in use."""
        if self.size(CURRENT) < 0:
            raise self.error("nothing is published there. Publish it on the machine that built it: python app.py publish")
        text = self._read(CURRENT, "what is published was removed")
        try:
            return Pointer.model_validate_json(text)
        except ValidationError as error:
            raise self.broken(f"its {CURRENT} is broken ({error.errors()[0]['msg']})") from error

    def manifest(self, name: str) -> Manifest:
        """Read a manifest."""
        text = self._read(f"manifests/{name}.json", f"its manifest {name[:12]}… is not there")
        if hashlib.sha256(text).hexdigest() != name:
            raise self.broken(f"its manifest {name[:12]}… is not what was written")
        try:
            return Manifest.model_validate_json(text)
        except ValidationError as error:
            raise self.broken(f"its manifest {name[:12]}… is of another release ({error.errors()[0]['msg']})") from error

    def fetch(self, entry: FileEntry, path: Path) -> None:
        """Fetch a file and verify it."""
        digest = hashlib.sha256()
        try:  # into a file of its own: it gets its name when it is right
            with self._fs.open(f"{self._root}/files/{entry.sha256}", "rb") as source, path.open("wb") as target:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    target.write(block)
        except FileNotFoundError as error:
            raise self.broken(f"the file {entry.path} is not there") from error
        if digest.hexdigest() != entry.sha256:
            path.unlink()
            raise self.broken(f"the file {entry.path} does not have the sha256 of the manifest")

    def history(self) -> list[str]:
        """Name the manifests that are or were in use, the latest first; none where nothing is published or all is broken."""
        try:
            pointer = self.pointer()
        except ArtifactError:
            return []
        return [pointer.manifest, *pointer.before]

    def sweep(self, kept: Sequence[str]) -> None:
        """Remove every manifest but some, and the files that none of these names."""
        used = set(kept)
        for name in kept:
            try:
                used |= {entry.sha256 for entry in self.manifest(name).files}
            except ArtifactError as error:  # nobody can take it
                logger.warning("%s", error)
        for path in [path for part in ("files", "manifests") for path in self._fs.ls(f"{self._root}/{part}", detail=False)]:
            if str(path).rpartition("/")[2].removesuffix(".json") not in used:
                self._fs.rm_file(path)
