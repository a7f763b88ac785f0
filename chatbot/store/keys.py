"""Where the keys of the API are kept: in the user store's database, or in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, delete, insert, or_, select, update

from chatbot.api_keys import ApiKey, digest, same, split_secret
from chatbot.store.tables import ApiKeyRow

_KEYS: Any = ApiKeyRow.__table__


class SqlKeys:
    """Every method is one transaction; see :class:`chatbot.api_keys.KeyStore`."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine of a database that has the tables."""
        self._engine = engine

    def add(self, key: ApiKey, secret: str) -> None:
        """Insert; with a user, delete the tokens that have expired."""
        row = {c.name: getattr(key, c.name) for c in _KEYS.c if c.name not in ("digest", "scopes")}
        with self._engine.begin() as connection:
            if key.user:
                connection.execute(delete(_KEYS).where(_KEYS.c.user != "", _KEYS.c.expires <= key.created))
            connection.execute(insert(_KEYS).values(**row, digest=digest(secret), scopes=" ".join(sorted(key.scopes))))

    def find(self, secret: str) -> ApiKey | None:
        """Select by the id, and compare the digest."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_KEYS).where(_KEYS.c.id == split_secret(secret))).one_or_none()
        if row is None or not same(row.digest, digest(secret)):
            return None
        key = _read(row)
        return key if key.holds(time.time()) else None

    def list(self) -> Sequence[ApiKey]:
        """Select."""
        with self._engine.connect() as connection:
            return [_read(row) for row in connection.execute(select(_KEYS).order_by(_KEYS.c.created, _KEYS.c.id))]

    def revoke(self, id: str) -> ApiKey | None:
        """Update."""
        mine = or_(_KEYS.c.id == id, _KEYS.c.issuer == id) if id else _KEYS.c.id == id
        with self._engine.begin() as connection:
            connection.execute(update(_KEYS).where(mine, _KEYS.c.revoked.is_(None)).values(revoked=time.time()))
            row = connection.execute(select(_KEYS).where(_KEYS.c.id == id)).one_or_none()
        return None if row is None else _read(row)

    def any(self) -> bool:
        """Select one."""
        with self._engine.connect() as connection:
            return connection.execute(select(_KEYS.c.id).limit(1)).first() is not None

    def clear(self) -> int:
        """Delete."""
        with self._engine.begin() as connection:
            return connection.execute(delete(_KEYS)).rowcount


def _read(row: Any) -> ApiKey:
    values = {name: value for name, value in row._mapping.items() if name not in ("digest", "scopes")}
    return ApiKey(scopes=frozenset(row.scopes.split()), **values)


class InMemoryKeys:
    """Forgets every key with the process; see :class:`chatbot.api_keys.KeyStore`."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[str, ApiKey]] = {}  # id to digest and key

    def add(self, key: ApiKey, secret: str) -> None:
        """Add; with a user, drop the tokens that have expired."""
        with self._lock:
            if key.user:
                self._drop(lambda old: bool(old.user and old.expires is not None and old.expires <= key.created))
            self._keys[key.id] = digest(secret), key

    def _drop(self, gone: Callable[[ApiKey], bool]) -> None:
        self._keys = {id: (kept, key) for id, (kept, key) in self._keys.items() if not gone(key)}

    def find(self, secret: str) -> ApiKey | None:
        """Look up by the id, and compare the digest."""
        kept, key = self._keys.get(split_secret(secret), ("", None))
        return key if key and same(kept, digest(secret)) and key.holds(time.time()) else None

    def list(self) -> Sequence[ApiKey]:
        """List."""
        return sorted((key for _, key in self._keys.values()), key=lambda key: (key.created, key.id))

    def revoke(self, id: str) -> ApiKey | None:
        """Replace."""
        now = time.time()
        with self._lock:
            if id not in self._keys:
                return None
            for name, (kept, key) in self._keys.items():
                if id in (key.id, key.issuer) and key.revoked is None:
                    self._keys[name] = kept, replace(key, revoked=now)
            return self._keys[id][1]

    def any(self) -> bool:
        """Look."""
        return bool(self._keys)

    def clear(self) -> int:
        """Drop all."""
        with self._lock:
            gone, self._keys = len(self._keys), {}
        return gone

    def erase(self, user: str) -> None:
        """Drop the tokens of a user whose everything is erased."""
        with self._lock:
            self._drop(lambda key: bool(user) and key.user == user)
