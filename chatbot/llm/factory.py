"""Builds the language model that the settings ask for."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from chatbot.llm.base import LanguageModel
from chatbot.llm.scripted import ScriptedModel
from chatbot.llm.weights import resolve
from chatbot.settings import Settings
from retrieval.errors import SettingsError

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


def build_language_model(settings: Settings, report: Report | None = None) -> LanguageModel:
    """Load the model of the settings; a GGUF file for transformers is converted first, once.

    Args:
        settings: ``model``, ``engine``, ``threads``, ``context_tokens`` and the weights folder are read.
        report: told how much is done, 0..1.

    Raises:
        SettingsError: model and engine do not fit, or the model names nothing.
        WeightsError: the weights were not fetched.
        EngineError: they cannot be loaded.
    """
    tell: Report = report or (lambda done: None)
    if settings.engine == "scripted":
        tell(1.0)
        return ScriptedModel()
    model = resolve(settings.model, "generator", settings.weights_folder)
    built: LanguageModel
    if choose_engine(settings, model) == "llama_cpp":
        from chatbot.llm.llama_cpp import LlamaCppModel

        built = LlamaCppModel(Path(model), context_tokens=settings.context_tokens, threads=settings.threads)
    else:
        if isinstance(model, Path) and model.is_file():
            from chatbot.llm.convert import convert

            model = convert(model, settings.weights_folder, lambda done: tell(0.8 * done))
        from chatbot.llm.transformers_engine import TransformersModel

        built = TransformersModel(model, threads=settings.threads, context_tokens=settings.context_tokens)
    tell(1.0)
    return built
