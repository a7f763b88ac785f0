"""``/v1/items`` and ``/v1/events``: the catalogue, and what people did with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query

from chatbot.api import examples
from chatbot.api.callers import Caller, acting_user, needs
from chatbot.api.declared import ItemPath, asked, errors, example
from chatbot.api.models import MAX_ITEM, MAX_LIST, MAX_PAGE, ApiLanguage, ItemCard, ItemPage, SimilarItem
from chatbot.api.models_people import EventBatch, EventsNoted
from chatbot.api.service import Service

MAX_WORDS = 400  # characters
_CURSOR = MAX_ITEM + 40  # characters: an id, and a score before it


def items_router(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["items"])

    @router.get(
        "/v1/items",
        operation_id="items",
        summary="Search the catalogue, or read it page by page",
        responses={200: example(examples.PAGE, examples.PAGE_ZH), **errors()},
    )
    def items(
        _caller: Annotated[Caller, needs("items")],
        q: Annotated[str, Query(max_length=MAX_WORDS, description="Words to find.", examples=["lighthouse", "灯塔"])] = "",
        after: Annotated[str, Query(max_length=_CURSOR, description="`next` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
        language: Annotated[ApiLanguage, Query(description="Of titles and texts.")] = "en",
    ) -> ItemPage:
        """Without words all items in the order of their ids; with words those that they find, best first.

        Going on with `after` works also when the catalogue was updated between two pages.
        """
        return service.items(q, after=after, limit=limit, language=language)

    @router.get(
        "/v1/items/{id:path}/similar",
        operation_id="similar",
        summary="Items like one",
        responses={200: example(examples.SIMILAR, examples.SIMILAR_ZH), **errors(404)},
    )
    def similar(
        _caller: Annotated[Caller, needs("items")],
        id: ItemPath,
        language: Annotated[ApiLanguage, Query(description="Of titles, texts and words.")] = "en",
        count: Annotated[int, Query(ge=1, le=MAX_LIST)] = 6,
    ) -> list[SimilarItem]:
        """The most alike first, each with what it has in common with the item, the rarest first."""
        return service.similar(id, language, count)

    @router.get(
        "/v1/items/{id:path}",
        operation_id="item",
        summary="One item",
        responses={200: example(examples.CARD, examples.CARD_ZH), **errors(404)},
    )
    def item(
        _caller: Annotated[Caller, needs("items")],
        id: ItemPath,
        language: Annotated[ApiLanguage, Query(description="Of title and text.")] = "en",
    ) -> ItemCard:
        """Its titles, its facets as the catalogue has them, and its text."""
        return service.item(id, language)

    @router.post(
        "/v1/events",
        operation_id="note_events",
        summary="Say what people did",
        responses={200: example(examples.NOTED), **errors(400)},
    )
    def note(
        caller: Annotated[Caller, needs("events")],
        batch: Annotated[EventBatch, Body(openapi_examples=asked(examples.EVENTS, examples.EVENTS_ZH))],
    ) -> EventsNoted:
        """They count from the next turn or list on. All are taken, or none where one is wrong.

        An event whose `id` that user has already counts once: after an error, the same request can be sent again.
        """
        return service.note(batch.events, lambda named: acting_user(caller, named))

    return router
