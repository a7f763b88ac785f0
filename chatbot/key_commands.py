"""The commands about the keys of the API: keys add, list, revoke, clear."""

from __future__ import annotations

import json
import time
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.api_keys import SCOPES, ApiKey, issue
from chatbot.settings import make_settings
from chatbot.terminal import say
from retrieval.errors import SettingsError
from retrieval.events import DAY

if TYPE_CHECKING:
    from chatbot.store import SqlUserStore

keys = typer.Typer(help="The keys of the API: who may call it, and for what.", no_args_is_help=True)


def register(cli: typer.Typer) -> None:
    """Add the commands to a command line."""
    cli.add_typer(keys, name="keys")


def _open_store() -> closing[SqlUserStore]:
    """Open the user store of the settings until the block ends."""
    from chatbot.store_keys import store_of

    settings = make_settings()
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    return closing(store_of(settings))


@keys.command()
def add(
    name: Annotated[str, typer.Argument(help="whose key it is; logs and lists say it")],
    scope: Annotated[list[str] | None, typer.Option(help=f"{', '.join(SCOPES)}; again for each")] = None,
    user: Annotated[str, typer.Option(help="the only user that it speaks for")] = "",
    days: Annotated[float | None, typer.Option(min=0, max=36500, help="how long it is good")] = None,
    per_minute: Annotated[int | None, typer.Option(min=0, help="requests in a minute; 0: all")] = None,
    concurrent: Annotated[int | None, typer.Option(min=0, help="requests at once; 0: all")] = None,
) -> None:
    """Make a key. Its secret is printed once, on standard output, and kept nowhere."""
    if not scope:
        raise SettingsError(f"Say what the key is for, once for each: --scope chat. Scopes: {', '.join(SCOPES)}.")
    expires = None if days is None else time.time() + days * DAY
    with _open_store() as store:
        secret, key = issue(store.keys, name, scope, user=user, expires=expires, per_minute=per_minute, concurrent=concurrent)
    say(f"Key {key.id} of {key.name}, for {', '.join(sorted(key.scopes))}. This is its secret; it is not shown again:")
    typer.echo(secret)


@keys.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="one JSON object a key")] = False) -> None:
    """Show every key and token, also those that are no longer good; never a secret."""
    with _open_store() as store:
        found = store.keys.list()
    now = time.time()
    for key in found:
        typer.echo(json.dumps(_record(key, now), ensure_ascii=False) if as_json else _line(key, now))
    if not found:
        say("There is no key. Make one: python app.py keys add NAME --scope chat")


def _state(key: ApiKey, now: float) -> str:
    return "good" if key.holds(now) else "revoked" if key.revoked is not None else "expired"


def _record(key: ApiKey, now: float) -> dict[str, object]:
    names = ("id", "name", "user", "created", "expires", "revoked", "per_minute", "concurrent", "issuer")
    return {**{name: getattr(key, name) for name in names}, "scopes": sorted(key.scopes), "state": _state(key, now)}


def _line(key: ApiKey, now: float) -> str:
    whom = f"  user {key.user}" if key.user else ""
    by = f"  token of {key.issuer}" if key.issuer else ""
    until = f"  until {_day(key.expires)}" if key.expires is not None else ""
    limits = ((key.per_minute, "a minute"), (key.concurrent, "at once"))
    shown = "".join(f"  {limit} {what}" for limit, what in limits if limit is not None)
    return f"{key.id}  {_state(key, now):7}  {key.name}  [{' '.join(sorted(key.scopes))}]{whom}{by}{until}{shown}"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().isoformat(" ", "minutes")


@keys.command()
def revoke(id: Annotated[str, typer.Argument(help="of the key, as the list says it")]) -> None:
    """Take back a key, and the tokens that it issued. Servers that run know it within 5 seconds."""
    with _open_store() as store:
        key = store.keys.revoke(id)
    if key is None:
        raise SettingsError(f"There is no key '{id}'. Look at: python app.py keys list")
    say(f"Key {key.id} of {key.name} is good for nothing any more.")


@keys.command()
def clear(
    yes: Annotated[bool, typer.Option("--yes", help="do not ask: forget them, there is no way back")] = False,
) -> None:
    """Forget every key and token. On this machine's own address the API then asks for none again."""
    if not yes:
        typer.confirm("Forget every key and token? There is no way back", abort=True)
    with _open_store() as store:
        gone = store.keys.clear()
    say(f"{gone} keys and tokens are forgotten.")
