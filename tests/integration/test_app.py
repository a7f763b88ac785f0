"""The command line in processes of its own, with the parts that need no weights."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from forking import run_app

from retrieval.domain_files import DOMAINS
from retrieval.index import index_lock

ROOT = Path(__file__).resolve().parents[2]
WISH = "a quiet film about space, no horror"
WISH_ZH = "想看安静的太空片，不要恐怖片"
TURN = {
    "turn_id",
    "user",
    "conversation",
    "language",
    "request",
    "items",
    "opening",
    "reply",
    "timings_ms",
    "model",
    "notes",
}


class App:
    """Runs ``python app.py`` with a data folder."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_") or k == "ZHIYIN_HOME"}
        self.environment |= {"ZHIYIN_DATA": str(data), "PYTHONWARNINGS": "default", **environment}

    def run(self, *arguments: str | bytes | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        return run_app(list(arguments), self.environment, cwd)

    def start(self, *arguments: str | bytes | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """The same in an interpreter of its own: slower, and with its own locale and encoding."""
        command = [sys.executable, ROOT / "app.py", *arguments]
        return subprocess.run(
            command, cwd=cwd, env=self.environment, capture_output=True, encoding="utf-8", errors="replace", timeout=120
        )

    def ask(self, *arguments: str | bytes | Path) -> subprocess.CompletedProcess[str]:
        return self.run("ask", "--offline-demo", *arguments)

    def turn(self, *arguments: str | bytes | Path) -> dict:
        """Ask for JSON and return it; what is printed must be one object and nothing else."""
        done = self.ask("--json", *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1
        return json.loads(done.stdout)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """One line on standard error, exit code 1, nothing on standard output; returns the line."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return next(line for line in done.stderr.splitlines() if line.startswith("zhiyin: "))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A data folder with the films' index, by hashed words."""
    data = tmp_path_factory.mktemp("built")
    done = App(data).run("index", "--embedder", "hashing")
    assert done.returncode == 0, done.stderr
    return data


@pytest.fixture
def app(built, tmp_path):
    """The command line over a copy of the index and an empty history."""
    data = tmp_path / "data"
    shutil.copytree(built, data)
    return App(data)


@pytest.fixture
def empty(tmp_path):
    return App(tmp_path / "data")


@pytest.fixture
def catalogue(tmp_path):
    """Write a catalogue of films n to m: catalogue("a.jsonl", 0, 20)."""
    lines = (DOMAINS / "movies" / "catalogue.jsonl").read_text(encoding="utf-8").splitlines()

    def write(name: str, first: int, last: int, *more: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*lines[first:last], *more]) + "\n", encoding="utf-8")
        return path

    return write


# -- index -----------------------------------------------------------------------------------------------------------


def test_an_index_is_built_and_a_second_time_nothing_is_done(empty):
    first = empty.run("index", "--embedder", "hashing")
    assert first.returncode == 0
    assert first.stdout == ""
    assert "408 items: 816 cards embedded" in first.stderr
    before = {p: p.stat().st_mtime_ns for p in (empty.data / "index" / "movies").rglob("*.jsonl")}
    second = empty.run("index", "--embedder", "hashing")
    assert second.returncode == 0
    assert "408 items: unchanged" in second.stderr
    assert {p: p.stat().st_mtime_ns for p in (empty.data / "index" / "movies").rglob("*.jsonl")} == before


def test_an_index_that_is_missing_is_built_by_the_first_question(empty):
    assert len(empty.turn(WISH)["items"]) == 3
    assert "unchanged" in empty.run("index", "--embedder", "hashing").stderr


def test_another_embedder_rebuilds_when_it_is_told_to(app):
    done = app.run("index", "--embedder", "hashing")
    assert "unchanged" in done.stderr
    assert json.loads((app.data / "index" / "movies" / "current.json").read_text())["embedder"].startswith("hashing/")


# -- ask -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("message", "language"), [(WISH, "en"), (WISH_ZH, "zh")])
def test_json_is_one_object_with_the_keys_of_the_contract(app, message, language):
    turn = app.turn(message)
    assert turn.keys() >= TURN
    assert turn["request"].keys() >= {"intent", "query", "constraints", "liked", "disliked"}
    assert turn["timings_ms"].keys() >= {"understand", "retrieve", "rerank", "first_token", "total"}
    assert turn["model"].keys() >= {"engine", "name"}
    assert (turn["user"], turn["language"]) == ("me", language)
    assert {"field": "genres", "op": "excludes", "value": "horror"}.items() <= turn["request"]["constraints"][0].items()
    assert [item["rank"] for item in turn["items"]] == [1, 2, 3]
    for item in turn["items"]:
        assert item.keys() >= {"id", "title", "rank", "score", "channels", "reasons"}
        assert item["title"] in turn["reply"]
        assert item["reasons"][0].keys() >= {"text", "sources"}
        assert all(channel.keys() == {"rank", "score"} for channel in item["channels"].values())


def test_without_json_the_reply_is_printed_and_nothing_else(app):
    done = app.start("ask", "--offline-demo", WISH)
    assert done.returncode == 0
    assert "Warning" not in done.stderr
    lines = done.stdout.strip().split("\n")
    assert lines[0].startswith("Three films")
    assert [line[:3] for line in lines[1:]] == ["1. ", "2. ", "3. "]


def test_chinese_is_printed_whatever_the_locale(app):
    app.environment |= {"LC_ALL": "C", "LANG": "C"}
    app.environment.pop("PYTHONUTF8", None)
    assert "三部电影" in app.start("ask", "--offline-demo", WISH_ZH).stdout


def test_the_log_says_how_long_and_never_what(app):
    done = app.ask(WISH)
    assert "retrieve" in done.stderr
    assert "space" not in done.stderr


def test_the_conversation_goes_on_in_the_next_process(app):
    first, second = app.turn(WISH), app.turn("others")
    assert first["conversation"] == second["conversation"]
    assert second["request"]["intent"] == "refine"
    assert "horror" in [c["value"] for c in second["request"]["constraints"]]
    assert not {i["id"] for i in first["items"]} & {i["id"] for i in second["items"]}


def test_what_was_said_about_a_film_is_kept_for_the_next_process(app):
    app.turn("I loved Interstellar", "--conversation", "one")
    turn = app.turn("something for tonight", "--conversation", "two")
    assert all("history" in item["channels"] for item in turn["items"])
    assert "interstellar-2014" not in [item["id"] for item in turn["items"]]


def test_users_and_conversations_are_kept_apart(app):
    app.turn("I loved Interstellar", "--user", "ann", "--conversation", "hers")
    bob = app.turn("something for tonight", "--user", "bob")
    assert not any("history" in item["channels"] for item in bob["items"])
    assert bob["user"] == "bob"
    assert "another user" in refused(app.ask(WISH, "--user", "bob", "--conversation", "hers"))


def test_items_only_has_items_and_no_words(app):
    turn = app.turn(WISH, "--items-only")
    assert len(turn["items"]) == 3
    assert all(item["reasons"] == [] and "vote" not in item["channels"] for item in turn["items"])
    assert turn["timings_ms"]["rerank"] == turn["timings_ms"]["first_token"] == 0


@pytest.mark.parametrize(
    ("message", "words"), [("", "empty"), ("  ", "empty"), ("x" * 20000, "20000")], ids=["empty", "blank", "long"]
)
def test_a_message_that_cannot_be_answered_is_refused_before_anything_is_loaded(empty, message, words):
    assert words in refused(empty.ask(message))
    assert not (empty.data / "index").exists()


@pytest.mark.parametrize("message", ["🙂", "I want 一部 quiet 的 Japanese film", "二三十分钟以内的"])
def test_odd_messages_are_answered(app, message):
    assert app.turn(message)["reply"]


def test_bytes_that_are_no_text_are_answered_or_refused_cleanly(app):
    done = app.ask("--json", b"a quiet film \xff\xfe")
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)


