"""The catalogue page by page: in the order of ids, or what words find. A place is kept by what stood there, not by a number."""

from __future__ import annotations

import math
from bisect import bisect_right

from chatbot.api.models import ItemPage
from chatbot.api.problems import ApiError
from chatbot.api.wire import card_of
from retrieval.index import CatalogIndex
from retrieval.name_keys import fold

_TITLE = 1e6  # is added to the score of an item whose title has all the words: more than BM25 ever gives
_DIGITS = 6  # of a score in a cursor
_BETWEEN = "~"  # in a cursor, the score and the id


class Browser:
    """Pages of one catalogue. Going on works also after the index was updated, and when the last item shown has gone."""

    def __init__(self, index: CatalogIndex) -> None:
        """Sort the ids and fold the titles."""
        self._index = index
        self._ids = sorted(index.items)
        self._titles = [(name, fold("\n".join(index.items[name].titles.values()))) for name in self._ids]

    def page(self, words: str, after: str, limit: int, language: str) -> ItemPage:
        """Return a page.

        Args:
            words: to find; empty: all items, in the order of their ids.
            after: ``next`` of the page before; empty: from the beginning.
            limit: the most items there are.
            language: of the cards.

        Raises:
            ApiError: 422, ``after`` is no cursor of such a list.
        """
        if words.strip():
            found = self._found(words)
            keys = [(-score, name) for name, score in found]
            begin = bisect_right(keys, _read(after)) if after else 0
            names = [name for name, _ in found[begin : begin + limit]]
            cursor = f"{found[begin + limit - 1][1]:.{_DIGITS}f}{_BETWEEN}{names[-1]}" if begin + limit < len(found) else None
            total = len(found)
        else:
            begin = bisect_right(self._ids, after) if after else 0
            names = self._ids[begin : begin + limit]
            total = len(self._ids)
            cursor = names[-1] if begin + limit < total else None
        return ItemPage(items=[card_of(self._index.items[name], language) for name in names], next=cursor, total=total)

    def _found(self, words: str) -> list[tuple[str, float]]:
        """Return what words find, best first: titles that have all of them, then whatever BM25 finds on the cards."""
        scores = self._index.lexical.scores(words)
        wanted = fold(words).split()
        for name, titles in self._titles:
            if all(word in titles for word in wanted):
                scores[name] = scores.get(name, 0.0) + _TITLE
        known = ((name, round(score, _DIGITS)) for name, score in scores.items() if name in self._index.items)
        return sorted(known, key=lambda entry: (-entry[1], entry[0]))


def _read(cursor: str) -> tuple[float, str]:
    score, between, name = cursor.partition(_BETWEEN)
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    if not between or math.isnan(value):
        raise ApiError(
            422, "cursor", "'after' is no cursor of this list. Give the 'next' of the page before.", where=("after",)
        )
    return -value, name
