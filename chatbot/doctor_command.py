"""The command that looks whether Zhiyin can run here: doctor."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.commands import Catalog, DomainName
from chatbot.settings import Settings, go_offline

if TYPE_CHECKING:
    from chatbot.doctor import Check

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


def register(cli: typer.Typer) -> None:
    """Add the command to a command line."""
    cli.command()(doctor)


def doctor(
    catalog: Catalog = None,
    domain: DomainName = None,
    host: Annotated[str, typer.Option(help="address that it would listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port that it would listen on", min=0, max=65535)] = 7860,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on standard output")] = False,
) -> None:
    """Look whether Zhiyin can run here, and say what to do where it cannot; exit code 1 if anything failed. It only looks."""
    go_offline()
    from chatbot.doctor import Plan, examine

    settings, checks = read_settings()
    checks += examine(Plan(settings, host, port, catalog, domain))
    bad = sum(check.status == "failed" for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": not bad, "checks": [asdict(check) for check in checks]}, ensure_ascii=False))
    else:
        show(checks)
    if bad:
        raise typer.Exit(1)


def read_settings() -> tuple[Settings, list[Check]]:
    """Read the settings; those that are wrong are told, and their defaults stand in."""
    from pydantic import ValidationError

    from chatbot.doctor import Check

    try:
        return Settings(), []
    except ValidationError as error:
        wrong = {str(problem["loc"][0]): problem for problem in error.errors()}
    usual = {name: Settings.model_fields[name].get_default(call_default_factory=True) for name in wrong}
    checks = [
        Check(
            "settings",
            "failed",
            f"ZHIYIN_{name.upper()} is {p['input']!r}: {p['msg']}",
            f"Correct it, or: unset ZHIYIN_{name.upper()}",
        )
        for name, p in wrong.items()
    ]
    return Settings(**usual), checks


def show(checks: list[Check]) -> None:
    """Print a table, and a line of what it comes to."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=False, pad_edge=False)
    for column in ("", "what", "found", "what to do"):
        table.add_column(column, overflow="fold")
    for check in checks:
        status = Text(check.status, style=_COLOURS[check.status])
        table.add_row(status, check.name, Text(check.found), Text(check.do))
    console = Console(highlight=False)
    console.print(table)
    count = {status: sum(check.status == status for check in checks) for status in _COLOURS}
    console.print(f"{count['ok']} ok, {count['warning']} warnings, {count['failed']} failed", markup=False)
