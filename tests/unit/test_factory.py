"""Which engine the factory chooses."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from chatbot.llm import factory
from chatbot.llm.scripted import ScriptedModel
from chatbot.settings import Settings
from retrieval.errors import SettingsError, WeightsError


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "small.gguf"
    path.touch()
    return path


@pytest.fixture
def cuda(monkeypatch):
    def set_cuda(present: bool) -> None:
        monkeypatch.setattr(factory, "has_cuda", lambda: present)

    set_cuda(False)
    return set_cuda


@pytest.mark.parametrize(("present", "engine"), [(False, "llama_cpp"), (True, "transformers")])
def test_auto_with_a_gguf_file(gguf, cuda, present, engine):
    cuda(present)
    assert factory.choose_engine(Settings(), gguf) == engine


def test_auto_with_a_folder_or_a_hub_id(tmp_path, cuda):
    assert factory.choose_engine(Settings(), tmp_path) == "transformers"
    assert factory.choose_engine(Settings(), "Qwen/Qwen3-4B-Instruct-2507") == "transformers"


@pytest.mark.parametrize("engine", ["llama_cpp", "transformers"])
def test_a_named_engine_wins(gguf, cuda, engine):
    cuda(engine == "llama_cpp")
    assert factory.choose_engine(Settings(engine=engine), gguf) == engine


def test_llama_cpp_refuses_a_folder_and_a_hub_id(tmp_path):
    for model in (tmp_path, "owner/name"):
        with pytest.raises(SettingsError, match="GGUF"):
            factory.choose_engine(Settings(engine="llama_cpp"), model)


def test_a_file_that_is_no_gguf(tmp_path):
    path = tmp_path / "model.bin"
    path.touch()
    with pytest.raises(SettingsError, match="no GGUF file"):
        factory.choose_engine(Settings(), path)


def test_scripted_needs_no_weights(tmp_path):
    done = []
    model = factory.build_language_model(Settings(engine="scripted", home=tmp_path), done.append)
    assert isinstance(model, ScriptedModel)
    assert done == [1.0]


def test_weights_that_were_not_fetched(tmp_path):
    with pytest.raises(WeightsError, match=r"python app\.py weights") as caught:
        factory.build_language_model(Settings(home=tmp_path))
    assert caught.value.key == "error_weights"


def test_llama_cpp_gets_the_settings(gguf, cuda, monkeypatch):
    calls = []
    monkeypatch.setattr("chatbot.llm.llama_cpp.LlamaCppModel", lambda *args, **options: calls.append((args, options)))
    factory.build_language_model(Settings(model=str(gguf), threads=3, context_tokens=4096))
    assert calls == [((gguf,), {"context_tokens": 4096, "threads": 3, "adapter": None})]


def test_transformers_converts_a_gguf_file_first(gguf, tmp_path, monkeypatch):
    converted, calls, done = tmp_path / "converted", [], []

    def convert(path, folder, report):
        assert (path, folder) == (gguf, tmp_path / "weights")
        report(0.5)
        return converted

    monkeypatch.setattr("chatbot.llm.convert.convert", convert)
    monkeypatch.setattr(
        "chatbot.llm.transformers_engine.TransformersModel", lambda *args, **options: calls.append((args, options))
    )
    settings = Settings(model=str(gguf), engine="transformers", home=tmp_path, threads=1)
    factory.build_language_model(settings, done.append)
    assert calls == [((converted,), {"threads": 1, "context_tokens": 2048, "adapter": None})]
    assert done == [0.4, 1.0]


@pytest.mark.parametrize("present", [False, True])
def test_a_server_that_is_set_is_not_asked_unless_its_engine_is(gguf, cuda, monkeypatch, present):
    cuda(present)
    monkeypatch.setenv("ZHIYIN_SERVER_URL", "http://127.0.0.1:8000/v1")
    assert factory.choose_engine(Settings(), gguf) in ("llama_cpp", "transformers")


def test_the_server_gets_the_settings_and_needs_no_weights(tmp_path, monkeypatch):
    calls, done = [], []
    monkeypatch.setattr("chatbot.llm.openai_api.OpenAIModel", lambda *args, **options: calls.append((args, options)))
    settings = Settings(engine="openai", server_url="http://a/v1", server_key="sesame", server_timeout=9, home=tmp_path)
    factory.build_language_model(settings, done.append)
    assert calls == [(("http://a/v1", "default"), {"key": SecretStr("sesame"), "timeout": 9})]
    assert done == [1.0]


def test_torch_is_asked_only_where_a_gpu_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(factory, "NVIDIA_DEVICE", tmp_path / "nvidia0")
    monkeypatch.setattr(factory.shutil, "which", lambda name: None)
    monkeypatch.setattr(factory.importlib, "import_module", lambda name: pytest.fail(f"imports {name}"))
    assert not factory.has_cuda()
    torch = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: True))
    monkeypatch.setattr(factory.importlib, "import_module", lambda name: torch)
    (tmp_path / "nvidia0").touch()
    assert factory.has_cuda()


def test_the_factory_does_not_import_torch():
    code = "import sys, chatbot.llm.factory; sys.exit(not {'torch', 'transformers', 'openai'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
