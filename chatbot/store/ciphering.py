"""Encrypts, decrypts and re-keys the file of an SQLite store, with SQLCipher. Each writes a new file and then switches."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

from chatbot.store.engines import sqlcipher
from chatbot.store.sealing import wrong_key
from retrieval.errors import StoreError
from retrieval.event_sort import quoted

_BLOCK = 1 << 20


def encrypt_file(path: Path, key: str) -> None:
    """Encrypt a file that is not encrypted, and overwrite the old one before it is removed.

    Overwriting reaches no copy that the disk itself keeps (flash storage does): erase such disks, or encrypt them whole.

    Raises:
        StoreError: it is in use, no database, or encrypted already.
        SettingsError: SQLCipher is not installed.
    """
    _convert(path, "", key)


def decrypt_file(path: Path, key: str) -> None:
    """Write an encrypted file without encryption.

    Raises:
        StoreError: it is in use, or encrypted with another key.
        SettingsError: SQLCipher is not installed.
    """
    _convert(path, key, "")


def rekey_file(path: Path, key: str, new: str) -> None:
    """Encrypt an encrypted file with another key.

    Raises:
        StoreError: it is in use, or encrypted with another key.
        SettingsError: SQLCipher is not installed.
    """
    _convert(path, key, new)


def _convert(path: Path, key: str, new: str) -> None:
    dbapi = sqlcipher()
    if not path.is_file():
        raise StoreError(f"There is no user store at {path} yet: it is encrypted from its first day on when ZHIYIN_KEY is set.")
    target = path.with_name(f"{path.name}.new")
    target.unlink(missing_ok=True)
    try:
        with closing(_open_alone(dbapi, path, key)) as source:
            source.execute(f"ATTACH DATABASE {quoted(target)} AS other KEY {quoted(new)}")
            source.execute("SELECT sqlcipher_export('other')")
            source.execute("DETACH DATABASE other")
    except dbapi.DatabaseError as error:
        target.unlink(missing_ok=True)
        if "locked" in str(error):
            raise StoreError(f"{path} is in use. Close the page and whatever else has it open, and try again.") from error
        if key:
            raise wrong_key() from error
        raise StoreError(f"{path} cannot be read: {error}. It is encrypted already, or no user store.") from error
    os.chmod(target, 0o600)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    old = path.with_name(f"{path.name}.old")
    os.replace(path, old)
    os.replace(target, path)  # a crash between the two leaves both files whole beside each other
    for rest in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    if not key:
        _overwrite(old)
    old.unlink()


def _open_alone(dbapi: Any, path: Path, key: str) -> Any:
    """Open a file that nobody else has open: only then SQLite leaves the mode with a write-ahead log."""
    connection = dbapi.connect(str(path), timeout=1.0, isolation_level=None)
    if key:
        connection.execute(f"PRAGMA key={quoted(key)}")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("PRAGMA journal_mode=DELETE")
    return connection


def _overwrite(path: Path) -> None:
    """Write zeros over a file that must not be read again."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        for start in range(0, size, _BLOCK):
            file.write(b"\0" * min(_BLOCK, size - start))
        file.flush()
        os.fsync(file.fileno())
