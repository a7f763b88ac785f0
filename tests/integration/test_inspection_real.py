"""The proposals for public tables that nobody prepared: id, title and text are right without editing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from retrieval.catalog import ItemReader
from retrieval.cells import RefusedRow
from retrieval.cleaning import Rules
from retrieval.domain_files import load_domain
from retrieval.inspection.inspector import Inspection, inspect
from retrieval.tables.reader import BadRow, Source, open_table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.realdata

# file -> the id (or several that are right), the titles, the texts
FILES = {
    "movielens_100k/u.item": (["c1"], {"en": "c2"}, None),
    "movielens_latest_small/movies.csv": (["movieId"], {"en": "title"}, None),
    "movie_catalogue/wikipedia_movies.jsonl.gz": ([["title", "year"]], {"en": "title"}, {"en": "extract"}),
    "movie_catalogue/tmdb_5000_movies.csv.gz": (["id"], {"en": "title", "original": "original_title"}, {"en": "overview"}),
    "movie_catalogue/vega_movies.json.gz": ([["Title", "Release Date"]], {"en": "Title"}, None),
    "movie_catalogue/imdb_5000_movie_metadata.csv.gz": (
        [["movie_title", "title_year"], "movie_imdb_link"],
        {"en": "movie_title"},
        None,
    ),
    "goodbooks_10k/books.csv.gz": (["book_id"], "title", None),
    "book_crossing/items_info.dat.gz": (["Book_ID"], {"en": "Book-Title"}, None),
    "amazon_2023_sample/training.jsonl.gz": (["parent_asin"], {"en": "title"}, None),
    "lastfm_hetrec2011/artists.dat.gz": (["id"], {"en": "name"}, None),
    "steam_200k/item_info.dat.gz": (["Game_ID"], {"en": "Game Name"}, None),
    "douban_movies/douban_all_movies.csv.gz": (["movie_id"], {"zh": "title"}, {"zh": "summary"}),
    "durecdial_lic2020/movie_catalogue_from_knowledge.jsonl.gz": (["title"], {"zh": "title"}, {"zh": "comments"}),
    "amazon_games_llmrank/games_items.tsv.gz": (["item_id:token"], {"en": "title:token_seq"}, None),
    "anime/anime_info.dat.gz": (["anime_ids"], {"en": "name"}, None),
    "book_descriptions/goodbooks_with_descriptions.jsonl.gz": (["book_id"], "title", "description"),
    "bokeh-sampledata movies.db": (["ID"], {"en": "Title"}, None),
    # beside those that issue 3 names
    "movie_catalogue/ml_100k_joined.jsonl.gz": (["item_id"], {"en": "title"}, {"en": "wikipedia"}),
    "movie_catalogue/ml_latest_small_joined.jsonl.gz": (["movieId"], {"en": "title"}, {"en": "wikipedia"}),
    "book_descriptions/book_crossing_with_descriptions.jsonl.gz": (["book_id"], {"en": "title"}, {"en": "description"}),
    "douban_movies/douban_top250_movies.csv": (["movie_id"], {"zh": "title"}, {"zh": "summary"}),
    "opendialkg/movie_id2info.json.gz": (["id"], {"en": "name"}, None),
    "redial/ievalm/id2info.json.gz": (["id"], {"en": "name"}, {"en": "plot"}),
}
BASES = {
    "goodbooks_10k": "books",
    "book_crossing": "books",
    "book_descriptions": "books",
    "amazon_2023_sample": "shop",
    "lastfm_hetrec2011": "music",
}
FILMS = {file for file in FILES if "movie" in file or "redial" in file}  # that the films domain is recognised for
LOGS = {
    "movielens_100k/u.data": ("c1", "c2", "rated", "c3", "c4"),
    "movielens_latest_small/ratings.csv": ("userId", "movieId", "rated", "rating", "timestamp"),
    "movielens_latest_small/tags.csv": ("userId", "movieId", "tagged", None, "timestamp"),
    "steam_200k/game_play.dat.gz": ("User_ID", "Game_ID", "played", "Hours", None),
    "steam_200k/game_purchase.dat.gz": ("User_ID", "Game_ID", "purchased", None, None),
    "lastfm_hetrec2011/user_artists.dat.gz": ("userID", "artistID", "played", "weight", None),
    "book_crossing/book_history.dat.gz": ("user", "item", "viewed", None, None),
    "book_crossing/book_ratings.dat.gz": ("user", "item", "rated", "rating", None),
    "anime/anime_ratings.dat.gz": ("User_ID", "Anime_ID", "rated", "Feedback", None),
    "goodbooks_10k/samples/to_read.csv": ("user_id", "book_id", "saved", None, None),
    "amazon_games_llmrank/games_sequences.tsv.gz": ("user_id:token", "item_id_list:token_seq", "viewed", None, None),
    "amazon_2023_sample/training.jsonl.gz": ("user_id", "parent_asin", "reviewed", "rating", "timestamp_ms"),
}
NO_LOGS = (
    "movielens_100k/u.item",
    "movielens_100k/u.user",
    "lastfm_hetrec2011/user_friends.dat.gz",
    "goodbooks_10k/books.csv.gz",
)


def path_of(shared_data: Path, file: str) -> Path:
    if "bokeh" not in file:
        return shared_data / file
    found = importlib.util.find_spec("bokeh_sampledata")
    if found is None or found.origin is None:
        pytest.skip("bokeh-sampledata is not installed")
    return Path(found.origin).parent / "_data" / "movies.db"


@pytest.fixture(scope="module")
def look(shared_data):
    seen: dict[str, Inspection] = {}

    def at(file: str) -> Inspection:
        if file not in seen:
            seen[file] = inspect(path_of(shared_data, file))
        return seen[file]

    return at


def wrong(found: Inspection, file: str) -> list[str]:
    ids, title, text = FILES[file]
    mapping = found.mapping.get("mapping", {})
    checks = (("id", mapping.get("id") in ids), ("title", mapping.get("title") == title), ("text", mapping.get("text") == text))
    return [f"{key}: {mapping.get(key)}" for key, right in checks if not right]


def test_how_many_are_right(look, shared_data, capsys):
    bad: dict[str, list[str]] = {}
    for file in FILES:
        if "bokeh" in file and importlib.util.find_spec("bokeh_sampledata") is None:
            continue
        if faults := wrong(look(file), file):
            bad[file] = faults
    with capsys.disabled():
        print(f"\ninspect: id, title and text are right for {len(FILES) - len(bad)} of {len(FILES)} files")
        for file, faults in bad.items():
            print(f"  {file}: {'; '.join(faults)}")
    assert not bad


@pytest.mark.parametrize("file", FILES)
def test_the_columns_are_right_and_the_mapping_reads_the_rows(look, shared_data, tmp_path, file):
    found = look(file)
    assert not wrong(found, file)
    assert found.mapping["base"] == ("movies" if file in FILMS else BASES.get(file.split("/")[0], "general"))
    assert tomllib.loads(found.toml()) == found.mapping
    written = tmp_path / "mapping.toml"
    written.write_text(found.toml(), encoding="utf-8")
    domain = load_domain(written)
    reader, read, refused = ItemReader(domain, Rules()), 0, 0
    for count, (_, row) in enumerate(open_table(found.path, domain.source)):
        if count == 3000:
            break
        if isinstance(row, BadRow):
            continue
        try:
            reader.read(row)
            read += 1
        except RefusedRow:
            refused += 1
    assert read > 20 * refused
    assert max(map(len, found.table(100).splitlines()[: len(found.columns)])) <= 100


def test_products_in_reviews_that_were_opened_half(shared_data):
    found = inspect(shared_data / "amazon_2023_sample/training.jsonl.gz", Source(explode=("history", "heldout")))
    assert found.mapping["source"]["explode"] == ["history", "heldout", "product"]
    assert not wrong(found, "amazon_2023_sample/training.jsonl.gz")


@pytest.mark.parametrize("file", LOGS)
def test_logs(look, file):
    events = look(file).events()
    assert events is not None
    assert (events.user, events.item, events.kind, events.value, events.time) == LOGS[file]


@pytest.mark.parametrize("file", NO_LOGS)
def test_no_logs(look, file):
    assert look(file).events() is None
