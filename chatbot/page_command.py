"""Opens the page: one, or one for each of several catalogues, with the API of each beside it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import typer

from chatbot.catalogues import Catalogue, paths_of
from chatbot.hosting import Behind, Door, end_turns, live, stop_on_sigterm
from chatbot.loading import Loader
from chatbot.observing.observer import Observer
from chatbot.pictures import Pictures
from chatbot.serve_command import OpenPipeline, build_api, loaders_of, store_in
from chatbot.settings import Settings
from chatbot.ui.access import Access
from chatbot.ui.page import build_page
from chatbot.ui.rooms import rooms_of
from chatbot.ui.serving import Shown, launch, picture_route
from chatbot.ui.session import Sessions

if TYPE_CHECKING:
    from fastapi import FastAPI

    from chatbot.pipeline import RecommendationPipeline
    from retrieval.types import Item


def open_pages(
    settings: Settings, catalogues: Sequence[Catalogue], access: Access, host: str, port: int, open_pipeline: OpenPipeline
) -> None:
    """Serve the pages until the program is told to end.

    Args:
        settings: of the installation.
        catalogues: the first is at ``/``, each other one at ``/NAME/``.
        access: who may come in.
        host: to listen on.
        port: to listen on.
        open_pipeline: opens the pipeline of settings and a catalogue.

    Raises:
        SettingsError: the address cannot be used, or others could reach it without a password.
    """
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    stack = ExitStack()
    observer = Observer.of(settings)
    stack.callback(observer.close)
    store = store_in(stack, settings)
    loaders = loaders_of(stack, settings, catalogues, open_pipeline, store, observer)
    doors: list[Door] = []
    shown: list[Shown] = []

    def beside(loader: Loader[RecommendationPipeline]) -> FastAPI:
        api, service = build_api(settings, loader, store, observer, host)
        doors.append(service)
        return api

    rooms = rooms_of([catalogue.domain for catalogue in catalogues], paths_of(catalogues))
    for room, catalogue, loader in zip(rooms, catalogues, loaders, strict=True):
        pictures = Pictures(catalogue.path.parent, settings.pictures_folder, fetch=settings.fetch_pictures, base=room.path)
        sessions = Sessions(loader, pictures.url)
        per_minute = settings.messages_per_minute
        page = build_page(loader, access=access, messages_per_minute=per_minute, sessions=sessions, room=room)
        routes = [picture_route(pictures, partial(_item, loader), room.path)]
        shown.append(Shown(page, room.path, routes, Behind(partial(beside, loader))))
        doors.append(sessions)
    stop_on_sigterm()
    with stack:
        first, *others = shown
        closing = partial(end_turns, settings.shutdown_seconds, doors)
        served = launch(
            first.page,
            host,
            port,
            access=access,
            routes=first.routes,
            api=first.api,
            others=others,
            closing=closing,
            block=False,
        )
        for where in shown:
            typer.echo(f"Zhiyin is at http://{host}:{port}{where.path}", err=True)
        typer.echo("Its parts are loading behind the page. Stop with Ctrl-C.", err=True)
        live(loaders, served)


def _item(loader: Loader[RecommendationPipeline], item: str) -> Item | None:
    return loader.wait(0).index.items.get(item)
