"""The films of a dialogue benchmark as items, and MovieLens beside them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from scipy import sparse

from benchmarks.quality.files import beside, lines_of, read_object
from benchmarks.quality.movielens import read_ratings
from retrieval.domain import Domain
from retrieval.domain_files import load_domain
from retrieval.title_forms import take_apart
from retrieval.types import FacetValue, Item

_YEAR = re.compile(r"\((\d{4})(?:[^()]*)\)\s*$")
_QUALIFIER = re.compile(r"\s*\((?:(\d{4})[ _]?)?[^()]*(?:film|movie|series|miniseries|franchise|TV)[^()]*\)\s*$", re.IGNORECASE)
_LETTERS = re.compile(r"[^a-z0-9]+")
_LIKED_FROM = 3.5
_FOLDERS = "movielens_latest_small", "movielens_100k"


class FilmCatalogue:
    """The items of a benchmark's folder.

    Attributes:
        domain: the films domain.
        items: id -> item. The id is the number of the entity.
    """

    def __init__(self, folder: Path) -> None:
        """Read a folder in the format of iEvaLM or of CIKM'23.

        Raises:
            ValueError: it lacks a file.
        """
        self.domain: Domain = load_domain("movies")
        entities, ids = read_object(folder, "entity2id.json"), read_object(folder, "item_ids.json")
        if entities is None or ids is None:
            raise ValueError(f"{folder} must hold entity2id.json and item_ids.json (they may end with .gz)")
        self._entity_names = {str(number): name for name, number in entities.items()}
        info = {film["name"]: film for film in (read_object(folder, "id2info.json") or {}).values()}
        table = next((folder / n for n in ("item_catalogue.jsonl.gz", "item_catalogue.jsonl") if (folder / n).is_file()), None)
        rows = {str(row["entity_id"]): row for row in lines_of(table)} if table else {}
        names = {str(number): self._entity_names[str(number)] for number in sorted(ids)}
        self.items = {i: self._item(i, name, info.get(name), rows.get(i)) for i, name in names.items()}
        self._by_name = {name: i for i, name in names.items()}
        self._by_key: dict[str, list[str]] = defaultdict(list)
        for item in self.items.values():
            self._by_key[title_key(item.title("en"))].append(item.id)
        self._fill(folder)

    def by_name(self, name: str) -> str | None:
        """Return the id of the film of that name, "Title (year)" or a title alone; None when there is none or several."""
        return self._by_name.get(name) or self.match(name)

    def entity_name(self, number: str) -> str:
        """Return the plain name of an entity that may be no item."""
        return _from_address(self._entity_names.get(number, ""))[0]

    def match(self, name: str) -> str | None:
        """Return the id of the film that another table calls so: the same words, and a year at most one apart."""
        found = _YEAR.search(name)
        year = int(found[1]) if found else None
        plain, others, _ = take_apart(name, ("year", "article", "alternative"))
        best: tuple[int, str] | None = None
        for key in dict.fromkeys(title_key(title) for title in (plain, *others)):
            for item_id in self._by_key.get(key, ()):
                own = self.items[item_id].facets.get("year")
                apart = abs(year - int(own)) if year is not None and isinstance(own, int) else 0
                if apart <= 1 and (best is None or apart < best[0]):
                    best = apart, item_id
        return best[1] if best else None

    def likes(self, folders: list[Path]) -> Any | None:
        """Return a sparse (people, items) matrix of 1 for a rating of at least 3.5; None without folders."""
        rows: dict[str, int] = {}
        columns = {item_id: n for n, item_id in enumerate(self.items)}
        cells: set[tuple[int, int]] = set()
        for folder in folders:
            ratings, films = read_ratings(folder)
            here = {film: columns[item_id] for film, (title, _) in films.items() if (item_id := self.match(title))}
            cells |= {
                (rows.setdefault(f"{folder.name}/{user}", len(rows)), here[film])
                for user, film, rating, _ in ratings
                if rating >= _LIKED_FROM and film in here
            }
        if not cells:
            return None
        at = np.array(sorted(cells)).T
        return sparse.csr_matrix((np.ones(len(cells), np.float32), at), shape=(len(rows), len(columns)))

    # -- items ------------------------------------------------------------------------------------------------------

    def _item(self, item_id: str, name: str, info: Mapping[str, Any] | None, row: Mapping[str, Any] | None) -> Item:
        title, year = _from_address(name) if name.startswith("<") else _from_title(name)
        if row:
            texts = row["descriptions"]
            text = texts.get("tmdb") or texts.get("wikipedia") or texts.get("imdb") or ""
            values = {"genres": row["genres"], "directors": row["directors"], "cast": row["cast"], "themes": row["keywords"]}
            return self._made(item_id, row["title"] or title, row["year"] or year, text, values)
        if info:
            values = {"genres": info["genre"], "directors": [*info["director"], *info["writer"]], "cast": info["star"]}
            return self._made(item_id, title, year, info["plot"], values)
        return self._made(item_id, title, year, "", {})

    def _made(self, item_id: str, title: str, year: int | None, text: str, values: Mapping[str, list[str]]) -> Item:
        facets: dict[str, FacetValue] = {"year": int(year)} if year else {}
        labels: dict[str, dict[str, tuple[str, ...]]] = {}
        for name, words in values.items():
            known = self.domain.facets[name].canonical
            if canonical := tuple(
                dict.fromkeys(known.get(w.lower(), w if name != "genres" else w.lower()) for w in words if w)
            ):
                facets[name] = canonical
                labels[name] = {"en": tuple(self.domain.value_label(name, value, "en") for value in canonical)}
        return Item(item_id, {"en": title}, {"en": text} if text else {}, facets, labels)

    def _fill(self, folder: Path) -> None:
        """Fill films of which nothing but the title is known from the public tables beside the folder."""
        poor = {i for i, item in self.items.items() if not item.texts and "genres" not in item.facets}
        if not poor:
            return
        for film in (read_object(folder.parent / "ievalm", "id2info.json") or {}).values():
            if (item_id := self.match(film["name"])) in poor:
                name = self._entity_names[item_id or ""]
                self.items[item_id or ""] = self._item(item_id or "", name, film, None)
                poor.discard(item_id or "")
        joined = beside(folder, "movie_catalogue")
        for film in lines_of(joined / "ml_latest_small_joined.jsonl.gz") if joined else ():
            if (item_id := self.match(film["title"])) in poor:
                row = {**film, "title": "", "year": None}
                self.items[item_id or ""] = self._item(item_id or "", self._entity_names[item_id or ""], None, row)
                poor.discard(item_id or "")


def movielens(folder: Path) -> list[Path]:
    """Return the folders of MovieLens that are found beside a benchmark's folder."""
    return [path for name in _FOLDERS if (path := beside(folder, name))]


def title_key(title: str) -> str:
    """Return the words of a title, so that tables which write it differently agree."""
    return _LETTERS.sub(" ", title.lower().replace("&", " and ").replace("'", "")).strip().removeprefix("the ")


def _from_title(name: str) -> tuple[str, int | None]:
    found = _YEAR.search(name)
    return (name[: found.start()].strip() or name, int(found[1])) if found else (name, None)


def _from_address(address: str) -> tuple[str, int | None]:
    """Read title and year out of an address of DBpedia, such as <http://dbpedia.org/resource/Water_(1985_film)>."""
    name = unquote(address.strip("<>").rpartition("/resource/")[2]).replace("_", " ")
    found = _QUALIFIER.search(name)
    return (name[: found.start()], int(found[1]) if found[1] else None) if found else _from_title(name)
