"""Conversations of clients that keep no id: which of the stored ones a history that was sent along is, or a new one like it."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatbot.api.models import ChatRequest
from chatbot.api.talk import names_of
from chatbot.api.wire import is_whole
from chatbot.types import MAX_MESSAGE

if TYPE_CHECKING:
    from chatbot.api.service import Service

logger = logging.getLogger(__name__)
RECENT = 20  # conversations of a user that are looked at
REPLAYED = 20  # messages of a history that are said again: the last ones
_TAKEN_OUT = "taken out:"  # how the note begins of a turn whose message is kept without what names its writer


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a history, and what was answered; ``reply`` is None where nothing was."""

    message: str
    reply: str | None


def find(service: Service, user: str, history: Sequence[Said], once: str = "") -> str | None:
    """Return the id of the conversation whose turns are this history, word for word; None where none is.

    One that :func:`replay` made has the turns that it said again, and then those of the rest of the history. Of two that are
    the same, the one used last is taken: they hold to the same.

    Args:
        service: has the conversations.
        user: whose they are.
        history: what was said before.
        once: the idempotency key of the message that follows: a turn of that key may be there already, as the last.
    """
    replayed = {_name(user, history[:n]): n for n in range(1, len(history) + 1)}
    for heading in service.conversations(user)[:RECENT] if history else ():
        known = replayed.get(heading.id.rpartition("-")[0], 0)
        rest, again = history[known:], len(_again(history[:known]))
        if heading.turns - again - len(rest) not in (0, 1) or any(said.reply is None for said in rest):
            continue
        turns = service.conversation(heading.id, user).turns[again:]
        if once and turns and turns[-1]["id"] == names_of(user, heading.id, once)[1]:
            turns = turns[:-1]
        if len(turns) == len(rest) and all(map(_same, turns, rest)):
            return heading.id
    return None


def _name(user: str, history: Sequence[Said]) -> str:
    """What the id of a conversation begins with that a history was said again in."""
    return hashlib.sha256(repr((user, [(said.message, said.reply) for said in history])).encode()).hexdigest()[:32]


def _again(history: Sequence[Said]) -> list[str]:
    """The messages of a history that are said again."""
    return [said.message for said in history if said.message.strip() and len(said.message) <= MAX_MESSAGE][-REPLAYED:]


def _same(turn: dict[str, Any], said: Said) -> bool:
    record, reply = turn["record"], (said.reply or "").strip()
    told = str(record["reply"]).strip()
    heard = told == reply or (not is_whole(record) and told.startswith(reply))  # who cut it off heard its beginning
    message = str(turn["message"]).strip()
    return heard and (message == said.message.strip() or any(note.startswith(_TAKEN_OUT) for note in record["notes"]))


def replay(service: Service, user: str, history: Sequence[Said]) -> str:
    """Say the messages of a history again in a new conversation, without sentences, and return its id.

    What the replies were does not count: a client may change what it sends, but not what this catalogue answers.
    """
    conversation = f"{_name(user, history)}-{uuid.uuid4().hex[:8]}"
    for message in _again(history):
        service.answer(ChatRequest(message=message, conversation=conversation, items_only=True), user)
    logger.info("a history of %d messages was said again", len(_again(history)))
    return conversation
