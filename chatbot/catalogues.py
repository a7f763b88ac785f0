"""Which catalogue is meant, by which mapping it is read, and where its index lies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from chatbot.settings import USUAL_DOMAIN, Settings
from retrieval.domain import Domain
from retrieval.domain_files import load_domain, ready_mappings, shipped_domains
from retrieval.errors import CatalogError

MAPPING = "mapping.toml"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue to be served: its domain, its file and where its index lies.

    Attributes:
        domain: how its columns are read and how it is spoken of.
        path: of the table.
        folder: of the index.
        option: the command-line options that name it.
        proposed: the mapping was proposed from the data, and lies in the folder to be looked at.
    """

    domain: Domain
    path: Path
    folder: Path
    option: str
    proposed: bool = False

    @property
    def rebuild(self) -> str:
        """The command that rebuilds the index."""
        return f"python app.py index{self.option}"

    @property
    def interactions(self) -> Path:
        """Where its imported log lies."""
        return self.folder / "interactions"


def find_catalogue(settings: Settings, catalog: str | None, domain: str | None = None) -> Catalogue:
    """Say which catalogue is meant: the settings' domain, another domain, or a file.

    A file is read by the mapping that ``domain`` names. Without one: by the settings' domain if the file has its columns,
    else by the mapping that was proposed when it was first read, else by one that is proposed now.

    Raises:
        DomainError: the domain or mapping cannot be used.
        CatalogError: the file cannot be read, or no mapping can be proposed.
    """
    if catalog is None or (Path(catalog) / "domain.toml").is_file() or catalog in (*shipped_domains(), *ready_mappings()):
        return _shipped(settings, catalog, domain)
    if not Path(catalog).suffix and not Path(catalog).expanduser().exists():
        load_domain(catalog)  # says that there is none, and which there are
    path = Path(catalog).expanduser().resolve()
    option = f" --catalog {quote(catalog)}" + (f" --domain {quote(domain)}" if domain else "")
    if domain:
        found = load_domain(domain)
        return Catalogue(found, path, settings.index_folder(_key(found.name, path)), option)
    usual = load_domain(settings.domain)
    folder = settings.index_folder(_key(usual.name, path))
    if path.is_file() and _fits(usual, path):
        return Catalogue(usual, path, folder, option)
    folder = settings.index_folder(_key(path.name.split(".")[0], path))
    if not (folder / MAPPING).is_file():
        from retrieval.inspection.inspector import inspect

        proposal = inspect(path).complete().toml()  # before the folder: nothing is left of a file that cannot be read
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MAPPING).write_text(proposal, encoding="utf-8")
    return Catalogue(load_domain(folder / MAPPING), path, folder, option, proposed=True)


def find_catalogues(settings: Settings, catalog: str | None, domain: str | None) -> list[Catalogue]:
    """Say which catalogues are meant, where ``domain`` may name several with commas; see :func:`find_catalogue`."""
    names = [name.strip() for name in domain.split(",")] if domain and catalog is None else [domain]
    return [find_catalogue(settings, catalog, name) for name in dict.fromkeys(names)]


def paths_of(catalogues: Sequence[Catalogue]) -> list[str]:
    """Return below which path each of several catalogues is served: the first below none, the others below their names."""
    return ["" if n == 0 else f"/{catalogue.domain.name}" for n, catalogue in enumerate(catalogues)]


def _shipped(settings: Settings, catalog: str | None, domain: str | None) -> Catalogue:
    name = catalog or domain or settings.domain
    found = load_domain(name)
    if not found.catalogue:
        raise CatalogError(
            found.folder / f"{found.name}.toml", None, None, "is a mapping without a catalogue. Give the file with --catalog."
        )
    option = f" --catalog {quote(catalog)}" if catalog else "" if name == USUAL_DOMAIN else f" --domain {quote(name)}"
    key = found.name if found.folder.parent.name == "domains" else _key(found.name, found.folder)
    return Catalogue(found, found.catalogue_path, settings.index_folder(key), option)


def _fits(domain: Domain, path: Path) -> bool:
    """Whether a file has the columns that a domain reads its ids and titles from."""
    from retrieval.tables.reader import open_table

    mapping = domain.mapping
    needed = {mapping.id} if isinstance(mapping.id, str) else set(mapping.id)
    return needed <= (columns := set(open_table(path, domain.source).columns)) and bool(set(mapping.titles.values()) & columns)


def _key(name: str, path: Path) -> str:
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:40]
    return f"{safe}-{hashlib.sha256(str(path.resolve()).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
