from __future__ import annotations

import socket
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from chatbot.loading import LoadState
from chatbot.types import Cards, Profile, Recommendation, Stage, StoredTurn, Text
from chatbot.ui.card_list import render_card
from chatbot.ui.cards import Card, Sentence, Shelf, glyph, render_cover
from chatbot.ui.chrome import render_header, render_loading, render_notice, render_welcome
from chatbot.ui.memory import Memory
from chatbot.ui.serving import launch
from chatbot.ui.turns import LiveTurn, render_held, render_history, render_stored, render_turns
from chatbot.ui.why import source_words
from retrieval.domain_files import load_domain
from retrieval.errors import SettingsError, WeightsError
from retrieval.types import ChannelScore, Item

HOSTILE = "<img src=x onerror=\"alert('1')\"> & {{value}} ${1}"
ITEM = Item(
    "moon-2009",
    {"en": "Moon", "zh": "月球", "original": "Moon"},
    {"en": "A man alone.", "zh": "一个人。"},
    {"year": 2009, "genres": ("science-fiction", "drama"), "directors": ("Duncan Jones",), "runtime": 97},
    {"genres": {"en": ("science fiction", "drama"), "zh": ("科幻", "剧情")}, "directors": {"zh": ("邓肯·琼斯",)}},
)
BAD = Item(HOSTILE, {"en": HOSTILE, "original": HOSTILE + "2"}, {}, {"genres": (HOSTILE,)}, {})


RECORD = {
    "channels": {"dense": {"rank": 2}, "bm25": {"rank": 1}, "new<channel>": {"rank": 7}},
    "shares": {"dense": 0.3, "bm25": 0.65, "new<channel>": 0.05},
    "before_vote": 3,
    "checks": [
        {"label": "no horror", "values": "drama", "ok": True},
        {"label": "at most 90 min", "values": "97 min", "ok": False},
    ],
}


class Elements(HTMLParser):
    """Collects (tag, attributes) and text, and checks that elements close in order."""

    def __init__(self, html):
        super().__init__()
        self.found, self.words, self._open = [], "", []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("input", "img"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words += data

    def all(self, **attributes):
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [a for _, a in self.found if all(a.get(name) == value for name, value in wanted.items())]


@pytest.fixture(scope="module")
def shelf():
    items = {ITEM.id: ITEM, BAD.id: BAD}
    return Shelf(load_domain("movies"), items, Profile("me", liked=("moon-2009",), seen=("moon-2009",)))


def card(item=ITEM, **more):
    sentences = (Sentence("It stays small.", ("card.summary", "card.moods", "user.message", "history.moon-2009")),)
    return Card(item.id, item.title("en"), 1, sentences, record=RECORD, **more)


def test_a_card_says_what_it_is_in_english(shelf):
    page = Elements(render_card(card(), "en", shelf))
    for words in ("Moon", "2009", "science fiction, drama", "Duncan Jones", "97 min", "It stays small.", "Why this?"):
        assert words in page.words
    for words in ("summary on the card", "“moods” on the card", "your words", "your history: Moon", "place 2"):
        assert words in page.words
    assert page.words.index("Shares words") < page.words.index("Close in meaning")
    assert not page.all(**{"class": "original"})


def test_a_card_says_what_it_is_in_chinese(shelf):
    page = Elements(render_card(card(), "zh", shelf))
    for words in ("月球", "科幻、剧情", "邓肯·琼斯", "97分钟", "为什么推荐？", "卡片上的简介", "你的记录：月球"):
        assert words in page.words
    assert page.all(**{"class": "original"})
    assert page.words.count("Moon") == 1


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("en", ["Like: Moon", "Not for me: Moon", "Seen: Moon", "Save for later: Moon"]),
        ("zh", ["喜欢：月球", "不喜欢：月球", "看过：月球", "收藏：月球"]),
    ],
)
def test_buttons_say_what_they_do_and_whether_they_are_on(shelf, language, labels):
    buttons = [b for b in Elements(render_card(card(), language, shelf)).all(type="button") if "data-kind" in b]
    assert [b["aria-label"] for b in buttons] == labels
    assert [b["aria-pressed"] for b in buttons] == ["true", "false", "true", "false"]
    assert [b["data-kind"] for b in buttons] == ["liked", "disliked", "seen", "saved"]


@pytest.mark.parametrize(
    ("language", "said", "label"),
    [("en", "Something like Moon", "Details: Moon"), ("zh", "类似《月球》的", "详情：月球")],
)
def test_a_card_leads_to_its_details_and_to_more_like_it(shelf, language, said, label):
    page = Elements(render_card(card(), language, shelf))
    assert [b["data-answer"] for b in page.all(**{"class": "alike"})] == [said]
    assert [(b["title"], b["data-item"]) for b in page.all(data_show="item")] == [(label, "moon-2009")]


