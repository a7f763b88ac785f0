"""What a person does beside the conversation: looks at an item, a list or the map, finds and changes past conversations.

Knows nothing of Gradio. A press comes as a mapping and gives a :class:`Shown`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chatbot.types import MAX_COUNT
from chatbot.ui.atlas import Atlas
from chatbot.ui.belongings import handle, share, shared_of, show_belongings
from chatbot.ui.cards import Shelf
from chatbot.ui.dialogs import render_dialog
from chatbot.ui.discover import render_discover
from chatbot.ui.item_panel import render_item
from chatbot.ui.map_panel import render_map
from chatbot.ui.memory import EXPLORE, Memory
from chatbot.ui.saved_panel import render_saved, saved_table
from chatbot.ui.settings_panel import machine_facts, render_settings
from chatbot.ui.side import render_side
from chatbot.ui.texts import text

if TYPE_CHECKING:  # its import takes seconds
    from chatbot.pipeline import RecommendationPipeline
    from chatbot.store import UserStore

TILES = 8  # items of the start page
_OF_PERSON = frozenset({"line", "export", "import", "erase"})
# a turn that goes on would write into what is changed, or be drawn over what is shown instead
_ENDS_TURN = frozenset({"line", "import", "erase", "open", "remove"})


def ends_turn(asked: Mapping[str, Any]) -> bool:
    """Whether a running turn must end before a press is handled."""
    return not _ENDS_TURN.isdisjoint(asked)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a press changes on the page; None leaves a part as it is.

    Attributes:
        memory: what the browser remembers from now on.
        panel: HTML of the dialog; an empty one closes it.
        document: a file to be downloaded, ``{"name", "type", "text"}`` as JSON.
        side: HTML of what stands beside.
        discover: HTML of the start page's items.
        talk: the conversation and what stands beside must be drawn anew, with ``earlier`` all of it.
    """

    memory: Memory
    panel: str | None = None
    document: str = ""
    side: str | None = None
    discover: str | None = None
    talk: bool = False
    earlier: bool = False


def show_side(store: UserStore, memory: Memory, language: str, words: str = "") -> str:
    """Return what stands beside the conversation: those of the person, or those that have some words."""
    return render_side(store.headings(memory.user, words), memory.conversation, language, words=words)


