"""The command audit: quality, calibration, popularity and exposure by groups of people and of items."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatbot.catalogues import find_catalogue
from chatbot.commands import Catalog, DomainName, EmbedderName
from chatbot.settings import go_offline, make_settings
from chatbot.terminal import bar, say
from retrieval.errors import SettingsError


def audit(
    catalog: Catalog = None,
    domain: DomainName = None,
    embedder: EmbedderName = None,
    people: Annotated[Path | None, typer.Option(help="a table with a row a person; without, items alone are audited")] = None,
    person: Annotated[str, typer.Option(help="its column with the names that the imported log uses")] = "user",
    group: Annotated[list[str] | None, typer.Option(help="a column of groups, or NAME=COLUMN; may be repeated")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for audit.md and its plots")] = Path("audit"),
) -> None:
    """Say how well groups of people are served and which items are shown, on the imported log."""
    go_offline()
    from chatbot.auditing.people import read_groups
    from chatbot.auditing.report import write_report
    from chatbot.auditing.run import audit as look
    from chatbot.embedding import build_embedder
    from chatbot.learning import log_moments
    from chatbot.opening import place_of
    from retrieval.index import index_lock, open_index
    from retrieval.interactions import InteractionLog

    settings = make_settings(embedder=embedder)
    catalogue = find_catalogue(settings, catalog, domain)
    columns = {name: column or name for name, _, column in (entry.partition("=") for entry in group or ())}
    groups = read_groups(people, person, columns) if people else {}
    log = InteractionLog(catalogue.interactions)
    if not log.version:
        raise SettingsError(f"No log was imported. Import one: python app.py import-events FILE{catalogue.option}")
    with index_lock(catalogue.folder):
        parts = build_embedder(settings)
        index = open_index(catalogue.domain, parts, catalogue.folder, catalogue.rebuild, place_of(settings))
        with bar(catalogue.path.name) as show:
            found = look(log_moments(index, log), log, groups, lambda fraction: show("serving", fraction))
    of_people = f" --people {people.name} --person {person}" if people else ""
    command = f"python app.py audit --catalog {catalogue.path.name}{of_people}"
    command += "".join(f" --group {entry}" for entry in group or ())
    path = write_report(found, output, f"Audit of {catalogue.path.name}", command)
    for gap in found.gaps:
        say(f"{gap.column}: {gap.metric} differs by {gap.difference:.3f} ({gap.low:.3f} to {gap.high:.3f})")
    say(f"{found.people} people served: {path}")