def test_why_shows_parts_the_vote_and_the_checks(shelf):
    page = Elements(render_card(card(), "en", shelf))
    bars = [a["style"] for a in page.all(**{"class": "gave"})]
    assert bars == ["width:65%", "width:30%", "width:5%"]
    assert "Raised it from place 3 to 1." in page.words
    assert "Holds: no horror" in page.words
    assert "Does not hold: at most 90 min" in page.words
    plain = Elements(render_card(replace(card(), record={"channels": RECORD["channels"]}), "en", shelf))  # of an older turn
    assert not plain.all(**{"class": "gave"})
    assert "place 7" in plain.words


def test_each_sentence_shows_what_it_rests_on(shelf):
    page = Elements(render_card(card(), "zh", shelf))
    (cited,) = page.all(**{"class": "cited"})
    assert cited["tabindex"] == "0"
    (reason,) = [a for a in page.all() if "data-words" in a]
    assert reason["data-words"] == "It stays small."  # what is read out, without the sources


def test_a_picture_lies_over_the_cover_and_is_escaped(shelf):
    with_picture = replace(shelf, picture=lambda item: f'/pictures/{item.id}?"><b>')
    (picture,) = [a for tag, a in Elements(render_card(card(), "en", with_picture)).found if tag == "img"]
    assert picture["src"] == '/pictures/moon-2009?"><b>'
    assert picture["alt"] == ""


def test_of_a_long_conversation_the_latest_turns_are_drawn(shelf):
    turns = [StoredTurn(str(n), 0.0, f"message {n}", {"language": "en"}) for n in range(50)]
    page = Elements(render_history(turns, shelf, "en"))
    assert "Show 30 earlier messages" in page.words
    assert "message 30" in page.words
    assert "message 29" not in page.words
    assert "message 0" in Elements(render_history(turns, shelf, "en", whole=True)).words
    assert not Elements(render_history(turns[:20], shelf, "en")).all(**{"class": "earlier"})


def test_the_last_message_can_be_said_anew_and_a_stopped_turn_tried_again(shelf):
    turn = StoredTurn("t", 0.0, HOSTILE, {"language": "en", "notes": ["stopped"], "suggestions": ["Shorter ones", HOSTILE]})
    page = Elements(render_turns((replace(turn, id="s"), turn), shelf, last=True))
    assert [form["data-instead"] for form in page.all() if "data-instead" in form] == ["t"]
    assert len(page.all(**{"class": "retry"})) == 1
    assert "img" not in {tag for tag, _ in page.found}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_hostile_becomes_markup(shelf, language):
    sources = (HOSTILE, f"history.{HOSTILE}", f"card.{HOSTILE}")
    checks = [{"label": HOSTILE, "values": HOSTILE, "ok": False}]
    kept = {"channels": {HOSTILE: {"rank": 1}}, "shares": {HOSTILE: 1.0}, "checks": checks}
    bad = Card(BAD.id, HOSTILE, 1, (Sentence(HOSTILE, sources),), record=kept)
    record = {"language": language, "items": [{"id": HOSTILE, "title": HOSTILE}], "reply": f"{HOSTILE}\n1. x", "notes": []}
    failed = LiveTurn(HOSTILE, HOSTILE, language)
    failed.fail(HOSTILE)
    for html in (
        render_card(bad, language, shelf),
        render_card(bad, language, Shelf(shelf.domain, {}, shelf.profile)),
        render_stored(StoredTurn(HOSTILE, 0.0, HOSTILE, record), shelf),
        failed.render(shelf),
        render_welcome(language, HOSTILE),
        render_notice(HOSTILE, HOSTILE),
        render_loading(language, LoadState("failed", 0.5, WeightsError(HOSTILE, key="error_weights"))),
    ):
        page = Elements(html)
        assert "img" not in {tag for tag, _ in page.found}
        assert HOSTILE in page.words
        assert not any(name.startswith("on") for _, attributes in page.found for name in attributes)


def test_a_waiting_card_keeps_the_place_of_its_reason(shelf):
    html = render_card(card(waiting=True), "en", shelf)
    assert "reason waiting" in html
    assert "<details" not in html


def test_a_cover_is_the_same_each_time_and_fetches_nothing(shelf):
    assert render_cover("a", "Moon", shelf) == render_cover("a", "Moon", shelf) != render_cover("b", "Moon", shelf)
    assert "url" not in render_cover("a", "Moon", shelf)
    assert "of-screen" in render_cover("a", "Moon", shelf)  # as its domain says
    assert [glyph(t) for t in ("The Martian", "月球", "…and 2046", "A", "???", "an apple")] == ["M", "月", "A", "A", "·", "A"]


