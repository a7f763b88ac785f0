"""The command serve: the API without the page; and the API as the page has it beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.catalogues import find_catalogue
from chatbot.commands import Catalog, Demo, DomainName, EmbedderName, Engine, Model
from chatbot.loading import Loader, Once
from chatbot.settings import Settings, go_offline, make_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from chatbot.api.service import Service
    from chatbot.observing.observer import Observer
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.store import SqlUserStore

Host = Annotated[str, typer.Option(help="address to listen on")]
Port = Annotated[int, typer.Option(help="port to listen on")]


def build_api(
    settings: Settings,
    loader: Loader[RecommendationPipeline],
    store: Callable[[], SqlUserStore],
    observer: Observer,
    host: str,
) -> tuple[FastAPI, Service]:
    """Put the API together, and what does its work.

    Args:
        settings: of the installation.
        loader: of the pipeline; it need not have begun.
        store: returns the user store, which has the keys; it is asked for at the first request.
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
    from chatbot.observing.middleware import Observed

    audit = Audit(settings.data_folder, settings.audit_log)
    door = Door(lambda: store().keys, Rules.of(settings, host), audit)
    door.check_host(host)
    service, room = Service(loader), make_room()
    mcp, lifespan = make_mcp(service, room)
    routers = openai_router(service, room), mcp_router(mcp)
    api = make_api(service, door, observer.metrics.render, routers=routers, lifespan=lifespan, room=room)
    api.add_middleware(Observed, metrics=observer.metrics, tracer=observer.tracer)
    return api, service


def store_in(stack: ExitStack, settings: Settings) -> Once[SqlUserStore]:
    """Return what opens the user store of a process when it is first asked for; it is closed with a stack."""

    def open_store() -> SqlUserStore:
        from chatbot.store_keys import store_of  # its import takes a second, which a page need not wait for

        return stack.enter_context(closing(store_of(settings)))

    return Once(open_store)


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
        from chatbot.hosting import Served, end_turns, listen, live, stop_on_sigterm
        from chatbot.observing.observer import Observer

        settings = make_settings(model=model, engine=engine, embedder=embedder, demo=demo)
        catalogue = find_catalogue(settings, catalog, domain)
        settings.data_folder.mkdir(parents=True, exist_ok=True)
        observer = Observer.of(settings)
        with ExitStack() as stack:
            stack.callback(observer.close)
            store = store_in(stack, settings)
            loader = Loader(
                lambda report: stack.enter_context(open_pipeline(settings, catalogue, report, store=store, observer=observer))
            )
            api, service = build_api(settings, loader, store, observer, host)
            listening = stack.enter_context(listen(host, port))
            stop_on_sigterm()
            served = Served(api, listening, lambda: end_turns(settings.shutdown_seconds, [service]))
            typer.echo(f"Zhiyin's API is at http://{host}:{port}/v1 (stop with Ctrl-C); its parts are loading.", err=True)
            live(loader, served)
