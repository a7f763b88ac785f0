"""Reads conversations with their targets: the files of iEvaLM, ReDial's own, and those of CIKM'23."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.quality.files import lines_of
from benchmarks.quality.films import FilmCatalogue
from retrieval.training import fold_of

_SPACE = re.compile(r"\s+")
_LETTERS = re.compile(r"[^a-z0-9]+")
_OPENING = 24  # letters of the first words that tell two dialogues with one number apart


@dataclass(frozen=True, slots=True)
class Moment:
    """A turn of a conversation, before it is said.

    Attributes:
        dialogue: names the conversation, in every file the same.
        said: what was said before, oldest first.
        mentioned: ids of the items that were mentioned, oldest first.
        names: other entities that were mentioned: genres, people.
        targets: ids of the items that the turn mentions.
        recommender: whether the recommender speaks.
    """

    dialogue: str
    said: tuple[str, ...]
    mentioned: tuple[str, ...]
    targets: tuple[str, ...]
    names: tuple[str, ...] = ()
    recommender: bool = True

    @property
    def new(self) -> tuple[str, ...]:
        """The targets that were not mentioned before."""
        return tuple(target for target in self.targets if target not in self.mentioned)


@dataclass
class _Reader:
    films: FilmCatalogue
    lost: int = field(default=0)

    def read(self, path: Path) -> Iterator[Moment]:
        for line in lines_of(path):
            if "messages" in line:
                yield from self._redial(line)
            elif "prev_entity" in line:
                yield self._cikm(line)
            else:
                yield self._ievalm(line)

    def _ievalm(self, line: Mapping[str, Any]) -> Moment:
        said = [_plain(text) for text in line["context"]]
        opening = next((text for text in said if text), _plain(line.get("resp", "")))
        items = [(name, self.films.by_name(name)) for name in line["entity"]]
        return Moment(
            _dialogue(line["dialog_id"], opening),
            tuple(text for text in said if text),
            tuple(dict.fromkeys(item for _, item in items if item)),
            tuple(dict.fromkeys(item for name in line["rec"] if (item := self.films.by_name(name)))),
            tuple(name for name, item in items if not item),
        )

    def _cikm(self, line: Mapping[str, Any]) -> Moment:
        said = [_plain(text) for text in line["context"]]
        opening = next((text for text in said if text), _plain(line.get("resp", "")))
        ids = {str(i) for i in self.films.items}
        before = [str(entity) for entity in line["prev_entity"]]
        return Moment(
            _dialogue(line.get("dialog_id", ""), opening),
            tuple(text for text in said if text),
            tuple(dict.fromkeys(entity for entity in before if entity in ids)),
            tuple(dict.fromkeys(target for t in line["rec"] if (target := str(t)) in ids)),
            tuple(name for entity in before if entity not in ids and (name := self.films.entity_name(entity))),
            not line["is_user"],
        )

    def _redial(self, line: Mapping[str, Any]) -> Iterator[Moment]:
        said: list[str] = []
        mentioned: dict[str, None] = {}
        names: list[str] = []
        dialogue = ""
        for message in line["messages"]:
            text = message["text"]
            for number, name in dict(line["movieMentions"] or {}).items():
                text = text.replace(f"@{number}", name or "")
            text = _plain(text)
            dialogue = dialogue or _dialogue(line["conversationId"], text)
            items = [item for name in message["item"] if (item := self.films.by_name(name))]
            if items:
                by_recommender = message["senderWorkerId"] == line["respondentWorkerId"]
                yield Moment(dialogue, tuple(said), tuple(mentioned), tuple(dict.fromkeys(items)), tuple(names), by_recommender)
            said += [text] if text else []
            mentioned |= dict.fromkeys(items)
            names += message["entity"]


def read_moments(path: Path, films: FilmCatalogue) -> list[Moment]:
    """Read every turn that mentions an item of the catalogue.

    Args:
        path: one JSON object a line, also gzipped; the format is told by its fields.
        films: of the benchmark's folder; items are found in it by name.

    Raises:
        ValueError: a line has none of the formats.
    """
    try:
        return [moment for moment in _Reader(films).read(path) if moment.targets]
    except KeyError as missing:
        raise ValueError(
            f"{path}: a line has no field {missing}; see python -m benchmarks.quality dialogue --help"
        ) from missing


def folds_of(split: Sequence[Moment], training: Sequence[Moment], folds: int = 2) -> list[tuple[list[Moment], list[Moment]]]:
    """Return (training, test) pairs such that no dialogue is in both.

    When the files share no dialogue, all of the training serves one test; else the dialogues of the split are parted.
    """
    tested = {moment.dialogue for moment in split}
    if not any(moment.dialogue in tested for moment in training):
        return [(list(training), list(split))]
    pairs: list[tuple[list[Moment], list[Moment]]] = []
    for fold in range(folds):
        test = [m for m in split if fold_of(m.dialogue, folds, "test") == fold]
        rest = [m for m in training if m.dialogue not in tested or fold_of(m.dialogue, folds, "test") != fold]
        pairs.append((rest, test))
    return pairs


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _dialogue(number: object, opening: str) -> str:
    return f"{number}|{_LETTERS.sub('', opening.lower())[:_OPENING]}"
