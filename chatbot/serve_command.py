"""The command serve: the API without the page; and the API as the page has it beside it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.catalogues import find_catalogue
from chatbot.commands import Catalog, DomainName, EmbedderName
from chatbot.settings import Settings, go_offline, make_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from chatbot.api.service import Service
    from chatbot.api_keys import KeyStore
    from chatbot.loading import Loader
    from chatbot.observing.observer import Observer
    from chatbot.pipeline import RecommendationPipeline

HELP_MODEL = "default, a folder, a GGUF file, a hub id or a server's name for it"
HELP_ENGINE = "auto, llama_cpp, transformers, openai (at ZHIYIN_SERVER_URL) or scripted"
Host = Annotated[str, typer.Option(help="address to listen on")]
Port = Annotated[int, typer.Option(help="port to listen on")]
Model = Annotated[str | None, typer.Option(help=HELP_MODEL)]
Engine = Annotated[str | None, typer.Option(help=HELP_ENGINE)]
Demo = Annotated[bool, typer.Option("--offline-demo", help="no weights: hashed words and sentences from the cards")]


@contextmanager
def build_api(
    settings: Settings, loader: Loader[RecommendationPipeline], observer: Observer, host: str
) -> Generator[tuple[FastAPI, Service]]:
    """Put the API together; what it opens is closed with the block. The user store is opened at the first request.

    Args:
        settings: of the installation.
        loader: of the pipeline; it need not have begun.
        observer: is told of requests, and writes the metrics.
        host: that is listened on.

    Raises:
        SettingsError: beyond loopback, and nobody would be asked for a key or a password.
    """
    from chatbot.api.application import make_api
    from chatbot.api.audit import Audit
    from chatbot.api.guard import Door, Rules
    from chatbot.api.mcp_door import make_mcp, mcp_router
    from chatbot.api.openai_chat import openai_router
    from chatbot.api.service import Service
    from chatbot.api.streaming import make_room
    from chatbot.api_keys import LaterKeys
    from chatbot.observing.middleware import Observed
    from chatbot.store_keys import store_of

    with ExitStack() as stack:

        def open_keys() -> KeyStore:
            store = store_of(settings)
            stack.callback(store.close)
            return store.keys

        door = Door(LaterKeys(open_keys), Rules.of(settings, host), Audit(settings.data_folder, settings.audit_log))
        door.check_host(host)
        service, room = Service(loader), make_room()
        mcp, lifespan = make_mcp(service, room)
        routers = openai_router(service, room), mcp_router(mcp)
        api = make_api(service, door, observer.metrics.render, routers=routers, lifespan=lifespan, room=room)
        api.add_middleware(Observed, metrics=observer.metrics, tracer=observer.tracer)
        yield api, service


def register(cli: typer.Typer, open_pipeline: Callable[..., AbstractContextManager[RecommendationPipeline]]) -> None:
    """Add the command to a command line.

    Args:
        cli: of the program.
        open_pipeline: opens the pipeline of settings and a catalogue.
    """

    @cli.command()
    def serve(
        host: Host = "127.0.0.1",
        port: Port = 7860,
        model: Model = None,
        engine: Engine = None,
        embedder: EmbedderName = None,
        catalog: Catalog = None,
        domain: DomainName = None,
        demo: Demo = False,
    ) -> None:
        """Serve the HTTP API without the page (docs/api.md)."""
        go_offline()
        from chatbot.hosting import Served, listen, stop_on_sigterm
        from chatbot.loading import Loader
        from chatbot.observing.observer import Observer

        settings = make_settings(model=model, engine=engine, embedder=embedder, demo=demo)
        catalogue = find_catalogue(settings, catalog, domain)
        settings.data_folder.mkdir(parents=True, exist_ok=True)
        observer = Observer.of(settings)
        with ExitStack() as stack:
            stack.callback(observer.close)
            loader = Loader(
                lambda report: stack.enter_context(open_pipeline(settings, catalogue, report, observer=observer)),
            )
            api, service = stack.enter_context(build_api(settings, loader, observer, host))
            listening = stack.enter_context(listen(host, port))
            stop_on_sigterm()
            served = Served(api, listening, lambda: service.drain(settings.shutdown_seconds))
            typer.echo(f"Zhiyin's API is at http://{host}:{port}/v1 (stop with Ctrl-C); its parts are loading.", err=True)
            loader.start()
            try:
                loader.block()
            except KeyboardInterrupt:
                typer.echo("Goodbye. 再见。", err=True)
            finally:  # before the stack closes the store under a turn
                served.close()
