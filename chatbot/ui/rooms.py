"""One catalogue's page among several of a process: where it is, what it offers first, and the ways to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retrieval.domain import Domain


@dataclass(frozen=True, slots=True)
class Door:
    """The way to a page.

    Attributes:
        path: where it is, such as ``/books/``.
        names: what its things are called, by language.
        here: it is this page.
    """

    path: str
    names: Mapping[str, str]
    here: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """A page.

    Attributes:
        path: below which it is, without a slash at its end: ``/books``; empty for the first.
        starters: messages that it offers, by language.
        doors: the ways to the pages of the other catalogues; empty where there is one alone.
    """

    path: str = ""
    starters: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    doors: tuple[Door, ...] = ()


def rooms_of(domains: Sequence[Domain], paths: Sequence[str] = ("",)) -> list[Room]:
    """Return the page of every domain, each below its path."""
    names = [{lang: domain.title.get(lang, noun.many) for lang, noun in domain.noun.items()} for domain in domains]
    rooms: list[Room] = []
    for own, domain in zip(paths, domains, strict=True):
        doors = [Door(f"{path}/", name, here=path == own) for path, name in zip(paths, names, strict=True)]
        rooms.append(Room(own, domain.starters, tuple(doors) if len(doors) > 1 else ()))
    return rooms
