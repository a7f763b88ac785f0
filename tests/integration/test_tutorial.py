"""The tutorial docs/your-own-domain.md, followed to the letter: its files, its commands, and the lines that they show."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from forking import run_app

from chatbot.records import read_constraint
from retrieval.catalog_import import ITEMS, read_items
from retrieval.constraints import satisfies_all
from retrieval.domain_files import load_domain
from retrieval.types import Item

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PAGE, PAGE_ZH = ROOT / "docs" / "your-own-domain.md", ROOT / "docs" / "your-own-domain.zh-CN.md"
BLOCK = re.compile(r"(?:^File: (?P<file>\S+)\n\n)?^```(?P<kind>sh|toml|text)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
HAN = re.compile(r"[\u3400-\u9fff]")
DATA = ("steam_200k", "anime")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: commands (sh), what they show (text), or a file (toml)."""

    kind: str
    body: str
    file: str | None


def blocks_of(page: Path) -> list[Block]:
    found = [Block(m["kind"], m["body"], m["file"]) for m in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    assert all((block.kind == "toml") == (block.file is not None) for block in found)
    return found


@dataclass(frozen=True)
class Asked:
    """A question of the page: its words, the record of the turn, the pack at that time and its items."""

    words: str
    record: dict
    pack: Path
    items: dict[str, Item]


class Reader:
    """Somebody who follows the page in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_")}
        own = {"ZHIYIN_HOME": str(folder / "home"), "ZHIYIN_DATA": str(folder / "home")}
        self.environment = {**kept, **own, "ZHIYIN_EMBEDDER": "hashing", "ZHIYIN_ENGINE": "scripted"}
        self.shown: list[tuple[str, list[str]]] = []  # what a block of commands printed, and the lines it should hold
        self.asked: list[Asked] = []

    def follow(self, blocks: list[Block]) -> None:
        for block in blocks:
            if block.file:
                (self.folder / block.file).write_text(block.body, encoding="utf-8")
            elif block.kind == "sh":
                self.shown.append(("".join(map(self._run, block.body.splitlines())), []))
            else:
                self.shown[-1][1].extend(line for line in block.body.splitlines() if line.strip())

    def _run(self, line: str) -> str:
        if not line.startswith("python app.py "):
            done = subprocess.run(line, shell=True, cwd=self.folder, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            return done.stdout
        arguments = shlex.split(line)[2:]
        if arguments[0] != "ask":
            done = self._app(arguments)
            return done.stdout + done.stderr
        record = json.loads(self._app([*arguments, "--json"]).stdout)  # the reply in it is what is printed without --json
        pack = self.folder / f"asked-{len(self.asked)}.toml"
        shutil.copy(self.folder / arguments[arguments.index("--domain") + 1], pack)
        self.asked.append(Asked(arguments[1], record, pack, self._items(load_domain(pack).mapping.id)))
        return record["reply"] + "\n"

    def _app(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        done = run_app(list(arguments), self.environment, self.folder)
        assert done.returncode == 0, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    def _items(self, column: object) -> dict[str, Item]:
        name = "games" if column == "Game_ID" else "anime"
        path = max(self.folder.glob(f"home/index/{name}-*/v-*/{ITEMS}"), key=lambda found: found.stat().st_mtime)
        return {item.id: item for item in read_items(path)}


@pytest.fixture(scope="module")
def reader(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "data").mkdir()
    for name in DATA:
        (folder / "data" / name).symlink_to(shared_data / name)
    reader = Reader(folder)
    reader.follow(blocks_of(PAGE))
    return reader


def test_the_two_pages_have_the_same_blocks() -> None:
    assert blocks_of(PAGE) == blocks_of(PAGE_ZH)


def test_what_the_page_shows_is_shown(reader: Reader) -> None:
    for printed, expected in reader.shown:
        for line in expected:
            assert line in printed


def test_answers_are_in_the_language_of_the_question(reader: Reader) -> None:
    languages = set()
    for asked in reader.asked:
        language = "zh" if HAN.search(asked.words) else "en"
        assert asked.record["language"] == language
        assert bool(HAN.search(asked.record["reply"].partition("\n")[0])) == (language == "zh")
        languages.add(language)
    assert languages == {"en", "zh"}


def test_constraints_hold_on_every_item(reader: Reader) -> None:
    constrained = 0
    for asked in reader.asked:
        domain = load_domain(asked.pack)
        constraints = [read_constraint(c) for c in asked.record["request"]["constraints"]]
        constrained += bool(constraints)
        shown = [asked.items[item["id"]] for item in asked.record["items"]]
        assert shown
        assert all(satisfies_all(item, constraints, domain) for item in shown)
    assert constrained == 8  # the wishes of the sections 5 and 6 that name something


def test_no_anime_is_what_was_left_out_or_below_the_standing_bound(reader: Reader) -> None:
    anime = [asked for asked in reader.asked if load_domain(asked.pack).standing]
    assert len(anime) == 6
    for asked in anime:
        said = {constraint["field"] for constraint in asked.record["request"]["constraints"]}
        assert not any("Hentai" in item.values("genres") for item in asked.items.values())
        for item in (asked.items[item["id"]] for item in asked.record["items"]):
            assert float(str(item.facets["score"])) >= (5 if "score" in said else 7)


def test_the_log_counts(reader: Reader) -> None:
    personal = [asked for asked in reader.asked if asked.record["user"] != "me"]
    assert len(personal) == 4
    for asked in personal:
        assert any("collaborative" in item["channels"] for item in asked.record["items"])
