"""Retrieval over large catalogues: ``python -m benchmarks.scale [--sizes 10000 100000 1000000] [--json FILE]``.

The films are made up and always the same: unit vectors in clusters, a cluster mostly of one genre, genres of skewed frequency,
words of a Zipf distribution. Each size is indexed in a process of its own (real Chroma on disk) and searched in another. Every
query is asked in every case in turn, so that load on the machine meets them alike: compare ratios. Beside them, in the same
run, stands what was done before: Chroma's own filter of metadata, and a loop over all items.

From ``--exact-from`` items on Chroma is not built, for that takes too long: dense search compares all vectors of a memory map
instead, and the seconds that Chroma would need are guessed from its rate at the size before, under a name that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scale_data import DIMENSION, MOODS, WORDS, SyntheticEmbedder, make_chunks, one_language, words
from benchmarks.speed import percentile
from retrieval.channels import CHANNEL_LIMIT, Search, best, dense
from retrieval.constraints import satisfies_all
from retrieval.embedder import Vectors
from retrieval.index import CatalogIndex, record_id
from retrieval.lexical import LexicalIndex
from retrieval.retriever import Retriever
from retrieval.types import Constraint, Query, Wish
from retrieval.vector_rows import open_rows
from retrieval.vector_store import ChromaVectorStore

RESULTS = Path(__file__).parent / "results" / "scale.json"
SIZES = [10_000, 100_000, 1_000_000]
EXACT_FROM = 500_000
LOOSE, RECENT, TIGHT = (
    Constraint("genres", "excludes", "horror"),
    Constraint("year", "min", 2018),
    Constraint("year", "min", 2024),
)
CASES: dict[str, tuple[Constraint, ...]] = {
    "no constraint": (),
    "loose": (LOOSE,),
    "tight": (TIGHT,),
    "loose and tight": (LOOSE, TIGHT),
    "loose and middling": (LOOSE, RECENT),
}


class MappedStore:
    """A vector store that compares every row of a memory map, for sizes at which Chroma was not built."""

    def __init__(self, rows: Vectors, ids: Sequence[str]) -> None:
        self.rows, self.ids = rows, ids
        self.order = np.arange(len(ids), dtype=np.int32)

    def search(self, vector: Vectors, k: int, where: Mapping[str, Any] | None = None) -> list[tuple[str, float]]:
        """Compare all."""
        blocks = (self.rows[start : start + 256] @ vector.ravel() for start in range(0, len(self.ids), 256))
        positions, scores = best(self.order, np.concatenate(list(blocks)), self.order, k)
        return [(record_id(self.ids[n], "en"), score) for n, score in zip(positions.tolist(), scores.tolist(), strict=True)]


def peak_mb() -> float:
    """The most memory that this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build(size: int, folder: Path, chroma: bool) -> dict[str, Any]:
    """Index a size; return seconds of each part, and memory."""
    embedder, seconds = SyntheticEmbedder(), {"chroma": 0.0, "rows": 0.0, "words": 0.0}
    store = ChromaVectorStore.on_disk(folder / "chroma", "cards") if chroma else None
    (folder / "rows").mkdir()
    rows = None if chroma else np.lib.format.open_memmap(folder / "rows" / "en.npy", "w+", np.float32, (size, DIMENSION))
    ids: list[str] = []
    documents: list[str] = []
    for items, clusters, rng in make_chunks(size, embedder):
        vectors = embedder.around(clusters, rng)
        documents += [words(rng, WORDS) for _ in items]
        started = time.perf_counter()
        if store:
            metadata = [
                {"item": i.id, "language": "en", "year": i.facets.get("year", 0), "horror": int("horror" in i.values("genres"))}
                for i in items
            ]
            store.upsert([record_id(i.id, "en") for i in items], vectors, metadata)
            seconds["chroma"] += time.perf_counter() - started
        elif rows is not None:
            rows[len(ids) : len(ids) + len(items)] = vectors
            seconds["rows"] += time.perf_counter() - started
        ids += [i.id for i in items]
    started = time.perf_counter()
    if store:
        open_rows(folder / "rows" / "en.npy", [record_id(i, "en") for i in ids], store, "")
        seconds["rows"] = time.perf_counter() - started
        store.close()
    started = time.perf_counter()
    LexicalIndex.build(ids, documents).save(folder / "bm25")
    seconds["words"] = time.perf_counter() - started
    disk = {p.name: sum(f.stat().st_size for f in p.rglob("*") if f.is_file()) / 1e6 for p in folder.iterdir()}
    return {"index_seconds": seconds, "disk_mb": disk, "index_peak_rss_mb": peak_mb()}


