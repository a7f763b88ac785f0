"""The UserStore seam: events and conversations, each belonging to one user."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import JSON, Engine, ForeignKey, String, Text, create_engine, delete, event, inspect, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from chatbot.types import Conversation, StoredTurn
from retrieval.errors import StoreError
from retrieval.events import Event


class UserStore(Protocol):
    """Keeps what people did and said. What one user stored no other user can load."""

    def append(self, event: Event) -> None:
        """Add an event; it counts from the next read on. An event without a time gets the present one."""
        ...

    def events(self, user: str) -> Sequence[Event]:
        """Return a user's events, oldest first."""
        ...

    def load(self, conversation: str, user: str) -> Conversation:
        """Return a conversation with its turns, or an empty one when it is new.

        Raises:
            StoreError: it belongs to another user.
        """
        ...

    def save(self, conversation: str, user: str, turn: StoredTurn) -> None:
        """Add a turn to a conversation, or replace the turn of the same id.

        Raises:
            StoreError: the conversation belongs to another user.
        """
        ...

    def conversations(self, user: str) -> Sequence[str]:
        """Return the ids of a user's conversations, the one used last first."""
        ...

    def erase(self, user: str) -> None:
        """Remove everything of a user."""
        ...


def _foreign(conversation: str) -> StoreError:
    return StoreError(f"Conversation '{conversation}' belongs to another user. Begin a new one.", key="error_conversation")


