"""Who may see the page, and as whom: a password at the door of every route, and what a browser is told to refuse."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qs

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatbot.addresses import LOOPBACK_ONLY, changes, is_cross_site, is_loopback, named_host, with_headers
from chatbot.limiting import RateLimiter, address_network
from chatbot.settings import Settings
from chatbot.ui.memory import MAX_USER
from chatbot.ui.texts import choose_language, text
from retrieval.errors import SettingsError

COOKIE = "zhiyin-session"
TRIES_PER_MINUTE = 10
_DAYS = 30
_MAX_FORM = 4096
# The page's own words, styles and script are inline, Gradio compiles some of its own; another host is never asked.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
form { max-width: 20rem; margin: 15vh auto; padding: 0 1rem; display: grid; gap: 1rem }
label { display: grid; gap: .25rem } input, button { font: inherit; padding: .5rem } p { margin: 0; font-weight: 600 }
"""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in.

    Attributes:
        password: everybody's, beside a name of their own; empty: nobody is asked.
        single_user: there are no names: everybody is ``default_user``.
        default_user: who is there before a name is given.
    """

    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    single_user: bool = False
    default_user: str = "me"
    _inside: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]], repr=False)
    _tries: RateLimiter = field(default_factory=lambda: RateLimiter(TRIES_PER_MINUTE), repr=False)

    @classmethod
    def of(cls, settings: Settings, default_user: str) -> Access:
        """Read it from the settings."""
        return cls(settings.password, settings.single_user, default_user)

    @property
    def guarded(self) -> bool:
        """Whether a password is asked for."""
        return bool(self.password.get_secret_value())

    def check_host(self, host: str) -> None:
        """Refuse to open the page to others without a password.

        Raises:
            SettingsError: ``error_open``; says what to do.
        """
        if not self.guarded and not is_loopback(host):
            raise SettingsError(
                f"On {host} others can reach the page, and no password is set. Set ZHIYIN_PASSWORD, or listen on 127.0.0.1.",
                key="error_open",
                host=host,
            )

    def fixed_user(self, request: Any) -> str | None:
        """Return whom a request of Gradio comes from, whatever the page says; None: whom the page's name box says.

        Raises:
            PermissionError: a password is set and nobody is signed in.
        """
        if self.single_user:
            return self.default_user
        if not self.guarded:
            return None
        if not request.username:  # the gate lets nobody through without a name
            raise PermissionError("nobody is signed in")
        return str(request.username)

    def user(self, request: HTTPConnection) -> str | None:
        """Return who has signed in, by the cookie; Gradio's ``auth_dependency``."""
        name, until = self._inside.get(request.cookies.get(COOKIE, ""), ("", 0.0))
        return name if time.time() < until else None

    def routes(self) -> list[BaseRoute]:
        """Return the form to sign in with, and what it and a button to sign out post to."""
        return [
            Route("/login", self._form, methods=["GET"]),
            Route("/login", self._sign_in, methods=["POST"]),
            Route("/logout", self._sign_out, methods=["POST"]),
        ]

    async def _form(self, request: Request) -> Response:
        return HTMLResponse(_draw_form(request, named=not self.single_user))

    async def _sign_in(self, request: Request) -> Response:
        # tries are counted, not failures: two at once cannot slip through between the look and the count
        wait = self._tries.take(address_network(request.client.host if request.client else ""))
        if wait:
            return self._refuse(request, 429, "error_rate", {"Retry-After": str(wait)}, seconds=wait)
        sent = await _read_form(request)
        name = self.default_user if self.single_user else sent.get("name", "").strip()
        if not secrets.compare_digest(sent.get("password", "").encode(), self.password.get_secret_value().encode()):
            return self._refuse(request, 403, "login_wrong")
        if not 0 < len(name) <= MAX_USER:
            return self._refuse(request, 403, "error_user", limit=MAX_USER)
        now = time.time()
        for token in [token for token, (_, until) in list(self._inside.items()) if until < now]:
            self._inside.pop(token, None)
        token, seconds = secrets.token_urlsafe(32), _DAYS * 24 * 3600
        self._inside[token] = name, now + seconds
        response = RedirectResponse("./", 303)
        # Lax: sent when somebody follows a link to the page, never with what another site posts
        response.set_cookie(COOKIE, token, seconds, httponly=True, samesite="lax", secure=request.url.scheme == "https")
        return response

    async def _sign_out(self, request: Request) -> Response:
        self._inside.pop(request.cookies.get(COOKIE, ""), None)
        response = RedirectResponse("./login", 303)
        response.delete_cookie(COOKIE)
        return response

    def _refuse(
        self, request: Request, status: int, key: str, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        words = text(_language(request), key, **values)
        return HTMLResponse(_draw_form(request, words, named=not self.single_user), status, headers)


class Gate:
    """Stands before every route: refuses other sites, and with a password whoever has not signed in."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        """Take the application behind it."""
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refused = self._refusal(HTTPConnection(scope), scope)
            await (refused or self._app)(scope, receive, with_headers(send, _HEADERS))
        # the page uses no web socket: none is opened

    def _refusal(self, request: HTTPConnection, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        # a page of another site cannot make this browser say something here
        if changes(scope["method"]) and is_cross_site(headers):
            return PlainTextResponse("Not from another site.", 403)
        if not self._access.guarded:
            # nor give itself this machine's address under a name of its own (DNS rebinding)
            return None if is_loopback(named_host(headers)) else PlainTextResponse(LOOPBACK_ONLY, 421)
        path = scope["path"]
        if path == "/login" or self._access.user(request) is not None:
            return None
        if path == "/" and scope["method"] == "GET":
            return RedirectResponse("./login", 303)
        return PlainTextResponse("Sign in first.", 401)


def _language(request: Request) -> str:
    return choose_language(request.headers.get("accept-language", "").split(",")[0].split(";")[0])


async def _read_form(request: Request) -> dict[str, str]:
    """Read a short form; of a longer one nothing. Whoever sends it has not signed in yet."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _draw_form(request: Request, error: str = "", *, named: bool) -> str:
    language = _language(request)
    say = {key: escape(text(language, key)) for key in ("login_title", "label_user", "login_password", "login_enter")}
    name = f'<input name="name" required maxlength="{MAX_USER}" autocomplete="username">'
    password = '<input name="password" type="password" required autocomplete="current-password">'
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{say["login_title"]}</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head>
<body><main><form method="post" action="login"><h1>{say["login_title"]}</h1>
{f'<p role="alert">{escape(error)}</p>' if error else ""}
{f"<label>{say['label_user']}{name}</label>" if named else ""}
<label>{say["login_password"]}{password}</label>
<button>{say["login_enter"]}</button></form></main></body></html>"""
