"""Puts a turn that is over into the store, and tells whoever watches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

from chatbot.draft import timing_text
from chatbot.noting import shown
from chatbot.records import turn_record
from chatbot.store import UserStore
from chatbot.types import StoredTurn, Turn

Observe: TypeAlias = Callable[[Turn], None]
logger = logging.getLogger(__name__)


def store_turn(store: UserStore, turn: Turn, observe: Observe | None = None) -> None:
    """Store a turn and what it showed; a turn that is there already is replaced.

    The events go first: a turn that is found whole is complete, and one that could not be saved may be made again under its id.

    Args:
        store: of events and conversations.
        turn: that is over.
        observe: told of the turn once it is stored; what it raises is logged, for watching must not break what is watched.

    Raises:
        StoreError: the store cannot be written, or the conversation or the turn is another's.
    """
    try:
        store.append(*shown(turn))
        store.save(turn.conversation, turn.user, StoredTurn(turn.id, turn.at, turn.request.text, turn_record(turn)))
    except Exception as error:  # whoever has left hears no error
        logger.warning("turn %s could not be stored: %s", turn.id[:8], error)
        raise
    request, timings = turn.request, timing_text(turn.timings_ms)
    logger.info("turn %s: %s, %s, %d items, %s", turn.id[:8], request.intent, request.language, len(turn.items), timings)
    if observe:
        try:
            observe(turn)
        except Exception:
            logger.exception("a turn was stored, but not noted by who watches")
