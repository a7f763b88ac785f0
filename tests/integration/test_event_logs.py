"""Every public log, imported with its ready mapping: counts, and what is odd about each."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from fnmatch import fnmatch
from itertools import groupby
from statistics import median

import pytest

from retrieval.domain_files import load_events
from retrieval.event_import import choose_mapping, import_events
from retrieval.interactions import InteractionLog, _as_events
from retrieval.tables.reader import open_table

pytestmark = pytest.mark.realdata

AMAZON = tuple(f"amazon_2023_sample/{name}.jsonl.gz" for name in ("training", "validation", "test"))
# mapping, file, events in it, of which merged, people, items, kind, distinct values of the time
LOGS = [
    ("movielens-100k", "movielens_100k/u.data", 100_000, 0, 943, 1_682, "rated"),
    ("movielens-latest-small", "movielens_latest_small/ratings.csv", 100_836, 0, 610, 9_724, "rated"),
    ("movielens-latest-small", "movielens_latest_small/tags.csv", 3_683, 0, 58, 1_572, "tagged"),
    ("goodbooks-10k", "goodbooks_10k/samples/ratings.csv", 99, 0, 5, 96, "rated"),
    ("goodbooks-10k", "goodbooks_10k/samples/to_read.csv", 99, 0, 30, 95, "saved"),
    ("book-crossing", "book_crossing/book_ratings.dat.gz", 62_656, 0, 1_295, 14_684, "rated"),
    ("book-crossing", "book_crossing/book_history.dat.gz", 272_678, 0, 2_946, 17_384, "viewed"),
    ("lastfm", "lastfm_hetrec2011/user_artists.dat.gz", 92_834, 0, 1_892, 17_632, "played"),
    ("steam", "steam_200k/game_play.dat.gz", 70_489, 0, 11_350, 3_600, "played"),
    ("steam", "steam_200k/game_purchase.dat.gz", 129_511, 707, 12_393, 5_155, "purchased"),
    ("llmrank-games", "amazon_games_llmrank/games_sequences.tsv.gz", 389_718, 0, 50_546, None, "purchased"),
    ("anime", "anime/anime_ratings.dat.gz", 419_943, 0, 4_714, 7_157, "rated"),
]


def mapping_for(name, file):
    choices = load_events(name)
    return next(m for m in choices if any(fnmatch(file.rsplit("/")[-1], pattern) for pattern in m.files))


@pytest.fixture(scope="module")
def imported(shared_data, tmp_path_factory):
    """Import files into one new log: imported(mapping, file, ...); the same ones once."""
    done = {}

    def run(name, *files, known=None, aliases=None):
        if (name, files) not in done or known or aliases:
            folder = tmp_path_factory.mktemp(name)
            reports = []
            for file in files:
                report = import_events(shared_data / file, mapping_for(name, file), folder, known, aliases or {})
                assert report.rows == report.kept + report.merged + report.rejected
                rejected = (folder / "rejected.jsonl").read_text(encoding="utf-8")
                assert rejected.count("\n") == report.rejected
                reports.append(report)
            done[name, files] = InteractionLog(folder), reports
        return done[name, files]

    return run


def everything(log):
    """Every event, person by person; a query a person would take minutes."""
    columns = "user_id, kind, item_id, words, value, seconds, raw, session, gap"
    rows = log._query(f"SELECT {columns} FROM {{log}} ORDER BY file_row_number")
    return [e for user, own in groupby(rows, lambda row: row[0]) for e in _as_events(user, [row[1:] for row in own])]


@pytest.mark.parametrize(
    ("name", "file", "rows", "merged", "people", "items", "kind"), LOGS, ids=lambda v: str(v).rsplit("/")[-1]
)
def test_every_event_of_a_log_is_accounted_for(imported, name, file, rows, merged, people, items, kind):
    log, [report] = imported(name, file)
    assert (report.rows, report.kept, report.merged, report.rejected) == (rows, rows - merged, merged, 0)
    assert report.rules == ({"repeated_event": merged} if merged else {})
    assert log.counts() == {kind: rows - merged}
    assert len(log.users()) == people
    if items:
        [(found,)] = log._query("SELECT count(DISTINCT item_id) FROM {log}")
        assert found == items


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, file, *_ in LOGS])
def test_the_ready_mapping_is_the_one_whose_columns_the_file_has(shared_data, name, file):
    path = shared_data / file
    choices = [m for m in load_events(name) if any(fnmatch(path.name, p) for p in m.files)]
    assert choose_mapping(path, choices) == mapping_for(name, file)


# -- MovieLens ----------------------------------------------------------------------------------------------------------


def test_movielens_ratings_keep_scale_time_and_order(imported):
    log, _ = imported("movielens-100k", "movielens_100k/u.data")
    events = log.events("196")
    assert len(events) == 39
    [event] = [e for e in events if e.item == "242"]
    assert (event.value, event.at, event.context["raw"]) == (0.5, 881250949, "3")
    assert [e.at for e in events] == sorted(e.at for e in events)
    assert Counter(e.value for e in everything(log)) == {0: 6110, 0.25: 11370, 0.5: 27145, 0.75: 34174, 1: 21201}


def test_movielens_sittings_are_sessions_and_no_bursts(imported):
    """People enter a whole profile in one sitting: one of them 392 ratings in a minute, all of them kept."""
    log, _ = imported("movielens-latest-small", "movielens_latest_small/ratings.csv")
    minutes = Counter((e.user, e.at // 60) for e in everything(log))
    assert max(minutes.values()) == 392
    events = log.events("534")
    assert len(events) == 520
    assert len({e.context["session"] for e in events}) < 10


def test_movielens_items_that_the_catalogue_merged_share_their_events(imported, shared_data):
    """18 titles stand under two ids: Chasing Amy (1997) is 246 and 268."""
    log, [report] = imported("movielens-100k", "movielens_100k/u.data", aliases={"268": "246"})
    assert report.rules == {"aliased_item": 255, "repeated_event": 5}  # five people rated both at once, and the same
    assert (report.kept, report.merged) == (99_995, 5)
    assert not [e for e in everything(log) if e.item == "268"]


def test_movielens_small_has_half_stars_and_items_never_rated(imported, shared_data):
    log, _ = imported("movielens-latest-small", "movielens_latest_small/ratings.csv")
    events = everything(log)
    assert {e.context["raw"] for e in events} == {f"{n / 2:g}" for n in range(1, 11)}
    assert min(e.value for e in events) == 0 < max(e.value for e in events) == 1
    ids = {row["movieId"] for _, row in open_table(shared_data / "movielens_latest_small/movies.csv")}
    assert len(ids - {e.item for e in events}) == 18


def test_movielens_tags_keep_their_words(imported):
    log, _ = imported("movielens-latest-small", "movielens_latest_small/ratings.csv", "movielens_latest_small/tags.csv")
    assert log.counts() == {"rated": 100_836, "tagged": 3_683}
    tags = [e for e in log.events("2") if e.kind == "tagged"]
    assert [(e.item, e.text, e.at) for e in tags[:3]] == [
        ("60756", "will ferrell", 1445714992),
        ("60756", "funny", 1445714994),
        ("60756", "Highly quotable", 1445714996),
    ]
    assert all(e.value is None for e in tags)


# -- books --------------------------------------------------------------------------------------------------------------


def test_book_crossing_has_no_times_and_keeps_the_order_of_the_file(imported, shared_data):
    log, _ = imported("book-crossing", "book_crossing/book_ratings.dat.gz", "book_crossing/book_history.dat.gz")
    events = log.events("1")
    assert all(e.at == 0 and "session" not in e.context for e in events)
    with gzip.open(shared_data / "book_crossing/book_ratings.dat.gz", "rt") as file:
        lines = [line.split("\t") for line in file if line.startswith("1\t")]
    rated = [e for e in events if e.kind == "rated"]
    assert [e.item for e in rated] == [item for _, item, _ in lines]
    assert [e.value for e in rated] == pytest.approx([(float(value) - 1) / 9 for _, _, value in lines])  # "7.000000"
    assert {e.value for e in events if e.kind == "viewed"} == {0.5}  # accessed: always 1


def test_goodbooks_events_of_books_that_are_not_in_the_catalogue_are_set_aside(imported, shared_data):
    known = {row["book_id"] for _, row in open_table(shared_data / "goodbooks_10k/samples/books.csv")}
    log, reports = imported(
        "goodbooks-10k", "goodbooks_10k/samples/ratings.csv", "goodbooks_10k/samples/to_read.csv", known=known
    )
    assert all(r.rules == {"unknown_item": r.rejected} and r.rejected > 50 for r in reports)
    assert sum(log.counts().values()) == sum(r.kept for r in reports) > 0
    assert {e.item for e in everything(log)} <= known


# -- music and games ------------------------------------------------------------------------------------------------------


def test_lastfm_plays_are_counts_of_people_with_gaps_in_their_ids(imported):
    log, _ = imported("lastfm", "lastfm_hetrec2011/user_artists.dat.gz")
    numbers = sorted(map(int, log.users()))
    assert (numbers[0], numbers[-1], len(numbers)) == (2, 2100, 1892)
    first = log.events("2")[0]
    assert (first.item, first.context["raw"]) == ("51", "13883")  # the line ends in \r\n
    values = [e.value for e in everything(log)]
    assert median(values) == pytest.approx(0.5, abs=0.01)
    assert 0 < min(values) < max(values) < 1


def test_steam_hours_are_skewed_and_their_confidence_is_not(imported):
    log, _ = imported("steam", "steam_200k/game_play.dat.gz")
    events = everything(log)
    hours = {float(e.context["raw"]): e.value for e in events}
    assert (max(hours), hours[4.5]) == (11_754, pytest.approx(0.5))
    assert hours[11_754] == max(hours.values()) < 0.9
    assert median(e.value for e in events) == pytest.approx(0.5, abs=0.01)


def test_steam_purchases_that_repeat_are_merged_and_games_played_twice_are_not(imported):
    log, [plays, purchases] = imported("steam", "steam_200k/game_play.dat.gz", "steam_200k/game_purchase.dat.gz")
    assert (plays.merged, purchases.merged) == (0, 707)
    assert log.counts() == {"played": 70_489, "purchased": 128_804}
    pairs = Counter((e.user, e.item) for e in everything(log) if e.kind == "played")
    assert sum(n > 1 for n in pairs.values()) == 12


def test_llmrank_sequences_are_events_in_their_order_and_the_item_held_out_is_none(imported, shared_data):
    path = shared_data / "amazon_games_llmrank/games_items.tsv.gz"
    known = {row["item_id:token"] for _, row in open_table(path)}
    log, [report] = imported("llmrank-games", "amazon_games_llmrank/games_sequences.tsv.gz", known=known)
    assert (report.kept, report.rejected) == (389_718, 0)
    assert [e.item for e in log.events("0")] == [str(n) for n in range(14)]
    assert [e.item for e in log.events("1")] == [str(n) for n in range(15, 24)]


def test_anime_is_rated_from_one_to_ten(imported):
    log, _ = imported("anime", "anime/anime_ratings.dat.gz")
    events = everything(log)
    assert {int(e.context["raw"]): round(e.value, 3) for e in events} == {n: round((n - 1) / 9, 3) for n in range(1, 11)}


# -- reviews --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def amazon(imported):
    log, reports = imported("amazon-2023", *AMAZON)
    return log, reports, everything(log)


@pytest.fixture(scope="module")
def amazon_raw(shared_data):
    found = []
    for file in AMAZON:
        with gzip.open(shared_data / file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                found += [(row["user_id"], entry) for entry in (*row["history"], row["heldout"])]
    return found


def test_amazon_reviews_are_opened_out_of_their_histories(amazon, amazon_raw):
    log, reports, events = amazon
    assert [(r.rows, r.kept, r.merged, r.rejected) for r in reports] == [(n, n, 0, 0) for n in (5 * 598, 5 * 70, 5 * 23)]
    assert log.counts() == {"reviewed": len(amazon_raw)}
    assert {(e.user, e.item, e.at) for e in events} == {
        (user, entry["parent_asin"], entry["timestamp_ms"] / 1000) for user, entry in amazon_raw
    }
    assert len(log.users()) == 354  # people of several categories and of several files are one each


def test_amazon_milliseconds_and_stars_are_read(amazon):
    [event] = [e for e in amazon[2] if (e.item, e.at) == ("B095RWJJB8", 1627679830.425)]
    assert (event.user, event.value, event.context["raw"]) == ("AE3KLVXGZPANXE5XLXYKHTVAZ3FQ", 0.75, "4")
    assert event.text.startswith("Pretty but overpriced This is a pretty bow however $7")


def test_amazon_markup_goes_and_words_stay(amazon, amazon_raw):
    _, reports, events = amazon
    rules = sum((Counter(r.rules) for r in reports), Counter())
    assert rules["html_tags"] == sum("<br" in entry["review_full"] for _, entry in amazon_raw) == 387
    assert rules["html_entities"] == 26
    assert not [e.text for e in events if "<br" in e.text or "&amp;" in e.text or "&#" in e.text or "  " in e.text]
    [event] = [e for e in events if e.item == "B093JGCRWX" and "EWG logo" in e.text]
    assert "allergy list. Other than the linalool" in event.text


def test_amazon_reviews_without_words_keep_their_stars_and_long_ones_their_length(amazon, amazon_raw):
    events = amazon[2]
    empty = [(user, entry) for user, entry in amazon_raw if not entry["review_full"].strip()]
    assert len(empty) == 2
    for user, entry in empty:
        assert [e.text for e in events if (e.user, e.item) == (user, entry["parent_asin"])] == [entry["review_title"]]
    assert all(e.value is not None for e in events)
    assert max(len(entry["review_full"]) for _, entry in amazon_raw) == 10_205
    assert max(len(e.text) for e in events) > 9_500


def test_amazon_the_same_words_about_other_products_are_other_events(amazon, amazon_raw):
    """128 reviews repeat the words of another of the same person: about other products, so they say something new."""
    words = Counter((user, entry["review_full"]) for user, entry in amazon_raw)
    assert sum(words.values()) - len(words) == 128
    assert sum(r.merged for r in amazon[1]) == 0


def test_amazon_the_same_file_under_another_name_changes_nothing(amazon, shared_data, tmp_path):
    log, _, events = amazon
    copy = tmp_path / "training.jsonl"
    copy.write_bytes(gzip.decompress((shared_data / AMAZON[0]).read_bytes()))
    version = log.version
    report = import_events(copy, mapping_for("amazon-2023", "training.jsonl"), log.folder, None, {})
    assert (report.kept, report.merged) == (0, 2990)
    assert log.version == version
    assert everything(log) == events
