"""What comes next in a person's history: leave-last-out on MovieLens, and the candidate lists of LLMRank."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.quality.files import clocked, shared_data
from benchmarks.quality.games import bench_games
from benchmarks.quality.leave_last_out import bench_films
from benchmarks.quality.movielens import READERS
from chatbot.embedding import build_embedder
from chatbot.settings import make_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--data", type=Path, default=shared_data(), help="the folder of the public data sets")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="a quick look: of every data set the first N people, and little training"
    )


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows of every data set and system."""
    say, embedder = clocked(), build_embedder(make_settings())
    rows: list[dict[str, Any]] = []
    for read in READERS:
        rows += bench_films(read(options.data, options.limit), embedder, say)
    return rows + bench_games(options.data, embedder, say, options.limit)
