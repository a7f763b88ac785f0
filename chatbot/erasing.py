"""Erases a person wherever something of them is, and looks through the files for what is left."""

from __future__ import annotations

import json
import mmap
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chatbot.store import UserStore
from retrieval.beside import mark_outdated
from retrieval.event_erasing import erase_user
from retrieval.index import index_lock
from retrieval.interactions import InteractionLog

_LEAST = 12  # bytes of a text that is looked for: shorter ones are anybody's


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, and which files hold some of the person's words all the same."""

    events: int
    turns: int
    logged: int
    traces: tuple[Path, ...]


def erase_person(store: UserStore, user: str, data: Path | None, held: Collection[Path] = ()) -> Erased:
    """Erase a person from the store and from every imported log, and search the files for their words.

    The index's own tables of a log are built again at the next start; what train-ranker and train-sequence learned is marked,
    for it takes minutes to learn again.

    Args:
        store: of what they did and said.
        user: who goes.
        data: the folder of all data; None: there is none beside the store.
        held: folders of indexes that this process holds.

    Raises:
        IndexLockedError: another process holds an index; nothing is erased.
    """
    events = store.events(user)
    talks = [store.load(name, user) for name in store.conversations(user)]
    words = [user, *(event.text for event in events), *(turn.message for talk in talks for turn in talk.turns)]
    words += [heading.title for heading in store.headings(user)]
    logs = [path.parent for path in sorted((data / "index").glob("*/interactions"))] if data else []
    with ExitStack() as locks:
        for folder in logs:
            if folder not in held:
                locks.enter_context(index_lock(folder))
        logged = sum(_erase_from(folder, user) for folder in logs)
    store.erase(user)
    traces = [folder / "interactions" for folder in logs if InteractionLog(folder / "interactions").events(user)]
    traces += find_traces(data, words) if data else ()
    return Erased(len(events), sum(len(talk.turns) for talk in talks), logged, tuple(traces))


def _erase_from(folder: Path, user: str) -> int:
    gone = erase_user(folder / "interactions", user)
    if gone:
        mark_outdated(folder, "somebody whose behaviour it was learned from was erased")
    return gone


def find_traces(folder: Path, words: Iterable[str]) -> Iterator[Path]:
    """Yield the files below a folder that hold one of some texts, as UTF-8 or as JSON writes it.

    The catalogue's own files are not looked through: what is in it, anybody may have said.
    """
    needles = {form for text in words if len(text.encode()) >= _LEAST for form in _forms(text)}
    for path in sorted(folder.rglob("*")):
        if (
            not path.is_file()
            or any(part.startswith("v-") for part in path.relative_to(folder).parts)
            or not path.stat().st_size
        ):
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if any(content.find(needle) >= 0 for needle in needles):
                yield path


def _forms(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "surrogatepass")
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
