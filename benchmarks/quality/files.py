"""Where public data lies, how its JSON is read, and how far a benchmark is."""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file with one a line."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def read_object(folder: Path, name: str) -> Any:
    """Read a file of JSON, with or without .gz; None when it is absent."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            raw = path.read_bytes()
            return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    return None


def shared_data() -> Path:
    """Return the folder of the public data sets: ZHIYIN_SHARED_DATA, or beside the repository."""
    return Path(os.environ.get("ZHIYIN_SHARED_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def beside(folder: Path, name: str) -> Path | None:
    """Return the folder of public data of that name, near a benchmark's folder or where all of it lies; None without."""
    places = [*folder.resolve().parents, shared_data()]
    return next((place / name for place in places if (place / name).is_dir()), None)


def clocked() -> Callable[[str], None]:
    """Return what prints a line on standard error, with the seconds since now."""
    started = time.perf_counter()

    def say(text: str) -> None:
        print(f"{time.perf_counter() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    return say
