"""What the page does behind its buttons, without a browser."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatbot.erasing import Erased
from chatbot.hosting import end_turns
from chatbot.keeper import Keeper
from chatbot.llm.scripted import ScriptedModel
from chatbot.loading import Loader
from chatbot.pipeline import RecommendationPipeline
from chatbot.store import InMemoryUserStore
from chatbot.ui.memory import Memory
from chatbot.ui.page import build_page
from chatbot.ui.session import Sessions
from chatbot.ui.texts import text
from retrieval.catalog import read_catalog
from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.errors import EngineError, ZhiyinError
from retrieval.events import Event
from retrieval.index import build_in_memory
from retrieval.vector_store import InMemoryVectorStore

WISH = "a quiet film about space, no horror"


@pytest.fixture(scope="module")
def index():
    domain = load_domain("movies")
    return build_in_memory(domain, read_catalog(domain.catalogue_path, domain), HashingEmbedder(), InMemoryVectorStore())


@pytest.fixture
def store():
    return InMemoryUserStore()


def sessions(pipeline):
    loader = Loader(lambda report: pipeline)
    loader.start()
    loader.wait(10)
    return Sessions(loader)


@pytest.fixture
def site(index, store):
    return sessions(RecommendationPipeline(index, ScriptedModel(lambda _: "word " * 20, delay=0.01), store))


def opened(site, user="ann", **more):
    return site.open("s", Memory(user, **more))[0]


def test_a_turn_is_accepted_first_and_is_then_what_the_store_keeps(site):
    memory = opened(site)
    steps = list(site.answer("s", WISH, memory, "en"))
    assert [step.accepted for step in steps].index(True) == 0
    assert not any(step.error for step in steps)
    assert "data-busy" in steps[0].live
    assert "data-busy" not in steps[-1].live
    again, view = site.open("s", memory)
    assert again == memory
    assert view.history == ""
    assert view.live.count('class="card"') == steps[-1].live.count('class="card"') == 3


def test_the_next_turn_pushes_the_last_one_up(site):
    memory = opened(site)
    list(site.answer("s", WISH, memory, "en"))
    steps = list(site.answer("s", "有没有更轻松的", memory, "en"))
    assert WISH in steps[0].history
    assert 'lang="zh"' in steps[0].live
    assert site.open("s", memory)[1].history.count('class="turn"') == 1


def press(site, memory, language="en", **pressed):
    return list(site.press("s", json.dumps(pressed), memory, language))


def test_a_pressed_answer_is_the_next_message(site, store):
    memory = opened(site)
    steps = press(site, memory, say="something funny")
    assert steps[0].accepted
    assert [turn.message for turn in store.load(memory.conversation, "ann").turns] == ["something funny"]
    assert "funny" in steps[-1].held
    assert site.open("s", memory)[1].held == steps[-1].held


def test_a_pressed_chip_drops_what_it_says(site, store):
    memory = opened(site)
    list(site.answer("s", "a funny film, no horror", memory, "zh"))
    [turn] = store.load(memory.conversation, "ann").turns
    place = [entry["label"] for entry in turn.record["held"]].index("funny")
    steps = press(site, memory, "zh", **{"drop": place, "in": turn.id})
    last = store.load(memory.conversation, "ann").turns[-1]
    assert last.message == "Drop “funny”."  # in the language of the turn, whatever the page's
    assert [entry["label"] for entry in last.record["held"]] == ["no horror"]
    assert "no horror" in steps[-1].held
    assert "funny" not in steps[-1].held


@pytest.mark.parametrize(
    "pressed", ["", "[]", "{}", '{"drop": 9, "in": "TURN"}', '{"drop": "x", "in": "TURN"}', '{"drop": 0, "in": 1}']
)
def test_a_press_that_is_too_late_is_said(site, store, pressed):
    memory = opened(site)
    list(site.answer("s", WISH, memory, "en"))
    [turn] = store.load(memory.conversation, "ann").turns
    (step,) = site.press("s", pressed.replace("TURN", turn.id), memory, "en")
    assert "no longer holds" in step.error
    assert len(store.load(memory.conversation, "ann").turns) == 1


def test_a_press_in_a_conversation_of_nobody_or_somebody_else_is_said(site):
    (step,) = press(site, opened(site), drop=0, **{"in": "x"})
    assert "no longer holds" in step.error
    mine = opened(site)
    list(site.answer("s", WISH, mine, "en"))
    (step,) = press(site, Memory("bob", conversation=mine.conversation), "zh", drop=0, **{"in": "x"})
    assert "另一位用户" in step.error


@pytest.mark.parametrize(("message", "language", "words"), [(" ", "zh", "消息是空的"), ("x" * 5000, "en", "5000")])
def test_a_message_that_is_not_taken_changes_nothing(site, store, message, language, words):
    memory = opened(site)
    (step,) = site.answer("s", message, memory, language)
    assert words in step.error
    assert not step.accepted
    assert store.conversations("ann") == []


def test_stop_and_a_closed_tab_end_the_turn(site, store):
    memory = opened(site)
    steps = site.answer("s", WISH, memory, "en")
    next(steps)
    site.stop("s")
    assert "Stopped" in list(steps)[-1].live
    steps = site.answer("s", WISH, memory, "en")
    next(steps)
    steps.close()
    turns = store.load(memory.conversation, "ann").turns
    assert ["stopped" in turn.record["notes"] for turn in turns] == [True, True]
    site.stop("nobody")
    site.abandon("nobody")


def test_pages_that_are_ended_let_their_turns_end_or_stop_them_and_take_no_more(site, store):
    memory = opened(site)
    steps = site.answer("s", WISH, memory, "en")
    next(steps)
    with ThreadPoolExecutor(2) as pool:
        rest, ended = pool.submit(list, steps), pool.submit(end_turns, 0.02, [site])
        assert ended.result() == 1
        assert "Stopped" in rest.result()[-1].live
    (turn,) = store.load(memory.conversation, "ann").turns
    assert "stopped" in turn.record["notes"]
    for language in ("en", "zh"):
        (step,) = site.answer("s", WISH, memory, language)
        assert step.error == text(language, "error_stopping")
    assert end_turns(1, [site]) == 0


def test_an_abandoned_turn_shows_nothing_more(site):
    memory = opened(site)
    seen = []

    def run():
        for step in site.answer("s", WISH, memory, "en"):
            seen.append(step)
            time.sleep(0.02)

    thread = threading.Thread(target=run)
    thread.start()
    while not seen:
        time.sleep(0.005)
    site.abandon("s")
    shown = len(seen)
    thread.join(10)
    assert len(seen) <= shown + 1
    assert "data-busy" in seen[-1].live


def test_a_failure_in_mid_answer_is_said_and_the_message_comes_back(site, monkeypatch):
    pipeline = site.pipeline
    real = pipeline.respond

    def failing(error):
        def respond(*args, **kwargs):
            for n, event in enumerate(real(*args, **kwargs)):
                if n == 4:
                    raise error
                yield event

        return respond

    for error in (EngineError("It went away.", key="error_engine"), RuntimeError("It went away.")):
        monkeypatch.setattr(pipeline, "respond", failing(error))
        last = list(site.answer("s", WISH, opened(site), "zh"))[-1].live
        assert "It went away." in last
        assert f'data-restore="{WISH}"' in last
        assert "data-busy" not in last


def test_an_unexpected_failure_before_the_answer_is_said(site, monkeypatch):
    def respond(*_, **__):
        raise RuntimeError("boom")

    monkeypatch.setattr(site.pipeline, "respond", respond)
    (step,) = site.answer("s", WISH, opened(site), "en")
    assert "boom" in step.error
    assert not step.accepted


def test_opinions_are_kept_and_taken_back(site, store):
    memory = opened(site)
    item = next(iter(site.pipeline.index.items))

    def say(kind, on):
        return site.note("s", memory, json.dumps({"item": item, "kind": kind, "on": on, "turn": "t"}))

    assert say("liked", True)["liked"] == [item]
    marks = say("disliked", True)
    assert (marks["liked"], marks["disliked"]) == ([], [item])
    assert say("seen", True)["seen"] == [item]
    assert say("disliked", False)["disliked"] == []
    assert site.marks("s", memory)["seen"] == [item]
    assert store.events("ann")[-1].text == "disliked"
    assert opened(site, "bob").user == "bob"
    assert site.marks("s", Memory("bob"))["seen"] == []


def test_a_closer_look_is_kept_once_a_turn_and_is_no_opinion(site, store):
    memory = opened(site)
    item = next(iter(site.pipeline.index.items))

    def look(turn):
        return site.note("s", memory, json.dumps({"item": item, "kind": "opened", "on": True, "turn": turn}))

    assert not any(look("one").values())
    look("one")
    look("two")
    found = [event for event in store.events("ann") if event.kind == "opened"]
    assert [event.context["turn"] for event in found] == ["one", "two"]
    with pytest.raises(ValueError, match="no such opinion"):
        site.note("s", memory, json.dumps({"item": item, "kind": "opened", "on": False}))


@pytest.mark.parametrize(
    "bad", ["", "[]", "{}", '{"item": "nothing", "kind": "liked", "on": true}', '{"item": 1, "kind": "typed", "on": 1}']
)
def test_what_is_no_opinion_is_refused(site, bad):
    with pytest.raises((ValueError, KeyError, TypeError)):
        site.note("s", opened(site), bad)


def test_a_conversation_of_somebody_else_is_not_opened(site):
    mine = opened(site)
    list(site.answer("s", WISH, mine, "en"))
    theirs, view = site.open("s", Memory("bob", conversation=mine.conversation))
    assert theirs.conversation != mine.conversation
    assert view.live == ""
    (step,) = site.answer("t", WISH, Memory("bob", conversation=mine.conversation), "zh")
    assert "另一位用户" in step.error


def test_while_loading_a_message_is_refused_in_words():
    site = Sessions(Loader(lambda report: None))
    (step,) = site.answer("s", WISH, Memory("ann"), "zh")
    assert "加载" in step.error
    assert site.marks("s", Memory("ann")) == {}


PAGE = SimpleNamespace(session_hash="s", client=None)


def handlers_of(loader):
    """Return the handlers of a built page, by name."""

    async def build():  # in a running loop: without one, Gradio makes one for its locks and never closes it
        return build_page(loader, default_user="ann")

    with ThreadPoolExecutor(1) as pool:  # the browser tests leave a loop running in this thread
        page = pool.submit(asyncio.run, build()).result()
    return {fn.fn.__name__: fn.fn for fn in page.fns.values() if fn.fn}


@pytest.fixture
def handlers(site):
    return handlers_of(site.loader)


def names(changes):
    return {component.elem_id for component in changes}


def test_the_handlers_of_the_page_change_what_they_should(handlers, site):
    request = PAGE
    changes = handlers["on_load"](None, "zh-CN", request)
    by_id = {component.elem_id: value for component, value in changes.items()}
    assert by_id["zy-send"]["value"] == "发送"
    assert by_id["zy-loading"] == ""
    memory = next(value for component, value in changes.items() if isinstance(value, dict) and "conversation" in value)
    steps = list(handlers["on_send"](WISH, memory, "zh", request))
    assert any("zy-message" in names(step) for step in steps)
    assert names(steps[-1]) == {"zy-stop"}
    assert "zy-notice" in names(next(iter(handlers["on_send"](" ", memory, "zh", request))))
    pressed = SimpleNamespace(pressed=json.dumps({"say": "funny"}))
    steps = list(handlers["on_press"](memory, "zh", request, pressed))
    assert any({"zy-live", "zy-held"} <= names(step) for step in steps)
    assert not any("zy-message" in names(step) for step in steps)
    assert names(steps[-1]) == {"zy-stop"}
    assert names(handlers["on_stop"]("zh", request)) == {"zy-stop"}
    assert "zy-live" in names(handlers["on_new"](memory, "zh", request))
    assert names(handlers["on_user"](" ann ", memory, "zh", request)) == {"zy-user"}
    assert names(handlers["on_user"]("n" * 99, memory, "zh", request)) == {"zy-user", "zy-notice"}
    changes = {component.elem_id: value for component, value in handlers["on_user"]("bob", memory, "zh", request).items()}
    assert (changes["zy-live"], changes["zy-user"]) == ("", "bob")
    changes = {component.elem_id: value for component, value in handlers["on_language"]("en", memory, request).items()}
    assert changes["zy-send"]["value"] == "Send"
    assert "zy-live" not in changes
    assert "zy-live" in names(handlers["on_tick"](memory, "en", request))
    handlers["on_unload"](request)
    item = next(iter(site.pipeline.index.items))
    event = SimpleNamespace(opinion=json.dumps({"item": item, "kind": "liked", "on": True}))
    assert names(handlers["on_mark"](memory, "en", request, event)) == {"zy-marks"}
    assert names(handlers["on_mark"](memory, "en", request, SimpleNamespace(opinion="x"))) == {"zy-marks", "zy-notice"}


def test_the_handlers_say_what_the_store_refuses(handlers, site, monkeypatch):
    def refuse(*_):
        raise ZhiyinError("full", key="error_store")

    monkeypatch.setattr(site.pipeline.store, "append", refuse)
    item = next(iter(site.pipeline.index.items))
    event = SimpleNamespace(opinion=json.dumps({"item": item, "kind": "liked", "on": True}))
    changes = {component.elem_id: value for component, value in handlers["on_mark"]({}, "zh", PAGE, event).items()}
    assert "无法读写你的记录" in changes["zy-notice"]
    monkeypatch.setattr(site.pipeline.store, "conversations", refuse)
    changes = {component.elem_id: value for component, value in handlers["on_load"]({}, "zh", PAGE).items()}
    assert "无法读写你的记录" in changes["zy-notice"]


def test_the_page_is_there_while_loading():
    loader = Loader(lambda report: None)
    changes = {component.elem_id: value for component, value in handlers_of(loader)["on_tick"]({}, "en", PAGE).items()}
    assert "Starting" in changes["zy-loading"]


def test_a_private_conversation_is_shown_goes_on_and_ends_with_its_person(handlers, site):
    memory = {"user": "ann", "language": "en", "conversation": ""}

    def look(changes):
        return {component.elem_id: value for component, value in changes.items()}

    handlers["on_private"](memory, "en", PAGE)
    list(handlers["on_send"](WISH, memory, "en", PAGE))
    item = next(iter(site.pipeline.index.items))
    opinion = SimpleNamespace(opinion=json.dumps({"item": item, "kind": "liked", "on": True}))
    handlers["on_mark"](memory, "en", PAGE, opinion)
    assert list(site.pipeline.store.events("ann")) == []
    never = Event("ann", "corrected", text="x", context={"op": "never", "facet": "genres", "value": "war"})
    site.pipeline.learn(never)
    [line] = site.pipeline.people.portrait("ann", "en")
    changes = look(handlers["on_beside"](memory, "en", PAGE, SimpleNamespace(asked=json.dumps({"line": line.key}))))
    assert WISH in changes["zy-live"]  # what was said in private is still on the page
    assert changes["zy-secret"]
    assert "Taken back" in changes["zy-panel"]
    changes = look(handlers["on_new"](memory, "en", PAGE))
    assert (changes["zy-live"], bool(changes["zy-secret"])) == ("", True)
    list(handlers["on_send"](WISH, memory, "en", PAGE))
    changes = look(handlers["on_user"]("bob", memory, "en", PAGE))
    assert (changes["zy-live"], changes["zy-secret"]) == ("", "")
    list(handlers["on_send"](WISH, {**memory, "user": "bob", "conversation": "c"}, "en", PAGE))
    assert site.pipeline.store.events("bob")  # and what bob says is kept
    assert [e.kind for e in site.pipeline.store.events("ann")] == ["corrected", "corrected"]


def test_the_dialog_says_what_it_did_and_what_it_cannot(handlers, site, monkeypatch):
    memory = {"user": "ann", "language": "en", "conversation": ""}

    def ask(**asked):
        changes = handlers["on_beside"](memory, "en", PAGE, SimpleNamespace(asked=json.dumps(asked)))
        return {component.elem_id: value for component, value in changes.items()}

    file = json.loads(ask(export=True)["zy-document"])
    assert file["name"] == "zhiyin-profile.json"
    assert json.loads(file["text"])["format"] == "zhiyin-profile"
    assert "nothing has changed" in ask(**{"import": "{}"})["zy-notice"]
    assert "no longer holds" in ask(line="absent")["zy-notice"]
    assert "no longer holds" in ask(surprise=True)["zy-notice"]
    assert "Erased: 0 events" in ask(erase=True)["zy-panel"]
    left = Erased(1, 0, 0, (Path("somebodys.log"),))
    monkeypatch.setattr(Keeper, "erase", lambda *_: left)
    assert "somebodys.log" in ask(erase=True)["zy-panel"]
