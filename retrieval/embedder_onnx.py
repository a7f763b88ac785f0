"""The default embedder's file as an ordinary sentence-transformers module.

Universal Sentence Encoder multilingual v3 (Yang et al., ACL 2020 demos) as one ONNX graph with its tokenizer inside: input
``inputs`` is a string array, output ``outputs`` has 512 dimensions.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.modules.input_module import InputModule

DIMENSION = 512
MAX_CHARACTERS = 2000  # the graph's memory grows with the square of the length


class UniversalSentenceEncoder(InputModule):
    """Strings in, sentence embeddings out; needs onnxruntime and onnxruntime-extensions."""

    config_keys: list[str] = []  # noqa: RUF012  (declared so by the base class)

    def __init__(self, path: Path) -> None:
        """Open the graph on the CPU."""
        super().__init__()
        self._path = path
        self._alone = _open(path, threads=1)  # of several threads one text takes twice the work, most of it waiting

    @cached_property
    def _together(self) -> Any:
        """For batches, on all cores: opened where items are embedded, and hardly ever where people are answered."""
        return _open(self._path)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the (n, 512) embeddings of a batch, as :meth:`forward` does, without the steps of the library around it."""
        session = self._alone if len(texts) == 1 else self._together
        (vectors,) = session.run(["outputs"], {"inputs": np.array([text[:MAX_CHARACTERS] for text in texts], dtype=object)})
        return vectors

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Keep the strings: the tokenizer is in the graph."""
        return {"texts": [(prompt or "") + str(text) for text in inputs]}

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Run the graph on a batch of n strings; adds ``sentence_embedding`` of shape (n, 512)."""
        features["sentence_embedding"] = torch.as_tensor(self.vectors(features["texts"]))
        return features

    def get_embedding_dimension(self) -> int:
        """Return 512."""
        return DIMENSION

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Refuse: the file is fetched, never written."""
        raise NotImplementedError("the ONNX embedder is used from its file and is not saved again")


def _open(path: Path, threads: int = 0) -> Any:
    """Open the graph on the CPU, for so many threads; 0: one a core."""
    os.putenv("ORT_DISABLE_TELEMETRY", "1")  # native code of 1.32 reports to its maker; read when it is loaded
    runtime: Any = importlib.import_module("onnxruntime")
    extensions: Any = importlib.import_module("onnxruntime_extensions")
    options = runtime.SessionOptions()
    options.register_custom_ops_library(extensions.get_library_path())
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