@pytest.mark.parametrize("arguments", [(), ("hello", "--batch", "x.jsonl")])
def test_a_message_or_a_batch_and_not_both(empty, arguments):
    assert "--batch" in refused(empty.ask(*arguments))


# -- batch -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def batch(tmp_path):
    def write(*lines: object) -> Path:
        path = tmp_path / "batch.jsonl"
        text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    return write


def test_a_batch_prints_one_result_a_line_in_the_same_order(app, batch):
    path = batch(
        {"message": WISH, "user": "ann", "conversation": "a"},
        {"message": WISH_ZH, "user": "bob"},
        "",
        {"message": "x" * 5000, "user": "carl"},
        {"message": "others", "user": "ann", "conversation": "a"},
        {"message": "others", "user": "bob", "conversation": "a"},
        {"message": "  "},
        {"message": "hello"},
    )
    done = app.ask("--json", "--batch", path)
    assert done.returncode == 0
    ann, bob, long, again, foreign, blank, hello = (json.loads(line) for line in done.stdout.splitlines())
    assert (ann["user"], ann["conversation"], ann["language"]) == ("ann", "a", "en")
    assert (bob["user"], bob["language"]) == ("bob", "zh")
    assert "5000" in long["error"]
    assert again["request"]["intent"] == "refine"
    assert not {i["id"] for i in ann["items"]} & {i["id"] for i in again["items"]}
    assert "another user" in foreign["error"]
    assert "empty" in blank["error"]
    assert hello["request"]["intent"] == "chat"
    assert hello["user"] == "me"


