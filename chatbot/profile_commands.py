"""The commands about one person: profile show, export, import, share, erase."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.catalogues import find_catalogue
from chatbot.commands import Catalog, DomainName
from chatbot.settings import Settings, go_offline, make_settings
from chatbot.terminal import say
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.store import SqlUserStore

profile = typer.Typer(help="What is kept of a person: show it, take it along, erase it, take it in.", no_args_is_help=True)
User = Annotated[str, typer.Argument(help="whose")]


def _open_store(settings: Settings) -> closing[SqlUserStore]:
    """Open the user store of the settings until the block ends."""
    from chatbot.store_keys import store_of

    settings.data_folder.mkdir(parents=True, exist_ok=True)
    return closing(store_of(settings))


def register(cli: typer.Typer, open_pipeline: Callable[..., AbstractContextManager[RecommendationPipeline]]) -> None:
    """Add the commands to a command line.

    Args:
        cli: of the program.
        open_pipeline: opens the pipeline of settings and a catalogue.
    """

    @profile.command()
    def show(
        user: User,
        catalog: Catalog = None,
        domain: DomainName = None,
        language: Annotated[str, typer.Option(help="en or zh")] = "en",
        as_json: Annotated[bool, typer.Option("--json", help="the lines with what each rests on")] = False,
        demo: Annotated[bool, typer.Option("--offline-demo", help="no weights: hashed words")] = False,
    ) -> None:
        """Say what a person likes, line by line, and from what it is known."""
        if language not in ("en", "zh"):
            raise SettingsError(f"There is no language '{language}'. Languages: en, zh.")
        go_offline()
        settings = make_settings(demo=demo)
        with open_pipeline(settings, find_catalogue(settings, catalog, domain), model=False) as pipeline:
            lines = pipeline.people.portrait(user, language)
        if as_json:
            typer.echo(json.dumps([{"kind": x.kind, "text": x.text, "sources": x.sources} for x in lines], ensure_ascii=False))
            return
        for line in lines:
            typer.echo(line.text)
            if line.sources:
                typer.echo(f"    {', '.join(line.sources)}")
        if not lines:
            say(f"Nothing is known of {user} yet.")

    cli.add_typer(profile, name="profile")


@profile.command()
def export(
    user: User,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a file; without, standard output")] = None,
    catalog: Catalog = None,
    domain: DomainName = None,
) -> None:
    """Write everything that is stored of a person as JSON; the name itself is replaced by a pseudonym."""
    from chatbot.keeper import Keeper
    from chatbot.portable import write_document
    from retrieval.interactions import InteractionLog

    settings = make_settings()
    log = InteractionLog(find_catalogue(settings, catalog, domain).interactions)
    with _open_store(settings) as store:
        document = Keeper(store, settings.data_folder, log=log.events).export(user)
    if output is None:
        json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
        return
    write_document(output, document)
    say(f"{len(document['events'])} events and {len(document['conversations'])} conversations: {output}")


@profile.command("import")
def import_(
    user: User, path: Annotated[Path, typer.Argument(help="that 'profile export' wrote; - reads standard input")]
) -> None:
    """Take in what was exported; what is known already is not taken twice."""
    from chatbot.portable import import_person

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    with _open_store(make_settings()) as store:
        new, turns = import_person(store, user, text)
    say(f"{new} new events and {turns} turns taken in for {user}.")


@profile.command()
def share(
    user: User,
    value: Annotated[str | None, typer.Argument(help="on or off; without, say which it is", metavar="[on|off]")] = None,
) -> None:
    """Let what a person says in words ("never horror") count in every catalogue, or only where it is said."""
    from chatbot.store.of_domain import allowing, shares

    if value not in (None, "on", "off"):
        raise SettingsError(f"'{value}' is neither on nor off.")
    with _open_store(make_settings()) as store:
        if value:
            store.append(allowing(user, on=value == "on"))
        counts = shares(store.events(user))
    say(f"What {user} says in words counts {'in every catalogue' if counts else 'only in the catalogue where it is said'}.")


@profile.command()
def erase(
    user: User, yes: Annotated[bool, typer.Option("--yes", help="do not ask: erase, there is no way back")] = False
) -> None:
    """Erase a person: events, conversations, their part of imported logs; then search the files for their words."""
    from chatbot.erasing import erase_person

    settings = make_settings()
    if not yes:
        typer.confirm(f"Erase everything of {user}? There is no way back", abort=True)
    with _open_store(settings) as store:
        done = erase_person(store, user, settings.data_folder)
    say(f"{done.events} events, {done.turns} turns and {done.logged} events of imported logs erased.")
    if done.traces:
        say("Words of theirs are still in:")
        for path in done.traces:
            say(f"  {path}")
        raise typer.Exit(1)
    say(f"No file in {settings.data_folder} holds their words any more.")
