"""Makes the map of a catalogue behind the page: it takes seconds, and nobody should wait at a dead button."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # its import takes seconds
    from retrieval.index import CatalogIndex
    from retrieval.projection import CatalogMap


class Atlas:
    """Holds one map a language."""

    def __init__(self) -> None:
        """Begin empty."""
        self._maps: dict[str, Future[CatalogMap]] = {}
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(1, thread_name_prefix="map")

    def get(self, index: CatalogIndex, folder: Path | None, language: str) -> CatalogMap | None:
        """Return the map, or None while it is being made; the first call begins that. Raises what making it failed with."""
        from retrieval.projection import load_map

        with self._lock:
            made = self._maps.get(language)
            if made is None or (made.done() and made.exception() is not None):
                self._maps[language] = self._workers.submit(load_map, index, folder, language)
            if made is None:
                return None
        return made.result() if made.done() else None
