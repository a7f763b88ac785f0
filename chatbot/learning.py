"""Turns imported dialogues and logs into examples, and learns from them what retrieval can."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chatbot.lexicon import Lexicon
from chatbot.profile import build_profile
from chatbot.understanding import detect_language
from retrieval.collaborative import ItemItemIndex, whole_matrix
from retrieval.dialogues import Dialogue, read_dialogues
from retrieval.ease import ease_index
from retrieval.index import CatalogIndex
from retrieval.interactions import InteractionLog
from retrieval.learned_store import save_learned
from retrieval.training import Example, Trainer
from retrieval.types import Query, Wish

READ = 4  # latest messages that a query holds
PEOPLE_SAMPLED = 4000  # of a log without dialogues
HISTORY = 20  # latest liked items of a person that a query holds

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Moments:
    """What there is to learn from.

    Attributes:
        examples: of every moment.
        source: ``dialogues`` or ``log``.
        index: of the catalogue, as if the log's targets had not been chosen yet.
        wanted: the log as sparse (people, n), less its targets; None without one.
    """

    examples: list[Example]
    source: str
    index: CatalogIndex
    wanted: Any | None


@dataclass(frozen=True, slots=True)
class Training:
    """What ``train-ranker`` did: how many moments it learned from, and what weighs most in the order."""

    examples: int
    source: str
    ranked: bool
    importance: dict[str, float]
    seconds: float


def query_of(said: Sequence[str], liked: Sequence[str], lexicon: Lexicon, names: Sequence[Wish] = ()) -> Query:
    """Return the query that a conversation has come to.

    Args:
        said: messages, oldest first.
        liked: ids that were mentioned, oldest first.
        lexicon: finds the wishes in the messages; what is denied is not told from what is wanted.
        names: further wishes, such as people.
    """
    languages = lexicon.languages
    usual = next(iter(languages))
    wishes = [
        Wish(target.facet, value)
        for text in said
        for match in lexicon.find(text, detect_language(text) if len(languages) > 1 else usual)
        for target in match.targets
        if not target.negated_only
        for value in target.values
    ]
    latest = said[::-1][:READ]
    return Query(
        text=latest[0] if latest else "",
        language=detect_language(latest[0]) if latest else usual,
        context=tuple(latest[1:]),
        wishes=tuple(dict.fromkeys([*wishes, *names])),
        liked=tuple(liked),
        exclude=frozenset(liked),
    )


def dialogue_examples(dialogues: Iterable[Dialogue], lexicon: Lexicon) -> Iterator[Example]:
    """Yield every message that mentions a new item; the ranker learns from those of the assistant."""
    for dialogue in dialogues:
        said: list[str] = []
        liked: dict[str, None] = {}
        for message in dialogue.messages:
            if targets := tuple(item for item in dict.fromkeys(message.items) if item not in liked):
                ranked = message.speaker == "assistant" and bool(said)
                yield Example(dialogue.id, query_of(said, list(liked), lexicon), targets, ranked)
            said += [message.text] if message.text.strip() else []
            liked |= dict.fromkeys(message.items)


def log_examples(log: InteractionLog, language: str) -> Iterator[Example]:
    """Yield for each of a sample of people the last item that they came to like, given those before."""
    people = log.users()
    step = max(1, len(people) // PEOPLE_SAMPLED)
    for user in people[::step]:
        liked = build_profile(user, log.events(user)).liked
        if len(liked) > 1:
            before = liked[-HISTORY - 1 : -1]
            yield Example(user, Query("", language, liked=before, exclude=frozenset(liked[:-1])), (liked[-1],))


def train(moments: Moments, folder: Path, progress: Progress) -> Training:
    """Learn from what was imported into an index's folder, and put it to use there at once.

    Dialogues teach the order if there are any; else the log does. What was learned before serves until the new is whole.

    Args:
        moments: what there is to learn from, by :func:`read_moments`.
        folder: of the index.
        progress: told the stage and its fraction.

    Raises:
        TrainingError: there is nothing to learn from.
    """
    started = time.perf_counter()
    learned = Trainer(moments.index, moments.wanted, progress).train(moments.examples)
    note = {"examples": len(moments.examples), "source": moments.source}
    save_learned(learned, folder, moments.index.embedder.fingerprint, note)
    importance = learned.ranker.importance() if learned.ranker else {}
    return Training(
        len(moments.examples), moments.source, learned.ranker is not None, importance, time.perf_counter() - started
    )


def read_moments(index: CatalogIndex, folder: Path) -> Moments:
    """Read the examples that were imported into an index's folder: of dialogues if there are any, else of the log.

    Args:
        index: open, of the folder.
        folder: of the index.
    """
    log = InteractionLog(folder / "interactions")
    lexicon = Lexicon(index.domain, index.items.values())
    examples = list(dialogue_examples(read_dialogues(folder), lexicon))
    wanted = whole_matrix(list(index.items), log)
    if examples or wanted is None:
        return Moments(examples, "dialogues", index, wanted)
    return log_moments(index, log)


def log_moments(index: CatalogIndex, log: InteractionLog) -> Moments:
    """Return the moments of a log: of everyone the last item that they came to like, and the index as if it had not come yet.

    Args:
        index: open.
        log: imported, not empty.
    """
    examples = list(log_examples(log, index.domain.languages[0]))
    wanted = whole_matrix(list(index.items), log, {(e.group, e.targets[0]) for e in examples})
    ids = list(index.items)
    index = replace(index, collaborative=ItemItemIndex.from_matrix(ids, wanted), ease=ease_index(ids, wanted), learned=None)
    return Moments(examples, "log", index, wanted)
