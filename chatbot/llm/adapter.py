"""An adapter for the vote: small matrices beside a model's weights, which ``python app.py tune`` makes for one base model.

LoRA: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022). The folder holds peft's files, the same
matrices for llama.cpp, the base model that they belong to, and what they were worth on held-out examples.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import warnings
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from chatbot.llm.manifest import local_folder
from retrieval.errors import EngineError, SettingsError

Switch: TypeAlias = Callable[[], AbstractContextManager[None]]
BASE = "base.json"
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"  # peft's names
GGUF = "adapter.gguf"
METRICS = "metrics.json"
SAMPLES, SAMPLE_BYTES = 64, 1 << 16  # of each file of weights: reading all of it at every start would take seconds


@dataclass(frozen=True, slots=True)
class Base:
    """The model that an adapter belongs to: its name, and a digest of its weights."""

    name: str
    digest: str


def base_of(model: Path | str) -> Base:
    """Name a model by samples of its weights: another model, another quantisation or another size has another digest.

    Args:
        model: a GGUF file, a folder or a hub id.

    Raises:
        WeightsError: it is not there.
    """
    path = Path(model).expanduser()
    if path.is_file():
        return Base(path.stem, _digest([path]))
    folder = local_folder(model)
    files = sorted(file for file in folder.iterdir() if file.suffix in (".safetensors", ".bin"))
    return Base(folder.name if path.is_dir() else str(model), _digest(files))


def _digest(files: list[Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        size = path.stat().st_size
        digest.update(f"{size}\n".encode())
        with path.open("rb") as file:
            for n in range(SAMPLES):
                file.seek(max(size - SAMPLE_BYTES, 0) * n // (SAMPLES - 1))
                digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def write_base(base: Base, folder: Path) -> None:
    """Note in an adapter's folder which model it belongs to."""
    (folder / BASE).write_text(json.dumps(asdict(base), indent=1) + "\n", encoding="utf-8")


def find_adapter(setting: str, model: Path | str) -> Path | None:
    """Return the folder of the adapter that a setting names, if it belongs to the model; None when it names none.

    Args:
        setting: a folder, or an empty text.
        model: the GGUF file, folder or hub id that the settings mean, before it is converted.

    Raises:
        SettingsError: there is no adapter, or it was made for another model.
    """
    if not setting:
        return None
    folder = Path(setting).expanduser()
    try:
        made_for = Base(**json.loads((folder / BASE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"ZHIYIN_ADAPTER: no adapter in {folder}: {error}. Make one with 'python app.py tune', or leave the setting empty.",
            key="error_settings",
        ) from error
    own = base_of(model)
    if own.digest != made_for.digest:
        raise SettingsError(
            f"ZHIYIN_ADAPTER: the adapter in {folder} was made for {made_for.name} ({made_for.digest[:8]}), and the "
            f"model is {own.name} ({own.digest[:8]}). Make one for it with 'python app.py tune', or leave it empty.",
            key="error_settings",
        )
    return folder


def gguf_of(folder: Path) -> Path:
    """Return the file for llama.cpp of an adapter's folder.

    Raises:
        EngineError: there is none.
    """
    path = folder / GGUF
    if not path.is_file():
        problem = f"The adapter in {folder} has no {GGUF} for llama.cpp. Use '--engine transformers'."
        raise EngineError(problem, key="error_engine")
    return path


def import_peft() -> Any:
    """Return the library peft.

    Raises:
        SettingsError: it is not installed; names the extra.
    """
    try:
        with quiet():
            return importlib.import_module("peft")
    except ImportError as error:
        problem = f"Adapters need the package peft ({error}). Install it: pip install 'zhiyin[tune]'."
        raise SettingsError(problem, key="error_settings") from error


@contextmanager
def quiet() -> Generator[None]:
    """Silence what peft warns of: names within transformers that its own next version changes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        yield


def attach(model: Any, folder: Path) -> Switch:
    """Put an adapter into a loaded model of transformers, switched off: the model answers as before.

    Args:
        model: with its weights; linear layers are wrapped in place.
        folder: of the adapter.

    Returns:
        What switches the adapter on for the length of a with-block. One block at a time.

    Raises:
        SettingsError: peft is not installed.
        EngineError: the files cannot be used.
    """
    peft = import_peft()
    try:
        with quiet():
            layers: Any = peft.PeftModel.from_pretrained(model, str(folder)).eval().base_model
    except Exception as error:
        raise EngineError(f"The adapter in {folder} cannot be loaded: {error}", key="error_engine") from error
    layers.disable_adapter_layers()

    @contextmanager
    def switched_on() -> Generator[None]:
        layers.enable_adapter_layers()
        try:
            yield
        finally:
            layers.disable_adapter_layers()

    return switched_on
