"""Leave-last-out on a log: everyone's last item is to be found among all that they did not rate before.

The last rating of everyone is held out, and all earlier ones are known; known films are not recommended again. The channels
learn from the whole log without what is held out, so that somebody's neighbours may have rated later: that is the protocol's
way, not that of a live system. Parameters are chosen on the second last items, and the learned order is trained on those before
the last, by channels that know neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.quality.channels import SEED, Channels, Parameters, best, fused
from benchmarks.quality.learned import Candidates, ordered, propose, train
from benchmarks.quality.movielens import Films, Person
from benchmarks.quality.scoring import score
from retrieval.embedder import Embedder

CUT = 50
WINDOW = 5  # items before the last that teach the learned order; at most a quarter of a history
_GRIDS: dict[str, dict[str, tuple[float, ...]]] = {  # channel -> its parameters
    "popularity in time": {"half_life": (7.0, 30.0, 180.0)},
    "EASE": {"shrinkage": (100.0, 300.0, 1000.0)},
    "ALS": {"alpha": (1.0, 2.0, 10.0), "regularization": (10.0, 30.0)},
    "transitions": {"backwards": (0.0, 0.5, 1.0)},
}


def bench_films(films: Films, embedder: Embedder, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the rows of a log: every channel's, their fusion's and the learned order's."""
    say(f"{films.name}: {len(films.people)} people, {len(films.ids)} films; embedding")
    vectors = embedder.embed_items(films.cards)
    early = [person.until(len(person.items) - 1 - _window(person)) for person in films.people]
    chosen = choose(films, early, vectors)
    say(f"{films.name}: {chosen}; learning the order")
    model = train(_questions(Channels(films, early, vectors, chosen), films.people))
    say(f"{films.name}: scoring")
    known = [person.until(-1) for person in films.people]
    channels = Channels(films, known, vectors, chosen)
    rankings: dict[str, dict[str, list[str]]] = {}
    chance = np.random.default_rng(SEED)
    for n, person in enumerate(known):
        scores = channels.scores(person)
        found = {"random": best(chance.random(len(films.ids)), CUT, person.items)}
        found |= {name: best(values, CUT, person.items) for name, values in scores.items()}
        lists = {name: [films.ids[item] for item in items.tolist()] for name, items in found.items()}
        lists["rank fusion"] = fused(scores, films.ids, person.items)[:CUT]
        learned = ordered(model, propose(channels, person, scores))[:CUT]
        lists["learned"] = [films.ids[item] for item in learned.tolist()]
        for name, ids in lists.items():
            rankings.setdefault(name, {})[str(n)] = ids
    targets = {str(n): {films.ids[person.items[-1]]} for n, person in enumerate(films.people)}
    rows = [{"dataset": films.name, "system": name, **score(lists, targets)} for name, lists in rankings.items()]
    return [{**row, "parameters": asdict(chosen)} for row in rows]


def choose(films: Films, early: Sequence[Person], vectors: npt.NDArray[np.float32]) -> Parameters:
    """Return the parameters with the best nDCG@10 of their channel on the second last items.

    Args:
        films: the log.
        early: the people without the items of their windows, which is what the channels learn from.
        vectors: of the cards.
    """
    channels = Channels(films, early, vectors, Parameters())
    people = [person.until(-2) for person in films.people]
    targets = {str(n): {films.ids[person.items[-2]]} for n, person in enumerate(films.people)}
    chosen = Parameters()
    for channel, grid in _GRIDS.items():
        quality: list[tuple[float, Parameters]] = []
        for values in product(*grid.values()):
            tried = replace(chosen, **dict(zip(grid, values, strict=True)))
            channels.learn(channel, tried)
            lists = {
                str(n): [films.ids[item] for item in best(channels.scores_of(channel, person), CUT, person.items).tolist()]
                for n, person in enumerate(people)
            }
            quality.append((score(lists, targets)["ndcg@10"], tried))
        chosen = max(quality, key=lambda pair: pair[0])[1]
    return chosen


def _window(person: Person) -> int:
    return max(1, min(WINDOW, len(person.items) // 4))


def _questions(channels: Channels, people: Sequence[Person]) -> list[tuple[Candidates, int]]:
    """Return what there was to choose from before every item of the windows, and the item."""
    questions: list[tuple[Candidates, int]] = []
    for person in people:
        last = len(person.items) - 1
        for place in range(last - _window(person), last):
            before = person.until(place)
            questions.append((propose(channels, before, channels.scores(before)), int(person.items[place])))
    return questions
