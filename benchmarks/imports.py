"""How fast and in how much memory data comes in: ``python -m benchmarks.imports``; baselines in the same run.

The catalogue is the shipped one, repeated under new ids and titles; the log is made by repetition: 943 people, 1,682 items,
times in order. Each size of a log runs in a process of its own, whose peak memory is that size's.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from chatbot.embedding import build_embedder
from chatbot.settings import Settings, go_offline
from retrieval.catalog_import import ITEMS, import_catalog, read_items
from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.index_build import build_index

ROUNDS = 3
PEOPLE, ITEM_COUNT = 943, 1682


def timed(work: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def write_catalogue(path: Path, rows: int) -> None:
    """Repeat the shipped catalogue; every row gets an id, titles and a first sentence of its own."""
    domain = load_domain("movies")
    originals = [orjson.loads(line) for line in domain.catalogue_path.read_bytes().splitlines()]
    with path.open("wb") as file:
        for n in range(rows):
            row = dict(originals[n % len(originals)])
            again = n // len(originals)
            row["id"] = f"{row['id']}-{again}"
            if again:
                row |= {key: f"{row[key]} {again}" for key in ("title_en", "title_zh", "title_original") if row.get(key)}
                row |= {key: f"{again}. {row[key]}" for key in ("summary_en", "summary_zh") if row.get(key)}
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def write_log(path: Path, events: int) -> None:
    """Write ratings whose people repeat under new names."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(("userId", "itemId", "rating", "timestamp"))
        for n in range(events):
            person = f"{n // 100_000}-{n % PEOPLE}"
            out.writerow((person, chance.randrange(ITEM_COUNT), chance.randrange(1, 11) / 2, 880_000_000 + n))


def bench_catalogue(rows: int, folder: Path) -> dict[str, float]:
    """Rows a second of reading, cleaning and writing; the baseline parses the same lines and writes them back."""
    path, domain = folder / "catalogue.jsonl", load_domain("movies")
    write_catalogue(path, rows)

    def parse_and_write() -> None:
        with path.open("rb") as source, (folder / "copy.jsonl").open("wb") as out:
            for line in source:
                out.write(orjson.dumps(orjson.loads(line), option=orjson.OPT_APPEND_NEWLINE))

    bare = statistics.median(timed(parse_and_write) for _ in range(ROUNDS))
    whole = statistics.median(timed(lambda: import_catalog(path, domain, folder)) for _ in range(ROUNDS))
    return {
        "catalogue_rows_per_s": rows / whole,
        "catalogue_bare_json_rows_per_s": rows / bare,
        "catalogue_ratio": bare / whole,
    }


def _import_log(path: Path, folder: Path, answer: Any) -> None:
    from retrieval.event_import import import_events
    from retrieval.mapping import EventMapping

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spec = EventMapping(user="userId", item="itemId", kind="rating", value="rating", scale=(0.5, 5), time="timestamp")
    started = time.perf_counter()
    report = import_events(path, spec, folder, {str(n) for n in range(ITEM_COUNT)}, {})
    seconds = time.perf_counter() - started
    answer.put((report.rows, seconds, before / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def bench_events(sizes: list[int], folder: Path) -> dict[str, float]:
    """Events a second and peak memory by size; the baseline reads the same file with the csv module."""
    figures: dict[str, float] = {}
    for size in sizes:
        path = folder / "log.csv"
        write_log(path, size)
        bare = timed(lambda path=path: _read_csv(path))
        log = folder / f"log-{size}"
        log.mkdir()
        context = multiprocessing.get_context("spawn")
        answer = context.Queue()
        process = context.Process(target=_import_log, args=(path, log, answer))
        process.start()
        rows, seconds, before, peak = answer.get()
        process.join()
        name = f"events_{size}"
        figures |= {f"{name}_per_s": rows / seconds, f"{name}_ratio_to_bare_csv": bare / seconds}
        figures |= {f"{name}_peak_mb": peak, f"{name}_start_mb": before}
        path.unlink()
    return figures


def _read_csv(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass


def bench_embedding(items: int, folder: Path) -> dict[str, float]:
    """Cards a second with the default embedder: bare, in the embedding stage of a build (with Chroma), and in a whole build."""
    path, domain = folder / "embed.jsonl", load_domain("movies")
    write_catalogue(path, items)
    embedder = build_embedder(Settings())
    import_catalog(path, domain, folder)
    cards = [domain.write_card(i, lang) for i in read_items(folder / ITEMS) for lang in domain.card_languages]
    embedder.embed_items(cards[:64])
    seconds: dict[str, list[float]] = {"bare": [], "stage": [], "build": []}
    for _ in range(ROUNDS):
        seconds["bare"].append(timed(lambda: embedder.embed_items(cards)))
        told: dict[str, float] = {}  # stage -> when it was last told of

        def tell(stage: str, _fraction: float, told: dict[str, float] = told) -> None:
            told[stage] = time.perf_counter()

        with tempfile.TemporaryDirectory() as index:
            seconds["build"].append(
                timed(lambda index=index, tell=tell: build_index(domain, path, embedder, Path(index), tell))
            )
        seconds["stage"].append(told["embedding"] - told["reading"])
    rates = {name: len(cards) / statistics.median(values) for name, values in seconds.items()}
    figures = {f"embed_{name}_cards_per_s": rate for name, rate in rates.items()}
    return {**figures, "embed_ratio": rates["stage"] / rates["bare"], "embed_build_ratio": rates["build"] / rates["bare"]}


def bench_again(items: int, folder: Path) -> dict[str, float]:
    """Seconds to index a catalogue again: unchanged, written anew with the same rows, and with one row changed."""
    path, domain, embedder, index = folder / "again.jsonl", load_domain("movies"), HashingEmbedder(), folder / "again"
    write_catalogue(path, items)
    index.mkdir()
    figures = {"again_first_s": timed(lambda: build_index(domain, path, embedder, index))}
    figures["again_unchanged_s"] = timed(lambda: build_index(domain, path, embedder, index))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(reversed(lines)))
    figures["again_reordered_s"] = timed(lambda: build_index(domain, path, embedder, index))
    changed = {**orjson.loads(lines[-1]), "summary_en": "Another description of it."}
    path.write_bytes(b"".join([*lines[:-1], orjson.dumps(changed), b"\n"]))
    figures["again_one_changed_s"] = timed(lambda: build_index(domain, path, embedder, index))
    return figures


def main() -> None:
    """Run what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the catalogue")
    parser.add_argument("--events", type=int, nargs="*", default=[100_000, 1_000_000, 10_000_000], help="sizes of the log")
    parser.add_argument("--embed", type=int, default=3000, help="items to embed; 0: none")
    parser.add_argument("--again", type=int, default=36_000, help="items to index again; 0: none")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    go_offline()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures |= bench_catalogue(options.rows, folder)
        figures |= bench_events(options.events, folder)
        if options.embed:
            figures |= bench_embedding(options.embed, folder)
        if options.again:
            figures |= bench_again(options.again, folder)
    for key, value in figures.items():
        print(f"{key:40} {value:,.3f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
