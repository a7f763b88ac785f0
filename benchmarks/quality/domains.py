"""Books, music, shops, games and anime: one item of each history is hidden, and is to be found among all others.

Catalogue and log come in as an owner's do, by the ready mappings. Of every data set at most 1,000 people are asked about, and
the catalogue is its 4,000 most used items and whatever those people used. Where a log says what came after what (Amazon), the
last item is hidden; the others have no times, and a random item is hidden, the same in every run. It is one that at least five
people use: of an item that nobody else uses, hiding it leaves a trace that the learned order finds. What is known is not
recommended again. The channels learn from everyone's log without what is hidden; the learned order is trained on another item
of 400 of the same people, by channels that know neither, and the interest encoder reads the log of 400 people, to save time.

In the sample of Amazon Reviews 2023 hardly any two people review the same product: content alone is measured there. The log of
Book-Crossing numbers the books otherwise than its catalogue, mostly by one: two books of a person are five times as often by
one author when each number is made smaller by one. Its titles so belong to other books, and what reads them is at chance.
goodbooks-10k is left out: of its ratings the public data holds 99 lines.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.quality.channels import best
from benchmarks.quality.domain_logs import SEED, SOURCES, DomainLog, Person, read_log
from benchmarks.quality.files import clocked, shared_data
from benchmarks.quality.scoring import score
from chatbot.embedding import build_embedder
from chatbot.learning import HISTORY
from chatbot.settings import make_settings
from retrieval.channels import Search, as_arrays, find_all, rank_all
from retrieval.collaborative import ItemItemIndex
from retrieval.ease import ease_index
from retrieval.encoder_training import EncoderTrainer
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.index import CatalogIndex
from retrieval.learned import Learned
from retrieval.learned_store import log_similarities
from retrieval.retriever import DEFAULT_WEIGHTS
from retrieval.training import Example, Trainer
from retrieval.types import Query

PEOPLE = 1000
LEARNERS = 400  # of those people teach the order, and so many of the log the interest encoder: both take minutes on two cores
DEPTH = 50
LEAST_FOR_A_PAIR = 3  # items: of fewer the interest encoder learns nothing (retrieval.encoder_training.log_pairs)
RECENT = 3  # liked items whose cards are the words that BM25 looks for
_SHOWN = {"history": "dense history", "collaborative": "item-item", "ease": "EASE", "interest": "interest"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--data", type=Path, default=shared_data(), help="the folder of the public data sets")
    parser.add_argument("--limit", type=int, default=PEOPLE, metavar="N", help="a quick look: ask about N people a data set")
    parser.add_argument(
        "--only", nargs="*", metavar="MAPPING", help=f"of {', '.join(s.mapping for s in SOURCES)}; without, all"
    )


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows of every data set and system."""
    say, embedder = clocked(), build_embedder(make_settings())
    rows: list[dict[str, Any]] = []
    for source in SOURCES:
        if options.only is None or source.mapping in options.only:
            with TemporaryDirectory() as folder:
                log = read_log(source, options.data, Path(folder), embedder, options.limit, say)
                rows += bench_log(log, say)
    say("done")
    return rows


