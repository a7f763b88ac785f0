"""The two MovieLens logs, in the order of time."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEAST = 5  # ratings of a person
_YEAR = re.compile(r"\((\d{4})\)\s*(?:\(V\))?\s*$")


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody rated, whatever the rating, oldest first.

    Attributes:
        items: (n,) positions in :attr:`Films.ids`.
        times: (n,) seconds since the epoch.
    """

    items: Ints
    times: Floats

    def until(self, end: int) -> Person:
        """Return the same person before the item at a place; negative places count from the end."""
        return Person(self.items[:end], self.times[:end])


@dataclass(frozen=True, slots=True)
class Films:
    """A log and what it is about.

    Attributes:
        name: of the data set.
        ids: of the n films that somebody rated.
        cards: title and genres, to be embedded.
        years: (n,) 0 where unknown.
        genres: (n, g) 1 where a film has a genre.
        people: those with enough ratings.
    """

    name: str
    ids: list[str]
    cards: list[str]
    years: Floats
    genres: Floats
    people: list[Person]


Rating = tuple[str, str, float, float]


def read_ratings(folder: Path) -> tuple[list[Rating], dict[str, tuple[str, list[str]]]]:
    """Read a folder of MovieLens, in the layout of latest-small or of 100K.

    Returns:
        (person, film, rating, seconds since the epoch), in the order of the file; and film -> title and genres.
    """
    if (folder / "ratings.csv").is_file():
        with (folder / "ratings.csv").open(encoding="utf-8", newline="") as file:
            ratings = [(r["userId"], r["movieId"], float(r["rating"]), float(r["timestamp"])) for r in csv.DictReader(file)]
        with (folder / "movies.csv").open(encoding="utf-8", newline="") as file:
            return ratings, {
                row["movieId"]: (row["title"], [g for g in row["genres"].split("|") if not g.startswith("(")])
                for row in csv.DictReader(file)
            }
    lines = (line.split("\t") for line in (folder / "u.data").read_text(encoding="utf-8").splitlines())
    ratings = [(user, item, float(rating), float(time)) for user, item, rating, time in lines]
    names = [line.split("|")[0] for line in (folder / "u.genre").read_text(encoding="utf-8").split("\n") if line.strip()]
    films: dict[str, tuple[str, list[str]]] = {}
    for line in (folder / "u.item").read_text(encoding="latin-1").splitlines():
        item, title, *rest = line.split("|")
        flags = rest[-len(names) :]
        films[item] = (title, [name for name, flag in zip(names, flags, strict=True) if flag == "1" and name != "unknown"])
    return ratings, films


def read_latest_small(data: Path, limit: int | None = None) -> Films:
    """Read ``movielens_latest_small``; of its people, the first ones alone where a limit is given."""
    return _films("MovieLens latest-small", *read_ratings(data / "movielens_latest_small"), limit)


def read_100k(data: Path, limit: int | None = None) -> Films:
    """Read ``movielens_100k``; of its people, the first ones alone where a limit is given."""
    return _films("MovieLens 100K", *read_ratings(data / "movielens_100k"), limit)


READERS: tuple[Callable[[Path, int | None], Films], ...] = (read_latest_small, read_100k)


def _films(
    name: str,
    ratings: Iterable[Rating],
    films: dict[str, tuple[str, list[str]]],
    limit: int | None,
) -> Films:
    by_person: dict[str, list[tuple[str, float]]] = {}
    for user, item, _, time in ratings:
        by_person.setdefault(user, []).append((item, time))
    chosen = [rows for rows in by_person.values() if len(rows) >= LEAST][:limit]
    ids = sorted({item for rows in chosen for item, _ in rows}, key=int)
    positions = {item: n for n, item in enumerate(ids)}
    people: list[Person] = []
    for rows in chosen:
        rows.sort(key=lambda row: row[1])  # stable: what was rated in the same second stays in the order of the file
        people.append(Person(np.array([positions[item] for item, _ in rows]), np.array([time for _, time in rows])))
    names = sorted({genre for item in ids for genre in films[item][1]})
    genres = np.array([[genre in films[item][1] for genre in names] for item in ids], float)
    years = [_YEAR.search(films[item][0]) for item in ids]
    cards = [f"{films[item][0]}. {', '.join(films[item][1])}" for item in ids]
    return Films(name, ids, cards, np.array([float(year[1]) if year else 0.0 for year in years]), genres, people)
