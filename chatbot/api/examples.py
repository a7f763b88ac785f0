"""Example requests and answers of the API's description, in English and in Chinese; a test reads them by the models."""

from __future__ import annotations

from typing import Any

from chatbot.api.declared import ITEM, OTHER, TALK, TURN, USER

CARD: dict[str, Any] = {
    "id": ITEM,
    "title": "The Lighthouse Keeper",
    "titles": {"en": "The Lighthouse Keeper", "zh": "守塔人"},
    "facets": {"genres": ["mystery"], "year": [1998]},
    "summary": "A keeper finds the same ship in the bay every night.",
}
CARD_ZH: dict[str, Any] = {**CARD, "title": "守塔人", "summary": "守塔人每夜都在海湾里看见同一艘船。"}
OTHER_CARD: dict[str, Any] = {
    "id": OTHER,
    "title": "Salt Roads",
    "titles": {"en": "Salt Roads", "zh": "盐路"},
    "facets": {"genres": ["mystery", "drama"], "year": [2004]},
    "summary": "Two sisters follow their father's map along the coast.",
}

CHAT = {"user": USER, "message": "something quiet, no horror", "count": 3}
CHAT_ZH = {"user": USER, "message": "想要安静一点的，不要恐怖", "language": "zh", "stream": True}


def _offered(card: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "item": card,
        "rank": 1,
        "score": 0.0328,
        "reasons": [{"text": text, "sources": ["card.summary"], "written_by": "model"}],
        "channels": {"dense": {"rank": 1, "score": 0.61}, "bm25": {"rank": 2, "score": 4.2}},
        "shares": {"dense": 0.504, "bm25": 0.496},
        "checks": [{"label": "no horror", "values": "mystery", "ok": True}],
    }


def _answer(language: str, opening: str, card: dict[str, Any], text: str, held: str, suggestion: str) -> dict[str, Any]:
    title = f"《{card['title']}》：" if language == "zh" else f"{card['title']}: "
    return {
        "turn": TURN,
        "conversation": TALK,
        "user": USER,
        "language": language,
        "intent": "recommend",
        "opening": opening,
        "items": [_offered(card, text)],
        "reply": f"{opening}\n1. {title}{text}",
        "question": None,
        "held": [held],
        "suggestions": [suggestion],
        "notes": [],
        "timings_ms": {"understand": 2.1, "retrieve": 14.8, "total": 912.4},
        "model": {"name": "qwen2.5-coder-1.5b-instruct"},
    }


ANSWER = _answer(
    "en", "Here is one that is quiet, without horror.", CARD, "A ship comes back every night.", "no horror", "something longer"
)
ANSWER_ZH = _answer("zh", "这一部安静，不带恐怖。", CARD_ZH, "同一艘船夜夜归来。", "不要恐怖", "再长一点的")

STREAM = """event: state
data: {"stage":"understanding","place":0}

event: cards
data: {"items":[{"item":{"id":"b0042","title":"The Lighthouse Keeper"},"rank":1,"score":0.0328}],"settled":true,"opening":"..."}

event: text
data: {"delta":"A ship comes back every night.","item":"b0042"}

event: sources
data: {"item":"b0042","text":"A ship comes back every night.","sources":["card.summary"],"written_by":"model"}

event: done
data: {"answer":{"turn":"5e2d1c0b9a87","conversation":"0b7f6c1d2a934e58","reply":"..."}}

"""

RECOMMEND = {
    "user": USER,
    "like": [ITEM],
    "constraints": [{"field": "genres", "op": "excludes", "value": "horror"}],
    "count": 5,
}
RECOMMEND_ZH = {"message": "慢热的悬疑", "language": "zh", "count": 5}
_LISTED: dict[str, Any] = {**_offered(OTHER_CARD, ""), "reasons": []}
LIST: dict[str, Any] = {"items": [_LISTED], "relaxed": [], "took_ms": 11.2}
LIST_ZH: dict[str, Any] = {
    "items": [{**_LISTED, "item": {**OTHER_CARD, "title": "盐路"}}],
    "relaxed": ["2010年以后"],
    "took_ms": 9.8,
}

PAGE = {"items": [CARD, OTHER_CARD], "next": OTHER, "total": 5120}
PAGE_ZH = {"items": [CARD_ZH], "next": None, "total": 1}
SIMILAR = [{"item": OTHER_CARD, "shared": ["mystery"]}]
SIMILAR_ZH = [{"item": {**OTHER_CARD, "title": "盐路"}, "shared": ["悬疑"]}]

EVENTS = {"events": [{"user": USER, "kind": "liked", "item": ITEM, "id": "shop-20250102-17"}]}
EVENTS_ZH = {"events": [{"user": USER, "kind": "reviewed", "item": OTHER, "text": "很喜欢海边的部分", "value": 0.9}]}
NOTED = {"received": 1, "new": 1}

PATCH = {"set": {ITEM: "liked"}, "clear": [OTHER], "remove": []}
PATCH_ZH = {"set": {OTHER: "seen"}, "remove": ["9f2c41d07a55"]}


def _profile(text: str) -> dict[str, Any]:
    line = {"id": "9f2c41d07a55", "kind": "taste", "text": text, "sources": [f"history.{ITEM}"]}
    return {
        "user": USER, "liked": [ITEM], "disliked": [], "seen": [OTHER], "answered": [], "saved": [], "lines": [line]
    }  # fmt: skip


PROFILE, PROFILE_ZH = _profile("Drawn to mystery: The Lighthouse Keeper."), _profile("偏爱悬疑：《守塔人》。")
EXPORT: dict[str, Any] = {
    "format": "zhiyin-profile",
    "version": 1,
    "person": "p-0f3a",
    "log": [],
    "events": [],
    "conversations": [],
}
ERASED: dict[str, Any] = {"events": 12, "turns": 4, "logged": 0, "traces": []}
HEADINGS = [{"id": TALK, "title": "Quiet evenings", "said": "something quiet", "turns": 4, "used": 1767225600.0}]
HEADINGS_ZH = [{"id": TALK, "title": "安静的夜晚", "said": "想要安静一点的", "turns": 2, "used": 1767225600.0}]
TALKED = {
    "id": TALK,
    "turns": [{"id": TURN, "at": 1767225600.0, "message": "something quiet", "record": {"turn_id": TURN, "reply": "..."}}],
}
TITLE, TITLE_ZH = {"title": "Quiet evenings"}, {"title": "安静的夜晚"}
TOKEN = {"token": "zy_1a2b3c4d5e6f7a8b_...", "user": USER, "expires": 1767229200.0}
SECONDS = {"seconds": 3600}
READY = {
    "ready": True, "stage": "ready", "fraction": 1.0, "checks": {"server": "ok", "pipeline": "ok", "store": "ok"}
}  # fmt: skip
LOADING = {"ready": False, "stage": "index", "fraction": 0.4, "checks": {"server": "ok", "pipeline": "index"}}
