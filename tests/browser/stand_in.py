"""A pipeline for the page alone: real understanding, retrieval and store; the reasons are quoted from the card.

Its words decide what it plays: "slowly" writes slowly, "break" fails in mid-answer.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

from chatbot.profile import build_profile
from chatbot.records import turn_record
from chatbot.types import Cards, Done, Reason, Recommendation, Stage, StoredTurn, Text, Turn
from chatbot.understanding import Understanding
from retrieval.catalog import read_catalog
from retrieval.domain import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.errors import EngineError
from retrieval.index import build_in_memory
from retrieval.retriever import Retriever
from retrieval.types import Query
from retrieval.vector_store import InMemoryVectorStore


class StandIn:
    def __init__(self, store, pace=0.02):
        domain = load_domain("movies")
        items = list(read_catalog(domain.catalogue_path, domain))
        self.index = build_in_memory(domain, items, HashingEmbedder(), InMemoryVectorStore())
        self.store, self.pace = store, pace
        self._understanding = Understanding(domain, self.index.items)
        self._retriever = Retriever(self.index)

    def profile(self, user):
        return build_profile(user, self.store.events(user))

    def learn(self, event):
        self.store.append(event)

    def respond(self, message, conversation, profile, *, cancel=None, language=None):
        yield Stage("understanding")
        request = self._understanding.read(message, conversation, language)
        pace = 0.25 if "slowly" in message or "慢慢" in message else self.pace
        turn = Turn(uuid.uuid4().hex, conversation.user, conversation.id, request, (), "", {}, {}, at=time.time())
        try:
            yield Stage("looking")
            exclude = frozenset((*profile.disliked, *profile.seen, *request.named))
            query = Query(request.query or message, request.language, request.context, request.constraints, request.wishes)
            query = replace(query, liked=(*profile.liked, *request.liked), exclude=exclude, k=3)
            found = self._retriever.retrieve(query).candidates
            picks = [Recommendation(c.item, n, c.score, c.channels) for n, c in enumerate(found, 1)]
            opening = {"en": "Three that stay close to that, without the fright.", "zh": "有三部贴近你说的，而且不吓人。"}[
                request.language
            ]
            yield Cards(tuple(picks), settled=False, opening=opening)
            yield Stage("choosing")
            time.sleep(5 * pace)
            picks = [replace(r, rank=n) for n, r in enumerate([*picks[1:], *picks[:1]], 1)]
            yield Cards(tuple(picks), settled=True, opening=opening)
            yield Stage("writing")
            done = []
            for pick in picks:
                if "break" in message and done:
                    raise EngineError("The model went away.", key="error_engine")
                text = pick.item.text(request.language)
                end = text.find("." if request.language == "en" else "。") + 1
                first = text[:end]
                for piece in first.split(" ") if request.language == "en" else first:
                    if cancel is not None and cancel.is_set():
                        break
                    time.sleep(pace)
                    yield Text(piece + (" " if request.language == "en" else ""), pick.item.id)
                sources = ("card.summary", "user.message", *(f"history.{i}" for i in profile.liked[:1]), "card.moods")
                done.append(replace(pick, reasons=(Reason(first, sources),)))
                if cancel is not None and cancel.is_set():
                    break
            turn = replace(
                turn,
                items=tuple(done) + tuple(picks[len(done) :]),
                reply=opening + "\n" + "\n".join(r.reasons[0].text for r in done),
            )
        finally:
            stored = StoredTurn(turn.id, turn.at, message, turn_record(turn))
            self.store.save(conversation.id, conversation.user, stored)
        yield Done(turn)
