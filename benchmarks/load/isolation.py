"""Interleaved turns of many people over threads, in this process: nobody gets what is another's, all get the same as alone."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.load.talks import PROFILE, Talker, Watcher

if TYPE_CHECKING:
    from chatbot.api.models import ChatAnswer
    from chatbot.api.service import Service

Said: TypeAlias = "tuple[str, tuple[str, ...]]"  # the reply, and the ids of the items


@dataclass
class Interleaved:
    """What became of the turns.

    Attributes:
        turns: answered.
        crossed: what of somebody else's was in an answer.
        failed: turns that raised, or ended without an answer.
        alone: turns answered once more to somebody who was alone.
        different: of those, how many were answered differently.
        at_once: the most turns that ran at the same time.
        switches: how often the turn that ended was another person's than the one before.
    """

    turns: int = 0
    crossed: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    alone: int = 0
    different: list[str] = field(default_factory=list[str])
    at_once: int = 0
    switches: int = 0
    seconds: float = 0.0


def interleave(
    service: Service, people: Sequence[Talker], watcher: Watcher, turns: int, threads: int, seed: int = 1, alone: int = 4
) -> Interleaved:
    """Let people talk at once, each message after the answer to the one before, who is next by chance.

    Args:
        service: over a pipeline with a fresh store.
        people: who have said nothing yet.
        watcher: of the same people.
        turns: in all.
        threads: that run turns.
        seed: of who is next.
        alone: how many people say the same once more under another name, with nobody beside them.
    """
    found, lock, rng = Interleaved(), threading.Lock(), random.Random(seed)
    for person in people:
        like(service, person)
    shares = Counter(rng.choices(range(len(people)), k=turns))
    ends: list[int] = []
    said: dict[int, list[Said]] = {n: [] for n in shares}
    free = [n for n, count in shares.items() for _ in range(count)]
    busy: set[int] = set()
    messages = {n: people[n].messages() for n in shares}

    def take() -> int | None:
        """Choose somebody who waits for no answer; None when nobody does at the moment."""
        with lock:
            ready = [place for place, n in enumerate(free) if n not in busy]
            if not ready:
                return None
            n = free.pop(rng.choice(ready))
            busy.add(n)
            found.at_once = max(found.at_once, len(busy))
            return n

    def work() -> None:
        while free:
            n = take()
            if n is None:
                time.sleep(0.001)
                continue
            try:
                said[n].append(say(service, people[n], next(messages[n]), watcher))
            except Exception as error:
                found.failed.append(f"{people[n].name}: {error!r}")
            with lock:
                busy.discard(n)
                ends.append(n)

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work) for _ in range(threads)]:
            done.result()
    found.seconds = time.perf_counter() - begun
    found.turns, found.crossed = len(ends), watcher.found
    found.switches = sum(one != other for one, other in pairwise(ends))
    for n in sorted(shares)[:alone]:
        repeat(service, people[n], said[n], found, watcher)
    return found


def repeat(service: Service, person: Talker, said: Sequence[Said], found: Interleaved, watcher: Watcher) -> None:
    """Let somebody say the same once more, alone and under another name."""
    again = person.under(f"alone-{person.seed}")
    like(service, again)
    messages = again.messages()
    for before in said:
        found.alone += 1
        if say(service, again, next(messages), watcher) != before:
            found.different.append(f"{person.name}, turn {found.alone}")


def like(service: Service, person: Talker) -> None:
    """Tell what somebody likes."""
    from chatbot.api.models_people import EventIn

    kept = [EventIn(user=person.name, kind="liked", item=item, at=1.7e9 + n) for n, item in enumerate(person.likes)]
    service.note(kept, lambda named: named or "")


def say(service: Service, person: Talker, said: tuple[int, str], watcher: Watcher) -> Said:
    """Say something, look through the answer, and return it."""
    from chatbot.api.models import ChatRequest

    number, message = said
    conversation = f"{person.name}-{number}"
    answer: ChatAnswer = service.answer(ChatRequest(message=message, conversation=conversation), person.name)
    if answer.user != person.name or answer.conversation != conversation:
        watcher.found.append(f"{person.name} got a turn of {answer.user}")
    watcher.look(person, answer.model_dump_json(), answer.reply if message in PROFILE.values() else "")
    if not answer.reply:
        raise ValueError(f"no answer to {message!r}")
    return answer.reply, tuple(offered.item.id for offered in answer.items)


def measure(turns: int, people: int, threads: int, progress: Callable[[str], None]) -> Interleaved:
    """Interleave turns over the shipped catalogue, with hashed words and a model that writes what it is shown."""
    from benchmarks.load.talks import shipped_titles, talkers
    from chatbot.api.service import Service
    from chatbot.llm.scripted import ScriptedModel
    from chatbot.loading import Loader
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.store import InMemoryUserStore
    from retrieval.catalog import read_catalog
    from retrieval.domain_files import load_domain
    from retrieval.embedder import HashingEmbedder
    from retrieval.index import build_in_memory
    from retrieval.vector_store import InMemoryVectorStore

    domain = load_domain("movies")
    index = build_in_memory(domain, read_catalog(domain.catalogue_path, domain), HashingEmbedder(), InMemoryVectorStore())
    pipeline = RecommendationPipeline(index, ScriptedModel(), InMemoryUserStore())
    loader = Loader(lambda _report: pipeline)
    loader.start()
    loader.wait()
    titles = shipped_titles()
    chosen = talkers(people, list(titles), "isolation")
    progress(f"{turns} turns of {people} people in {threads} threads ...")
    return interleave(Service(loader), chosen, Watcher(chosen, titles), turns, threads)
