"""``python -m benchmarks.rerank``: the order of ten candidates with and without the model's vote. README.md says more.

Each way of asking is measured alone and blended; the weight of a blend is chosen on the other half of the wishes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from scipy.stats import kendalltau

from benchmarks.quality.report import add_json
from benchmarks.rerank import ways
from benchmarks.shipped import shipped
from benchmarks.understanding.report import tell
from chatbot import vote_fusion
from chatbot.llm.base import LanguageModel, Prompt
from chatbot.pipeline import RecommendationPipeline
from chatbot.reranking import LABELS, Answer, Poll, ask, blend, tally
from chatbot.settings import Settings, go_offline
from chatbot.types import Conversation, Profile, Request
from retrieval.fusion import RRF_K, ranking
from retrieval.metrics import ndcg, paired_gain
from retrieval.types import Candidate

FOLDER = Path(__file__).parent
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
SHUFFLES = 200
SEED = 5


Votes: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, float]]  # of what was said -> item id -> score


def main() -> None:
    """Ask the model about every wish, or read what it said before, and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rerank", description=__doc__)
    parser.add_argument("--wishes", type=int, default=60, help="a language")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--ways", action="store_true", help="also by a line of the text, yes or no, and the title's likelihood")
    parser.add_argument("--votes", type=Path, help="keep every vote in this file, and read those that are there")
    add_json(parser)
    options = parser.parse_args()
    go_offline()
    asked = [case for language in ("en", "zh") for case in read_wishes(language)[: options.wishes]]
    known = _known(options.votes)
    last = ways.PRIOR if options.ways else "scores"
    engine = "scripted" if all(last in known.get(case["id"], {}) for case in asked) else "auto"
    settings, reader = Settings(), None
    with shipped(threads=options.threads, engine=engine) as pipeline:
        pools = {case["id"]: pool(pipeline, case) for case in asked}
        for number, case in enumerate(asked, 1):
            if case["id"] not in known:
                known[case["id"]] = ask_all(pipeline, *pools[case["id"]])
                _keep(options.votes, case["id"], known[case["id"]])
            if options.ways and ways.PRIOR not in known[case["id"]]:
                reader = reader or ways.TitleReader(settings)
                known[case["id"]] |= ways.ask(pipeline.model, reader, *pools[case["id"]], pipeline.index.domain)
                _keep(options.votes, case["id"], known[case["id"]])
            print(f"\r{number} of {len(asked)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    rows = [row for language in ("en", "zh", "both") for row in measure(asked, pools, known, language)]
    tell({"wishes": rows, "asking": asking(asked, pools, known)}, options.json)


def read_wishes(language: str) -> list[dict[str, Any]]:
    """Read the wishes of a language, with the judgement of every film that was judged: 2 fits well, 1 in part, 0 not."""
    lines = (FOLDER / f"wishes_{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [{**json.loads(line), "language": language} for line in lines if line.strip()]


def _known(path: Path | None) -> dict[str, dict[str, Any]]:
    if path is None or not path.is_file():
        return {}
    known: dict[str, dict[str, Any]] = {}
    for found in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        known.setdefault(found.pop("id"), {}).update(found)
    return known


def _keep(path: Path | None, case: str, said: Mapping[str, Any]) -> None:
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"id": case, **said}, ensure_ascii=False) + "\n")


def pool(pipeline: RecommendationPipeline, case: Mapping[str, Any]) -> tuple[Request, list[Candidate]]:
    """Return how a wish is understood, and its judged candidates in the order of retrieval."""
    turn = pipeline.complete(case["wish"], Conversation(case["id"], "bench"), Profile("bench"), items_only=True)
    found = [c for c in turn.candidates if c.item.id in case["judged"]][: len(LABELS)]
    return turn.request, [Candidate(c.item, 1 / (RRF_K + rank)) for rank, c in enumerate(found, 1)]


