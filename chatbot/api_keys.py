"""The keys of the API: what one may do, its secret, and the seam to where they are kept."""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.errors import SettingsError

SCOPES = ("chat", "recommend", "items", "events", "profile", "monitor", "tokens")
USER_SCOPES = frozenset({"chat", "recommend", "items", "events", "profile"})  # what the token of one person can be good for
MAX_NAME, MAX_USER = 100, 200  # characters
_USER = re.compile(r"[^\x00-\x1f\x7f]+")  # as in requests
_SECRET = re.compile(r"zy_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret; one that has ``issuer`` is the token of a user.

    Attributes:
        id: part of the secret, and what logs and commands call it.
        name: whose it is, for people.
        scopes: of :data:`SCOPES`.
        user: whom it speaks for; empty: for anybody.
        created: seconds since the epoch, as are ``expires`` and ``revoked``.
        expires: from when on it is good for nothing; None: never.
        revoked: when it was taken back; None: it was not.
        per_minute: requests in a minute; None: as the settings say; 0: all.
        concurrent: requests at once; None: as the settings say; 0: all.
        issuer: the key that a token was issued by, and is revoked with.
    """

    id: str
    name: str
    scopes: frozenset[str]
    user: str = ""
    created: float = 0.0
    expires: float | None = None
    revoked: float | None = None
    per_minute: int | None = None
    concurrent: int | None = None
    issuer: str = ""

    def holds(self, now: float) -> bool:
        """Whether it is good at a moment: neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class KeyStore(Protocol):
    """Keeps keys. Thread-safe; each call may wait for a disk or a network."""

    def add(self, key: ApiKey, secret: str) -> None:
        """Keep a new key, and a digest of its secret; with a user's token, those that have expired go. See :func:`issue`."""
        ...

    def find(self, secret: str) -> ApiKey | None:
        """Return the key of a secret; None where there is none, or it is revoked or expired."""
        ...

    def list(self) -> Sequence[ApiKey]:
        """Return every key and token, also those that are good for nothing any more, the oldest first."""
        ...

    def revoke(self, id: str) -> ApiKey | None:
        """Take back a key and the tokens it issued; return it as it is then, None where there is none.

        One that is revoked already stays as it is.
        """
        ...

    def any(self) -> bool:
        """Whether there is a key or a token, good or not: once there has been one, nobody comes in without."""
        ...

    def clear(self) -> int:
        """Forget every key and token, and say how many they were."""
        ...


def issue(
    keys: KeyStore,
    name: str,
    scopes: Collection[str],
    *,
    user: str = "",
    expires: float | None = None,
    per_minute: int | None = None,
    concurrent: int | None = None,
    issuer: str = "",
) -> tuple[str, ApiKey]:
    """Make a key and keep it; see :class:`ApiKey`.

    Returns:
        The secret, which is kept nowhere, and the key.

    Raises:
        SettingsError: a name, a scope or a limit is wrong; nothing is made.
    """
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        raise SettingsError(f"A key has a name of 1 to {MAX_NAME} printable characters, not {name!r}.")
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise SettingsError(f"There is no scope '{unknown[0]}'. Scopes: {', '.join(SCOPES)}.")
    if not scopes:
        raise SettingsError(f"A key without a scope opens nothing. Scopes: {', '.join(SCOPES)}.")
    if user and not (len(user) <= MAX_USER and _USER.fullmatch(user)):  # whoever may have events may have a token
        raise SettingsError(f"A user has at most {MAX_USER} printable characters.")
    if expires is not None and not math.isfinite(expires):
        raise SettingsError(f"A key does not expire at {expires}.")
    for limit in (per_minute, concurrent):
        if limit is not None and limit < 0:
            raise SettingsError(f"A limit is {limit}. Give a number from 1, or 0 for none.")
    now, id = time.time(), secrets.token_hex(8)
    secret = f"zy_{id}_{secrets.token_urlsafe(32)}"
    key = ApiKey(id, name, frozenset(scopes), user, now, expires, None, per_minute, concurrent, issuer)
    keys.add(key, secret)
    return secret, key


def split_secret(secret: str) -> str:
    """Return the id of the key of a secret; empty when it is none."""
    found = _SECRET.fullmatch(secret)
    return found.group(1) if found else ""


def digest(secret: str) -> str:
    """Return what is kept of a secret: it has 256 random bits, so that a plain hash tells nothing of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two digests in a time that does not depend on them."""
    return hmac.compare_digest(one.encode(), other.encode())
