"""The chat format of OpenAI: what of it is read, and how answers and errors are written."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chatbot.api.histories import Said
from chatbot.api.models import ConversationId, UserId
from chatbot.api.problems import ApiError

MODEL = "zhiyin"
MAX_MESSAGES = 1000
DONE = b"data: [DONE]\n\n"


class Read(BaseModel):
    """Base of what is read: clients send many fields that mean nothing here, such as a temperature."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Part(Read):
    """A part of a message."""

    type: str
    text: str = ""


class Message(Read):
    """A message of the history. What the roles ``system`` and ``developer`` say changes nothing of what is recommended."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    def text(self) -> str:
        """Return its text.

        Raises:
            ApiError: 400, a part of it is none.
        """
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.type not in ("text", "input_text", "refusal"):
                words = f"A message has a part of the type '{part.type}'. Only text can be read here."
                raise ApiError(400, "unsupported_content", words, where=("messages",))
        return "\n".join(part.text for part in self.content if part.text)


class Metadata(Read):
    """What of the metadata counts."""

    conversation: ConversationId | None = None


class StreamOptions(Read):
    """What a stream has beside the text."""

    include_usage: bool = False


class Completion(Read):
    """A request for the next message."""

    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    model: str = MODEL
    user: UserId | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    metadata: Metadata | None = None
    n: Annotated[int | None, Field(ge=1, le=1, description="One answer.")] = None

    def split(self) -> tuple[list[Said], str]:
        """Return what was said before and the message to be answered.

        Raises:
            ApiError: 400, the last message is not the user's, or a message is no text.
            MessageError: the last message is too long.
        """
        from chatbot.understanding import check_message  # its import takes seconds, and the server has paid for it by now

        spoken = [m for m in self.messages if m.role in ("user", "assistant")]
        if not spoken or spoken[-1].role != "user" or not (last := spoken[-1].text().strip()):
            words = "The last message must be of the role 'user' and have a text."
            raise ApiError(400, "no_message", words, where=("messages",))
        last = check_message(last)
        history: list[Said] = []
        for message in spoken[:-1]:
            if message.role == "user":
                history.append(Said(message.text(), None))
            elif history and history[-1].reply is None and (reply := message.text()):
                history[-1] = Said(history[-1].message, reply)
            # a greeting of the client's own, before anything was asked, is no turn
        return history, last


# What the pipeline does not measure is not made up: it reads no prompt of the client's and counts no tokens of it.
USAGE: Mapping[str, int] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


class Writer:
    """Writes one answer, whole or in pieces."""

    def __init__(self, turn: str) -> None:
        """Take what the answer is called."""
        self._head = {"id": f"chatcmpl-{turn}", "created": int(time.time()), "model": MODEL}

    def whole(self, reply: str) -> dict[str, Any]:
        """Write it as one object."""
        message = {"role": "assistant", "content": reply, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": dict(USAGE)}

    def piece(self, delta: Mapping[str, Any], end: str | None = None) -> dict[str, Any]:
        """Write a piece; the last one has an end."""
        choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": end}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice]}

    def usage(self) -> dict[str, Any]:
        """Write the piece that has no text, after the last one."""
        return {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": dict(USAGE)}


def models() -> dict[str, Any]:
    """Write the list of models: there is one, whatever model writes its sentences."""
    return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "zhiyin"}]}


class Fault(BaseModel):
    """What is wrong. What the guard refuses has no ``type``."""

    message: str
    code: str
    type: str | None = None
    param: str | None = None


class Failure(BaseModel):
    """Every answer that is no success."""

    error: Fault


def failure(status: int, code: str, message: str, where: Sequence[object] = ()) -> dict[str, Any]:
    """Write an error."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "code": code, "param": ".".join(map(str, where)) or None}}


def as_data(body: Mapping[str, Any]) -> bytes:
    """Encode an object as a server-sent event."""
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
