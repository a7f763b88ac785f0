"""Year, directors and length of the films catalogue against public tables, wherever a film is found in them.

A film is found in a table by title (any of its titles, folded) and year (two years apart at most). Every difference was
looked at: those that stay are listed in ``catalogue_facts_reviewed.toml`` with the reason, and anything else fails.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from retrieval.domain_files import DOMAINS, tomllib

REVIEWED = Path(__file__).with_name("catalogue_facts_reviewed.toml")
REASONS = {
    "mainland release": "the year of the release in mainland China",
    "other release": "the year of a later release elsewhere, of an early screening, or of production",
    "other cut": "the length of another cut, restoration or projection speed",
    "table wrong": "another table says what the catalogue says, or the statement is known to be wrong",
    "spelling": "another spelling or transcription of the same name",
    "credit": "a co-director, or one without a credit",
    "other film": "another film of the same title",
}
YEARS_APART = 2
ROUNDING = 1  # minutes: tables round seconds up or down
ARTICLES = "the|a|an|le|la|les|l'|il|lo|el|los|las|das|der|die|det|den|de"


class Difference(NamedTuple):
    """One disagreement of a table with the catalogue."""

    id: str
    field: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Row:
    """What a table says of one film; None and () where it says nothing."""

    titles: frozenset[str]
    year: int | None
    directors: tuple[str, ...] = ()
    length: int | None = None


def fold(text: str) -> str:
    """A title without case, accents, signs, spaces and a leading English article."""
    text = text.casefold().replace("ł", "l").replace("ø", "o").replace("&", " and ")
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"^(the|a|an) ", "", re.sub(r"\W+", " ", text).strip()).replace(" ", "")


def variants(title: str) -> frozenset[str]:
    """Every way a table's title may be meant: "Hate (Haine, La) (1995)" is "Hate" and "La Haine"."""
    title = re.sub(r"\(\d{4}\)\s*$", "", title.replace("\u00a0", " ")).strip()
    parts = {title, re.sub(r"\s*\(.*", "", title), *re.findall(r"\(([^()]*)\)", title)}
    parts |= {re.split(r"\s+or:?\s+", part)[0] for part in parts}
    parts = {re.sub(r"^a\.?k\.?a\.?\s+", "", part, flags=re.I) for part in parts}
    turned = {re.sub(rf"^(.*), ({ARTICLES})$", r"\2 \1", part, flags=re.I) for part in parts}
    return frozenset(fold(part) for part in parts | turned) - {""}


def name(person: str) -> str:
    """A person's name without accents, signs and order: "Kar-Wai Wong" is "Wong Kar-wai"."""
    folded = unicodedata.normalize("NFKD", person.casefold().replace("ł", "l").replace("ø", "o"))
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(sorted(re.sub(r"\W+", " ", folded).split()))


def number(text: object) -> int | None:
    """The whole number a text begins with; 0 means unknown in these tables."""
    found = re.match(r"\d+", str(text or ""))
    return int(found[0]) or None if found else None


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    # douban_top250 holds a mark before the file and another before its second column
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    return csv.DictReader(text.replace("\ufeff", "").splitlines(keepends=True))


def tmdb(data: Path) -> Iterator[Row]:
    for row in read_csv(data / "movie_catalogue" / "tmdb_5000_movies.csv.gz"):
        titles = variants(row["title"]) | variants(row["original_title"])
        yield Row(titles, number(row["release_date"]), length=number(row["runtime"]))


def imdb(data: Path) -> Iterator[Row]:
    for row in read_csv(data / "movie_catalogue" / "imdb_5000_movie_metadata.csv.gz"):
        directors = (row["director_name"],) if row["director_name"] else ()
        yield Row(variants(row["movie_title"]), number(row["title_year"]), directors, number(row["duration"]))


