"""Looks at the user store without changing it: nothing is migrated, and SQLite's files are opened to be read alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from chatbot.doctor import Check, Plan, existing
from retrieval.errors import ZhiyinError

Ask: TypeAlias = Callable[[str], "list[Any]"]  # SQL -> rows
_HEADER = b"SQLite format 3\0"
_WHOLE = 256 << 20  # a file up to so many bytes is read whole, to see whether it is
_SECONDS = 3
_AHEAD = 24 * 3600.0
_KEYS = "SELECT count(*) FROM api_keys WHERE revoked IS NULL AND (expires IS NULL OR expires > {now}) AND \"user\" = ''"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a store says of itself.

    Attributes:
        revision: of its tables; empty: from before they were numbered.
        keys: of the API that are good; None: there is no such table yet.
        last: when the latest event happened, in seconds since the epoch; 0: there is none.
    """

    revision: str
    keys: int | None
    last: float


def look_at_store(plan: Plan) -> Iterator[Check]:
    """Look whether the store opens, with its key, is of this version, whole, and can be written; and at the keys of the API."""
    from sqlalchemy import make_url

    from chatbot.store_keys import key_of

    settings = plan.settings
    key, url = key_of(settings), make_url(settings.database_url)
    facts: Facts | None = None
    try:
        if url.get_backend_name() == "sqlite":
            facts, checks = look_at_file(Path(url.database or ""), key)
        else:
            facts, checks = look_at_server(url, key)
        yield from checks
    except ZhiyinError as error:
        yield Check("user store", "failed", str(error))
    if facts is not None:
        yield look_at_revision(facts.revision)
        if facts.last > time.time() + _AHEAD:
            do = "Set the clock right; what is dated ahead counts as new until then."
            yield Check("user store: dates", "warning", "Events are dated ahead of the clock of this machine", do)
    yield look_at_doors(plan, (facts.keys or 0) if facts else 0)


def look_at_file(path: Path, key: str) -> tuple[Facts | None, list[Check]]:
    """Look at a store in a file of SQLite."""
    if not path.is_file():
        there = existing(path.parent)
        if os.access(there, os.W_OK):
            return None, [Check("user store", "ok", f"{path} is made at the first start")]
        return None, [
            Check("user store", "failed", f"{path} cannot be made: {there} cannot be written", f"chown $USER {there}")
        ]
    with path.open("rb") as file:
        header = file.read(len(_HEADER))
    if header == _HEADER and key:
        found = f"{path} is not encrypted, but a key is set: it does not open"
        return None, [Check("user store", "failed", found, "python app.py store encrypt, or unset ZHIYIN_KEY")]
    if header not in (_HEADER, b"") and not key:
        found = f"{path} is encrypted, and there is no key; or it is no database"
        return None, [Check("user store", "failed", found, "export ZHIYIN_KEY=…, the key that it was encrypted with")]
    facts, problem = _read_file(path, key)
    if problem:
        return facts, [Check("user store", "failed", f"{path}: {problem}", "Put a copy of before in its place.")]
    how = "encrypted, and opens with the key" if key else "not encrypted"
    checks = [Check("user store", "ok", f"{path} is whole; {how}")]
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        checks.append(
            Check("user store: writing", "failed", f"{path} or its folder cannot be written", f"chown $USER {path.parent}")
        )
    return facts, checks


def _read_file(path: Path, key: str) -> tuple[Facts | None, str]:
    """Read what a file says of itself, and what is wrong with it.

    Raises:
        StoreError: the key is another.
    """
    import sqlite3

    from chatbot.store.engines import sqlcipher
    from chatbot.store.sealing import wrong_key
    from retrieval.event_sort import quoted

    module: Any = sqlcipher() if key else sqlite3
    # where nobody has it open, SQLite would make the files that readers and writers share
    alone = not path.with_name(f"{path.name}-shm").exists()
    uri = f"file:{quote(str(path.absolute()))}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        with closing(module.connect(uri, uri=True, timeout=_SECONDS)) as connection:
            if key:
                connection.execute(f"PRAGMA key={quoted(key)}")
                connection.execute("PRAGMA cipher_memory_security=OFF")

            def ask(sql: str) -> list[Any]:
                return connection.execute(sql).fetchall()

            tables = {name for (name,) in ask("SELECT name FROM sqlite_master WHERE type = 'table'")}
            said = ask("PRAGMA quick_check(1)")[0][0] if path.stat().st_size <= _WHOLE else "ok"
            return (None, said) if said != "ok" else (_facts(ask, tables), "")
    except module.DatabaseError as error:
        if key and "not a database" in str(error):
            raise wrong_key() from error
        return None, f"it cannot be read: {error}"


