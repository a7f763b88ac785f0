"""Fixtures that many tests share: weights on disk and the public data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatbot.llm.weights import fetch
from chatbot.settings import Settings


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """Where weights lie: the real cache, so that they are fetched once a machine."""
    return Settings().weights_folder


@pytest.fixture(scope="session")
def smollm_path(weights_folder: Path) -> Path:
    """The small generator for tests, 98 MB; fetched if it is absent."""
    return fetch("smollm2-135m-instruct", weights_folder)


@pytest.fixture(scope="session")
def qwen_path(weights_folder: Path) -> Path:
    """The default generator, 1.1 GB; fetched if it is absent."""
    return fetch("qwen2.5-coder-1.5b-instruct", weights_folder)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The public data beside the repository."""
    path = Path(os.environ.get("ZHIYIN_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"no public data at {path}; set ZHIYIN_SHARED_DATA")
    return path
