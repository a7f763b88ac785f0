"""The command that publishes an index for other machines."""

from __future__ import annotations

from typing import Annotated

import typer

from chatbot.commands import Catalog, DomainName
from chatbot.terminal import say


def register(cli: typer.Typer) -> None:
    """Add the command to a command line."""
    cli.command()(publish)


def publish(
    catalog: Catalog = None,
    domain: DomainName = None,
    again: Annotated[bool, typer.Option("--again", help="send also what is there already: it may have gone bad")] = False,
) -> None:
    """Send the index to where ZHIYIN_ARTIFACTS says: processes that have the same setting take it from there."""
    from chatbot.catalogues import MAPPING, find_catalogue
    from chatbot.settings import make_settings
    from chatbot.vote_fusion import FILE
    from retrieval.artifacts import publish as send
    from retrieval.errors import SettingsError
    from retrieval.index import index_lock

    settings = make_settings()
    if not settings.artifacts:
        raise SettingsError("Say where to: set ZHIYIN_ARTIFACTS, such as file:///mnt/share/zhiyin or s3://bucket/zhiyin.")
    catalogue = find_catalogue(settings, catalog, domain)
    key = catalogue.folder.name
    with index_lock(catalogue.folder):
        done = send(catalogue.folder, settings.artifacts, key, catalogue.rebuild, (FILE, MAPPING), again=again)
    size = f"{done.bytes_sent / 1e6:.1f} MB"
    say(f"Version {done.version}: {done.files} files, {done.sent} of them sent ({size}), at {settings.artifacts}/{key}")
