"""The command serve: the API without the page; and the API as the page has it beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from chatbot.catalogues import Catalogue, find_catalogues, paths_of
from chatbot.commands import Catalog, Demo, DomainName, EmbedderName, Engine, Model
from chatbot.loading import Loader, Once, Report
from chatbot.settings import Settings, go_offline, make_settings
from chatbot.shared import Shared

if TYPE_CHECKING:
    from fastapi import FastAPI

    from chatbot.api.service import Service
    from chatbot.observing.observer import Observer
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.store import SqlUserStore

OpenPipeline: TypeAlias = "Callable[..., AbstractContextManager[RecommendationPipeline]]"
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


def loaders_of(
    stack: ExitStack,
    settings: Settings,
    catalogues: Sequence[Catalogue],
    open_pipeline: OpenPipeline,
    store: Callable[[], SqlUserStore],
    observer: Observer,
) -> list[Loader[RecommendationPipeline]]:
    """Return what loads the pipeline of each catalogue; they share the embedder and the model, and are closed with a stack."""
    shared = Shared(settings, observer)

    def load(catalogue: Catalogue, report: Report) -> RecommendationPipeline:
        return stack.enter_context(open_pipeline(settings, catalogue, report, store=store, observer=observer, shared=shared))

    return [Loader(partial(load, catalogue)) for catalogue in catalogues]


def register(cli: typer.Typer, open_pipeline: OpenPipeline) -> None:
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
        """Serve the HTTP API without the page (docs/api.md); of several domains (with commas), each below its name."""
        go_offline()
        from fastapi import FastAPI

        from chatbot.hosting import Behind, Beside, Served, end_turns, listen, live, living, stop_on_sigterm
        from chatbot.observing.observer import Observer

        settings = make_settings(model=model, engine=engine, embedder=embedder, demo=demo)
        catalogues = find_catalogues(settings, catalog, domain)
        settings.data_folder.mkdir(parents=True, exist_ok=True)
        observer = Observer.of(settings)
        with ExitStack() as stack:
            stack.callback(observer.close)
            store = store_in(stack, settings)
            loaders = loaders_of(stack, settings, catalogues, open_pipeline, store, observer)
            apis, services = zip(*(build_api(settings, loader, store, observer, host) for loader in loaders), strict=True)
            listening = stack.enter_context(listen(host, port))
            stop_on_sigterm()
            app = apis[0]
            if len(apis) > 1:
                behind = {path: Behind(lambda api=api: api) for path, api in zip(paths_of(catalogues), apis, strict=True)}
                app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=living(list(behind.values())))
                app.add_middleware(Beside, apis=behind)
            served = Served(app, listening, lambda: end_turns(settings.shutdown_seconds, services))
            for path in paths_of(catalogues):
                typer.echo(f"Zhiyin's API is at http://{host}:{port}{path}/v1", err=True)
            typer.echo("Its parts are loading. Stop with Ctrl-C.", err=True)
            live(loaders, served)
