"""Stands before every route of the API: who may come in, how often, how many at once, with how much."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars, get_contextvars

from chatbot.addresses import LOOPBACK_ONLY, changes, is_cross_site, is_loopback, named_host
from chatbot.api.audit import Audit
from chatbot.api.callers import Caller, acting_user, caller_of, check_scope, issue_token, needs
from chatbot.api.problems import ApiError, api_error, install_handlers
from chatbot.api_keys import ApiKey, KeyStore, digest, split_secret
from chatbot.limiting import RateLimiter, address_network
from chatbot.observing.middleware import request_id_of, route_template
from chatbot.settings import Settings
from retrieval.errors import SettingsError

__all__ = ["Caller", "Door", "Guard", "Rules", "acting_user", "caller_of", "check_scope", "issue_token", "needs", "protect"]

logger = logging.getLogger(__name__)
FRESH_SECONDS = 5.0  # how long a key counts as it was looked up: a revocation takes so long at most
FAILURES_PER_MINUTE = 30
_KNOWN = 10_000  # keys and tokens that are remembered
_LOOKUPS = 4  # at once; not of the threads that the routes work in
_CLIENT_GONE = 499
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_MAY_SEND = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Mcp-Protocol-Version", "Mcp-Session-Id")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the guard goes by.

    Attributes:
        host: that the server listens on.
        password: whether the page asks for one.
        per_minute: requests of a key in a minute, unless the key says otherwise; 0: all.
        concurrent: requests of a key at once, unless the key says otherwise; 0: all.
        max_body: bytes of a request.
        origins: web origins whose pages may call from a browser.
    """

    host: str = "127.0.0.1"
    password: bool = False
    per_minute: int = 6000
    concurrent: int = 64
    max_body: int = 1 << 20
    origins: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings, host: str) -> Rules:
        """Read them from the settings."""
        origins = tuple(name.strip().rstrip("/") for name in settings.api_origins.split(",") if name.strip())
        password = bool(settings.password.get_secret_value())
        return cls(host, password, settings.api_per_minute, settings.api_concurrent, settings.api_max_body, origins)