def serve(size: int, folder: Path, queries: int) -> dict[str, Any]:
    """Search a size; return milliseconds of every case, and memory."""
    embedder = SyntheticEmbedder()
    domain = one_language()
    items = {item.id: item for films, _, _ in make_chunks(size, embedder) for item in films}
    rows = np.load(folder / "rows" / "en.npy", mmap_mode="r")
    has_chroma = (folder / "chroma").is_dir()
    store: Any = ChromaVectorStore.on_disk(folder / "chroma", "cards") if has_chroma else MappedStore(rows, list(items))
    index = CatalogIndex(domain, items, store, LexicalIndex.load(folder / "bm25"), embedder, rows={"en": rows})
    retriever, rng, ids = Retriever(index), np.random.default_rng(11), list(items)
    asked = [Query(words(rng, 5) + f" {n}", wishes=(Wish("moods", MOODS[n % 5]),), k=10) for n in range(queries + 3)]
    liked = [tuple(ids[n] for n in rng.integers(0, size, 3)) for _ in asked]
    calls: dict[str, Callable[[int], Any]] = {
        name: lambda n, c=constraints: retriever.retrieve(_with(asked[n], c)) for name, constraints in CASES.items()
    }
    calls["loose and tight, 3 liked"] = lambda n: retriever.retrieve(_with(asked[n], (LOOSE, TIGHT), liked[n]))
    if has_chroma:
        for name, constraints in CASES.items():
            where = _where(constraints)
            calls[f"Chroma's filter alone: {name}"] = lambda n, where=where: store._collection.query(
                query_embeddings=[embedder.embed_queries([asked[n].text])[0]],
                n_results=CHANNEL_LIMIT,
                where=where,
                include=["distances"],
            )
    calls["loop over items: loose and tight"] = lambda n: [
        i for i in items.values() if satisfies_all(i, (LOOSE, TIGHT), domain)
    ]
    started = time.perf_counter()
    retriever.retrieve(_with(asked[-1], (LOOSE, TIGHT)))
    first = 1000 * (time.perf_counter() - started)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for n in range(-2, queries):  # two rounds to warm up
        for name, call in calls.items():
            if name.startswith(("Chroma", "loop")) and n % 5:
                continue  # slow ones are asked of every fifth query
            started = time.perf_counter()
            call(n)
            if n >= 0:
                times[name].append(1000 * (time.perf_counter() - started))
    base = np.median(times["no constraint"])
    cases = {
        name: {"p50_ms": float(np.median(t)), "p95_ms": percentile(t, 0.95), "ratio": float(np.median(t) / base)}
        for name, t in times.items()
    }
    for name, constraints in CASES.items():
        cases[name] |= _quality(index, [_with(query, constraints) for query in asked[:20]], rows)
    return {"first_query_ms": first, "queries": queries, "cases": cases, "serve_peak_rss_mb": peak_mb(), "chroma": has_chroma}


def _with(query: Query, constraints: tuple[Constraint, ...], liked: tuple[str, ...] = ()) -> Query:
    return Query(query.text, constraints=constraints, wishes=query.wishes, liked=liked, k=query.k)