class InMemoryUserStore:
    """For tests and the demo without a disk."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._owners: dict[str, str] = {}
        self._turns: dict[str, list[StoredTurn]] = {}

    def append(self, event: Event) -> None:
        """Add."""
        with self._lock:
            self._events.append(_timed(event))

    def events(self, user: str) -> Sequence[Event]:
        """Filter."""
        return [event for event in self._events if event.user == user]

    def load(self, conversation: str, user: str) -> Conversation:
        """Look up."""
        if self._owners.get(conversation, user) != user:
            raise _foreign(conversation)
        return Conversation(conversation, user, tuple(self._turns.get(conversation, ())))

    def save(self, conversation: str, user: str, turn: StoredTurn) -> None:
        """Add or replace."""
        with self._lock:
            if self._owners.setdefault(conversation, user) != user:
                raise _foreign(conversation)
            others = (t for name, turns in self._turns.items() if name != conversation for t in turns)
            if any(other.id == turn.id for other in others):
                raise StoreError(f"Turn '{turn.id}' belongs to another conversation.", key="error_conversation")
            turns = {old.id: old for old in self._turns.pop(conversation, [])}
            self._turns[conversation] = list({**turns, turn.id: turn}.values())

    def conversations(self, user: str) -> Sequence[str]:
        """List."""
        return [name for name in reversed(self._turns) if self._owners[name] == user]

    def erase(self, user: str) -> None:
        """Drop."""
        with self._lock:
            self._events = [event for event in self._events if event.user != user]
            for name in [name for name, owner in self._owners.items() if owner == user]:
                del self._owners[name]
                self._turns.pop(name, None)


def _timed(event: Event) -> Event:
    return event if event.at else replace(event, at=time.time())


class _Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON}  # noqa: RUF012  (declared so by SQLAlchemy)


class _User(_Base):
    __tablename__ = "users"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    created: Mapped[float]


class _Conversation(_Base):
    __tablename__ = "conversations"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    used: Mapped[float]


class _Turn(_Base):
    __tablename__ = "turns"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    at: Mapped[float]
    message: Mapped[str] = mapped_column(Text)
    record: Mapped[dict[str, Any]]


class _Event(_Base):
    __tablename__ = "events"
    number: Mapped[int] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    item: Mapped[str | None] = mapped_column(String(400))
    text: Mapped[str] = mapped_column(Text)
    conversation: Mapped[str | None] = mapped_column(String(200))  # of rows older than ``context``; no longer written
    turn: Mapped[str | None] = mapped_column(String(64))  # likewise
    at: Mapped[float]
    value: Mapped[float | None]
    context: Mapped[dict[str, Any] | None]

    @property
    def record(self) -> Event:
        """The event that the row holds."""
        old = {"conversation": self.conversation, "turn": self.turn}
        context = self.context or {name: value for name, value in old.items() if value}
        return Event(self.user, self.kind, self.item, self.text, self.value, self.at, context)  # pyright: ignore[reportArgumentType]


class SqlUserStore:
    """SQLAlchemy: SQLite by default (write-ahead log, foreign keys on)."""

    def __init__(self, url: str) -> None:
        """Open the database and create what is missing.

        Raises:
            StoreError: it cannot be opened.
        """
        self._engine: Engine = create_engine(url, connect_args={"timeout": 30} if url.startswith("sqlite") else {})
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _configure_sqlite)
        try:
            self._prepare()
        except SQLAlchemyError as error:
            raise StoreError(
                f"The user store {self._engine.url.render_as_string()} cannot be opened: {error.__cause__ or error}. Move "
                "the file away or name another folder with ZHIYIN_DATA.",
                key="error_store",
            ) from error

    def _prepare(self, tries: int = 4) -> None:
        """Create the tables, and the columns that a database made by an earlier version lacks."""
        try:
            _Base.metadata.create_all(self._engine)
            there = {column["name"] for column in inspect(self._engine).get_columns(_Event.__tablename__)}
            for name in sorted({"value", "context"} - there):
                kind = _Event.__table__.columns[name].type.compile(self._engine.dialect)
                with self._engine.begin() as connection:
                    connection.execute(text(f"ALTER TABLE {_Event.__tablename__} ADD COLUMN {name} {kind}"))
        except SQLAlchemyError:
            if tries <= 1:
                raise
            self._prepare(tries - 1)  # another process that does the same may have been first

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @staticmethod
    def _ensure_user(session: Session, user: str) -> None:
        if session.get(_User, user) is None:
            try:
                with session.begin_nested():
                    session.add(_User(id=user, created=time.time()))
            except IntegrityError:
                pass  # another thread was first

    def append(self, event: Event) -> None:
        """Insert."""
        event = _timed(event)
        with Session(self._engine) as session, session.begin():
            self._ensure_user(session, event.user)
            session.add(
                _Event(
                    user=event.user,
                    kind=event.kind,
                    item=event.item,
                    text=event.text,
                    at=event.at,
                    value=event.value,
                    context=dict(event.context) or None,
                )
            )

    def events(self, user: str) -> Sequence[Event]:
        """Select."""
        with Session(self._engine) as session:
            rows = session.scalars(select(_Event).where(_Event.user == user).order_by(_Event.number))
            return [row.record for row in rows]

    def load(self, conversation: str, user: str) -> Conversation:
        """Select the turns of a conversation of this user."""
        with Session(self._engine) as session:
            row = session.get(_Conversation, conversation)
            if row is not None and row.user != user:
                raise _foreign(conversation)
            turns = session.scalars(select(_Turn).where(_Turn.conversation == conversation).order_by(_Turn.at))
            return Conversation(conversation, user, tuple(StoredTurn(t.id, t.at, t.message, t.record) for t in turns))

    def save(self, conversation: str, user: str, turn: StoredTurn) -> None:
        """Insert or replace in one transaction."""
        with Session(self._engine) as session, session.begin():
            self._ensure_user(session, user)
            row = session.get(_Conversation, conversation)
            if row is None:
                row = _Conversation(id=conversation, user=user, used=turn.at)
                session.add(row)
            elif row.user != user:
                raise _foreign(conversation)
            stored = session.get(_Turn, turn.id)
            if stored is not None and stored.conversation != conversation:
                raise StoreError(f"Turn '{turn.id}' belongs to another conversation.", key="error_conversation")
            row.used = turn.at
            session.flush()
            session.merge(
                _Turn(id=turn.id, conversation=conversation, at=turn.at, message=turn.message, record=dict(turn.record))
            )

    def conversations(self, user: str) -> Sequence[str]:
        """Select."""
        with Session(self._engine) as session:
            query = select(_Conversation.id).where(_Conversation.user == user).order_by(_Conversation.used.desc())
            return list(session.scalars(query))

    def erase(self, user: str) -> None:
        """Delete in one transaction."""
        mine = select(_Conversation.id).where(_Conversation.user == user)
        with Session(self._engine) as session, session.begin():
            session.execute(delete(_Turn).where(_Turn.conversation.in_(mine)))
            for table in (_Event, _Conversation):
                session.execute(delete(table).where(table.user == user))
            session.execute(delete(_User).where(_User.id == user))


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
