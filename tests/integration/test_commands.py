"""An owner's way in: look at a table, index it, import a log, and ask as a person of that log."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest
from forking import run_app

ROOT = Path(__file__).resolve().parents[2]
KINDS = ["lamp", "chair", "kettle", "rug"]


class App:
    """Runs ``python app.py`` with a data folder, hashed words and no model."""

    def __init__(self, data: Path) -> None:
        self.data = data
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_") or k == "ZHIYIN_HOME"}
        self.environment = {**environment, "ZHIYIN_DATA": str(data), "PYTHONWARNINGS": "default"}

    def run(self, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return run_app(list(map(str, arguments)), self.environment, cwd or self.data)

    def ok(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert "Warning" not in done.stderr
        return done

    def report(self, *arguments: object) -> dict:
        done = self.ok(*arguments, "--json")
        found = json.loads(done.stdout)
        assert list(found) == ["rows", "kept", "merged", "rejected", "rules", "seconds"]
        assert found["rows"] == found["kept"] + found["merged"] + found["rejected"]
        return found

    def ask(self, message: str, *arguments: object) -> dict:
        done = self.ok("ask", message, "--offline-demo", "--items-only", "--json", *arguments)
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shop's export of 80 products, a log of 30 people with one taste each, and a data folder."""
    folder = tmp_path_factory.mktemp("shop")
    with gzip.open(folder / "products.csv.gz", "wt", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sku", "product_name", "category", "brand", "price", "description"])
        for n in range(80):
            kind = KINDS[n % 4]
            words = f"A {kind} made by hand number {n}, for the home &amp; garden, with a story of its own."
            out.writerow([f"P{n}", f"{kind.title()} model {n}", kind, f"Brand {n % 7}", f"${n + 1}.50", words])
        out.writerow(["P80", "", "rug", "Brand 1", "$1", "No name."])
    with (folder / "orders.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "sku", "rating", "timestamp"])
        for person in range(30):
            taste = person % 4
            for k in range(8):
                out.writerow([f"u{person}", f"P{(taste + 4 * (person + k)) % 80}", 5, 1_600_000_000 + 86400 * k + person])
        out.writerow(["u0", "P999", 5, 1_600_000_000])
        out.writerow(["u0", "P0", "many", 1_600_000_000])
        out.writerow(["u1", "P1", 5, 4_000_000_000])
    app = App(folder)
    app.report("index", "--catalog", folder / "products.csv.gz", "--embedder", "hashing")
    return app


def test_a_table_is_indexed_without_a_mapping_and_the_proposal_is_kept(shop):
    [folder] = (shop.data / "index").iterdir()
    assert 'title = { en = "product_name" }' in (folder / "mapping.toml").read_text(encoding="utf-8")
    done = shop.ok("index", "--catalog", shop.data / "products.csv.gz", "--embedder", "hashing")
    for words in ("unchanged", "81 rows: 80 kept, 0 merged, 1 set aside", "html_entities", "rejected.jsonl", "mapping.toml"):
        assert words in done.stderr


def test_the_chat_speaks_of_the_table_in_both_languages(shop):
    turn = shop.ask("a kettle", "--catalog", shop.data / "products.csv.gz")
    assert turn["items"]
    assert all("Kettle" in item["title"] for item in turn["items"])
    turn = shop.ask("推荐一个 kettle", "--catalog", shop.data / "products.csv.gz")
    assert turn["language"] == "zh"
    assert "件商品" in turn["reply"]  # the table is recognised as a shop's


def test_inspect_prints_a_table_and_writes_a_mapping_that_indexes(shop, tmp_path):
    mapping = tmp_path / "mine.toml"
    done = shop.ok("inspect", shop.data / "products.csv.gz", "--output", mapping)
    for words in ("product_name", "title", "id: sku", "text: description"):
        assert words in done.stdout
    again = shop.run("inspect", shop.data / "products.csv.gz", "--output", mapping)
    assert again.returncode == 1
    assert "--force" in again.stderr
    report = shop.report(
        "index", "--catalog", shop.data / "products.csv.gz", "--domain", mapping, "--embedder", "hashing"
    )  # fmt: skip
    assert (report["rows"], report["kept"], report["rules"]["no_title"]) == (81, 80, 1)


def test_a_log_is_imported_and_a_person_of_it_is_known(shop):
    catalog = shop.data / "products.csv.gz"
    report = shop.report("import-events", shop.data / "orders.csv", "--catalog", catalog)
    assert report["rows"] == 243
    assert report["rules"]["unknown_item"] == report["rules"]["future_time"] == 1
    assert (report["kept"], report["rejected"], report["rules"]["bad_value"]) == (240, 3, 1)
    again = shop.report("import-events", shop.data / "orders.csv", "--catalog", catalog)
    assert (again["kept"], again["merged"]) == (0, report["kept"])
    turn = shop.ask("something new for me", "--catalog", catalog, "--user", "u2", "--conversation", "x")
    owned = {f"P{(2 + 4 * (2 + k)) % 80}" for k in range(8)}
    assert turn["items"]
    assert not owned & {item["id"] for item in turn["items"]}  # what a person has is not recommended to them
    assert all("Kettle" in item["title"] for item in turn["items"])  # u2's taste
    assert any("collaborative" in item["channels"] for item in turn["items"])
    stranger = shop.ask("something new for me", "--catalog", catalog, "--user", "nobody", "--conversation", "y")
    assert not any("collaborative" in item["channels"] for item in stranger["items"])


def test_tables_of_a_log_are_released_with_what_they_guarantee(shop, tmp_path):
    catalog = ("--catalog", shop.data / "products.csv.gz")
    shop.report("import-events", shop.data / "orders.csv", *catalog)
    first, second = tmp_path / "first", tmp_path / "second"
    done = shop.ok("release", *catalog, "--epsilon", 2, "-o", first)
    assert "popularity of 80 items" in done.stderr
    assert "before" not in done.stderr
    note = json.loads((first / "release.json").read_text())
    assert (note["epsilon"], note["delta"]) == (2, 1e-6)
    assert sorted(path.name for path in first.iterdir()) == ["item_item.csv", "popularity.csv", "release.json"]
    assert len((first / "popularity.csv").read_text().splitlines()) == 81
    again = shop.ok("release", *catalog, "-o", second)
    assert "ε = 6, δ = 2e-06" in again.stderr  # what is released adds up
    for arguments, words in (
        (("-o", first), "exists"),
        (("-o", tmp_path / "x", "--epsilon", 0), "--epsilon"),
        (("-o", tmp_path / "x", "--delta", 0.01), "--delta must be at most"),
    ):
        refused = shop.run("release", *catalog, *arguments)
        assert refused.returncode == 1
        assert words in refused.stderr
    assert not (tmp_path / "x").exists()


def test_a_log_without_an_index_says_how_to_build_one(tmp_path, shop):
    app = App(tmp_path)
    done = app.run("import-events", shop.data / "orders.csv", "--catalog", shop.data / "products.csv.gz")
    assert done.returncode == 1
    assert "python app.py index" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect", "nowhere.csv"], "nowhere.csv"),
        (["index", "--catalog", "orders.csv", "--embedder", "hashing"], "title"),
        (["import-events", "nowhere.csv", "--catalog", "products.csv.gz"], "nowhere.csv"),
        (["import-events", "products.csv.gz", "--catalog", "products.csv.gz"], "events"),
        (["index", "--catalog", "products.csv.gz", "--domain", "nonsense"], "nonsense"),
        (["index", "--catalog", "products.csv.gz", "--domain", "steam", "--embedder", "hashing"], "Game_ID"),
        (["index", "--domain", "steam"], "--catalog"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_what_to_do(shop, arguments, words):
    done = shop.run(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    [said] = [line for line in done.stderr.splitlines() if line.startswith("zhiyin: ")]
    assert words in said
