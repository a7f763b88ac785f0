"""What commands say while they work, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import typer


def say(text: str) -> None:
    """Say a line."""
    typer.echo(text, err=True)


@contextmanager
def bar(name: str) -> Generator[Callable[[str, float], None]]:
    """Show a progress bar; yields what moves it: a stage and its fraction."""
    from tqdm import tqdm

    with tqdm(total=100, desc=name, file=sys.stderr, bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}") as shown:

        def show(stage: str, fraction: float) -> None:
            now = min(100, round(100 * fraction)), f"{name}: {stage}" if stage else name
            if now != (shown.n, shown.desc):
                shown.n = now[0]
                shown.set_description_str(now[1])

        yield show
