"""Who calls, what they may do, and for whom: the dependencies of every route."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from chatbot.api.problems import ApiError
from chatbot.api_keys import SCOPES, USER_SCOPES, ApiKey, KeyStore, issue

_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key or a user's token: `zy_...`")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made a request; the guard has let them in.

    Attributes:
        key: None in open mode, on loopback: whoever it is may do everything.
        touched: the people that the request acts for, for the audit log.
    """

    key: ApiKey | None = None
    touched: set[str] = field(default_factory=set[str], compare=False, repr=False)

    def may(self, scope: str) -> bool:
        """Whether the caller's key has a scope."""
        return self.key is None or scope in self.key.scopes

    @property
    def name(self) -> str:
        """Return what logs call the caller."""
        return self.key.name if self.key else "open"

    @property
    def user(self) -> str:
        """Return whom alone the caller may act for; empty: anybody."""
        return self.key.user if self.key else ""


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """Return who made the request of an ASGI scope.

    Raises:
        ApiError: 401, the guard does not stand before this application.
    """
    caller = scope.get("state", {}).get("caller")
    if not isinstance(caller, Caller):  # fails closed where somebody serves the routes alone
        raise ApiError(401, "no_key", "Give an API key.", {"WWW-Authenticate": "Bearer"})
    return caller


def check_scope(caller: Caller, scope: str) -> Caller:
    """Return the caller, who may do what needs a scope.

    Raises:
        ApiError: 403, the key does not have it.
    """
    if not caller.may(scope):
        raise ApiError(403, "scope", f"This key does not have the scope '{scope}'. Ask for one that has it.")
    return caller


def needs(scope: str) -> Any:
    """Return the dependency of a route that needs a scope; its value is the :class:`Caller`.

    ::

        @router.get("/v1/items")
        def items(caller: Annotated[Caller, needs("items")]) -> ItemPage: ...
    """
    if scope not in SCOPES:
        raise ValueError(f"no such scope: {scope}")

    async def check(request: HTTPConnection, _shown: Annotated[Any, Security(_BEARER)]) -> Caller:
        return check_scope(caller_of(request.scope), scope)

    return Depends(check)


def acting_user(caller: Caller, named: str | None) -> str:
    """Return the user whom a request acts for, and note it for the audit log.

    Args:
        caller: who asks.
        named: the user that the request names, if it does.

    Raises:
        ApiError: 403, the token is another user's; 422, no user is named and the key has none.
    """
    own = caller.user
    if own and named and named != own:
        raise ApiError(403, "other_user", "This token is for another user.", where=("user",))
    user = own or named
    if not user:
        raise ApiError(422, "no_user", "Say for which user this is: 'user' is missing.", where=("user",))
    caller.touched.add(user)
    return user


def issue_token(keys: KeyStore, caller: Caller, user: str, seconds: float) -> tuple[str, ApiKey]:
    """Issue a token for one user, good for what the caller's key is good for and a person needs. Waits for the store.

    Returns:
        The secret and the token.

    Raises:
        ApiError: 409, nobody needs a token here; 403, the key may not issue any, or not for this user, or has no scope for it.
    """
    if caller.key is None:
        raise ApiError(
            409, "open", "No key is needed here, so no token is. Make one: python app.py keys add NAME --scope tokens"
        )
    check_scope(caller, "tokens")
    if caller.key.issuer:
        raise ApiError(403, "scope", "A user's token issues no other.")
    user, scopes = acting_user(caller, user), caller.key.scopes & USER_SCOPES
    if not scopes:
        raise ApiError(403, "scope", "This key has no scope that a user's token could have.")
    until = min(time.time() + seconds, caller.key.expires or float("inf"))
    limits = {"per_minute": caller.key.per_minute, "concurrent": caller.key.concurrent}
    return issue(keys, caller.key.name, scopes, user=user, expires=until, issuer=caller.key.id, **limits)
