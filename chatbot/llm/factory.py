"""Builds the language model that the settings ask for."""

from __future__ import annotations

import importlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from chatbot.llm.adapter import find_adapter
from chatbot.llm.base import LanguageModel
from chatbot.llm.guarded import GuardedModel
from chatbot.llm.late import LateModel
from chatbot.llm.probe import threads_for
from chatbot.llm.scripted import ScriptedModel
from chatbot.llm.weights import resolve
from chatbot.settings import Settings
from retrieval.errors import EngineError, SettingsError

logger = logging.getLogger(__name__)
Report: TypeAlias = Callable[[float], None]
Engine: TypeAlias = Literal["llama_cpp", "transformers"]
NVIDIA_DEVICE = Path("/dev/nvidia0")


def has_cuda() -> bool:
    """Whether torch can use an NVIDIA GPU; torch, which takes seconds to import, is asked only where there may be one."""
    if not NVIDIA_DEVICE.exists() and shutil.which("nvidia-smi") is None:
        return False
    torch: Any = importlib.import_module("torch")
    return bool(torch.cuda.is_available())


def _is_gguf(model: Path | str) -> bool:
    return isinstance(model, Path) and model.is_file()


def choose_engine(settings: Settings, model: Path | str) -> Engine:
    """Return the engine for a file, a folder or a hub id.

    Raises:
        SettingsError: the engine that was asked for cannot load it.
    """
    if isinstance(model, Path) and model.is_file() and model.suffix.lower() != ".gguf":
        raise SettingsError(f"{model} is no GGUF file. Give a .gguf file or the folder of a model.", key="error_settings")
    if settings.engine == "llama_cpp" and not _is_gguf(model):
        raise SettingsError(
            f"llama.cpp loads GGUF files alone, and '{model}' is none. Use '--engine transformers', or give a .gguf file.",
            key="error_settings",
        )
    if settings.engine in ("llama_cpp", "transformers"):
        return settings.engine
    return "llama_cpp" if _is_gguf(model) and not has_cuda() else "transformers"


def build_guarded_model(
    settings: Settings,
    report: Report | None = None,
    *,
    tokens: Callable[[int], None] | None = None,
    fallback: Callable[[str], None] | None = None,
) -> GuardedModel:
    """Build the model of the settings for a service: one that fails or hangs holds nobody up, and a server may come later.

    Args:
        settings: as in :func:`build_language_model`; ``model_timeout`` is read too.
        report: told how much is done, 0..1.
        tokens: told how many pieces each text had.
        fallback: told which kind of call failed: stream, score or fill.

    Raises:
        SettingsError, WeightsError, EngineError: as :func:`build_language_model`; that a server is not there is no error.
    """
    model: LanguageModel
    try:
        model = build_language_model(settings, report)
    except EngineError as error:
        if settings.engine != "openai":
            raise
        logger.warning("sentences of the cards stand in until the model's server is there: %s", error)
        model = LateModel(lambda: build_language_model(settings), error)
    return GuardedModel(model, settings.model_timeout, tokens=tokens, fallback=fallback)


def build_language_model(settings: Settings, report: Report | None = None) -> LanguageModel:
    """Load the model of the settings; a GGUF file for transformers is converted first, once.

    Args:
        settings: ``model``, ``engine``, ``adapter``, ``threads``, ``context_tokens``, the weights folder and the server are
            read.
        report: told how much is done, 0..1.

    Raises:
        SettingsError: model, engine and adapter do not fit, the model or the adapter names nothing, or an extra is not
            installed.
        WeightsError: the weights were not fetched.
        EngineError: they cannot be loaded, or the server cannot be reached.
    """
    tell: Report = report or (lambda done: None)
    if settings.engine == "scripted":
        tell(1.0)
        return ScriptedModel()
    built: LanguageModel
    if settings.engine == "openai":
        if settings.adapter:
            problem = "ZHIYIN_ADAPTER is for the engines of this machine: a server loads its own. Leave it empty."
            raise SettingsError(problem, key="error_settings")
        from chatbot.llm.openai_api import OpenAIModel

        built = OpenAIModel(settings.server_url, settings.model, key=settings.server_key, timeout=settings.server_timeout)
        tell(1.0)
        return built
    model = resolve(settings.model, "generator", settings.weights_folder)
    engine = choose_engine(settings, model)
    adapter = find_adapter(settings.adapter, model)
    if engine == "llama_cpp":
        from chatbot.llm.llama_cpp import LlamaCppModel

        threads = settings.threads or threads_for(Path(model), settings.weights_folder)
        built = LlamaCppModel(Path(model), context_tokens=settings.context_tokens, threads=threads, adapter=adapter)
    else:
        if isinstance(model, Path) and model.is_file():
            from chatbot.llm.convert import convert

            model = convert(model, settings.weights_folder, lambda done: tell(0.8 * done))
        from chatbot.llm.transformers_engine import TransformersModel

        built = TransformersModel(model, threads=settings.threads, context_tokens=settings.context_tokens, adapter=adapter)
    tell(1.0)
    return built
