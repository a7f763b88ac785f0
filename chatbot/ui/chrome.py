"""What stands around the conversation, as HTML: header, welcome with examples, loading, notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from chatbot.loading import LoadState
from chatbot.ui.rooms import Door
from chatbot.ui.texts import error_text, languages, text

NOTHING: Mapping[str, Sequence[str]] = {}


def render_header(language: str, signed_in: str = "", doors: Sequence[Door] = ()) -> str:
    """Write the name and one line of what it is; who has signed in can sign out. The script reads the page's language here."""
    name, out = escape(text(language, "signed_in", user=signed_in)), escape(text(language, "sign_out"))
    who = (
        f'<form class="who" method="post" action="logout"><span>{name}</span><button>{out}</button></form>' if signed_in else ""
    )
    return (
        f'<div class="brand" data-language="{escape(language)}"><span class="seal" lang="zh" aria-hidden="true">知音</span>'
        f'<h1>Zhiyin <span lang="zh">知音</span></h1></div><p class="tagline">{escape(text(language, "tagline"))}</p>'
        f"{_render_doors(language, doors)}{who}"
    )


def _render_doors(language: str, doors: Sequence[Door]) -> str:
    """Write the ways to the other catalogues; nothing where there is none."""
    here = ' aria-current="page"'
    ways = "".join(
        f'<a href="{escape(door.path)}"{here if door.here else ""}>{escape(door.names[language])}</a>' for door in doors
    )
    return f'<nav class="doors" aria-label="{escape(text(language, "catalogues"))}">{ways}</nav>' if ways else ""


def _examples(starters: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return (language, example) of every language, mixed so that the first of each come first."""
    found = [(n, code, words) for code in languages() for n, words in enumerate(starters.get(code, ()))]
    return [(code, words) for _, code, words in sorted(found, key=lambda entry: (entry[0], languages().index(entry[1])))]


def render_welcome(language: str, user: str = "", starters: Mapping[str, Sequence[str]] = NOTHING) -> str:
    """Greet, by name where there is one, and offer examples in every language; a press sends one."""
    greeting = text(language, "welcome", user=user) if user else text(language, "welcome_plain")
    ordered = sorted(_examples(starters), key=lambda pair: pair[0] != language)
    examples = "".join(
        f'<li><button type="button" class="example" lang="{escape(code)}" data-example="{escape(words)}">'
        f"{escape(words)}</button></li>"
        for code, words in ordered
    )
    offered = f'<ul class="examples" aria-label="{escape(text(language, "examples"))}">{examples}</ul>' if examples else ""
    return (
        f'<section class="welcome"><h2>{escape(greeting)}</h2>'
        f"<p>{escape(text(language, 'welcome_hint'))}</p>{offered}</section>"
    )


def render_loading(language: str, state: LoadState) -> str:
    """Show how far loading is, or why it failed and what to do; nothing once all is ready."""
    if state.stage == "ready":
        return ""
    if state.error:
        return (
            f'<section class="loading failed" role="alert"><h2>{escape(text(language, "loading_failed"))}</h2>'
            f"<p>{escape(error_text(language, state.error))}</p>"
            f'<p class="hint">{escape(text(language, "loading_failed_hint"))}</p></section>'
        )
    percent = round(100 * state.fraction)
    words = escape(text(language, f"loading_{state.stage}"))
    title = escape(text(language, "loading"))
    return (
        f'<section class="loading" data-stage="{escape(state.stage)}"><h2>{title}</h2>'
        f'<div class="bar" role="progressbar" aria-label="{title}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}" aria-valuetext="{words}"><i style="width:{max(percent, 3)}%"></i></div>'
        f'<p><span data-say="loading-{escape(state.stage)}">{words}</span> <span class="percent">{percent}&nbsp;%</span></p>'
        f'<p class="hint">{escape(text(language, "loading_hint"))}</p></section>'
    )


def render_notice(words: str, hint: str = "") -> str:
    """Say what went wrong beside the box; empty words take the notice away."""
    more = f" <span>{escape(hint)}</span>" if hint else ""
    return f'<div class="notice" role="alert" data-key="notice">{escape(words)}{more}</div>' if words else ""
