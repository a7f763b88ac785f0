"""The commands about the user store itself: store encrypt, decrypt, rekey."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatbot.settings import Settings, make_settings
from chatbot.terminal import say
from retrieval.errors import SettingsError

store = typer.Typer(help="The file that holds what people did and said: encrypt it, change its key.", no_args_is_help=True)
Keyring = Annotated[bool, typer.Option("--keyring", help="keep the key in the keyring of this machine")]
_LEAST = 8  # characters of a key


@store.command()
def encrypt(keyring: Keyring = False) -> None:
    """Encrypt the user store. The key is asked for, or is ZHIYIN_KEY; without it nobody can read the store again."""
    from chatbot.store.ciphering import encrypt_file

    settings = make_settings()
    key = settings.key.get_secret_value() or _ask("Key")
    encrypt_file(_file_of(settings), key)
    _keep(settings, key, "encrypted", keyring)


@store.command()
def decrypt() -> None:
    """Write the user store without encryption."""
    from chatbot.store.ciphering import decrypt_file
    from chatbot.store_keys import key_of

    settings = make_settings()
    decrypt_file(_file_of(settings), key_of(settings) or _ask("Key", twice=False))
    say(f"{_file_of(settings)} is no longer encrypted: unset ZHIYIN_KEY and ZHIYIN_KEYRING.")


@store.command()
def rekey(keyring: Keyring = False) -> None:
    """Encrypt the user store with another key, which is asked for or is ZHIYIN_NEW_KEY."""
    from chatbot.store.ciphering import rekey_file
    from chatbot.store_keys import key_of

    settings = make_settings()
    old = key_of(settings) or _ask("Old key", twice=False)
    new = settings.new_key.get_secret_value() or _ask("New key")
    rekey_file(_file_of(settings), old, new)
    _keep(settings, new, "encrypted with the new key", keyring or settings.keyring)


def _keep(settings: Settings, key: str, done: str, keyring: bool) -> None:
    """Say what was done, and what opens the store from now on."""
    from chatbot.store_keys import remember_key

    path = _file_of(settings)
    if not keyring:
        say(f"{path} is {done}. Set ZHIYIN_KEY to the key from now on; without it nobody can read the file.")
        return
    remember_key(settings, key)
    say(f"{path} is {done}, and the key is in the keyring. Set ZHIYIN_KEYRING=1 from now on; keep a copy of the key elsewhere.")


def _file_of(settings: Settings) -> Path:
    from sqlalchemy import make_url

    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise SettingsError(
            "Only a file of SQLite is encrypted whole. In PostgreSQL, what is written while ZHIYIN_KEY is set is encrypted."
        )
    return Path(url.database)


def _ask(name: str, *, twice: bool = True) -> str:
    """Ask for a key without showing it."""
    key = str(typer.prompt(name, hide_input=True, confirmation_prompt=twice))
    if twice and len(key) < _LEAST:
        raise SettingsError(f"The key has {len(key)} characters. Take at least {_LEAST}; a sentence is good.")
    return key
