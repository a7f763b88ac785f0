"""Encrypts single fields, for databases that do not encrypt their files themselves."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, Protocol

from retrieval.errors import StoreError, missing

_MARK = "sealed:"  # what is encrypted begins with it
_LITERAL = "sealed:text:"  # stands before a plain text that begins with the mark; what is encrypted has no second colon
_SALT = b"zhiyin field encryption"  # the key is a secret of high entropy or a long passphrase; scrypt makes guessing dear
_NONCE = 12  # bytes, as NIST SP 800-38D recommends for AES-GCM


class Cipher(Protocol):
    """Hides texts and mappings, and shows what it hid."""

    def hide(self, text: str) -> str:
        """Return the text as it is stored."""
        ...

    def show(self, text: str) -> str:
        """Return the text that :meth:`hide` was given.

        Raises:
            StoreError: it was hidden with another key.
        """
        ...


class Plain:
    """Hides nothing. ``without`` is a character that the database cannot store."""

    def __init__(self, without: str = "") -> None:
        """Take the character."""
        self._without = without

    def hide(self, text: str) -> str:
        """Return it, less what cannot be stored, and marked when it would be taken for encrypted."""
        text = text.replace(self._without, "") if self._without else text
        return _LITERAL + text if text.startswith(_MARK) else text

    def show(self, text: str) -> str:
        """Return it.

        Raises:
            StoreError: it is encrypted, and there is no key.
        """
        if text.startswith(_LITERAL):
            return text[len(_LITERAL) :]
        if text.startswith(_MARK):
            raise wrong_key()
        return text


class AesGcm:
    """AES-256 in Galois/counter mode, by the package cryptography: another nonce each time, and changes are noticed."""

    def __init__(self, key: str) -> None:
        """Derive the key of the cipher from a passphrase, with scrypt.

        Raises:
            SettingsError: the package cryptography is missing.
        """
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ModuleNotFoundError as error:
            raise missing("cryptography", "private") from error
        self._cipher = AESGCM(hashlib.scrypt(key.encode(), salt=_SALT, n=2**14, r=8, p=1, dklen=32))

    def hide(self, text: str) -> str:
        """Encrypt."""
        nonce = os.urandom(_NONCE)
        return _MARK + base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), None)).decode()

    def show(self, text: str) -> str:
        """Decrypt what is encrypted; what was stored before there was a key is shown as it is."""
        if not text.startswith(_MARK) or text.startswith(_LITERAL):
            return text.removeprefix(_LITERAL)
        from cryptography.exceptions import InvalidTag

        data = base64.b64decode(text[len(_MARK) :])
        try:
            return self._cipher.decrypt(data[:_NONCE], data[_NONCE:], None).decode()
        except InvalidTag as error:
            raise wrong_key() from error


def hide_record(cipher: Cipher, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as its column keeps it."""
    return dict(record) if isinstance(cipher, Plain) else {_MARK: cipher.hide(json.dumps(record, ensure_ascii=False))}


def show_record(cipher: Cipher, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record that :func:`hide_record` was given."""
    return json.loads(cipher.show(record[_MARK])) if _MARK in record else dict(record)


def wrong_key() -> StoreError:
    """The error of a store that was encrypted with another key."""
    return StoreError(
        "The user store is encrypted, and not with this key. Set ZHIYIN_KEY, or the entry of the keyring, to the key it was "
        "encrypted with: without it nobody can read the store.",
        key="error_key",
    )
