"""What stands in titles beside the title: a year, an article moved to the end, other titles in brackets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.mapping import TitleForm

_YEAR = re.compile(r"\s*\((?:1[5-9]|20)\d\d(?:\s?[-–—/]\s?(?:\d{2,4})?)?\)\s*(?:\([A-Z]{1,3}\)\s*)?$")
_BRACKET = re.compile(r"\s*\(((?:[^()]|\([^()]*\))+)\)\s*$")
_ALSO = re.compile(r"^(?:a\.?k\.?a\.?|aka|also known as)\s*:?\s*", re.IGNORECASE)
_ARTICLES = (
    r"the|a|an|la|le|les|l'|il|lo|i|gli|el|los|las|der|die|das|den|det|de|het|een|ein|eine|un|une|una|uma|o|os|as|en|ett|et"
)
_MOVED = re.compile(rf"^(?P<rest>.+?),\s(?P<article>{_ARTICLES})(?P<after>\s*(?::.*|\(.*)?)$", re.IGNORECASE)


def take_apart(title: str, forms: Sequence[TitleForm]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the plain title, its other titles, and the rules that changed something.

    "City of Lost Children, The (Cité des enfants perdus, La) (1995)" is "The City of Lost Children" with the other title
    "La Cité des enfants perdus".
    """
    whole, rules, others = title, list[str](), list[str]()
    if "year" in forms and (match := _YEAR.search(title)) and match.start():
        title = title[: match.start()]
        rules.append("title_year")
    if "alternative" in forms:
        while (match := _BRACKET.search(title)) and match.start():
            title = title[: match.start()]
            others.insert(0, _ALSO.sub("", match[1]).strip())
        others = [part for other in others if (part := _front(other, forms))]
        if others:
            rules.append("title_alternative")
    plain = _front(title, forms)
    if plain != title:
        rules.append("title_article")
    return (plain, tuple(others), tuple(rules)) if plain else (whole, (), ())


def _front(title: str, forms: Sequence[TitleForm]) -> str:
    """Move an article from the end to the front: "Game, The" is "The Game", "Avventura, L'" is "L'Avventura"."""
    match = _MOVED.match(title) if "article" in forms else None
    if not match:
        return title.strip()
    article = match["article"]
    gap = "" if article.endswith("'") else " "
    return f"{article[:1].upper()}{article[1:]}{gap}{match['rest']}{match['after']}".strip()
