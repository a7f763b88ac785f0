"""The words about recommended items, in the order in which a person gets them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chatbot.draft import Draft
from chatbot.fitting import Fitting
from chatbot.types import Profile, Reason, Text
from chatbot.writing import Writer


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of the items of a draft, and puts what is told into it. Holds no state of a conversation."""

    fitting: Fitting
    writer: Writer

    def why(self, draft: Draft, profile: Profile) -> Iterator[Text]:
        """Say of every item why it is for this person; no model is waited for."""
        for n, recommendation in enumerate(draft.items):
            if fit := self.fitting.fits(recommendation.item, draft.request, profile, n, draft.interests):
                yield _give(draft, n, fit)

    def what(self, draft: Draft, cancel: threading.Event) -> Iterator[Text]:
        """Say of one item after the other what to expect, and where it falls short of what was asked.

        A model that fails is not asked again in this turn: each time might be as long a wait.
        """
        said: list[str] = []
        failed: list[str] = []
        for n, recommendation in enumerate(draft.items):
            if cancel.is_set():
                return
            told = self.writer.describe(recommendation.item, draft.request, said, cancel, failed, ask=not failed)
            if cancel.is_set() and told.written_by == "template":
                return
            draft.timings["first_sentence"] = draft.timings["first_sentence"] or draft.clock()
            said.append(told.text)
            draft.notes += [note for note in failed if note not in draft.notes]
            yield _give(draft, n, told)
            if short := self.fitting.falls_short(recommendation.item, draft.request, draft.relaxed, n):
                yield _give(draft, n, short)


def _give(draft: Draft, n: int, reason: Reason) -> Text:
    item = draft.items[n]
    draft.items[n] = replace(item, reasons=(*item.reasons, reason))
    draft.timings["first_token"] = draft.timings["first_token"] or draft.clock()
    delta = (" " if draft.request.language == "en" and item.reasons else "") + reason.text
    return Text(delta, item.item.id, sources=reason.sources, written_by=reason.written_by)
