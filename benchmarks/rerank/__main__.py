"""``python -m benchmarks.rerank``: the order of ten candidates with and without the model's vote. README.md says more.

Each way of asking is measured alone and blended; the weight of a blend is chosen on the other half of the wishes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from scipy.stats import kendalltau

from benchmarks.quality.report import add_json
from benchmarks.rerank import ways
from benchmarks.shipped import shipped
from benchmarks.understanding.report import tell
from chatbot import vote_fusion
from chatbot.pipeline import RecommendationPipeline
from chatbot.reranking import LABELS, blend
from chatbot.settings import go_offline
from chatbot.types import Conversation, Profile, Request
from retrieval.fusion import RRF_K, ranking
from retrieval.metrics import ndcg, paired_gain
from retrieval.types import Candidate

FOLDER = Path(__file__).parent
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
SHUFFLES = 200
SEED = 5


Said: TypeAlias = dict[tuple[str, str], dict[str, Any]]  # by wish and way


def main() -> None:
    """Ask the model about every wish, or read what it said before, and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rerank", description=__doc__)
    parser.add_argument("--wishes", type=int, default=60, help="a language")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--ways", nargs="+", choices=ways.NAMES, default=[ways.LABELED], help="how to ask; ways.py says more")
    parser.add_argument("--votes", type=Path, help="keep what was said in this file, and read what is there")
    add_json(parser)
    options = parser.parse_args()
    go_offline()
    asked = [case for language in ("en", "zh") for case in read_wishes(language)[: options.wishes]]
    known = _known(options.votes)
    missing = {(case["id"], way) for case in asked for way in options.ways} - known.keys()
    engine = "auto" if {way for _, way in missing} - {ways.TITLE} else "scripted"
    with shipped(threads=options.threads, engine=engine) as pipeline:
        asker = ways.Asker(pipeline)
        pools = {case["id"]: pool(pipeline, case) for case in asked}
        for number, case in enumerate(asked, 1):
            for way in (way for way in options.ways if (case["id"], way) in missing):
                said = asker.ask(way, *pools[case["id"]])
                known[case["id"], way] = said
                if options.votes:
                    with options.votes.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"id": case["id"], "way": way, **said}, ensure_ascii=False) + "\n")
            print(f"\r{number} of {len(asked)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    rows = [
        row
        for language in ("en", "zh", "both")
        for way in options.ways
        for row in measure([c for c in asked if language in (c["language"], "both")], pools, known, way)
    ]
    tell({"wishes": rows, "asking": asking(asked, pools, known, options.ways)}, options.json)


