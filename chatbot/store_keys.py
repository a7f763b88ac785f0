"""Opens the user store as the settings say: where it is, its key, and for how long it keeps what."""

from __future__ import annotations

import logging
import time
from typing import Any

from chatbot.settings import Settings
from chatbot.store import SqlUserStore
from retrieval.errors import SettingsError, missing
from retrieval.events import DAY

logger = logging.getLogger(__name__)
_SERVICE = "zhiyin"  # in the keyring; the entry's name is the folder of the data


def store_of(settings: Settings) -> SqlUserStore:
    """Open the user store, and erase what is older than it may be.

    Raises:
        StoreError: it cannot be opened, or not with this key.
        SettingsError: a package is missing, or the keyring has no key.
    """
    store = SqlUserStore(settings.database_url, key_of(settings))
    if settings.keep_days:
        gone = store.expire(time.time() - settings.keep_days * DAY)
        if gone:
            logger.info("%d events and turns were older than %d days and are erased", gone, settings.keep_days)
    return store


def key_of(settings: Settings) -> str:
    """Return the key of the user store; empty when it has none.

    Raises:
        SettingsError: it should be in the keyring, and is not, or there is no keyring.
    """
    key = settings.key.get_secret_value()
    if key or not settings.keyring:
        return key
    found = _keyring().get_password(_SERVICE, str(settings.data_folder))
    if not found:
        raise SettingsError(
            f"The keyring has no key of {settings.data_folder}. Put one there: python app.py store encrypt --keyring, or set "
            "ZHIYIN_KEY."
        )
    return str(found)


def remember_key(settings: Settings, key: str) -> None:
    """Put the key into the keyring of this machine.

    Raises:
        SettingsError: there is no keyring.
    """
    try:
        _keyring().set_password(_SERVICE, str(settings.data_folder), key)
    except Exception as error:  # each backend has its own
        raise SettingsError(f"The keyring does not take the key: {error}. Set ZHIYIN_KEY instead.") from error


def _keyring() -> Any:
    try:
        import keyring
    except ModuleNotFoundError as error:
        raise missing("keyring", "private") from error
    return keyring
