"""Opens the database of a URL: SQLite, encrypted when there is a key, or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Engine, create_engine, event, make_url

from retrieval.errors import SettingsError, missing
from retrieval.event_sort import quoted

_PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    "synchronous=NORMAL",  # what is committed survives kill -9; a power cut may lose the last moments, never the file
    "busy_timeout=30000",
    "secure_delete=ON",  # what is erased is overwritten
)


def open_engine(url: str, key: str = "") -> Engine:
    """Return an engine; nothing is connected yet.

    Args:
        url: of SQLAlchemy.
        key: of an SQLite file (SQLCipher); empty: the file is not encrypted. Other databases encrypt nothing themselves.

    Raises:
        SettingsError: a package is missing, or no such database is known.
    """
    name = make_url(url).get_backend_name()
    if name == "sqlite":
        return _open_sqlite(url, key)
    if name != "postgresql":
        raise SettingsError(f"ZHIYIN_DATABASE is of {name}. Give an address of SQLite (sqlite:///PATH) or PostgreSQL.")
    try:
        return create_engine(
            make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True, json_deserializer=orjson.loads
        )
    except ModuleNotFoundError as error:
        raise missing("psycopg", "postgres") from error


def sqlcipher() -> Any:
    """Return SQLite's module with encryption.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        from sqlcipher3 import dbapi2  # pyright: ignore[reportMissingTypeStubs]
    except ModuleNotFoundError as error:
        raise missing("sqlcipher3", "private") from error
    return dbapi2


def _open_sqlite(url: str, key: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": 30}, json_deserializer=orjson.loads, **({"module": sqlcipher()} if key else {})
    )
    event.listen(engine, "connect", _configure(key))
    return engine


def _configure(key: str) -> Callable[[Any, Any], None]:
    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ((f"key={quoted(key)}", "cipher_memory_security=OFF") if key else ()) + _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return configure
