"""``python -m benchmarks.release``: what tables of a log are still worth when differential privacy has been added.

Of everyone with five items one is hidden: the last where the log has times, else any. The tables are made from the rest,
written, read again as whoever gets them would, and asked for the hidden item.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import sparse

from benchmarks.quality.files import shared_data
from benchmarks.quality.scoring import score
from retrieval.collaborative import ItemItemIndex
from retrieval.domain_files import load_events
from retrieval.event_import import choose_mapping, import_events
from retrieval.interactions import InteractionLog
from retrieval.releasing import read_item_item, release_tables, save_release

EPSILONS = 8.0, 4.0, 2.0, 1.0
DELTA = 1e-6
ASKED = 1500  # people
DEPTH, RECENT, LEAST = 10, 50, 5
SEED = 0
LOGS = (  # name, ready mapping, file
    ("MovieLens 100K", "movielens-100k", "movielens_100k/u.data"),
    ("Anime", "anime", "anime/anime_ratings.dat.gz"),
    ("Steam purchases", "steam", "steam_200k/game_purchase.dat.gz"),
)


@dataclass(frozen=True, slots=True)
class Log:
    """Who came to want what: for everyone positions in the ids, the hidden one last."""

    name: str
    ids: list[str]
    baskets: list[list[int]]


def read_log(name: str, mapping: str, path: Path) -> Log:
    """Import a log as the product does, and read what people came to want."""
    spec = choose_mapping(path, [m for m in load_events(mapping) if any(fnmatch(path.name, f) for f in m.files)])
    with tempfile.TemporaryDirectory() as folder:
        import_events(path, spec, Path(folder), None, {})
        wanted = [list(dict.fromkeys(items)) for _, items in InteractionLog(Path(folder)).sequences()]
    ids = sorted({item for items in wanted for item in items})
    places = {item: n for n, item in enumerate(ids)}
    chance = np.random.default_rng(SEED)
    baskets = [[places[item] for item in items] for items in wanted]
    return Log(name, ids, baskets if spec.time else [chance.permutation(basket).tolist() for basket in baskets])


def measure(log: Log, epsilons: Sequence[float]) -> list[dict[str, Any]]:
    """Return a row for the tables as they are and one for every ε."""
    asked = [basket for basket in log.baskets if len(basket) >= LEAST]
    known = [basket[:-1] if len(basket) >= LEAST else basket for basket in log.baskets]
    rows = np.repeat(np.arange(len(known)), [len(basket) for basket in known])
    columns = np.array([item for basket in known for item in basket])
    wanted = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(known), len(log.ids)))
    chosen = np.random.default_rng(SEED).permutation(len(asked))[:ASKED].tolist()
    people = [asked[n] for n in chosen]
    usual = [log.ids[n] for n in np.argsort(-np.asarray(wanted.sum(axis=0)).ravel(), kind="stable").tolist()]
    found = [_row(log, people, "as they are", ItemItemIndex.from_matrix(log.ids, wanted), usual)]
    for epsilon in epsilons:
        made = release_tables(log.ids, wanted, epsilon, DELTA)
        with tempfile.TemporaryDirectory() as folder:
            save_release(made, Path(folder) / "release")
            near = read_item_item(Path(folder) / "release")
        popular = [log.ids[n] for n in np.argsort(-made.popularity, kind="stable").tolist()]
        found.append(_row(log, people, f"ε = {epsilon:g}", near, popular))
    return found


def _row(log: Log, people: Sequence[list[int]], tables: str, near: ItemItemIndex, popular: Sequence[str]) -> dict[str, Any]:
    rankings: dict[str, dict[str, list[str]]] = {"item-item": {}, "popularity": {}}
    for n, basket in enumerate(people):
        mine = [log.ids[item] for item in basket[:-1]]
        scores = near.scores(mine[-RECENT:], mine)
        rankings["item-item"][str(n)] = sorted(scores, key=lambda item: -scores[item])[:DEPTH]
        own = set(mine)
        rankings["popularity"][str(n)] = [item for item in popular[: len(own) + DEPTH] if item not in own][:DEPTH]
    hidden = {str(n): {log.ids[basket[-1]]} for n, basket in enumerate(people)}
    row: dict[str, Any] = {"log": log.name, "people": len(log.baskets), "items": len(log.ids), "tables": tables}
    for name, lists in rankings.items():
        scored = score(lists, hidden)
        row[name] = {"ndcg@10": scored["ndcg@10"], "ci95": scored["ci95"]["ndcg@10"]}
    return row


def main() -> None:
    """Print the table, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_data(), help="the folder of the public data sets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    logs = [read_log(name, mapping, options.data / path) for name, mapping, path in LOGS]
    rows = [row for log in logs for row in measure(log, EPSILONS)]
    table = Table("log", "people", "items", "tables", "item-item nDCG@10, %", "popularity", title=f"δ = {DELTA:g}")
    for row in rows:
        near, popular = (
            f"{100 * row[name]['ndcg@10']:.1f} ±{100 * row[name]['ci95']:.1f}" for name in ("item-item", "popularity")
        )
        table.add_row(row["log"], str(row["people"]), str(row["items"]), row["tables"], near, popular)
    Console(width=120).print(table)
    if options.json:
        options.json.write_text(json.dumps({"delta": DELTA, "rows": rows}, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
