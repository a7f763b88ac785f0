"""The sequence benchmark on a part of the public data, as a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.channels import Channels, Parameters, best
from benchmarks.quality.games import BUDGET, LISTS, candidates_of, read_games
from benchmarks.quality.movielens import READERS
from benchmarks.quality.scoring import METRICS, score

pytestmark = pytest.mark.realdata

SYSTEMS = {"random", "popularity", "popularity in time", "item-item", "EASE", "ALS", "dense history", "transitions"}
SYSTEMS |= {"self-attention"}
PEOPLE = 100


@pytest.fixture(scope="module")
def rows(shared_data):
    """What the command prints for the first people, with hashed words in place of the default embedder."""
    command = [sys.executable, "-m", "benchmarks.quality", "sequence", "--limit", str(PEOPLE), "--json", "--data", shared_data]
    done = subprocess.run(
        command,
        env={**os.environ, "ZHIYIN_EMBEDDER": "hashing"},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["rows"]


@pytest.mark.slow
def test_rows_have_every_metric_and_its_interval(rows):
    datasets = {row["dataset"] for row in rows}
    assert datasets == {
        "MovieLens latest-small",
        "MovieLens 100K",
        *(f"LLMRank Games, {name} candidates" for name in LISTS),
    }
    for row in rows:
        assert row["n"] == PEOPLE
        assert set(METRICS) <= set(row)
        assert set(row["ci95"]) == set(METRICS)
        assert all(0 <= row[metric] <= 1 for metric in METRICS)
        assert row["recall@1"] == row["ndcg@1"] == row["mrr@1"]  # there is one right answer
        assert row["recall@10"] <= row["recall@50"]


@pytest.mark.slow
def test_ease_beats_popularity_and_the_learned_order_beats_ease(rows):
    for dataset in ("MovieLens latest-small", "MovieLens 100K"):
        found = {row["system"]: row for row in rows if row["dataset"] == dataset}
        assert set(found) == SYSTEMS | {"rank fusion", "learned"}
        assert found["popularity"]["recall@50"] > found["random"]["recall@50"]
        assert found["EASE"]["recall@50"] > found["popularity"]["recall@50"]
        assert found["learned"]["recall@50"] > found["EASE"]["recall@50"]


@pytest.mark.slow
def test_ease_beats_popularity_on_whole_logs(shared_data):
    """By nDCG@10, whose interval is wider than the difference for the few people of the command above."""
    for read in READERS:
        films = read(shared_data, None)
        known = [person.until(-1) for person in films.people]
        channels = Channels(films, known, np.ones((len(films.ids), 1), np.float32), Parameters())
        targets = {str(n): {films.ids[person.items[-1]]} for n, person in enumerate(films.people)}
        quality = {}
        for channel in ("popularity", "EASE"):
            lists = {
                str(n): [films.ids[item] for item in best(channels.scores_of(channel, person), 50, person.items)]
                for n, person in enumerate(known)
            }
            quality[channel] = score(lists, targets)["ndcg@10"]
        assert quality["EASE"] > 1.3 * quality["popularity"]


def test_histories_are_in_the_order_of_time(shared_data):
    for read, people, films in zip(READERS, (610, 943), (9_724, 1_682), strict=True):
        log = read(shared_data, None)
        assert (len(log.people), len(log.ids)) == (people, films)
        assert all((person.times[1:] >= person.times[:-1]).all() for person in log.people)
        assert all(len(set(person.items.tolist())) == len(person.items) for person in log.people)


def test_games_have_twenty_candidates_with_the_answer_once(shared_data):
    games = read_games(shared_data)
    assert len(games.sequences) == 50_546
    for name, people in games.lists.items():
        assert len(people) == 200
        for user, published in people.items():
            candidates = candidates_of(published, games.following[user])
            assert candidates.count(games.following[user]) == 1
            assert len(set(candidates)) == len(candidates) <= BUDGET
            assert name.startswith("rab") or len(candidates) == BUDGET
