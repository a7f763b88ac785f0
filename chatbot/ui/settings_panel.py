"""The person's settings, as a dialog: how lists are made, and what answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from chatbot.types import MAX_COUNT
from chatbot.ui.dialogs import render_dialog
from chatbot.ui.memory import EXPLORE, Memory
from chatbot.ui.texts import text

COUNTS = (1, 2, 3, 5, 8, MAX_COUNT)


def _render_choices(name: str, legend: str, choices: Iterable[tuple[str, str]], chosen: str, hint: str = "") -> str:
    buttons = "".join(
        f'<label><input type="radio" name="{name}" value="{escape(value)}"{" checked" if value == chosen else ""}>'
        f"<span>{escape(words)}</span></label>"
        for value, words in choices
    )
    more = f'<p class="hint">{escape(hint)}</p>' if hint else ""
    return f'<fieldset data-setting="{name}"><legend>{escape(legend)}</legend><div>{buttons}</div>{more}</fieldset>'


def render_settings(
    memory: Memory,
    default_count: int,
    facts: Sequence[tuple[str, str]],
    language: str,
    note: str = "",
    shared: bool | None = None,
) -> str:
    """Write the dialog.

    Args:
        memory: what the browser remembers.
        default_count: items of a reply, as the installation says.
        facts: (what, how it is) of the running parts, in words.
        language: of the page.
        note: what was just done.
        shared: whether what they said in words counts in other catalogues too; None: that cannot be chosen.
    """
    counts = sorted({*COUNTS, default_count})
    lists = _render_choices(
        "count", text(language, "set_count"), ((str(n), str(n)) for n in counts), str(memory.count or default_count)
    )
    explore = _render_choices(
        "explore",
        text(language, "set_explore"),
        ((key, text(language, f"explore_{key}")) for key in EXPLORE),
        memory.explore,
        text(language, "set_explore_hint"),
    )
    share = "" if shared is None else _render_shared(language, shared=shared)
    rows = "".join(f"<div><dt>{escape(what)}</dt><dd>{escape(how)}</dd></div>" for what, how in facts)
    yours, profile = escape(text(language, "set_data_hint")), escape(text(language, "room_profile"))
    body = (
        f"{lists}{explore}{share}<h3>{escape(text(language, 'set_machine'))}</h3><dl>{rows}</dl>"
        f'<h3>{escape(text(language, "set_data"))}</h3><p class="hint">{yours}</p>'
        f'<div class="belongings"><button type="button" data-show="profile">{profile}</button></div>'
    )
    return render_dialog("settings", text(language, "room_settings"), body, language, note=note)


def _render_shared(language: str, *, shared: bool) -> str:
    choices = [(value, text(language, f"share_{value}")) for value in ("off", "on")]
    legend, hint = text(language, "set_share"), text(language, "set_share_hint")
    return _render_choices("share", legend, choices, "on" if shared else "off", hint)


def machine_facts(description: Mapping[str, str], seconds: Sequence[float], items: int, language: str) -> list[tuple[str, str]]:
    """Say which model answers, how long the last answers of this conversation took, and how large the catalogue is."""
    facts = [(text(language, "set_model"), " · ".join(filter(None, (description.get("name"), description.get("engine")))))]
    if seconds:
        took = text(language, "set_speed_value", seconds=f"{sorted(seconds)[len(seconds) // 2]:.1f}", count=len(seconds))
        facts.append((text(language, "set_speed"), took))
    return [*facts, (text(language, "set_catalogue"), text(language, "set_catalogue_value", count=items))]
