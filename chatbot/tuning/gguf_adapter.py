"""An adapter of peft as a GGUF file for llama.cpp.

The format is that of llama.cpp's ``convert_lora_to_gguf.py``: the keys ``general.type`` and ``adapter.*``, and for each adapted
matrix W (out, in), to which llama.cpp adds alpha / rank · B·A, the tensors ``<name>.lora_a`` (rank, in) and ``<name>.lora_b``
(out, rank).
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.llm.adapter import CONFIG, GGUF, WEIGHTS
from retrieval.errors import EngineError

Floats = NDArray[np.float32]
# transformers' model types -> llama.cpp's architectures, where the attention's matrices are one to one
ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
PERMUTED = {"llama"}  # architectures in whose files the halves of each rotary head alternate, row by row
_PREFIX = "base_model.model."


def write_gguf(folder: Path, config: Any) -> Path | None:
    """Write an adapter's matrices beside it.

    Args:
        folder: with peft's files.
        config: of the base model, from transformers.

    Returns:
        The file; None where llama.cpp's names for the model are not known here.

    Raises:
        EngineError: the adapter holds something else than matrices of known layers.
    """
    architecture = ARCHITECTURES.get(str(config.model_type))
    if architecture is None:
        return None
    gguf: Any = importlib.import_module("gguf")
    known = next(arch for arch, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(known, config.num_hidden_layers)
    tensors: dict[str, Floats] = importlib.import_module("safetensors.numpy").load_file(folder / WEIGHTS)
    writer = gguf.GGUFWriter(folder / GGUF, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    settings = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(settings["lora_alpha"]))
    for key, tensor in tensors.items():
        layer, _, part = key.removeprefix(_PREFIX).removesuffix(".weight").rpartition(".")
        name = names.get_name(layer)
        if name is None or part not in ("lora_A", "lora_B"):
            raise EngineError(f"llama.cpp has no tensor for '{key}' of the adapter in {folder}.")
        if part == "lora_B" and architecture in PERMUTED:
            tensor = _permuted(layer, tensor, config)
        writer.add_tensor(f"{name}.weight.{part.lower()}", np.ascontiguousarray(tensor, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder / GGUF


def _permuted(layer: str, rows: Floats, config: Any) -> Floats:
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(layer.rpartition(".")[2])
    return rows if heads is None else alternate_halves(rows, heads)


def alternate_halves(rows: Floats, heads: int) -> Floats:
    """Return the rows as GGUF files of Llama have them: of each head, one of its first half and one of its second in turn.

    Args:
        rows: (heads · size, n), where each head's first half comes before its second.
        heads: how many there are.
    """
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, 2, half, -1).swapaxes(1, 2).reshape(rows.shape)
