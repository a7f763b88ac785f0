"""Opens the database of a URL: SQLite, encrypted when there is a key, or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Engine, create_engine, event, make_url

from chatbot.store.faults import Pool, keep_file, watch
from retrieval.errors import SettingsError, missing
from retrieval.event_sort import quoted

_PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    "synchronous=NORMAL",  # what is committed survives kill -9; a power cut may lose the last moments, never the file
    "secure_delete=ON",  # what is erased is overwritten
    "cache_size=-256",  # KiB of pages that each connection keeps; the system keeps the file too, once for all of them
)
BUSY_SECONDS = 10  # for a lock, a free connection or a server: whoever waits at the other end of a request waits little longer
# connections, kept and beside them in need: opening an encrypted one takes a tenth of a second
SQLITE_POOL: dict[str, Any] = {"poolclass": Pool, "pool_size": 16, "max_overflow": 16, "pool_timeout": BUSY_SECONDS}
POSTGRES_POOL: dict[str, Any] = {
    "poolclass": Pool,
    "pool_size": 10,
    "max_overflow": 20,
    "pool_timeout": BUSY_SECONDS,
    "pool_pre_ping": True,  # after the server was started again
    "pool_recycle": 1800,
}
_COMMON: dict[str, Any] = {"json_deserializer": orjson.loads, "hide_parameters": True}  # people's words are in no error


def open_engine(url: str, key: str = "") -> Engine:
    """Return an engine; nothing is connected yet.

    Args:
        url: of SQLAlchemy.
        key: of an SQLite file (SQLCipher); empty: the file is not encrypted. Other databases encrypt nothing themselves.

    Raises:
        SettingsError: a package is missing, or no such database is known.
    """
    address = make_url(url)
    name = address.get_backend_name()
    if name == "sqlite":
        return _open_sqlite(address, key)
    if name != "postgresql":
        raise SettingsError(f"ZHIYIN_DATABASE is of {name}. Give an address of SQLite (sqlite:///PATH) or PostgreSQL.")
    try:
        limit = {} if "connect_timeout" in address.query else {"connect_timeout": BUSY_SECONDS}
        address = address.set(drivername="postgresql+psycopg")
        engine = create_engine(address, connect_args=limit, **POSTGRES_POOL, **_COMMON)
    except ModuleNotFoundError as error:
        raise missing("psycopg", "postgres") from error
    watch(engine)
    return engine


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


def _open_sqlite(url: URL, key: str) -> Engine:
    limit = {} if "timeout" in url.query else {"timeout": BUSY_SECONDS}
    module = {"module": sqlcipher()} if key else {}
    file = Path(url.database) if url.database and not url.database.startswith((":", "file:")) else None
    engine = create_engine(url, connect_args=limit, **(SQLITE_POOL if file else {}), **module, **_COMMON)
    event.listen(engine, "connect", _configure(key))
    watch(engine)
    if file:
        keep_file(engine, file)
    return engine


def _configure(key: str) -> Callable[[Any, Any], None]:
    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ((f"key={quoted(key)}", "cipher_memory_security=OFF") if key else ()) + _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return configure