def bench_log(log: DomainLog, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the rows of a log: each channel's, their fusion's and the learned order's."""
    index, learned = log.index, None
    if log.source.shared:
        hidden = [(person.name, person.hidden) for person in log.people]
        wanted = log.wanted(hidden)
        say(f"{log.source.name}: item-item, EASE")
        index = with_log(log.index, wanted)
        say(f"{log.source.name}: learning the order")
        learned = learn(log, hidden)
        popularity = np.asarray(wanted.sum(axis=0), np.float32).ravel()
        learned = replace(learned, log_popularity=popularity, similarities=log_similarities(index, learned.table))
    say(f"{log.source.name}: asking")
    rankings: dict[str, dict[str, list[str]]] = {}
    chance = np.random.default_rng(SEED)
    for n, person in enumerate(log.people):
        for system, ids in ask(index, learned, person, chance).items():
            rankings.setdefault(system, {})[str(n)] = ids
    targets = {str(n): {person.hidden} for n, person in enumerate(log.people)}
    about = {
        "dataset": log.source.name,
        "hidden": "the last item" if log.source.ordered else "a random item, for the log has no times",
        "items": len(index.items),
        **({"note": log.source.note} if log.source.note else {}),
    }
    return [{**about, "system": system, **score(lists, targets)} for system, lists in rankings.items()]


def with_log(index: CatalogIndex, wanted: Any) -> CatalogIndex:
    """Return the index with what a log teaches: sparse (people, items) strengths."""
    ids = list(index.items)
    return replace(index, collaborative=ItemItemIndex.from_matrix(ids, wanted), ease=ease_index(ids, wanted))


def learn(log: DomainLog, hidden: Sequence[tuple[str, str]]) -> Learned:
    """Learn as ``train-ranker`` does from a log: of some people the item before the hidden one, given those before."""
    examples = [
        Example(person.name, query_of(log.index, person.known[:-1]), (person.known[-1],)) for person in log.people[:LEARNERS]
    ]
    wanted = log.wanted([*hidden, *((e.group, e.targets[0]) for e in examples)])
    trainer = Trainer(with_log(log.index, wanted), wanted)
    return trainer.train(examples, EncoderTrainer(trainer.table, trainer.vectors, (), _some(wanted)))


def _some(wanted: Any) -> Any:
    """Return the log of some people chosen by chance, from which pairs can be made."""
    useful = np.flatnonzero(np.diff(wanted.indptr) >= LEAST_FOR_A_PAIR)
    chosen = np.random.default_rng(SEED).choice(useful, min(LEARNERS, len(useful)), replace=False)
    return wanted[np.sort(chosen)]


def query_of(index: CatalogIndex, known: Sequence[str]) -> Query:
    """Return what is asked for somebody who says nothing: their latest items count, and none comes back."""
    return Query("", index.domain.languages[0], liked=tuple(known[-HISTORY:]), exclude=frozenset(known))


def ask(index: CatalogIndex, learned: Learned | None, person: Person, chance: np.random.Generator) -> dict[str, list[str]]:
    """Return system -> ids, best first, for somebody."""
    query = query_of(index, person.known)
    search = Search(index, query, index.columns.without(person.known), learned)
    found = find_all(search)
    places = rank_all(search, found)
    known = np.array([index.columns.positions[item_id] for item_id in person.known], np.int64)
    ids = list(index.items)
    lists = {"random": _first(ids, chance.random(len(ids)), known)}
    if learned is not None:
        lists["popularity"] = _first(ids, learned.log_popularity, known)
    lists["BM25"] = _first(ids, _words(index, person), known)
    lists |= {name: list(places[channel])[:DEPTH] for channel, name in _SHOWN.items() if channel in places}
    if learned is not None:
        lists["rank fusion"] = list(reciprocal_rank_fusion(places, DEFAULT_WEIGHTS))[:DEPTH]
    if learned is not None and learned.ranker is not None:
        lists["learned"] = learned.order(query, as_arrays(found, len(ids)), DEPTH)[0]
    return lists


def _words(index: CatalogIndex, person: Person) -> Any:
    """Return the BM25 scores of the cards of somebody's latest items, in the order of the catalogue."""
    language = index.domain.card_language("en")
    cards = (index.domain.write_card(index.items[item_id], language) for item_id in person.known[-RECENT:])
    scores = index.lexical.all_scores("\n".join(cards), index.domain.noun_words)
    return np.zeros(len(index.items)) if scores is None else scores


def _first(ids: Sequence[str], scores: Any, known: Any) -> list[str]:
    return [ids[n] for n in best(np.asarray(scores, float), DEPTH, known).tolist()]
