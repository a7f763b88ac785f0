"""The UserStore in a database, by SQLAlchemy: SQLite or PostgreSQL, each encrypted when there is a key."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from chatbot.store.base import absent, arrived, foreign, foreign_turn
from chatbot.store.engines import open_engine
from chatbot.store.headings import lacking, read_title, shown_texts, split_words
from chatbot.store.keys import SqlKeys
from chatbot.store.migrating import migrate
from chatbot.store.sealing import AesGcm, Plain, hide_record, show_record, wrong_key
from chatbot.store.tables import ApiKeyRow, ConversationRow, EventRow, TurnRow, UserRow
from chatbot.types import Conversation, Heading, StoredTurn
from retrieval.errors import StoreError
from retrieval.events import Event, EventKind

logger = logging.getLogger(__name__)
_NOT_A_DATABASE = "file is not a database"  # what SQLite says of a broken file, and of one that another key encrypts
_EVENTS: Any = EventRow.__table__
_USERS: Any = UserRow.__table__
_SPOKEN = select(TurnRow.id).where(TurnRow.conversation == ConversationRow.id).exists()
_CHECKPOINTS, _PAUSE = 20, 0.1  # tries, and seconds between them, to empty the log of writes while others read


@cache
def _events_query(without: frozenset[EventKind]) -> Any:
    """Return the query of the events of ``whose``: written once, for writing it takes longer than running it."""
    columns = (_EVENTS.c[name] for name in ("kind", "item", "text", "value", "at", "context", "id"))
    query = select(*columns).where(_EVENTS.c.user == bindparam("whose")).order_by(_EVENTS.c.number)
    return query.where(_EVENTS.c.kind.not_in(sorted(without))) if without else query


class SqlUserStore:
    """Every method is one transaction; what it has returned from survives the end of the process, however it ends."""

    def __init__(self, url: str, key: str = "") -> None:
        """Open the database, and bring it to the tables of this version.

        Args:
            url: of SQLAlchemy, for SQLite or PostgreSQL.
            key: encrypts the file of SQLite, and in PostgreSQL all words (messages, answers, contexts).

        Raises:
            StoreError: it cannot be opened, or not with this key.
            SettingsError: a package is missing.
        """
        self._engine = open_engine(url, key)
        self._sqlite = self._engine.dialect.name == "sqlite"
        self._insert: Any = sqlite.insert if self._sqlite else postgresql.insert
        # SQLite lets one write at a time, and not in the order in which they came: some would wait too long
        self._turns = threading.Lock() if self._sqlite else nullcontext()
        self._cipher = Plain() if self._sqlite else AesGcm(key) if key else Plain(without="\0")
        try:
            migrate(self._engine)
        except (SQLAlchemyError, StoreError) as error:
            self.close()
            cause = getattr(error, "orig", None) or error.__cause__ or error
            if key and _NOT_A_DATABASE in str(cause):
                raise wrong_key() from error
            if isinstance(error, StoreError) and error.key not in ("error_store", "error_store_lost"):
                raise
            raise StoreError(
                f"The user store {self._engine.url.render_as_string()} cannot be opened: {cause}. If it was encrypted, set "
                "ZHIYIN_KEY; else move the file away or name another folder with ZHIYIN_DATA.",
                key="error_store",
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @property
    def keys(self) -> SqlKeys:
        """Return the keys of the API, which are in the same database."""
        return SqlKeys(self._engine)

    @contextmanager
    def _writing(self) -> Generator[Session]:
        """Surround what is written in one transaction."""
        with self._turns, Session(self._engine) as session, session.begin():
            yield session

    # -- events -----------------------------------------------------------------------------------------------------

    def append(self, *events: Event) -> int:
        """Insert those whose id is new."""
        if not events:
            return 0
        insert = self._insert(_EVENTS).on_conflict_do_nothing(index_elements=["user", "id"]).returning(_EVENTS.c.number)
        with self._writing() as session:
            connection = session.connection()
            self._ensure_users(connection, (event.user for event in events))
            return len(connection.execute(insert, [self._row(arrived(event)) for event in events]).all())

    def _ensure_users(self, connection: Connection, users: Iterable[str]) -> None:
        now = time.time()
        rows = [{"id": user, "created": now} for user in dict.fromkeys(users)]
        connection.execute(self._insert(_USERS).on_conflict_do_nothing(index_elements=["id"]), rows)

    def _row(self, event: Event) -> dict[str, Any]:
        return {
            "id": event.id,
            "user": event.user,
            "kind": event.kind,
            "item": event.item,
            "text": self._cipher.hide(event.text) if event.text else "",
            "value": event.value,
            "at": event.at,
            "context": hide_record(self._cipher, event.context) if event.context else None,
        }

    def events(self, user: str, without: Collection[EventKind] = ()) -> Sequence[Event]:
        """Select."""
        with self._engine.connect() as connection:
            rows: Any = connection.execute(_events_query(frozenset(without)), {"whose": user}).all()
        show = self._cipher.show
        return [
            Event(user, kind, item, show(words), value, at, show_record(self._cipher, context) if context else {}, name)
            for kind, item, words, value, at, context, name in rows
        ]

    # -- conversations ----------------------------------------------------------------------------------------------

    def load(self, conversation: str, user: str) -> Conversation:
        """Select the turns of a conversation of this user."""
        with Session(self._engine) as session:
            self._mine(session, conversation, user)
            turns = session.scalars(select(TurnRow).where(TurnRow.conversation == conversation).order_by(TurnRow.at))
            return Conversation(conversation, user, tuple(self._turn(turn) for turn in turns))

    @staticmethod
    def _mine(session: Session, conversation: str, user: str) -> ConversationRow | None:
        """Return the row of a conversation, None when there is none; refuse another user's."""
        row = session.get(ConversationRow, conversation)
        if row is not None and row.user != user:
            raise foreign(conversation)
        return row

    def _turn(self, row: TurnRow) -> StoredTurn:
        return StoredTurn(row.id, row.at, self._cipher.show(row.message), show_record(self._cipher, row.record))

    def save(self, conversation: str, user: str, turn: StoredTurn) -> None:
        """Insert or replace."""
        message, record = self._cipher.hide(turn.message), hide_record(self._cipher, turn.record)
        with self._writing() as session:
            self._ensure_users(session.connection(), [user])
            # of two who begin the same conversation at once, one inserts it and the other waits
            new = self._insert(ConversationRow).values(id=conversation, user=user, used=turn.at)
            session.execute(new.on_conflict_do_nothing(index_elements=["id"]))
            row = self._mine(session, conversation, user)
            assert row is not None
            row.used = turn.at
            values = {"at": turn.at, "message": message, "record": record}
            place = self._insert(TurnRow).values(id=turn.id, conversation=conversation, **values)
            here = TurnRow.conversation == conversation
            place = place.on_conflict_do_update(index_elements=["id"], set_=values, where=here).returning(TurnRow.id)
            if session.execute(place).first() is None:
                raise foreign_turn(turn.id)

    def conversations(self, user: str) -> Sequence[str]:
        """Select."""
        query = select(ConversationRow.id).where(ConversationRow.user == user, _SPOKEN).order_by(ConversationRow.used.desc())
        with Session(self._engine) as session:
            return list(session.scalars(query))

    def headings(self, user: str, words: str = "") -> Sequence[Heading]:
        """Select; words are looked for here, for the database can compare neither sealed nor folded text."""
        turns = select(TurnRow).where(TurnRow.conversation == ConversationRow.id).correlate(ConversationRow)
        said = turns.with_only_columns(TurnRow.message).order_by(TurnRow.at).limit(1).scalar_subquery()
        count = turns.with_only_columns(func.count()).scalar_subquery()
        query = select(ConversationRow.id, ConversationRow.used, ConversationRow.title, said, count)
        query = query.where(ConversationRow.user == user, _SPOKEN).order_by(ConversationRow.used.desc())
        show = self._cipher.show
        with Session(self._engine) as session:
            found = [Heading(name, used, show(title), show(first), n) for name, used, title, first, n in session.execute(query)]
            wanted = split_words(words)
            return [heading for heading in found if self._holds(session, heading, wanted)] if wanted else found

    def _holds(self, session: Session, heading: Heading, words: frozenset[str]) -> bool:
        """Whether a conversation has all of some words; records are read last, for they are long."""
        words = lacking(words, heading.title, heading.said)
        for column in (TurnRow.message, TurnRow.record):
            for part in session.scalars(select(column).where(TurnRow.conversation == heading.id)) if words else ():
                shown = [self._cipher.show(part)] if isinstance(part, str) else shown_texts(show_record(self._cipher, part))
                words = lacking(words, *shown)
        return not words

    def rename(self, conversation: str, user: str, title: str) -> None:
        """Update."""
        title = read_title(title)
        with self._writing() as session:
            row = self._mine(session, conversation, user)
            if row is None:
                raise absent(conversation)
            row.title = self._cipher.hide(title) if title else ""

    def remove(self, conversation: str, user: str) -> None:
        """Delete, and overwrite what was there."""
        with self._writing() as session:
            if self._mine(session, conversation, user) is None:
                return
            session.execute(delete(TurnRow).where(TurnRow.conversation == conversation))
            session.execute(delete(ConversationRow).where(ConversationRow.id == conversation))
        self._scrub()

    def withdraw(self, conversation: str, user: str, turn: str) -> None:
        """Delete."""
        with self._writing() as session:
            self._mine(session, conversation, user)
            session.execute(delete(TurnRow).where(TurnRow.conversation == conversation, TurnRow.id == turn))

    # -- the end of what is kept ------------------------------------------------------------------------------------

    def erase(self, user: str) -> None:
        """Delete, and overwrite what was there."""
        mine = select(ConversationRow.id).where(ConversationRow.user == user)
        with self._writing() as session:
            session.execute(delete(TurnRow).where(TurnRow.conversation.in_(mine)))
            for table in (EventRow, ConversationRow):
                session.execute(delete(table).where(table.user == user))
            session.execute(delete(UserRow).where(UserRow.id == user))
            session.execute(delete(ApiKeyRow).where(ApiKeyRow.user == user, ApiKeyRow.user != ""))  # not everybody's keys
        self._scrub()

    def expire(self, before: float) -> int:
        """Delete what is older, and conversations without turns and people without anything."""
        with self._writing() as session:
            gone = sum(session.execute(delete(table).where(table.at < before)).rowcount for table in (EventRow, TurnRow))  # pyright: ignore
            if gone:
                session.execute(delete(ConversationRow).where(ConversationRow.id.not_in(select(TurnRow.conversation))))
                known = select(EventRow.user).union(select(ConversationRow.user))
                session.execute(delete(UserRow).where(UserRow.id.not_in(known)))
        if gone:
            self._scrub()
        return gone

    def _scrub(self) -> None:
        """Empty SQLite's log of writes, where what was deleted from the file itself still stands."""
        if not self._sqlite:
            return
        for _ in range(_CHECKPOINTS):
            with self._engine.connect() as connection:
                busy = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
            if not busy:
                return
            time.sleep(_PAUSE)
        logger.warning("the write-ahead log could not be emptied, for somebody reads from it: it will be when the store closes")
