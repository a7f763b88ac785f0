"""The manifest of weights that install from a package index, and what a setting such as ``--model`` names."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from retrieval.errors import SettingsError, WeightsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Kind: TypeAlias = Literal["generator", "embedder"]
MANIFEST = Path(__file__).with_name("weights.toml")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
FILE_SUFFIXES = {".gguf", ".onnx", ".safetensors"}


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a file: the pinned package and the member of its wheel."""

    package: str
    member: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of the manifest and the pieces that it is joined from, in order."""

    name: str
    kind: Kind
    file: str
    size: int
    sha256: str
    licence: str
    parts: tuple[Part, ...]
    default: bool = False


def _series(table: Mapping[str, Any], total: int) -> list[dict[str, Any]]:
    count = len(table["sha256"])
    sizes = [table["size"]] * (count - 1) + [total - table["size"] * (count - 1)]
    return [
        {"package": table["package"].format(n=n), "member": table["member"].format(n=n), "size": size, "sha256": sha256}
        for n, (size, sha256) in enumerate(zip(sizes, table["sha256"], strict=True), start=1)
    ]


@lru_cache
def manifest(path: Path = MANIFEST) -> Mapping[str, Weights]:
    """Read the manifest: name -> weights."""
    data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    entries: dict[str, Weights] = {}
    for name, table in data["weights"].items():
        series = table.pop("series", None)
        rows: list[dict[str, Any]] = table.pop("parts", []) + (_series(series, table["size"]) if series else [])
        default = data["defaults"].get(table["kind"]) == name
        entries[name] = Weights(name=name, parts=tuple(Part(**row) for row in rows), default=default, **table)
    return entries


def entry(name: str, entries: Mapping[str, Weights] | None = None) -> Weights:
    """Return one entry.

    Raises:
        WeightsError: there is none of this name.
    """
    known = manifest() if entries is None else entries
    if name not in known:
        raise WeightsError(f"There are no weights '{name}'. Known: {', '.join(known)}.", key="error_weights")
    return known[name]


def locate(name: str, folder: Path, *, entries: Mapping[str, Weights] | None = None) -> Path:
    """Return where fetched weights lie.

    Raises:
        WeightsError: they are not there, or only in part.
    """
    weights = entry(name, entries)
    path = folder / weights.file
    if not path.is_file() or path.stat().st_size != weights.size:
        raise WeightsError(f"No weights '{name}' at {path}. Run 'python app.py weights' to fetch them.", key="error_weights")
    return path


def manifest_name(setting: str, kind: Kind, *, entries: Mapping[str, Weights] | None = None) -> str | None:
    """Return the manifest's name that a setting means, or None if it means something outside of it.

    Raises:
        SettingsError: the weights are of the other kind.
    """
    known = manifest() if entries is None else entries
    if setting == "default":
        return next(weights.name for weights in known.values() if weights.default and weights.kind == kind)
    if setting not in known:
        return None
    if known[setting].kind != kind:
        raise SettingsError(f"'{setting}' is no {kind} but of kind {known[setting].kind}.", key="error_settings")
    return setting


def resolve(setting: str, kind: Kind, folder: Path, *, entries: Mapping[str, Weights] | None = None) -> Path | str:
    """Say what a setting names: a file or folder that is there, or a hub id.

    Raises:
        SettingsError: it names nothing of these.
        WeightsError: it names weights of the manifest that were not fetched.
    """
    name = manifest_name(setting, kind, entries=entries)
    if name is not None:
        return locate(name, folder, entries=entries)
    path = Path(setting).expanduser()
    if setting and path.exists():
        return path
    if HUB_ID.fullmatch(setting) and path.suffix not in FILE_SUFFIXES:
        return setting
    known = ", ".join(weights.name for weights in (manifest() if entries is None else entries).values() if weights.kind == kind)
    raise SettingsError(
        f"'{setting}' is no {kind}: give 'default', one of {known}, a file or folder that exists, or a hub id 'owner/name'.",
        key="error_settings",
    )


def local_folder(model: Path | str) -> Path:
    """Return the folder of a model in safetensors: itself, or where the hub's cache has it. Nothing is downloaded.

    Raises:
        WeightsError: it is not there.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if isinstance(model, Path):
        raise WeightsError(f"No model folder at {path}. Run 'python app.py weights' to fetch it.", key="error_weights")
    try:
        return Path(importlib.import_module("huggingface_hub").snapshot_download(model, local_files_only=True))
    except Exception as error:
        problem = f"The model '{model}' is not in the local hub cache. Run 'python app.py weights' with this model to fetch it."
        raise WeightsError(problem, key="error_weights") from error
