"""GGUF to a safetensors folder, once: transformers unpacks a GGUF file at every load, which takes most of a minute."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from filelock import FileLock

from retrieval.errors import EngineError, WeightsError

logger = logging.getLogger(__name__)
Report: TypeAlias = Callable[[float], None]
STAMP = "converted-from.txt"
VERSION = 1
BYTES_A_PARAMETER = 2


def _origin(path: Path) -> str:
    return f"{path.name} {path.stat().st_size} v{VERSION}\n"


def convert(path: Path, folder: Path, report: Report | None = None) -> Path:
    """Return the bfloat16 safetensors folder of a GGUF file, made if it is not there; tokenizer and chat template included.

    Args:
        path: the GGUF file.
        folder: the weights folder; the result is ``<folder>/converted/<name>/``.
        report: told how much is done, 0..1.

    Raises:
        WeightsError: there is no such file, or no room for the result.
        EngineError: transformers cannot read it.
    """
    if not path.is_file():
        raise WeightsError(f"No model file at {path}. Run 'python app.py weights' to fetch it.", key="error_weights")
    target = folder / "converted" / path.stem
    stamp = target / STAMP
    origin = _origin(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f".{path.stem}.lock"):
            if not stamp.is_file() or stamp.read_text(encoding="utf-8") != origin:
                logger.info("converting %s once; this takes about a minute", path)
                _convert(path, target, origin, report or (lambda done: None))
    except OSError as error:
        raise WeightsError(
            f"Cannot write {target}: {error}. Set ZHIYIN_HOME to another folder.", key="error_weights"
        ) from error
    return target


def _load(path: Path, report: Report) -> tuple[Any, Any]:
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    report(0.05)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
    report(0.15)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent,
        gguf_file=path.name,
        dtype=torch.bfloat16,
        quantization_config=transformers.GgufConfig(dequantize=True),
        local_files_only=True,
    )
    return model, tokenizer


def _convert(path: Path, target: Path, origin: str, report: Report) -> None:
    report(0.0)
    try:
        model, tokenizer = _load(path, report)
    except Exception as error:
        raise EngineError(
            f"transformers cannot read {path}: {error}. Use '--engine llama_cpp' for this file, or a safetensors folder.",
            key="error_engine",
        ) from error
    report(0.85)
    needed, free = BYTES_A_PARAMETER * int(model.num_parameters()), shutil.disk_usage(target.parent).free
    if free < needed:
        raise WeightsError(
            f"Not enough disk space to convert {path.name} in {target.parent}: {needed:,} bytes are needed, {free:,} are free.",
            key="error_weights",
        )
    # save_pretrained refuses a model that still calls itself quantised.
    model.config.quantization_config = None
    del model.config.quantization_config
    model.hf_quantizer = None
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a run that was interrupted
    try:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        (partial / STAMP).write_text(origin, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)  # made from another file of this name
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    report(1.0)