def read_wishes(language: str) -> list[dict[str, Any]]:
    """Read the wishes of a language, with the judgement of every film that was judged: 2 fits well, 1 in part, 0 not."""
    lines = (FOLDER / f"wishes_{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [{**json.loads(line), "language": language} for line in lines if line.strip()]


def _known(path: Path | None) -> Said:
    """What was said before, by wish and way."""
    lines = path.read_text(encoding="utf-8").splitlines() if path and path.is_file() else []
    return {(said.pop("id"), said.pop("way")): said for said in map(json.loads, lines)}


def pool(pipeline: RecommendationPipeline, case: Mapping[str, Any]) -> tuple[Request, list[Candidate]]:
    """Return how a wish is understood, and its judged candidates in the order of retrieval."""
    turn = pipeline.complete(case["wish"], Conversation(case["id"], "bench"), Profile("bench"), items_only=True)
    found = [c for c in turn.candidates if c.item.id in case["judged"]][: len(LABELS)]
    return turn.request, [Candidate(c.item, 1 / (RRF_K + rank)) for rank, c in enumerate(found, 1)]


def value(ordered: Sequence[str], judged: Mapping[str, int]) -> float:
    """NDCG@10 of an order, the ideal being the best order of the same items."""
    return ndcg([judged[item] for item in ordered])


def measure(asked: Sequence[Mapping[str, Any]], pools: Mapping[str, Any], known: Said, way: str) -> list[dict[str, Any]]:
    """Return a row for chance, one for the order of retrieval, and three for each kind of vote: alone, blended and learned."""
    cases = [c for c in asked if len({c["judged"][x.item.id] for x in pools[c["id"]][1]}) > 1]  # the others are always right
    language = "both" if len({c["language"] for c in cases}) > 1 else cases[0]["language"]
    own = {c["id"]: [x.item.id for x in pools[c["id"]][1]] for c in cases}
    orders: dict[str, dict[str, list[str]]] = {"retrieval": own}
    learned: dict[str, vote_fusion.VoteFusion] = {}
    for name, (_, votes_of) in ((n, v) for n, v in ways.VOTES.items() if v[0] == way):
        votes = {c["id"]: ranking(votes_of(known[c["id"], way])) for c in cases}
        orders[f"{name}: alone"] = {case: list(found) for case, found in votes.items()}
        blended = {w: {c["id"]: _blended(pools[c["id"]][1], votes[c["id"]], w) for c in cases} for w in WEIGHTS}
        chosen: dict[str, list[str]] = {}
        weights: list[float] = []
        for half in (0, 1):
            rest = [c for n, c in enumerate(cases) if n % 2 != half]
            best = max(WEIGHTS, key=lambda w: (sum(value(blended[w][c["id"]], c["judged"]) for c in rest), -w))
            weights.append(best)
            chosen |= {c["id"]: blended[best][c["id"]] for n, c in enumerate(cases) if n % 2 == half}
        orders[f"{name}: blended, weights {weights[0]:g} and {weights[1]:g}"] = chosen
        learned[name] = vote_fusion.learn([_case(pools[c["id"]][1], votes[c["id"]], c["judged"]) for c in cases])
    chance = random.Random(SEED)
    shuffled = [
        _mean([value(chance.sample(own[c["id"]], len(own[c["id"]])), c["judged"]) for _ in range(SHUFFLES)]) for c in cases
    ]
    told = {"language": language, "wishes": len(cases)}
    rows: list[dict[str, Any]] = [{**told, "order": "chance", "ndcg@10": _mean(shuffled)}]
    base = [value(own[c["id"]], c["judged"]) for c in cases]
    for name, by_case in orders.items():
        values = [value(by_case[c["id"]], c["judged"]) for c in cases]
        top = [_mean([c["judged"][i] == 2 for i in by_case[c["id"]][:3]]) for c in cases]
        gain = paired_gain([a - b for a, b in zip(values, base, strict=True)])
        rows.append({**told, "order": name, "ndcg@10": _mean(values), "p@3": _mean(top),
                     "gain": gain.mean, "gain_ci95": gain.ci95})  # fmt: skip
    for name, fusion in learned.items():
        rows.append({**told, "order": f"{name}: learned weights", "ndcg@10": fusion.before + fusion.gain,
                     "gain": fusion.gain, "gain_ci95": fusion.ci95})  # fmt: skip
    return rows


def _case(candidates: Sequence[Candidate], votes: Mapping[str, Any], judged: Mapping[str, int]) -> vote_fusion.Case:
    return vote_fusion.Case(vote_fusion.features_of(candidates, votes), tuple(judged[c.item.id] for c in candidates))


def _blended(candidates: Sequence[Candidate], votes: Mapping[str, Any], weight: float) -> list[str]:
    return [c.item.id for c in blend(candidates, votes, weight)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(len(values), 1)


def asking(
    asked: Sequence[Mapping[str, Any]], pools: Mapping[str, Any], known: Said, used: Sequence[str]
) -> list[dict[str, Any]]:
    """What asking costs, and how much the order of the letters matters."""
    rows: list[dict[str, Any]] = []
    for language in ("en", "zh"):
        cases = [c["id"] for c in asked if c["language"] == language and len(pools[c["id"]][1]) > 1]
        for way in used:
            row: dict[str, Any] = {"language": language, "way": way, "wishes": len(cases)}
            row["asked_ms"] = _mean([ms for c in cases for ms in known[c, way]["ms"]])
            rows.append(row | (_letters([known[c, way] for c in cases]) if way == ways.LABELED else {}))
    return rows


def _letters(said: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    taus: list[float] = []
    same: list[bool] = []
    places = [0.0] * len(LABELS)
    for answer in said:
        one, other = answer["scores"]
        ids = list(one)
        taus.append(float(kendalltau([one[i] for i in ids], [other[i] for i in ids]).statistic))
        same.append(max(one, key=one.__getitem__) == max(other, key=other.__getitem__))
        for order, scores in ((ids, one), (ids[::-1], other)):
            places[order.index(max(scores, key=scores.__getitem__))] += 1 / (2 * len(said))
    return {
        "tau_of_two_orders": _mean(taus), "same_first": _mean(same), "first_place_A": places[0],
        "most_favoured_letter": max(places), "without_wish_ms": _mean([ms for answer in said for ms in answer["prior_ms"]]),
    }  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("TQDM_DISABLE", "1")
    main()