@dataclass(frozen=True, slots=True)
class Desk:
    """One person before the page.

    Attributes:
        pipeline: answers them; in a private conversation it forgets.
        owner: holds what is kept of them, also then.
        shelf: what they see cards on.
        memory: what their browser remembers.
        language: of the page.
        atlas: holds the maps.
        named: whether they chose their name.
    """

    pipeline: RecommendationPipeline
    owner: RecommendationPipeline
    shelf: Shelf
    memory: Memory
    language: str
    atlas: Atlas
    named: bool = True

    def discover(self, skip: tuple[str, ...] = ()) -> str:
        """Return items for a person to react to, other ones than ``skip``."""
        from retrieval.contrast import contrasting

        index, profile = self.pipeline.index, self.shelf.profile
        for before in (skip, ()):  # when all were shown, it begins again
            ids = contrasting(index, self.language, TILES, {*before, *profile.known}, profile.liked, profile.disliked)
            if ids:
                return render_discover(ids, self.language, self.shelf, before)
        return ""

    def show(self, asked: Mapping[str, Any], note: str = "") -> str:
        """Return a dialog.

        Raises:
            ValueError: there is none of that name.
            KeyError: there is no such item.
        """
        match asked["show"]:
            case "profile":
                return show_belongings(self.owner, self.memory.user, self.language, note, named=self.named)
            case "saved":
                return render_saved(self.language, self.shelf, note)
            case "settings":
                return self._settings(note)
            case "item":
                return self._item(str(asked["item"]))
            case "map":
                return self._map()
            case other:
                raise ValueError(f"nothing to show: {other}")

    def _item(self, item_id: str) -> str:
        from retrieval.similar import similar

        item = self.shelf.items[item_id]
        return render_item(item, similar(self.pipeline.index, item_id, self.language), self.language, self.shelf)

    def _map(self) -> str:
        found = self.atlas.get(self.pipeline.index, self.pipeline.keeper.index, self.language)
        if found is None:
            waiting = f'<p class="hint" role="status">{text(self.language, "map_waiting")}</p>'
            return render_dialog("atlas", text(self.language, "room_map"), waiting, self.language, more=" data-again")
        turns = self.pipeline.store.load(self.memory.conversation, self.memory.user).turns
        shown = tuple(dict.fromkeys(entry["id"] for turn in turns for entry in turn.record["items"]))
        return render_map(found, shown, self.language, self.shelf)

    def _settings(self, note: str) -> str:
        turns = self.pipeline.store.load(self.memory.conversation, self.memory.user).turns
        seconds = [turn.record["timings_ms"]["total"] / 1000 for turn in turns if turn.record["items"]]
        facts = machine_facts(self.pipeline.model.description, seconds, len(self.shelf.items), self.language)
        return render_settings(
            self.memory, self.pipeline.count, facts, self.language, note, shared_of(self.owner, self.memory.user)
        )

    def do(self, asked: Mapping[str, Any]) -> Shown:
        """Do what was pressed.

        Raises:
            ZhiyinError: it cannot be done; the message says why.
            ValueError, KeyError: it is nothing that can be pressed.
        """
        if "show" in asked:
            return Shown(self.memory, self.show(asked))
        if not _OF_PERSON.isdisjoint(asked):
            return self._of_person(asked)
        if "saved" in asked:
            return Shown(self.memory, document=_file("zhiyin-saved.csv", "text/csv", saved_table(self.language, self.shelf)))
        if "setting" in asked:
            memory = self._set(str(asked["setting"]), str(asked["value"]))
            return Shown(memory, replace(self, memory=memory).show({"show": "settings"}, text(self.language, "set_done")))
        if "earlier" in asked:
            return Shown(self.memory, talk=True, earlier=True)
        if "others" in asked:
            return Shown(self.memory, discover=self.discover(tuple(map(str, json.loads(asked["others"])))))
        return self._of_talks(asked)

    def _of_person(self, asked: Mapping[str, Any]) -> Shown:
        note, document = handle(self.owner, self.memory.user, self.language, asked)
        panel = show_belongings(self.owner, self.memory.user, self.language, note, named=self.named)
        file = _file("zhiyin-profile.json", "application/json", document) if document else ""
        return Shown(self.memory, panel, file, talk=not document)

    def _of_talks(self, asked: Mapping[str, Any]) -> Shown:
        store, user, memory = self.owner.store, self.memory.user, self.memory
        if "open" in asked:
            return Shown(memory.at(str(asked["open"])), talk=True)
        if "rename" in asked:
            store.rename(str(asked["rename"]), user, str(asked["title"]))
        elif "remove" in asked:
            store.remove(str(asked["remove"]), user)
            if asked["remove"] == memory.conversation:
                return Shown(memory.at(""), talk=True)
        elif "find" not in asked:
            raise ValueError(f"nothing to do: {sorted(asked)}")
        return Shown(memory, side=show_side(store, memory, self.language, str(asked.get("find", ""))))

    def _set(self, name: str, value: str) -> Memory:
        if name == "count" and value.isdigit() and 0 < int(value) <= MAX_COUNT:
            return replace(self.memory, count=int(value))
        if name == "explore" and value in EXPLORE:
            return replace(self.memory, explore=value)
        if name == "share" and value in ("on", "off") and shared_of(self.owner, self.memory.user) is not None:
            share(self.owner, self.memory.user, value)
            return self.memory
        raise ValueError(f"no such setting: {name} {value}")


def _file(name: str, kind: str, content: str) -> str:
    return json.dumps({"name": name, "type": kind, "text": content, "at": time.time()}, ensure_ascii=False)
