"""A log of dialogues: one a line, with the items that each message mentions."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrieval.errors import CatalogError
from retrieval.import_report import ImportReport, Ledger
from retrieval.tables.reader import BadRow, open_table

DIALOGUES = "dialogues.jsonl"
EXAMPLE = '{"id": "7", "messages": [{"speaker": "user", "text": "...", "items": ["42"]}, ...]}'


class Message(BaseModel):
    """One message.

    Attributes:
        speaker: ``user`` looks for something, ``assistant`` recommends.
        text: what was said.
        items: ids that it mentions.
    """

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    speaker: Literal["user", "assistant"]
    text: str = Field(max_length=20_000)
    items: tuple[str, ...] = ()


class Dialogue(BaseModel):
    """One conversation, such as :data:`EXAMPLE`."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    id: str = Field(min_length=1)
    messages: tuple[Message, ...]


def import_dialogues(path: Path, folder: Path, known: Collection[str]) -> ImportReport:
    """Replace the dialogues of a catalogue by those of a file; nothing is replaced when none can be read.

    An item that is not in the catalogue is dropped from its message, and counted. A dialogue that is there already is merged.

    Args:
        path: JSON lines (also .gz), or any table with the columns ``id`` and ``messages``.
        folder: of the index.
        known: the ids of the catalogue.

    Raises:
        CatalogError: no line is a dialogue; the message says what is wrong with the first.
    """
    started, rules, seen = time.perf_counter(), Counter[str](), set[str]()
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{DIALOGUES}.new"
    with Ledger(folder / "dialogues_rejected.jsonl", folder / "dialogues_merged.jsonl") as ledger, new.open("wb") as file:
        for line, row in open_table(path):
            ledger.rows += 1
            try:
                if isinstance(row, BadRow):
                    ledger.reject(line, "broken_row", row.field, row.reason, {})
                    continue
                dialogue = Dialogue.model_validate(row)
            except ValidationError as error:
                first = error.errors()[0]
                ledger.reject(line, "no_dialogue", ".".join(map(str, first["loc"])), first["msg"], row)
                continue
            if dialogue.id in seen:
                ledger.merge(line, "same_id", dialogue.id, dialogue.id)
                continue
            seen.add(dialogue.id)
            rules["unknown_item"] += sum(item not in known for message in dialogue.messages for item in message.items)
            ledger.kept += 1
            body = dialogue.model_dump()
            for message in body["messages"]:
                message["items"] = [item for item in message["items"] if item in known]
            file.write(orjson.dumps(body) + b"\n")
        report = ledger.report(rules, time.perf_counter() - started)
    if not report.kept:
        new.unlink()
        why = ledger.first or {"line": None, "field": None, "reason": "holds no dialogues"}
        raise CatalogError(path, why["line"], why["field"], f"{why['reason']}. A dialogue is {EXAMPLE}")
    os.replace(new, folder / DIALOGUES)
    return report


def read_dialogues(folder: Path) -> Iterator[Dialogue]:
    """Yield the imported dialogues; none when nothing was imported."""
    path = folder / DIALOGUES
    if path.is_file():
        with path.open("rb") as file:
            for line in file:
                yield Dialogue.model_validate(orjson.loads(line))