class Door:
    """Who may come in, and what is counted of each: one for a server. What it counts, it counts in this process alone."""

    def __init__(self, keys: Callable[[], KeyStore], rules: Rules | None = None, audit: Audit | None = None) -> None:
        """Take what returns the keys (the first time it may open them), the rules, and where it is noted who touched whom."""
        self.keys, self.rules, self.audit = keys, rules or Rules(), audit
        self._known: dict[str, tuple[ApiKey, float]] = {}  # digest of the secret to its key, and when it was looked up
        self._any = (True, float("-inf"))  # whether there is a key, and when that was looked up
        self._rates: dict[int, RateLimiter] = {}
        self._running: Counter[str] = Counter()
        self._failures = RateLimiter(FAILURES_PER_MINUTE)
        self._lookups = anyio.CapacityLimiter(_LOOKUPS)

    def check_host(self, host: str) -> None:
        """Refuse to serve beyond loopback where nobody is asked for anything. Waits for the store.

        Raises:
            SettingsError: says what to do.
        """
        if not is_loopback(host) and not self.rules.password and not self.keys().any():
            raise SettingsError(
                f"On {host} others can reach the API, and there is no key that it could ask for. Make one: "
                "python app.py keys add NAME --scope chat. Or listen on 127.0.0.1.",
                key="error_settings",
            )

    async def identify(self, scope: Scope) -> Caller:
        """Return who makes a request.

        Raises:
            ApiError: 401, 429, 421, 403 or 503.
        """
        headers = Headers(scope=scope)
        if await self._is_open():
            self._check_open(scope, headers)
            return Caller()
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        secret = secret.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if not secret:
            raise _no_key("Give an API key: 'Authorization: Bearer zy_...'.")
        return Caller(await self._find(secret, address_network((scope.get("client") or ("",))[0])))

    async def _is_open(self) -> bool:
        """Whether nobody is asked for a key: on loopback, as long as nobody has made one."""
        if self.rules.password or not is_loopback(self.rules.host):
            return False
        found, looked = self._any
        if time.monotonic() - looked > FRESH_SECONDS:
            found = await self._ask(lambda: self.keys().any())
            self._any = found, time.monotonic()
        return not found

    def _check_open(self, scope: Scope, headers: Headers) -> None:
        """Let in only what a program or a page of this machine sends to this machine."""
        server = scope.get("server")
        # a name that another site gave this address (DNS rebinding), or an address that others can reach
        if not is_loopback(named_host(headers)) or (server and server[1] is not None and not is_loopback(server[0])):
            raise ApiError(421, "loopback", f"{LOOPBACK_ONLY} For others, make a key: python app.py keys add NAME")
        if any(name in headers for name in _PROXIED):
            raise ApiError(403, "proxy", "A proxy sent this on, and there is no key. Make one: python app.py keys add NAME")
        if not changes(scope["method"]):
            return
        origin = headers.get("origin")
        own = f"{scope.get('scheme', 'http')}://{headers.get('host', '')}"
        if origin in self.rules.origins or (origin == own and not is_cross_site(headers)):
            return
        if origin is not None or is_cross_site(headers):
            raise ApiError(403, "cross_site", "Not from a page of another site; ZHIYIN_API_ORIGINS lets it.")

    async def _find(self, secret: str, address: str) -> ApiKey:
        name, known = digest(secret), None
        if split_secret(secret):
            known, looked = self._known.get(name, (None, 0.0))
            if known and time.monotonic() - looked < FRESH_SECONDS and known.holds(time.time()):
                return known
        wait = 0 if known else self._failures.wait(address)  # what was good a moment ago is looked up whatever others try
        if not wait:
            found = await self._ask(lambda: self.keys().find(secret)) if split_secret(secret) else None
            self._known.pop(name, None)
            if found:
                self._known[name] = found, time.monotonic()
                if len(self._known) > _KNOWN:
                    del self._known[next(iter(self._known))]
                return found
            wait = self._failures.take(address)
        if wait:
            raise ApiError(429, "tries", f"Too many wrong keys. Wait {wait} seconds.", {"Retry-After": str(wait)})
        raise _no_key("This API key is not known, or no longer good.")

    async def _ask(self, look: Callable[[], Any]) -> Any:
        """Look something up in a thread; what cannot be looked up lets nobody in."""
        try:
            return await anyio.to_thread.run_sync(look, limiter=self._lookups)
        except Exception as error:
            logger.exception("the keys cannot be read")
            raise ApiError(503, "keys", "Keys cannot be checked now. Try again.", {"Retry-After": "5"}) from error

    @contextmanager
    def counted(self, caller: Caller) -> Generator[None]:
        """Count a request while it runs.

        Raises:
            ApiError: 429, it is one too many in this minute or at once.
        """
        key, rules = caller.key, self.rules
        name = key.id if key else "open"
        per_minute = rules.per_minute if key is None or key.per_minute is None else key.per_minute
        at_once = rules.concurrent if key is None or key.concurrent is None else key.concurrent
        if at_once and self._running[name] >= at_once:
            raise ApiError(429, "concurrent", f"This key has {at_once} requests running. Wait for one.", {"Retry-After": "1"})
        if per_minute not in self._rates:
            self._rates[per_minute] = RateLimiter(per_minute)
        if wait := self._rates[per_minute].take(name):
            message = f"This key has made its {per_minute} requests of a minute. Wait {wait} seconds."
            raise ApiError(429, "error_rate", message, {"Retry-After": str(wait)})
        self._running[name] += 1
        try:
            yield
        finally:
            self._running[name] -= 1
            if not self._running[name]:
                del self._running[name]

    def note(self, answer: _Answer, caller: Caller | None, scope: Scope) -> None:
        """Write down whom a request touched that is over. Never fails: the answer has been sent."""
        if self.audit is None or caller is None:
            return
        status, took = answer.status or _CLIENT_GONE, 1000 * (time.perf_counter() - answer.begun)
        try:
            self.audit.note(caller, answer.request_id, scope["method"], route_template(scope), status, took)
        except Exception:
            logger.exception("the audit log could not be written")


def _no_key(message: str) -> ApiError:
    return ApiError(401, "no_key", message, {"WWW-Authenticate": 'Bearer realm="zhiyin"'})


class _Answer:
    """Sends an answer on with the guard's headers, and notes what it was."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self.request_id = send, request_id
        self.status, self.begun = 0, time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["X-Request-ID"] = self.request_id
        await self._send(message)


class Guard:
    """The ASGI middleware; :func:`protect` puts it in its place."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        """Take the application behind it."""
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it; web sockets are refused."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            # what stands before may have given it an id, under which it is counted and traced
            given = str(get_contextvars().get("request_id", ""))
            answer = _Answer(send, given or request_id_of(Headers(scope=scope)))
            with bound_contextvars(request_id=answer.request_id):
                await self._serve(scope, receive, answer)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = answer.request_id
        caller = None
        try:
            caller = await self._door.identify(scope)
            state["caller"] = caller
            with self._door.counted(caller):
                await self._app(scope, receive, answer.send)
        except Exception as error:
            if answer.status:  # the beginning is with the client: all that can be done is to cut it
                raise
            await api_error(error).response()(scope, receive, answer.send)
        finally:
            self._door.note(answer, caller, scope)


def protect(app: FastAPI, door: Door) -> None:
    """Put the guard before every route and mount of an application, CORS before the guard, and give errors one shape.

    To be called once, after every other middleware was added: what is added last stands first.
    """
    install_handlers(app)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=door.rules.max_body)  # bodies without a length
    app.add_middleware(Guard, door=door)
    if door.rules.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=door.rules.origins,
            allow_methods=_METHODS,
            allow_headers=(*_MAY_SEND, "X-API-Key", "X-Request-ID"),
            expose_headers=("X-Request-ID", "Retry-After", "Idempotency-Replayed", "Mcp-Session-Id"),
        )