def test_lines_without_a_conversation_stand_for_themselves(app, batch):
    done = app.ask("--json", "--items-only", "--batch", batch({"message": WISH}, {"message": WISH}))
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["conversation"] != second["conversation"]
    assert [i["id"] for i in first["items"]] == [i["id"] for i in second["items"]]
    assert all(item["reasons"] == [] for item in first["items"])


def test_a_batch_survives_a_message_that_is_no_text(app, batch):
    done = app.ask("--json", "--batch", batch('{"message": "films \\ud83d"}', {"message": WISH}))
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert len(json.loads(done.stdout.splitlines()[1])["items"]) == 3


@pytest.mark.parametrize(
    "line",
    ['{"message": "x"', '{"text": "x"}', '{"message": 5}', '["x"]', '"x"', "null"],
)
def test_a_broken_batch_line_is_named_before_anything_is_answered(empty, batch, line):
    said = refused(empty.ask("--json", "--batch", batch({"message": WISH}, "", line)))
    assert "batch.jsonl, line 3" in said


def test_a_batch_that_does_not_exist_is_named(empty, tmp_path):
    assert "nowhere.jsonl" in refused(empty.ask("--batch", tmp_path / "nowhere.jsonl"))


def test_a_batch_that_is_not_utf8_is_named(empty, tmp_path):
    path = tmp_path / "batch.jsonl"
    path.write_bytes('{"message": "安静"}'.encode("gb18030"))
    assert "batch.jsonl" in refused(empty.ask("--batch", path))


def test_a_batch_may_begin_with_a_byte_order_mark(app, tmp_path):
    path = tmp_path / "batch.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"message": WISH}).encode())
    assert len(json.loads(app.ask("--json", "--items-only", "--batch", path).stdout)["items"]) == 3


# -- other catalogues --------------------------------------------------------------------------------------------------


def test_a_catalogue_file_follows_the_mapping_of_the_domain(empty, catalogue):
    path = catalogue("mine.jsonl", 0, 20)
    turn = empty.turn("a silent film", "--catalog", path)
    known = {json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()}
    assert {item["id"] for item in turn["items"]} <= known
    [folder] = (empty.data / "index").iterdir()
    assert folder.name.startswith("movies-")


def test_two_catalogue_files_have_two_indexes(empty, catalogue):
    one, two = catalogue("one/films.jsonl", 0, 20), catalogue("two/films.jsonl", 100, 120)
    first = empty.turn("a film", "--catalog", one, "--items-only", "--conversation", "one")
    second = empty.turn("a film", "--catalog", two, "--items-only", "--conversation", "two")
    assert not {i["id"] for i in first["items"]} & {i["id"] for i in second["items"]}
    assert len(list((empty.data / "index").iterdir())) == 2


