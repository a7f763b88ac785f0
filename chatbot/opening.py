"""Opens the index of a catalogue as the settings say: built here, from a Chroma server, or taken as it was published."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from chatbot.catalogues import Catalogue
from chatbot.settings import Settings
from retrieval.embedder import Embedder
from retrieval.index import CatalogIndex, index_lock, open_index
from retrieval.index_build import outdated, update_index
from retrieval.learned_store import load_learned
from retrieval.sequence_store import load_sequence
from retrieval.vector_places import VectorFolders, VectorPlace, VectorServer

logger = logging.getLogger(__name__)


def place_of(settings: Settings) -> VectorPlace:
    """Say where the vectors are."""
    return VectorServer(settings.chroma_url) if settings.chroma_url else VectorFolders()


def builds_when_opened(settings: Settings) -> bool:
    """Whether an index that is out of date is built when it is opened: where no other process may have it open."""
    return not (settings.chroma_url or settings.artifacts)


def taken_folder(settings: Settings, catalogue: Catalogue) -> Path:
    """Return where what was published of a catalogue is kept on this machine."""
    return settings.data_folder / "taken" / catalogue.folder.name


@contextmanager
def hold_index(settings: Settings, catalogue: Catalogue) -> Generator[Catalogue]:
    """Hold the index as long as it is served; yields the catalogue with the folder that the index is in.

    A published index is fetched first, if it is another one than is here. With a Chroma server nothing is held, for any number
    of processes may serve an index.

    Raises:
        IndexLockedError: another process has it, and its vectors are in a folder.
        ArtifactError: what is published cannot be taken.
    """
    if settings.artifacts:
        from retrieval.artifacts import take

        folder = take(settings.artifacts, catalogue.folder.name, taken_folder(settings, catalogue))
        catalogue = replace(catalogue, folder=folder)
    if place_of(settings).shared:
        yield catalogue
    else:
        with index_lock(catalogue.folder):
            yield catalogue


def open_catalogue(
    settings: Settings, catalogue: Catalogue, embedder: Embedder, progress: Callable[[float], None]
) -> CatalogIndex:
    """Open an index with what was learned for it; the caller holds it.

    One that is missing or out of date is built first, if nobody else may have it open; otherwise that it is out of date is
    said, and it serves.

    Args:
        settings: where the vectors are, and whether an index is built here.
        catalogue: its folder is the one to open.
        embedder: of the cards.
        progress: called with the fraction that is built.

    Raises:
        IndexMissingError: there is none, and none is built here.
        IndexMismatchError: it was built by another embedder, card template or version.
        VectorServerError: the server of the vectors cannot be reached.
    """
    place, rebuild = place_of(settings), catalogue.rebuild
    parts = catalogue.domain, embedder
    if builds_when_opened(settings):
        if catalogue.path.is_file():  # an index lives on without its catalogue
            _update(catalogue, embedder, progress, place)
    elif not settings.artifacts and (changed := outdated(*parts, catalogue.path, catalogue.folder)):
        logger.warning("the index in %s is older than its %s. Build it: %s", catalogue.folder, ", ".join(changed), rebuild)
    index = open_index(*parts, catalogue.folder, rebuild, place)
    sequence, following = load_sequence(catalogue.folder)
    return replace(index, learned=load_learned(index, catalogue.folder), sequence=sequence, following=following)


def _update(catalogue: Catalogue, embedder: Embedder, progress: Callable[[float], None], place: VectorPlace) -> None:
    folder = catalogue.folder
    built = update_index(
        catalogue.domain, catalogue.path, embedder, folder, catalogue.rebuild, lambda _, fraction: progress(fraction), place
    )
    if built.rows.rejected and not built.unchanged:
        aside = f"{built.rows.rejected} of {built.rows.rows} rows are set aside"
        logger.warning("%s, with line and reason, in %s", aside, next(folder.glob("v-*/rejected.jsonl"), ""))