def _facts(ask: Ask, tables: set[str]) -> Facts | None:
    """Ask a database; None where there are no tables yet."""
    if "events" not in tables:
        return None
    revision = ask("SELECT version_num FROM alembic_version") if "alembic_version" in tables else []
    keys = ask(_KEYS.format(now=time.time()))[0][0] if "api_keys" in tables else None
    last = ask("SELECT max(at) FROM events")[0][0]
    return Facts(str(revision[0][0]) if revision else "", keys, float(last or 0.0))


def look_at_server(url: Any, key: str) -> tuple[Facts | None, list[Check]]:
    """Look at a store in PostgreSQL, in a transaction that cannot write."""
    from sqlalchemy import create_engine, inspect, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    from chatbot.store.engines import open_engine
    from chatbot.store.sealing import AesGcm, Plain

    shown = url.render_as_string(hide_password=True)
    open_engine(str(url)).dispose()  # says what is wrong with the address, or what to install
    driver = url.set(drivername="postgresql+psycopg")
    engine = create_engine(driver, poolclass=NullPool, connect_args={"connect_timeout": _SECONDS})
    try:
        with engine.connect().execution_options(postgresql_readonly=True) as connection:

            def ask(sql: str) -> list[Any]:
                return list(connection.execute(text(sql)).all())

            number = ask("SHOW server_version")[0][0]
            facts = _facts(ask, set(inspect(connection).get_table_names()))
            right = "has_table_privilege('events', 'INSERT')" if facts else "has_schema_privilege(current_schema(), 'CREATE')"
            may_write = ask(f"SELECT {right} AND NOT pg_is_in_recovery()")[0][0]
            sample = ask("SELECT message FROM turns LIMIT 1") if facts else []
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        return None, [
            Check("user store", "failed", f"{shown} cannot be used: {cause}", "Start PostgreSQL, or correct ZHIYIN_DATABASE.")
        ]
    finally:
        engine.dispose()
    for (message,) in sample:
        (AesGcm(key) if key else Plain(without="\0")).show(message)  # raises where the key is another
    how = "words are encrypted" if key else "words are not encrypted"
    checks = [Check("user store", "ok", f"{shown}, PostgreSQL {number}; {how}")]
    if not may_write:
        checks.append(
            Check(
                "user store: writing",
                "failed",
                f"This account may not write in {shown}",
                "GRANT it, or name the primary server.",
            )
        )
    return facts, checks


def look_at_revision(revision: str) -> Check:
    """Compare the revision of a store's tables with those that this version knows."""
    from alembic.script import ScriptDirectory

    import chatbot.store

    scripts = ScriptDirectory(str(Path(chatbot.store.__file__).parent / "migrations"))
    head = scripts.get_current_head() or ""
    if revision == head:
        return Check("user store: tables", "ok", f"of revision {head}, as this version needs them")
    if revision in {script.revision for script in scripts.walk_revisions()} or not revision:
        found = f"of revision {revision or '0'}; the next start brings them to {head}"
        return Check("user store: tables", "warning", found, "Copy the store first, in case you want to go back.")
    found = f"of revision {revision}, which this version does not know (it knows up to {head}): a later Zhiyin made them"
    return Check("user store: tables", "failed", found, "Use that later version, or the copy from before it.")


def look_at_doors(plan: Plan, keys: int) -> Check:
    """See whether page and API ask who comes in, where others can reach them."""
    from chatbot.addresses import is_loopback

    password = bool(plan.settings.password.get_secret_value())
    if is_loopback(plan.host):
        return Check(
            "access", "ok", f"{plan.host} is this machine alone; keys: {keys}, password: {'yes' if password else 'no'}"
        )
    found = f"Others can reach {plan.host}; keys of the API: {keys}, password of the page: {'yes' if password else 'no'}"
    if password and keys:
        return Check("access", "ok", found)
    do = ["export ZHIYIN_PASSWORD=…"] * (not password) + ["python app.py keys add NAME --scope chat"] * (not keys)
    return Check("access", "warning" if password or keys else "failed", found, "; ".join(do))