def test_a_catalogue_that_changed_is_indexed_again(empty, catalogue):
    catalogue("mine.jsonl", 0, 20)
    path = catalogue("mine.jsonl", 0, 20)
    empty.turn("a film", "--catalog", path, "--items-only")
    catalogue("mine.jsonl", 100, 103)
    turn = empty.turn("a film", "--catalog", path, "--items-only", "--conversation", "new")
    known = {json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()}
    assert {item["id"] for item in turn["items"]} == known


def test_history_of_items_that_are_gone_does_no_harm(empty, catalogue):
    path = catalogue("mine.jsonl", 0, 20)
    empty.turn("I loved Metropolis", "--catalog", path)
    catalogue("mine.jsonl", 100, 120)
    assert len(empty.turn("others", "--catalog", path)["items"]) == 3


def test_a_folder_with_a_domain_is_a_catalogue(empty, catalogue, tmp_path):
    folder = tmp_path / "mini"
    path = catalogue("mini/catalogue.jsonl", 50, 70)
    shutil.copy(DOMAINS / "movies" / "domain.toml", folder / "domain.toml")
    turn = empty.turn("a film", "--catalog", folder, "--items-only")
    known = {json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()}
    assert {item["id"] for item in turn["items"]} <= known
    assert [p.name for p in (empty.data / "index").iterdir()] != ["movies"]


def test_a_domain_that_does_not_exist_names_those_that_do(empty):
    said = refused(empty.ask(WISH, "--catalog", "cookery"))
    assert "cookery" in said
    assert "movies" in said


BROKEN = [
    ('{"id": "x", "title_en": "X", "year": "soon"}', "wrong_column", "year"),
    ('{"id": "x"}', "no_title", "title_en"),
    ('{"title_en": "X"}', "no_id", "id"),
    ('{"id": "the-cabinet-of-dr-caligari-1920", "title_en": "X"}', "duplicate_id", "id"),
    ('{"id": "x", ', "invalid_json", None),
]