class Timed:
    """A model that notes how long each vote took."""

    def __init__(self, model: LanguageModel) -> None:
        """Wrap a model."""
        self._model = model
        self.ms: list[float] = []

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Vote, and note the milliseconds."""
        before = time.perf_counter()
        found = self._model.score(prompt, labels)
        self.ms.append(1000 * (time.perf_counter() - before))
        return found


def ask_all(pipeline: RecommendationPipeline, request: Request, candidates: list[Candidate]) -> dict[str, Any]:
    """Ask in both orders, with the wish and without; returns what a file of votes keeps."""
    model: Any = Timed(pipeline.model)
    answers = ask(model, request, candidates, pipeline.index.domain, Poll(orders=2, calibrated=True))
    return {
        "scores": [answer.scores for answer in answers],
        "priors": [answer.prior for answer in answers],
        "ms": model.ms[::2],
        "prior_ms": model.ms[1::2],
    }


def _polled(poll: Poll, said: Mapping[str, Any]) -> dict[str, float]:
    """What a poll would have found, from what was said in both orders."""
    pairs = list(zip(said["scores"], said["priors"], strict=True))[: poll.orders]
    return tally([Answer(scores, prior if poll.calibrated else {}) for scores, prior in pairs])


POLLED: dict[str, Votes] = {
    "labels": partial(_polled, Poll()),
    "labels, calibrated": partial(_polled, Poll(calibrated=True)),
    "labels, two orders": partial(_polled, Poll(orders=2)),
    "labels, two orders, calibrated": partial(_polled, Poll(orders=2, calibrated=True)),
}
OTHERS: dict[str, Votes] = {
    "labels, with a line of each text": itemgetter(ways.LINED),
    "yes or no of each card": itemgetter(ways.FIT),
    "likelihood of the title": itemgetter(ways.TITLE),
    "likelihood of the title, less its prior": ways.title_less_prior,
}


def value(ordered: Sequence[str], judged: Mapping[str, int]) -> float:
    """NDCG@10 of an order, the ideal being the best order of the same items."""
    return ndcg([judged[item] for item in ordered])


def measure(
    asked: Sequence[Mapping[str, Any]], pools: Mapping[str, Any], known: Mapping[str, Any], language: str
) -> list[dict[str, Any]]:
    """Return a row for the order of retrieval, one for chance, and two for each kind of vote: alone and blended."""
    cases = [c for c in asked if language in (c["language"], "both")]
    cases = [c for c in cases if len({c["judged"][x.item.id] for x in pools[c["id"]][1]}) > 1]  # the others are always right
    orders: dict[str, dict[str, list[str]]] = {"retrieval": {c["id"]: [x.item.id for x in pools[c["id"]][1]] for c in cases}}
    learned: dict[str, vote_fusion.VoteFusion] = {}
    for name, votes_of in (POLLED | (OTHERS if all(ways.PRIOR in known[c["id"]] for c in cases) else {})).items():
        votes = {c["id"]: ranking(votes_of(known[c["id"]])) for c in cases}
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
        try:
            learned[name] = vote_fusion.learn([_case(pools[c["id"]][1], votes[c["id"]], c["judged"]) for c in cases])
        except ValueError:
            continue
    chance = random.Random(SEED)
    paired = [(c, orders["retrieval"][c["id"]]) for c in cases]
    rows: list[dict[str, Any]] = []
    base = [value(orders["retrieval"][c["id"]], c["judged"]) for c in cases]
    shuffled = [_mean([value(chance.sample(o, len(o)), c["judged"]) for _ in range(SHUFFLES)]) for c, o in paired]
    rows.append({"language": language, "order": "chance", "wishes": len(cases), "ndcg@10": _mean(shuffled)})
    for name, by_case in orders.items():
        own = [value(by_case[c["id"]], c["judged"]) for c in cases]
        top = [_mean([c["judged"][i] == 2 for i in by_case[c["id"]][:3]]) for c in cases]
        gain = paired_gain([a - b for a, b in zip(own, base, strict=True)])
        rows.append({"language": language, "order": name, "wishes": len(cases), "ndcg@10": _mean(own), "p@3": _mean(top),
                     "gain": gain.mean, "gain_ci95": gain.ci95})  # fmt: skip
    for name, fusion in learned.items():
        rows.append({"language": language, "order": f"{name}: learned weights", "wishes": fusion.cases,
                     "ndcg@10": fusion.before + fusion.gain, "gain": fusion.gain, "gain_ci95": fusion.ci95})  # fmt: skip
    return rows


def _case(candidates: Sequence[Candidate], votes: Mapping[str, Any], judged: Mapping[str, int]) -> vote_fusion.Case:
    return vote_fusion.Case(vote_fusion.features_of(candidates, votes), tuple(judged[c.item.id] for c in candidates))


def _blended(candidates: Sequence[Candidate], votes: Mapping[str, Any], weight: float) -> list[str]:
    return [c.item.id for c in blend(candidates, votes, weight)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(len(values), 1)


def asking(asked: Sequence[Mapping[str, Any]], pools: Mapping[str, Any], known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How much the order of the letters matters, and what asking costs."""
    rows: list[dict[str, Any]] = []
    for language in ("en", "zh"):
        cases = [c["id"] for c in asked if c["language"] == language and len(pools[c["id"]][1]) > 1]
        taus, same = [], []
        places = [0.0] * len(LABELS)
        for case in cases:
            one, other = known[case]["scores"]
            ids = list(one)
            taus.append(float(kendalltau([one[i] for i in ids], [other[i] for i in ids]).statistic))
            same.append(max(one, key=one.__getitem__) == max(other, key=other.__getitem__))
            for order, scores in ((ids, one), (ids[::-1], other)):
                best = max(scores, key=scores.__getitem__)
                places[order.index(best)] += 1 / (2 * len(cases))
        row = {"language": language, "wishes": len(cases), "tau_of_two_orders": _mean(taus), "same_first": _mean(same),
               "first_place_A": places[0], "most_favoured_letter": max(places)}  # fmt: skip
        took = {name: _mean([ms for c in cases for ms in known[c][name]]) for name in ("ms", "prior_ms")}
        row |= {"asked_ms": took["ms"], "without_wish_ms": took["prior_ms"]}
        for way in (ways.LINED, ways.FIT, ways.TITLE):
            if all(way in known[c] for c in cases):
                row[f"{way}_ms"] = _mean([known[c][f"{way}_ms"] for c in cases])
        rows.append(row)
    return rows


if __name__ == "__main__":
    os.environ.setdefault("TQDM_DISABLE", "1")
    main()
