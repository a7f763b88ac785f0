"""Looks at the embedder, the catalogue and its index, without the index's lock."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.doctor import Check, Plan
from retrieval.errors import IndexMismatchError, ZhiyinError

if TYPE_CHECKING:
    from chatbot.catalogues import Catalogue
    from retrieval.embedder import Embedder

_LOCKS = Path("/proc/locks")
_PARTS = "items.jsonl", "bm25", "rows"  # of a version; of the vectors in Chroma the rows are a copy


def look_at_index(plan: Plan) -> Iterator[Check]:
    """Look at the embedder, at the catalogue, and at whether its index is whole, fits both, and is open elsewhere."""
    embedder: Embedder | None = None
    try:
        embedder = load_embedder(plan)
        yield Check("embedder", "ok", f"{embedder.fingerprint} turns words into vectors")
    except ZhiyinError as error:
        yield Check("embedder", "failed", str(error))
    except Exception as error:
        found = f"It cannot be loaded: {type(error).__name__}: {error}"
        yield Check("embedder", "failed", found, "python app.py weights")
    catalogue = find(plan)
    if catalogue is None:
        do = f"python app.py index --catalog {plan.catalog}"
        yield Check("catalogue", "warning", f"{plan.catalog} was never read: there is no mapping and no index yet", do)
        return
    there = catalogue.path.is_file()
    read = f"{catalogue.path} is read as '{catalogue.domain.name}'"
    gone = f"{catalogue.path} is not there (any more); an index lives on without it"
    yield Check("catalogue", "ok", read) if there else Check("catalogue", "warning", gone)
    yield look_at_version(catalogue, embedder)
    yield Check("index lock", "ok", who_holds(catalogue.folder))


def load_embedder(plan: Plan) -> Embedder:
    """Load the embedder, and use it once."""
    from chatbot.embedding import build_embedder

    embedder = build_embedder(plan.settings)
    embedder.embed_queries(["a"])
    return embedder


def find(plan: Plan) -> Catalogue | None:
    """Say which catalogue is meant; None where finding it would write the mapping that is proposed for it.

    Raises:
        ZhiyinError: there is none, or it cannot be read.
    """
    from chatbot.catalogues import MAPPING, find_catalogue

    settings = plan.settings
    with tempfile.TemporaryDirectory() as aside:
        found = find_catalogue(settings.model_copy(update={"data": Path(aside)}), plan.catalog, plan.domain)
    if found.proposed and not (settings.index_folder(found.folder.name) / MAPPING).is_file():
        return None
    return find_catalogue(settings, plan.catalog, plan.domain)


def look_at_version(catalogue: Catalogue, embedder: Embedder | None) -> Check:
    """Look at the version in use: is it whole, and does it fit what is used now."""
    from retrieval.index import check_current, read_current
    from retrieval.index_build import outdated

    folder, rebuild = catalogue.folder, catalogue.rebuild
    current = read_current(folder)
    if current is None:
        there = catalogue.path.is_file()
        return Check("index", "warning" if there else "failed", f"There is none in {folder} yet", rebuild)
    missing = [name for name in _PARTS if not (folder / str(current["version"]) / name).exists()]
    if missing:
        found = f"{folder / str(current['version'])} lacks {', '.join(missing)}"
        return Check("index", "failed", found, f"rm {folder / 'current.json'}; {rebuild}")
    made = f"{current.get('items', '?')} items in {folder}"
    if embedder is None:
        return Check("index", "warning", f"{made}; whether it fits cannot be said, for the embedder cannot be loaded")
    try:
        check_current(current, catalogue.domain, embedder, folder, rebuild)
    except IndexMismatchError as error:
        return Check("index", "failed", str(error), rebuild)
    changed = outdated(catalogue.domain, embedder, catalogue.path, folder)
    if changed or (folder / "building.json").is_file():
        why = f"changed since: {', '.join(changed)}" if changed else "a build of it was not finished"
        return Check("index", "warning", f"{made}; {why}. The next start updates it", rebuild)
    return Check("index", "ok", f"{made}, and it fits catalogue, embedder and version")


def who_holds(folder: Path) -> str:
    """Say which process has an index open. The lock itself is not tried: a page that starts now would miss it."""
    import psutil

    lock, owner = folder / "lock", folder / "owner"
    pid = owner.read_text(encoding="utf-8").strip() if owner.is_file() else ""
    alive = pid.isdigit() and psutil.pid_exists(int(pid))
    held = alive
    if lock.is_file() and _LOCKS.is_file():
        wanted = str(lock.stat().st_ino)
        rows = (line.split() for line in _LOCKS.read_text(encoding="ascii", errors="replace").splitlines())
        held = any(row[1] == "FLOCK" and row[5].rpartition(":")[2] == wanted for row in rows if len(row) > 5)
    if not held:
        return "No process has the index open." + (" The last one was killed; that does no harm." if pid else "")
    name = psutil.Process(int(pid)).name() if alive else "in another container or of another user"
    return f"Process {pid or '?'} ({name}) has the index open; a second one needs its own ZHIYIN_DATA, or a Chroma server."
