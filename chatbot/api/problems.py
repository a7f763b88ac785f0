"""Answers that are no success: one shape for all of them, and which error gives which."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from chatbot.api.models import problem
from retrieval.errors import EngineError, IndexError_, MessageError, ProfileError, StoreError, ZhiyinError

logger = logging.getLogger(__name__)
_AGAIN = {"Retry-After": "5"}
_ABSENT = frozenset({"error_conversation", "error_no_conversation", "error_gone"})
_WRONG = frozenset({"error_title", "error_count", "error_explore", "error_constraint", "error_user"})  # by whoever asks
# What is behind the server (paths, addresses, versions) is for its log alone.
_FAULTS: tuple[tuple[type[ZhiyinError], int, str], ...] = (
    (StoreError, 503, "The store of what people did and said cannot be used now. What was acknowledged is kept; try again."),
    (EngineError, 503, "The language model cannot be used now. Try again, or ask without sentences (items_only)."),
    (IndexError_, 503, "The catalogue cannot be searched now. Try again; the server's log says why."),
    (ZhiyinError, 500, "The server is not set up as it should be; its log says what is wrong."),
)


class ApiError(HTTPException):
    """An answer that is no success. Raise it in a route; Starlette's own exception, so that every library lets it through."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, where: Sequence[object] = ()
    ) -> None:
        """Say what is wrong.

        Args:
            status: of HTTP.
            code: for programs.
            message: for people; says what to do.
            headers: of the answer.
            where: the path to the field that is wrong.
        """
        super().__init__(status, message, headers)
        self.code, self.message, self.where = code, message, tuple(where)

    def response(self) -> JSONResponse:
        """Return it as an answer."""
        return JSONResponse(problem(self.code, self.message, self.where), self.status_code, self.headers)


def api_error(error: Exception) -> ApiError:
    """Return what a client is told of any error. One that is the server's fault is logged, and told without its inside."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, ZhiyinError):
        return _of_ours(error)
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase if error.status_code in {*HTTPStatus} else "error"
        return ApiError(error.status_code, phrase.lower().replace(" ", "_"), str(error.detail or phrase), error.headers)
    logger.error("a request failed", exc_info=error)
    return ApiError(500, "internal", "Something went wrong in the server; its log says what, under the X-Request-ID.")


def _of_ours(error: ZhiyinError) -> ApiError:
    if error.key == "error_rate":
        return ApiError(429, error.key, str(error), {"Retry-After": str(error.values.get("seconds", 1))})
    if error.key == "error_loading":
        return ApiError(503, error.key, str(error), _AGAIN)
    if error.key in _ABSENT:
        # whether another has a conversation of that name is not told
        message = str(error) if error.key == "error_gone" else "There is no such conversation of this user."
        return ApiError(404, "error_no_conversation" if isinstance(error, StoreError) else error.key, message)
    if isinstance(error, MessageError | ProfileError) or error.key in _WRONG:
        return ApiError(422, error.key, str(error))
    status, message = next((status, message) for kind, status, message in _FAULTS if isinstance(error, kind))
    logger.error("a request failed: %s: %s", type(error).__name__, error)
    return ApiError(status, error.key, message, _AGAIN if status == HTTPStatus.SERVICE_UNAVAILABLE else None)


def _of_validation(error: RequestValidationError) -> ApiError:
    errors: Sequence[Any] = error.errors()
    first: dict[str, Any] = errors[0] if errors else {}
    place: list[Any] = [part for part in first.get("loc", ()) if part not in ("body", "query", "path", "header")]
    if first.get("type") == "json_invalid":
        return ApiError(422, "json", f"The body is not valid JSON: {first.get('ctx', {}).get('error', '')}.")
    said = str(first.get("msg", "wrong")).removeprefix("Value error, ")
    return ApiError(422, "field", f"{'.'.join(map(str, place)) or 'The request'}: {said}.", where=place)


def install_handlers(app: FastAPI) -> None:
    """Give every error of an application the shape of :func:`chatbot.api.models.problem`."""

    async def answer(_request: Request, error: Exception) -> JSONResponse:
        return api_error(error).response()

    for kind in (HTTPException, RequestValidationError, ZhiyinError, Exception):
        app.add_exception_handler(kind, answer)
