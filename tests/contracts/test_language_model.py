"""What every LanguageModel must do, whichever engine runs it."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from llm_server import CONTEXT, serving
from pydantic import SecretStr

from chatbot.llm.base import LanguageModel, Prompt
from chatbot.llm.convert import convert
from chatbot.llm.guarded import GuardedModel
from chatbot.llm.llama_cpp import LlamaCppModel
from chatbot.llm.openai_api import OpenAIModel
from chatbot.llm.scripted import ScriptedModel
from chatbot.llm.transformers_engine import TransformersModel
from retrieval.errors import EngineError

COLOURS = Prompt("You are brief.", "Name three colours.", (("Name two animals.", "Cat, dog."),))
PREFIXED = Prompt("You are brief.", "Name three colours.", prefix="The three colours are: red,")
COUNT = Prompt("", "Count from one to ten in words.", prefix="one, two, three,")
STORY = Prompt("", "Write a very long story about a dog and its many friends.")
QUESTION = Prompt("", "Which one is a fruit? A: car B: apple C: stone. Answer with the letter alone.")
LABELS = ("A", "B", "C")
FORM = Prompt(
    "You fill in a JSON form.", "I want a red car.", (("I want a blue dog.", '{"colour": "blue", "words": ["dog"]}'),)
)
SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"enum": ["red", "blue", "none"]},
        "words": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/Word"}},
    },
    "required": ["colour", "words"],
    "additionalProperties": False,
    "$defs": {"Word": {"type": "string", "maxLength": 12}},
}
QWEN = (pytest.mark.slow, pytest.mark.model)
LLAMA_CPP = ("llama_cpp", "openai")  # the server that is asked here is one of llama.cpp


def scripted_answer(prompt: Prompt) -> str:
    if prompt == STORY:
        return "Once upon a time there was a dog. " * 200
    return " four, five, six." if prompt == COUNT else " green, blue and yellow."


@pytest.fixture(scope="session")
def scripted():
    return ScriptedModel(scripted_answer, delay=0.002)


class _Apart(ScriptedModel):
    """Is called in a thread of its own."""

    lets_go = False


@pytest.fixture(scope="session")
def guarded():
    return GuardedModel(ScriptedModel(scripted_answer, delay=0.002), 60.0)


@pytest.fixture(scope="session")
def guarded_apart():
    return GuardedModel(_Apart(scripted_answer, delay=0.002), 60.0)


@pytest.fixture(scope="session")
def guarded_llama_cpp_smollm(llama_cpp_smollm):
    return GuardedModel(llama_cpp_smollm, 60.0)


@pytest.fixture(scope="session")
def llama_cpp_smollm(smollm_path):
    return LlamaCppModel(smollm_path, context_tokens=CONTEXT)


@pytest.fixture(scope="session")
def transformers_smollm(smollm_path, weights_folder):
    return TransformersModel(convert(smollm_path, weights_folder), context_tokens=CONTEXT)


@pytest.fixture(scope="session")
def openai_smollm(smollm_path):
    with serving(smollm_path, "open sesame") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield OpenAIModel(url, key=SecretStr("open sesame"))


@pytest.fixture(scope="session")
def llama_cpp_qwen(qwen_path):
    return LlamaCppModel(qwen_path, context_tokens=CONTEXT)


@pytest.fixture(scope="session")
def transformers_qwen(qwen_path, weights_folder):
    return TransformersModel(convert(qwen_path, weights_folder), context_tokens=CONTEXT)


REAL = [
    "llama_cpp_smollm",
    "transformers_smollm",
    "openai_smollm",
    pytest.param("llama_cpp_qwen", marks=QWEN),
    pytest.param("transformers_qwen", marks=QWEN),
]


@pytest.fixture(scope="session", params=["scripted", "guarded", "guarded_apart", "guarded_llama_cpp_smollm", *REAL])
def model(request) -> LanguageModel:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session", params=REAL)
def real_model(request) -> LanguageModel:
    return request.getfixturevalue(request.param)


def text_of(model: LanguageModel, prompt: Prompt, max_tokens: int = 20, stop: tuple[str, ...] = ()) -> str:
    return "".join(model.stream(prompt, max_tokens=max_tokens, stop=stop))


def test_description(model):
    assert set(model.description) == {"engine", "name"}
    assert all(model.description.values())


def test_stream_is_deterministic(model):
    pieces = list(model.stream(COLOURS, max_tokens=20))
    assert len(pieces) > 1
    assert "".join(pieces) == text_of(model, COLOURS)


def test_max_tokens(model):
    short, long = text_of(model, STORY, 4), text_of(model, STORY, 16)
    assert short
    assert long.startswith(short)
    assert len(short) < len(long)
    assert text_of(model, STORY, 0) == "" or model.description["engine"] == "llama_cpp"  # to which 0 means 1


def test_stop(model):
    whole = text_of(model, COLOURS)
    middle = len(whole) // 2
    stop = whole[middle : middle + 3]
    assert text_of(model, COLOURS, stop=(stop, "no such text")) == whole[: whole.find(stop)]


def test_cancel(model):
    cancel, since, pieces = threading.Event(), 0.0, 0
    for _ in model.stream(STORY, max_tokens=400, cancel=cancel):
        pieces += 1
        if pieces == 5:
            since = time.monotonic()
            cancel.set()
    assert time.monotonic() - since < 1
    assert pieces < 15


def test_cancelled_before_it_begins(model):
    cancel = threading.Event()
    cancel.set()
    assert len(list(model.stream(COLOURS, max_tokens=200, cancel=cancel))) <= 2


def test_closing_the_generator_ends_the_call(model):
    pieces = model.stream(STORY, max_tokens=400)
    next(pieces)
    since = time.monotonic()
    pieces.close()
    assert time.monotonic() - since < 10  # not the minute that the rest would take
    assert text_of(model, COLOURS, 4)
    assert "transformers-stream" not in [thread.name for thread in threading.enumerate()]


def test_prefix_is_continued_and_not_repeated(model):
    answer = text_of(model, PREFIXED)
    assert answer.strip()
    assert "three colours are" not in answer
    assert not answer.lstrip().startswith("red,")


def test_scores_are_log_probabilities(model):
    scores = model.score(QUESTION, LABELS)
    assert list(scores) == list(LABELS)
    assert all(value <= 1e-6 for value in scores.values())
    # llama.cpp computes a prompt that it remembers in another order than a new one.
    tolerance = 0.15 if model.description["engine"] in LLAMA_CPP else 0
    assert model.score(QUESTION, LABELS) == pytest.approx(scores, abs=tolerance)


def test_scores_survive_other_prompts_in_between(transformers_smollm):
    long = Prompt("You choose one label. " * 20, "Which one is a fruit? A: car B: apple C: stone.")
    first = transformers_smollm.score(long, LABELS)
    transformers_smollm.score(Prompt("You choose one label. " * 20, "Something else"), LABELS)
    text_of(transformers_smollm, COLOURS)
    assert transformers_smollm.score(long, LABELS) == first


@pytest.mark.parametrize("name", [pytest.param(f"{engine}_qwen", marks=QWEN) for engine in ("llama_cpp", "transformers")])
def test_prefers_the_right_label(name, request):
    scores = request.getfixturevalue(name).score(QUESTION, LABELS)
    assert max(scores, key=scores.__getitem__) == "B"


@pytest.mark.parametrize("weights", ["smollm", pytest.param("qwen", marks=QWEN)])
def test_engines_agree(weights, request):
    best = []
    for engine in ("llama_cpp", "transformers", *(["openai"] if weights == "smollm" else [])):
        scores = request.getfixturevalue(f"{engine}_{weights}").score(QUESTION, LABELS)
        best.append(max(scores, key=scores.__getitem__))
    assert len(set(best)) == 1


def test_label_of_several_tokens_is_refused(model):
    with pytest.raises(EngineError, match="token"):
        model.score(QUESTION, ("A", "hello there"))


def test_fills_in_a_form(model):
    text = model.fill(FORM, SCHEMA, max_tokens=60)
    assert model.fill(FORM, SCHEMA, max_tokens=60) == text
    if model.description["engine"] == "transformers":  # which nothing holds to the schema
        return
    form = json.loads(text)
    assert list(form) == ["colour", "words"]
    assert form["colour"] in ("red", "blue", "none")
    assert len(form["words"]) <= 2
    assert all(isinstance(word, str) and len(word) <= 12 for word in form["words"])


def test_a_form_is_cut_off(model):
    cancel = threading.Event()
    cancel.set()
    whole = model.fill(FORM, SCHEMA, max_tokens=60)
    assert len(model.fill(FORM, SCHEMA, max_tokens=2)) < len(whole)
    assert len(model.fill(FORM, SCHEMA, max_tokens=60, cancel=cancel)) < len(whole)


@pytest.mark.parametrize("name", [pytest.param(f"{engine}_qwen", marks=QWEN) for engine in ("llama_cpp", "transformers")])
def test_fills_in_the_right_values(name, request):
    form = json.loads(request.getfixturevalue(name).fill(FORM, SCHEMA, max_tokens=60))
    assert form["colour"] == "red"


def test_too_long_prompt_is_refused(real_model):
    long = Prompt("", "word " * 3000)
    with pytest.raises(EngineError, match="tokens"):
        text_of(real_model, long)
    with pytest.raises(EngineError):
        real_model.score(long, LABELS)


def test_two_threads_do_not_mix_their_texts(model):
    alone = [text_of(model, prompt, 8) for prompt in (PREFIXED, COUNT)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda prompt: text_of(model, prompt, 8), (PREFIXED, COUNT)))
    assert together == alone


class TestTransformersTemplates:
    """Templates without a system role, that drop the system text, or that fail."""

    @pytest.fixture
    def with_template(self, transformers_smollm, monkeypatch):
        def use(template: str) -> TransformersModel:
            monkeypatch.setattr(transformers_smollm._tokenizer, "chat_template", template)
            return transformers_smollm

        return use

    PLAIN = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"

    @pytest.mark.parametrize(
        "template",
        [
            "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + PLAIN,
            "{% for m in messages if m['role'] != 'system' %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}",
        ],
    )
    def test_system_text_is_folded(self, with_template, template):
        model = with_template(template)
        text = model._tokenizer.decode(model._encode(Prompt("Be brief.", "Name a colour.", (("Hi.", "Hello."),))))
        assert text == "[user]Be brief.\n\nHi.[assistant]Hello.[user]Name a colour."

    def test_failing_template(self, with_template):
        with pytest.raises(EngineError, match="chat template"):
            text_of(with_template("{{ raise_exception('never') }}"), COLOURS)

    def test_failure_in_the_thread_reaches_the_caller(self, transformers_smollm, monkeypatch):
        def fail(*args, **kwargs):
            raise RuntimeError("out of memory")

        monkeypatch.setattr(transformers_smollm._model, "generate", fail)
        with pytest.raises(EngineError, match="out of memory"):
            text_of(transformers_smollm, COLOURS)
