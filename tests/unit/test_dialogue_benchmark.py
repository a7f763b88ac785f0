"""The dialogue benchmark on made-up folders in every format."""

from __future__ import annotations

import argparse
import gzip
import json
import random

import pytest

from benchmarks.quality import dialogue
from benchmarks.quality.conversations import folds_of, read_moments
from benchmarks.quality.films import FilmCatalogue
from benchmarks.quality.parts import DialogueParts
from chatbot.llm.scripted import ScriptedModel

FILMS = 60


def film(n):
    return f"Film number {chr(97 + n // 10)}{chr(97 + n % 10)} ({1980 + n % 40})"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in the format of iEvaLM: film 2n goes with film 2n + 1."""
    folder = tmp_path_factory.mktemp("ievalm")
    names = {film(n): n * 3 for n in range(FILMS)} | {"horror": 1, "Ann Lee": 2}
    (folder / "entity2id.json").write_text(json.dumps(names))
    (folder / "item_ids.json").write_text(json.dumps([n * 3 for n in range(FILMS)]))
    info = {
        str(n): {
            "name": film(n),
            "genre": ["horror" if n % 2 else "comedy"],
            "plot": f"Somebody does thing {n}.",
            "director": ["Ann Lee"],
            "writer": [],
            "star": [],
        }
        for n in range(FILMS)
    }
    with gzip.open(folder / "id2info.json.gz", "wt") as file:
        json.dump(info, file)
    return folder


def write(path, rows):
    with gzip.open(path, "wt") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))
    return path


def ievalm(number, before, target):
    context = ["", f"Hi, I am {number}", f"I liked {film(before)}"]
    return {
        "dialog_id": str(number),
        "turn_id": 2,
        "context": context,
        "entity": ["horror", film(before)],
        "rec": [film(target)],
    }


def redial(number, before, target):
    def message(worker, text, items):
        return {"senderWorkerId": worker, "text": text, "item": items, "entity": ["horror"]}

    return {
        "conversationId": number,
        "initiatorWorkerId": 1,
        "respondentWorkerId": 2,
        "movieMentions": {"11": film(before), "12": film(target)},
        "messages": [
            message(2, f"Hi, I am {number}", []),
            message(1, "I liked @11", [film(before)]),
            message(2, "See @12", [film(target)]),
        ],
    }


def cikm(number, before, target, user=0):
    return {
        "context": [f"Hi, I am {number}", f"I liked {film(before)[:-7]}"],
        "resp": "x",
        "rec": [target * 3],
        "prev_entity": [before * 3, 1],
        "is_user": user,
    }


def test_the_three_formats_say_the_same(folder, tmp_path):
    films = FilmCatalogue(folder)
    one = read_moments(write(tmp_path / "any name.gz", [ievalm(5, 0, 1)]), films)[0]
    two = read_moments(write(tmp_path / "b.gz", [redial(5, 0, 1)]), films)[1]
    three = read_moments(write(tmp_path / "c.gz", [cikm(5, 0, 1)]), films)[0]
    assert one.mentioned == two.mentioned == three.mentioned == ("0",)
    assert one.targets == two.targets == three.targets == ("3",)
    assert one.dialogue == two.dialogue
    assert one.said == two.said
    assert one.recommender
    assert two.recommender
    assert not read_moments(write(tmp_path / "d.gz", [cikm(5, 0, 1, user=1)]), films)[0].recommender
    assert "horror" in one.names
    item = films.items["3"]
    assert (item.title("en"), item.facets["year"], item.facets["genres"]) == (film(1)[:-7], 1981, ("horror",))


def test_a_dialogue_is_never_in_training_and_test(folder, tmp_path):
    films = FilmCatalogue(folder)
    split = read_moments(write(tmp_path / "s.gz", [ievalm(n, 0, 1) for n in range(40)]), films)
    training = read_moments(write(tmp_path / "t.gz", [redial(n, 0, 1) for n in range(20, 60)]), films)
    folds = folds_of(split, training)
    assert len(folds) == 2
    assert sorted(m.dialogue for _, test in folds for m in test) == sorted(m.dialogue for m in split)
    for rest, test in folds:
        assert not {m.dialogue for m in rest} & {m.dialogue for m in test}
        assert {m.dialogue for m in training[80:]} <= {m.dialogue for m in rest} or len(rest) < len(training)
    others = [m for m in training if m.dialogue not in {s.dialogue for s in split}]
    assert folds_of(split, others) == [(others, split)]


def test_titles_of_other_tables_are_found(folder):
    films = FilmCatalogue(folder)
    assert films.match("Film Number aa (1981)") == "0"  # a year apart
    assert films.match("Film Number aa (1990)") is None
    assert films.by_name("Film number ab") == "3"


def test_a_broken_folder_or_line_is_said(folder, tmp_path):
    with pytest.raises(ValueError, match=r"entity2id\.json"):
        FilmCatalogue(tmp_path)
    with pytest.raises(ValueError, match=r"bad\.gz.*no field"):
        read_moments(write(tmp_path / "bad.gz", [{"context": ["a"]}]), FilmCatalogue(folder))


def test_the_benchmark_learns_what_the_dialogues_hold(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ZHIYIN_EMBEDDER", "hashing")
    chance = random.Random(1)
    pairs = [(2 * n, 2 * n + 1) for n in (chance.randrange(FILMS // 2) for _ in range(240))]
    training = write(tmp_path / "train.gz", [redial(100 + n, a, b) for n, (a, b) in enumerate(pairs)])
    split = write(tmp_path / "split.gz", [ievalm(n, 2 * n, 2 * n + 1) for n in range(FILMS // 2)])
    parser = argparse.ArgumentParser()
    dialogue.add_arguments(parser)
    monkeypatch.setattr(DialogueParts, "model", lambda _: ScriptedModel(votes=lambda _, labels: range(len(labels))))
    asked = ["--data", str(folder), "--split", str(split), "--train", str(training), "--log", "--vote", "7"]
    options = parser.parse_args(asked)
    rows = dialogue.run(options)
    by_name = {(row["system"], row["targets"], row["entities"]): row for row in rows}
    learned = by_name["learned", "new", "given"]
    assert learned["n"] == FILMS // 2
    assert learned["recall@1"] > 0.6 > by_name["random", "new", "given"]["recall@1"]
    assert by_name["learned", "new", "linked"]["recall@1"] > 0.6  # our own linking finds the titles
    assert 0 < by_name["bm25", "new", "given"]["ci95"]["recall@10"] < 0.2
    voted, unvoted = by_name["learned + vote", "new", "given"], by_name["learned, voted turns", "new", "given"]
    assert voted["n"] == unvoted["n"] == 7
    assert voted["recall@10"] == unvoted["recall@10"]  # a vote reorders the first ten
    assert voted["mrr@10"] <= unvoted["mrr@10"]  # this one for the worst, against half a channel's weight
    assert {"repeat", "popularity", "bm25", "dense", "history", "interest", "comention", "rrf"} <= {
        name for name, *_ in by_name
    }
    assert {"recall@50", "ndcg@10", "mrr@10", "coverage@10", "intra_list_similarity@10", "popularity_bias@10"} <= learned.keys()


def test_without_training_the_untrained_rows_are_there(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ZHIYIN_EMBEDDER", "hashing")
    split = write(tmp_path / "split.gz", [ievalm(n, 2 * n, 2 * n + 1) for n in range(5)])
    parser = argparse.ArgumentParser()
    dialogue.add_arguments(parser)
    rows = dialogue.run(parser.parse_args(["--data", str(folder), "--split", str(split), "--log"]))
    systems = {row["system"] for row in rows}
    assert {"random", "repeat", "bm25", "dense", "rrf"} <= systems
    assert not systems & {"learned", "interest", "comention", "popularity"}