def test_unknown_sources_are_shown_as_they_are(shelf):
    assert source_words("else", "en", shelf) == "else"
    assert source_words("card.title", "en", shelf) == "title on the card"
    assert source_words("card.unknown", "zh", shelf) == "卡片上的“unknown”"
    assert source_words("history.gone", "en", shelf) == "your history: gone"


def test_a_turn_grows_event_by_event(shelf):
    live = LiveTurn("t", "a quiet film", "en")
    live.apply(Stage("looking"))
    assert "Looking through the catalogue" in live.render(shelf)
    assert Elements(live.render(shelf)).all(data_busy="true")
    live.apply(Cards((Recommendation(ITEM, 1, 0.5, {"dense": ChannelScore(2, 0.5)}),), settled=True, opening="One of them."))
    assert "One of them." in live.render(shelf)
    assert "reason waiting" in live.render(shelf)
    live.apply(Text("It stays ", "moon-2009"))
    live.apply(Text("small.", "moon-2009"))
    assert "It stays small." in live.render(shelf)
    live.stop()
    page = Elements(live.render(shelf))
    assert "Stopped" in page.words
    assert not page.all(data_busy="true")


def test_an_answer_without_items_is_its_text(shelf):
    live = LiveTurn("t", "你好", "zh")
    live.apply(Text("你好，"))
    live.apply(Text("想看点什么？"))
    assert "你好，想看点什么？" in live.render(shelf)
    assert render_turns((), shelf) == ""


QUESTION = {"about": "moods", "options": ["quiet", HOSTILE], "values": ["quiet", "x"]}
HELD = [{"label": "no horror", "parts": []}, {"label": HOSTILE, "parts": []}]


@pytest.mark.parametrize(("language", "name"), [("en", "Answers to choose from"), ("zh", "可选的回答")])
def test_a_question_offers_buttons_in_the_last_turn_alone(shelf, language, name):
    turn = StoredTurn("t", 0.0, "x", {"language": language, "opening": "Which?", "question": QUESTION})
    page = Elements(render_turns((replace(turn, id="s"), turn), shelf, last=True))
    assert [b["data-answer"] for b in page.all(**{"class": "option"})] == ["quiet", HOSTILE]
    assert page.all(**{"class": "options"})[0]["aria-label"] == name
    assert "img" not in {tag for tag, _ in page.found}
    assert "option" not in render_turns((turn,), shelf)
    assert "option" not in render_turns((StoredTurn("t", 0.0, "x", {"language": language}),), shelf, last=True)


@pytest.mark.parametrize(("language", "label"), [("en", "Drop “no horror”"), ("zh", "不再要求“no horror”")])
def test_what_is_held_is_shown_with_a_button_each(language, label):
    page = Elements(render_held(StoredTurn("t", 0.0, "x", {"language": language, "held": HELD})))
    buttons = page.all(type="button")
    assert buttons[0]["aria-label"] == label
    assert [(b["data-drop"], b["data-in"]) for b in buttons] == [("0", "t"), ("1", "t")]
    assert "img" not in {tag for tag, _ in page.found}
    assert HOSTILE in page.words
    assert render_held(None) == render_held(StoredTurn("t", 0.0, "x", {})) == ""


@pytest.mark.parametrize(("language", "label"), [("en", "What you could say next"), ("zh", "接下来可以说")])
def test_what_could_be_said_next_is_a_press_away(language, label):
    page = Elements(render_held(StoredTurn("t", 0.0, "x", {"language": language, "suggestions": ["Shorter ones", HOSTILE]})))
    assert [b["data-answer"] for b in page.all(**{"class": "quick"})] == ["Shorter ones", HOSTILE]
    assert page.all(**{"class": "suggestions"})[0]["aria-label"] == label
    assert not page.all(**{"class": "held"})
    assert "img" not in {tag for tag, _ in page.found}


def test_loading_says_how_far_it_is():
    page = Elements(render_loading("zh", LoadState("index", 0.5)))
    (bar,) = page.all(role="progressbar")
    assert (bar["aria-valuenow"], bar["aria-valuetext"]) == ("50", "正在打开目录索引")
    assert render_loading("en", LoadState("ready", 1.0)) == ""
    assert "知音" in render_header("en")


@pytest.mark.parametrize("data", [None, "x", [], {"user": " "}, {"user": None, "language": 3, "conversation": "c" * 500}])
def test_what_a_browser_remembers_is_not_trusted(data):
    memory = Memory.read(data, "me")
    assert memory.user == "me"
    assert memory.language in ("", "en")
    assert len(memory.conversation) <= 100
    assert Memory.read(memory.write(), "you") == memory


def test_a_port_in_use_is_said_before_starting():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"{port}.*127.0.0.1.*--port") as caught:
            launch(None, "127.0.0.1", port)
    assert caught.value.key == "error_port"