def movielens(data: Path) -> Iterator[Row]:
    for file in ("ml_latest_small_joined.jsonl.gz", "ml_100k_joined.jsonl.gz"):
        with gzip.open(data / "movie_catalogue" / file, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                yield Row(variants(row["title"]) | variants(row["clean_title"]), row["year"], tuple(row["directors"] or ()))


def douban(data: Path) -> Iterator[Row]:
    for file in ("douban_all_movies.csv.gz", "douban_top250_movies.csv"):
        for row in read_csv(data / "douban_movies" / file):
            directors = (row["directors"],) if row["directors"] else ()
            yield Row(frozenset({fold(row["title"])}), number(row["release_date"]), directors, number(row["runtime"]))


TABLES = {"tmdb": tmdb, "imdb": imdb, "movielens": movielens, "douban": douban}


@dataclass(frozen=True)
class Comparison:
    """What the comparison with all tables gave."""

    films: int
    found: dict[str, set[str]]
    compared: Counter[str]
    differences: list[Difference]
    rounded: int


@pytest.fixture(scope="module")
def films():
    with (DOMAINS / "movies" / "catalogue.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def reviewed():
    return tomllib.loads(REVIEWED.read_text(encoding="utf-8"))["reviewed"]


def compare(film, row: Row, chinese: bool) -> Iterator[Difference]:
    if row.year != film["year"]:
        yield Difference(film["id"], "year", str(film["year"]), str(row.year))
    ours = film["directors_zh" if chinese else "directors"]
    for director in row.directors:
        if name(director) not in map(name, ours):
            yield Difference(film["id"], "directors", ", ".join(ours), director)
    if row.length and row.length != film["runtime"]:
        yield Difference(film["id"], "runtime", str(film["runtime"]), str(row.length))


@pytest.fixture(scope="module")
def comparison(films, shared_data):
    found, compared, differences, rounded = defaultdict(set), Counter(), {}, set()
    for table, read in TABLES.items():
        by_title = defaultdict(list)
        for row in read(shared_data):
            for title in row.titles:
                by_title[title].append(row)
        for film in films:
            fields = ("title_zh",) if table == "douban" else ("title_en", "title_original")
            rows = [row for title in {fold(film[field]) for field in fields} for row in by_title.get(title, ())]
            for row in {row for row in rows if row.year and abs(row.year - film["year"]) <= YEARS_APART}:
                found[table].add(film["id"])
                compared.update({"year": 1, "directors": len(row.directors), "runtime": int(row.length is not None)})
                for difference in compare(film, row, table == "douban"):
                    if difference.field == "runtime" and abs(int(difference.ours) - int(difference.theirs)) <= ROUNDING:
                        rounded.add(difference)
                    else:
                        differences[difference] = None
    return Comparison(len(films), dict(found), compared, list(differences), len(rounded))


def test_every_review_has_a_reason_of_the_list_and_stands_once(reviewed):
    assert [entry for entry in reviewed if entry["why"] not in REASONS] == []
    keys = Counter((entry["id"], entry["field"], entry["theirs"]) for entry in reviewed)
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_review_names_a_film_and_what_the_catalogue_says_now(reviewed, films):
    by_id = {film["id"]: film for film in films}
    stale = []
    for entry in reviewed:
        film = by_id.get(entry["id"], {})
        value = film.get(entry["field"], "")
        said = [", ".join(value), ", ".join(film.get("directors_zh", ()))] if isinstance(value, list) else [str(value)]
        if entry["ours"] not in said:
            stale.append((entry["id"], entry["field"], entry["ours"], said))
    assert stale == []


@pytest.mark.realdata
def test_every_difference_from_the_tables_was_looked_at(comparison, reviewed):
    known = {Difference(*(entry[key] for key in Difference._fields)) for entry in reviewed}
    assert [difference for difference in comparison.differences if difference not in known] == []


@pytest.mark.realdata
def test_no_review_is_left_of_a_difference_that_is_gone(comparison, reviewed):
    seen = set(comparison.differences)
    assert [entry for entry in reviewed if Difference(*(entry[key] for key in Difference._fields)) not in seen] == []


@pytest.mark.realdata
def test_most_films_are_found_in_a_table(comparison, reviewed, capsys):
    anywhere = set().union(*comparison.found.values())
    differ = Counter(difference.field for difference in comparison.differences)
    with capsys.disabled():
        tables = ", ".join(f"{table} {len(comparison.found[table])}" for table in TABLES)
        sys.stdout.write(f"\n{len(anywhere)} of {comparison.films} films found ({tables})\n")
        for field, count in comparison.compared.items():
            sys.stdout.write(f"  {field}: {count} comparisons, {differ[field]} differences\n")
        reasons = ", ".join(f"{reason} {count}" for reason, count in Counter(e["why"] for e in reviewed).most_common())
        sys.stdout.write(f"  lengths a minute apart: {comparison.rounded}; reviewed: {reasons}\n")
    assert len(anywhere) >= 0.8 * comparison.films
    assert all(len(comparison.found[table]) >= 100 for table in TABLES)


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("Hate (Haine, La) (1995)", {"hate", "lahaine"}),
        ("Dr. Strangelove or: How I Learned (1964)", {"drstrangelove"}),
        ("Sunset Blvd. (a.k.a. Sunset Boulevard) (1950)", {"sunsetblvd", "sunsetboulevard"}),
        ("Seventh Seal, The (Sjunde inseglet, Det) (1957)", {"seventhseal", "detsjundeinseglet"}),
        ("Amélie\u00a0", {"amelie"}),
    ],
)
def test_titles_of_the_tables_are_read_in_every_way_they_may_be_meant(title, keys):
    assert keys <= variants(title)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Kar-Wai Wong", "Wong Kar-wai"), ("F.W. Murnau", "F. W. Murnau"), ("Pawel Pawlikowski", "Paweł Pawlikowski")],
)
def test_names_are_compared_without_order_accents_and_signs(one, other):
    assert name(one) == name(other)


def test_a_wrong_year_director_or_length_would_be_seen(films):
    film = next(film for film in films if film["id"] == "spirited-away-2001")
    right = Row(frozenset(), film["year"], tuple(film["directors"]), film["runtime"])
    assert list(compare(film, right, False)) == []
    wrong = Row(frozenset(), 2002, ("Isao Takahata",), 90)
    assert [difference.field for difference in compare(film, wrong, False)] == ["year", "directors", "runtime"]
