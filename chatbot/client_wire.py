"""How the typed client sends requests: what is tried again, and the errors that come of an answer that is no success."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from chatbot.api.models import ErrorAnswer, Problem

LONGEST_WAIT = 30.0  # seconds: a server that asks for a longer pause gets no second try; who called decides
LONGEST_TURN = 300.0  # seconds: a turn waits in line and for the model
PATIENCE = httpx2.Timeout(30.0, connect=5.0)
TURN = httpx2.Timeout(LONGEST_TURN, connect=5.0)
_FIRST_WAIT = 0.25
_TRY_AGAIN = (429, 503)
_RUNNING = 409  # with a time to wait: what was sent before under the same key is being answered


class ApiError(Exception):
    """An answer that is no success.

    Attributes:
        code: for programs, such as ``error_rate``; it does not change between versions.
        message: for people.
        status: of HTTP; 0 where there was no answer.
        where: the field that is wrong; empty where it is none.
        request_id: names the request in the server's log; empty where there is none.
        retry_after: seconds after which to try again; None where the server names none.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 0,
        *,
        where: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Keep all of it, and show what a person needs."""
        super().__init__(f"{message} ({code}{f', HTTP {status}' if status else ''}{f', {where}' if where else ''})")
        self.code, self.message, self.status, self.where = code, message, status, where
        self.request_id, self.retry_after = request_id, retry_after


class InvalidError(ApiError):
    """The request is wrong: 400, 409, 413, 422."""


class NotAllowedError(ApiError):
    """The key is absent or unknown, or may not do this: 401, 403."""


class NotFoundError(ApiError):
    """There is no such item, conversation or route: 404."""


class BusyError(ApiError):
    """Too much at once, or not ready: 429, 503."""


class ServerError(ApiError):
    """The server failed: 500 and above, or an error in the middle of a stream."""


class UnreachableError(ApiError):
    """There was no answer, or it broke off."""


_KINDS: Mapping[int, type[ApiError]] = {
    401: NotAllowedError,
    403: NotAllowedError,
    404: NotFoundError,
    429: BusyError,
    503: BusyError,
}


class Wire:
    """Sends requests to one server. Thread-safe, as the client of httpx2 is."""

    def __init__(self, url: str, key: str, retries: int, transport: httpx2.BaseTransport | None) -> None:
        """Name the server; nothing is sent yet."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=PATIENCE, transport=transport)
        self._retries = retries

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        body: BaseModel | Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx2.Timeout = PATIENCE,
        again: bool | None = None,
        stream: bool = False,
        expected: Sequence[int] = (),
    ) -> httpx2.Response:
        """Send until there is a success, an error that a second try does not help, or no try left.

        Args:
            method: of HTTP.
            path: after ``/v1/``, with its parts escaped.
            body: sent as JSON, without what is None.
            params: of the query; those that are None or empty are left out.
            headers: beside the usual.
            timeout: of one try.
            again: it may safely be sent twice, as everything but POST is.
            stream: the body is not read; who gets the answer closes it.
            expected: other status codes that are a success.

        Raises:
            ApiError: the kind says what to do.
        """
        again = method != "POST" if again is None else again
        request = self._http.build_request(
            method,
            f"/v1/{path}",
            content=None if body is None else _json(body),
            params={name: value for name, value in (params or {}).items() if value not in (None, "")},
            headers={"Content-Type": "application/json", **(headers or {})},
            timeout=timeout,
        )
        attempt, until = 0, time.monotonic() + LONGEST_TURN
        while True:
            wait = _FIRST_WAIT * 2**attempt * random.uniform(0.5, 1.5)  # many clients do not come back at once
            left = again and attempt < self._retries
            try:
                return self._once(request, stream, expected)
            except UnreachableError:
                if not left:
                    raise
                attempt += 1
            except ApiError as error:
                wait = max(wait, error.retry_after or 0)
                running = error.status == _RUNNING and error.retry_after is not None
                running = running and again and time.monotonic() + wait < until
                if (not running and not (left and error.status in _TRY_AGAIN)) or wait > LONGEST_WAIT:
                    raise
                attempt += not running
            time.sleep(wait)

    def _once(self, request: httpx2.Request, stream: bool, expected: Sequence[int]) -> httpx2.Response:
        try:
            response = self._http.send(request, stream=stream)
            if response.is_success or response.status_code in expected:
                return response
            with contextlib.closing(response):
                response.read()
        except httpx2.TransportError as broken:
            raise broke_off(broken) from broken
        raise _error(response)


def _json(body: BaseModel | Mapping[str, Any]) -> bytes:
    if isinstance(body, BaseModel):
        return body.model_dump_json(exclude_none=True).encode()
    return TypeAdapter(dict[str, Any]).dump_json(dict(body))


def request_id(response: httpx2.Response) -> str:
    """What the server's log calls this request."""
    return response.headers.get("X-Request-ID", "")


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds to wait as the server says, by a number or a date."""
    said = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def told(said: Problem, response: httpx2.Response, kind: type[ApiError] = ServerError) -> ApiError:
    """The error of what a server said is wrong."""
    status = 0 if response.is_success else response.status_code  # 0: in the middle of a stream
    after, named = _retry_after(response), request_id(response)
    return kind(said.code, said.message, status, where=said.where, request_id=named, retry_after=after)


def _error(response: httpx2.Response) -> ApiError:
    status = response.status_code
    try:
        said = ErrorAnswer.model_validate_json(response.content).error
    except ValidationError:  # a proxy's own page, or no Zhiyin server
        said = Problem(code="error_http", message=f"{response.url} answered {status} {response.reason_phrase}.")
    return told(said, response, _KINDS.get(status, ServerError if status >= 500 else InvalidError))


def broke_off(error: httpx2.TransportError) -> UnreachableError:
    """The error of a connection that there was not, or that broke."""
    words = f"{error.request.url} cannot be reached, or broke off: {type(error).__name__}: {error}"
    return UnreachableError("error_unreachable", words)
