"""The benchmark of understanding: cases and slots, figures counted by hand, the cases that are shipped, and what must hold."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.understanding import promises, states
from benchmarks.understanding.cases import FILES, Case, Expected, compare, is_bound, matches, read_cases
from benchmarks.understanding.promises import constraint_of
from benchmarks.understanding.readers import READERS, USUAL_COUNT, catalogue
from benchmarks.understanding.report import tell
from chatbot.types import Conversation, Request
from retrieval.domain import PEOPLE
from retrieval.types import Constraint, Wish

ROOT = Path(__file__).resolve().parents[2]

SHOWN = ["moon-2009", "solaris-1972", "interstellar-2014"]


def write(path, *cases):
    path.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases), encoding="utf-8")
    return path


def options(*paths, **values):
    return argparse.Namespace(**{"split": list(paths), "reader": ["cues"], "limit": None, "failures": False, **values})


# -- slots -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "got", "same"),
    [
        ("genres includes comedy", "genres includes comedy", True),
        ("genres includes comedy", "genres excludes comedy", False),
        ("moods quiet", "moods quiet", True),
        ("people includes Ang Lee", "people includes Ang Lee", True),
        ("genres any_of comedy|romance", "genres any_of romance|comedy", True),
        ("genres any_of comedy|romance", "genres any_of comedy", False),
        ("genres any_of comedy|romance", "moods any_of romance|comedy", False),
        ("countries any_of Hong Kong|South Korea", "countries any_of South Korea|Hong Kong", True),
        ("runtime max *", "runtime max 97", True),
        ("runtime max *", "runtime min 97", False),
        ("runtime max *", "year max 97", False),
        ("runtime max 97", "runtime max *", False),  # what is wanted has the star
        ("year min 1990", "year min 1991", False),
        ("count *", "count 5", True),
    ],
)
def test_two_slots_are_one(wanted, got, same):
    assert matches(wanted, got) is same


@pytest.mark.parametrize(
    ("wanted", "got", "optional", "counts"),
    [
        ([], [], [], (0, [], [])),
        (["a x"], ["a x"], [], (1, [], [])),
        (["a x", "b y"], ["b y", "c z"], [], (1, ["a x"], ["c z"])),
        (["a x"], ["a x", "b y"], ["b y"], (1, [], [])),  # neither wrong
        (["a x"], ["a x"], ["b y"], (1, [], [])),  # nor missed
        ([], ["year min 1990", "year max 1999"], ["year min *"], (0, [], ["year max 1999"])),
        (["year min *"], ["year min 1990"], [], (1, [], [])),
        (["year min *", "year min 1990"], ["year min 1990", "year min 2000"], [], (2, [], [])),  # a number is matched first
        (["year min *"], ["year min 1990", "year min 2000"], [], (1, [], ["year min 2000"])),
        (["g any_of a|b"], ["g any_of b|a"], [], (1, [], [])),
        (["g any_of a|b"], ["g includes a", "g includes b"], [], (0, ["g any_of a|b"], ["g includes a", "g includes b"])),
        ([], ["g any_of b|a"], ["g any_of a|b"], (0, [], [])),
    ],
)
def test_slots_are_counted(wanted, got, optional, counts):
    assert compare(wanted, got, optional) == counts


@pytest.mark.parametrize(
    ("slot", "bound"),
    [
        ("genres excludes horror", True),
        ("year min 1990", True),
        ("runtime max *", True),
        ("genres includes comedy", False),
        ("genres any_of comedy|romance", False),
        ("moods quiet", False),
        ("count 5", False),
    ],
)
def test_bounds_are_exclusions_and_ranges(slot, bound):
    assert is_bound(slot) is bound


def test_the_slots_of_a_request_leave_out_themes_and_the_usual_count():
    constraints = (Constraint("genres", "any_of", ("comedy", "romance")), Constraint("themes", "excludes", "war"))
    wishes = (Wish("moods", "quiet"), Wish("themes", "grief"))
    request = Request("recommend", "en", "x", constraints=constraints, wishes=wishes, count=USUAL_COUNT)
    assert states.slots_of(request) == ["genres any_of comedy|romance", "moods quiet"]
    assert states.slots_of(Request("recommend", "en", "x", count=5)) == ["count 5"]


@pytest.mark.parametrize(
    ("slot", "constraint"),
    [
        ("genres excludes horror", Constraint("genres", "excludes", "horror")),
        ("people includes Ang Lee", Constraint("people", "includes", "Ang Lee")),
        ("countries any_of Hong Kong|China", Constraint("countries", "any_of", ("Hong Kong", "China"))),
        ("year min 1990", Constraint("year", "min", 1990.0)),
        ("runtime max 97", Constraint("runtime", "max", 97.0)),
        ("runtime max *", None),
        ("moods quiet", None),
        ("count 5", None),
    ],
)
def test_a_slot_as_a_constraint(slot, constraint):
    assert constraint_of(slot) == constraint


# -- reading cases -----------------------------------------------------------------------------------------------------


def test_a_case_is_read_with_what_its_messages_mean(tmp_path):
    turns = [
        {
            "say": "a comedy",
            "shown": SHOWN,
            "expect": {"constraints": ["genres includes comedy"], "wishes": ["moods light", "themes war"], "count": 5},
        },
        {"say": "is it long?", "expect": {"intent": ["ask_item", "refine"], "refers": "ambiguous", "optional": ["year min *"]}},
        {"say": "the first", "expect": {"intent": "ask_item", "refers": ["moon-2009"], "items": {"moon-2009": "asked"}}},
    ]
    [case] = read_cases([write(tmp_path / "some.jsonl", {"id": "c1", "turns": turns})])
    first, second, third = case.turns
    assert (case.id, case.language, first.text, first.shown) == ("c1", "en", "a comedy", tuple(SHOWN))
    slots = frozenset({"genres includes comedy", "moods light", "count 5"})  # themes are never scored
    assert first.expected == Expected(("recommend",), slots, frozenset(), {}, None)
    assert second.expected == Expected(("ask_item", "refine"), frozenset(), frozenset({"year min *"}), {}, frozenset())
    assert third.expected == Expected(("ask_item",), frozenset(), frozenset(), {"moon-2009": "asked"}, frozenset({"moon-2009"}))


def test_a_case_without_an_id_is_named_after_its_line(tmp_path):
    path = tmp_path / "some.jsonl"
    path.write_text('\n{"turns": [{"say": "喜剧", "expect": {}}]}\n\n', encoding="utf-8")
    assert [(case.id, case.language) for case in read_cases([path])] == [("some-2", "zh")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "b"}', "turns"),
        ('{"turns": [{"say": "x"}]}', "expect"),
        ('{"turns": [{"expect": {}}]}', "say"),
        ('{"turns": [{"say": "x", "expect": {"wish": []}}]}', "unknown: wish"),
        ('{"turns": []', "JSONDecodeError"),
        ("[]", "TypeError"),
    ],
)
def test_what_is_no_case_is_refused_with_file_and_line(tmp_path, line, words):
    path = tmp_path / "broken.jsonl"
    path.write_text(f'{{"turns": [{{"say": "a comedy", "expect": {{}}}}]}}\n{line}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"broken\.jsonl:2: no case") as refused:
        read_cases([path])
    assert words in str(refused.value)


def test_what_is_held_out_depends_on_the_id_alone():
    ids = [f"case-{n}" for n in range(2000)]
    held = [Case(i, "en", ()).held_out for i in ids]
    assert held == [Case(i, "zh", ()).held_out for i in ids]
    assert 0.2 < sum(held) / len(held) < 0.3


# -- the cases that are shipped ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return {path.name: read_cases([path]) for path in FILES}


def test_every_file_has_cases_with_ids_of_their_own(shipped):
    assert all(shipped.values())
    ids = Counter(case.id for cases in shipped.values() for case in cases)
    assert [name for name, count in ids.items() if count > 1] == []
    assert {case.language for cases in shipped.values() for case in cases} == {"en", "zh"}


def test_every_item_of_a_case_exists_and_what_is_pointed_at_was_shown_or_spoken_of(shipped):
    items = catalogue()[1]
    for case in (case for cases in shipped.values() for case in cases):
        known: set[str] = set()
        for said in case.turns:
            unknown = {*said.shown, *said.expected.items, *(said.expected.refers or ())} - items.keys()
            assert not unknown, (case.id, unknown)
            known |= said.expected.items.keys()
            assert set(said.expected.refers or ()) <= known, case.id
            known |= set(said.shown)


def test_every_slot_of_a_case_is_of_a_facet(shipped):
    facets = {*catalogue()[0].facets, PEOPLE, "count"}
    for case in (case for cases in shipped.values() for case in cases):
        for slot in (slot for said in case.turns for slot in (*said.expected.slots, *said.expected.optional)):
            name, *rest = slot.split(" ", 2)
            assert name in facets, (case.id, slot)
            assert rest, (case.id, slot)
            assert constraint_of(slot) or len(slot.split(" ")) == 2 or slot.endswith(" *"), (case.id, slot)


# -- figures -----------------------------------------------------------------------------------------------------------

COMEDY, HORROR = "genres includes comedy", "genres excludes horror"
TINY = [
    {
        "id": "tiny-en",
        "turns": [
            {  # three slots right, one missed, which is a bound
                "say": "a quiet comedy, no horror",
                "expect": {"constraints": [COMEDY, HORROR, "year min *"], "wishes": ["moods quiet"]},
                "shown": SHOWN,
            },
            {  # two slots and an item right, one slot that nobody asked for
                "say": "I loved the second one",
                "expect": {
                    "intent": "react",
                    "constraints": [COMEDY, HORROR],
                    "items": {"solaris-1972": "liked"},
                    "refers": ["solaris-1972"],
                },
            },
        ],
    },
    {  # two slots right, the intent wrong
        "id": "tiny-zh",
        "turns": [
            {
                "say": "推荐两部日本电影",
                "expect": {"intent": "compare", "constraints": ["countries includes Japan"], "count": 2},
            }
        ],
    },
]
BY_HAND = {
    "both": {
        "n": 3,
        "slot_precision": 8 / 9,
        "slot_recall": 8 / 9,
        "slot_f1": 8 / 9,
        "bounds_exact": 1 / 2,
        "bounds_n": 2,
        "intent": 2 / 3,
        "attitudes": 1.0,
        "attitudes_n": 1,
        "references": 1.0,
        "references_n": 1,
        "whole_message": 0.0,
        "asked": 0.0,
    },
    "en": {"n": 2, "slot_precision": 6 / 7, "slot_recall": 6 / 7, "slot_f1": 6 / 7, "bounds_exact": 1 / 2, "intent": 1.0},
    "zh": {"n": 1, "slot_precision": 1.0, "slot_recall": 1.0, "slot_f1": 1.0, "bounds_n": 0, "intent": 0.0},
}


def test_the_figures_of_two_cases(tmp_path):
    rows = states.run(options(write(tmp_path / "tiny.jsonl", *TINY)))
    found = {row["language"]: row for row in rows if row["part"] == "all"}
    assert {row["system"] for row in rows} == {"cues"}
    assert found.keys() == BY_HAND.keys()
    for language, figures in BY_HAND.items():
        assert {name: found[language][name] for name in figures} == pytest.approx(figures), language
        assert min(found[language]["p50_ms"], found[language]["p95_ms"]) > 0
        assert found[language]["asked_p50_ms"] is None


def test_each_part_counts_its_own_cases(tmp_path):
    path = write(tmp_path / "tiny.jsonl", *TINY)
    rows = {(row["language"], row["part"]): row["n"] for row in states.run(options(path))}
    for part, held_out in (("open", False), ("held out", True)):
        turns = [len(case.turns) for case in read_cases([path]) if case.held_out is held_out]
        assert rows.get(("both", part), 0) == sum(turns)
    assert rows["both", "all"] == rows["en", "all"] + rows["zh", "all"] == 3


def test_failures_are_told_of_open_cases_alone(tmp_path, capsys):
    names = [f"tiny-{n}" for n in range(20)]
    open_, held = (next(n for n in names if Case(n, "en", ()).held_out is held) for held in (False, True))
    path = write(tmp_path / "tiny.jsonl", {**TINY[0], "id": open_}, {**TINY[0], "id": held})
    states.run(options(path, failures=True))
    told = capsys.readouterr().err
    assert f"{open_} 0: a quiet comedy, no horror\n    missed year min *\n" in told
    assert f"{open_} 1: I loved the second one\n    wrong moods quiet\n" in told
    assert f"{held} " not in told


def test_a_limit_draws_so_many_single_messages_a_language(tmp_path):
    single = [{"id": f"s{n}", "turns": [{"say": "a comedy", "expect": {}}]} for n in range(5)]
    path = write(tmp_path / "some.jsonl", *single, *TINY)
    rows = {(row["language"], row["part"]): row["n"] for row in states.run(options(path, limit=3))}
    assert (rows["en", "all"], rows["zh", "all"]) == (3, 1)


def test_promises_are_counted_by_message_and_five_turns_later(tmp_path):
    rows = promises.run(options(write(tmp_path / "tiny.jsonl", *TINY)))
    found = {(row["language"], row["part"]): row for row in rows}
    later = found["en", "exclusions, five turns later"]
    assert (later["n"], later["items"], later["broken_as_read"], later["broken_as_meant"]) == (1, 3, 0, 0)
    assert found["zh", "exclusions, five turns later"]["n"] == 0  # it excludes nothing
    now = found["zh", "messages with constraints"]
    assert (now["n"], now["items"], now["broken_as_read"], now["broken_as_meant"]) == (1, 2, 0, 0)


def test_the_reader_of_cues_reads_and_asks_no_model():
    reader = READERS["cues"]()
    request = reader("five quiet films, no horror", Conversation("c", "ann"))
    assert states.slots_of(request) == [HORROR, "moods quiet", "count 5"]
    assert reader.asked == 0


# -- telling -----------------------------------------------------------------------------------------------------------

ROWS = {"states": [{"language": "zh", "n": 3, "intent": 2 / 3, "p50_ms": 1.234, "asked_p50_ms": None, "ci95": [0, 1]}]}


def test_figures_are_told_as_a_table(capsys):
    tell(ROWS, None)
    told = capsys.readouterr().out
    assert all(word in told for word in ("states", "66.7", "1.23", "zh"))
    assert "ci95" not in told
    assert "None" not in told


def test_figures_are_told_as_json(tmp_path, capsys):
    tell(ROWS, Path("-"))
    assert json.loads(capsys.readouterr().out) == ROWS
    tell(ROWS, tmp_path / "deeper" / "found.json")
    assert json.loads((tmp_path / "deeper" / "found.json").read_text(encoding="utf-8")) == ROWS
    assert "66.7" in capsys.readouterr().out


# -- what must hold ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_shipped_cases_are_understood_in_both_languages():
    rows = {row["language"]: row for row in states.run(options(*FILES)) if row["part"] == "all"}
    for language in ("en", "zh"):
        assert rows[language]["slot_f1"] >= 0.90, language
        assert rows[language]["intent"] >= 0.85, language


@pytest.mark.slow
def test_no_promise_that_was_read_is_broken():
    rows = promises.run(options(*FILES[6:8]))  # the last batch: the benchmark itself runs all of them
    assert {(row["language"], row["broken_as_read"]) for row in rows} == {("en", 0), ("zh", 0)}
    assert all(row["items"] > 40 for row in rows)


def test_all_benchmarks_share_one_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.understanding", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert all(option in done.stdout for option in ("--split", "--reader", "--messages", "--json"))
