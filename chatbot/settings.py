"""Settings: the one reader of the environment. Every name begins with ``ZHIYIN_``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar, Token
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from chatbot.types import MAX_COUNT
from retrieval.errors import SettingsError

USUAL_DOMAIN = "movies"
_FIRST: ContextVar[Mapping[str, Any]] = ContextVar("options before the command", default={})  # noqa: B039  (never changed)


class Settings(BaseSettings):
    """What can be set from outside; the command line overrides it.

    Attributes:
        home: folder of weights, index and user data.
        data: folder of index and user data alone.
        model: ``default``, the name of other weights in the manifest, a folder, a GGUF file or a hub id.
        embedder: the same for the embedding model, or ``hashing``.
        engine: ``auto`` takes llama.cpp for a GGUF file on a machine without a GPU and transformers otherwise; ``openai`` is
            the one engine that uses a network: a server of the owner's, on which ``model`` is a name, or ``default`` its first.
        server_url: base URL of that server's API; ends in ``/v1``. Nothing else is ever asked for an answer.
        server_key: its key, if it wants one. It is never shown or logged.
        server_timeout: seconds to wait for the next piece of its answer.
        adapter: folder of an adapter of the model that ``python app.py tune`` made: it votes. Empty: the model itself votes.
        database: of the user store, an address of SQLAlchemy; empty: the file zhiyin.db in the folder of the data.
        key: encrypts the user store: the whole file of SQLite, all words in PostgreSQL. It is never shown or logged.
        new_key: what 'python app.py store rekey' changes the key to; asked for when it is empty.
        keyring: the key is in the keyring of this machine, where 'python app.py store encrypt --keyring' put it.
        keep_days: events and conversations older than this are erased; 0: they are kept.
        deidentify: names of the reachable (addresses, phone numbers, cards, identity numbers) are taken out of what is typed.
        domain: a shipped domain or a folder with a domain.toml.
        items: how many items a reply recommends.
        vote_weight: weight of the model's vote beside the channels' in the reciprocal rank fusion; 0: it does not vote.
            Without, what 'train-ranker --vote' learned of the catalogue counts, and nothing where it learned nothing.
        calibration: from 0 to 1: how much a list follows the kinds that the person likes in their proportions, where nothing is
            asked for; what it costs is in docs/audit/audit.md. 0: not at all.
        read_with_model: the model reads the messages that the rules leave open.
        context_tokens: the model's context a conversation slot.
        threads: of the engine; 0 means what 'python app.py weights' measured, else one a core. On a machine with other work,
            one fewer is steadier.
        password: who opens the page gives a name and this; without it the page is for this machine alone. It is never shown or
            logged.
        single_user: the page has no names: everybody is the default user.
        messages_per_minute: how many of a user, and of an address, are answered in a minute; 0: all.
        fetch_pictures: pictures that the catalogue names by URL may be fetched, once each, by the server; without it nothing is
            requested from another host.
        log: ``text`` for people or ``json`` for programs, on standard error.
        audit_log: file of who asked the API for what, without any message; empty: they go to the other log lines.
        traces: URL of an OpenTelemetry collector (OTLP over gRPC); empty: nothing is traced.
        model_timeout: seconds to wait for the model's next word; then sentences from the cards take its place.
        shutdown_seconds: how long running turns may go on when the program is told to end; then they are cut, and kept.
        api_per_minute: requests of a key in a minute, unless the key says otherwise; 0: all.
        api_concurrent: requests of a key at once, unless the key says otherwise; 0: all.
        api_max_body: bytes of a request.
        api_origins: web origins whose pages may call the API from a browser, parted by commas; empty: none.
        chroma_url: of a Chroma server that holds the vectors; empty: Chroma runs in this process, which holds its folder alone.
        artifacts: folder or object storage (an fsspec URL) that indexes are published to and taken from; empty: none.
    """

    model_config = SettingsConfigDict(env_prefix="ZHIYIN_", extra="ignore")

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_cache_dir("zhiyin", appauthor=False)))
    data: Path | None = None
    model: str = "default"
    embedder: str = "default"
    engine: Literal["auto", "llama_cpp", "transformers", "openai", "scripted"] = "auto"
    server_url: str = ""
    server_key: SecretStr = SecretStr("")
    server_timeout: float = Field(default=120, gt=0, le=3600)
    adapter: str = ""
    database: str = ""
    key: SecretStr = SecretStr("")
    new_key: SecretStr = SecretStr("")
    keyring: bool = False
    keep_days: int = Field(default=0, ge=0, le=36500)
    deidentify: bool = True
    domain: str = USUAL_DOMAIN
    items: int = Field(default=3, ge=1, le=MAX_COUNT)
    vote_weight: float | None = Field(default=None, ge=0, le=10)
    calibration: float = Field(default=0.0, ge=0, le=1)
    read_with_model: bool = False
    context_tokens: int = Field(default=2048, ge=1024, le=131072)
    threads: int = Field(default=0, ge=0, le=1024)
    password: SecretStr = SecretStr("")
    single_user: bool = False
    messages_per_minute: int = Field(default=30, ge=0, le=6000)
    fetch_pictures: bool = False
    log: Literal["text", "json"] = "text"
    audit_log: str = ""
    traces: str = ""
    model_timeout: float = Field(default=60, gt=0, le=3600)
    shutdown_seconds: float = Field(default=2, ge=0, le=600)
    api_per_minute: int = Field(default=6000, ge=0, le=1_000_000)
    api_concurrent: int = Field(default=64, ge=0, le=10_000)
    api_max_body: int = Field(default=1 << 20, ge=1024, le=1 << 28)
    api_origins: str = ""
    chroma_url: str = ""
    artifacts: str = ""

    @property
    def weights_folder(self) -> Path:
        """Where fetched weights lie."""
        return self.home.expanduser() / "weights"

    @property
    def data_folder(self) -> Path:
        """Where the index and the user store lie."""
        return (self.data or self.home).expanduser()

    @property
    def database_url(self) -> str:
        """The user store."""
        return self.database or f"sqlite:///{self.data_folder / 'zhiyin.db'}"

    @property
    def pictures_folder(self) -> Path:
        """Where small pictures of items are kept; it may be deleted at any time."""
        return self.data_folder / "pictures"

    def index_folder(self, name: str) -> Path:
        """Where the index of a catalogue lies."""
        return self.data_folder / "index" / name


def give_first(**options: Any) -> Token[Mapping[str, Any]]:
    """Take the options that stand before a command (``zhiyin --domain books ask …``): they count where it has none itself.

    ``reset_first`` takes the token when the command is over.
    """
    return _FIRST.set({name: value for name, value in options.items() if value})


def reset_first(token: Token[Mapping[str, Any]]) -> None:
    """Forget the options that stood before a command's name."""
    _FIRST.reset(token)


def make_settings(**options: Any) -> Settings:
    """Read the settings; options that are given win.

    Raises:
        SettingsError: a value is wrong; names the setting.
    """
    first = _FIRST.get()
    options = {**first, **{name: value for name, value in options.items() if value is not None}}
    if options.pop("demo", False) or first.get("demo"):
        options |= {"engine": "scripted", "embedder": "hashing"}
    try:
        return Settings(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"ZHIYIN_{str(first['loc'][0]).upper()}"
        raise SettingsError(f"{name} (or its option) is {first['input']!r}: {first['msg']}.") from error


def go_offline() -> None:
    """Tell the libraries that nothing may leave this machine; before they are imported."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", GRADIO_ANALYTICS_ENABLED="False")
    os.environ.update(ANONYMIZED_TELEMETRY="False", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
