"""The command release: tables of a log that may be given away, with a stated guarantee."""

from __future__ import annotations

import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot.catalogues import find_catalogue
from chatbot.commands import Catalog, DomainName
from chatbot.settings import make_settings
from chatbot.terminal import say
from retrieval.errors import SettingsError

LEDGER = "releases.json"  # beside the index: what was given away of its log so far
_RARE = 0.1  # δ times the number of people stays below


def release(
    catalog: Catalog = None,
    domain: DomainName = None,
    epsilon: Annotated[float, typer.Option(help="the guarantee: smaller protects more and tells less; 2 to 8 are usual")] = 4.0,
    delta: Annotated[float, typer.Option(help="the chance that it does not hold")] = 1e-6,
    output: Annotated[Path, typer.Option("--output", "-o", help="a folder that does not exist yet")] = Path("release"),
) -> None:
    """Write popularity and item-item tables of the imported log that may be given away: differentially private."""
    from retrieval.catalog_import import ITEMS, read_items
    from retrieval.collaborative import whole_matrix
    from retrieval.index import index_lock, read_json, version_folder, write_json
    from retrieval.interactions import InteractionLog
    from retrieval.releasing import MOST, NOTE, release_tables, save_release

    if not 0 < epsilon <= MOST or not 0 < delta < 1:
        raise SettingsError(f"--epsilon must be above 0 and at most {MOST:g}, and --delta between 0 and 1, such as 0.000001.")
    if output.exists():
        raise SettingsError(f"{output} exists. Give another folder with --output: what was released is not replaced.")
    catalogue = find_catalogue(make_settings(), catalog, domain)
    with index_lock(catalogue.folder):
        ids = [item.id for item in read_items(version_folder(catalogue.folder, catalogue.rebuild) / ITEMS)]
        wanted = whole_matrix(ids, InteractionLog(catalogue.interactions))
        if wanted is None:
            raise SettingsError(f"No log was imported. Import one: python app.py import-events FILE{catalogue.option}")
        if delta * wanted.shape[0] > _RARE:
            raise SettingsError(
                f"--delta must be at most {_RARE / wanted.shape[0]:.1e}: a tenth of one in the number of people."
            )
        made = release_tables(ids, wanted, epsilon, delta)
        note: dict[str, Any] = {
            "epsilon": epsilon,
            "delta": delta,
            "protects": "a person with everything they did (added or removed); the ids of the catalogue are taken to be known",
            "mechanism": f"discrete Gaussian noise, zero-concentrated differential privacy (OpenDP {version('opendp')})",
            "noise": made.noise,
            "at": time.strftime("%Y-%m-%d"),
        }
        unfinished = output.with_name(f"{output.name}.{os.getpid()}.new")
        try:
            unfinished.mkdir(parents=True)
        except OSError as error:
            raise SettingsError(f"{output} cannot be written: {error.strerror}. Give another folder with --output.") from error
        before: list[dict[str, Any]] = read_json(catalogue.folder / LEDGER).get("releases", [])
        write_json(catalogue.folder / LEDGER, {"releases": [*before, note]})  # first: what may have got out counts
        save_release(made, unfinished)
        write_json(unfinished / NOTE, note)
        unfinished.rename(output)
    say(f"{output}: popularity of {len(ids)} items, neighbours of {len(made.item_item)}; ε = {epsilon:g}, δ = {delta:g}.")
    if before:
        total, rare = (sum(entry[name] for entry in [*before, note]) for name in ("epsilon", "delta"))
        say(f"With the {len(before)} releases before, whoever has them all: ε = {total:g}, δ = {rare:g}.")