def test_broken_rows_are_set_aside_with_line_and_field(empty, catalogue):
    path = catalogue("mine.jsonl", 0, 3, "\n".join(row for row, _, _ in BROKEN))
    done = empty.run("index", "--embedder", "hashing", "--catalog", path, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["rows"] == 8 == report["kept"] + report["merged"] + report["rejected"]
    assert report["rejected"] == len(BROKEN)
    [rejected] = (empty.data / "index").glob("*/v-*/rejected.jsonl")
    rows = [json.loads(line) for line in rejected.read_text(encoding="utf-8").splitlines()]
    assert [(row["line"], row["rule"], row["field"]) for row in rows] == [
        (line, rule, field) for line, (_, rule, field) in enumerate(BROKEN, 4)
    ]


def test_asking_of_a_catalogue_with_broken_rows_says_where_they_are(empty, catalogue):
    path = catalogue("mine.jsonl", 0, 5, BROKEN[0][0])
    done = empty.ask(WISH, "--catalog", path, "--items-only")
    assert done.returncode == 0, done.stderr
    assert "1 of 6 rows" in done.stderr
    assert "rejected.jsonl" in done.stderr


@pytest.mark.parametrize("command", ["ask", "index"])
def test_a_catalogue_of_which_nothing_can_be_kept_is_named_with_line_and_field(empty, catalogue, command):
    path = catalogue("mine.jsonl", 0, 0, BROKEN[1][0])
    done = empty.ask(WISH, "--catalog", path, "--domain", "movies") if command == "ask" else empty.run(
        "index", "--embedder", "hashing", "--catalog", path, "--domain", "movies"
    )  # fmt: skip
    said = refused(done)
    for words in (str(path), "line 1", "title_en"):
        assert words in said


def test_a_catalogue_that_broke_leaves_the_index_that_was_built_before(empty, catalogue):
    path = catalogue("mine.jsonl", 0, 20)
    empty.turn("a film", "--catalog", path, "--items-only", "--domain", "movies")
    [folder] = (empty.data / "index").iterdir()
    before = (folder / "current.json").read_text()
    catalogue("mine.jsonl", 0, 0, BROKEN[1][0])
    assert "line 1" in refused(empty.ask(WISH, "--catalog", path, "--domain", "movies"))
    assert (folder / "current.json").read_text() == before


def test_a_catalogue_that_does_not_exist_is_named(empty, tmp_path):
    assert "nowhere.jsonl" in refused(empty.ask(WISH, "--catalog", tmp_path / "nowhere.jsonl"))


# -- what is in the way --------------------------------------------------------------------------------------------------


def test_an_index_that_another_process_holds_names_it(app):
    with index_lock(app.data / "index" / "movies"):
        for done in (app.ask(WISH), app.run("index", "--embedder", "hashing")):
            said = refused(done)
            assert str(os.getpid()) in said
            assert "ZHIYIN_DATA" in said
    assert app.ask(WISH, "--items-only").returncode == 0


def test_a_broken_history_is_named_and_kept(app):
    path = app.data / "zhiyin.db"
    path.write_bytes(b"no database at all, only words" * 100)
    assert "zhiyin.db" in refused(app.ask(WISH))
    assert path.read_bytes().startswith(b"no database")


@pytest.mark.parametrize(
    ("name", "value"), [("ZHIYIN_ITEMS", "many"), ("ZHIYIN_ENGINE", "steam"), ("ZHIYIN_VOTE_WEIGHT", "-1")]
)
def test_a_wrong_setting_is_named(empty, name, value):
    empty.environment[name] = value
    assert name.removeprefix("ZHIYIN_").lower() in refused(empty.run("ask", WISH)).lower()


def test_a_model_that_does_not_exist_is_named_with_what_to_do(app, tmp_path):
    app.environment["ZHIYIN_EMBEDDER"] = "hashing"
    said = refused(app.run("ask", WISH, "--model", tmp_path / "nowhere.gguf"))
    assert "nowhere.gguf" in said


def test_weights_of_an_unknown_name_are_refused(empty):
    assert "no-such-weights" in refused(empty.run("weights", "no-such-weights"))


def test_a_port_in_use_is_named(app):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(app.run("--offline-demo", "--port", str(port)))
    assert str(port) in said


def test_an_unknown_option_is_a_usage_error(empty):
    done = empty.ask(WISH, "--colour", "red")
    assert done.returncode == 2
    assert "--colour" in done.stderr


@pytest.mark.model
def test_an_index_of_another_embedder_names_both_and_the_command(app):
    app.environment["ZHIYIN_ENGINE"] = "scripted"
    said = refused(app.run("ask", WISH))
    assert "hashing/" in said
    assert "sentence-transformers/" in said
    assert "python app.py index" in said


@pytest.mark.model
def test_an_index_of_another_embedder_of_a_file_names_the_command_with_its_catalogue(empty, catalogue):
    path = catalogue("mine.jsonl", 0, 20)
    empty.turn("a film", "--catalog", path, "--items-only")
    empty.environment["ZHIYIN_ENGINE"] = "scripted"
    assert f"python app.py index --catalog {path}" in refused(empty.run("ask", WISH, "--catalog", path))


# -- the rest ------------------------------------------------------------------------------------------------------------


def test_the_version_is_printed_and_nothing_is_made(empty):
    done = empty.run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("zhiyin 0")
    assert not empty.data.exists()


@pytest.mark.parametrize("command", [(), ("ask",), ("index",), ("weights",)])
def test_help_is_quick_and_names_its_options(empty, command):
    done = empty.run(*command, "--help")
    assert done.returncode == 0
    assert {(): "--port", ("ask",): "--items-only", ("index",): "--embedder", ("weights",): "--model"}[command] in done.stdout


def test_it_runs_from_another_folder(app, tmp_path):
    done = app.run("ask", "--offline-demo", "--items-only", "--json", WISH, cwd=tmp_path)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["items"]) == 3
