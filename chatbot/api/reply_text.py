"""The reply as one text while it is made: what was sent never has to be taken back."""

from __future__ import annotations

import logging

from chatbot.api.models import CardsEvent, ChatEvent, DoneEvent, Offered, StateEvent, TextEvent

logger = logging.getLogger(__name__)


class ReplyText:
    """Takes the events of a turn and gives the text that is sure by now, so that all of it is the turn's ``reply``.

    The reply is the opening and a line an item, and the model writes of one item after the other when every line has begun. So
    a line is sure as far as the item that is being written of; the lines below it wait.
    """

    def __init__(self) -> None:
        """Nothing is said yet."""
        self._sent = ""
        self._opening, self._language = "", ""
        self._items: list[Offered] = []
        self._told: dict[str, str] = {}
        self._writing, self._now = False, 0

    def take(self, event: ChatEvent) -> str:
        """Take an event; returns the text that it adds."""
        match event:
            case StateEvent():
                self._language = event.language or self._language
                self._writing = self._writing or event.stage == "writing"
            case CardsEvent():
                self._opening = event.opening
                self._items = event.items if event.settled else []
            case TextEvent(item=None):
                self._opening += event.delta
            case TextEvent(item=str(item)):
                self._tell(item, event.delta)
            case DoneEvent():
                return self._end(event.answer.reply)
            case _:
                return ""
        return self._go_on()

    def _tell(self, item: str, delta: str) -> None:
        self._told[item] = self._told.get(item, "") + delta
        if self._writing:
            places = [entry.item.id for entry in self._items]
            self._now = max(self._now, places.index(item) if item in places else 0)

    def _line(self, entry: Offered) -> str:
        zh = self._language == "zh"
        title = f"《{entry.item.title}》" if zh else entry.item.title
        told = self._told.get(entry.item.id, "")
        return f"{entry.rank}. {title}" + (("：" if zh else ": ") + told if told else "")

    def _go_on(self) -> str:
        sure = [self._opening]
        if self._language:  # how a title is written depends on it
            sure += map(self._line, self._items[: self._now + 1])
        text = "\n".join(sure).strip()  # the reply is stripped, and what ends with a space may go on
        if not text.startswith(self._sent):
            return ""  # the end will tell
        new, self._sent = text[len(self._sent) :], text
        return new

    def _end(self, reply: str) -> str:
        if not reply.startswith(self._sent):
            logger.error("what was streamed is not how the reply begins; the conversation will be replayed")
            return ""
        return reply[len(self._sent) :]