def _where(constraints: Sequence[Constraint]) -> dict[str, Any] | None:
    clauses: list[dict[str, Any]] = [{"horror": 0} if c is LOOSE else {"year": {"$gte": c.value}} for c in constraints]
    return {"$and": clauses} if len(clauses) > 1 else clauses[0] if clauses else None


def _quality(index: CatalogIndex, queries: list[Query], rows: Vectors) -> dict[str, float]:
    """Return the share of items allowed, and of the nearest allowed items how many the dense channel found."""
    found: list[float] = []
    share = 0.0
    for query in queries:
        allowed = np.logical_and.reduce([index.columns.mask(c) for c in query.constraints] or [np.ones(len(rows), bool)])
        search, ranks = Search(index, query, allowed), index.columns.id_ranks
        vector = index.embedder.embed_queries([query.text])[0]
        exact = best(search.positions, (rows @ vector)[search.positions], ranks, CHANNEL_LIMIT)[0]
        ours = best(*(dense(search) or (exact[:0], np.zeros(0))), ranks, CHANNEL_LIMIT)[0]
        found.append(len(set(exact.tolist()) & set(ours.tolist())) / len(exact))
        share = float(allowed.mean())
    return {"allowed": share, "dense_recall": float(np.mean(found))}


def run_size(size: int, queries: int, chroma: bool) -> dict[str, Any]:
    """Index and search a size, each in a process of its own."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for stage in ("build", "serve"):
            command = [sys.executable, "-m", "benchmarks.scale", "--stage", stage, "--sizes", str(size), "--folder", folder]
            command += ["--queries", str(queries), *([] if chroma else ["--exact-from", "0"])]
            output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            result |= json.loads(output.splitlines()[-1])
    return result


def show(results: dict[str, Any]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    notes: list[str] = []
    table = Table("items", "case", "allowed", "p50 ms", "p95 ms", "ratio", "dense recall")
    for size, result in results.items():
        for name, case in result["cases"].items():
            share, recall = (f"{case[key]:.3f}" if key in case else "" for key in ("allowed", "dense_recall"))
            table.add_row(size, name, share, f"{case['p50_ms']:.1f}", f"{case['p95_ms']:.1f}", f"{case['ratio']:.2f}", recall)
        seconds = ", ".join(f"{name} {value:.0f} s" for name, value in result["index_seconds"].items() if value)
        guess = f"; Chroma would take about {s:.0f} s" if (s := result.get("chroma_seconds_extrapolated")) else ""
        disk, memory = sum(result["disk_mb"].values()), (result["index_peak_rss_mb"], result["serve_peak_rss_mb"])
        notes.append(
            f"{size}: {seconds}{guess}; {disk:.0f} MB on disk; at most {memory[0]:.0f} MB of memory to index, {memory[1]:.0f} "
            f"to search; the first query takes {result['first_query_ms']:.0f} ms"
        )
    Console(width=128).print(table, *notes, sep="\n", highlight=False)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--queries", type=int, default=200, help="of a size; a quarter of it from half a million on")
    parser.add_argument("--exact-from", type=int, default=EXACT_FROM)
    parser.add_argument("--stage", choices=["build", "serve"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        size = options.sizes[0]
        built = options.stage == "build"
        chroma = size < options.exact_from
        print(json.dumps(build(size, options.folder, chroma) if built else serve(size, options.folder, options.queries)))
        return
    results: dict[str, Any] = {}
    rate = 0.0
    for size in options.sizes:
        chroma = size < options.exact_from
        result = run_size(size, options.queries if size < EXACT_FROM else options.queries // 4, chroma)
        if chroma:
            rate = result["index_seconds"]["chroma"] / size
        elif rate:
            result["chroma_seconds_extrapolated"] = rate * size
        results[str(size)] = {**result, "load": os.getloadavg()[0]}
        machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        options.json.write_text(json.dumps({**machine, "sizes": results}, indent=1) + "\n", encoding="utf-8")
    show(results)


if __name__ == "__main__":
    main()
