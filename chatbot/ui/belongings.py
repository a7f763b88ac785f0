"""What a person does with what is known of them: look at it, correct it, take it along, erase it. Knows nothing of Gradio."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from chatbot.types import Language
from chatbot.ui.portrait_panel import render_panel
from chatbot.ui.texts import text
from retrieval.events import Event

if TYPE_CHECKING:  # its import takes seconds
    from chatbot.pipeline import RecommendationPipeline


def show_belongings(pipeline: RecommendationPipeline, user: str, language: str, note: str = "", *, named: bool = True) -> str:
    """Return the dialog of a person; ``named`` when they chose the name."""
    lines = pipeline.people.portrait(user, cast("Language", language))
    items = pipeline.index.items

    def title_of(item: str) -> str:
        return items[item].title(language) if item in items else item

    return render_panel(language, user, lines, title_of, note, named=named)


def shared_of(pipeline: RecommendationPipeline, user: str) -> bool | None:
    """Return whether what a person said in words counts in every catalogue; None: this one keeps nothing, or all alike."""
    from chatbot.store.of_domain import allowed  # with SQLAlchemy: by now it is loaded

    return allowed(pipeline.store, user)


def share(pipeline: RecommendationPipeline, user: str, value: str) -> None:
    """Note whether a person shares what they say in words among the catalogues: "on" or "off"."""
    from chatbot.store.of_domain import allowing

    pipeline.learn(allowing(user, on=value == "on"))


def take_back(pipeline: RecommendationPipeline, user: str, language: str, key: str) -> str:
    """Take a line away: the person says that it is not so. Returns what was done, in words.

    Raises:
        ValueError: there is no such line any more.
    """
    lines = pipeline.people.portrait(user, cast("Language", language))
    line = next((line for line in lines if line.key == key), None)
    if line is None or not line.takes_back:
        raise ValueError(f"no line {key}")
    pipeline.learn(*(Event(user, "corrected", item, line.text, context=context) for item, context in line.takes_back))
    return text(language, "line_gone", line=line.text)


def handle(pipeline: RecommendationPipeline, user: str, language: str, data: Mapping[str, Any]) -> tuple[str, str]:
    """Do what a press in the dialog asks for: ``{"line"}``, ``{"export"}``, ``{"import"}`` or ``{"erase"}``.

    Returns:
        The note for the dialog, and a document to be downloaded; each may be empty.

    Raises:
        ZhiyinError: it cannot be done; the message says why.
        ValueError: it is none of these.
    """
    if "line" in data:
        return take_back(pipeline, user, language, str(data["line"])), ""
    if "export" in data:
        return text(language, "exported"), json.dumps(pipeline.keeper.export(user), ensure_ascii=False, indent=1)
    if "import" in data:
        new, turns = pipeline.keeper.take_in(user, str(data["import"]))
        return text(language, "imported", events=new, turns=turns), ""
    if "erase" in data:
        done = pipeline.keeper.erase(user)
        left = text(language, "erased_left", files=", ".join(map(str, done.traces))) if done.traces else ""
        return " ".join([text(language, "erased", events=done.events, turns=done.turns), left]).strip(), ""
    raise ValueError(f"nothing to do: {sorted(data)}")
