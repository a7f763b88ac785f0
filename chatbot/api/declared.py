"""What the API's description says of every route alike: the answers that are no success, and examples in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from fastapi import Header, Path

from chatbot.api.models import MAX_CONVERSATION, MAX_ITEM, MAX_USER, ErrorAnswer

_NAME = r"^[^\x00-\x1f\x7f]+$"
ITEM, OTHER, USER, TALK, TURN = "b0042", "b0107", "ann", "0b7f6c1d2a934e58", "5e2d1c0b9a87"

UserPath: TypeAlias = Annotated[
    str,
    Path(
        min_length=1, max_length=MAX_USER, pattern=_NAME, description="Whose; with a user's token, that user.", examples=[USER]
    ),
]
ConversationPath: TypeAlias = Annotated[
    str, Path(min_length=1, max_length=MAX_CONVERSATION, pattern=_NAME, description="Of the user.", examples=[TALK])
]
ItemPath: TypeAlias = Annotated[
    str, Path(min_length=1, max_length=MAX_ITEM, pattern=_NAME, description="An id; it may hold a '/'.", examples=[ITEM])
]
OnceHeader: TypeAlias = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="A message that comes again with the same key is answered once. While it runs: 409.",
        examples=["6f1c0f9e-3a52-4a1f-9f0b-1f1f2c3d4e5f"],
    ),
]

_WHAT = {
    400: "The body cannot be read as text.",
    401: "No key, or none that is known.",
    403: "The key lacks the scope, or the token is another user's.",
    404: "There is no such thing, or it is another user's.",
    409: "It cannot be done now, or not in this state.",
    413: "The request is too large.",
    422: "A field is wrong; `where` says which.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "Something failed in the server; its log says what, under the `X-Request-ID`.",
    503: "Not ready: still loading, stopping, or something it needs is away; `Retry-After` says how long to wait.",
}
_CODES = {
    400: ("bad_request", "There was an error parsing the body"),
    401: ("no_key", "Give an API key: 'Authorization: Bearer zy_...'."),
    403: ("other_user", "This token is for another user."),
    404: ("unknown_item", "The catalogue has no item 'b9999'."),
    409: ("running", "This message is being answered. Wait, and ask again with the same key."),
    413: ("too_large", "A request has at most 1048576 bytes. Send less, or in parts."),
    422: ("field", "message: Field required."),
    429: ("error_rate", "This key has made its 6000 requests of a minute. Wait 12 seconds."),
    500: ("internal", "Something went wrong in the server; its log says what, under the X-Request-ID."),
    503: ("error_loading", "Zhiyin is still loading. Wait a moment and try again."),
}
_WAIT = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
_ALWAYS = 401, 403, 413, 422, 429, 500, 503


def errors(*also: int) -> dict[int | str, dict[str, Any]]:
    """Declare the answers that are no success: those that any route can give, and others of this one."""
    return {status: _error(status) for status in sorted({*_ALWAYS, *also})}


def _error(status: int) -> dict[str, Any]:
    code, message = _CODES[status]
    example = {"error": {"code": code, "message": message, "where": message.partition(":")[0] if status == 422 else ""}}
    declared: dict[str, Any] = {
        "model": ErrorAnswer,
        "description": _WHAT[status],
        "content": {"application/json": {"example": example}},
    }
    if status in (409, 429, 503):
        declared["headers"] = {"Retry-After": _WAIT}
    return declared


def example(value: object, zh: object | None = None) -> dict[str, Any]:
    """Declare an example answer, and one in Chinese."""
    both = {"en": {"summary": "English", "value": value}} | ({"zh": {"summary": "中文", "value": zh}} if zh is not None else {})
    return {"content": {"application/json": {"examples": both}}}


def events(names: Sequence[str] = ()) -> dict[str, Any]:
    """Declare an answer of server-sent events, with these names, whose data are JSON. OpenAPI 3.2 has a word for that."""
    fields: dict[str, Any] = {"data": {"type": "string"}}
    if names:
        fields["event"] = {"type": "string", "enum": list(names)}
        fields["data"] |= {"contentMediaType": "application/json"}
    return {"itemSchema": {"type": "object", "properties": fields, "required": sorted(fields)}}


def asked(en: object, zh: object) -> Any:
    """Return example requests, for ``Body(openapi_examples=...)``."""
    return {"en": {"summary": "English", "value": en}, "zh": {"summary": "中文", "value": zh}}
