"""Looks whether Zhiyin can run here, and says what to do where it cannot. It only looks: nothing is made, changed or locked."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Literal, TypeAlias

from chatbot.settings import Settings
from retrieval.errors import ZhiyinError

Status: TypeAlias = Literal["ok", "warning", "failed"]
GIB = 1 << 30
_SPARE = 256 << 20  # of disk, for what people say and for temporary files
_LIBRARIES = GIB  # of memory, beside the weights
_CGROUP = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")
_UNTIL = 4102444800.0  # 2100: a clock that says more is wrong


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and what to do about it (empty where nothing is)."""

    name: str
    status: Status
    found: str
    do: str = ""


Look: TypeAlias = Callable[[], "Check | Iterable[Check]"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be run: where it would listen, and which catalogue it would open."""

    settings: Settings
    host: str = "127.0.0.1"
    port: int = 7860
    catalog: str | None = None
    domain: str | None = None


def examine(plan: Plan) -> list[Check]:
    """Look at everything that the plan needs. One part that is broken does not keep the others from being looked at."""
    from chatbot.doctor_index import look_at_index
    from chatbot.doctor_reach import reaching
    from chatbot.doctor_store import look_at_store

    settings = plan.settings
    looks: list[tuple[str, Look]] = [
        ("python", python),
        ("packages", lambda: packages(settings)),
        ("clock", lambda: clock(Path(__file__).stat().st_mtime)),
        ("data folder", lambda: data_folder(settings)),
        ("weights", lambda: weights(settings)),
        ("disk", lambda: disk(settings)),
        ("memory", lambda: memory(settings)),
        ("index", lambda: look_at_index(plan)),
        ("user store", lambda: look_at_store(plan)),
        *reaching(plan),
    ]
    return [check for name, look in looks for check in guarded(name, look)]


def guarded(name: str, look: Look) -> list[Check]:
    """Look at something; what is raised is found too, beside what was found before."""
    checks: list[Check] = []
    try:
        found = look()
        for check in (found,) if isinstance(found, Check) else found:
            checks.append(check)
    except ZhiyinError as error:  # says what to do itself
        checks.append(Check(name, "failed", str(error)))
    except Exception as error:
        checks.append(Check(name, "failed", f"It could not be looked at: {type(error).__name__}: {error}"))
    return checks


# -- the program --------------------------------------------------------------------------------------------------


def python() -> Check:
    """Compare the Python that runs with what the package asks for."""
    from packaging.specifiers import SpecifierSet

    here = platform.python_version()
    wanted = str(metadata("zhiyin")["Requires-Python"])
    if SpecifierSet(wanted).contains(here, prereleases=True):
        return Check("python", "ok", f"{here}, as asked for ({wanted})")
    return Check("python", "failed", f"{here}; Zhiyin asks for {wanted}", "make setup PYTHON=python3.12")


def extras_of(settings: Settings) -> list[str]:
    """Return the extras of the package that the settings need."""
    found = ["server"] if settings.engine == "openai" else []
    found += ["postgres"] if settings.database.startswith("postgresql") else []
    return found + (["private"] if settings.key.get_secret_value() or settings.keyring else [])


def packages(settings: Settings) -> Check:
    """Compare the packages that are installed with what Zhiyin asks for, with the extras that the settings need."""
    from packaging.requirements import Requirement

    wrong: list[str] = []
    extras, count = extras_of(settings), 0
    for line in requires("zhiyin") or ():
        requirement = Requirement(line)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        count += 1
        try:
            here = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(here, prereleases=True):
            wrong.append(f"{requirement.name} is {here}, not {requirement.specifier}")
    if not wrong:
        return Check("packages", "ok", f"{count} are there, in versions that fit")
    name = f".[{','.join(extras)}]" if extras else "."
    return Check("packages", "failed", "; ".join(wrong), f"python -m pip install -c constraints.txt -e '{name}'")


def clock(written: float) -> Check:
    """See whether the clock can be right: profiles, tokens and limits count by it.

    Args:
        written: when something was written that is there now.
    """
    now = time.time()
    shown = datetime.fromtimestamp(now).astimezone().isoformat(timespec="seconds")
    if written - 3600 < now < _UNTIL:
        return Check("clock", "ok", shown)
    do = "timedatectl set-ntp true"
    return Check("clock", "failed", f"It says {shown}, which cannot be: files here are younger, or it is far ahead", do)


# -- the machine --------------------------------------------------------------------------------------------------


def existing(path: Path) -> Path:
    """Return a folder, or the nearest one above it that is there."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def data_folder(settings: Settings) -> Check:
    """See whether the folder of index and users can be written, and who else can."""
    folder = settings.data_folder.absolute()
    there = existing(folder)
    if not there.is_dir():
        return Check("data folder", "failed", f"{there} is no folder", "Set ZHIYIN_DATA to another folder.")
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return Check("data folder", "failed", f"{there} cannot be written", f"chown -R $USER {there}, or set ZHIYIN_DATA")
    if there != folder:
        return Check("data folder", "ok", f"{folder} is made at the first start")
    mode = folder.stat().st_mode
    open_above = all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.parents)
    if mode & stat.S_IWOTH and open_above:
        return Check("data folder", "failed", f"Everybody on this machine can write to {folder}", f"chmod o-rwx {folder}")
    if mode & stat.S_IROTH and mode & stat.S_IXOTH and open_above and not settings.key.get_secret_value():
        found = f"Everybody on this machine can read {folder}, and what people said in it"
        return Check("data folder", "warning", found, f"chmod go-rwx {folder}, or python app.py store encrypt")
    return Check("data folder", "ok", f"{folder} can be written")


