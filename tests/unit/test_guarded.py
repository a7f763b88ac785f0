"""The guard around a model: whatever happens to it, its caller is let go in time with an EngineError, and the turn is whole."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from chatbot.llm import guarded
from chatbot.llm.base import Prompt
from chatbot.llm.guarded import FAILURES, KINDS, MOST_LEFT, PAUSE_SECONDS, GuardedModel
from chatbot.llm.late import LateModel
from chatbot.llm.scripted import ScriptedModel
from chatbot.reranking import Poll
from chatbot.types import Cards, Conversation, Done, Profile, Text
from chatbot.ui.cards import Shelf
from chatbot.ui.texts import text
from chatbot.ui.turns import render_stored
from retrieval.errors import EngineError, SettingsError

PROMPT = Prompt("", "Say something.")
SHORT = 0.15  # seconds of patience; everything here that waits waits for no more than a few of them


class Faulty(ScriptedModel):
    """A model that answers until it is told to crash or to hang, wherever it is asked or in some calls alone."""

    lets_go = False

    def __init__(self, script=("one two three four",), **options):
        super().__init__(script, **options)
        self.fault, self.where, self.asked = "", KINDS, []
        self.go = threading.Event()

    def _maybe(self, kind):
        self.asked.append(kind)
        if kind in self.where and self.fault == "crash":
            raise RuntimeError("illegal instruction")
        if kind in self.where and self.fault == "hang":
            assert self.go.wait(30)

    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        self._maybe("stream")
        yield from super().stream(prompt, max_tokens=max_tokens, stop=stop, cancel=cancel)

    def score(self, prompt, labels):
        self._maybe("score")
        return super().score(prompt, labels)

    def fill(self, prompt, schema, *, max_tokens, cancel=None):
        self._maybe("fill")
        return super().fill(prompt, schema, max_tokens=max_tokens, cancel=cancel)


class Polling(Faulty):
    """One that hangs in a thread of its own and lets its caller go, as the engines do."""

    lets_go = True

    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        self._poll("stream", cancel)
        yield from ScriptedModel.stream(self, prompt, max_tokens=max_tokens, stop=stop, cancel=cancel)

    def fill(self, prompt, schema, *, max_tokens, cancel=None):
        self._poll("fill", cancel)
        return ScriptedModel.fill(self, prompt, schema, max_tokens=max_tokens, cancel=cancel)

    def _poll(self, kind, cancel):
        if self.fault != "hang":
            return self._maybe(kind)
        self.asked.append(kind)

        def hang(held):  # an engine's thread holds what it was given
            self.go.wait(30)
            assert held is not None

        threading.Thread(target=hang, args=[cancel], daemon=True).start()
        while not cancel.is_set():
            time.sleep(0.005)
        return None


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(params=[Faulty, Polling])
def faulty(request):
    model = request.param()
    yield model
    model.go.set()


def ask(model, kind):
    """Make one call; return what came, or what was said of why nothing did: the error itself would hold its frames."""
    try:
        match kind:
            case "stream":
                return "".join(model.stream(PROMPT, max_tokens=20))
            case "score":
                return model.score(PROMPT, ["A", "B"])
            case _:
                return model.fill(PROMPT, {"type": "object"}, max_tokens=20)
    except EngineError as error:
        return str(error) if error.key == "error_engine" else error.key


def until(check):
    end = time.monotonic() + 10
    while not check():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_an_engine_raises_is_an_engine_error_and_a_good_call_is_as_it_was(faulty, kind):
    model = GuardedModel(faulty, 10)
    good = ask(model, kind)
    faulty.fault = "crash"
    assert "illegal instruction" in ask(model, kind)
    faulty.fault = ""
    assert ask(model, kind) == good == ask(faulty, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_hangs_is_given_up_and_comes_back_into_the_count_when_it_ends(faulty, kind):
    told = []
    model = GuardedModel(faulty, SHORT, fallback=told.append)
    faulty.fault = "hang"
    assert "ZHIYIN_MODEL_TIMEOUT" in ask(model, kind)
    assert (told, model.left_behind) == ([kind], 1)
    faulty.go.set()
    until(lambda: model.left_behind == 0)


def test_calls_that_never_come_back_do_not_pile_up(faulty):
    clock = Clock()
    model = GuardedModel(faulty, SHORT, clock=clock)
    faulty.fault = "hang"
    for _ in range(MOST_LEFT + 2):
        ask(model, "stream")
        clock.now += PAUSE_SECONDS + 1
    assert model.left_behind == MOST_LEFT == len(faulty.asked)
    assert "never came back" in ask(model, "score")
    faulty.go.set()
    until(lambda: model.left_behind == 0)
    faulty.fault = ""

    def well():  # on a busy machine even a good call may take longer than the patience of this test
        clock.now += PAUSE_SECONDS + 1
        return ask(model, "stream") == "one two three four"

    until(well)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_keeps_failing_is_left_alone_and_then_tried_once(faulty, kind):
    clock = Clock()
    model = GuardedModel(faulty, 10, clock=clock)
    faulty.fault = "crash"
    for _ in range(FAILURES):
        ask(model, kind)
    assert "asked again in 30 s" in ask(model, kind)
    assert len(faulty.asked) == FAILURES
    clock.now += PAUSE_SECONDS + 1
    assert "illegal instruction" in ask(model, kind)
    assert "asked again" in ask(model, kind)  # the try failed: alone again
    clock.now += PAUSE_SECONDS + 1
    faulty.fault = ""
    good = ask(model, kind)
    assert len(faulty.asked) == FAILURES + 2
    faulty.fault = "crash"
    ask(model, kind)
    faulty.fault = ""
    assert ask(model, kind) == good  # one failure after it recovered leaves it open
    # what fails elsewhere says nothing of this
    other = next(k for k in KINDS if k != kind)
    faulty.fault, faulty.where = "crash", (other,)
    for _ in range(FAILURES + 1):
        ask(model, other)
    assert ask(model, kind) == good


def test_while_one_call_tries_the_model_again_the_others_go_on_without(faulty):
    clock = Clock()
    model = GuardedModel(faulty, 10, clock=clock)
    faulty.fault = "crash"
    for _ in range(FAILURES):
        ask(model, "stream")
    faulty.fault = ""
    clock.now += PAUSE_SECONDS + 1
    trial = model.stream(PROMPT, max_tokens=20)
    assert next(trial) == "one"
    assert "asked again" in ask(model, "stream")
    trial.close()  # it wrote: it is well, whether or not all of it was wanted
    assert ask(model, "stream") == "one two three four"


def test_one_who_called_off_is_no_failure_and_one_who_had_enough_is_none_either(faulty):
    told, tokens = [], []
    model = GuardedModel(faulty, 10, fallback=told.append, tokens=tokens.append)
    faulty.fault, cancel = "hang", threading.Event()
    threading.Timer(0.05, cancel.set).start()
    for _ in range(FAILURES + 1):
        assert list(model.stream(PROMPT, max_tokens=20, cancel=cancel)) == []
        assert model.fill(PROMPT, {"type": "object"}, max_tokens=20, cancel=cancel) == ""
    faulty.go.set()
    faulty.fault = ""
    pieces = model.stream(PROMPT, max_tokens=20)
    assert [next(pieces), next(pieces)] == ["one", " two"]
    pieces.close()
    assert ask(model, "stream") == "one two three four"
    assert (told, tokens) == ([], [2, 4])


# -- turns -------------------------------------------------------------------------------------------------------------

NOTES = {"stream": "no sentence by the model", "score": "no vote", "fill": "not read by the model"}


def turn_of(make_pipeline, message, fault, where, **options):
    """Run a turn whose model has a fault; return its events, the calls of the model, and the page of what was stored."""
    broken = Faulty("")
    broken.fault, broken.where = fault, where
    pipeline = make_pipeline(model=GuardedModel(broken, SHORT if fault == "hang" else 10), poll=Poll(0.5), **options)
    events = list(pipeline.respond(message, Conversation("c", "ann"), Profile("ann")))
    broken.go.set()
    assert isinstance(events[-1], Done)
    (stored,) = pipeline.store.load("c", "ann").turns
    page = render_stored(stored, Shelf(pipeline.index.domain, pipeline.index.items, Profile("ann")), last=True)
    return events, broken.asked, page


@pytest.mark.parametrize("message", ["a quiet film about space, no horror", "想看安静的太空片，不要恐怖片"])
@pytest.mark.parametrize("fault", ["crash", "hang"])
@pytest.mark.parametrize("where", [("stream",), ("score",), KINDS], ids="+".join)
def test_a_turn_without_its_model_is_whole_and_says_so(make_pipeline, message, fault, where):
    events, asked, page = turn_of(make_pipeline, message, fault, where)
    turn = events[-1].turn
    assert len(turn.items) == 3
    assert [len(event.items) for event in events if isinstance(event, Cards)] == [3, 3]
    assert all(reason.written_by == "template" for item in turn.items for reason in item.reasons)
    assert all(any(reason.sources[0] == "card.summary" for reason in item.reasons) for item in turn.items)
    sentences = [event for event in events if isinstance(event, Text) and event.item]
    assert len(sentences) >= 3
    assert all(event.written_by == "template" and event.sources for event in sentences)
    for kind in set(where) & set(asked):
        assert any(note.startswith(NOTES[kind]) for note in turn.notes), turn.notes
    assert asked.count("score") == 1
    if "stream" in where:
        assert asked.count("stream") == 1  # one that fails is not waited for once an item
        assert text(turn.request.language, "model_silent") in page
    elif fault == "crash":
        assert asked.count("stream") == 6
        assert text(turn.request.language, "model_silent") not in page


@pytest.mark.parametrize("message", ["for an evening when the rain will not stop", "给我找点能让人放下心事的东西吧"])
@pytest.mark.parametrize("fault", ["crash", "hang"])
def test_a_message_that_the_model_could_not_read_is_answered_by_the_rules(make_pipeline, message, fault):
    events, asked, _ = turn_of(make_pipeline, message, fault, ("fill",), read_with_model=True)
    turn = events[-1].turn
    assert asked[0] == "fill"
    assert turn.reply
    assert turn.items or turn.question
    assert NOTES["fill"] in turn.notes


# -- a server that comes later -----------------------------------------------------------------------------------------


def test_a_model_that_is_not_there_yet_fails_at_once_and_is_taken_when_it_comes():
    tries = []

    def build():
        tries.append(1)
        if len(tries) < 3:
            raise EngineError("not yet", key="error_engine")
        return ScriptedModel(["here I am"])

    model = LateModel(build, EngineError("The server cannot be reached.", key="error_engine"), again=0.02)
    assert model.description["name"] == "absent"
    assert ask(model, "stream") in ("The server cannot be reached.", "not yet")
    until(lambda: model.description["name"] == "scripted")
    assert ask(GuardedModel(model, 10), "stream") == "here I am"
    assert len(tries) == 3


def test_a_server_that_has_other_models_is_not_asked_for_ever():
    tries = []

    def build():
        tries.append(1)
        raise SettingsError("no such model")

    model = LateModel(build, EngineError("not there", key="error_engine"), again=0.01)
    until(lambda: ask(model, "score") == "no such model")
    time.sleep(0.1)
    assert len(tries) == 1


def test_the_program_starts_without_the_server_of_its_model(tmp_path):
    from chatbot.llm.factory import build_guarded_model
    from chatbot.settings import Settings

    built = build_guarded_model(Settings(engine="openai", server_url="http://127.0.0.1:1/v1", home=tmp_path))
    assert isinstance(built.model, LateModel)
    built.model.close()
    assert "cannot be reached" in ask(built, "stream")
    assert guarded.FAILURES == 3


HANGS = """
import sys, threading, time
import app
from chatbot.llm.base import Prompt
from chatbot.llm.guarded import GuardedModel
from chatbot.llm.scripted import ScriptedModel
from retrieval.errors import EngineError

class Hangs(ScriptedModel):
    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        threading.Thread(target=lambda held: time.sleep(1000), args=[cancel]).start()  # no daemon, as those of the engines
        while not cancel.is_set():
            time.sleep(0.01)
        yield from ()

model = GuardedModel(Hangs(), 0.1)
try:
    list(model.stream(Prompt("", "x"), max_tokens=3))
except EngineError as error:
    print(error)
sys.argv[1:] = ["--version"]
app.main()
"""


def test_the_program_ends_although_its_model_hangs():
    done = subprocess.run(
        [sys.executable, "-c", HANGS], cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, timeout=60
    )
    assert "did not answer within 0.1 s" in done.stdout
    assert "zhiyin" in done.stdout
    assert "ends without it" in done.stderr
    assert done.returncode == 1
