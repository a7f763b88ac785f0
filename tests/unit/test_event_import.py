"""A log into the log of a catalogue: what each rule does, and that every event is accounted for."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from contextlib import suppress

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import retrieval.event_sort as event_sort
from retrieval.errors import CatalogError, DomainError, IndexLockedError
from retrieval.event_import import choose_mapping, import_events
from retrieval.event_rules import EVENT_RULES, EventRules, read_kind
from retrieval.events import confidence, normalise_rating
from retrieval.interactions import InteractionLog
from retrieval.mapping import EventMapping

NOW = 1_500_000_000
RATINGS = {"user": "user", "item": "item", "kind": "rating", "value": "value", "scale": (1, 5), "time": "time"}
PLAYS = {"user": "user", "item": "item", "kind": "play", "value": "value", "time": "time"}


class Log:
    """A folder into which rows are imported as JSON lines."""

    def __init__(self, tmp_path):
        self.tmp_path, self.folder, self.count = tmp_path, tmp_path / "log", 0

    def add(self, rows, mapping=RATINGS, *, known=None, aliases=None, off=()):
        self.count += 1
        path = self.tmp_path / f"log-{self.count}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        report = import_events(path, EventMapping.model_validate(mapping), self.folder, known, aliases or {}, off=off)
        assert report.rows == report.kept + report.merged + report.rejected
        assert len(self.rejected) == report.rejected
        assert json.loads((self.folder / "report.json").read_text()) == report.as_dict()
        return report

    def lines(self, name):
        return [json.loads(line) for line in (self.folder / f"{name}.jsonl").read_text(encoding="utf-8").split("\n") if line]

    @property
    def rejected(self):
        return self.lines("rejected")

    @property
    def log(self):
        return InteractionLog(self.folder)

    @property
    def events(self):
        return [event for user in self.log.users() for event in self.log.events(user)]


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def rate(user="ann", item="a", value=4, at=NOW, **more):
    return {"user": user, "item": item, "value": value, "time": at, **more}


def counts(report):
    return report.kept, report.merged, report.rejected, dict(report.rules)


# -- what an event becomes --------------------------------------------------------------------------------------------


def test_a_rating_becomes_an_event_with_its_place_on_the_scale_and_the_raw_value(log):
    assert counts(log.add([rate(7, 12.0, "4", str(NOW * 1000))])) == (1, 0, 0, {})
    [event] = log.events
    assert (event.user, event.kind, event.item, event.text, event.value, event.at) == ("7", "rated", "12", "", 0.75, NOW)
    assert event.context == {"raw": "4", "session": str(NOW)}


def test_amounts_become_the_documented_confidence(log):
    log.add([rate(item=str(n), value=n / 4, at=None) for n in range(1, 60)], {**PLAYS, "half": 4.5, "unit": "hours"})
    for event in log.events:
        assert event.value == pytest.approx(confidence(float(event.context["raw"]), 4.5), abs=1e-12)


def test_without_a_scale_the_lowest_and_highest_rating_of_the_file_are_its_ends(log):
    mapping = {k: v for k, v in RATINGS.items() if k != "scale"}
    log.add([rate(item=str(n), value=n) for n in (2, 3, 6, 10)], mapping)
    assert [e.value for e in log.events] == pytest.approx([normalise_rating(n, 2, 10) for n in (2, 3, 6, 10)])
    log.add([rate("bob", value=3)], mapping)
    assert log.log.events("bob")[0].value == 0.5  # one rating says nothing of its scale


def test_a_review_keeps_its_words_cleaned_and_needs_no_rating(log):
    mapping = {**RATINGS, "kind": "review", "text": ["title", "body"]}
    report = log.add(
        [
            rate(title="Fine", body="First.<br /><br />It&amp;#39;s   good", at=NOW),
            rate(value=None, title="", body="No stars", at=NOW + 1),
            rate(title="NaN", body=None, at=NOW + 2),
            rate(value="", title="", body=" ", at=NOW + 3),
        ],
        mapping,
    )
    assert [(e.kind, e.text, e.value) for e in log.events] == [
        ("reviewed", "Fine First. It's good", 0.75),
        ("reviewed", "No stars", None),
        ("reviewed", "", 0.75),
    ]
    assert report.rules["html_tags"] == report.rules["html_entities"] == 1
    assert report.rules["nan_text"] == 1
    assert [r["rule"] for r in log.rejected] == ["bad_value"]


def test_every_kind_may_be_called_by_its_friendly_name(log):
    kinds = {"rating": "rated", "click": "viewed", "Listen": "played", "buy": "purchased", "to_read": "saved",
        "wishlist": "saved", "like": "liked", "dislike": "disliked", "tag": "tagged", "review": "reviewed"}  # fmt: skip
    assert {word: read_kind(word) for word in kinds} == kinds
    mapping = {**PLAYS, "kind": "what", "kinds": {"1": "view", "Buy": "purchase", "3": "rating"}}
    rows = [rate(what=1), rate(what="buy", at=NOW + 1), rate(what="3", at=NOW + 2), rate(what="4", at=NOW + 3), rate()]
    report = log.add(rows, mapping)
    assert [e.kind for e in log.events] == ["viewed", "purchased", "rated"]
    assert report.rules == {"unknown_kind": 2}
    assert [r["line"] for r in log.rejected] == [4, 5]


@pytest.mark.parametrize(
    "wrong", [{"kind": "sold"}, {"kinds": {"x": "sold"}}, {"value": None}, {"kind": "typed"}, {"item": ()}]
)
def test_a_mapping_that_names_no_event_is_refused(log, wrong):
    with pytest.raises(DomainError):
        log.add([rate()], {**RATINGS, **wrong})


def test_lists_of_items_are_so_many_events_in_their_order(log):
    mapping = {"user": "user", "item": "items", "kind": "view"}
    rows = [
        {"user": "ann", "items": "3 1 2"},
        {"user": "bob", "items": [7, 5.0, "6"]},
        {"user": "cat", "items": '["x", "y"]'},
        {"user": "dan", "items": "Portal 2"},
        {"user": "eve", "items": "['p q', 'r']"},
        {"user": "fay", "items": []},
    ]
    report = log.add(rows, mapping)
    assert {u: [e.item for e in log.log.events(u)] for u in log.log.users()} == {
        "ann": ["3", "1", "2"],
        "bob": ["7", "5", "6"],
        "cat": ["x", "y"],
        "dan": ["Portal 2"],
        "eve": ["p q", "r"],
    }
    assert (report.rows, report.kept, report.rules) == (12, 11, {"no_item": 1})


def test_blanks_part_ids_that_the_catalogue_has(log):
    mapping = {"user": "user", "item": "items", "kind": "view"}
    known = {"a", "b", "a b", "c"}
    log.add(
        [{"user": "ann", "items": "a b"}, {"user": "bob", "items": "b c"}, {"user": "cat", "items": "a d"}],
        mapping,
        known=known,
    )
    assert [(e.user, e.item) for e in log.events] == [("ann", "a b"), ("bob", "b"), ("bob", "c"), ("cat", "a")]
    assert [(r["rule"], r["reason"]) for r in log.rejected] == [("unknown_item", "is 'd', and the catalogue has no such item.")]


def test_several_item_columns_are_joined_as_in_the_catalogue(log):
    log.add([{"user": "ann", "title": "Emma", "year": 1996.0}], {"user": "user", "item": ["title", "year"], "kind": "view"})
    assert [e.item for e in log.events] == ["Emma|1996"]


# -- rules that look at one row -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "rule", "field"),
    [
        (rate(user=""), "no_user", "user"),
        (rate(user="NULL"), "no_user", "user"),
        (rate(item=None), "no_item", "item"),
        (rate(value="x"), "bad_value", "value"),
        (rate(value=""), "bad_value", "value"),
        (rate(value=5.5), "out_of_scale", "value"),
        (rate(value=0), "out_of_scale", "value"),
        (rate(at=time.time() + 3 * 86400), "future_time", "time"),
        (rate(item="zz"), "unknown_item", "item"),
    ],
)
def test_a_row_that_is_no_event_is_set_aside_with_line_field_and_reason(log, row, rule, field):
    report = log.add([rate(), row], known={"a"})
    assert counts(report) == (1, 0, 1, {rule: 1})
    [entry] = log.rejected
    assert (entry["line"], entry["rule"], entry["field"], entry["row"]) == (2, rule, field, row)
    assert entry["reason"]


@pytest.mark.parametrize(
    ("row", "rule", "value"),
    [(rate(value="x"), "bad_value", None), (rate(value=9), "out_of_scale", 1.0), (rate(item="zz"), "unknown_item", 0.75)],
)
def test_a_rule_that_is_off_sets_nothing_aside(log, row, rule, value):
    assert counts(log.add([row], known={"a"}, off=[rule])) == (1, 0, 0, {})
    assert log.events[0].value == value


@pytest.mark.parametrize(("value", "kept"), [(0, 0), (-1, 0), ("", 1), (None, 1), (1, 1), (True, 1), ("2 plays", 1)])
def test_an_amount_of_nothing_is_no_event_and_an_unknown_amount_is_one(log, value, kept):
    report = log.add([rate("other"), rate(value=value)], PLAYS)
    assert (report.kept, report.rules.get("empty_amount", 0)) == (1 + kept, 1 - kept)
    assert log.add([rate("third", value=value)], PLAYS, off=["empty_amount"]).kept == 1


@pytest.mark.parametrize(("at", "rule"), [("soon", "bad_time"), (0, "old_time"), ("1974-01-01", "old_time"), (None, None),
    ("", None), ("NaN", "nan_text")])  # fmt: skip
def test_a_time_that_cannot_be_is_unknown_and_the_event_is_kept(log, at, rule):
    assert counts(log.add([rate(at=at)])) == (1, 0, 0, {rule: 1} if rule else {})
    [event] = log.events
    assert event.at == 0
    assert event.context == {"raw": "4"}


def test_times_far_off_are_kept_when_their_rules_are_off(log):
    log.add([rate(at=5)], off=["old_time"])
    log.add([rate(at=4e9)], off=["future_time"])
    assert [e.at for e in log.events] == [5, 4e9]


def test_merged_items_are_counted_under_the_item_that_they_became(log):
    report = log.add([rate(item="old"), rate(item="a", at=NOW + 1)], known={"a"}, aliases={"old": "a"})
    assert counts(report) == (2, 0, 0, {"aliased_item": 1})
    assert [e.item for e in log.events] == ["a", "a"]


def test_ids_and_words_stay_as_they_are_when_their_rules_are_off(log):
    off = ["aliased_item", "number_in_text"]
    assert counts(log.add([rate(), rate(value="4 stars")], aliases={"a": "b"}, off=off)) == (1, 0, 1, {"bad_value": 1})
    assert log.events[0].item == "a"


def test_numbers_are_read_out_of_words(log):
    rows = [rate(value="4 stars"), rate(value="4,5", at=NOW + 1)]
    assert counts(log.add(rows)) == (2, 0, 0, {"number_in_text": 2})
    assert [e.context["raw"] for e in log.events] == ["4", "4.5"]


def test_only_rules_that_exist_and_leave_an_event_can_be_switched_off():
    assert EventRules(["burst", "html_tags"]).off == {"burst", "html_tags"}
    for name in ("bursts", "no_user", "same_item"):
        with pytest.raises(DomainError, match=name):
            EventRules([name])
    assert all(EVENT_RULES.values())


# -- rules that look at the whole -----------------------------------------------------------------------------------------


def test_repeated_events_are_merged_and_those_that_differ_in_anything_are_not(log):
    same = rate()
    differing = [rate(user="b"), rate(item="b"), rate(value=3), rate(at=NOW + 1), rate(at=None)]
    report = log.add([same, *differing, same, rate(at=None), same])
    assert counts(report) == (6, 3, 0, {"repeated_event": 3})
    assert [(entry["line"], entry["rule"]) for entry in log.lines("merged")] == [(n, "repeated_event") for n in (7, 8, 9)]
    mapping = {**RATINGS, "kind": "review", "text": "text"}
    assert log.add([rate(text="one"), rate(text="two"), rate(text="one")], mapping).merged == 1
    assert log.add([rate(text="one"), rate("new"), rate("new")], mapping).merged == 2
    assert [entry["line"] for entry in log.lines("merged")] == [3]  # the first row repeats an earlier import
    assert log.add([rate("x"), rate("x")], off=["repeated_event"]).kept == 2


def test_a_day_of_a_program_is_set_aside_and_the_days_beside_it_stay(log):
    day = NOW - NOW % 86400
    rows = [rate(item=str(n), at=day + 10 * n) for n in range(11)] + [
        rate(item=str(n), at=day + 86400 + 10 * n) for n in range(10)
    ]
    rows += [rate("bob", at=day)]
    report = log.add(rows, {**PLAYS, "bot_per_day": 10})
    assert counts(report) == (11, 0, 11, {"bot_day": 11})
    assert [(r["line"], r["field"]) for r in log.rejected] == [(n, "time") for n in range(1, 12)]
    assert log.rejected[0]["row"] == {"user": "ann", "item": "0", "kind": "played", "value": 4.0, "time": day, "session": None}
    assert log.add(rows, {**PLAYS, "bot_per_day": 10}, off=["bot_day"]).kept == 11


def test_events_of_a_minute_beyond_the_limit_are_set_aside_the_first_ones_stay(log):
    minute = NOW - NOW % 60
    rows = [rate(item=str(n), at=minute + n) for n in range(8)] + [rate(item="later", at=minute + 60)]
    random.Random(1).shuffle(rows)
    report = log.add(rows, {**PLAYS, "burst_per_minute": 5})
    assert counts(report) == (6, 0, 3, {"burst": 3})
    assert [e.item for e in log.events] == ["0", "1", "2", "3", "4", "later"]


def test_ratings_and_times_that_are_only_dates_are_no_burst(log):
    rows = [rate(item=str(n), at=NOW) for n in range(20)]
    assert log.add(rows, {**RATINGS, "burst_per_minute": 5, "bot_per_day": 5}).kept == 20
    rows = [rate("bob", item=str(n), at="2015-01-02") for n in range(20)]
    assert log.add(rows, {**PLAYS, "burst_per_minute": 5}).kept == 20


def test_the_limits_hold_across_imports_for_what_is_new(log):
    mapping = {**PLAYS, "burst_per_minute": 5}
    minute = NOW - NOW % 60
    log.add([rate(item=str(n), at=minute + 10 + n) for n in range(4)], mapping)
    report = log.add([rate(item=f"n{n}", at=minute + n) for n in range(3)], mapping)
    assert counts(report) == (1, 0, 2, {"burst": 2})
    assert {e.item for e in log.events} == {"0", "1", "2", "3", "n0"}


def test_sessions_end_after_a_gap_or_are_those_of_the_log(log):
    rows = [rate(item=str(n), at=NOW + minutes * 60) for n, minutes in enumerate((0, 29, 58, 89))]
    log.add(rows)
    assert [e.context["session"] for e in log.events] == [str(NOW)] * 3 + [str(NOW + 89 * 60)]
    log.add([rate("bob", at=NOW + n, session=f"s{n % 2}") for n in range(3)], {**RATINGS, "session": "session"})
    assert [e.context["session"] for e in log.log.events("bob")] == ["s0", "s1", "s0"]


# -- the log as a whole ---------------------------------------------------------------------------------------------------


def test_importing_a_file_twice_is_importing_it_once(log):
    rows = [rate(f"u{n % 7}", f"i{n % 5}", 1 + n % 5, NOW + n // 3) for n in range(60)] + [rate(value=9), rate(user="")]
    first = log.add(rows)
    events, version, files = log.events, log.log.version, sorted(os.listdir(log.folder))
    second = log.add(rows)
    assert (log.events, log.log.version, sorted(os.listdir(log.folder))) == (events, version, files)
    assert second.kept == 0
    assert second.merged == first.kept + first.merged
    assert second.rejected == first.rejected == 2


def test_a_second_file_is_merged_in_order_of_user_time_and_coming(log):
    log.add([rate("b", at=NOW + 2), rate("a", "x", at=None), rate("a", "y", at=NOW)])
    before = log.log.version
    log.add([rate("a", "z", at=NOW), rate("b", at=NOW + 1), rate("a", "w", at=None)])
    assert log.log.version not in ("", before)
    assert [(e.user, e.item, e.at) for e in log.events] == [
        ("a", "x", 0), ("a", "w", 0), ("a", "y", NOW), ("a", "z", NOW), ("b", "a", NOW + 1), ("b", "a", NOW + 2),
    ]  # fmt: skip
    assert len(list(log.folder.glob("events-*"))) == 1
    assert not list(log.folder.glob("import-*"))
    assert log.log.counts() == {"rated": 6}


def test_nothing_imported_is_an_empty_log(log):
    assert log.log.version == ""
    assert log.log.events("ann") == log.log.users() == list(log.log.strengths()) == []
    assert log.log.counts() == {}


def test_odd_names_and_texts_are_kept_apart_and_as_they_are(log):
    names = ["Ann", "ann", "安", "🙂", "o'hara; --", 'q"q', "a|b", "x" * 400, "x" * 401, "tab\tname", "a\x00b"]
    log.add([rate(name, at=NOW) for name in names])
    assert len(log.log.users()) == len(names)
    assert [len(log.log.events(name)) for name in names[:7]] == [1] * 7


def test_a_folder_with_odd_characters_will_do(tmp_path):
    folder = tmp_path / "it's a [log] *?"
    folder.mkdir()
    log = Log(folder)
    log.add([rate()])
    log.add([rate(at=NOW + 1)])
    assert len(log.events) == 2


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([rate(value="x"), rate(value=8)], "line 1, field 'value': is 'x'"),
        ([rate(user=None)], "line 1, field 'user'"),
        ([{"user": 1}], "field 'item'.* which has: user"),
        ([rate(at=9e9)], "line 1, field 'time'"),
    ],
)
def test_a_file_without_an_event_is_an_error_and_leaves_the_log_as_it_was(log, rows, place):
    log.add([rate()])
    before = (log.events, log.log.version, sorted(os.listdir(log.folder)))
    with pytest.raises(CatalogError, match=place) as refused:
        log.add(rows)
    assert str(log.tmp_path / "log-2.jsonl") in str(refused.value)
    assert (log.events, log.log.version, sorted(os.listdir(log.folder))) == before


def test_rows_all_set_aside_by_the_whole_are_an_error_too(log):
    with pytest.raises(CatalogError, match=r"line 1, field 'time': is in a day .* first of 3"):
        log.add([rate(item=str(n)) for n in range(3)], {**PLAYS, "bot_per_day": 1})


def test_broken_rows_of_the_table_are_set_aside_with_their_rule(log):
    path = log.tmp_path / "broken.jsonl"
    path.write_text(json.dumps(rate()) + '\n{"user": \n[1]\n' + json.dumps(rate(at=NOW + 1)) + "\n")
    report = import_events(path, EventMapping.model_validate(RATINGS), log.folder, None, {})
    assert counts(report) == (2, 0, 2, {"invalid_json": 1, "not_an_object": 1})
    assert [entry["line"] for entry in log.rejected] == [2, 3]


def test_one_import_at_a_time(log):
    log.add([rate()])
    with FileLock(log.folder / "lock"), pytest.raises(IndexLockedError, match="Another import"):
        log.add([rate(at=NOW + 1)])


def test_what_a_killed_import_left_is_removed_and_the_log_stays(log):
    log.add([rate()])
    left = log.folder / "import-dead"
    left.mkdir()
    (left / "staged.parquet").write_bytes(b"half")
    (log.folder / "events-dead.parquet").write_bytes(b"half")
    (log.folder / "current.json.new").write_text("{")
    assert len(log.events) == 1
    assert log.add([rate()]).merged == 1
    assert not left.exists()
    assert len(list(log.folder.glob("events-*"))) == 1


def test_progress_grows_from_nothing_to_all(log):
    path = log.tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(rate(n)) + "\n" for n in range(1000)))
    seen: list[float] = []
    import_events(path, EventMapping.model_validate(RATINGS), log.folder, None, {}, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_logs_with_much_text_are_sorted_in_parts_and_come_out_the_same(log, tmp_path, monkeypatch):
    mapping = {**RATINGS, "kind": "review", "text": "text"}
    rows = [
        rate(f"u{n % 37}", f"i{n}", 1 + n % 5, None if n % 11 == 0 else NOW - n, text=f"words {n} " * 50) for n in range(3000)
    ]
    log.add(rows, mapping)
    log.add([*rows[:10], rate("u3", "late", text="more")], mapping)
    monkeypatch.setattr(event_sort, "_LIGHT", 0)
    monkeypatch.setattr(event_sort, "_PART", 20_000)
    (tmp_path / "parts").mkdir()
    parts = Log(tmp_path / "parts")
    parts.add(rows, mapping)
    parts.add([*rows[:10], rate("u3", "late", text="more")], mapping)
    assert parts.events == log.events
    assert len(parts.events) == 3001


# -- which mapping ---------------------------------------------------------------------------------------------------------


def test_the_first_mapping_whose_columns_are_there_is_chosen_or_one_is_proposed(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,rating,timestamp\n" + "".join(f"{n},{n},{n % 5 + 1},{NOW + n}\n" for n in range(50)))
    other = EventMapping(user="customer", item="item_id", kind="view")
    fits = EventMapping(user="user_id", item="item_id", kind="view")
    assert choose_mapping(path, [other, fits]) == fits
    proposed = choose_mapping(path, [other])
    assert (proposed.user, proposed.item, proposed.kind, proposed.value) == ("user_id", "item_id", "rated", "rating")
    path.write_text("colour,size\nred,1\nblue,2\n")
    with pytest.raises(CatalogError, match=r"colour, size.*\[\[events\]\]"):
        choose_mapping(path, [other])


# -- properties -------------------------------------------------------------------------------------------------------------

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 12), st.floats(), st.sampled_from(["", "1", "2", "NaN", "a b", "3 4", "5 stars"]),
    st.text(max_size=8), st.lists(st.one_of(st.integers(0, 9), st.text(max_size=2)), max_size=3), st.just({"x": 1}),
)  # fmt: skip
TIMES = st.one_of(CELLS, st.integers(NOW, NOW + 100), st.sampled_from(["2015-01-02", "2015-01-02T03:04:05Z", 99999999999]))
TABLES = st.lists(
    st.one_of(
        st.fixed_dictionaries({}, optional={"user": CELLS, "item": CELLS, "value": CELLS, "time": TIMES, "text": CELLS}),
        st.builds(rate, st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(1, 5), st.integers(NOW, NOW + 200)),
    ),
    max_size=25,
)
MAPPINGS = st.fixed_dictionaries(
    {
        "user": st.just("user"),
        "item": st.sampled_from(["item", ["item", "text"]]),
        "kind": st.sampled_from(["rating", "review", "view", "save", "tag"]),
        "value": st.just("value"),
        "scale": st.sampled_from([None, (1, 5)]),
        "time": st.sampled_from([None, "time"]),
        "text": st.sampled_from([(), "text"]),
        "bot_per_day": st.sampled_from([3, 2000]),
        "burst_per_minute": st.sampled_from([2, 120]),
    }
)
RULES = st.lists(st.sampled_from(["bad_value", "out_of_scale", "burst", "bot_day", "html_tags", "unknown_item"]), max_size=2)
KNOWN = st.sampled_from([None, {"x", "y", "3", "a", "b"}])
ANY = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY
@given(rows=TABLES, mapping=MAPPINGS, off=RULES, known=KNOWN)
def test_any_rows_add_up_or_are_refused_with_their_place_and_twice_is_once(tmp_path_factory, rows, mapping, off, known):
    log = Log(tmp_path_factory.mktemp("any"))
    refused = None
    try:
        first = log.add(rows, mapping, known=known, off=off)
    except CatalogError as error:
        refused = error
    if refused:
        assert str(refused).startswith(str(log.tmp_path / "log-1.jsonl"))
        assert refused.field or not rows
        assert log.log.version == ""
        return
    events = log.events
    assert len(events) == first.kept
    assert all(e.value is None or 0 <= e.value <= 1 for e in events)
    assert [(e.user, e.at) for e in events] == sorted((e.user, e.at) for e in events)
    second = log.add(rows, mapping, known=known, off=off)
    assert log.events == events
    assert (second.kept, second.rejected) == (0, first.rejected)


def by_definition(files, limit_day, limit_minute):
    """Repeats, then days with too many, then what is beyond the limit of a minute: person by person, in plain Python."""
    kept = []
    for rows in files:
        fresh = []
        for row in rows:
            if row not in kept and row not in fresh:
                fresh.append(row)
        days = Counter((r["user"], r["time"] // 86400) for r in kept + fresh)
        fresh = [r for r in fresh if days[r["user"], r["time"] // 86400] <= limit_day]
        minutes = Counter((r["user"], r["time"] // 60) for r in kept)
        for row in sorted(fresh, key=lambda r: r["time"]):
            place = (row["user"], row["time"] // 60)
            minutes[place] += 1
            if minutes[place] <= limit_minute or row["time"] % 3600 == 0:
                kept.append(row)
    return sorted((r["user"], r["time"], r["item"]) for r in kept)


@ANY
@given(
    files=st.lists(
        st.lists(
            st.builds(rate, st.sampled_from("ab"), st.sampled_from("xyz"), st.just(1), st.integers(NOW, NOW + 400)),
            min_size=1,
            max_size=25,
        ),
        min_size=1,
        max_size=3,
    ),
    limits=st.tuples(st.integers(3, 20), st.integers(1, 5)),
)
def test_what_the_whole_shows_is_what_the_definition_says(tmp_path_factory, files, limits):
    log = Log(tmp_path_factory.mktemp("definition"))
    expected = by_definition(files, *limits)
    for rows in files:
        with suppress(CatalogError):  # a program's day, and nothing else
            log.add(rows, {**PLAYS, "bot_per_day": limits[0], "burst_per_minute": limits[1]})
    assert sorted((e.user, e.at, e.item) for e in log.events) == expected


@ANY
@given(data=st.data(), mapping=MAPPINGS)
def test_the_order_of_rows_with_distinct_times_does_not_matter(tmp_path_factory, data, mapping):
    times = data.draw(st.lists(st.integers(NOW, NOW + 150), min_size=1, max_size=20, unique=True))
    rows = [rate(data.draw(st.sampled_from("ab")), data.draw(st.sampled_from("xyz")), data.draw(st.integers(1, 5)), t, text="t")
        for t in times]  # fmt: skip
    mapping = {**mapping, "time": "time", "bot_per_day": 2000}
    one, other = (Log(tmp_path_factory.mktemp(name)) for name in ("one", "other"))
    shuffled = data.draw(st.permutations(rows))
    assert one.add(rows, mapping).rules == other.add(shuffled, mapping).rules
    assert one.events == other.events