def wanted_weights(settings: Settings) -> list[tuple[Literal["generator", "embedder"], str]]:
    """Return what the settings need weights for, and what they name."""
    generator = [] if settings.engine in ("openai", "scripted") else [("generator", settings.model)]
    return [*generator, *([] if settings.embedder == "hashing" else [("embedder", settings.embedder)])]  # pyright: ignore[reportReturnType]


def weights(settings: Settings) -> Iterator[Check]:
    """See whether the weights are there and what they should be, byte for byte."""
    from chatbot.llm.manifest import entry, manifest_name, resolve

    for kind, setting in wanted_weights(settings):
        try:
            name = manifest_name(setting, kind)
            if name is None:
                yield Check(f"weights: {kind}", "ok", f"{resolve(setting, kind, settings.weights_folder)} is used as it is")
                continue
            wanted = entry(name)
            yield _compare(f"weights: {kind}", settings.weights_folder / wanted.file, wanted.size, wanted.sha256)
        except ZhiyinError as error:
            yield Check(f"weights: {kind}", "failed", str(error))


def _compare(name: str, path: Path, size: int, sha256: str) -> Check:
    if not path.is_file():
        return Check(name, "failed", f"{path} is missing", "python app.py weights")
    if path.stat().st_size == size and digest(path) == sha256:
        return Check(name, "ok", f"{path.name}, {size / GIB:.2f} GiB, is what it should be (sha256)")
    return Check(name, "failed", f"{path} is broken: its size or its sha256 is another", f"rm {path}; python app.py weights")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def disk(settings: Settings) -> Iterator[Check]:
    """Compare what is free with what missing weights and another version of each index would take."""
    from chatbot.llm.manifest import entry, manifest_name

    needed = {settings.weights_folder: 0, settings.data_folder: _SPARE}
    for kind, setting in wanted_weights(settings):
        name = manifest_name(setting, kind)
        if name and not (settings.weights_folder / entry(name).file).is_file():
            needed[settings.weights_folder] += 2 * entry(name).size  # the pieces, and the whole joined from them
    versions = settings.index_folder("x").parent.glob("*/v-*")  # an update stands beside what it replaces
    needed[settings.data_folder] += max((folder_size(folder) for folder in versions), default=0)
    of_disk: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        device = existing(folder).stat().st_dev
        of_disk[device] = (folder, of_disk.get(device, (folder, 0))[1] + size)
    for folder, size in of_disk.values():
        free = shutil.disk_usage(existing(folder)).free
        found = f"{free / GIB:.1f} GiB are free for {folder}; {size / GIB:.1f} GiB may be needed"
        status: Status = "failed" if free < size else "warning" if free < size + GIB else "ok"
        yield Check("disk", status, found, "" if status == "ok" else "Free some, or set ZHIYIN_HOME to a folder elsewhere.")


def folder_size(folder: Path) -> int:
    """Return the bytes of all files in a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def memory(settings: Settings) -> Check:
    """Compare the memory with what the weights and the libraries take at least."""
    import psutil

    from chatbot.llm.manifest import resolve

    needed = _LIBRARIES
    for kind, setting in wanted_weights(settings):
        try:
            path = resolve(setting, kind, settings.weights_folder)
        except ZhiyinError:  # it is said elsewhere
            continue
        if isinstance(path, Path):
            needed += path.stat().st_size if path.is_file() else folder_size(path)
    here = psutil.virtual_memory()
    total, available = int(here.total), int(here.available)
    for limit in (path.read_text().strip() for path in _CGROUP if path.is_file()):
        total = min(total, int(limit)) if limit.isdigit() else total
    found = f"{total / GIB:.1f} GiB, {min(total, available) / GIB:.1f} available; at least {needed / GIB:.1f} are needed"
    do = "Take smaller weights (ZHIYIN_MODEL), a server (ZHIYIN_ENGINE=openai), or end other programs."
    if total < needed:
        return Check("memory", "failed", found, do)
    return Check("memory", "warning", found, do) if min(total, available) < needed else Check("memory", "ok", found)
