"""``/v1/users``: what is known of a person, what they said, and tokens for their own devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse

from chatbot.api import examples
from chatbot.api.callers import Caller, acting_user, issue_token, needs
from chatbot.api.declared import ConversationPath, UserPath, asked, errors, example
from chatbot.api.models import ApiLanguage
from chatbot.api.models_people import (
    ConversationAnswer,
    ConversationHeading,
    ConversationPatch,
    ErasedAnswer,
    ProfileAnswer,
    ProfilePatch,
    TokenAnswer,
    TokenRequest,
)
from chatbot.api.service import Service
from chatbot.api_keys import KeyStore

MAX_WORDS = 400  # characters
_Profile = Annotated[Caller, needs("profile")]
_Language = Annotated[ApiLanguage, Query(description="Of the lines.")]


def people_router(service: Service, keys: Callable[[], KeyStore]) -> APIRouter:
    """Return the routes; ``keys`` returns what keeps tokens. A user's id may hold a ``/``, as may that of a conversation."""
    router = APIRouter(tags=["people"])
    _profile(router, service)
    _conversations(router, service)

    @router.post(
        "/v1/users/{user:path}/tokens",
        operation_id="issue_token",
        summary="A token for a user's own device",
        responses={200: example(examples.TOKEN), **errors(400, 404, 409)},
    )
    def token(
        caller: Annotated[Caller, needs("tokens")],
        user: UserPath,
        wanted: Annotated[TokenRequest, Body(openapi_examples=asked(examples.SECONDS, examples.SECONDS))],
    ) -> TokenAnswer:
        """It may do what the key may do and a person needs, for this user alone, until it expires. It is shown this once."""
        secret, key = issue_token(keys(), caller, user, wanted.seconds)
        return TokenAnswer(token=secret, user=user, expires=key.expires or 0.0)

    return router


def _profile(router: APIRouter, service: Service) -> None:
    where = "/v1/users/{user:path}/profile"

    @router.get(
        where,
        operation_id="profile",
        summary="What is known of a person",
        responses={200: example(examples.PROFILE, examples.PROFILE_ZH), **errors(404)},
    )
    def profile(caller: _Profile, user: UserPath, language: _Language = "en") -> ProfileAnswer:
        """Opinions by item, and lines in words with what they rest on. Of somebody unknown, nothing is known."""
        return service.profile(acting_user(caller, user), language)

    @router.patch(
        where,
        operation_id="change_profile",
        summary="Correct what is known",
        responses={200: example(examples.PROFILE, examples.PROFILE_ZH), **errors(400, 404)},
    )
    def change(
        caller: _Profile,
        user: UserPath,
        patch: Annotated[ProfilePatch, Body(openapi_examples=asked(examples.PATCH, examples.PATCH_ZH))],
        language: _Language = "en",
    ) -> ProfileAnswer:
        """Sets and clears opinions and takes lines away, all or nothing; returns what is known then."""
        return service.change_profile(acting_user(caller, user), patch, language)

    @router.delete(
        where,
        operation_id="erase",
        summary="Erase a person",
        responses={200: example(examples.ERASED), **errors(404, 409)},
    )
    def erase(caller: _Profile, user: UserPath) -> ErasedAnswer:
        """Everything that is kept of them, wherever it is: events, conversations, imported behaviour. It cannot be undone."""
        return service.erase(acting_user(caller, user))

    @router.get(
        where + "/export",
        operation_id="export",
        summary="Everything that is kept of a person",
        response_model=dict[str, Any],
        responses={200: example(examples.EXPORT), **errors(404)},
    )
    def export(caller: _Profile, user: UserPath) -> JSONResponse:
        """The document that `profile export` writes, and `profile import` reads."""
        return JSONResponse(service.export(acting_user(caller, user)))


def _conversations(router: APIRouter, service: Service) -> None:
    where = "/v1/users/{user:path}/conversations"
    one = where + "/{conversation:path}"

    @router.get(
        where,
        operation_id="conversations",
        summary="A person's conversations",
        responses={200: example(examples.HEADINGS, examples.HEADINGS_ZH), **errors(404)},
    )
    def headings(
        caller: _Profile,
        user: UserPath,
        q: Annotated[str, Query(max_length=MAX_WORDS, description="Only those that contain each of these words.")] = "",
    ) -> list[ConversationHeading]:
        """The one used last first."""
        return service.conversations(acting_user(caller, user), q)

    @router.get(
        one,
        operation_id="conversation",
        summary="One conversation",
        responses={200: example(examples.TALKED), **errors(404)},
    )
    def conversation(caller: _Profile, user: UserPath, conversation: ConversationPath) -> ConversationAnswer:
        """Its turns, oldest first, with their whole records."""
        return service.conversation(conversation, acting_user(caller, user))

    @router.patch(
        one,
        operation_id="rename_conversation",
        summary="Give a conversation a title",
        status_code=204,
        responses=errors(400, 404),
    )
    def rename(
        caller: _Profile,
        user: UserPath,
        conversation: ConversationPath,
        patch: Annotated[ConversationPatch, Body(openapi_examples=asked(examples.TITLE, examples.TITLE_ZH))],
    ) -> None:
        """An empty title takes the title away."""
        service.rename(conversation, acting_user(caller, user), patch.title)

    @router.delete(
        one,
        operation_id="remove_conversation",
        summary="Remove a conversation",
        status_code=204,
        responses=errors(404, 409),
    )
    def remove(caller: _Profile, user: UserPath, conversation: ConversationPath) -> None:
        """What was said of items in it stays known; a turn that runs in it ends first."""
        service.remove(conversation, acting_user(caller, user))
